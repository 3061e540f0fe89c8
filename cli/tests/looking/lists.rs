//! `bakery ls` and `bakery metrics`.

use serde_json::Value;

use crate::support::{Place, SLEEP, held_with, plain_flock, words};

#[test]
fn every_lock_has_its_line() {
    let place = Place::new();
    assert!(place.text(["ls"]).starts_with("there are no locks"));
    place.text(["run", "backup", "--", "true"]);
    let _deploy = place.start(words(&["run", "deploy"], &SLEEP));
    place.until("deploy", held_with(0));
    let _waiter = place.start(words(&["run", "deploy"], &["--", "true"]));
    place.until("deploy", held_with(1));
    let _gpu = place.start(words(&["run", "gpu", "-j3"], &SLEEP));
    place.until("gpu", held_with(0));
    let holder = plain_flock(&place, "l");
    place.until("./l", held_with(0));
    let _in_line = place.start(words(&["flock", "l"], &["true"]));
    place.until("./l", held_with(1));
    let text = place.text(["ls"]);
    let line = |name: &str| {
        let found = text.lines().find(|line| line.split_whitespace().next() == Some(name));
        let found = found.unwrap_or_else(|| panic!("{name}: {text}"));
        found.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(line("backup")[1..5], ["free", "-", "-", "0"]);
    let deploy = line("deploy");
    assert_eq!(
        (deploy[1].as_str(), deploy[2].as_str(), deploy[5].as_str()),
        ("held", "sleep", "1")
    );
    assert_eq!(line("gpu")[1], "1/3");
    // Its own columns have room for a short path only.
    let locks: Value = serde_json::from_str(&place.text(["ls", "--json"])).unwrap();
    let file = place.path("l");
    let of_file =
        locks["locks"].as_array().unwrap().iter().find(|one| one["path"] == file.to_str().unwrap());
    assert_eq!(of_file.unwrap()["holders"][0]["pid"], holder.id());
    assert_eq!(locks["v"], 1);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn what_is_no_lock_is_told_of_and_keeps_nothing_from_being_listed() {
    let place = Place::new();
    place.text(["run", "x", "--", "true"]);
    std::fs::write(place.locks().join("junk"), "not a lock").unwrap();
    let output = place.output(["ls"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("\nx "), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("bakery doctor"), "{output:?}");
    assert!(place.text(["ls", "--all"]).contains("junk"));
}

#[test]
fn metrics_are_as_prometheus_reads_them() {
    let place = Place::new();
    let name = "a\\b\"c\nd";
    let _holder = place.start(words(&["run", name], &SLEEP));
    place.until(name, held_with(0));
    let _waiter = place.start(words(&["run", name], &["--", "true"]));
    place.until(name, held_with(1));
    place.text(["run", "free", "--", "true"]);
    let text = place.text(["metrics"]);
    let label = r#"{lock="a\\b\"c\nd"}"#;
    for line in [
        format!("bakery_held{label} 1"),
        format!("bakery_waiters{label} 1"),
        format!("bakery_passages_total{label} 1"),
        "bakery_held{lock=\"free\"} 0".to_owned(),
        "bakery_passages_total{lock=\"free\"} 1".to_owned(),
        "# TYPE bakery_deaths_total counter".to_owned(),
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        assert!(series.starts_with("bakery_") && value.parse::<f64>().is_ok(), "{line}");
    }
    let held = text.lines().find(|line| line.starts_with(&format!("bakery_held_seconds{label}")));
    assert!(held.unwrap().rsplit_once(' ').unwrap().1.parse::<f64>().unwrap() > 0.0);
}
