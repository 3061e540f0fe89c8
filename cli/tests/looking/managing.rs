//! `bakery wait`, `rm`, `path`, `hold`, `release`, `pause` and `resume`.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use crate::support::{Place, SLEEP, exists, held_with, holders, is_free, kill, plain_flock, words};
use crate::terminal::Terminal;

#[test]
fn who_waits_goes_on_when_the_lock_is_free_and_takes_nothing() {
    let place = Place::new();
    assert_eq!(place.output(["wait", "x"]).status.code(), Some(0));
    assert!(!exists(place.locks().join("x")));
    let _holder = place.start(words(&["run", "x"], &SLEEP));
    let command = place.until("x", held_with(0))["holders"][0]["pid"].clone();
    assert_eq!(place.output(["wait", "x", "-w", "0"]).status.code(), Some(75));
    assert_eq!(place.output(["wait", "x", "-w0.05", "-E", "9"]).status.code(), Some(9));
    let mut waiting = place.start(["wait", "x"]);
    assert_eq!(place.look("x")["queue"], serde_json::json!([]));
    assert!(!waiting.has_ended());
    kill(&command);
    assert_eq!(waiting.end(), Some(0));
}

#[test]
fn who_waits_goes_on_when_the_holder_is_killed() {
    let place = Place::new();
    let mut holder = place.start(words(&["run", "x"], &SLEEP));
    let command = place.until("x", held_with(0))["holders"][0]["pid"].clone();
    let mut waiting = place.start(["wait", "x"]);
    holder.kill_it_alone();
    // The command has it still.
    assert_eq!(place.output(["wait", "x", "-w", "0.1"]).status.code(), Some(75));
    assert!(!waiting.has_ended());
    kill(&command);
    assert_eq!(waiting.end(), Some(0));
}

#[test]
fn who_waits_for_those_who_are_together_waits_for_all() {
    let place = Place::new();
    let one = place.start(words(&["run", "x", "-s"], &SLEEP));
    let other = place.start(words(&["run", "x", "-s"], &SLEEP));
    place.until("x", |look| holders(look) == 2);
    let mut waiting = place.start(["wait", "x"]);
    drop(one);
    place.until("x", |look| holders(look) == 1);
    assert_eq!(place.output(["wait", "x", "-w", "0.1"]).status.code(), Some(75));
    drop(other);
    assert_eq!(waiting.end(), Some(0));
}

#[test]
fn a_file_is_waited_for_too() {
    let place = Place::new();
    assert_eq!(place.output(["wait", "./l"]).status.code(), Some(0));
    let holder = plain_flock(&place, "l");
    place.until("./l", |look| look["state"] == "held");
    let mut waiting = place.start(["wait", "./l"]);
    assert_eq!(place.output(["wait", "./l", "-w", "0.1"]).status.code(), Some(75));
    assert!(!waiting.has_ended());
    drop(holder);
    assert_eq!(waiting.end(), Some(0));
}

/// The kernel's list of locks is read in parts, between which others come and go.
#[test]
fn a_file_is_waited_for_whatever_else_is_locked() {
    let place = Place::new();
    let locked = |name: String| {
        let file = File::create(place.path(name)).unwrap();
        file.lock().unwrap();
        file
    };
    let _held: Vec<File> = (0..150).map(|number| locked(format!("held{number}"))).collect();
    let _holder = locked("l".to_owned());
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for number in 0..2 {
            let (is_over, locked) = (&is_over, &locked);
            scope.spawn(move || {
                while !is_over.load(Relaxed) {
                    let files = 0..50;
                    drop(files.map(|at| locked(format!("{number}-{at}"))).collect::<Vec<_>>());
                }
            });
        }
        let answers: Vec<_> =
            (0..100).map(|_| place.output(["wait", "./l", "-w", "0"]).status.code()).collect();
        is_over.store(true, Relaxed);
        assert!(answers.iter().all(|answer| *answer == Some(75)), "{answers:?}");
    });
}

#[test]
fn what_is_in_use_is_not_removed() {
    let place = Place::new();
    let holder = place.start(words(&["run", "x"], &SLEEP));
    place.until("x", held_with(0));
    let _waiter = place.start(words(&["run", "x"], &["--", "true"]));
    place.until("x", held_with(1));
    let refused = place.output(["rm", "x"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(75), "{said}");
    assert!(said.contains("x is in use: held by sleep") && said.contains("1 in line"), "{said}");
    place.text(["run", "y", "--", "true"]);
    place.text(["rm", "--unused"]);
    assert!(exists(place.locks().join("x")) && !exists(place.locks().join("y")));
    drop(holder);
    place.until("x", is_free);
    // The waiter may still be about to go.
    let is_removed = || place.output(["rm", "x"]).status.code() == Some(0);
    assert!((0..6000).any(|_| {
        thread::sleep(std::time::Duration::from_millis(10));
        is_removed()
    }));
    assert!(!exists(place.locks().join("x")));
    assert_eq!(place.output(["rm", "x"]).status.code(), Some(2));
}

#[test]
fn one_that_shares_with_others_keeps_the_lock_from_being_removed() {
    let place = Place::new();
    let mut holder = place.start(words(&["run", "x", "-s"], &SLEEP));
    let command = place.until("x", held_with(0))["holders"][0]["pid"].clone();
    holder.kill_it_alone();
    let refused = place.output(["rm", "x"]);
    assert_eq!(refused.status.code(), Some(75), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains(&format!("sleep {command}")));
    kill(&command);
    place.until("x", is_free);
    place.text(["rm", "x"]);
}

#[test]
fn a_path_leads_to_a_lock() {
    let place = Place::new();
    let path = place.text(["path", "two\nlines"]);
    assert_eq!(path, format!("{}\n", place.locks().join("two\nlines").display()));
    assert!(is_free(&place.look("two\nlines")));
    assert_eq!(place.text(["path", "./l"]), format!("{}\n", place.path("l").display()));
}

#[test]
fn a_hold_lasts_until_its_input_ends() {
    let place = Place::new();
    let mut hold = place.command(["hold", "x", "--why", "hands on"]);
    let mut hold = hold.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut token = String::new();
    BufReader::new(hold.stdout.as_mut().unwrap()).read_line(&mut token).unwrap();
    let look = place.look("x");
    let inside = &look["holders"][0];
    assert_eq!((&inside["pid"], &inside["why"]), (&hold.id().into(), &"hands on".into()));
    assert_eq!(inside["token"], token.trim_end());
    assert_eq!(place.output(["hold", "x", "-n"]).status.code(), Some(75));
    assert_eq!(place.output(["hold", "x", "-w", ".05", "-E3"]).status.code(), Some(3));
    drop(hold.stdin.take());
    assert!(hold.wait().unwrap().success());
    assert!(is_free(&place.look("x")));
    // Standard input has ended already.
    place.text(["hold", "x"]);
}

/// Whoever types it is told how to let go.
#[test]
fn a_hold_on_a_terminal_lasts_until_the_end_of_input() {
    let place = Place::new();
    let mut hold = Terminal::with(&mut place.command(["hold", "x"]));
    hold.until_line(|line| line.starts_with("bakery: held until") && line.contains("Ctrl-D"));
    assert_eq!(place.look("x")["holders"][0]["pid"], hold.program.id());
    hold.press(b"\x04");
    assert!(hold.program.wait().unwrap().success());
    assert!(is_free(&place.look("x")));
}

#[test]
fn a_hold_lasts_until_another_process_ends_or_a_signal_comes() {
    let place = Place::new();
    let other = place.start(["wait", "--help"]);
    let sleeper = plain_flock(&place, "unlike");
    let pid = sleeper.id().to_string();
    drop(other);
    let mut hold = place.start(["hold", "x", "--pid", &pid]);
    place.until("x", |look| look["holders"][0]["pid"] == hold.id());
    assert!(!hold.has_ended());
    drop(sleeper);
    assert_eq!(hold.end(), Some(0));
    assert_eq!(place.output(["hold", "x", "--pid", &pid]).status.code(), Some(66));

    let ends_not = plain_flock(&place, "unlike");
    let mut hold = place.start(["hold", "x", "--pid", &ends_not.id().to_string()]);
    place.until("x", |look| look["holders"][0]["pid"] == hold.id());
    hold.terminate();
    assert_eq!(hold.end(), None);
    assert!(is_free(&place.look("x")));
}

#[test]
fn a_detached_hold_lasts_until_it_is_released() {
    let place = Place::new();
    let token = place.text(["hold", "x", "--detach"]);
    let token = token.trim_end();
    let look = place.look("x");
    assert_eq!(look["holders"][0]["token"], token);
    assert_eq!(place.output(["hold", "x", "--detach", "-n"]).status.code(), Some(75));
    let wrong = place.output(["release", "x", "--token", "1"]);
    assert_eq!(wrong.status.code(), Some(1), "{wrong:?}");
    assert_eq!(place.look("x")["state"], "held");
    place.text(["release", "x", "--token", token]);
    assert!(is_free(&place.look("x")));
    assert_eq!(place.output(["release", "x", "--token", token]).status.code(), Some(1));
    assert_eq!(place.output(["release", "y", "--token", token]).status.code(), Some(2));
    // What somebody runs is not ended by its token.
    let _holder = place.start(words(&["run", "x"], &SLEEP));
    let look = place.until("x", held_with(0));
    let token = look["holders"][0]["token"].as_str().unwrap();
    assert_eq!(place.output(["release", "x", "--token", token]).status.code(), Some(1));
    assert_eq!(place.look("x")["state"], "held");
}

#[test]
fn a_pause_keeps_all_out_and_their_places() {
    let place = Place::new();
    let mut holder = place.start(words(&["run", "x"], &SLEEP));
    let command = place.until("x", held_with(0))["holders"][0]["pid"].clone();
    assert_eq!(place.output(["pause", "x", "-n"]).status.code(), Some(75));
    let mut pause = place.start(["pause", "x", "--why", "an upgrade"]);
    place.until("x", held_with(1));
    let mut waiting: Vec<_> = Vec::new();
    for number in 1..=3 {
        let line = format!("echo {number} >> order");
        waiting.push(place.start(["run", "x", "-c", &line]));
        place.until("x", held_with(1 + number));
    }
    assert!(!pause.has_ended());
    kill(&command);
    holder.end();
    assert_eq!(pause.end(), Some(0));
    let look = place.look("x");
    assert_eq!(
        (&look["state"], &look["holders"][0]["why"]),
        (&"paused".into(), &"an upgrade".into())
    );
    let queue = look["queue"].as_array().unwrap();
    let pids: Vec<_> = queue.iter().map(|one| one["pid"].as_u64().unwrap()).collect();
    let expected: Vec<_> = waiting.iter().map(|one| u64::from(one.id())).collect();
    assert_eq!(pids, expected);
    assert!(place.text(["ls"]).contains("paused"));
    place.text(["pause", "x"]);
    place.text(["resume", "x"]);
    for one in &mut waiting {
        assert_eq!(one.end(), Some(0));
    }
    assert_eq!(std::fs::read_to_string(place.path("order")).unwrap(), "1\n2\n3\n");
    assert_eq!(place.output(["resume", "x"]).status.code(), Some(1));
}
