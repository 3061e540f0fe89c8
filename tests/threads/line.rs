//! Whole moves of all participants in random order, against a line as one would write it down: one
//! at a time, and first come first served where that is said.

use std::collections::VecDeque;

use bakery_lock::Fixed;
use bakery_lock::algorithm::{Intent, NobodySleeps, Slot, Ticket, Turn, Withdraw, Withdrawal};
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, TestRunner};

timed_algorithms! { once: agrees_with_a_line }

/// One move: whose, whether it would rather not wait, and what for if it comes.
type Step = (u8, u8, bool);

#[derive(Default)]
struct Line {
    /// In the order in which they came.
    waiting: VecDeque<Slot>,
    inside: Option<Slot>,
    /// How many have come since nobody was there.
    came: usize,
}

impl Line {
    fn is_empty(&self) -> bool {
        self.inside.is_none() && self.waiting.is_empty()
    }

    fn come(&mut self, who: Slot) {
        self.came = if self.is_empty() { 1 } else { self.came + 1 };
        self.waiting.push_back(who);
    }

    fn go_in(&mut self, who: Slot, in_order: bool) {
        assert_eq!(self.inside, None, "two are inside");
        assert!(!in_order || self.waiting.front() == Some(&who), "{who:?} has passed others");
        self.step_out(who);
        self.inside = Some(who);
    }

    fn step_out(&mut self, who: Slot) {
        self.waiting.retain(|other| *other != who);
    }
}

fn walk<A: Fixed + Withdraw>(steps: &[Step]) {
    let (lock, wake) = (A::INIT, NobodySleeps);
    let in_order = A::FIRST_COME_FIRST_SERVED;
    let mut line = Line::default();
    let slots: Vec<_> = (0..).map(Slot::new).take(lock.capacity()).collect();
    for slot in &slots {
        lock.join(*slot);
    }
    for (who, impatience, stays) in steps {
        let me = slots[usize::from(*who) % slots.len()];
        let gives_up = impatience % 4 == 0;
        if line.inside == Some(me) {
            lock.leave(me, &wake);
            line.inside = None;
        } else if line.waiting.contains(&me) {
            if gives_up {
                match lock.withdraw(me, &wake) {
                    Withdrawal::Done => line.step_out(me),
                    Withdrawal::Mine => line.go_in(me, in_order),
                    Withdrawal::TooLate => panic!("there are few"),
                }
                continue;
            }
            let first = line.inside.is_none() && line.waiting.front() == Some(&me);
            match lock.poll(me, &wake) {
                Turn::Mine => line.go_in(me, in_order),
                Turn::Blocked(by) => {
                    assert!(!(in_order && first), "{me:?} is not let in");
                    assert!(!line.is_empty() && lock.is_blocked(me, by));
                }
            }
        } else if gives_up {
            let free = line.is_empty();
            let came_in = lock.try_enter(me, &wake);
            // Without an order, those in line may be passed.
            assert!(came_in == free || (came_in && !in_order), "{me:?} tries");
            if came_in {
                line.come(me);
                line.go_in(me, in_order);
            }
        } else {
            let intent = if *stays { Intent::Stay } else { Intent::MayWithdraw };
            // Tickets that were withdrawn count until the line has moved on.
            let may_be_closed = !stays && line.came >= Ticket::<1>::WINDOW as usize;
            match lock.enter(me, intent, &wake) {
                Ok(()) => line.come(me),
                Err(_) => assert!(may_be_closed, "{me:?} is not let into the line"),
            }
        }
    }
}

fn agrees_with_a_line<A: Fixed + Withdraw>() {
    let config = Config { cases: 150, failure_persistence: None, ..Config::default() };
    let steps = vec(any::<Step>(), 0..200);
    let outcome = TestRunner::new(config).run(&steps, |steps| {
        walk::<A>(&steps);
        Ok(())
    });
    outcome.unwrap();
}
