//! Registers with anything in them: every move comes back.

use bakery_lock::Fixed;
use bakery_lock::algorithm::{Algorithm, Bypass, Intent, NobodySleeps, Slot, Turn};
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::strategy::{Just, Strategy};
use proptest::test_runner::{Config, TestRunner};
use proptest::{array, prop_oneof};

use crate::astray::{go_astray, overwrite};

all_algorithms! { once: moves_come_back }

/// Lines that begin with words as a lock for a few might have them, more or less.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    const LINE: usize = 128;

    let word = prop_oneof![
        3 => 0..8_u32,
        1 => u32::MAX - 3..=u32::MAX,
        1 => Just(i32::MAX as u32),
        1 => any::<u32>(),
    ];
    vec(array::uniform4(word), 0..8).prop_map(|lines| {
        let line = |words: [u32; 4]| {
            let mut line = words.map(u32::to_ne_bytes).concat();
            line.resize(LINE, 0);
            line
        };
        lines.into_iter().flat_map(line).collect()
    })
}

/// A share and a round that no lock has come to.
#[test]
fn more_than_may_pass() {
    const B: u32 = 6;
    let [inside, waits] = [0, 1].map(Slot::new);
    let mut lock = Bypass::<2, B>::new();
    overwrite(&mut lock, 4, &[u32::MAX.to_ne_bytes(), 9_u32.to_ne_bytes()].concat());
    for slot in [inside, waits] {
        lock.enter(slot, Intent::Stay, &NobodySleeps).unwrap();
    }
    lock.leave(inside, &NobodySleeps);
    assert_eq!(lock.poll(waits, &NobodySleeps), Turn::Mine);
    lock.leave(waits, &NobodySleeps);
    assert!(lock.try_pass(inside));
}

fn moves_come_back<A: Fixed>() {
    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    let moves = vec(array::uniform4(any::<u8>()), 0..60);
    let outcome = TestRunner::new(config).run(&(lines(), moves), |(registers, moves)| {
        go_astray::<A>(&registers, moves.as_flattened());
        Ok(())
    });
    outcome.unwrap();
}
