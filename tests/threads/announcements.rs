//! Whoever is blocked may sleep: the move that lets it on announces so on the channel that it was
//! told.
//!
//! One thread makes the moves of all participants, in random order.

use std::cell::RefCell;

use bakery_lock::Fixed;
use bakery_lock::algorithm::{
    Algorithm, Bakery, BlackWhite, Blocked, Intent, NobodySleeps, Slot, Ticket, Turn, Wake,
    Withdrawal,
};

all_algorithms! { once: no_lost_wake_up }

/// The channels announced since the last look.
#[derive(Default)]
struct Announced(RefCell<Vec<u32>>);

impl Wake for Announced {
    fn fence(&self) {}

    fn fence_after_rmw(&self) {}

    fn wake(&self, channel: u32) {
        self.0.borrow_mut().push(channel);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Outside,
    /// In line, and asleep if it was told why.
    InLine(Option<Blocked>),
    Inside,
}

/// One move of one participant, of those that it can make.
fn step<A: Fixed>(lock: &A, me: Slot, state: State, gives_up: bool, wake: &impl Wake) -> State {
    match state {
        State::Outside => {
            lock.enter(me, Intent::MayWithdraw, wake).expect("there are few");
            State::InLine(None)
        }
        State::InLine(_) if gives_up => match lock.withdraw(me, wake) {
            Withdrawal::Done => State::Outside,
            Withdrawal::Mine => State::Inside,
            Withdrawal::TooLate => State::InLine(None),
        },
        State::InLine(_) => match lock.poll(me, wake) {
            Turn::Mine => State::Inside,
            Turn::Blocked(by) => State::InLine(Some(by)),
        },
        State::Inside => {
            lock.leave(me, wake);
            State::Outside
        }
    }
}

/// A lock whose participants are moved one at a time.
struct Walk<A> {
    lock: A,
    states: Vec<State>,
}

impl<A: Fixed> Walk<A> {
    fn slots(&self) -> impl Iterator<Item = Slot> + use<A> {
        (0..).map(Slot::new).take(self.lock.capacity())
    }

    fn step(&mut self, me: Slot, gives_up: bool) {
        let announced = Announced::default();
        let state = &mut self.states[me.index()];
        *state = step(&self.lock, me, *state, gives_up, &announced);
        let announced = announced.0.into_inner();

        let inside = self.states.iter().filter(|state| **state == State::Inside).count();
        assert!(inside <= 1, "two are inside");
        for (slot, state) in self.slots().zip(&mut self.states) {
            if let State::InLine(Some(by)) = *state
                && !self.lock.is_blocked(slot, by)
            {
                assert!(announced.contains(&by.channel), "{slot:?} sleeps for ever");
                *state = State::InLine(None);
            }
        }
    }
}

fn no_lost_wake_up<A: Fixed>() {
    const WALKS: usize = 200;
    const MOVES: usize = 100;

    // A linear congruential generator: the lowest bits are the worst.
    let mut random = 1_u32;
    let mut below = |bound: usize| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 16) as usize % bound
    };
    let lock = A::INIT;
    let states = vec![State::Outside; lock.capacity()];
    let mut walk = Walk { lock, states };
    let slots: Vec<_> = walk.slots().collect();
    for slot in &slots {
        walk.lock.join(*slot);
    }
    for _ in 0..WALKS {
        for _ in 0..MOVES {
            walk.step(slots[below(slots.len())], below(8) == 0);
        }
        // Nobody new comes, and all who are there get in.
        let mut rounds = 0;
        while walk.states.iter().any(|state| *state != State::Outside) {
            for slot in &slots {
                if walk.states[slot.index()] != State::Outside {
                    walk.step(*slot, false);
                }
            }
            rounds += 1;
            assert!(rounds < 100, "nobody gets in");
        }
    }
}

/// The channels announced early.
#[derive(Default)]
struct Early(RefCell<Vec<u32>>);

impl Wake for Early {
    fn fence(&self) {}

    fn wake(&self, _: u32) {}

    fn wake_early(&self, find: impl FnOnce() -> Option<u32>) {
        self.0.borrow_mut().extend(find());
    }
}

/// Whoever leaves wakes the one behind the next, too, that it may be there in time.
#[test]
fn the_next_but_one_is_woken_early() {
    fn is_woken(lock: &impl Algorithm) {
        let enter = |me| lock.enter(me, Intent::Stay, &NobodySleeps).expect("there is room");
        // Not in the order of the slots.
        let mut line = [2, 0, 3, 1].map(Slot::new);
        for me in line {
            lock.join(me);
            enter(me);
        }
        for round in 0..12 {
            assert_eq!(lock.poll(line[0], &NobodySleeps), Turn::Mine);
            let Turn::Blocked(by) = lock.poll(line[2], &NobodySleeps) else {
                panic!("two are before it");
            };
            let early = Early::default();
            lock.leave(line[0], &early);
            assert_eq!(*early.0.borrow(), [by.channel], "in round {round}");
            // It comes again, behind the others.
            enter(line[0]);
            line.rotate_left(1);
        }
    }
    is_woken(&Bakery::<4>::new());
    is_woken(&BlackWhite::<4>::new());
    is_woken(&Ticket::<4>::new());
}

/// Others may wait for the end of a doorway, which no move of one thread shows.
#[test]
fn the_end_of_a_doorway_is_announced() {
    fn is_announced(lock: &impl Algorithm) {
        let announced = Announced::default();
        for slot in [1, 2].map(Slot::new) {
            lock.join(slot);
            lock.enter(slot, Intent::Stay, &announced).expect("there is room");
        }
        // Not that of the first: nobody was there, and whoever comes waits until it leaves.
        assert_eq!(*announced.0.borrow(), [2]);
        assert_eq!(lock.poll(Slot::new(1), &NobodySleeps), Turn::Mine);
    }
    is_announced(&Bakery::<3>::new());
    is_announced(&BlackWhite::<3>::new());
}
