//! `bakery doctor`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use bakery_lock::shared::Options;
use serde_json::Value;

use crate::support::{Place, SLEEP, held_with, is_free, kill, words};

fn findings(place: &Place, arguments: &[&str]) -> (Option<i32>, String) {
    let output = place.output([&["doctor"], arguments].concat());
    (output.status.code(), String::from_utf8(output.stdout).unwrap().replace("\n      ", " "))
}

#[test]
fn all_is_well_where_it_is() {
    let place = Place::in_memory();
    let _holder = place.start(words(&["run", "x"], &SLEEP));
    place.until("x", held_with(0));
    let _waiter = place.start(words(&["run", "x"], &["--", "true"]));
    place.until("x", held_with(1));
    let (status, said) = findings(&place, &[]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("on tmpfs"), "{said}");
    assert_eq!(said.matches("warn").count(), 0, "{said}");
    // What it made to try the place is gone.
    assert_eq!(fs::read_dir(place.locks()).unwrap().count(), 1);
    let json = place.text(["doctor", "x", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["v"], &json["findings"][0]["level"]), (&1.into(), &"ok".into()));
    assert_eq!(findings(&place, &["none"]).0, Some(0));
}

#[test]
fn a_lock_kept_by_a_descriptor_is_told_of_with_whom_to_kill() {
    let place = Place::in_memory();
    let mut holder = place.start(words(&["run", "x"], &SLEEP));
    let command = place.until("x", held_with(0))["holders"][0]["pid"].clone();
    holder.kill_it_alone();
    let (status, said) = findings(&place, &["x"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains(&format!("kill {command}")), "{said}");
    kill(&command);
    place.until("x", is_free);
    let (status, said) = findings(&place, &[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains(&format!("dead participant: {}", holder.id())), "{said}");
    place.text(["run", "x", "--", "true"]);
    assert_eq!(findings(&place, &[]).0, Some(0));
}

#[test]
fn locks_taken_in_opposite_orders_are_a_deadlock() {
    let place = Place::in_memory();
    let bakery = env!("CARGO_BIN_EXE_bakery");
    let start = |first: &str, second: &str| {
        let inner = format!("until [ -e go ]; do sleep .01; done; {bakery} run {second} -- true");
        place.start(["run", first, "--", "sh", "-c", &inner])
    };
    let _processes = [start("a", "b"), start("b", "a")];
    place.until("a", held_with(0));
    place.until("b", held_with(0));
    assert_eq!(findings(&place, &[]).0, Some(0));
    fs::write(place.path("go"), "").unwrap();
    let pid = |name: &str| place.until(name, held_with(1))["queue"][0]["pid"].clone();
    let (for_a, for_b) = (pid("a"), pid("b"));
    for arguments in [&[][..], &["a"]] {
        let (status, said) = findings(&place, arguments);
        assert_eq!(status, Some(1), "{said}");
        assert_eq!(said.matches("deadlock").count(), 1, "{said}");
        for part in [
            format!("{for_a} has b and waits for a"),
            format!("{for_b} has a and waits for b"),
            "one of them: kill".to_owned(),
        ] {
            assert!(said.contains(&part), "{part}: {said}");
        }
    }
}

#[test]
fn what_is_damaged_exposed_or_cleaned_away_is_told_of() {
    let place = Place::in_memory();
    place.text(["run", "x", "--", "true"]);
    fs::write(place.locks().join("junk"), "not a lock at all").unwrap();
    fs::set_permissions(place.locks().join("junk"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(place.locks().join(".bakery-lock-1-2"), "").unwrap();
    let (status, said) = findings(&place, &[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("junk") && said.contains("left behind"), "{said}");
    let above = place.path("above");
    fs::create_dir(&above).unwrap();
    fs::set_permissions(&above, fs::Permissions::from_mode(0o777)).unwrap();
    let below = above.join("locks");
    let (status, said) = findings(&place, &["--dir", below.to_str().unwrap()]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("others may write to") && said.contains("chmod go-w"), "{said}");
    fs::set_permissions(place.locks(), fs::Permissions::from_mode(0o755)).unwrap();
    let (status, said) = findings(&place, &[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("chmod go="), "{said}");
    let (status, said) = findings(&place, &["--dir", "/nowhere/at/all"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("BAKERY_LOCK_DIR"), "{said}");
    let (status, said) = findings(&Place::new(), &[]);
    assert!(status == Some(1) && said.contains("cleaned away"), "{said}");
}

#[test]
fn a_value_that_may_be_half_written_is_told_of() {
    let place = Place::in_memory();
    fs::create_dir(place.locks()).unwrap();
    fs::set_permissions(place.locks(), fs::Permissions::from_mode(0o700)).unwrap();
    let mutex = Options::new().open_at(place.locks().join("table"), 0_u64).unwrap();
    let mut holder = place.start(words(&["run", "table", "-o"], &SLEEP));
    place.until("table", held_with(0));
    holder.kill_it_alone();
    let mut me = mutex.join().unwrap();
    assert!(me.lock().is_err());
    let (status, said) = findings(&place, &["table"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("may be half-written"), "{said}");
}
