//! Exclusion holds whatever is killed, and lasts no longer than it has to.

use std::fs;
use std::time::{Duration, Instant};

use bakery_lock::shared::Error;
use libc::{SIGKILL, SIGTERM};

use crate::support::{Place, Running, is_alive, kill, until};

#[test]
fn a_killed_wrapper_keeps_the_lock_until_its_command_has_ended() {
    let place = Place::new();
    let wrapper = place.inside("lock", &[], "one");
    let pid = wrapper.pid();
    let next = place.queued("lock", &[], "next");
    until(|| place.in_line("lock") == 1);
    wrapper.signal(SIGKILL);
    assert_eq!(wrapper.code(), 137);
    let status = place.look("lock").unwrap();
    assert!(
        status.holder.as_ref().is_some_and(|holder| holder.pid == pid && holder.held_by_descriptor)
    );
    assert!(place.is_busy("lock", &[]) && !place.exists("up.next"));
    place.make("go.one");
    until(|| place.exists("up.next"));
    // The command has come to its end before.
    assert_eq!(place.read("out"), "one\n");
    place.make("go.next");
    assert_eq!(next.code(), 0);
}

/// Each of those who get in is told, once.
#[test]
fn a_rust_mutex_of_the_name_is_excluded_all_the_same() {
    let place = Place::new();
    let mutex = place.mutex("lock", 7_u64);
    let wrapper = place.inside("lock", &[], "one");
    assert!(mutex.try_lock().unwrap().is_none());
    let pid = wrapper.pid();
    wrapper.signal(SIGKILL);
    assert_eq!(wrapper.code(), 137);
    for _ in 0..20 {
        assert!(mutex.try_lock().unwrap().is_none());
    }
    let command = place.pid("one");
    kill(command, SIGKILL);
    // A value that has bytes may have been half-written.
    match mutex.lock() {
        Err(Error::OwnerDied { death, .. }) => assert_eq!(death.pid, pid),
        other => panic!("{other:?}"),
    }
    // Whoever locks by name goes in, and leaves that to those who know the value.
    let (status, out, said) = place.outcome(&mut place.run("lock", &[], "echo $BAKERY_OWNER_DIED"));
    assert!(
        status == 0 && out.ends_with(&format!(" {pid}\n")) && said.contains("died inside"),
        "{out}{said}"
    );
    assert!(matches!(mutex.lock(), Err(Error::OwnerDied { .. })));
    *mutex.request().repair(|value, _| *value += 1).lock().unwrap() += 1;
    assert_eq!(*mutex.lock().unwrap(), 9);
}

#[test]
fn a_rust_mutex_of_the_name_excludes() {
    let place = Place::new();
    let mutex = place.mutex("lock", ());
    let guard = mutex.lock().unwrap();
    assert!(place.is_busy("lock", &[]) && place.is_busy("lock", &["-s"]));
    let next = place.queued("lock", &[], "next");
    until(|| place.in_line("lock") == 1);
    drop(guard);
    until(|| place.exists("up.next"));
    assert!(mutex.try_lock().unwrap().is_none());
    place.make("go.next");
    assert_eq!(next.code(), 0);
    assert!(mutex.try_lock().unwrap().is_some_and(|guard| guard.death().is_none()));
}

#[test]
fn a_killed_command_is_no_death_of_the_lock() {
    let place = Place::new();
    let wrapper = place.inside("lock", &[], "one");
    kill(place.pid("one"), SIGKILL);
    assert_eq!(wrapper.code(), 137);
    let (status, out, said) =
        place.outcome(&mut place.run("lock", &[], "echo \"<$BAKERY_OWNER_DIED>\""));
    assert_eq!((status, &*out, &*said), (0, "<>\n", ""));
}

#[test]
fn a_killed_waiter_holds_nobody_up() {
    let place = Place::new();
    let first = place.inside("lock", &[], "first");
    let mut waiting = Vec::new();
    for (number, name) in ["a", "b", "c"].into_iter().enumerate() {
        place.make(&format!("go.{name}"));
        waiting.push(place.queued("lock", &[], name));
        until(|| place.in_line("lock") == number + 1);
    }
    let killed = waiting.remove(1);
    killed.signal(SIGKILL);
    assert_eq!(killed.code(), 137);
    place.make("go.first");
    for running in waiting.into_iter().chain([first]) {
        assert_eq!(running.code(), 0);
    }
    assert_eq!(place.read("out"), "first\na\nc\n");
}

/// Wrappers are killed at any moment, in line and while their commands run. No command is, so each that
/// has begun counts.
#[test]
fn the_count_comes_out_right_whoever_is_killed() {
    let place = Place::new();
    fs::write(place.path("count"), "0\n").unwrap();
    let script = "read n <count; sleep .0$((n % 3)); echo $((n + 1)) >count; echo >>ended";
    let begin = Instant::now();
    let mut random = 12345_u32;
    let mut roll = move |sides: u32| {
        // Knuth's and Lewis's generator: any will do.
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 16) % sides
    };
    let (mut running, mut killed): (Vec<Running>, u32) = (Vec::new(), 0);
    while begin.elapsed() < Duration::from_secs(10) {
        while running.len() < 6 {
            running.push(Running::start(&mut place.run("lock", &["-q"], script)));
        }
        std::thread::sleep(Duration::from_millis(roll(30).into()));
        let one = running.remove(roll(6) as usize);
        if roll(2) == 0 {
            one.signal(SIGKILL);
            one.end();
            killed += 1;
        } else {
            assert_eq!(one.code(), 0);
        }
    }
    drop(running);
    // The last ones' commands may still be at it.
    assert_eq!(place.status(&mut place.run("lock", &["-q"], "exit 3")), 3);
    let count: usize = place.read("count").trim().parse().unwrap();
    assert_eq!(count, place.read("ended").len());
    assert!(count > 10 && killed > 10, "{count} have ended, {killed} were killed");
}

const LEAVES_A_DAEMON: &str = "sleep 600 </dev/null >/dev/null 2>&1 & echo $! >daemon";

#[test]
fn a_daemon_that_is_left_behind_keeps_nothing() {
    let place = Place::new();
    for options in [&[][..], &["-s"], &["-j", "1"]] {
        assert_eq!(place.status(&mut place.run("lock", options, LEAVES_A_DAEMON)), 0);
        let daemon = place.read("daemon").trim().parse().unwrap();
        assert!(is_alive(daemon));
        assert!(!place.is_busy("lock", &[]), "{options:?}");
        kill(daemon, SIGKILL);
    }
    assert_eq!(place.status(&mut place.run("./file", &[], LEAVES_A_DAEMON)), 0);
    assert!(!place.is_busy("./file", &[]));
    kill(place.read("daemon").trim().parse().unwrap(), SIGKILL);
}

/// It is told once, with whom to look at; and only if somebody has the lock's own descriptor.
#[test]
fn a_daemon_that_is_left_behind_is_named() {
    let place = Place::new();
    for (lock, options) in [
        ("lock", &[][..]),
        ("lock", &["-s"]),
        ("lock", &["-j", "1"]),
        ("./file", &[]),
        ("./file", &["-s"]),
    ] {
        let outcome = |options: &[&str], script: &str| {
            let (status, out, said) = place.outcome(&mut place.run(lock, options, script));
            assert_eq!((status, &*out), (0, ""), "{said}");
            said
        };
        let daemon = || place.read("daemon").trim().parse::<u32>().unwrap();
        // Not the shell any more that it was forked off.
        let named = "until [ \"$(cat /proc/$!/comm)\" = sleep ]; do sleep .01; done";
        let said = outcome(options, &format!("{LEAVES_A_DAEMON}; {named}"));
        let named = format!("{} (sleep) has outlived the command", daemon());
        assert!(said.contains(&named) && said.contains("--until closed"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        kill(daemon(), SIGKILL);
        let without = format!(
            "exec bash -c 'for fd in /proc/$$/fd/*; do fd=${{fd##*/}}; [ $fd -lt 3 ] || exec {{fd}}>&-; done; {LEAVES_A_DAEMON}'"
        );
        assert_eq!(outcome(options, &without), "", "{lock} {options:?}");
        kill(daemon(), SIGKILL);
        for more in [&["-q"][..], &["-o"], &["--until", "closed"]] {
            assert_eq!(outcome(&[options, more].concat(), LEAVES_A_DAEMON), "", "{more:?}");
            kill(daemon(), SIGKILL);
        }
    }
}

/// Another one with a lock of its own on the same file.
#[test]
fn who_shares_the_lock_with_a_command_is_not_taken_for_its_daemon() {
    let place = Place::new();
    let one = place.inside("lock", &["-s"], "one");
    let other = place.inside("lock", &["-s"], "other");
    let said = place.path("said");
    let mut command = place.run("lock", &["-s"], "");
    assert_eq!(place.outcome(&mut command), (0, String::new(), String::new()));
    let mut first =
        place.run("lock", &["-s"], "echo $$ >up.first; until [ -e up.late ]; do sleep .02; done");
    first.stderr(fs::File::create(&said).unwrap());
    let first = Running::start(&mut first);
    until(|| place.exists("up.first"));
    let late = place.inside("lock", &["-s"], "late");
    assert_eq!(first.code(), 0);
    assert_eq!(fs::read_to_string(said).unwrap(), "");
    for name in ["one", "other", "late"] {
        place.make(&format!("go.{name}"));
    }
    for running in [one, other, late] {
        assert_eq!(running.code(), 0);
    }
}

/// That is no death either.
#[test]
fn until_closed_a_daemon_keeps_the_lock() {
    let place = Place::new();
    for (lock, options) in [
        ("lock", &["--until", "closed"][..]),
        ("lock", &["--until", "closed", "-s"]),
        ("lock", &["-F"]),
        ("lock", &["-F", "-j", "2"]),
        ("./file", &["--until", "closed"]),
    ] {
        assert_eq!(place.status(&mut place.run(lock, options, LEAVES_A_DAEMON)), 0);
        assert!(place.is_busy(lock, &[]), "{options:?}");
        let daemon = place.read("daemon").trim().parse().unwrap();
        kill(daemon, SIGKILL);
        let next = &mut place.run(lock, &[], "echo \"<$BAKERY_OWNER_DIED>\"");
        assert_eq!(place.outcome(next), (0, "<>\n".to_owned(), String::new()), "{options:?}");
    }
}

#[test]
fn closed_for_the_command_the_lock_goes_with_the_wrapper() {
    let place = Place::new();
    for options in [&["-o"][..], &["-os"]] {
        let wrapper = place.inside("lock", options, "one");
        assert!(place.is_busy("lock", &[]));
        let command = place.pid("one");
        wrapper.signal(SIGKILL);
        assert_eq!(wrapper.code(), 137);
        assert_eq!(place.status(&mut place.run("lock", &["-q"], "exit 3")), 3, "{options:?}");
        assert!(is_alive(command));
        kill(command, SIGKILL);
        fs::remove_file(place.path("up.one")).unwrap();
    }
}

/// Kills one inside, with all that it runs.
fn dies_inside(place: &Place, lock: &str) -> u32 {
    let wrapper = place.inside(lock, &["--until", "exit"], "dead");
    let (pid, command) = (wrapper.pid(), place.pid("dead"));
    wrapper.signal(SIGKILL);
    kill(command, SIGKILL);
    assert_eq!(wrapper.code(), 137);
    until(|| !is_alive(command));
    fs::remove_file(place.path("up.dead")).unwrap();
    pid
}

#[test]
fn a_death_is_told_and_dealt_with_as_asked_for() {
    let place = Place::new();
    let dead = dies_inside(&place, "lock");
    let tells = "echo \"<${BAKERY_OWNER_DIED#* }>\"";
    let (status, out, said) = place.outcome(&mut place.run("lock", &[], tells));
    assert_eq!((status, out), (0, format!("<{dead}>\n")));
    assert!(said.contains("did not come to its end") && said.lines().count() == 1, "{said}");

    dies_inside(&place, "lock");
    let fails = &["--on-owner-died", "fail"];
    let (status, out, said) = place.outcome(&mut place.run("lock", fails, tells));
    assert_eq!((status, &*out), (76, ""));
    assert!(said.contains("did not come to its end"), "{said}");

    dies_inside(&place, "lock");
    let repairs = &["--on-owner-died", "echo repaired"];
    let (status, out, said) = place.outcome(&mut place.run("lock", repairs, "echo in"));
    assert_eq!((status, &*out, &*said), (0, "repaired\nin\n", ""));

    dies_inside(&place, "lock");
    let cannot = &["--on-owner-died", "exit 5"];
    let (status, out, said) = place.outcome(&mut place.run("lock", cannot, "echo in"));
    assert_eq!((status, &*out), (76, ""));
    assert!(said.contains("exit status: 5"), "{said}");
    // Told once.
    assert_eq!(place.outcome(&mut place.run("lock", fails, "")), (0, String::new(), String::new()));
}

/// Who waits for those together at the head of the line is in nobody's way when it is gone.
#[test]
fn a_writer_killed_at_the_head_of_the_line_lets_others_pass() {
    let place = Place::new();
    let reader = place.inside("lock", &["-s"], "reader");
    let writer = place.queued("lock", &[], "writer");
    until(|| place.look("lock").is_ok_and(|status| status.holder.is_some()));
    writer.signal(SIGTERM);
    assert_eq!(writer.code(), 143);
    assert!(!place.is_busy("lock", &["-s"]));
    place.make("go.reader");
    assert_eq!(reader.code(), 0);
}

/// It has got its turn, and waits for those who are inside together.
#[test]
fn one_killed_before_its_command_began_is_no_death_inside() {
    let place = Place::new();
    for rust in [false, true] {
        let lock = if rust { "rust" } else { "lock" };
        let mutex = rust.then(|| place.mutex(lock, 7_u64));
        let reader = place.inside(lock, &["-s"], "reader");
        let writer = place.queued(lock, &[], "writer");
        until(|| place.look(lock).is_ok_and(|status| status.holder.is_some()));
        writer.signal(SIGKILL);
        assert_eq!(writer.code(), 137);
        let tells = "echo \"<$BAKERY_OWNER_DIED>\"";
        let outcome = place.outcome(&mut place.run(lock, &["-s"], tells));
        assert_eq!(outcome, (0, "<>\n".to_owned(), String::new()));
        place.make("go.reader");
        assert_eq!(reader.code(), 0);
        if let Some(mutex) = mutex {
            assert_eq!(*mutex.lock().unwrap(), 7);
        }
        for file in ["up.reader", "go.reader"] {
            fs::remove_file(place.path(file)).unwrap();
        }
    }
}

#[test]
fn a_rust_value_is_sound_after_the_ordinary_end_of_whoever_has_the_descriptor() {
    let place = Place::new();
    let mutex = place.mutex("lock", 7_u64);
    for options in [&["-F"][..], &["--until", "closed"]] {
        assert_eq!(place.status(&mut place.run("lock", options, "exit 3")), 3);
        assert_eq!(*mutex.lock().unwrap(), 7, "{options:?}");
        assert_eq!(place.status(&mut place.run("lock", options, LEAVES_A_DAEMON)), 0);
        assert!(mutex.try_lock().unwrap().is_none());
        kill(place.read("daemon").trim().parse().unwrap(), SIGKILL);
        assert_eq!(*mutex.lock().unwrap(), 7, "{options:?}");
    }
    // What died before is told to these as well, and once.
    let lock = "without a value";
    for options in [&["-F"][..], &["--until", "closed"], &[]] {
        let dead = dies_inside(&place, lock);
        let tells = "echo \"<${BAKERY_OWNER_DIED#* }>\"";
        let (_, out, _) = place.outcome(&mut place.run(lock, options, tells));
        assert_eq!(out, format!("<{dead}>\n"), "{options:?}");
        assert_eq!(place.outcome(&mut place.run(lock, &[], "")).2, "", "{options:?}");
    }
}
