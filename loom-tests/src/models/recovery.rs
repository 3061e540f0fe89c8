//! Participants that die between any two of their steps, and what others do about it: whoever was
//! inside is seen to have been, nobody goes in beside anybody, and nobody is left waiting.

use std::sync::atomic::{AtomicBool, Ordering};

use loom::sync::Arc;
use loom::thread;

use super::{Bounds, Protected, check, exhaustive, models, preemptions};
use crate::algorithm::{
    Algorithm, Bakery, BlackWhite, Bypass, Fenced, Filter, Intent, NobodySleeps, Peterson, Recover,
    Reset, Slot, Standing, Swapped, Ticket, Tournament, Turn, Wake, Withdraw, Withdrawal,
};
use crate::futex::{Places, Sleep, Waking};
use crate::mortal;
use crate::wait::{Never, Wait};

const MORTAL: Slot = Slot::new(0);
const OTHER: Slot = Slot::new(1);
/// Who looks for whom it waits.
const LOOKS: Slot = Slot::new(2);

/// A lock, what it protects, and where its participants sleep.
struct Shared<A> {
    protected: Protected<A>,
    places: Places,
}

/// Wakes as the others do; but nobody dies in the midst of waking. (A sleeping place whose waker
/// dies there keeps its sleeper. Between processes, where there is death, nobody sleeps long.)
struct WakingAll<'a>(Waking<'a>);

impl Wake for WakingAll<'_> {
    #[track_caller]
    fn fence(&self) {
        self.0.fence();
    }

    #[track_caller]
    fn fence_after_rmw(&self) {
        self.0.fence_after_rmw();
    }

    #[track_caller]
    fn wake(&self, channel: u32) {
        let _spared = mortal::spare();
        self.0.wake(channel);
    }
}

type Life<A> = fn(&Shared<A>, Slot);

impl<A: Recover + Withdraw> Shared<A> {
    fn new(algorithm: A) -> Self {
        let shared = Self { protected: Protected::new(algorithm), places: Places::new() };
        let capacity = u32::try_from(shared.algorithm().capacity()).expect("a few");
        (0..capacity).for_each(|index| shared.algorithm().join(Slot::new(index)));
        shared
    }

    fn algorithm(&self) -> &A {
        &self.protected.algorithm
    }

    fn waking(&self) -> WakingAll<'_> {
        WakingAll(Waking(&self.places))
    }

    fn wait(&self, me: Slot) {
        let algorithm = self.algorithm();
        while let Turn::Blocked(by) = algorithm.poll(me, &self.waking()) {
            Sleep::wait(&&self.places, by, 0, || algorithm.is_blocked(me, by), &Never);
        }
    }

    fn out(&self, me: Slot) {
        self.protected.touch();
        self.algorithm().leave(me, &self.waking());
    }

    fn stays(&self, me: Slot) {
        let entered = self.algorithm().enter(me, Intent::Stay, &self.waking());
        entered.expect("open to those who stay");
        self.wait(me);
        self.out(me);
    }

    fn may_withdraw(&self, me: Slot) {
        if self.algorithm().enter(me, Intent::MayWithdraw, &self.waking()).is_ok() {
            self.wait(me);
            self.out(me);
        }
    }

    fn withdraws(&self, me: Slot) {
        if self.algorithm().enter(me, Intent::MayWithdraw, &self.waking()).is_ok()
            && self.algorithm().withdraw(me, &self.waking()) == Withdrawal::Mine
        {
            self.out(me);
        }
    }

    /// Withdraws, and comes again.
    fn returns(&self, me: Slot) {
        self.withdraws(me);
        self.may_withdraw(me);
    }

    fn tries(&self, me: Slot) {
        if self.algorithm().try_enter(me, &self.waking()) {
            self.out(me);
        }
    }

    /// Stays, awake, and resets the dead one when it waits for that one.
    fn looks(&self, me: Slot, is_dead: bool) {
        let algorithm = self.algorithm();
        let entered = algorithm.enter(me, Intent::Stay, &self.waking());
        entered.expect("open to those who stay");
        while algorithm.poll(me, &self.waking()) != Turn::Mine {
            let ahead = algorithm.ahead_of(me, &self.waking());
            assert_ne!(ahead, Some(me), "one waits for itself");
            if is_dead && ahead == Some(MORTAL) {
                algorithm.reset(MORTAL, &self.waking());
            }
            thread::yield_now();
        }
        self.out(me);
    }

    fn reset(&self) {
        while self.algorithm().reset(MORTAL, &self.waking()) == Reset::Later {
            thread::yield_now();
        }
        assert_eq!(self.algorithm().standing(MORTAL), Standing::Outside);
    }
}

/// Lets one participant die after each number of steps that it can come to, while another is there
/// and then something is done `about` it, by a thread that has seen it all.
fn each_step<A: Recover + Withdraw + 'static>(
    bounds: Bounds,
    new: fn() -> A,
    [life, other]: [Life<A>; 2],
    about: fn(&Shared<A>, bool),
) {
    let dies_after = |steps| {
        let died = std::sync::Arc::new(AtomicBool::new(false));
        let note = died.clone();
        check(bounds, move || {
            let shared = Arc::new(Shared::new(new()));
            let thread = {
                let shared = shared.clone();
                thread::spawn(move || other(&shared, OTHER))
            };
            let is_dead = !mortal::live(steps, || life(&shared, MORTAL));
            note.fetch_or(is_dead, Ordering::Relaxed);
            about(&shared, is_dead);
            thread.join().expect("loom reports panics itself");
            shared.reset();
            // Nothing is left of it that would be in anybody's way.
            shared.stays(MORTAL);
            shared.stays(OTHER);
        });
        died.load(Ordering::Relaxed)
    };
    let lives = (0..1_000).take_while(|&steps| dies_after(steps)).count();
    assert!(lives > 2, "it lives longer than that");
}

/// Resets it at once.
fn reset<A: Recover + Withdraw + 'static>(bounds: Bounds, new: fn() -> A, lives: [Life<A>; 2]) {
    each_step(bounds, new, lives, |shared, _| shared.reset());
}

/// Resets it when it is found to be in the way.
fn looked_for<A: Recover + Withdraw + 'static>(
    bounds: Bounds,
    new: fn() -> A,
    lives: [Life<A>; 2],
) {
    each_step(bounds, new, lives, |shared, is_dead| shared.looks(LOOKS, is_dead));
}

/// One dies, and the other, which is the first in its slot, comes while the dead one is reset.
fn comes_late(bounds: Bounds) {
    let dies_after = |steps| {
        let died = std::sync::Arc::new(AtomicBool::new(false));
        let note = died.clone();
        check(bounds, move || {
            let algorithm = Ticket::<2>::new();
            let shared = Shared { protected: Protected::new(algorithm), places: Places::new() };
            let shared = Arc::new(shared);
            shared.algorithm().join(MORTAL);
            let thread = {
                let shared = shared.clone();
                thread::spawn(move || {
                    shared.algorithm().join(OTHER);
                    shared.stays(OTHER);
                })
            };
            note.fetch_or(!mortal::live(steps, || shared.stays(MORTAL)), Ordering::Relaxed);
            shared.reset();
            thread.join().expect("loom reports panics itself");
            shared.reset();
            shared.stays(MORTAL);
            shared.stays(OTHER);
        });
        died.load(Ordering::Relaxed)
    };
    let lives = (0..1_000).take_while(|&steps| dies_after(steps)).count();
    assert!(lives > 2, "it lives longer than that");
}

/// A leaver dies, before whom one has withdrawn and another sleeps; who comes last looks.
fn skipping(bounds: Bounds) {
    const WITHDRAWN: Slot = Slot::new(3);

    let dies_after = |steps| {
        let died = std::sync::Arc::new(AtomicBool::new(false));
        let note = died.clone();
        check(bounds, move || {
            let shared = Arc::new(Shared::new(Ticket::<4>::new()));
            let algorithm = shared.algorithm();
            for slot in [MORTAL, WITHDRAWN, OTHER] {
                let entered = algorithm.enter(slot, Intent::MayWithdraw, &shared.waking());
                entered.expect("there are few");
            }
            assert_eq!(algorithm.poll(MORTAL, &shared.waking()), Turn::Mine);
            let withdrawn = algorithm.withdraw(WITHDRAWN, &shared.waking());
            assert_eq!(withdrawn, Withdrawal::Done);
            let thread = {
                let shared = shared.clone();
                thread::spawn(move || {
                    shared.wait(OTHER);
                    shared.out(OTHER);
                })
            };
            let is_dead = !mortal::live(steps, || shared.out(MORTAL));
            note.fetch_or(is_dead, Ordering::Relaxed);
            shared.looks(LOOKS, is_dead);
            thread.join().expect("loom reports panics itself");
            assert_eq!(shared.protected.touched(), 3);
        });
        died.load(Ordering::Relaxed)
    };
    let steps = (0..1_000).take_while(|&steps| dies_after(steps)).count();
    assert!(steps > 3, "there are more steps than that");
}

/// The head of a line dies on its way in; then nobody behind it is passed more often than one death
/// allows for.
fn passed_by_a_dead_head(bounds: Bounds) {
    const B: u32 = 24;
    const FIRST: Slot = Slot::new(5);
    const PASSES: Slot = Slot::new(6);

    let dies_after = |steps| {
        let died = std::sync::Arc::new(AtomicBool::new(false));
        let note = died.clone();
        check(bounds, move || {
            let lock = Bypass::<7, B>::new();
            (0..7).for_each(|index| lock.join(Slot::new(index)));
            let enter = |slot| {
                let entered = lock.enter(slot, Intent::Stay, &NobodySleeps);
                entered.expect("open to those who stay");
            };
            let pass = || {
                let is_in = lock.try_pass(PASSES);
                if is_in {
                    lock.leave(PASSES, &NobodySleeps);
                }
                is_in
            };
            // One with nobody behind it: what comes then has all of a share.
            assert!(lock.try_pass(PASSES));
            enter(FIRST);
            lock.leave(PASSES, &NobodySleeps);
            assert_eq!(lock.poll(FIRST, &NobodySleeps), Turn::Mine);
            enter(MORTAL);
            let behind = [1, 2, 3, 4].map(Slot::new);
            behind.into_iter().for_each(enter);
            lock.leave(FIRST, &NobodySleeps);
            let mut passed = 0;
            while pass() {
                passed += 1;
            }
            let poll = || assert_eq!(lock.poll(MORTAL, &NobodySleeps), Turn::Mine);
            let is_dead = !mortal::live(steps, poll);
            note.fetch_or(is_dead, Ordering::Relaxed);
            if is_dead {
                assert_eq!(lock.reset(MORTAL, &NobodySleeps), Reset::Done);
            } else {
                lock.leave(MORTAL, &NobodySleeps);
            }
            for slot in behind {
                while pass() {
                    passed += 1;
                }
                assert_eq!(lock.poll(slot, &NobodySleeps), Turn::Mine);
                lock.leave(slot, &NobodySleeps);
            }
            let most = B + if is_dead { B / 2 } else { 0 };
            assert!(passed <= most, "passed {passed} times, not {most}");
        });
        died.load(Ordering::Relaxed)
    };
    let steps = (0..100).take_while(|&steps| dies_after(steps)).count();
    assert!(steps > 3, "there are more steps than that");
}

models! {
    "recovery"
    /// 2 participants, dead after each step, 4 preemptions.
    ticket: reset(preemptions(1, 4), Ticket::<2>::new, [Shared::stays, Shared::stays]);
    /// The same; both try.
    ticket_trying: reset(preemptions(1, 4), Ticket::<2>::new, [Shared::tries, Shared::tries]);
    /// The same; one withdraws.
    ticket_withdrawing:
        reset(preemptions(1, 4), Ticket::<2>::new, [Shared::withdraws, Shared::may_withdraw]);
    /// The same, and comes again.
    ticket_returning:
        reset(preemptions(1, 2), Ticket::<2>::new, [Shared::returns, Shared::may_withdraw]);
    /// 3 participants, dead after each step, 2 preemptions.
    ticket_looked_for: looked_for(preemptions(1, 2), Ticket::<3>::new, [Shared::stays; 2]);
    /// 2 participants, dead after each step, 4 preemptions.
    ticket_coming_late: comes_late(preemptions(1, 4));
    /// 3 participants and one who has withdrawn, dead after each step, 2 preemptions.
    ticket_skipping: skipping(preemptions(1, 2));
    /// 2 participants, dead after each step, 3 preemptions.
    bypass: reset(preemptions(1, 3), Bypass::<2, 2>::new, [Shared::stays; 2]);
    /// 2 participants, dead after each step, 2 preemptions; both try.
    bypass_trying: reset(preemptions(1, 2), Bypass::<2, 2>::new, [Shared::tries; 2]);
    /// The same; one withdraws.
    bypass_withdrawing:
        reset(preemptions(1, 2), Bypass::<2, 2>::new, [Shared::withdraws, Shared::may_withdraw]);
    /// 3 participants, dead after each step, 2 preemptions.
    bypass_looked_for: looked_for(preemptions(1, 2), Bypass::<3, 2>::new, [Shared::stays; 2]);
    /// A head with four behind it, dead after each step; one thread.
    bypass_bound: passed_by_a_dead_head(exhaustive(1));
    /// 2 participants, dead after each step, 2 preemptions.
    bakery: reset(preemptions(1, 2), Bakery::<2>::new, [Shared::stays; 2]);
    /// 2 participants, dead after each step, 2 preemptions.
    black_white: reset(preemptions(1, 2), BlackWhite::<2>::new, [Shared::stays; 2]);
    /// 2 participants, dead after each step, 2 preemptions.
    peterson: reset(preemptions(1, 2), Peterson::<Fenced>::new, [Shared::stays; 2]);
    /// 2 participants, dead after each step, 2 preemptions.
    filter: reset(preemptions(1, 2), Filter::<2, Swapped>::new, [Shared::stays; 2]);
    /// 2 participants, dead after each step, 2 preemptions.
    tournament: reset(preemptions(1, 2), Tournament::<2, Swapped>::new, [Shared::stays; 2]);
}
