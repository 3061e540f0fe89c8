//! The locks that may be passed: whatever is done in whatever order, one at a time is inside, those
//! in line go in one after the other, and nobody in line is passed more often than is said.

use bakery_lock::BypassMutexWith;
use bakery_lock::algorithm::{
    Algorithm, Blocked, Bypass, BypassInHand, BypassPlace, BypassQueue, DoorwayClosed, Intent,
    Place, Slot, Standing, Turn, Wake, Withdrawal,
};
use proptest::collection::vec;
use proptest::prop_oneof;
use proptest::strategy::{Just, Strategy};
use proptest::test_runner::{Config, TestRunner};

use crate::support::{Scripted, bounded, crowd, tell, until};

/// More than there are tickets that can be withdrawn.
const HOLDERS: usize = 40;
/// Attempts know no slots.
const NONE: Slot = Slot::new(0);

/// For whom tickets that were withdrawn are passed over at once.
struct Sleepers;

impl Wake for Sleepers {
    fn fence(&self) {}
    fn wake(&self, _: u32) {}
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Enter(usize, Intent),
    Try(usize),
    Poll(usize),
    Withdraw(usize),
    Leave,
    LeaveToLine,
    /// Somebody who is not in line goes in and leaves again, if it can, so often.
    Pass(u32),
    /// Whoever is first in line goes in, if it can, and leaves.
    First,
}

fn acts() -> impl Strategy<Value = Act> {
    let who = || 0..HOLDERS;
    prop_oneof![
        4 => who().prop_map(|who| Act::Enter(who, Intent::Stay)),
        2 => who().prop_map(|who| Act::Enter(who, Intent::MayWithdraw)),
        1 => who().prop_map(Act::Try),
        2 => who().prop_map(Act::Poll),
        1 => who().prop_map(Act::Withdraw),
        3 => Just(Act::Leave),
        1 => Just(Act::LeaveToLine),
        4 => (1..30_u32).prop_map(Act::Pass),
        4 => Just(Act::First),
    ]
}

/// A lock with a gate, whose participants have numbers.
trait Gated {
    /// How far behind the first in line may be who withdraws; `None`: anywhere.
    const WINDOW: Option<u64>;
    /// Whether it can be left to the line.
    const HAS_LINE_ONLY: bool;

    fn try_pass(&self) -> bool;
    fn enter(&self, who: usize, intent: Intent) -> Result<(), DoorwayClosed>;
    fn try_enter(&self, who: usize) -> bool;
    /// Of somebody in line.
    fn ticket(&self, who: usize) -> u64;
    fn poll(&self, who: usize) -> Turn;
    fn is_blocked(&self, who: usize, by: Blocked) -> bool;
    fn withdraw(&self, who: usize) -> Withdrawal;
    fn leave(&self, who: usize);
    fn leave_to_line(&self);
    fn is_held(&self) -> bool;
}

/// The lock for attempts in hand.
struct InHand<'a, const B: u32> {
    lock: &'a BypassQueue<B>,
    hands: Vec<BypassInHand<'a, B>>,
}

impl<const B: u32> Gated for InHand<'_, B> {
    const WINDOW: Option<u64> = Some(16);
    const HAS_LINE_ONLY: bool = true;

    fn try_pass(&self) -> bool {
        self.lock.try_pass()
    }

    fn enter(&self, who: usize, intent: Intent) -> Result<(), DoorwayClosed> {
        self.hands[who].enter(NONE, intent, &Sleepers)
    }

    fn try_enter(&self, who: usize) -> bool {
        self.hands[who].try_enter(NONE, &Sleepers)
    }

    fn ticket(&self, who: usize) -> u64 {
        match self.hands[who].place() {
            BypassPlace::Gone => panic!("it is not in line"),
            BypassPlace::InLine(ticket) | BypassPlace::Head(ticket) => ticket,
        }
    }

    fn poll(&self, who: usize) -> Turn {
        self.hands[who].poll(NONE, &Sleepers)
    }

    fn is_blocked(&self, who: usize, by: Blocked) -> bool {
        self.hands[who].is_blocked(NONE, by)
    }

    fn withdraw(&self, who: usize) -> Withdrawal {
        self.hands[who].withdraw(NONE, &Sleepers)
    }

    fn leave(&self, _: usize) {
        BypassInHand::new(self.lock).leave(NONE, &Sleepers);
    }

    fn leave_to_line(&self) {
        self.lock.leave_to_line(&Sleepers);
    }

    fn is_held(&self) -> bool {
        self.lock.is_held()
    }
}

/// The lock for slots: one more than there are others, for whoever passes.
type Slots<const B: u32> = Bypass<{ HOLDERS + 1 }, B>;

fn slot(who: usize) -> Slot {
    Slot::new(who.try_into().unwrap())
}

impl<const B: u32> Gated for Slots<B> {
    const WINDOW: Option<u64> = None;
    const HAS_LINE_ONLY: bool = false;

    fn try_pass(&self) -> bool {
        Algorithm::try_pass(self, slot(HOLDERS))
    }

    fn enter(&self, who: usize, intent: Intent) -> Result<(), DoorwayClosed> {
        Algorithm::enter(self, slot(who), intent, &Sleepers)
    }

    fn try_enter(&self, who: usize) -> bool {
        Algorithm::try_enter(self, slot(who), &Sleepers)
    }

    fn ticket(&self, who: usize) -> u64 {
        match self.standing(slot(who)) {
            Standing::Line(ticket) => ticket,
            other => panic!("it is not in line: {other:?}"),
        }
    }

    fn poll(&self, who: usize) -> Turn {
        Algorithm::poll(self, slot(who), &Sleepers)
    }

    fn is_blocked(&self, who: usize, by: Blocked) -> bool {
        Algorithm::is_blocked(self, slot(who), by)
    }

    fn withdraw(&self, who: usize) -> Withdrawal {
        Algorithm::withdraw(self, slot(who), &Sleepers)
    }

    fn leave(&self, who: usize) {
        Algorithm::leave(self, slot(who), &Sleepers);
    }

    fn leave_to_line(&self) {
        unreachable!("it has no such move");
    }

    fn is_held(&self) -> bool {
        Slots::is_held(self)
    }
}

/// Somebody in line.
struct Waiter {
    who: usize,
    passed: u32,
    /// It has gone, and may come back to its place.
    given_up: bool,
}

struct Scene<L, const B: u32> {
    lock: L,
    line: Vec<Waiter>,
    /// The ticket that nobody has taken yet.
    next: u64,
    /// `HOLDERS`: nobody of them.
    inside: Option<usize>,
    /// Only the first in line may be the next one.
    left_to_line: bool,
}

impl<L: Gated, const B: u32> Scene<L, B> {
    fn new(lock: L) -> Self {
        Self { lock, line: Vec::new(), next: 0, inside: None, left_to_line: false }
    }

    fn has_part(&self, who: usize) -> bool {
        self.inside == Some(who) || self.place(who).is_some()
    }

    /// How many places in line are before this one's, who waits.
    fn place(&self, who: usize) -> Option<usize> {
        self.line.iter().position(|it| it.who == who && !it.given_up)
    }

    /// The head of the line has left it, and the next one is there.
    fn move_on(&mut self) {
        self.line.remove(0);
        while self.line.first().is_some_and(|first| first.given_up) {
            self.line.remove(0);
        }
    }

    /// Somebody has gone in past the line.
    fn passed(&mut self, who: usize) {
        assert_eq!(self.inside, None, "two are inside");
        assert!(!self.left_to_line, "it was left to the line");
        self.inside = Some(who);
        for waiter in self.line.iter_mut().filter(|it| it.who != who) {
            waiter.passed += 1;
            assert!(waiter.passed <= B, "passed more than {B} times");
        }
    }

    fn poll(&mut self, who: usize) {
        let Some(before) = self.place(who) else { return };
        match self.lock.poll(who) {
            Turn::Mine => {
                assert_eq!((before, self.inside), (0, None), "not its turn");
                self.move_on();
                self.inside = Some(who);
                self.left_to_line = false;
            }
            Turn::Blocked(by) => {
                assert!(before > 0 || self.inside.is_some(), "nobody is in the way");
                assert!(self.lock.is_blocked(who, by));
                assert_eq!(by.place == Place::Gate, before == 0);
            }
        }
    }

    fn enter(&mut self, who: usize, intent: Intent) {
        if self.lock.enter(who, intent) == Err(DoorwayClosed) {
            assert_eq!(intent, Intent::MayWithdraw);
            let first = self.line.first().map(|it| self.lock.ticket(it.who));
            let is_long = |first| L::WINDOW.is_some_and(|window| self.next - first >= window);
            assert!(first.is_some_and(is_long), "there is room");
        } else if self.inside.is_none() && self.lock.is_held() {
            self.passed(who);
        } else if let Some(kept) = self.line.iter_mut().find(|it| it.who == who) {
            kept.given_up = false;
        } else {
            self.line.push(Waiter { who, passed: 0, given_up: false });
            self.next = self.lock.ticket(who) + 1;
        }
    }

    fn leave(&mut self) {
        if let Some(who) = self.inside.take() {
            self.lock.leave(who);
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Enter(who, intent) if !self.has_part(who) => self.enter(who, intent),
            Act::Try(who) if !self.has_part(who) => {
                let is_free = self.inside.is_none() && self.line.is_empty();
                if self.lock.try_enter(who) {
                    self.passed(who);
                } else {
                    assert!(!is_free, "nobody is there");
                }
            }
            Act::Poll(who) => self.poll(who),
            Act::Withdraw(who) => {
                let Some(before) = self.place(who) else { return };
                match self.lock.withdraw(who) {
                    Withdrawal::Done if before == 0 => self.move_on(),
                    Withdrawal::Done if L::WINDOW.is_none() => self.line[before].given_up = true,
                    Withdrawal::Done => drop(self.line.remove(before)),
                    Withdrawal::TooLate => {
                        let first = self.lock.ticket(self.line[0].who);
                        let behind = self.lock.ticket(who) - first;
                        assert!(L::WINDOW.is_some_and(|window| behind >= window));
                    }
                    Withdrawal::Mine => panic!("it had not gone in"),
                }
                // Who was to go in has not, and nobody else has been told to.
                self.left_to_line &= !self.line.is_empty();
            }
            Act::Leave => self.leave(),
            Act::LeaveToLine if L::HAS_LINE_ONLY && self.inside.is_some() => {
                self.inside = None;
                self.lock.leave_to_line();
                self.left_to_line = !self.line.is_empty();
            }
            Act::Pass(times) => {
                for _ in 0..times {
                    if self.lock.try_pass() {
                        self.passed(HOLDERS);
                        self.leave();
                    }
                }
            }
            Act::First => {
                if let (Some(first), None) = (self.line.first(), self.inside) {
                    self.poll(first.who);
                    assert!(self.inside.is_some(), "nobody was in its way");
                    self.leave();
                }
            }
            Act::Enter(..) | Act::Try(_) | Act::LeaveToLine => {}
        }
        assert_eq!(self.lock.is_held(), self.inside.is_some());
    }
}

fn plays<const B: u32>(acts: &[Act]) {
    let lock = BypassQueue::<B>::new();
    let hands = (0..HOLDERS).map(|_| BypassInHand::new(&lock)).collect();
    plays_at(Scene::<_, B>::new(InHand { lock: &lock, hands }), acts);
    let slots = Slots::<B>::new();
    (0..slots.capacity()).for_each(|who| slots.join(slot(who)));
    plays_at(Scene::<_, B>::new(slots), acts);
}

fn plays_at<L: Gated, const B: u32>(mut scene: Scene<L, B>, acts: &[Act]) {
    for &act in acts {
        scene.act(act);
    }
    // Everybody gets through in the end, and comes in afterwards.
    scene.leave();
    while !scene.line.is_empty() {
        scene.act(Act::First);
    }
    scene.enter(0, Intent::Stay);
    scene.poll(0);
    assert_eq!(scene.inside, Some(0));
}

#[test]
fn nobody_is_passed_too_often() {
    let config = Config { cases: 300, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&vec(acts(), 0..300), |acts| {
        plays::<0>(&acts);
        plays::<1>(&acts);
        plays::<2>(&acts);
        plays::<3>(&acts);
        plays::<8>(&acts);
        plays::<20>(&acts);
        plays::<100>(&acts);
        Ok(())
    });
    outcome.unwrap();
}

/// With a line of so many, half of the bound is shared out to the last one: no bound that is much
/// smaller would do, and those who may pass do.
#[test]
fn all_that_may_pass_do() {
    const B: u32 = 60;
    let lock = BypassQueue::<B>::new();
    let hands: Vec<_> = (0..6).map(|_| BypassInHand::new(&lock)).collect();
    let pass = || (0..100).filter(|_| lock.try_pass().then(|| leave(&lock)).is_some()).count();
    let turn = |hand: &BypassInHand<'_, B>| {
        assert_eq!(hand.poll(NONE, &Sleepers), Turn::Mine);
        leave(&lock);
    };
    let come = |hand: &BypassInHand<'_, B>| {
        hand.enter(NONE, Intent::Stay, &Sleepers).expect("open to those who stay");
        assert_ne!(hand.place(), BypassPlace::Gone, "somebody is inside");
    };

    assert_eq!(pass(), 100, "nobody is in line");
    assert!(lock.try_pass());
    come(&hands[0]);
    leave(&lock);
    assert_eq!(pass(), 30, "half of it, for the one that came first");
    hands[1..].iter().for_each(come);
    turn(&hands[0]);
    for hand in &hands[1..] {
        assert_eq!(pass(), 6, "one share of five");
        turn(hand);
    }
    assert_eq!(pass(), 100, "nobody is in line any more");
    assert!(lock.try_pass());
    come(&hands[0]);
    leave(&lock);
    assert_eq!(pass(), 30, "half of it again");
    turn(&hands[0]);
}

fn leave<const B: u32>(lock: &BypassQueue<B>) {
    BypassInHand::new(lock).leave(NONE, &Sleepers);
}

/// What a deadline is good for: places in the middle of the line are kept, the first one is not.
#[test]
fn a_head_that_gives_up_begins_anew_behind_the_others() {
    const B: u32 = 8;
    let lock = Slots::<B>::new();
    (0..lock.capacity()).for_each(|who| lock.join(slot(who)));
    let come = |who| Gated::enter(&lock, who, Intent::MayWithdraw).expect("it has room");
    let at_gate =
        |who| matches!(Gated::poll(&lock, who), Turn::Blocked(by) if by.place == Place::Gate);
    assert!(Gated::try_pass(&lock));
    (0..4).for_each(come);

    assert_eq!(Gated::withdraw(&lock, 1), Withdrawal::Done);
    come(1);
    assert_eq!(Gated::withdraw(&lock, 0), Withdrawal::Done);
    come(0);
    assert!(at_gate(1), "its place behind the head was kept");
    assert_eq!(Gated::withdraw(&lock, 1), Withdrawal::Done);
    Gated::leave(&lock, HOLDERS);
    come_in_turn(&lock, &[2, 3, 0]);
}

/// Those who were in line go in, one after the other.
fn come_in_turn<const B: u32>(lock: &Slots<B>, order: &[usize]) {
    for &who in order {
        for &other in order.iter().filter(|other| **other != who) {
            let is_behind = matches!(lock.standing(slot(other)), Standing::Line(_));
            assert!(!is_behind || matches!(Gated::poll(lock, other), Turn::Blocked(_)), "{other}");
        }
        assert_eq!(Gated::poll(lock, who), Turn::Mine, "{who}");
        Gated::leave(lock, who);
    }
}

/// Also if those before it at the head gave up, or went in: then nobody else is let in any more.
#[test]
fn a_head_that_stays_for_half_of_the_bound_is_the_next_one_in() {
    const B: u32 = 8;
    for leave_line in [Gated::withdraw, |lock: &Slots<B>, who| {
        assert_eq!(Gated::poll(lock, who), Turn::Mine);
        Gated::leave(lock, who);
        Withdrawal::Done
    }] {
        for before in 0..3 {
            let lock = Slots::<B>::new();
            (0..lock.capacity()).for_each(|who| lock.join(slot(who)));
            assert!(Gated::try_pass(&lock));
            (0..=before).for_each(|who| {
                Gated::enter(&lock, who, Intent::MayWithdraw).expect("it has room");
            });
            Gated::leave(&lock, HOLDERS);
            for who in 0..before {
                assert_eq!(leave_line(&lock, who), Withdrawal::Done);
            }
            let passes = (0..B).filter(|_| {
                let passes = Gated::try_pass(&lock);
                if passes {
                    Gated::leave(&lock, HOLDERS);
                }
                passes
            });
            let passes = passes.count();
            assert!(passes <= (B / 2).try_into().unwrap(), "{before} before it: {passes}");
            assert_eq!(Gated::poll(&lock, before), Turn::Mine);
        }
    }
}

/// The next one in is from the line, however many come and try.
#[test]
fn unlocked_fairly() {
    bounded(|| {
        let mutex: BypassMutexWith<Vec<&str>, 1024, Scripted> = BypassMutexWith::default();
        for _ in 0..50 {
            let told = &std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
            let in_line = || told.load(std::sync::atomic::Ordering::SeqCst) == 1;
            crowd(2, |index| {
                if index == 0 {
                    let mut inside = mutex.lock();
                    inside.clear();
                    until(in_line);
                    lock_api::MutexGuard::unlock_fair(inside);
                    if let Some(mut inside) = mutex.try_lock() {
                        inside.push("passed");
                    }
                } else {
                    until(|| mutex.is_locked());
                    tell(told);
                    mutex.lock().push("waited");
                }
            });
            assert_eq!(mutex.lock().first(), Some(&"waited"));
        }
    });
}
