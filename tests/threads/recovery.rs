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

/// More than there are tickets that can be withdrawn.
const N: usize = 45;
const WINDOW: usize = Ticket::<1>::WINDOW as usize;
const WAKE: NobodySleeps = NobodySleeps;

type Lock = Ticket<N>;

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
    InLine,
    Dead,
    DeadChoosing,
    /// And the others know.
    Orphaned,
}

struct Line {
    /// Who took each ticket from the one served on, until it is given up.
    places: VecDeque<Option<usize>>,
    served: usize,
    are: [Is; N],
}

impl Line {
    fn ticket(&self, who: usize) -> Option<usize> {
        Some(self.served + self.places.iter().position(|place| *place == Some(who))?)
    }

    fn pass(&mut self) {
        self.places.pop_front();
        self.served += 1;
    }

    fn skip(&mut self) {
        while self.places.front() == Some(&None) {
            self.pass();
        }
    }

    /// Whether that ticket could be given up.
    fn give_up(&mut self, ticket: usize) -> bool {
        match ticket.checked_sub(self.served) {
            None => {}
            Some(0) => self.pass(),
            Some(before) if before < WINDOW => self.places[before] = None,
            Some(_) => return false,
        }
        true
    }

    fn reset(&mut self, who: usize) -> Reset {
        let is_out = match self.are[who] {
            Is::Outside => return Reset::Done,
            Is::InLine => unreachable!("it lives"),
            Is::Dead => self.ticket(who).is_none_or(|ticket| self.give_up(ticket)),
            Is::DeadChoosing | Is::Orphaned => {
                self.are[who] = Is::Orphaned;
                !self.are.contains(&Is::DeadChoosing) && self.give_up_orphans()
            }
        };
        if !is_out {
            return Reset::Later;
        }
        self.are[who] = Is::Outside;
        self.skip();
        Reset::Done
    }

    fn give_up_orphans(&mut self) -> bool {
        let first = self.served;
        let is_orphan = |who: &usize| self.are[*who] == Is::Orphaned;
        let places = self.places.iter().enumerate();
        let orphans = places.filter(|(_, place)| place.as_ref().is_some_and(is_orphan));
        let orphans: Vec<_> = orphans.map(|(place, _)| place).collect();
        let near = |place: &&usize| **place < WINDOW;
        for place in orphans.iter().filter(near) {
            assert!(self.give_up(first + place), "it is near");
        }
        orphans.iter().all(|place| near(&place))
    }

    /// Whom somebody waits for, who is not served.
    fn ahead(&mut self) -> Option<usize> {
        self.skip();
        let last = |is| self.are.iter().rposition(|it| *it == is);
        let holder = self.places[0].filter(|who| matches!(self.are[*who], Is::InLine | Is::Dead));
        holder.or_else(|| last(Is::DeadChoosing)).or_else(|| last(Is::Orphaned))
    }

    fn standing(&self, who: usize) -> Option<Standing> {
        match self.are[who] {
            Is::Outside => Some(Standing::Outside),
            Is::DeadChoosing | Is::Orphaned => Some(Standing::Doorway),
            Is::InLine | Is::Dead => None,
        }
    }
}

fn agrees(first: u32, acts: &[Act]) {
    let mut lock = Lock::starting_at(first);
    let mut line = Line { places: VecDeque::new(), served: 0, are: [Is::Outside; N] };
    for act in acts {
        match *act {
            Act::Enter(who, intent) if line.are[who] == Is::Outside => {
                let is_open = intent == Intent::Stay || line.places.len() < WINDOW;
                assert_eq!(lock.enter(slot(who), intent, &WAKE).is_ok(), is_open);
                if is_open {
                    line.places.push_back(Some(who));
                    line.are[who] = Is::InLine;
                }
            }
            Act::EnterAndDie(who, written_down) if line.are[who] == Is::Outside => {
                lock.enter(slot(who), Intent::Stay, &WAKE).expect("open to those who stay");
                line.places.push_back(Some(who));
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
                let before = line.ticket(who).expect("it is in line") - line.served;
                let outcome = match before {
                    0 => Withdrawal::Mine,
                    1..WINDOW => Withdrawal::Done,
                    _ => Withdrawal::TooLate,
                };
                assert_eq!(lock.withdraw(slot(who), &WAKE), outcome);
                if outcome == Withdrawal::Done {
                    line.places[before] = None;
                    line.are[who] = Is::Outside;
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
                let Some(&Some(who)) = line.places.front() else { continue };
                if line.are[who] == Is::InLine {
                    assert_eq!(lock.poll(slot(who), &WAKE), Turn::Mine);
                    line.are[who] = Is::Dead;
                    if lives {
                        lock.leave(slot(who), &WAKE);
                        line.are[who] = Is::Outside;
                        line.pass();
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
    let lock = Lock::starting_at(u32::MAX - 20);
    (0..N).for_each(|who| lock.enter(slot(who), Intent::Stay, &WAKE).expect("for those who stay"));
    lock
}

#[test]
fn one_who_died_far_back_is_reset_when_the_line_has_moved_on() {
    for choosing in [false, true] {
        let mut lock = full();
        if choosing {
            die_choosing(&mut lock, N - 1);
        }
        for who in 0..N - WINDOW {
            assert_eq!(lock.reset(slot(N - 1), &WAKE), Reset::Later);
            assert_eq!(lock.poll(slot(who), &WAKE), Turn::Mine);
            lock.leave(slot(who), &WAKE);
        }
        assert_eq!(lock.reset(slot(N - 1), &WAKE), Reset::Done);
        for who in N - WINDOW..N - 1 {
            assert_eq!(lock.poll(slot(who), &WAKE), Turn::Mine);
            lock.leave(slot(who), &WAKE);
        }
        assert!(lock.try_enter(slot(N - 1), &WAKE));
    }
}

/// However many tickets were taken meanwhile: only the lower half of the one served is known.
#[test]
fn one_who_died_long_ago_is_not_taken_for_one_in_line() {
    let mut lock = Lock::starting_at(40);
    assert!(lock.try_enter(slot(0), &WAKE));
    lock.leave(slot(0), &WAKE);
    // Another's ticket, just before that of one who died when it had left.
    lock.enter(slot(1), Intent::Stay, &WAKE).unwrap();
    lock.enter(slot(2), Intent::Stay, &WAKE).unwrap();
    let long_ago: u64 = 3 + 42;
    let next: u64 = (1 << 32) + 43;
    overwrite(&mut lock, 128, &long_ago.to_ne_bytes());
    overwrite(&mut lock, 0, &next.to_ne_bytes());
    assert_eq!(lock.reset(slot(0), &WAKE), Reset::Done);
    for who in [1, 2] {
        assert_eq!(lock.poll(slot(who), &WAKE), Turn::Mine);
        lock.leave(slot(who), &WAKE);
    }
}

#[test]
fn whoever_is_choosing_may_have_the_ticket_that_nobody_holds() {
    let mut lock = Lock::new();
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
