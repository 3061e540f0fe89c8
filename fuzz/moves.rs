//! The moves of each algorithm, in any order, on any registers.
#![no_main]

use bakery_lock::algorithm::{
    Bakery, BlackWhite, Bypass, Fast, Fenced, Filter, Peterson, Swapped, Ticket, Tournament,
};
use libfuzzer_sys::fuzz_target;

#[path = "../tests/threads/astray.rs"]
mod astray;

use astray::go_astray;

fuzz_target!(|input: (u8, &[u8], &[u8])| {
    let (which, registers, moves) = input;
    let run = match which % 13 {
        0 => go_astray::<Bakery<5>>,
        1 => go_astray::<BlackWhite<5>>,
        2 => go_astray::<Peterson<Fenced>>,
        3 => go_astray::<Peterson<Swapped>>,
        4 => go_astray::<Filter<2, Fenced>>,
        5 => go_astray::<Filter<5, Swapped>>,
        6 => go_astray::<Tournament<2, Fenced>>,
        7 => go_astray::<Tournament<5, Swapped>>,
        8 => go_astray::<Tournament<8, Fenced>>,
        9 => go_astray::<Ticket<5>>,
        10 => go_astray::<Fast<5>>,
        11 => go_astray::<Bypass<5, 6>>,
        _ => go_astray::<Ticket<40>>,
    };
    run(registers, moves);
});
