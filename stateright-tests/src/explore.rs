//! Every reachable state of a model, looked at one by one.

use stateright::{Checker, HasDiscoveries, Model};

use crate::system::{System, WAITS};

/// What was gone through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub(crate) states: usize,
    /// The longest way from the start, in steps, if it was measured.
    pub(crate) depth: Option<usize>,
    /// Whether these are all states that there are.
    pub(crate) ended: bool,
}

/// A claim that does not hold.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    pub(crate) claim: String,
    /// How to get there.
    pub(crate) steps: Vec<String>,
}

/// No way from the start is as long as this, unless there is one without an end: such a way is
/// followed for ever, each step of it taking longer than the last.
const TOO_DEEP: usize = 500;

/// Looks for a state that breaks a claim of the system. States are told apart by 64-bit
/// fingerprints: among n of them two are taken for one with a chance of about n²/2⁶⁵.
///
/// That there are more than `most_states`, counting those that are reached again, is a fault, unless
/// only those nearest to the start are asked for.
pub(crate) fn explore(
    system: System,
    most_states: usize,
    nearest: bool,
) -> Result<Extent, Violation> {
    // One thread: the ways that it finds are then the shortest.
    let checker = system
        .checker()
        .target_state_count(most_states)
        .target_max_depth(TOO_DEEP)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    let mut discoveries = checker.discoveries();
    let waits = discoveries.remove(WAITS).is_some();
    if let Some((claim, path)) = discoveries.into_iter().next() {
        let claim = path.last_state().broken().unwrap_or(claim).to_owned();
        let steps = path.into_actions().iter().map(|action| format!("{action:?}")).collect();
        return Err(Violation { claim, steps });
    }
    let broken = |claim: &str| Err(Violation { claim: claim.to_owned(), steps: Vec::new() });
    let ended = checker.state_count() < most_states && checker.max_depth() < TOO_DEEP;
    if !ended && !nearest {
        return broken("the states have an end");
    }
    if !waits {
        return broken(WAITS);
    }
    Ok(Extent { states: checker.unique_state_count(), depth: Some(checker.max_depth()), ended })
}
