//! Ordinary busy loops: other work that the machine has.

use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::thread::available_parallelism;

use super::again::{Again, told};
use super::pinning::pin;

/// The first argument of a process that is started here.
const ROLE: &str = "--loop";

/// Busy loops, each in a process of its own, until this is dropped or this process ends.
pub(crate) struct Loops {
    _all: Vec<Again>,
}

impl Loops {
    /// So many on each processor, at the priority of this process. All run when this returns.
    pub(crate) fn start(on_each: usize) -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        let ids = (0..on_each * processors).map(|id| id.to_string());
        let mut all: Vec<_> = ids.map(|id| Again::start(ROLE, &[&id])).collect();
        for it in &mut all {
            let mut said = String::new();
            let out = it.0.stdout.as_mut().expect("it is piped");
            BufReader::new(out).read_line(&mut said).expect("a loop can be heard");
            assert_eq!(said, "runs\n");
        }
        Self { _all: all }
    }
}

/// Is a busy loop, for ever, if this process was started as one.
///
/// To be called first of all by a program that starts itself.
pub(crate) fn run() {
    let Some(arguments) = told(ROLE) else { return };
    let id = arguments.first().and_then(|id| id.parse().ok());
    pin(id.expect("a number"));
    println!("runs");
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}
