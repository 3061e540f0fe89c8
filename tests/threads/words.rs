//! What the slots of the bakeries hold, against their definitions written down plainly: who is
//! ahead, which number comes next, and when there is none.

use std::cmp::Reverse;
use std::ptr;

use bakery_lock::Fixed;
use bakery_lock::algorithm::{
    Bakery, BlackWhite, DoorwayClosed, Intent, NobodySleeps, Place, Slot, Turn,
};
use proptest::array::uniform4;
use proptest::prelude::any;
use proptest::prop_oneof;
use proptest::strategy::{Just, Strategy};
use proptest::test_runner::{Config, TestRunner};

use crate::astray::overwrite;

const N: usize = 4;
const IDLE: u64 = 0;
const CHOOSING: u64 = 1;
const ALONE: u64 = 2;

fn slots() -> impl Iterator<Item = Slot> {
    (0..).map(Slot::new).take(N)
}

/// Where a slot's register is.
fn offset(slot: Slot) -> usize {
    128 * (1 + slot.index())
}

/// A bakery whose words are as wide as `W`.
trait Words: Fixed {
    const WIDTH: usize;

    /// One whose slots, all of them joined, hold this.
    fn with(words: [u64; N]) -> Self {
        let mut lock = Self::INIT;
        for (slot, word) in slots().zip(words) {
            lock.join(slot);
            lock.put(slot, word);
        }
        lock
    }

    fn put(&mut self, slot: Slot, word: u64) {
        overwrite(self, offset(slot), &word.to_le_bytes()[..Self::WIDTH]);
    }

    fn words(&mut self) -> [u64; N] {
        let registers = ptr::from_mut(self).cast::<u8>();
        let mut words = [0; N];
        for (slot, word) in slots().zip(&mut words) {
            let mut bytes = [0; 8];
            for (index, byte) in bytes[..Self::WIDTH].iter_mut().enumerate() {
                // SAFETY: a register of `self`.
                *byte = unsafe { registers.add(offset(slot) + index).read() };
            }
            *word = u64::from_le_bytes(bytes);
        }
        words
    }
}

impl Words for Bakery<N> {
    const WIDTH: usize = 8;
}

impl Words for BlackWhite<N> {
    const WIDTH: usize = 4;
}

/// A poll finds in its way exactly those who are `ahead`: somebody who is choosing, or the last of
/// the line as `place` orders it.
fn sees<A: Words, P: Ord>(
    lock: &A,
    words: [u64; N],
    me: Slot,
    ahead: impl Fn(u64, Slot) -> bool,
    place: impl Fn(u64, Slot) -> P,
) {
    let ahead = || slots().zip(words).filter(|(slot, word)| *slot != me && ahead(*word, *slot));
    // Of those who are choosing the first.
    let before = ahead()
        .max_by_key(|(slot, word)| match *word {
            CHOOSING => (true, None, Reverse(*slot)),
            word => (false, Some(place(word, *slot)), Reverse(*slot)),
        })
        .map(|(slot, _)| slot);
    match lock.poll(me, &NobodySleeps) {
        Turn::Mine => assert_eq!(before, None),
        Turn::Blocked(by) => {
            assert!(by.on.is_some());
            assert_eq!(by.on, before);
            assert!(lock.is_blocked(me, by));
            let chooses = words[before.map_or(0, Slot::index)] == CHOOSING;
            let place = if ahead().count() == 1 { Place::Next } else { Place::Near };
            assert!(chooses || by.place == place);
        }
    }
}

/// The doorway gives this word, unless all others are idle; or is closed and leaves all as it is. In
/// either case it lets in at once when the others have left.
fn gives<A: Words>(lock: &mut A, me: Slot, next: Option<u64>) {
    let enter = |lock: &A| lock.enter(me, Intent::MayWithdraw, &NobodySleeps);
    lock.put(me, IDLE);
    let mut expected = lock.words();
    let next = if expected == [IDLE; N] { Some(ALONE) } else { next };
    let outcome = enter(lock);
    assert_eq!(outcome, next.map(|_| ()).ok_or(DoorwayClosed));
    expected[me.index()] = next.unwrap_or(IDLE);
    assert_eq!(lock.words(), expected);
    slots().for_each(|slot| lock.put(slot, IDLE));
    assert_eq!(enter(lock), Ok(()));
    assert_eq!(lock.words()[me.index()], ALONE);
    slots().filter(|slot| *slot != me).for_each(|slot| lock.put(slot, CHOOSING));
    assert_eq!(lock.poll(me, &NobodySleeps), Turn::Mine);
}

fn check<I: std::fmt::Debug>(inputs: &impl Strategy<Value = I>, run: impl Fn(I)) {
    let config = Config { cases: 1000, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(inputs, |input| {
        run(input);
        Ok(())
    });
    outcome.unwrap();
}

fn numbers(greatest: u64) -> impl Strategy<Value = u64> {
    prop_oneof![3 => 1..8_u64, 1 => greatest - 2..=greatest]
}

/// The order of whole numbers, and of slots among equals; up to the last of 64 bits.
#[test]
fn in_the_bakery() {
    let number = || numbers(u64::MAX - ALONE).prop_map(|number| number + ALONE);
    let word = prop_oneof![3 => Just(IDLE), 1 => Just(CHOOSING), 1 => Just(ALONE), 6 => number()];
    check(&(uniform4(word), number(), 0..N), |(mut words, mine, me)| {
        words[me] = mine;
        let me = slots().nth(me).expect("it is less than N");
        let mut lock = Bakery::with(words);
        let ahead = |word, slot| word != IDLE && (word, slot) < (mine, me);
        sees(&lock, words, me, ahead, |number, slot| (number, slot));

        words[me.index()] = IDLE;
        let greatest = words.into_iter().fold(ALONE, u64::max);
        gives(&mut lock, me, greatest.checked_add(1));
    });
}

/// The colour that is not handed out any more first, then the order of numbers and slots; up to the
/// last of 31 bits.
#[test]
fn in_the_black_white_bakery() {
    const GREATEST: u64 = (1 << 31) - 2;

    let ticket = || {
        (prop_oneof![1..2_u64, numbers(GREATEST)], 0..2_u64)
            .prop_map(|(number, colour)| ALONE + 2 * number + colour)
    };
    let word = prop_oneof![3 => Just(IDLE), 1 => Just(CHOOSING), 1 => Just(ALONE), 6 => ticket()];
    check(&(uniform4(word), ticket(), 0..N, any::<u32>()), |(mut words, mine, me, shared)| {
        words[me] = mine;
        let me = slots().nth(me).expect("it is less than N");
        let mut lock = BlackWhite::with(words);
        // After the mark.
        overwrite(&mut lock, 4, &shared.to_ne_bytes());
        let colour = u64::from(shared % 2);
        let is_mine = |word| word % 2 == mine % 2;
        let ahead = |word, slot| match word {
            IDLE => false,
            CHOOSING | ALONE => true,
            _ if is_mine(word) => (word / 2, slot) < (mine / 2, me),
            _ => mine % 2 == colour,
        };
        sees(&lock, words, me, ahead, |word, slot| {
            (word != ALONE && is_mine(word), word / 2, slot)
        });
        let number = |word: u64| word.saturating_sub(ALONE) / 2;
        assert!(slots().all(|slot| u64::from(lock.number(slot)) == number(words[slot.index()])));

        words[me.index()] = IDLE;
        let greatest = words.into_iter().filter(|word| word % 2 == colour).map(number).max();
        let greatest = greatest.unwrap_or(0);
        gives(&mut lock, me, (greatest < GREATEST).then_some(ALONE + 2 * (greatest + 1) + colour));
    });
}
