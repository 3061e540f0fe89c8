//! Every reachable state of a model.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use petgraph::Direction::Incoming;
use petgraph::graph::{DiGraph, NodeIndex};
use stateright::{Checker, HasDiscoveries, Model};

/// A claim that does not hold, and how to get there.
#[derive(Debug)]
pub(crate) struct Violation {
    pub(crate) claim: String,
    pub(crate) steps: Vec<String>,
}

/// Each as it is printed.
pub(crate) fn told(steps: impl IntoIterator<Item = impl Debug>) -> Vec<String> {
    steps.into_iter().map(|step| format!("{step:?}")).collect()
}

/// No model has as many: what does has no end.
pub(crate) static MOST_STATES: AtomicUsize = AtomicUsize::new(20_000_000);

/// A model that comes to its end whatever happens.
pub(crate) trait Bounded: Model {
    /// What is wrong with a state from which it cannot.
    const STUCK: &str;

    /// What went wrong on the way to this state.
    fn broken(state: &Self::State) -> Option<&'static str>;

    fn is_at_its_end(&self, state: &Self::State) -> bool;
}

/// The number of states, if nothing went wrong in any of them, and if the end can be reached from each.
pub(crate) fn explore<S>(system: &S) -> Result<usize, Violation>
where
    S: Bounded + Clone + Send + Sync + 'static,
    S::State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
    S::Action: Copy + Debug + PartialEq + Send + Sync + 'static,
{
    let most = MOST_STATES.load(Relaxed);
    let checker = system
        .clone()
        .checker()
        .target_state_count(most)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    if let Some((_, path)) = checker.discoveries().into_iter().next() {
        let claim = S::broken(path.last_state()).unwrap_or_default().to_owned();
        return Err(Violation { claim, steps: told(path.into_actions()) });
    }
    let states = checker.unique_state_count();
    if states >= most {
        return Err(Violation { claim: "the states have no end".to_owned(), steps: Vec::new() });
    }
    drop(checker);
    match stuck(system) {
        None => Ok(states),
        Some(steps) => Err(Violation { claim: S::STUCK.to_owned(), steps: told(steps) }),
    }
}

/// The way to a state from which the end cannot be reached any more.
///
/// Nothing that has to happen is left undone for ever, and what goes in circles can be left: so whatever can
/// come to its end does.
fn stuck<S>(system: &S) -> Option<Vec<S::Action>>
where
    S: Bounded,
    S::State: Hash,
    S::Action: Copy,
{
    let mut graph = DiGraph::<(), ()>::new();
    let (mut known, mut open, mut ends) = (HashMap::new(), Vec::new(), Vec::new());
    // How each was reached first.
    let mut ways = Vec::new();
    for state in system.init_states() {
        let node = graph.add_node(());
        known.insert(fingerprint(&state), node);
        ways.push(None);
        open.push((state, node));
    }
    while let Some((state, from)) = open.pop() {
        if system.is_at_its_end(&state) {
            ends.push(from);
        }
        let mut steps = Vec::new();
        system.actions(&state, &mut steps);
        for step in steps {
            let Some(next) = system.next_state(&state, step) else { continue };
            let to = *known.entry(fingerprint(&next)).or_insert_with(|| {
                let to = graph.add_node(());
                ways.push(Some((from, step)));
                open.push((next, to));
                to
            });
            graph.add_edge(from, to, ());
        }
    }
    let mut is_fine = vec![false; graph.node_count()];
    while let Some(node) = ends.pop() {
        if !std::mem::replace(&mut is_fine[node.index()], true) {
            ends.extend(graph.neighbors_directed(node, Incoming));
        }
    }
    let mut stuck = NodeIndex::new(is_fine.iter().position(|is_fine| !is_fine)?);
    let mut steps = Vec::new();
    while let Some((from, step)) = ways[stuck.index()] {
        steps.push(step);
        stuck = from;
    }
    steps.reverse();
    Some(steps)
}

fn fingerprint(state: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}
