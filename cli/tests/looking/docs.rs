//! What docs/command-line.md has for others to copy.

use std::fs;
use std::process::Command;

use crate::support::Place;

const PAGE: &str = include_str!("../../../docs/command-line.md");

/// The blocks in this language.
fn blocks(language: &str) -> Vec<&'static str> {
    let begin = format!("```{language}\n");
    PAGE.split(&begin).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// All are taken by systemd as they stand, with the program wherever it is.
#[test]
fn units_are_sound() {
    let place = Place::new();
    let mut paths = Vec::new();
    for block in blocks("ini") {
        let name = block.lines().next().unwrap().strip_prefix("# ").unwrap();
        let path = place.path(name.replace('@', "@x"));
        let program = format!("ExecStart={} ", env!("CARGO_BIN_EXE_bakery"));
        let is_ours = block.contains("ExecStart=bakery ") || block.contains("&& bakery ");
        assert!(is_ours || block.contains("[Timer]"), "{block}");
        fs::write(&path, block.replace("ExecStart=bakery ", &program)).unwrap();
        paths.push(path);
    }
    assert_eq!(paths.len(), 5);
    let Ok(output) = Command::new("systemd-analyze").arg("verify").args(&paths).output() else {
        eprintln!("systemd is not here, and was not asked");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    // What else the machine has is not asked.
    let about_ours: Vec<_> = said
        .lines()
        .filter(|line| {
            paths.iter().any(|path| line.contains(path.file_name().unwrap().to_str().unwrap()))
        })
        .collect();
    assert!(output.status.success() && about_ours.is_empty(), "{said}");
}

/// Each key is told of, and none that there is not.
#[test]
fn keys_of_json_are_told_of() {
    let place = Place::new();
    place.text(["run", "x", "--", "true"]);
    let look = place.look("x");
    let table = PAGE.split("| key | |").nth(1).unwrap().split("\n\n").next().unwrap();
    let first = |line: &str| line.split('|').nth(1).unwrap_or_default().to_owned();
    let told: Vec<String> = table
        .lines()
        .map(first)
        .flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let mut keys: Vec<_> = look.as_object().unwrap().keys().filter(|key| *key != "v").collect();
    let mut told: Vec<_> = told.iter().collect();
    keys.sort();
    told.sort();
    assert_eq!(keys, told);
}

/// Each verb and each figure has its line.
#[test]
fn verbs_and_metrics_are_told_of() {
    let place = Place::new();
    for line in place.text(["--help"]).lines().filter_map(|line| line.strip_prefix("  bakery ")) {
        let verb = line.split(' ').next().unwrap();
        assert!(PAGE.contains(&format!("bakery {verb}")), "{verb}");
    }
    let metrics = place.text(["metrics"]);
    for line in metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = line.split(' ').next().unwrap();
        assert!(PAGE.contains(&format!("`{name}`")), "{name}");
    }
}
