//! Freedom from deadlock and from lockout, under weak fairness.
//!
//! In a finite graph of states a participant is locked out if and only if there is a strongly
//! connected component of states in all of which it tries to get in, and that is *fair*: each agent
//! (a participant, or its store buffer) takes a step in it, or cannot or need not take one in some
//! state of it. With the steps by which somebody goes in left out of the graph, the same is a
//! deadlock. Weak fairness is also called justice: Zohar Manna and Amir Pnueli, "The Temporal Logic
//! of Reactive and Concurrent Systems: Specification", 1992.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, EdgeReference, NodeIndex};
use petgraph::visit::{EdgeFiltered, EdgeRef};
use stateright::Model;

use crate::explore::{Extent, Violation};
use crate::state::{Action, State};
use crate::system::System;

/// What nobody may be kept from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// If somebody tries, somebody gets in.
    NoDeadlock,
    /// Whoever tries gets in.
    NoLockout,
}

/// What matters of a state, a bit for each participant.
struct Node {
    trying: u32,
    /// Need not take a step, or cannot before a store of its own has arrived.
    excused: u32,
    /// Has no stores that are on their way.
    drained: u32,
}

struct Edge {
    /// A participant, or from their number on its store buffer.
    agent: usize,
    /// Whether by it somebody goes in.
    goes_in: bool,
}

type Graph = DiGraph<Node, Edge>;

/// Looks for a fair component without progress.
pub(crate) fn find(
    system: &System,
    progress: Progress,
    most_states: usize,
) -> Result<Extent, Violation> {
    let broken = |claim: String| Violation { claim, steps: Vec::new() };
    let graph = graph(system, most_states).map_err(broken)?;
    let number = system.bounds.participants;
    for who in 0..number {
        let tries = |node: NodeIndex| graph[node].trying & 1 << who != 0;
        let stays = |edge: EdgeReference<'_, Edge>| {
            tries(edge.source())
                && tries(edge.target())
                && !(progress == Progress::NoDeadlock && edge.weight().goes_in)
        };
        let components = kosaraju_scc(&EdgeFiltered::from_fn(&graph, stays));
        let component = components.iter().find(|them| is_fair(&graph, them, stays, number));
        if let Some(component) = component {
            let what = match progress {
                Progress::NoDeadlock => "nobody gets in any more",
                Progress::NoLockout => "one never gets in",
            };
            return Err(broken(format!("{what} (participant {who}, {} states)", component.len())));
        }
    }
    Ok(Extent { states: graph.node_count(), depth: None, ended: true })
}

fn is_fair(
    graph: &Graph,
    component: &[NodeIndex],
    stays: impl Fn(EdgeReference<'_, Edge>) -> bool,
    number: usize,
) -> bool {
    let members: HashSet<_> = component.iter().copied().collect();
    let (mut moved, mut excused, mut drained) = (0_u32, 0, 0);
    for &node in component {
        excused |= graph[node].excused;
        drained |= graph[node].drained;
        for edge in
            graph.edges(node).filter(|edge| members.contains(&edge.target()) && stays(*edge))
        {
            moved |= 1 << edge.weight().agent;
        }
    }
    let all = (1 << number) - 1;
    moved != 0 && (moved | excused) & all == all && (moved >> number | drained) & all == all
}

/// All reachable states. An error if one ought not to be, or if there are more than `most_states`.
fn graph(system: &System, most_states: usize) -> Result<Graph, String> {
    let mut graph = Graph::new();
    let mut known = HashMap::new();
    let mut open = Vec::new();
    for state in system.init_states() {
        let node = graph.add_node(node(system, &state));
        known.insert(fingerprint(&state), node);
        open.push((state, node));
    }
    while let Some((state, from)) = open.pop() {
        if let Some(why) = state.broken() {
            return Err(why.to_owned());
        }
        for (action, next) in system.next_steps(&state) {
            let agent = match action {
                Action::Step(who) | Action::Try(who) | Action::Withdraw(who) => Some(who),
                Action::Arrival(who, _) => Some(system.bounds.participants + who),
                Action::Crash(_) => None,
            };
            let goes_in = next.inside() > state.inside();
            let to = match known.entry(fingerprint(&next)) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(vacant) => {
                    let to = graph.add_node(node(system, &next));
                    vacant.insert(to);
                    open.push((next, to));
                    to
                }
            };
            // No cycle has a crash in it: their number is bounded.
            if let Some(agent) = agent {
                graph.add_edge(from, to, Edge { agent, goes_in });
            }
        }
        if graph.node_count() > most_states {
            return Err("the states have an end".to_owned());
        }
    }
    Ok(graph)
}

fn node(system: &System, state: &State) -> Node {
    let (mut trying, mut excused, mut drained) = (0, 0, 0);
    for (who, participant) in state.participants.iter().enumerate() {
        let bit = |holds: bool| u32::from(holds) << who;
        trying |= bit(participant.is_trying());
        let stalled = || system.next_state(state, Action::Step(who)).is_none();
        excused |= bit(participant.is_at_rest() || stalled());
        drained |= bit(!state.has_pending(who));
    }
    Node { trying, excused, drained }
}

fn fingerprint(state: &State) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}
