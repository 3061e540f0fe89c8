//! What is not so has to fail. In processes of their own, since a deadlock in a model aborts.

use std::process::Command;

fn deadlocks(model: &str) {
    let output = Command::new(env!("CARGO_BIN_EXE_loom-tests"))
        .args(["model", model])
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{model} holds");
    assert!(said.contains("deadlock; threads ="), "{model} fails otherwise: {said}");
}

#[test]
#[ignore = "takes minutes: see .ci/long"]
fn the_tournament_does_not_hand_on_last() {
    deadlocks("notice::hasty_tournament");
}

#[test]
fn fast_does_not_hand_on_last() {
    deadlocks("notice::hasty_fast");
}
