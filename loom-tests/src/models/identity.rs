//! Slots that processes claim, own and give back, and processes that die at it.

use std::cell::Cell;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

use super::{Bounds, Looks, Protected, check, exhaustive, models, preemptions};
use crate::algorithm::{Algorithm, Bakery, Slot};
use crate::attempt::State;
use crate::mortal;
use crate::shared::life::claim::{Bytes, Joined, claim, give_back};
use crate::shared::life::identity::{Hold, Identity, Process};
use crate::shared::segment::room::Room;

/// Whose lock each byte has on it: nobody's (0), or which process's. Nothing is ordered by it but
/// the dead: all that they did comes before what is done by whoever gets a byte later.
pub(super) struct Kernel<const N: usize> {
    bytes: [loom::sync::atomic::AtomicU32; N],
    /// Apart from the bytes, by which fences of the living would order something.
    graves: loom::sync::atomic::AtomicU32,
    has_graves: AtomicBool,
}

impl<const N: usize> Kernel<N> {
    pub(super) fn new() -> Self {
        Self {
            bytes: std::array::from_fn(|_| loom::sync::atomic::AtomicU32::new(0)),
            graves: loom::sync::atomic::AtomicU32::new(0),
            has_graves: AtomicBool::new(false),
        }
    }

    fn exchange(&self, slot: Slot, from: u32, to: u32) -> bool {
        let byte = &self.bytes[slot.index()];
        byte.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    pub(super) fn try_lock(&self, slot: Slot, process: u32) -> bool {
        let locked = self.exchange(slot, 0, process);
        if locked && self.has_graves.load(Ordering::Relaxed) {
            self.graves.fetch_or(0, Ordering::Acquire);
        }
        locked
    }

    pub(super) fn unlock(&self, slot: Slot, process: u32) {
        assert!(self.exchange(slot, process, 0), "somebody else has the byte");
    }

    /// Whether somebody has a byte: if not, and its owner is dead, then all that this one did came
    /// before.
    pub(super) fn is_owned(&self, slot: Slot) -> bool {
        let owned = self.bytes[slot.index()].load(Ordering::Relaxed) != 0;
        if !owned && self.has_graves.load(Ordering::Relaxed) {
            self.graves.fetch_or(0, Ordering::Acquire);
        }
        owned
    }

    /// Unlocks what a process had that is no more.
    pub(super) fn bury(&self, process: u32) {
        self.graves.fetch_or(0, Ordering::Release);
        self.has_graves.store(true, Ordering::Relaxed);
        for slot in (0..).map(Slot::new).take(N) {
            self.exchange(slot, process, 0);
        }
    }
}

/// The bytes, as a process has them.
struct Opened<'a, const N: usize> {
    kernel: &'a Kernel<N>,
    process: u32,
}

impl<const N: usize> Bytes for Opened<'_, N> {
    type Error = Infallible;

    fn try_lock(&self, slot: Slot) -> Result<bool, Infallible> {
        mortal::step();
        Ok(self.kernel.try_lock(slot, self.process))
    }

    fn unlock(&self, slot: Slot) {
        mortal::step();
        self.kernel.unlock(slot, self.process);
    }
}

/// The slots that have been joined. Their memory is there when the kernel has been asked for it; nobody
/// touches what is not.
struct Opening<'a, const N: usize>(&'a Segment<N>);

impl<const N: usize> Joined for Opening<'_, N> {
    type Error = Infallible;

    fn mark(&self) -> u32 {
        let mark = self.0.room.mark();
        self.0.check_memory(mark);
        mark
    }

    fn raise(&self, over: Slot) -> Result<(), Infallible> {
        mortal::step();
        // Asking the kernel, which others may do as well: apart from loom's own steps.
        self.0.has_memory[over.index()].store(true, Ordering::Relaxed);
        thread::yield_now();
        self.0.room.raise(over.number() + 1);
        Ok(())
    }
}

/// A segment with `N` slots. What an owner does with its slot stands for the slot's registers: loom
/// reports two who do without a happens-before between them.
struct Segment<const N: usize> {
    identities: [Identity; N],
    room: Room,
    has_memory: [AtomicBool; N],
    kernel: Kernel<N>,
    used: [UnsafeCell<u32>; N],
}

impl<const N: usize> Segment<N> {
    fn new() -> Self {
        Self {
            identities: std::array::from_fn(|_| Identity::new()),
            room: Room::new(),
            has_memory: std::array::from_fn(|_| AtomicBool::new(false)),
            kernel: Kernel::new(),
            used: std::array::from_fn(|_| UnsafeCell::new(0)),
        }
    }

    fn opened(&self, process: u32) -> Opened<'_, N> {
        Opened { kernel: &self.kernel, process }
    }

    fn claim(&self, process: u32) -> Option<Slot> {
        let grows = |_| Ok(true);
        let Ok(slot) =
            claim(&self.identities, &Opening(self), &self.opened(process), &known(process), grows);
        if let Some(slot) = slot {
            self.using(slot);
        }
        slot
    }

    fn check_memory(&self, mark: u32) {
        let joined = &self.has_memory[..mark as usize];
        assert!(
            joined.iter().all(|it| it.load(Ordering::Relaxed)),
            "there is no memory up to {mark}"
        );
    }

    fn using(&self, slot: Slot) {
        // SAFETY: loom reports whoever else does meanwhile.
        self.used[slot.index()].with_mut(|used| unsafe { *used += 1 });
    }

    fn give_back(&self, process: u32, slot: Slot) {
        self.using(slot);
        give_back(&self.identities, &self.opened(process), slot);
    }

    /// The number of a slot's owner, all of whom is seen.
    fn owner(&self, slot: usize) -> Option<u32> {
        let owner = self.identities[slot].owner()?.process;
        assert_eq!(owner, known(owner.pid), "parts of several owners, or of none");
        Some(owner.pid)
    }
}

/// A process by its number, from 1: no part of it is another's.
pub(super) fn known(number: u32) -> Process {
    let part = u64::from(number);
    Process {
        pid: number,
        start_time: 100 + part,
        pid_namespace: 200 + part,
        time_namespace: 300 + part,
        locks: 600 + number,
        command: [400 + part, 500 + part],
    }
}

/// So many processes claim a slot each, once, and keep it. As many as there is room for get one,
/// and each another.
fn claim_at_once<const N: usize>(processes: u32, bounds: Bounds) {
    check(bounds, move || {
        let segment = Arc::new(Segment::<N>::new());
        let start = |process| {
            let segment = segment.clone();
            thread::spawn(move || segment.claim(process))
        };
        let others: Vec<_> = (2..=processes).map(start).collect();
        let mut claimed = vec![segment.claim(1)];
        claimed.extend(others.into_iter().map(|it| it.join().expect("loom reports panics itself")));
        let mut owners = Vec::new();
        for (process, slot) in (1..).zip(claimed) {
            if let Some(slot) = slot {
                assert_eq!(segment.owner(slot.index()), Some(process));
                owners.push(slot);
            }
        }
        assert_eq!(owners.len(), N.min(processes as usize), "a slot was lost, or had by two");
    });
}

/// A slot that one process gives back is claimed by the next, while somebody in another slot
/// competes. Waits are assumed: for the slot, and for the turn.
fn handed_over<A: Algorithm + 'static>(bounds: Bounds, new: fn() -> A) {
    const OTHER: Slot = Slot::new(1);
    check(bounds, move || {
        let shared = Arc::new((Protected::new(new()), Segment::<1>::new()));
        let slot = shared.1.claim(1).expect("the slot is free");
        shared.0.algorithm.join(slot);
        let next = {
            let shared = shared.clone();
            thread::spawn(move || {
                if let Some(slot) = shared.1.claim(2) {
                    shared.0.algorithm.join(slot);
                    shared.0.assumed_round(slot, Looks::Idle);
                }
            })
        };
        let other = {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.0.algorithm.join(OTHER);
                shared.0.assumed_round(OTHER, Looks::Idle);
            })
        };
        if shared.0.assumed_round(slot, Looks::Idle) {
            shared.1.give_back(1, slot);
        }
        next.join().expect("loom reports panics itself");
        other.join().expect("loom reports panics itself");
    });
}

/// Two processes share the only slot: each claims it, enters and gives it back, as often as there
/// are rounds, and waits until it can.
fn in_turn<A: Algorithm + 'static>(bounds: Bounds, new: fn() -> A) {
    check(bounds, move || {
        let shared = Arc::new((Protected::new(new()), Segment::<1>::new()));
        let life = move |(protected, segment): &(Protected<A>, Segment<1>), process| {
            for _ in 0..bounds.rounds {
                let slot = loop {
                    if let Some(slot) = segment.claim(process) {
                        break slot;
                    }
                    thread::yield_now();
                };
                protected.algorithm.join(slot);
                protected.round(slot);
                segment.give_back(process, slot);
            }
        };
        let other = {
            let shared = shared.clone();
            thread::spawn(move || life(&shared, 2))
        };
        life(&shared, 1);
        other.join().expect("loom reports panics itself");
        assert_eq!(shared.0.touched() as usize, 2 * bounds.rounds);
        assert_eq!(shared.1.owner(0), None);
    });
}

/// How far a process that dies has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Claiming,
    Joined(Slot),
    Leaving(Slot),
}

const MORTAL: u32 = 2;

/// A process dies before each of the steps of its life in turn (claim a slot, join, one round, give
/// the slot back), and the kernel unlocks its bytes; meanwhile another process claims a slot, and
/// afterwards a third one does. What the dead one had joined stays its; all else is to be had.
fn dies<const N: usize>(bounds: Bounds) {
    let mut steps = 0;
    while dies_after::<N>(steps, bounds) {
        steps += 1;
    }
    assert!(steps > 20, "it lives longer than that");
}

/// Whether it dies in any execution.
fn dies_after<const N: usize>(steps: usize, bounds: Bounds) -> bool {
    let died = std::sync::Arc::new(AtomicBool::new(false));
    let note = died.clone();
    check(bounds, move || {
        let shared = Arc::new((Protected::new(Bakery::<N>::new()), Segment::<N>::new()));
        let dying = {
            let (shared, note) = (shared.clone(), note.clone());
            thread::spawn(move || {
                let (stage, lived) = mortal_life(steps, &shared.0, &shared.1);
                if !lived {
                    note.store(true, Ordering::Relaxed);
                    shared.1.kernel.bury(MORTAL);
                }
                stage
            })
        };
        let segment = &shared.1;
        let got = segment.claim(1);
        let stage = dying.join().expect("loom reports panics itself");
        let left = (0..N).filter(|&slot| segment.owner(slot) == Some(MORTAL));
        let left: Vec<_> = left.collect();
        match stage {
            Stage::Claiming => assert!(left.is_empty(), "{left:?} are joined"),
            Stage::Joined(slot) => assert_eq!(left, [slot.index()]),
            Stage::Leaving(slot) => assert!(left.is_empty() || left == [slot.index()]),
        }
        if let Some(got) = got {
            assert_eq!(segment.owner(got.index()), Some(1), "its slot was taken from it");
        }
        let third = segment.claim(3).is_some();
        let taken = left.len() + usize::from(got.is_some()) + usize::from(third);
        assert_eq!(taken, N.min(left.len() + 2), "a slot was lost, or had by two");
    });
    died.load(Ordering::Relaxed)
}

/// How far it came, and whether it came to the end. Alone in its lock: who has died in line is not
/// looked after.
fn mortal_life<const N: usize>(
    steps: usize,
    protected: &Protected<Bakery<N>>,
    segment: &Segment<N>,
) -> (Stage, bool) {
    let stage = Cell::new(Stage::Claiming);
    let lived = mortal::live(steps, || {
        if let Some(slot) = segment.claim(MORTAL) {
            stage.set(Stage::Joined(slot));
            protected.algorithm.join(slot);
            protected.round(slot);
            stage.set(Stage::Leaving(slot));
            segment.give_back(MORTAL, slot);
        }
    });
    (stage.get(), lived)
}

/// Whom a reader has seen, in all executions: nobody, or a process by its number.
struct Seen([AtomicU32; 3]);

impl Seen {
    const fn new() -> Self {
        Self([const { AtomicU32::new(0) }; 3])
    }

    fn note(&self, owner: Option<u32>) {
        self.0[owner.unwrap_or(0) as usize].fetch_add(1, Ordering::Relaxed);
    }

    fn assert_each(&self) {
        let seen: Vec<_> = self.0.iter().map(|times| times.load(Ordering::Relaxed)).collect();
        assert!(!seen.contains(&0), "a reader should see everybody somewhere: {seen:?}");
    }
}

/// A slot goes from one owner to another and back while somebody reads whose it is.
///
/// The reader is the thread that loom runs last. It then sees all that it could have seen earlier,
/// since it may read older values: also where loom would miss that it came first.
fn read_there_and_back(bounds: Bounds) {
    static SEEN: Seen = Seen::new();
    check(bounds, move || {
        let segment = Arc::new(Segment::<1>::new());
        let slot = segment.claim(1).expect("the slot is free");
        let reader = {
            let segment = segment.clone();
            thread::spawn(move || SEEN.note(segment.owner(0)))
        };
        segment.give_back(1, slot);
        segment.claim(2).expect("the slot is free");
        segment.give_back(2, slot);
        segment.claim(1).expect("the slot is free");
        reader.join().expect("loom reports panics itself");
        assert_eq!(segment.owner(0), Some(1));
    });
    SEEN.assert_each();
}

/// The same with each owner in its own thread, once.
fn read_from_aside(bounds: Bounds) {
    static SEEN: Seen = Seen::new();
    check(bounds, move || {
        let segment = Arc::new(Segment::<1>::new());
        let slot = segment.claim(1).expect("the slot is free");
        let reader = {
            let segment = segment.clone();
            thread::spawn(move || SEEN.note(segment.owner(0)))
        };
        let next = {
            let segment = segment.clone();
            thread::spawn(move || segment.claim(2))
        };
        segment.give_back(1, slot);
        reader.join().expect("loom reports panics itself");
        let next = next.join().expect("loom reports panics itself");
        assert_eq!(segment.owner(0), next.map(|_| 2));
    });
    SEEN.assert_each();
}

/// One owner comes to be held by its descriptor, and then its process dies, while somebody looks
/// whether it is dead by its process. It is not.
fn held(bounds: Bounds) {
    check(bounds, move || {
        let segment = Arc::new(Segment::<1>::new());
        let slot = segment.claim(1).expect("the slot is free");
        let is_gone = Arc::new(AtomicBool::new(false));
        let dying = {
            let (segment, is_gone) = (segment.clone(), is_gone.clone());
            thread::spawn(move || {
                segment.identities[slot.index()].hold_by_descriptor();
                // Its byte stays locked: another process has the descriptor.
                segment.kernel.graves.fetch_or(0, Ordering::Release);
                is_gone.store(true, Ordering::Relaxed);
            })
        };
        let identity = &segment.identities[slot.index()];
        if let Some(owner) = identity.owner()
            && owner.hold == Hold::Process
            && is_gone.load(Ordering::Relaxed)
        {
            segment.kernel.graves.fetch_or(0, Ordering::Acquire);
            assert!(!identity.is_still(&owner), "it was taken for dead");
            assert!(!identity.is_still_for_certain(&owner), "it was taken for dead");
        }
        dying.join().expect("loom reports panics itself");
        assert_eq!(segment.owner(0), Some(1));
    });
}

/// One hands its slot over, inside; two others want to go on. One of them does, after all that the first
/// has done, and nobody sees it as anybody else's than the first one's or its own.
fn handed_over_to_one(bounds: Bounds) {
    check(bounds, move || {
        let segment = Arc::new(Segment::<1>::new());
        let slot = segment.claim(1).expect("the slot is free");
        let adopt = move |segment: &Segment<1>, process| {
            let identity = &segment.identities[slot.index()];
            let Some(owner) = identity.owner() else { return false };
            let adopted = identity.adopt(&owner, &known(process));
            if adopted {
                assert_eq!(owner.hold, Hold::HandedOver(State::Inside));
                segment.using(slot);
            }
            adopted
        };
        let others: Vec<_> = (2..=3)
            .map(|process| {
                let segment = segment.clone();
                thread::spawn(move || adopt(&segment, process))
            })
            .collect();
        let identity = &segment.identities[slot.index()];
        identity.hold_by_descriptor();
        segment.using(slot);
        identity.hand_over(State::Inside);
        let adopted = others.into_iter().map(|it| it.join().expect("loom reports panics itself"));
        let users = adopted.filter(|adopted| *adopted).count();
        assert!(users <= 1, "it has {users} users");
        let owner = identity.owner().expect("it is joined");
        let holds = [Hold::HandedOver(State::Inside), Hold::Descriptor];
        assert_eq!(owner.hold, holds[users]);
        assert_eq!(owner.process, known(owner.process.pid));
        // Whoever resets it leaves a slot that can be had.
        identity.clear();
        assert_eq!(identity.owner(), None);
        assert!(identity.publish(&known(4)));
        assert_eq!(identity.owner().map(|owner| owner.process), Some(known(4)));
    });
}

/// One dies before each of its steps while it adopts a slot. It is joined still, nobody else can adopt
/// it, unless the dead one has not begun; and it can be cleared.
fn dies_adopting(bounds: Bounds) {
    let dies_after = |steps| {
        let died = std::sync::Arc::new(AtomicBool::new(false));
        let note = died.clone();
        check(bounds, move || {
            let identity = Identity::new();
            assert!(identity.publish(&known(1)));
            identity.hold_by_descriptor();
            identity.hand_over(State::Waiting);
            let before = identity.owner().expect("it is joined");
            let lived = mortal::live(steps, || assert!(identity.adopt(&before, &known(MORTAL))));
            note.fetch_or(!lived, Ordering::Relaxed);
            let after = identity.owner().expect("it is joined still");
            let untouched = after == before;
            assert!(untouched || after.hold == Hold::Descriptor);
            assert_eq!(identity.adopt(&after, &known(3)), untouched);
            identity.clear();
            assert!(identity.is_free() && !identity.is_still(&after));
            assert!(identity.publish(&known(4)));
            let owner = identity.owner().expect("it is joined");
            assert_eq!((owner.process, owner.hold), (known(4), Hold::Process));
        });
        died.load(Ordering::Relaxed)
    };
    let steps = (0..100).take_while(|&steps| dies_after(steps)).count();
    assert!(steps > 5, "there are more steps than that");
}

models! {
    "identity"
    /// 2 processes, 1 slot, exhaustive.
    claim_1_slot: claim_at_once::<1>(2, exhaustive(1));
    /// 2 processes, 2 slots, exhaustive.
    claim_2_slots: claim_at_once::<2>(2, exhaustive(1));
    /// 3 processes, 2 slots, 2 preemptions.
    claim_2_slots_of_3: claim_at_once::<2>(3, preemptions(1, 2));
    /// 1 round each, 3 preemptions.
    handed_over_in_bakery: handed_over(preemptions(1, 3), Bakery::<2>::new);
    /// 2 processes, 1 round, exhaustive.
    in_turn_1: in_turn(exhaustive(1), Bakery::<1>::new);
    /// 2 processes, 2 rounds, 2 preemptions.
    in_turn_2: in_turn(preemptions(2, 2), Bakery::<1>::new);
    /// 1 slot, dead after each step, exhaustive.
    dies_1_slot: dies::<1>(exhaustive(1));
    /// 2 slots, dead after each step, 3 preemptions.
    dies_2_slots: dies::<2>(preemptions(1, 3));
    /// 2 changes of owner, 1 read, 3 preemptions.
    read_twice_handed_on: read_there_and_back(preemptions(1, 3));
    /// 3 threads, 1 change of owner, 1 read, 3 preemptions.
    read_handed_on: read_from_aside(preemptions(1, 3));
    /// 2 threads, exhaustive.
    held_by_descriptor: held(exhaustive(1));
    /// 3 threads, 2 preemptions.
    handed_over_to_one_of_2: handed_over_to_one(preemptions(1, 2));
    /// Dead after each step, one thread.
    dies_adopting_it: dies_adopting(exhaustive(1));
}
