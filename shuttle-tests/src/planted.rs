//! The tests can fail: each planted fault is found, under both schedulers, and a wake-up that is
//! lost as a deadlock.

use std::process::Command;

use crate::fault::{FAULT, Fault};

const DEADLOCK: &str = "deadlock!";
const LOST: &str = "an update was lost";

/// Runs one of the tests in a process that has the fault.
fn is_found(fault: &Fault, test: &str, scheduler: &str, says: &str) {
    let tests = std::env::current_exe().expect("this program has a name");
    let run = Command::new(tests)
        .args(["--exact", &format!("{test}::{scheduler}"), "--nocapture"])
        .env(FAULT, fault.to_string())
        .output()
        .expect("this program runs");
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(out.contains("running 1 test"), "no such test: {test}::{scheduler}");
    assert!(!run.status.success(), "{test} does not find {fault} under {scheduler}");
    assert!(err.contains(says), "{test} finds {fault} under {scheduler}, but says:\n{err}");
}

macro_rules! planted {
    ($($name:ident: $file:literal, $behind:literal $operation:literal
        => $test:literal, $says:expr;)*) => {$(
        #[test]
        fn $name() {
            let fault = Fault {
                file: $file,
                text: include_str!(concat!("../../", $file)),
                behind: $behind,
                operation: $operation,
            };
            is_found(&fault, $test, "random", $says);
            is_found(&fault, $test, "pct", $says);
        }
    )*};
}

planted! {
    the_announcement: "src/wait/channel.rs",
        "let announced = self.0." "fetch_or(SLEEPERS, Relaxed)"
        => "parking::bakery", "a sleeper has not been announced";
    the_wake_of_a_doorway: "src/algorithm/bakery.rs",
        "fence(SeqCst);\n        wake." "wake(me.number());"
        => "parking::bakery", DEADLOCK;
    the_wake_of_a_departure: "src/algorithm/bakery.rs",
        "wake.fence();\n        wake." "wake(me.number());"
        => "parking::bakery", DEADLOCK;
    the_wake_of_a_withdrawal: "src/algorithm/black_white.rs",
        "wake.fence();\n        wake." "wake(me.number());\n        Withdrawal::Done"
        => "withdrawal::black_white_tried", DEADLOCK;
    the_wake_of_the_next_ticket: "src/algorithm/ticket.rs",
        "wake.fence_after_rmw();\n        wake." "wake(half(served));"
        => "parking::ticket", DEADLOCK;
    the_wake_at_a_meeting: "src/algorithm/peterson.rs",
        "wake.fence();\n        wake." "wake(me.number());"
        => "parking::peterson_swapped", DEADLOCK;
    choosing: "src/algorithm/bakery.rs",
        "mine." "store(CHOOSING, Relaxed);"
        => "exclusion::bakery", LOST;
    choosing_a_colour: "src/algorithm/black_white.rs",
        "mine." "store(Word::CHOOSING.0, Relaxed);"
        => "exclusion::black_white", LOST;
    the_hold_on_a_lease: "src/local/drop_in/lease.rs",
        "HELD." "set(HELD.get() + 1);"
        => "lease::bakery_with_room", "this thread has locked this mutex already";
    the_end_of_a_lease: "src/local/drop_in/lease.rs",
        "LEASE." "set(Lease::None);"
        => "lease::bakery_with_room", "this thread has locked this mutex already";
    the_mark_of_a_guard_left_behind: "src/local/drop_in/lease.rs",
        "LEFT_IN_USE[word]." "fetch_or(bit, Relaxed)"
        => "lease::bakery_with_room", "this thread has locked this mutex already";
    the_gate: "src/algorithm/ticket_queue.rs",
        "self.next." "fetch_add(1, Relaxed)"
        => "lease::bakery_of_one", "panicked at";
}
