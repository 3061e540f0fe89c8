//! The models: one subject a file. Each model's comment states its bounds; each runs to the end
//! within them or fails.
//!
//! *Exhaustive* means every interleaving and every value that a load may see, as far as loom knows
//! the memory model. *k preemptions* means those in which the scheduler takes a thread off the
//! processor at most k times against its will.

mod attempt;
mod bound;
mod deaths;
mod exclusion;
mod hand_over;
mod identity;
mod joining;
mod lease;
mod notice;
mod parking;
mod recovery;
mod settle;
mod ticket;
mod withdrawal;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use loom::cell::UnsafeCell;
use loom::thread;

use crate::algorithm::{Algorithm, Intent, NobodySleeps, Slot, Turn};
use crate::atomic::fences_are_steps;
use crate::local::lot;
use crate::{futex, mortal, thread_locals};

/// A model with a name, to be run as a test or against a mutant.
#[derive(Clone, Copy)]
pub(crate) struct Model {
    pub(crate) subject: &'static str,
    pub(crate) name: &'static str,
    pub(crate) run: fn(),
}

/// `subject::name`; its test is `models::subject::tests::name`.
impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.subject, self.name)
    }
}

/// All models.
pub(crate) fn all() -> impl Iterator<Item = Model> {
    let subjects = [
        exclusion::MODELS,
        withdrawal::MODELS,
        hand_over::MODELS,
        joining::MODELS,
        parking::MODELS,
        notice::MODELS,
        attempt::MODELS,
        bound::MODELS,
        lease::MODELS,
        ticket::MODELS,
        settle::MODELS,
        identity::MODELS,
        deaths::MODELS,
        recovery::MODELS,
    ];
    subjects.into_iter().flatten().copied()
}

/// Models of what is not so: each has to fail.
pub(crate) fn false_claims() -> impl Iterator<Item = Model> {
    notice::FALSE_CLAIMS.iter().copied()
}

/// Declares a file's models: a test each, and their list.
macro_rules! models {
    ($subject:literal $($(#[$doc:meta])* $name:ident: $run:expr;)*) => {
        pub(super) const MODELS: &[crate::models::Model] = &[$(
            crate::models::Model { subject: $subject, name: stringify!($name), run: || $run }
        ),*];

        #[cfg(test)]
        mod tests {
            #[allow(clippy::wildcard_imports)] // the expressions are written for the file around
            use super::*;

            $($(#[$doc])* #[test] fn $name() { $run; })*
        }
    };
}
use models;

/// How much of each a participant does, and how much of it is explored.
#[derive(Clone, Copy)]
struct Bounds {
    rounds: usize,
    /// `None`: exhaustive.
    preemptions: Option<usize>,
    fences_are_steps: bool,
}

const fn exhaustive(rounds: usize) -> Bounds {
    Bounds { rounds, preemptions: None, fences_are_steps: false }
}

const fn preemptions(rounds: usize, preemptions: usize) -> Bounds {
    Bounds { rounds, preemptions: Some(preemptions), fences_are_steps: false }
}

/// Others may run between an access and the fence after it: see [`fences_are_steps`].
const fn stepping(rounds: usize, preemptions: usize) -> Bounds {
    Bounds { rounds, preemptions: Some(preemptions), fences_are_steps: true }
}

/// How many preemptions more than its bounds say a model has, and how many executions it had.
static DEEPER: AtomicUsize = AtomicUsize::new(0);
static EXECUTIONS: AtomicUsize = AtomicUsize::new(0);

/// Explores every model from here on with more preemptions than its bounds say.
pub(crate) fn go_deeper(preemptions: usize) {
    DEEPER.store(preemptions, Relaxed);
}

/// How many executions there were, of all models that were run.
pub(crate) fn executions() -> usize {
    EXECUTIONS.load(Relaxed)
}

/// Explores a model to the end of its bounds: no limit of time or number ends it earlier.
fn check(bounds: Bounds, model: impl Fn() + Send + Sync + 'static) {
    fences_are_steps(bounds.fences_are_steps);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = bounds.preemptions.map(|bound| bound + DEEPER.load(Relaxed));
    builder.max_permutations = None;
    builder.max_duration = None;
    // Far more than any execution that ends has; a waiter that waits for ever runs into it.
    builder.max_branches = 3_000;
    builder.check(move || {
        EXECUTIONS.fetch_add(1, Relaxed);
        futex::nobody_sleeps();
        lot::forget();
        thread_locals::forget();
        mortal::forget();
        model();
        thread_locals::end();
    });
}

/// An algorithm and what it protects: loom reports two threads that touch it without a
/// happens-before between them.
struct Protected<A> {
    algorithm: A,
    data: UnsafeCell<u32>,
}

impl<A: Algorithm> Protected<A> {
    fn new(algorithm: A) -> Self {
        Self { algorithm, data: UnsafeCell::new(0) }
    }

    /// What is done inside.
    fn touch(&self) {
        // SAFETY: loom lets nobody else in meanwhile, and reports whoever comes near.
        self.data.with_mut(|data| unsafe { *data += 1 });
    }

    /// How often it was touched. To be called after all threads have ended.
    fn touched(&self) -> u32 {
        // SAFETY: as above.
        self.data.with(|data| unsafe { *data })
    }

    fn enter(&self, me: Slot) {
        let entered = self.algorithm.enter(me, Intent::Stay, &NobodySleeps);
        entered.expect("the doorway is open to those who stay");
    }

    /// One round of a participant that spins.
    fn round(&self, me: Slot) {
        self.enter(me);
        self.spin(me);
        self.touch();
        self.algorithm.leave(me, &NobodySleeps);
    }

    fn spin(&self, me: Slot) {
        while self.algorithm.poll(me, &NobodySleeps) != Turn::Mine {
            thread::yield_now();
        }
    }

    /// A wait that gives up for good where a spinning one would go round: it answers false, and the
    /// participant stops where it is, in line for ever.
    ///
    /// Looks that do not succeed change nothing, so whatever two participants in the critical
    /// section have done, they can have done with each look succeeding at once. Enough for
    /// exclusion, and with three participants what makes a model finite; says nothing about
    /// progress.
    fn assume_turn(&self, me: Slot, looks: Looks) -> bool {
        loop {
            match (self.algorithm.poll(me, &NobodySleeps), looks) {
                (Turn::Mine, _) => return true,
                (Turn::Blocked(_), Looks::Idle) => return false,
                (Turn::Blocked(by), Looks::Active) if self.algorithm.is_blocked(me, by) => {
                    return false;
                }
                (Turn::Blocked(_), Looks::Active) => {}
            }
        }
    }

    /// The same round for a participant whose waits are assumed to succeed. Whether it came out.
    fn assumed_round(&self, me: Slot, looks: Looks) -> bool {
        self.enter(me);
        let mine = self.assume_turn(me, looks);
        if mine {
            self.touch();
            self.algorithm.leave(me, &NobodySleeps);
        }
        mine
    }
}

mod in_hand {
    use crate::algorithm::{BypassInHand, BypassPlace, BypassQueue, TicketInHand, TicketQueue};

    crate::hands::hands! {
        Hands: TicketQueue, TicketInHand, true, TicketInHand::ticket, TicketInHand::holding
    }
    crate::hands::bypass_hands!(BypassHands, Hand, 2);
}
use in_hand::{BypassHands, Hands};

/// Whether a poll that finds a participant blocked has done nothing but look.
#[derive(Clone, Copy)]
enum Looks {
    Idle,
    /// The fast mutex may have taken a step before it found something to wait for; to be polled
    /// until it has not.
    Active,
}

/// Runs a participant in each slot from 0: slot 0 in the model's first thread, the others in
/// threads of their own.
fn participants<S: 'static>(
    shared: &loom::sync::Arc<S>,
    number: u32,
    participant: impl Fn(&S, Slot) + Copy + 'static,
) {
    let others: Vec<_> = (1..number)
        .map(|index| {
            let shared = shared.clone();
            thread::spawn(move || {
                participant(&shared, Slot::new(index));
                futex::time_passes();
            })
        })
        .collect();
    participant(shared, Slot::new(0));
    futex::time_passes();
    for other in others {
        other.join().expect("loom reports panics itself");
    }
}
