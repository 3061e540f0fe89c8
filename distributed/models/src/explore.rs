//! Every reachable state of a model.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use petgraph::Direction::Incoming;
use petgraph::graph::{DiGraph, NodeIndex};
use stateright::{Checker, HasDiscoveries, Model};

use crate::algorithm::{Algorithm, Entered, Lock};
use crate::system::{State, Step, System};

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

/// The number of states, if in none of them two are inside or a token has gone back, and if from each of
/// them everybody can still be served.
pub(crate) fn explore<A>(system: System<A>) -> Result<usize, Violation>
where
    A: Algorithm<Request = Lock, Answer = Entered>
        + Clone
        + Debug
        + Eq
        + Hash
        + Send
        + Sync
        + 'static,
    A::Message: Copy + Debug + Eq + Hash + Send + Sync + 'static,
{
    let (bounds, begin) = (system.bounds, system.begin);
    let most = MOST_STATES.load(Relaxed);
    let checker = system
        .checker()
        .target_state_count(most)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    if let Some((_, path)) = checker.discoveries().into_iter().next() {
        let claim = path.last_state().broken().unwrap_or_default().to_owned();
        return Err(Violation { claim, steps: told(path.into_actions()) });
    }
    let states = checker.unique_state_count();
    if states >= most {
        return Err(Violation { claim: "the states have no end".to_owned(), steps: Vec::new() });
    }
    drop(checker);
    match stuck(&System { bounds, begin }) {
        None => Ok(states),
        Some(steps) => {
            Err(Violation { claim: "somebody waits for ever".to_owned(), steps: told(steps) })
        }
    }
}

/// The way to a state from which not everybody can be served any more.
///
/// Nothing that has to happen is left undone for ever, and only the token goes in circles: so whoever can be
/// served is.
fn stuck<A>(system: &System<A>) -> Option<Vec<Step>>
where
    A: Algorithm<Request = Lock, Answer = Entered> + Clone + Debug + Eq + Hash,
    A::Message: Copy + Debug + Eq + Hash,
{
    type Reached<A> = (State<A, <A as Algorithm>::Message>, NodeIndex);
    let mut graph = DiGraph::<(), Step>::new();
    let (mut known, mut open, mut served) = (HashMap::new(), Vec::<Reached<A>>::new(), Vec::new());
    // How each was reached first.
    let mut ways = Vec::new();
    for state in system.init_states() {
        let node = graph.add_node(());
        known.insert(fingerprint(&state), node);
        ways.push(None);
        open.push((state, node));
    }
    while let Some((state, from)) = open.pop() {
        if state.is_served() {
            served.push(from);
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
            graph.add_edge(from, to, step);
        }
    }
    let mut is_fine = vec![false; graph.node_count()];
    while let Some(node) = served.pop() {
        if !std::mem::replace(&mut is_fine[node.index()], true) {
            served.extend(graph.neighbors_directed(node, Incoming));
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
