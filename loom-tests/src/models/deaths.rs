//! Participants that die at any step, and others that clear up after them, who may die at that.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

use loom::sync::Arc;
use loom::thread;

use super::identity::{Kernel, known};
use super::{Bounds, Protected, check, exhaustive, models, preemptions};
use crate::algorithm::{Algorithm, Bakery, BlackWhite, NobodySleeps, Recover, Slot, Turn};
use crate::mortal;
use crate::shared::dead::reset::Dead;
use crate::shared::life::identity::Identity;
use crate::shared::segment::journal::{Journal, Obituary};
use crate::shared::segment::record::{Conduct, Record};

const SLOTS: usize = 3;

/// The one that dies: in slot 1, as process 2.
const MORTAL: Slot = Slot::new(1);

/// When everybody goes in.
const SINCE: u64 = 7;

const fn process(slot: Slot) -> u32 {
    slot.number() + 1
}

/// A segment with room for three. What is done inside is done in two halves.
struct Segment<A> {
    protected: Protected<A>,
    identities: [Identity; SLOTS],
    records: [Record; SLOTS],
    journal: Journal,
    owners: Kernel<SLOTS>,
    recoverers: Kernel<SLOTS>,
}

/// How far a participant has come, which only the model knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Life {
    token: Option<u64>,
    touches: u32,
    came_out: bool,
    /// It has said that its death does no harm, and is not about to take that back.
    is_harmless: bool,
    /// It is about to.
    is_changing: bool,
}

impl<A: Recover> Segment<A> {
    /// One that these have joined.
    fn joined_by(new: fn() -> A, slots: &[u32]) -> Self {
        let segment = Self {
            protected: Protected::new(new()),
            identities: std::array::from_fn(|_| Identity::new()),
            records: std::array::from_fn(|_| Record::new()),
            journal: Journal::new(),
            owners: Kernel::new(),
            recoverers: Kernel::new(),
        };
        for slot in slots.iter().map(|&slot| Slot::new(slot)) {
            assert!(segment.owners.try_lock(slot, process(slot)));
            assert!(segment.identities[slot.index()].publish(&known(process(slot))));
            segment.protected.algorithm.join(slot);
        }
        segment
    }

    fn go_in(&self, me: Slot, life: &Cell<Life>) {
        let token = self.journal.next_token().expect("there are enough");
        self.records[me.index()].go_in(token, SINCE);
        life.set(Life { token: Some(token), ..life.get() });
    }

    fn touch_twice(&self, life: &Cell<Life>) {
        for _ in 0..2 {
            mortal::step();
            self.protected.touch();
            life.set(Life { touches: life.get().touches + 1, ..life.get() });
        }
        mortal::step();
    }

    fn come_out(&self, me: Slot, life: &Cell<Life>) {
        self.records[me.index()].come_out();
        life.set(Life { came_out: true, ..life.get() });
        self.protected.algorithm.leave(me, &NobodySleeps);
    }

    /// What the mortal does until it dies: one round.
    fn mortal_round(&self, life: &Cell<Life>) {
        self.protected.enter(MORTAL);
        self.protected.spin(MORTAL);
        self.go_in(MORTAL, life);
        self.touch_twice(life);
        self.come_out(MORTAL, life);
    }

    /// The same of one that is harmless until it touches the data.
    fn harmless_round(&self, life: &Cell<Life>) {
        let identity = &self.identities[MORTAL.index()];
        identity.set_harmless(true);
        life.set(Life { is_harmless: true, ..life.get() });
        self.protected.enter(MORTAL);
        self.protected.spin(MORTAL);
        self.go_in(MORTAL, life);
        mortal::step();
        life.set(Life { is_harmless: false, is_changing: true, ..life.get() });
        identity.set_harmless(false);
        life.set(Life { is_changing: false, ..life.get() });
        self.touch_twice(life);
        self.come_out(MORTAL, life);
    }

    /// As the library looks after a slot. Whether it has reset it.
    fn look_after(&self, slot: Slot, by: u32) -> bool {
        let identity = &self.identities[slot.index()];
        let Some(owner) = identity.owner() else { return false };
        if self.owners.is_owned(slot) || !identity.is_still(&owner) {
            return false;
        }
        if !self.recoverers.try_lock(slot, by) {
            return false;
        }
        let dead = Dead {
            slot,
            owner: &owner.process,
            is_harmless: owner.is_harmless,
            identity,
            record: &self.records[slot.index()],
            journal: &self.journal,
        };
        let reset = identity.is_still_for_certain(&owner)
            && dead.reset(|| self.protected.algorithm.reset(slot, &NobodySleeps));
        mortal::step();
        self.recoverers.unlock(slot, by);
        reset
    }

    /// One round of a participant that looks after the mortal as long as it is blocked. Its token,
    /// and that of the one who, as it is told, has died inside.
    fn living_round(&self, me: Slot) -> (u64, Option<u64>) {
        self.protected.enter(me);
        while self.protected.algorithm.poll(me, &NobodySleeps) != Turn::Mine {
            if !self.look_after(MORTAL, process(me)) {
                thread::yield_now();
            }
        }
        let told = self.journal.is_poisoned().then(|| {
            let obituary = self.journal.obituary();
            let dead = known(process(MORTAL));
            assert_eq!((obituary.pid, obituary.command), (dead.pid, dead.command));
            assert_eq!((obituary.slot, obituary.conduct.since), (MORTAL.number(), SINCE));
            obituary.conduct.token
        });
        if told.is_some() {
            self.journal.note_repair();
        }
        let life = Cell::new(Life::default());
        self.go_in(me, &life);
        self.touch_twice(&life);
        self.come_out(me, &life);
        (life.get().token.expect("it was in"), told)
    }

    /// To be called when all threads have ended: what has been told is what happened, and nobody
    /// has had another's token.
    fn assert_told(&self, life: Life, rounds: &[(u64, Option<u64>)]) {
        let told: Vec<_> = rounds.iter().filter_map(|(_, told)| *told).collect();
        let mut tokens: Vec<_> = rounds.iter().map(|(token, _)| *token).chain(life.token).collect();
        tokens.sort_unstable();
        assert!(tokens.is_sorted_by(|one, next| one < next), "{tokens:?}");
        let idle = Conduct { token: 0, since: 0 };
        assert!(self.records.iter().all(|record| record.read() == idle));
        match (life.token, life.came_out) {
            (None, _) | (_, true) => assert!(told.is_empty(), "{told:?} after {life:?}"),
            (Some(_), false) if life.is_harmless => assert!(told.is_empty(), "{told:?}: {life:?}"),
            (Some(_), false) if life.is_changing && told.is_empty() => {}
            // The token may be gone, when nothing is left to be done with the data.
            (Some(_), false) if life.touches == 2 && told.is_empty() => {}
            (Some(token), false) => assert_eq!(told, [token], "{life:?}"),
        }
    }
}

/// Runs a model for each step at which the mortal can die.
fn at_each_step(least: usize, dies_after: impl Fn(usize) -> bool) {
    let mut steps = 0;
    while dies_after(steps) {
        steps += 1;
    }
    assert!(steps > least, "it lives longer than {steps} steps");
}

/// The mortal dies before each step of its life in turn, and the kernel takes its byte; meanwhile
/// another wants in, and looks after it.
fn dies<A: Recover + Algorithm + 'static>(bounds: Bounds, new: fn() -> A) {
    at_each_step(10, |steps| {
        let died = std::sync::Arc::new(AtomicBool::new(false));
        let note = died.clone();
        check(bounds, move || {
            let segment = Arc::new(Segment::joined_by(new, &[1, 2]));
            let dying = {
                let (segment, note) = (segment.clone(), note.clone());
                thread::spawn(move || {
                    let life = Cell::new(Life::default());
                    if !mortal::live(steps, || segment.mortal_round(&life)) {
                        note.store(true, Ordering::Relaxed);
                        segment.owners.bury(process(MORTAL));
                    }
                    life.get()
                })
            };
            let told = segment.living_round(Slot::new(2));
            let life = dying.join().expect("loom reports panics itself");
            // It may have been in before the mortal's death, and leave the telling to the next.
            let next = segment.living_round(Slot::new(2));
            segment.assert_told(life, &[told, next]);
        });
        died.load(Ordering::Relaxed)
    });
}

/// The mortal is dead, having come to each step in turn; two want in.
fn is_dead<A: Recover + Algorithm + 'static>(bounds: Bounds, new: fn() -> A) {
    has_died(bounds, new, Segment::mortal_round);
}

/// The same of one that is harmless until it touches the data.
fn is_harmless<A: Recover + Algorithm + 'static>(bounds: Bounds, new: fn() -> A) {
    has_died(bounds, new, Segment::harmless_round);
}

fn has_died<A: Recover + Algorithm + 'static>(
    bounds: Bounds,
    new: fn() -> A,
    round: fn(&Segment<A>, &Cell<Life>),
) {
    at_each_step(10, |steps| {
        let died = std::sync::Arc::new(AtomicBool::new(false));
        let note = died.clone();
        check(bounds, move || {
            let segment = Arc::new(Segment::joined_by(new, &[0, 1, 2]));
            let life = Cell::new(Life::default());
            if !mortal::live(steps, || round(&segment, &life)) {
                note.store(true, Ordering::Relaxed);
                segment.owners.bury(process(MORTAL));
            }
            let other = {
                let segment = segment.clone();
                thread::spawn(move || segment.living_round(Slot::new(2)))
            };
            let told = segment.living_round(Slot::new(0));
            let other = other.join().expect("loom reports panics itself");
            segment.assert_told(life.get(), &[told, other]);
        });
        died.load(Ordering::Relaxed)
    });
}

/// The mortal is dead, having come to each step in turn; so dies the one that looks after it, at
/// each of its steps in turn, while another wants in.
fn recoverer_dies<A: Recover + Algorithm + 'static>(bounds: Bounds, new: fn() -> A) {
    at_each_step(10, |steps| {
        let died = std::sync::Arc::new(AtomicBool::new(false));
        at_each_step(3, |recovery_steps| {
            let recoverer_died = std::sync::Arc::new(AtomicBool::new(false));
            let notes = (died.clone(), recoverer_died.clone());
            check(bounds, move || {
                let segment = Arc::new(Segment::joined_by(new, &[0, 1, 2]));
                let life = Cell::new(Life::default());
                if !mortal::live(steps, || segment.mortal_round(&life)) {
                    notes.0.store(true, Ordering::Relaxed);
                    segment.owners.bury(process(MORTAL));
                }
                let recoverer = {
                    let (segment, note) = (segment.clone(), notes.1.clone());
                    thread::spawn(move || {
                        let look = || {
                            segment.look_after(MORTAL, process(Slot::new(0)));
                        };
                        if !mortal::live(recovery_steps, look) {
                            note.store(true, Ordering::Relaxed);
                            segment.recoverers.bury(process(Slot::new(0)));
                        }
                    })
                };
                let told = segment.living_round(Slot::new(2));
                recoverer.join().expect("loom reports panics itself");
                segment.assert_told(life.get(), &[told]);
            });
            recoverer_died.load(Ordering::Relaxed)
        });
        died.load(Ordering::Relaxed)
    });
}

/// A death puts an end to a lock: whoever sees that sees all of who it was.
fn stops(bounds: Bounds) {
    check(bounds, || {
        let journal = Arc::new(Journal::new());
        let conduct = Conduct { token: 5, since: SINCE };
        let notes = {
            let journal = journal.clone();
            thread::spawn(move || journal.note_end(MORTAL, &known(process(MORTAL)), conduct))
        };
        if journal.is_stopped() {
            let Obituary { pid, slot, conduct: found, command } = journal.obituary();
            let dead = known(process(MORTAL));
            assert_eq!((pid, slot, found), (dead.pid, MORTAL.number(), conduct));
            assert_eq!(command, dead.command);
        }
        notes.join().expect("loom reports panics itself");
        assert!(journal.is_stopped());
    });
}

models! {
    "deaths"
    /// 2 threads, exhaustive.
    stops_for_all: stops(exhaustive(1));
    /// 2 participants, one of which dies at each step, 2 preemptions.
    dies_in_bakery: dies(preemptions(1, 2), Bakery::<3>::new);
    /// 2 participants, one of which dies at each step, 2 preemptions.
    dies_in_black_white: dies(preemptions(1, 2), BlackWhite::<3>::new);
    /// 2 participants after a death at each step, 2 preemptions.
    is_dead_in_bakery: is_dead(preemptions(1, 2), Bakery::<3>::new);
    /// 2 participants after a death at each step, 2 preemptions.
    is_dead_in_black_white: is_dead(preemptions(1, 2), BlackWhite::<3>::new);
    /// 2 participants after a death at each step of one that is harmless at first, 2 preemptions.
    is_harmless_in_bakery: is_harmless(preemptions(1, 2), Bakery::<3>::new);
    /// A participant, and a recoverer that dies at each step after a death at each step, 2
    /// preemptions.
    recoverer_dies_in_bakery: recoverer_dies(preemptions(1, 2), Bakery::<3>::new);
    /// A participant, and a recoverer that dies at each step after a death at each step, 2
    /// preemptions.
    recoverer_dies_in_black_white: recoverer_dies(preemptions(1, 2), BlackWhite::<3>::new);
}
