//! Exit statuses, and what is said when something is wrong.

use std::fs;

use crate::support::{Place, shell};

#[test]
fn the_status_is_the_commands() {
    let place = Place::new();
    for lock in ["lock", "./file"] {
        for options in [&[][..], &["-s"], &["-F"], &["-o"], &["--until", "closed"]] {
            for (script, status) in [
                ("exit 0", 0),
                ("exit 7", 7),
                ("exit 255", 255),
                ("kill -9 $$", 137),
                ("kill $$", 143),
            ] {
                let outcome = place.outcome(&mut place.run(lock, options, script));
                assert_eq!(
                    outcome,
                    (status, String::new(), String::new()),
                    "{lock} {options:?} {script}"
                );
            }
        }
    }
    let mut string = place.bakery(["run", "lock", "-c", "echo $0; exit 9"]);
    assert_eq!(
        place.outcome(string.env("SHELL", "/bin/sh")),
        (9, "/bin/sh\n".to_owned(), String::new())
    );
    let mut without = place.bakery(["run", "lock", "sh", "-c", "exit 8"]);
    assert_eq!(place.status(&mut without), 8);
}

#[test]
fn the_command_has_its_arguments_input_and_output() {
    let place = Place::new();
    fs::write(place.path("input"), "from stdin\n").unwrap();
    let mut command = place.bakery([
        "run",
        "lock",
        "--",
        "sh",
        "-c",
        "echo \"$#: $1 / $2\"; cat",
        "job",
        "two words",
        "*",
    ]);
    command.stdin(fs::File::open(place.path("input")).unwrap());
    assert_eq!(
        place.outcome(&mut command),
        (0, "2: two words / *\nfrom stdin\n".to_owned(), String::new())
    );
    // As execvp has it: a script without `#!` is the shell's.
    // Written by another process: what is forked here meanwhile would have it open for writing.
    let write = "echo 'exit 6' >script; chmod +x script";
    assert_eq!(place.status(place.program("sh").args(["-c", write])), 0);
    assert_eq!(place.status(&mut place.bakery(["run", "lock", "--", "./script"])), 6);
    assert_eq!(place.status(&mut place.bakery(["flock", "file", "./script"])), 6);
}

#[test]
fn who_is_turned_away_has_a_status_of_its_own() {
    let place = Place::new();
    for lock in ["lock", "./file"] {
        let _held = place.inside(lock, &[], lock.trim_start_matches("./"));
        for (options, status) in [
            (&["-n"][..], 75),
            (&["-w", "0"], 75),
            (&["-q", "-w", ".05"], 75),
            (&["-q", "-w", ".05", "-E", "9"], 9),
            (&["-n", "-E", "0"], 0),
            (&["--skip"], 0),
            (&["--skip", "-E", "4"], 4),
        ] {
            let outcome = place.outcome(&mut place.run(lock, options, "echo in"));
            assert_eq!(outcome, (status, String::new(), String::new()), "{lock} {options:?}");
        }
        // That time was lost is said, wherever it goes.
        let (status, out, said) = place.outcome(&mut place.run(lock, &["-w", ".05"], "echo in"));
        assert_eq!((status, &*out, said.lines().count()), (75, "", 1), "{said}");
        assert!(said.contains("gave up after") && said.contains("with --keep-place"), "{said}");
        assert_eq!(said.contains("1st of 1 in line"), lock == "lock", "{said}");
        let mut told = place.run(lock, &["-q"], "echo in");
        assert_eq!(place.status(told.env("BAKERY_WAIT", "0.05")), 75);
        // What is not to be had is said if it is asked for.
        let (status, _, said) = place.outcome(&mut place.run(lock, &["-nv"], "echo in"));
        assert_eq!(status, 75);
        assert!(said.contains("held by sh ") || said.contains("somebody else has it"), "{said}");
    }
    let (status, _, said) = place.outcome(&mut place.run("lock", &["-v", "-w", ".3"], "echo in"));
    assert_eq!(status, 75);
    assert!(said.contains("1st in line, waiting") && said.contains("gave up after"), "{said}");
}

#[test]
fn a_command_that_cannot_be_run_lets_go() {
    let place = Place::new();
    fs::write(place.path("plain"), "").unwrap();
    for (command, run, flock) in
        [("./missing", 127, 69), ("./plain", 126, 69), ("no-such-program", 127, 69)]
    {
        for lock in ["lock", "./file"] {
            for option in ["-x", "-F"] {
                let (status, _, said) =
                    place.outcome(&mut place.bakery(["run", lock, option, "--", command]));
                assert_eq!(status, run, "{lock} {option} {command}");
                assert!(said.contains(command), "{said}");
            }
        }
        assert_eq!(place.status(&mut place.bakery(["flock", "file", command])), flock);
        assert_eq!(place.status(&mut place.bakery(["flock", "-F", "file", command])), flock);
    }
    assert!(!place.is_busy("lock", &[]) && !place.is_busy("./file", &[]));
}

#[test]
fn wrong_usage_says_what_to_write_instead() {
    let place = Place::new();
    for (arguments, hint) in [
        (&[][..], "bakery run NAME -- COMMAND"),
        (&["runn", "lock"], "write bakery run"),
        (&["lock", "--", "true"], "bakery run lock -- COMMAND to lock"),
        (&["run"], "bakery run NAME -- COMMAND"),
        (&["run", "lock"], "bakery run lock -- COMMAND"),
        (&["run", "", "--", "true"], "it is empty"),
        (&["run", ".lock", "--", "true"], "./"),
        (&["run", "lock", "-w", "soon", "--", "true"], "90s"),
        (&["run", "lock", "-E", "256", "--", "true"], "0 to 255"),
        (&["run", "lock", "-j", "0", "--", "true"], "1 to 4096"),
        (&["run", "lock", "-j", "2", "-s", "--", "true"], "one of them"),
        (&["run", "lock", "-x", "-s", "--", "true"], "one of them"),
        (&["run", "lock", "-F", "-o", "--", "true"], "one of them"),
        (&["run", "lock", "-o", "--until", "closed", "--", "true"], "one of them"),
        (&["run", "lock", "-F", "--until", "exit", "--", "true"], "leave one of"),
        (&["run", "lock", "-F", "--max-time", "1", "--", "true"], "leave -F out"),
        (&["run", "lock", "--kill-after", "1", "--", "true"], "--max-time"),
        (&["run", "lock", "--until", "later", "--", "true"], "exit or closed"),
        (&["run", "lock", "--nested", "maybe", "--", "true"], "refuse or join"),
        (&["run", "lock", "--collapse", "-n", "--", "true"], "one of them"),
        (&["run", "lock", "--keep-place", "--", "true"], "add -w TIME"),
        (&["run", "lock", "--keep-place", "-n", "--", "true"], "add -w TIME"),
        (&["run", "lock", "--keep-place", "-w", "5", "--collapse", "--", "true"], "one of them"),
        (&["run", "lock", "-w", "5", "--keep-for", "5", "--", "true"], "write --keep-place"),
        (&["run", "lock", "-w", "5", "--keep-place", "--keep-for", "x", "--", "true"], "10m"),
        (&["place", "lock", "--", "true"], "write bakery run lock --keep-place"),
        (&["place", "lock", "--keep-place", "-w", "5", "--", "true"], "started by bakery run"),
        (&["run", "lock", "--collapse", "-s", "--", "true"], "leave -s or -j out"),
        (&["run", "./file", "-j", "2", "--", "true"], "without a slash"),
        (&["run", "./file", "--collapse", "--", "true"], "without a slash"),
        (&["run", "./file", "--on-owner-died", "fail", "--", "true"], "without a slash"),
        (&["run", "./file", "--slots", "4", "--", "true"], "without a slash"),
        (&["run", "lock", "--kind", "pidgin", "--", "true"], "bakery, "),
        (&["run", "lock", "--slots", "1", "--", "true"], "2 to 4096"),
        (&["run", "lock", "-c", "true", "--", "true"], "-c STRING, in quotes"),
        (&["run", "lock", "--shard", "--", "true"], "write --shared"),
        (&["run", "lock", "-w"], "-w, --wait TIME"),
        (&["flock"], "descriptor"),
        (&["flock", "file"], "FILE COMMAND"),
        (&["flock", "file", "-c"], "exactly one"),
        (&["flock", "file", "-c", "a", "b"], "exactly one"),
        (&["flock", "-w", "90s", "file", "true"], "1.5"),
        (&["flock", "-E", "600", "file", "true"], "0 to 255"),
        (&["flock", "-F", "-o", "file", "true"], "one of them"),
        (&["flock", "-j", "3", "file", "true"], "no option -j"),
        (&["flock", "-c", "true", "file"], "write FILE -c STRING"),
        (&["flock", "--fd", "x", "true"], "--fd 9 COMMAND"),
        (&["flock", "--fd"], "--fd FD"),
        (&["flock", "--fd", "9", "-c", "a", "b"], "exactly one"),
        (&["flock", "--start", "-1", "file", "true"], "write 4096, 4K"),
        (&["flock", "--length", "many", "file", "true"], "write 4096, 4K"),
        (&["flock", "--fd", "9", "-F", "-o", "true"], "one of them"),
    ] {
        let (status, out, said) = place.outcome(&mut place.bakery(arguments));
        assert_eq!((status, &*out), (64, ""), "{arguments:?}: {said}");
        assert!(
            said.starts_with("bakery: ") && said.contains(hint) && said.lines().count() == 1,
            "{arguments:?}: {said}"
        );
    }
    let mut told = place.run("lock", &[], "true");
    let (status, _, said) = place.outcome(told.env("BAKERY_WAIT", "soon"));
    assert!(status == 64 && said.contains("BAKERY_WAIT"), "{said}");
    assert!(!place.exists("file"));
}

#[test]
fn what_the_system_refuses_is_told_apart() {
    let place = Place::new();
    fs::write(place.path("plain"), "").unwrap();
    let mut missing = place.bakery(["run", "lock", "--", "true"]);
    let (status, _, said) =
        place.outcome(missing.env("BAKERY_LOCK_DIR", place.path("no/such/dir")));
    assert!(status == 66 && said.contains("BAKERY_LOCK_DIR"), "{status} {said}");
    let mut relative = place.bakery(["run", "lock", "--dir", "here", "--", "true"]);
    assert_eq!(place.status(&mut relative), 64);
    let mut no_directory = place.bakery(["run", "./no/dir/file", "--", "true"]);
    assert_eq!(place.status(&mut no_directory), 66);
    // A segment that is none.
    assert_eq!(place.status(&mut place.run("lock", &[], "exit 3")), 3);
    fs::write(place.segment("other"), "something else, long enough to be read as a header")
        .unwrap();
    let (status, _, said) = place.outcome(&mut place.run("other", &[], "exit 3"));
    assert!(status == 66 && said.contains("other"), "{status} {said}");
    // No descriptor left.
    for (verb, lock) in [("run", "lock"), ("run", "./file"), ("flock", "file")] {
        let mut few = place.program("sh");
        few.args([
            "-c",
            "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; ulimit -n 4; exec \"$BAKERY\" \"$@\"",
            "sh",
            verb,
            lock,
            "true",
        ]);
        let (status, _, said) = place.outcome(&mut few);
        assert!(status == 71 && !said.contains("panic"), "{verb} {lock}: {status} {said}");
    }
}

/// With few descriptors, or no place for a line, files are locked all the same.
#[test]
fn flock_works_where_there_can_be_no_line() {
    let place = Place::new();
    for number in 4..12 {
        let mut few = place.program("sh");
        few.args(["-c", &format!("exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; ulimit -n {number}; exec \"$BAKERY\" flock -n file -c :")]);
        let (status, _, said) = place.outcome(&mut few);
        // Without room for what starting a command takes, it says so.
        assert!(status == 0 || status == 71 && number < 8, "{number}: {status} {said}");
    }
    let held = crate::support::Running::start(
        place.bakery(["flock", "file"]).args(crate::support::stays("held")),
    );
    crate::support::until(|| place.exists("up.held"));
    let mut command = place.bakery(["flock", "-w", "60", "--verbose", "file"]);
    command.args(shell("echo in")).env("BAKERY_LOCK_DIR", place.path("no/such/dir"));
    let mut busy = place.bakery(["flock", "-n", "file", "true"]);
    assert_eq!(place.status(busy.env("BAKERY_LOCK_DIR", place.path("no/such/dir"))), 1);
    place.make("go.held");
    let (status, out, said) = place.outcome(&mut command);
    assert!(
        status == 0 && out.ends_with("in\n") && said.contains("without a line of its own"),
        "{out}{said}"
    );
    assert_eq!(held.code(), 0);
}

#[test]
fn help_goes_where_it_is_read() {
    let place = Place::new();
    for arguments in [
        &["--help"][..],
        &["help", "run"],
        &["run", "--help"],
        &["flock", "-h"],
        &["--version"],
        &["flock", "-V"],
    ] {
        let (status, out, said) = place.outcome(&mut place.bakery(arguments));
        assert!(
            status == 0 && out.contains("bakery") && said.is_empty(),
            "{arguments:?}: {out}{said}"
        );
    }
    // Whoever has read enough is not told of a panic.
    let mut closed = place.program("sh");
    closed.args(["-c", "(sleep .1; \"$BAKERY\" run --help; echo $? >status) | :"]);
    assert_eq!(place.outcome(&mut closed), (0, String::new(), String::new()));
}

/// Without an engine compiled in.
#[cfg(not(feature = "between-machines"))]
#[test]
fn locks_between_machines_say_how_they_are_had() {
    let place = Place::new();
    for (verb, words) in
        [("run", &["lock", "true"][..]), ("hold", &["lock"]), ("status", &[]), ("wait", &["lock"])]
    {
        let mut by_option = place.bakery([&[verb, "--engine", "etcd://a"], words].concat());
        let mut by_variable = place.bakery([&[verb], words].concat());
        by_variable.env("BAKERY_ENGINE", "etcd://a");
        for command in [&mut by_option, &mut by_variable] {
            let (status, out, said) = place.outcome(command);
            assert!(
                status == 64 && out.is_empty() && said.contains("--features engines"),
                "{status} {out}{said}"
            );
        }
    }
}
