//! Whole moves of all participants in random order, against a line as one would write it down: one
//! at a time, and first come first served where that is said.

use std::any::type_name;
use std::collections::VecDeque;

use bakery_lock::Fixed;
use bakery_lock::algorithm::{Intent, NobodySleeps, Slot, Turn, Withdraw, Withdrawal};
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, TestRunner};

timed_algorithms! { once: agrees_with_a_line }

/// One move: whose, whether it would rather not wait, and what for if it comes.
type Step = (u8, u8, bool);

/// Somebody's place in line.
struct Place {
    who: Slot,
    given_up: bool,
}

#[derive(Default)]
struct Line {
    /// In the order in which they came.
    places: VecDeque<Place>,
    inside: Option<Slot>,
    /// Whether a place that is given up stays its slot's until its turn has come.
    keeps_places: bool,
}

impl Line {
    fn is_empty(&self) -> bool {
        self.inside.is_none() && self.places.iter().all(|place| place.given_up)
    }

    fn is_first(&self, who: Slot) -> bool {
        self.places.front().is_some_and(|first| first.who == who)
    }

    fn is_waiting(&self, who: Slot) -> bool {
        self.places.iter().any(|place| place.who == who && !place.given_up)
    }

    fn come(&mut self, who: Slot) {
        match self.places.iter_mut().find(|place| place.who == who) {
            Some(place) => place.given_up = false,
            None => self.places.push_back(Place { who, given_up: false }),
        }
    }

    fn go_in(&mut self, who: Slot, in_order: bool) {
        assert_eq!(self.inside, None, "two are inside");
        assert!(!in_order || self.is_first(who), "{who:?} has passed others");
        self.places.retain(|place| place.who != who);
        self.inside = Some(who);
    }

    fn leave(&mut self) {
        self.inside = None;
        while self.places.pop_front_if(|first| first.given_up).is_some() {}
    }

    fn step_out(&mut self, who: Slot) {
        let place = self.places.iter_mut().find(|place| place.who == who);
        place.expect("it is in line").given_up = true;
        self.places.retain(|place| self.keeps_places || !place.given_up);
    }
}

fn walk<A: Fixed + Withdraw>(steps: &[Step]) {
    let (lock, wake) = (A::INIT, NobodySleeps);
    let in_order = A::FIRST_COME_FIRST_SERVED;
    let keeps_places = type_name::<A>().contains("Ticket");
    let mut line = Line { keeps_places, ..Line::default() };
    let slots: Vec<_> = (0..).map(Slot::new).take(lock.capacity()).collect();
    for slot in &slots {
        lock.join(*slot);
    }
    for (who, impatience, stays) in steps {
        let me = slots[usize::from(*who) % slots.len()];
        let gives_up = impatience % 4 == 0;
        if line.inside == Some(me) {
            lock.leave(me, &wake);
            line.leave();
        } else if line.is_waiting(me) {
            if gives_up {
                match lock.withdraw(me, &wake) {
                    Withdrawal::Done => line.step_out(me),
                    Withdrawal::Mine => line.go_in(me, in_order),
                    Withdrawal::TooLate => panic!("it may be withdrawn"),
                }
                continue;
            }
            let first = line.inside.is_none() && line.is_first(me);
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
            lock.enter(me, intent, &wake).expect("the doorway is open");
            line.come(me);
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
