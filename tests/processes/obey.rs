//! A participant in a process of its own that does what it is told, one step at a time.
//!
//! | told | does | says |
//! |---|---|---|
//! | `lock`, `try`, `for MILLISECONDS`, `until now` | tries to get in | `in`, `no`, or what went wrong |
//! | `repair` | the same, and repairs what a dead one left | `repaired after TOKEN` first, if there was one |
//! | `enter` | the doorway | `in line` |
//! | then `wait`, or `step out` | waits for its turn, or withdraws | `in`, or `out` |
//! | inside: `leave`, `panic` | releases, or panics | `out` |
//! | inside: `token` | | the token |
//! | inside: `tear` | leaves the counts torn | `torn` |
//!
//! Whoever gets in adds to the counts and signs.

use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use bakery_lock::shared::{Death, Error, Guard, Kind, Mutex, Options, Participant};
use bakery_lock::wait::Wait;

use crate::child::{Child, crowd, hear, say};
use crate::data::{Ledger, Shared};

/// So many of them, numbered from 0, which have joined one after the other.
pub fn servants(shared: &Shared<Ledger>, waiting: &str, how_many: usize) -> Vec<Child> {
    (0..how_many)
        .flat_map(|number| crowd("obeys", [vec![shared.path(), waiting, &number.to_string()]]))
        .collect()
}

/// Two of them, which every kind of lock has room for.
pub fn two(kind: Kind) -> (Shared<Ledger>, Child, Child) {
    let shared = Shared::new(kind, 4);
    let [one, other] = <[Child; 2]>::try_from(servants(&shared, "park", 2)).ok().unwrap();
    (shared, one, other)
}

pub fn obeys(arguments: &[&str]) {
    let [path, waiting, number, manner @ ..] = arguments else { panic!("PATH WAITING NUMBER") };
    let options = in_this_manner(manner);
    with_waiting!(*waiting, W => {
        obey::<W>(&options.waiting().attach_at(path).unwrap(), number.parse().unwrap());
    });
}

/// `seldom`: it hardly ever looks. `silent`: it has no doorbell.
pub fn in_this_manner(manner: &[&str]) -> Options {
    manner.iter().fold(Options::new(), |options, word| match *word {
        "seldom" => options.look_every(Duration::from_hours(1)),
        "silent" => options.doorbell(false),
        other => panic!("{other:?} is no manner"),
    })
}

fn obey<W: Wait>(mutex: &Mutex<Ledger, W>, number: u64) {
    // Those that are asked for.
    panic::set_hook(Box::new(|_| {}));
    // Whatever runs the tests in the background may have had it ignored.
    // SAFETY: no handler of anybody's is replaced.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
    let mut me = mutex.join().unwrap();
    say("joined");
    while let Some(order) = hear() {
        let order = || step(&mut me, number, &order);
        if catch_unwind(AssertUnwindSafe(order)).is_err() {
            say("out");
        }
    }
}

fn step<W: Wait>(me: &mut Participant<Ledger, W>, number: u64, order: &str) {
    match order.split(' ').collect::<Vec<_>>()[..] {
        ["lock"] => inside(number, me.lock().map(Some)),
        ["try"] => inside(number, me.try_lock()),
        ["for", time] => {
            inside(number, me.lock_for(Duration::from_millis(time.parse().unwrap())));
        }
        ["until", "now"] => inside(number, me.lock_for(Duration::ZERO)),
        ["repair"] => {
            let repair = |ledger: &mut Ledger, death: &Death| {
                ledger.right = ledger.left;
                say(&format!("repaired after {}", death.token));
            };
            inside(number, me.lock_or_repair(repair).map(Some));
        }
        ["enter"] => {
            let waiting = me.enter().unwrap();
            say("in line");
            match hear().as_deref() {
                Some("wait") => inside(number, waiting.wait().map(Some)),
                Some("step out") => {
                    drop(waiting);
                    say("out");
                }
                other => assert_eq!(other, None),
            }
        }
        _ => say("what?"),
    }
}

type Outcome<'p, W> = Result<Option<Guard<'p, Ledger, W>>, Error>;

fn inside<W: Wait>(number: u64, outcome: Outcome<W>) {
    let mut guard = match outcome {
        Ok(Some(guard)) => guard,
        Ok(None) => return say("no"),
        Err(error) => return say(&error.to_string()),
    };
    guard.add();
    guard.sign(number);
    say("in");
    loop {
        match hear().as_deref() {
            Some("token") => say(&guard.token().to_string()),
            Some("tear") => {
                guard.left += 1;
                say("torn");
            }
            Some("leave") => {
                drop(guard);
                return say("out");
            }
            Some("panic") => panic!("as told"),
            other => return assert_eq!(other, None),
        }
    }
}
