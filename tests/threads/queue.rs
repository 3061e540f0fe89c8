//! Tickets against a queue as one would write it down: whatever is done in whatever order, each
//! answer is the queue's, over the edge of 32 and of 64 bits as well.

use std::cell::Cell;
use std::collections::VecDeque;

use bakery_lock::algorithm::{
    self, Algorithm, DoorwayClosed, Intent, Slot, TicketInHand, TicketQueue, Turn, Wake, Withdrawal,
};
use proptest::collection::vec;
use proptest::prop_oneof;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestRunner};

/// More than there are tickets that can be withdrawn.
const HOLDERS: usize = 45;
/// So many may be in line, where there is no more room, when one comes who may withdraw.
const WINDOW: usize = 16;
/// Tickets know no slots.
const NONE: Slot = Slot::new(0);

#[derive(Clone, Copy, Debug)]
enum Act {
    Take(usize, Intent),
    Try(usize),
    Poll(usize),
    Withdraw(usize),
    /// The one who is served goes in, if it has not, and leaves.
    Leave,
}

fn acts() -> impl Strategy<Value = Act> {
    let who = || 0..HOLDERS;
    prop_oneof![
        5 => who().prop_map(|who| Act::Take(who, Intent::Stay)),
        5 => who().prop_map(|who| Act::Take(who, Intent::MayWithdraw)),
        1 => who().prop_map(Act::Try),
        3 => who().prop_map(Act::Poll),
        3 => who().prop_map(Act::Withdraw),
        3 => proptest::strategy::Just(Act::Leave),
    ]
}

fn starts() -> impl Strategy<Value = u64> {
    let edge = u64::from(u32::MAX);
    prop_oneof![0..u64::MAX, edge - 80..=edge, u64::MAX - 80..=u64::MAX]
}

/// The last channel that was woken, and the last one early.
#[derive(Default)]
struct Woken(Cell<Option<u32>>, Cell<Option<u32>>);

impl Wake for Woken {
    fn fence(&self) {}

    fn wake(&self, channel: u32) {
        self.0.set(Some(channel));
    }

    fn wake_early(&self, find: impl FnOnce() -> Option<u32>) {
        self.1.set(find());
    }
}

/// A holder's place in the line.
struct Place {
    ticket: u64,
    who: usize,
    withdrawn: bool,
}

struct Line {
    places: VecDeque<Place>,
    next: u64,
}

impl Line {
    /// How many are before this holder.
    fn before(&self, who: usize) -> Option<usize> {
        self.places.iter().position(|place| place.who == who && !place.withdrawn)
    }

    fn take(&mut self, who: usize) {
        self.places.push_back(Place { ticket: self.next, who, withdrawn: false });
        self.next = self.next.wrapping_add(1);
    }

    fn leave(&mut self) {
        self.places.pop_front();
        while self.places.pop_front_if(|place| place.withdrawn).is_some() {}
    }
}

/// The channel of a ticket.
fn low(ticket: u64) -> u32 {
    u32::try_from(ticket & 0xffff_ffff).unwrap()
}

fn agrees(start: u64, acts: &[Act]) {
    let queue = TicketQueue::starting_at(start);
    let hands: Vec<_> = (0..HOLDERS).map(|_| TicketInHand::new(&queue)).collect();
    let mut line = Line { places: VecDeque::new(), next: start };
    let mut inside = None;
    let wake = Woken::default();
    for act in acts {
        match *act {
            Act::Take(who, intent) if line.before(who).is_none() => {
                let open = intent == Intent::Stay || line.places.len() < WINDOW;
                let expected = open.then_some(()).ok_or(DoorwayClosed);
                assert_eq!(hands[who].enter(NONE, intent, &wake), expected);
                if open {
                    line.take(who);
                }
            }
            Act::Try(who) if line.before(who).is_none() => {
                // What it has in hand if it is inside shows when it leaves.
                let free = line.places.is_empty();
                let hand = TicketInHand::new(&queue);
                assert_eq!(hand.try_enter(NONE, &wake), free);
                if free {
                    line.take(who);
                    inside = Some(who);
                }
            }
            Act::Poll(who) if inside != Some(who) => {
                let Some(before) = line.before(who) else { continue };
                match hands[who].poll(NONE, &wake) {
                    Turn::Mine => {
                        assert_eq!((before, inside), (0, None));
                        inside = Some(who);
                    }
                    Turn::Blocked(by) => {
                        assert_eq!(by.on, None);
                        let place = match before {
                            1 => algorithm::Place::Next,
                            2..=8 => algorithm::Place::Near,
                            _ => algorithm::Place::Behind,
                        };
                        assert_eq!(by.place, place);
                        assert_eq!(by.channel, low(line.places[before].ticket));
                        assert!(before > 0 && hands[who].is_blocked(NONE, by));
                    }
                }
            }
            Act::Withdraw(who) if inside != Some(who) => {
                let Some(before) = line.before(who) else { continue };
                let outcome = hands[who].withdraw(NONE, &wake);
                if before == 0 {
                    assert_eq!(outcome, Withdrawal::Mine);
                    inside = Some(who);
                } else if before < WINDOW {
                    assert_eq!(outcome, Withdrawal::Done);
                    line.places[before].withdrawn = true;
                } else {
                    assert_eq!(outcome, Withdrawal::TooLate);
                }
            }
            Act::Leave => {
                let Some(first) = line.places.front() else { continue };
                let hand = &hands[first.who];
                if inside.is_none() {
                    assert_eq!(hand.poll(NONE, &wake), Turn::Mine);
                }
                hand.leave(NONE, &wake);
                inside = None;
                line.leave();
                let served = line.places.front().map_or(line.next, |place| place.ticket);
                assert_eq!(wake.0.take(), Some(low(served)));
                assert_eq!(wake.1.take(), Some(low(served.wrapping_add(1))));
            }
            _ => {}
        }
        assert_eq!(queue.is_busy(), !line.places.is_empty());
    }
}

#[test]
fn tickets_are_a_queue() {
    let config = Config { cases: 600, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&(starts(), vec(acts(), 0..200)), |(start, acts)| {
        agrees(start, &acts);
        Ok(())
    });
    outcome.unwrap();
}
