//! `bakery top`, on a terminal.

use std::os::unix::process::ExitStatusExt;

use crate::support::{Place, SLEEP, held_with, is_free, words};
use crate::terminal::Terminal;

const UP: &[u8] = b"\x1b[A";
const DOWN: &[u8] = b"\x1b[B";
const LEFT: &str = "\x1b[?1049l";

#[test]
fn locks_are_shown_until_q_is_pressed() {
    let place = Place::new();
    let _holder = place.start(words(&["run", "deploy"], &SLEEP));
    place.until("deploy", held_with(0));
    let _waiter = place.start(words(&["run", "deploy"], &["--", "make", "all"]));
    place.until("deploy", held_with(1));
    let mut shown = Terminal::with(&mut place.command(["top"]));
    shown.until("hand-overs");
    assert!(shown.is_raw());
    for part in ["deploy", "held", "sleep", "make", "1 lock,"] {
        shown.until(part);
    }
    shown.press(b"q");
    shown.until(LEFT);
    assert!(shown.program.wait().unwrap().success());
    assert!(!shown.is_raw());
}

#[test]
fn a_key_ends_whoever_holds_a_lock_or_waits_for_it() {
    let place = Place::new();
    let mut holder = place.start(words(&["run", "deploy"], &SLEEP));
    let command = place.until("deploy", held_with(0))["holders"][0]["pid"].clone();
    let mut waiter = place.start(words(&["run", "deploy"], &["--", "make", "all"]));
    place.until("deploy", held_with(1));
    let mut shown = Terminal::with(&mut place.command(["top"]));
    shown.until_line(|line| line.contains("make all"));
    // Nothing is chosen yet.
    shown.press(b"k");
    shown.until_line(|line| line.starts_with("choose a lock"));
    // The first line, and the one below.
    shown.press(&[DOWN, DOWN, b"k"].concat());
    let asked = format!("end make {}, which waits for deploy? y", waiter.id());
    shown.until_line(|line| line.starts_with(&asked));
    shown.press(b"n");
    shown.until_line(|line| line.starts_with("nothing was ended"));
    assert!(!waiter.has_ended());
    shown.press(b"k");
    shown.until_line(|line| line.starts_with(&asked));
    shown.press(b"y");
    assert_eq!(waiter.end(), None);
    shown.until_line(|line| line.starts_with("deploy") && line.contains(" 0 "));
    shown.press(&[UP, b"k"].concat());
    let asked = format!("end sleep {command}, which has deploy? y");
    shown.until_line(|line| line.starts_with(&asked));
    shown.press(b"y");
    assert_eq!(holder.end(), Some(128 + libc::SIGTERM));
    shown.until_line(|line| line.starts_with("deploy") && line.contains("free"));
    shown.press(b"k");
    shown.until_line(|line| line.starts_with("nobody has deploy"));
    shown.press(b"q");
    assert!(shown.program.wait().unwrap().success());
}

#[test]
fn a_key_pauses_a_lock_and_resumes_it() {
    let place = Place::new();
    place.text(["run", "deploy", "--", "true"]);
    let mut shown = Terminal::with(&mut place.command(["top"]));
    shown.until_line(|line| line.starts_with("deploy") && line.contains("free"));
    shown.press(&[DOWN, b"p"].concat());
    shown.until_line(|line| line.starts_with("deploy") && line.contains("paused"));
    assert_eq!(place.look("deploy")["state"], "paused");
    shown.press(b"p");
    shown.until_line(|line| line.starts_with("deploy") && line.contains("free"));
    place.until("deploy", is_free);
}

#[test]
fn a_key_finds_locks_by_names_and_commands() {
    let place = Place::new();
    for name in ["deploy", "backup"] {
        place.text(["run", name, "--", "true"]);
    }
    let _holder = place.start(words(&["run", "gpu"], &SLEEP));
    place.until("gpu", held_with(0));
    let mut shown = Terminal::with(&mut place.command(["top"]));
    shown.until_line(|line| line.starts_with("deploy"));
    for (keys, name) in [(&b"/back\r"[..], "backup"), (b"/sleep\r", "gpu")] {
        shown.press(keys);
        shown.until_lines(|lines| {
            lines[1].starts_with(name) && lines[2].is_empty() && lines[22].starts_with("3 locks")
        });
    }
    shown.press(b"/\x1b");
    shown.until_line(|line| line.starts_with("deploy"));
}

#[test]
fn without_colours_there_are_none() {
    let place = Place::new();
    let _holder = place.start(words(&["run", "deploy"], &SLEEP));
    place.until("deploy", held_with(0));
    let has_colour = |shown: &mut Terminal| {
        shown.until_line(|line| line.starts_with("deploy"));
        shown.cells(1).iter().any(|cell| cell.fgcolor() != vt100::Color::Default)
    };
    assert!(has_colour(&mut Terminal::with(&mut place.command(["top"]))));
    let mut shown = Terminal::with(place.command(["top"]).env("NO_COLOR", "1"));
    assert!(!has_colour(&mut shown));
}

#[test]
fn a_signal_gives_the_terminal_back() {
    let place = Place::new();
    let mut shown = Terminal::with(&mut place.command(["top"]));
    shown.until("hand-overs");
    let pid = i32::try_from(shown.program.id()).unwrap();
    // SAFETY: takes no pointers; it has not been waited for.
    unsafe { libc::kill(pid, libc::SIGTERM) };
    shown.until(LEFT);
    assert_eq!(shown.program.wait().unwrap().signal(), Some(libc::SIGTERM));
    assert!(!shown.is_raw());
}

#[test]
fn without_a_terminal_it_says_what_to_write() {
    let place = Place::new();
    let output = place.output(["top"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("bakery ls"), "{output:?}");
}
