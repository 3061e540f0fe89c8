//! Options of `run`, one by one.

use std::fs;

use crate::support::{Place, Running, stays, until};

#[test]
fn the_command_is_told_of_its_lock() {
    let place = Place::new();
    let script =
        "echo \"$BAKERY_LOCK|$BAKERY_TOKEN|$BAKERY_HELD|$BAKERY_WAITED|${BAKERY_OWNER_DIED-none}\"";
    let (_, first, _) =
        place.outcome(place.run("my lock", &[], script).env("BAKERY_OWNER_DIED", "5 5"));
    let (_, second, _) = place.outcome(&mut place.run("my lock", &["-s"], script));
    let fields = |line: &str| line.trim().split('|').map(str::to_owned).collect::<Vec<_>>();
    let (first, second) = (fields(&first), fields(&second));
    let token = |fields: &[String]| fields[1].parse::<u64>().unwrap();
    assert_eq!(token(&second), token(&first) + 1);
    assert_eq!((&*first[0], &*first[4]), ("my lock", "none"));
    assert_eq!(
        (&first[2], &second[2]),
        (&format!("my lock={}", first[1]), &format!("my lock={}s", second[1]))
    );
    assert!(first[3].parse::<f64>().is_ok());
    // A file has no token; and what was said of a lock around it is not its.
    let (_, file, _) = place.outcome(place.run("./file", &[], script).env("BAKERY_TOKEN", "9"));
    assert_eq!(fields(&file)[..2], ["./file", ""]);
}

#[test]
fn a_lock_within_itself_is_noticed() {
    for (lock, options) in
        [("lock", &[][..]), ("lock", &["-s"]), ("lock", &["-j", "1"]), ("./file", &[])]
    {
        let place = Place::new();
        let within = format!("\"$BAKERY\" run {lock} -- echo in; echo $?");
        let (status, out, said) = place.outcome(&mut place.run(lock, options, &within));
        assert_eq!((status, &*out), (0, "77\n"), "{lock} {options:?} {said}");
        assert!(said.contains("--nested join"), "{said}");
        let joined =
            format!("\"$BAKERY\" run {lock} --nested join -- sh -c 'echo in; exit 4'; echo $?");
        let outcome = place.outcome(&mut place.run(lock, options, &joined));
        assert_eq!(outcome, (0, "in\n4\n".to_owned(), String::new()), "{lock} {options:?}");
        // Another lock is none of it.
        let other = "\"$BAKERY\" run other -- echo in; \"$BAKERY\" run ./other -- echo in";
        let outcome = place.outcome(&mut place.run(lock, options, other));
        assert_eq!(outcome, (0, "in\nin\n".to_owned(), String::new()), "{lock} {options:?}");
    }
}

/// Whoever has outlived the wrapper is not within any more, and waits like everybody else.
#[test]
fn a_descendant_that_outlives_the_lock_is_not_within_it() {
    let place = Place::new();
    let script = "(until [ -e go ] || [ ! -d $PWD ]; do sleep .02; done; \"$BAKERY\" run lock -n -- true; echo $? >status) >/dev/null 2>&1 &";
    assert_eq!(place.status(&mut place.run("lock", &[], script)), 0);
    let held = place.inside("lock", &[], "held");
    place.make("go");
    until(|| place.read("status") == "75\n");
    place.make("go.held");
    assert_eq!(held.code(), 0);
}

#[test]
fn one_runs_and_one_waits_and_none_is_lost() {
    let place = Place::new();
    let first = place.inside("lock", &[], "first");
    let waits =
        Running::start(place.bakery(["run", "lock", "--collapse", "--"]).args(stays("waits")));
    until(|| place.in_line("lock") == 1);
    for _ in 0..3 {
        let outcome = place.outcome(&mut place.run("lock", &["--collapse"], "echo more >>out"));
        assert_eq!(outcome, (0, String::new(), String::new()));
    }
    let (status, _, said) =
        place.outcome(&mut place.run("lock", &["--collapse", "-v"], "echo more >>out"));
    assert!(status == 0 && said.contains("one waits already"), "{said}");
    place.make("go.first");
    place.make("go.waits");
    assert_eq!((first.code(), waits.code()), (0, 0));
    assert_eq!(place.read("out"), "first\nwaits\n");
    // Where nobody waits, it is run.
    assert_eq!(place.status(&mut place.run("lock", &["--collapse"], "exit 3")), 3);
}

#[test]
fn a_report_says_what_became_of_it() {
    let place = Place::new();
    let report = |options: &[&str], script: &str| {
        let options = [&["-q", "--report", "report"], options].concat();
        let status = place.status(&mut place.run("lock", &options, script));
        let text = place.read("report");
        assert!(text.ends_with("}\n") && text.lines().count() == 1, "{text}");
        assert!(text.contains(&format!("\"status\":{status},")), "{text}");
        text
    };
    let ran = report(&[], "exit 7");
    assert!(
        ran.starts_with(
            "{\"v\":1,\"name\":\"lock\",\"outcome\":\"ran\",\"status\":7,\"waited_s\":0.0"
        ),
        "{ran}"
    );
    assert!(!ran.contains("\"token\":null") && ran.contains("\"after_death\":null"), "{ran}");
    // Its own status may be that of a busy lock.
    assert!(report(&[], "exit 75").contains("\"outcome\":\"ran\",\"status\":75"));
    assert!(
        report(&["--max-time", ".05"], "sleep 600")
            .contains("\"outcome\":\"max-time\",\"status\":124")
    );
    let held = place.inside("lock", &[], "held");
    assert!(report(&["-n"], "").contains("\"outcome\":\"busy\",\"status\":75"));
    assert!(report(&["-w", ".05"], "").contains("\"outcome\":\"timed-out\",\"status\":75"));
    place.make("go.held");
    assert_eq!(held.code(), 0);
    let mut missing = place.bakery(["run", "lock", "--report", "report", "--", "./missing"]);
    assert_eq!(place.status(&mut missing), 127);
    assert!(place.read("report").contains("\"outcome\":\"not-started\",\"status\":127"));
    // To a descriptor, and not where that is none.
    let mut shell = place.program("sh");
    shell.args(["-c", "\"$BAKERY\" run lock --report FD:1 -- true; \"$BAKERY\" run lock --report FD:77 -- true; echo $?"]);
    let (_, out, _) = place.outcome(&mut shell);
    assert!(out.starts_with("{\"v\":1,") && out.ends_with("}\n65\n"), "{out}");
    let mut nowhere =
        place.bakery(["run", "lock", "--report", "no/dir/report", "--", "touch", "ran"]);
    assert_eq!(place.status(&mut nowhere), 73);
    assert!(!place.exists("ran"));
}

#[test]
fn a_dry_run_takes_nothing() {
    let place = Place::new();
    for lock in ["lock", "./file"] {
        let dry = |options: &[&str]| {
            place.outcome(&mut place.run(lock, &[&["--dry-run"], options].concat(), "echo in >>in"))
        };
        let (status, out, _) = dry(&[]);
        assert!(status == 0 && out.contains("is free: would run sh -c"), "{out}");
        let held = place.inside(lock, &[], "held");
        let (status, out, _) = dry(&[]);
        assert!(status == 75 && out.contains("would wait"), "{out}");
        let (status, out, _) = dry(&["-n", "-E", "9"]);
        assert!(status == 9 && out.contains("would leave with 9"), "{out}");
        place.make("go.held");
        assert_eq!(held.code(), 0);
        assert_eq!(dry(&[]).0, 0);
        for file in ["up.held", "go.held"] {
            fs::remove_file(place.path(file)).unwrap();
        }
    }
    let reader = place.inside("lock", &["-j", "1"], "reader");
    for (options, status) in [(&[][..], 75), (&["-s"], 0), (&["-j", "1"], 75), (&["-j", "2"], 0)] {
        let mut dry = place.run("lock", &[&["--dry-run"], options].concat(), "echo in >>in");
        assert_eq!(place.status(&mut dry), status, "{options:?}");
    }
    place.make("go.reader");
    assert_eq!(reader.code(), 0);
    assert!(!place.exists("in"));
}

#[test]
fn a_lock_is_made_as_it_is_asked_for() {
    let place = Place::new();
    let made = &["--slots", "3", "--kind", "ticket"];
    assert_eq!(place.status(&mut place.run("lock", made, "")), 0);
    let status = place.look("lock").unwrap();
    assert_eq!((status.slots, status.kind.to_string()), (3, "ticket".to_owned()));
    // More than there is room for wait for room.
    let held = place.inside("lock", &[], "held");
    let waiting: Vec<Running> =
        (0..4).map(|_| Running::start(&mut place.run("lock", &[], "echo in >>in"))).collect();
    place.make("go.held");
    for running in waiting {
        assert_eq!(running.code(), 0);
    }
    assert_eq!(held.code(), 0);
    assert_eq!(place.read("in").lines().count(), 4);
    // Another one than there is, is refused.
    assert_eq!(place.status(&mut place.run("lock", &["--slots", "4"], "")), 66);
    let mut elsewhere = place.bakery(["run", "lock", "--dir"]);
    elsewhere.arg(place.path("locks")).args(["--", "true"]);
    assert_eq!(place.status(&mut elsewhere), 0);
    assert!(place.path("locks/lock").exists());
}

#[test]
fn verbose_says_when_it_is_in() {
    let place = Place::new();
    let (status, out, said) =
        place.outcome(&mut place.run("lock", &["-v", "--why", "a release"], "echo out"));
    assert_eq!((status, &*out), (0, "out\n"));
    assert!(said.starts_with("bakery: lock: in after 0.") && said.contains("(token "), "{said}");
}
