//! Tickets of the dead, against a line as one would write it down: whatever is done in whatever
//! order, and further back than can be withdrawn, the dead are taken out of the line when they can
//! be told from the living, and nobody else is.

use std::collections::VecDeque;

use bakery_lock::Fixed;
use bakery_lock::algorithm::{
    Algorithm, Bakery, BlackWhite, Fenced, Filter, Intent, NobodySleeps, Peterson, Recover, Reset,
    Slot, Standing, Swapped, Ticket, Tournament, Turn, Withdrawal,
};
use proptest::array::uniform4;
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::prop_oneof;
use proptest::strategy::{Just, Strategy};
use proptest::test_runner::{Config, TestRunner};

use crate::astray::overwrite;

/// More than there are marks.
const N: usize = 45;
const WAKE: NobodySleeps = NobodySleeps;

type Lock = Ticket<N>;

/// A queue that serves this ticket first, and that everybody has joined.
fn line_from(first: u32) -> Lock {
    let lock = Lock::starting_at(first);
    (0..N).for_each(|who| lock.join(slot(who)));
    lock
}

fn slot(who: usize) -> Slot {
    Slot::new(u32::try_from(who).expect("a few"))
}

/// As one dies who is choosing: whatever it has done, this is all that can be read.
fn die_choosing(lock: &mut Lock, who: usize) {
    const CHOOSING: u64 = 1;

    overwrite(lock, 128 * (1 + who), &CHOOSING.to_ne_bytes());
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Enter(usize, Intent),
    /// The same, and dies, with its ticket written down or without.
    EnterAndDie(usize, bool),
    /// Dies in the doorway, without a ticket.
    Die(usize),
    Withdraw(usize),
    Look(usize),
    Reset(usize),
    /// Whoever is served goes in and leaves, or dies inside.
    Serve(bool),
}

fn acts() -> impl Strategy<Value = Act> {
    let who = || 0..N;
    let act = prop_oneof![
        who().prop_map(|who| Act::Enter(who, Intent::Stay)),
        who().prop_map(|who| Act::Enter(who, Intent::MayWithdraw)),
        who().prop_map(|who| Act::EnterAndDie(who, true)),
        who().prop_map(|who| Act::EnterAndDie(who, false)),
        who().prop_map(Act::Die),
    ];
    prop_oneof![
        5 => act,
        1 => who().prop_map(Act::Withdraw),
        1 => who().prop_map(Act::Look),
        3 => who().prop_map(Act::Reset),
        2 => Just(Act::Serve(true)),
        1 => Just(Act::Serve(false)),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    Outside,
    /// And its slot says that it gave up a place, whether that is still there or not.
    GaveUp,
    InLine,
    Dead,
    DeadChoosing,
    /// And the others know.
    Orphaned,
}

struct Place {
    who: usize,
    given_up: bool,
}

struct Line {
    /// From the ticket that is served on.
    places: VecDeque<Place>,
    are: [Is; N],
}

impl Line {
    fn before(&self, who: usize) -> Option<usize> {
        self.places.iter().position(|place| place.who == who)
    }

    fn come(&mut self, who: usize) {
        match self.before(who) {
            Some(before) => self.places[before].given_up = false,
            None => self.places.push_back(Place { who, given_up: false }),
        }
        self.are[who] = Is::InLine;
    }

    fn give_up(&mut self, who: usize) {
        let before = self.before(who).expect("it has a place");
        self.places[before].given_up = true;
        self.are[who] = Is::GaveUp;
    }

    fn skip(&mut self) {
        while self.places.pop_front_if(|first| first.given_up).is_some() {}
    }

    /// Passes over what is nobody's, as far as that can be told.
    fn help(&mut self) {
        let is_one_choosing = self.are.contains(&Is::DeadChoosing);
        let is_nobodys = |first: &mut Place| {
            first.given_up || (self.are[first.who] == Is::Orphaned && !is_one_choosing)
        };
        while self.places.pop_front_if(is_nobodys).is_some() {}
    }

    fn reset(&mut self, who: usize) -> Reset {
        match self.are[who] {
            Is::Outside => return Reset::Done,
            Is::InLine => unreachable!("it lives"),
            Is::GaveUp => {}
            Is::Dead => self.give_up(who),
            Is::DeadChoosing | Is::Orphaned => self.are[who] = Is::Orphaned,
        }
        self.help();
        let is_orphan = |place: &Place| self.are[place.who] == Is::Orphaned;
        if self.are[who] == Is::Orphaned {
            if self.are.contains(&Is::DeadChoosing) || self.places.iter().any(is_orphan) {
                return Reset::Later;
            }
            self.are[who] = Is::Outside;
        }
        Reset::Done
    }

    /// Whom somebody waits for, who is not served.
    fn ahead(&mut self) -> Option<usize> {
        self.help();
        let holder = self.places.front().map(|first| first.who);
        let holder = holder.filter(|who| matches!(self.are[*who], Is::InLine | Is::Dead));
        holder.or_else(|| self.are.iter().rposition(|it| *it == Is::DeadChoosing))
    }

    fn standing(&self, who: usize) -> Option<Standing> {
        match self.are[who] {
            Is::Outside | Is::GaveUp => Some(Standing::Outside),
            Is::DeadChoosing | Is::Orphaned => Some(Standing::Doorway),
            Is::InLine | Is::Dead => None,
        }
    }
}

fn agrees(first: u32, acts: &[Act]) {
    let mut lock = line_from(first);
    let mut line = Line { places: VecDeque::new(), are: [Is::Outside; N] };
    for act in acts {
        match *act {
            Act::Enter(who, intent) if matches!(line.are[who], Is::Outside | Is::GaveUp) => {
                lock.enter(slot(who), intent, &WAKE).expect("it is open");
                line.come(who);
            }
            Act::EnterAndDie(who, written_down) if line.are[who] == Is::Outside => {
                lock.enter(slot(who), Intent::Stay, &WAKE).expect("it is open");
                line.come(who);
                line.are[who] = if written_down { Is::Dead } else { Is::DeadChoosing };
                if !written_down {
                    die_choosing(&mut lock, who);
                }
            }
            Act::Die(who) if line.are[who] == Is::Outside => {
                die_choosing(&mut lock, who);
                line.are[who] = Is::DeadChoosing;
            }
            Act::Withdraw(who) if line.are[who] == Is::InLine => {
                let outcome = match line.before(who).expect("it is in line") {
                    0 => Withdrawal::Mine,
                    _ => Withdrawal::Done,
                };
                assert_eq!(lock.withdraw(slot(who), &WAKE), outcome);
                if outcome == Withdrawal::Done {
                    line.give_up(who);
                }
            }
            Act::Look(who) if line.are[who] == Is::InLine => {
                let ahead = line.ahead().filter(|ahead| *ahead != who);
                assert_eq!(lock.ahead_of(slot(who), &WAKE), ahead.map(slot));
            }
            Act::Reset(who) if line.are[who] != Is::InLine => {
                assert_eq!(lock.reset(slot(who), &WAKE), line.reset(who));
            }
            Act::Serve(lives) => {
                let Some(who) = line.places.front().map(|first| first.who) else { continue };
                if line.are[who] == Is::InLine {
                    assert_eq!(lock.poll(slot(who), &WAKE), Turn::Mine);
                    line.are[who] = Is::Dead;
                    if lives {
                        lock.leave(slot(who), &WAKE);
                        line.are[who] = Is::Outside;
                        line.places.pop_front();
                        line.skip();
                    }
                }
            }
            _ => {}
        }
        for who in 0..N {
            match line.standing(who) {
                Some(expected) => assert_eq!(lock.standing(slot(who)), expected),
                None => assert!(matches!(lock.standing(slot(who)), Standing::Line(_))),
            }
        }
    }
}

#[test]
fn the_dead_leave_the_line_and_nobody_else_does() {
    let firsts = prop_oneof![Just(0), u32::MAX - 80..=u32::MAX];
    let config = Config { cases: 300, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&(firsts, vec(acts(), 0..300)), |(first, acts)| {
        agrees(first, &acts);
        Ok(())
    });
    outcome.unwrap();
}

/// So many participants in line.
fn full() -> Lock {
    let lock = line_from(u32::MAX - 20);
    (0..N).for_each(|who| lock.enter(slot(who), Intent::Stay, &WAKE).expect("for those who stay"));
    lock
}

#[test]
fn one_who_died_far_back_is_reset_at_once() {
    let lock = full();
    assert_eq!(lock.reset(slot(N - 1), &WAKE), Reset::Done);
    assert_eq!(lock.standing(slot(N - 1)), Standing::Outside);
    for who in 0..N - 1 {
        assert_eq!(lock.poll(slot(who), &WAKE), Turn::Mine);
        lock.leave(slot(who), &WAKE);
    }
    assert!(lock.try_enter(slot(N - 1), &WAKE));
}

#[test]
fn one_who_died_choosing_is_reset_when_what_may_be_its_ticket_is_served() {
    let mut lock = full();
    die_choosing(&mut lock, N - 2);
    for who in 0..N - 2 {
        assert_eq!(lock.reset(slot(N - 2), &WAKE), Reset::Later);
        assert_eq!(lock.poll(slot(who), &WAKE), Turn::Mine);
        lock.leave(slot(who), &WAKE);
    }
    assert!(matches!(lock.poll(slot(N - 1), &WAKE), Turn::Blocked(_)));
    assert_eq!(lock.reset(slot(N - 2), &WAKE), Reset::Done);
    assert_eq!(lock.poll(slot(N - 1), &WAKE), Turn::Mine);
}

/// Whoever gave up comes back to its place until its turn has come, and to the end of the line then.
#[test]
fn a_place_that_was_given_up_is_found_again_until_its_turn() {
    let lock = full();
    let gives_up = slot(N / 2);
    for _ in 0..3 {
        assert_eq!(lock.withdraw(gives_up, &WAKE), Withdrawal::Done);
        assert!(!lock.try_enter(gives_up, &WAKE), "others are before it");
        lock.enter(gives_up, Intent::MayWithdraw, &WAKE).expect("it is open");
    }
    let serve = |who| {
        assert_eq!(lock.poll(slot(who), &WAKE), Turn::Mine);
        lock.leave(slot(who), &WAKE);
    };
    (0..=N / 2).for_each(serve);
    let last = slot(N - 1);
    assert_eq!(lock.withdraw(last, &WAKE), Withdrawal::Done);
    (N / 2 + 1..N - 1).for_each(serve);
    // Its turn has come and gone.
    lock.enter(gives_up, Intent::Stay, &WAKE).expect("it is open");
    lock.enter(last, Intent::Stay, &WAKE).expect("it is open");
    assert!(matches!(lock.poll(last, &WAKE), Turn::Blocked(_)));
    serve(N / 2);
    serve(N - 1);
}

/// However many tickets were taken meanwhile: only the lower half of the one served is known.
#[test]
fn one_who_died_long_ago_is_not_taken_for_one_in_line() {
    let mut lock = line_from(40);
    assert!(lock.try_enter(slot(0), &WAKE));
    lock.leave(slot(0), &WAKE);
    // Another's ticket, just before that of one who died when it had left.
    lock.enter(slot(1), Intent::Stay, &WAKE).unwrap();
    lock.enter(slot(2), Intent::Stay, &WAKE).unwrap();
    let long_ago: u64 = 3 + 42;
    let next: u64 = (1 << 32) + 43;
    overwrite(&mut lock, 128, &long_ago.to_ne_bytes());
    overwrite(&mut lock, 0, &next.to_ne_bytes());
    for who in [1, 2] {
        let place = 3 + next - 3 + who;
        overwrite(&mut lock, 128 * (1 + usize::try_from(who).unwrap()), &place.to_ne_bytes());
    }
    assert_eq!(lock.reset(slot(0), &WAKE), Reset::Done);
    for who in [1, 2] {
        assert_eq!(lock.poll(slot(who), &WAKE), Turn::Mine);
        lock.leave(slot(who), &WAKE);
    }
}

/// One that died when the next one was served, and its slot did not say so yet.
#[test]
fn one_who_died_on_its_way_out_leaves_no_place_to_come_again_to() {
    let mut lock = line_from(u32::MAX);
    let first: u64 = u32::MAX.into();
    assert!(lock.try_enter(slot(0), &WAKE));
    lock.leave(slot(0), &WAKE);
    overwrite(&mut lock, 128, &(3 + first).to_ne_bytes());
    assert_eq!(lock.reset(slot(0), &WAKE), Reset::Done);
    assert_eq!(lock.standing(slot(0)), Standing::Outside);
    lock.enter(slot(0), Intent::Stay, &WAKE).unwrap();
    assert_eq!(lock.poll(slot(0), &WAKE), Turn::Mine);
}

#[test]
fn whoever_is_choosing_may_have_the_ticket_that_nobody_holds() {
    let mut lock = line_from(0);
    for who in 0..3 {
        lock.enter(slot(who), Intent::Stay, &WAKE).unwrap();
    }
    die_choosing(&mut lock, 0);
    die_choosing(&mut lock, 1);
    assert_eq!(lock.ahead_of(slot(2), &WAKE), Some(slot(1)));
    assert_eq!(lock.reset(slot(1), &WAKE), Reset::Later);
    assert_eq!(lock.ahead_of(slot(2), &WAKE), Some(slot(0)));
    assert_ne!(lock.poll(slot(2), &WAKE), Turn::Mine);
    // The first is known to be dead.
    assert_eq!(lock.reset(slot(0), &WAKE), Reset::Done);
    assert_eq!(lock.poll(slot(2), &WAKE), Turn::Mine);
    assert_eq!(lock.reset(slot(1), &WAKE), Reset::Done);
    assert_eq!(lock.poll(slot(2), &WAKE), Turn::Mine);
}

/// Registers with anything in them: every reset comes back, and names nobody who cannot be.
fn comes_back<A: Fixed + Recover>(registers: &[[u32; 4]], moves: &[[u8; 2]]) {
    let mut lock = A::INIT;
    for (line, words) in registers.iter().enumerate() {
        overwrite(&mut lock, 128 * line, words.map(u32::to_ne_bytes).as_flattened());
    }
    let capacity = lock.capacity();
    for [what, who] in moves {
        let me = slot(usize::from(*who) % capacity);
        match what % 4 {
            0 => drop(lock.enter(me, Intent::Stay, &WAKE)),
            1 => _ = lock.standing(me),
            2 => _ = lock.reset(me, &WAKE),
            _ => assert!(lock.ahead_of(me, &WAKE).is_none_or(|ahead| ahead.index() < capacity)),
        }
    }
}

#[test]
fn damaged_registers_are_reset_in_a_bounded_number_of_steps() {
    let word = prop_oneof![3 => 0..8_u32, 1 => u32::MAX - 40..=u32::MAX, 1 => any::<u32>()];
    let moves = vec(any::<[u8; 2]>(), 0..40);
    let config = Config { cases: 500, failure_persistence: None, ..Config::default() };
    let input = (vec(uniform4(word), 0..8), moves);
    let outcome = TestRunner::new(config).run(&input, |(registers, moves)| {
        comes_back::<Ticket<5>>(&registers, &moves);
        comes_back::<Ticket<40>>(&registers, &moves);
        comes_back::<Bakery<5>>(&registers, &moves);
        comes_back::<BlackWhite<5>>(&registers, &moves);
        comes_back::<Peterson<Fenced>>(&registers, &moves);
        comes_back::<Filter<5, Swapped>>(&registers, &moves);
        comes_back::<Tournament<5, Fenced>>(&registers, &moves);
        Ok(())
    });
    outcome.unwrap();
}
