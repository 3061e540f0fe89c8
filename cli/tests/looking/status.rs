//! `bakery status`.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::support::{Place, SLEEP, held_with, holders, is_free, kill, plain_flock, words};
use crate::terminal::Terminal;

#[test]
fn a_lock_that_is_free_or_not_there_says_so() {
    let place = Place::new();
    let none = place.output(["status", "x"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&none.stderr).contains("no such lock"));
    assert_eq!(place.look("x")["state"], "none");
    assert_eq!(place.text(["status"]), "no lock is held or waited for (`bakery ls` has all)\n");
    place.text(["run", "x", "--", "true"]);
    let free = place.output(["status", "x"]);
    assert_eq!(free.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&free.stdout).starts_with("x  free  bakery, 0 of 1024 slots"));
    let look = place.look("x");
    assert_eq!((&look["v"], &look["passages"]), (&1.into(), &1.into()));
}

#[test]
fn a_holder_and_those_in_line_are_named_with_what_they_run() {
    let place = Place::new();
    let holder = place.start(words(&["run", "x", "--why", "release 4.2"], &SLEEP));
    place.until("x", held_with(0));
    let first = place.start(words(&["run", "x", "-w", "2h"], &["--", "echo", "one two"]));
    place.until("x", held_with(1));
    let _second = place.start(words(&["run", "x"], &["-c", "make; make install"]));
    let look = place.until("x", held_with(2));
    let inside = &look["holders"][0];
    assert_eq!(inside["wrapper"], holder.id());
    assert_eq!(inside["command"], serde_json::json!(["sleep", "300"]));
    assert_eq!(inside["why"], "release 4.2");
    assert!(inside["token"].is_string() && inside["since"].is_string(), "{look}");
    assert_eq!(look["queue"][0]["pid"], first.id());
    assert_eq!(look["queue"][0]["command"], serde_json::json!(["echo", "one two"]));
    assert!(look["queue"][0]["until"].is_string(), "{look}");
    assert_eq!(look["queue"][1]["command"], serde_json::json!(["-c", "make; make install"]));

    let output = place.output(["status", "x"]);
    assert_eq!(output.status.code(), Some(1));
    let screen = String::from_utf8(output.stdout).unwrap();
    for part in ["x  held  exclusive", "sleep 300", "why: release 4.2", "'one two'", "gives up at"]
    {
        assert!(screen.contains(part), "{part}: {screen}");
    }
    assert!(
        screen.lines().all(|line| line.chars().count() <= 80 || line.contains('/')),
        "{screen}"
    );
    assert!(!screen.contains('\x1b'), "{screen}");
}

#[test]
fn a_killed_wrappers_command_is_said_to_keep_the_lock() {
    let place = Place::new();
    let mut holder = place.start(words(&["run", "x"], &SLEEP));
    let command = place.until("x", held_with(0))["holders"][0]["pid"].clone();
    holder.kill_it_alone();
    let look = place.look("x");
    let inside = &look["holders"][0];
    assert_eq!((&look["state"], &inside["gone"]), (&"held".into(), &holder.id().into()));
    assert_eq!((&inside["pid"], &inside["fds"][0]["pid"]), (&command, &command));
    let screen = place.output(["status", "x"]).stdout;
    let screen = String::from_utf8(screen).unwrap();
    assert!(screen.contains("held by a descriptor"), "{screen}");
    assert!(screen.contains(&format!("To end it: kill {command}\n")), "{screen}");
    kill(&command);
    // Nobody has come to clear it away.
    let look = place.until("x", is_free);
    assert_eq!((&look["dead"][0]["pid"], &look["last_death"]), (&holder.id().into(), &Value::Null));
    place.text(["run", "x", "--", "true"]);
    let look = place.look("x");
    assert_eq!(look["dead"], serde_json::json!([]));
    let death = &look["last_death"];
    assert_eq!((&death["pid"], &death["command"]), (&holder.id().into(), &"bakery".into()));
    assert!(death["token"] == inside["token"] && death["since"].is_string(), "{look}");
    let screen = place.text(["status", "x"]);
    let line = format!("last death: {} (bakery), inside since ", holder.id());
    assert!(screen.contains(&line), "{screen}");
}

/// It is let go of by the end of the last one that has the descriptor, as it was meant to be.
#[test]
fn the_end_of_a_hold_until_it_is_closed_is_no_death() {
    let place = Place::new();
    place.text(["run", "x", "--until", "closed", "--", "true"]);
    place.until("x", is_free);
    place.text(["run", "x", "--", "true"]);
    let look = place.look("x");
    assert_eq!((&look["passages"], &look["last_death"]), (&2.into(), &Value::Null));
}

/// They are in no line yet, so the lock knows nothing of them.
#[test]
fn those_who_wait_for_a_slot_are_told_of() {
    let place = Place::new();
    let _holder = place.start(words(&["run", "x", "--slots", "2"], &SLEEP));
    place.until("x", held_with(0));
    let _first = place.start(words(&["run", "x"], &["--", "true"]));
    place.until("x", held_with(1));
    let second = place.start(words(&["run", "x", "--why", "later"], &["--", "make", "it"]));
    let look = place.until("x", |look| look["outside"][0]["pid"] == second.id());
    assert_eq!(look["outside"].as_array().unwrap().len(), 1);
    let outside = &look["outside"][0];
    assert_eq!(outside["command"], serde_json::json!(["make", "it"]));
    assert_eq!((&outside["why"], outside["waiting_s"].is_number()), (&"later".into(), true));
    let screen = String::from_utf8(place.output(["status", "x"]).stdout).unwrap();
    let line = format!("1 more wait for one of the slots, in no order: {}", second.id());
    assert!(screen.contains(&line), "{screen}");
    let list = place.text(["ls"]);
    assert!(list.lines().any(|line| line.starts_with("x ") && line.contains(" 2 ")), "{list}");
    assert!(place.text(["metrics"]).contains("bakery_waiters{lock=\"x\"} 2\n"));
}

/// What a terminal would obey, or show elsewhere, comes to it in no name, no command and no reason.
#[test]
fn nothing_is_wider_than_a_terminal_or_obeyed_by_it() {
    let place = Place::new();
    let name = format!("{}\x1b]0;x\x07{}", "界".repeat(20), "w".repeat(80));
    let why = "\x1b[2J\u{9b}1m\u{202e}".to_owned() + &"日本 ".repeat(40);
    let long = "y".repeat(300);
    let commands = [
        vec!["\x1b[31mred", "-c", "\u{9b}31m"],
        vec!["日本語日本語", &long],
        vec!["\r\n\t\x08", "e\u{301}"],
    ];
    let run = |command: &[&str]| place.start(words(&["run", &name, "--why", &why, "--"], command));
    let _holder = run(&["sleep", "300"]);
    place.until(&name, held_with(0));
    let mut waiting = Vec::new();
    for (number, command) in commands.iter().enumerate() {
        waiting.push(run(command));
        place.until(&name, held_with(number + 1));
    }
    fs::write(place.locks().join("no\x1b[31mlock"), "").unwrap();
    for arguments in [
        vec!["status", &name],
        vec!["status"],
        vec!["ls"],
        vec!["ls", "--all"],
        vec!["doctor"],
        vec!["status", "no\x1b[31mlock"],
        vec!["status", "none\x1b[31m"],
        vec!["rm", &name],
        vec!["release", &name, "--token", "1"],
        vec!["run", "-n", &name, "--", "true"],
        vec!["run", "-v", &name, "--\x1b[31m", "true"],
        vec!["status", &name, "--json"],
        vec!["metrics"],
    ] {
        let output = place.output(&arguments);
        for shown in [output.stdout, output.stderr] {
            let text = String::from_utf8(shown).unwrap();
            for line in text.lines() {
                let is_obeyed = |letter: char| letter.is_control() || letter == '\u{202e}';
                // JSON has it as it is.
                let is_data = arguments.contains(&"--json");
                assert!(
                    !line
                        .chars()
                        .any(|letter| is_obeyed(letter) && !(is_data && letter == '\u{202e}')),
                    "{arguments:?}: {line:?}"
                );
            }
        }
    }
    // The line that is rewritten while it waits.
    let mut waiter = Terminal::with(&mut place.command(["run", &name, "--", "true"]));
    waiter.until_line(|line| line.contains("\\u{1b}]0;x") && line.ends_with(".."));
    // A path stays whole, so that it can be copied.
    for arguments in [vec!["status", &name], vec!["ls"], vec!["doctor"]] {
        let screen = String::from_utf8(place.output(&arguments).stdout).unwrap();
        let wide: Vec<_> = screen.lines().filter(|line| line.width() > 80).collect();
        assert!(wide.iter().all(|line| line.contains("/locks")), "{wide:?}");
    }
    let screen = String::from_utf8(place.output(["status", &name]).stdout).unwrap();
    assert!(screen.contains("'日本語日本語' yyyyy"), "{screen}");
}

#[test]
fn those_who_are_together_are_all_named() {
    let place = Place::new();
    let _jobs: Vec<_> =
        (0..2).map(|_| place.start(words(&["run", "gpu", "-j", "2"], &SLEEP))).collect();
    let is_full = |look: &Value| {
        holders(look) == 2
            && (0..2).all(|at| look["holders"][at]["wrapper"] != look["holders"][at]["pid"])
    };
    place.until("gpu", is_full);
    let waiter = place.start(words(&["run", "gpu", "-j", "2"], &["--", "true"]));
    let look = place.until("gpu", |look| look["queue"][0]["pid"] == waiter.id());
    assert_eq!((&look["mode"], &look["jobs"]), (&"jobs".into(), &2.into()));
    assert!(look["holders"][0]["token"].is_string(), "{look}");
    let screen = String::from_utf8(place.output(["status", "gpu"]).stdout).unwrap();
    assert!(screen.starts_with("gpu  held  2 of 2  bakery"), "{screen}");

    let _readers: Vec<_> =
        (0..3).map(|_| place.start(words(&["run", "data", "-s"], &SLEEP))).collect();
    let look = place.until("data", |look| holders(look) == 3);
    assert_eq!(look["mode"], "shared");
}

#[test]
fn a_file_has_holders_and_a_line_whoever_locks_it() {
    let place = Place::new();
    let holder = plain_flock(&place, "l");
    let look = place.until("./l", |look| {
        look["state"] == "held"
            && look["holders"][0]["command"] == serde_json::json!(["sleep", "300"])
    });
    assert_eq!(look["holders"][0]["pid"], holder.id());
    assert_eq!(look["holders"][0]["fds"][0]["fd"], 9);
    let waiter = place.start(words(&["flock", "l"], &["echo", "in"]));
    let look = place.until("./l", |look| look["queue"][0]["pid"] == waiter.id());
    assert_eq!(look["queue"][0]["command"], serde_json::json!(["echo", "in"]));
    drop(holder);
    place.until("./l", is_free);
    assert_eq!(place.output(["status", "./none"]).status.code(), Some(2));
}

#[test]
fn a_segment_at_a_path_is_one() {
    use bakery_lock::shared::Options;
    let place = Place::new();
    let mutex = Options::new().open_at(place.path("table"), 7_u64).unwrap();
    let guard = mutex.lock().unwrap();
    let look = place.look("./table");
    assert_eq!(look["holders"][0]["pid"], std::process::id());
    assert_eq!(look["holders"][0]["token"], guard.token().to_string());
    assert_eq!(look["kind"], "bakery");
}

#[test]
fn names_and_commands_of_any_bytes_stay_on_their_lines() {
    let place = Place::new();
    let _holder = place.start(words(&["run", "two\nlines \"q\""], &SLEEP));
    let look = place.until("two\nlines \"q\"", held_with(0));
    assert_eq!(look["name"], "two\nlines \"q\"");
    let mut arguments: Vec<OsString> = vec!["run".into(), "two\nlines \"q\"".into(), "--".into()];
    arguments.extend([OsString::from("echo"), OsStr::from_bytes(b"\xff\n").to_owned()]);
    let _waiter = place.start(arguments);
    let look = place.until("two\nlines \"q\"", held_with(1));
    assert_eq!(look["queue"][0]["command"], serde_json::json!(["echo", "\u{fffd}\n"]));
    let screen = place.output(["status", "two\nlines \"q\""]).stdout;
    let screen = String::from_utf8(screen).unwrap();
    assert!(screen.starts_with(r#"$'two\nlines \"q\"'  held"#), "{screen}");
    assert!(screen.contains(r"echo $'\xff\n'"), "{screen}");
}

#[test]
fn all_that_are_in_use_are_shown_if_none_is_named() {
    let place = Place::new();
    place.text(["run", "free", "--", "true"]);
    let _holders =
        [place.start(words(&["run", "a"], &SLEEP)), place.start(words(&["run", "b"], &SLEEP))];
    place.until("a", held_with(0));
    place.until("b", held_with(0));
    let output = place.output(["status", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    let names: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&Value> = names.iter().map(|look| &look["name"]).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn whoever_watches_ends_when_nobody_reads() {
    let place = Place::new();
    place.text(["run", "x", "--", "true"]);
    let mut watching = place.command(["status", "x", "--watch"]);
    let mut watching = watching.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut head = Command::new("head");
    let read = head.arg("-1").stdin(watching.stdout.take().unwrap()).output().unwrap();
    // It keeps what it hands on.
    drop(head);
    let head = read;
    assert!(head.stdout.starts_with(b"x  free"), "{head:?}");
    let ended = watching.wait_with_output().unwrap();
    let signal = std::os::unix::process::ExitStatusExt::signal(&ended.status);
    assert_eq!((signal, ended.stderr.len()), (Some(libc::SIGPIPE), 0));
}

#[test]
fn wrong_usage_says_what_to_write() {
    let place = Place::new();
    for (arguments, hint) in [
        (&["status", "."][..], "./..."),
        (&["status", ""], "empty"),
        (&["status", "--jsn"], "write --json"),
        (&["status", "--json=1"], "write --json"),
        (&["ls", "x"], "write bakery status x"),
        (&["wait"], "which lock?"),
        (&["wait", "x", "y"], "one name"),
        (&["wait", "x", "-w", "soon"], "write 1.5, 90s"),
        (&["wait", "x", "-E", "256"], "0 to 255"),
        (&["rm"], "bakery rm --unused"),
        (&["rm", "x", "--unused"], "leave the names or it out"),
        (&["rm", "./x"], "rm ./x removes it"),
        (&["path"], "which lock?"),
        (&["hold", "./x"], "exec 9<>./x; bakery flock 9"),
        (&["hold", "x", "--pid", "me"], "no process's number"),
        (&["release", "x"], "bakery release x --token T"),
        (&["pause"], "which lock?"),
        (&["doctor", "x", "y"], "one name"),
        (&["metrics", "x"], "bakery metrics"),
    ] {
        let output = place.output(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {said}");
        assert!(said.contains(hint), "{arguments:?}: {said}");
    }
}

#[test]
fn a_place_that_is_kept_is_said_to_be() {
    let place = Place::new();
    let mut holder = place.start(words(&["run", "x"], &SLEEP));
    place.until("x", held_with(0));
    let tries =
        ["run", "x", "-w", ".05", "--keep-place=night", "--why", "a backup", "--", "make", "it"];
    assert_eq!(place.output(tries).status.code(), Some(75));
    let look = place.until("x", held_with(1));
    let waiter = &look["queue"][0];
    assert_eq!(waiter["command"], serde_json::json!(["make", "it"]));
    assert_eq!((&waiter["kept"]["key"], &waiter["until"]), (&"night".into(), &Value::Null));
    assert!(waiter["kept"]["until"].is_string() && waiter["why"] == "a backup", "{look}");
    let screen = |place: &Place| String::from_utf8(place.output(["status", "x"]).stdout).unwrap();
    let said = screen(&place).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("place kept until ") && said.contains("with the key night"), "{said}");
    // At the head it holds, for a moment.
    holder.terminate();
    holder.end();
    let look =
        place.until("x", |look| holders(look) == 1 && look["queue"] == serde_json::json!([]));
    let inside = &look["holders"][0];
    assert_eq!((&inside["kept"]["key"], &inside["pid"]), (&"night".into(), &waiter["pid"]));
    assert_eq!((&inside["command"], &inside["wrapper"]), (&waiter["command"], &Value::Null));
    assert!(screen(&place).contains("place kept until "));
    kill(&waiter["pid"]);
}
