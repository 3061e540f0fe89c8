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
    let series = exposition(&text);
    let of = |metric: &str| series.iter().filter(|one| one.0 == metric).collect::<Vec<_>>();
    for metric in ["bakery_held", "bakery_held_seconds", "bakery_waiters", "bakery_deaths_total"] {
        let names: Vec<_> = of(metric).iter().map(|one| one.1.as_str()).collect();
        assert_eq!(names, [name, "free"], "{metric}");
    }
    assert!(of("bakery_held_seconds")[0].2 > 0.0);
}

/// Series of the text format 0.0.4, each with its lock and its value. Whatever is not of that format
/// fails.
fn exposition(text: &str) -> Vec<(String, String, f64)> {
    let mut series: Vec<(String, String, f64)> = Vec::new();
    let (mut described, mut declared) = (Vec::new(), Vec::new());
    assert!(text.ends_with('\n'));
    for line in text.split_terminator('\n') {
        if let Some(comment) = line.strip_prefix("# HELP ") {
            described.push(comment.split_once(' ').unwrap().0.to_owned());
            continue;
        }
        if let Some(comment) = line.strip_prefix("# TYPE ") {
            let (name, sort) = comment.split_once(' ').unwrap();
            assert_eq!(described.last().unwrap(), name);
            assert!(!declared.iter().any(|other| other == name), "{name} twice");
            let sort_of_its_name = if name.ends_with("_total") { "counter" } else { "gauge" };
            assert_eq!(sort, sort_of_its_name, "{name}");
            declared.push(name.to_owned());
            continue;
        }
        let (name, rest) = line.split_once("{lock=\"").unwrap_or_else(|| panic!("{line:?}"));
        // All of one metric are behind its type.
        assert_eq!(declared.last().map(String::as_str), Some(name));
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        let (mut label, mut letters) = (String::new(), rest.chars());
        loop {
            match letters.next().unwrap_or_else(|| panic!("{line:?}")) {
                '"' => break,
                '\\' => label.push(match letters.next() {
                    Some('n') => '\n',
                    Some(letter @ ('"' | '\\')) => letter,
                    other => panic!("{other:?} in {line:?}"),
                }),
                letter => label.push(letter),
            }
        }
        let value = letters.as_str().strip_prefix("} ").unwrap_or_else(|| panic!("{line:?}"));
        let value: f64 = value.parse().unwrap();
        assert!(value >= 0.0 && value.is_finite(), "{line:?}");
        assert!(!series.iter().any(|one| one.0 == name && one.1 == label), "{line:?} twice");
        series.push((name.to_owned(), label, value));
    }
    series
}
