//! The cases, in the table's order. What each does is said in the program's description.

mod deaths;
mod forks;
mod living;
mod order;
mod times;

use anyhow::Result;

use crate::cell::Cell;
use crate::stage::Stage;

pub struct Case {
    pub name: &'static str,
    pub should_be: &'static str,
    /// How many processes it takes at a time.
    pub processes: usize,
    pub run: fn(&Stage) -> Result<Cell>,
}

const fn case(
    name: &'static str,
    processes: usize,
    should_be: &'static str,
    run: fn(&Stage) -> Result<Cell>,
) -> Case {
    Case { name, should_be, processes, run }
}

pub const CASES: &[Case] = &[
    case("its holder is killed", 2, "told who", deaths::holder),
    case("its holder is a zombie", 2, "gets in", deaths::zombie),
    case("its holder's child lives on", 2, "gets in", forks::child_lives_on),
    case("one in line is killed", 5, "in order", deaths::waiter),
    case("its holder is stopped", 2, "kept", living::stopped),
    case("a stray close", 2, "kept", living::stray_close),
    case("a forked child lets go", 2, "kept", forks::child_lets_go),
    case("a namesake is killed", 3, "kept", living::namesake),
    case("pairs out of order", 9, "0", order::pairs),
    case("the holder comes again", 2, "0 / 0", order::comes_again),
    case("a thief tries", 3, "0 / 0", order::thief),
    case("ms after a dead holder", 2, "soon", times::dead_holder),
    case("ms after a dead waiter", 3, "soon", times::dead_waiter),
];
