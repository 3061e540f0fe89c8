//! Many at once: short jobs, readers without end, so many at a time.

use std::fs;
use std::time::Instant;

use crate::kills::most;
use crate::support::{Place, Running, shell, until};

/// `xargs` has 16 of them run at a time, and each adds one to a count.
fn count(jobs: usize, wrapped: &str) {
    let place = Place::new();
    fs::write(place.path("n"), "0\n").unwrap();
    fs::write(place.path("add"), "read n <n; echo $((n + 1)) >n\n").unwrap();
    let script = format!("seq {jobs} | xargs -P 16 -I % {wrapped} sh ./add");
    let begin = Instant::now();
    let (status, out, said) = finish(&place, &script);
    assert_eq!((status, &*out, &*said), (0, "", ""), "{wrapped}");
    println!("{jobs} short jobs, {wrapped}: {:.1} s", begin.elapsed().as_secs_f64());
    assert_eq!(place.read("n"), format!("{jobs}\n"), "{wrapped}");
}

/// However long it takes.
fn finish(place: &Place, script: &str) -> (i32, String, String) {
    let output = place.program("sh").args(["-c", script]).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (crate::support::code(output.status), text(&output.stdout), text(&output.stderr))
}

const WRAPPED: [&str; 3] =
    ["\"$BAKERY\" run lock --", "\"$BAKERY\" run ./file --", "\"$BAKERY\" flock file"];

#[test]
fn the_count_of_a_crowd_of_short_jobs_comes_out_right() {
    for wrapped in WRAPPED {
        count(200, wrapped);
    }
}

#[test]
#[ignore = "takes minutes"]
fn the_count_of_2000_short_jobs_comes_out_right() {
    for wrapped in WRAPPED {
        count(2000, wrapped);
    }
}

/// How many readers may pass a writer that stands in line: those before it, one of each loop.
const LOOPS: usize = 4;

#[test]
fn no_more_readers_pass_a_writer_than_were_before_it() {
    for (lock, reads) in [
        ("lock", "\"$BAKERY\" run lock -qs --"),
        ("./file", "\"$BAKERY\" run ./file -qs --"),
        ("./file", "\"$BAKERY\" flock -s file"),
    ] {
        let place = Place::new();
        let loops: Vec<Running> = (0..LOOPS)
            .map(|_| {
                let script = format!(
                    "until [ -e stop ] || [ ! -d $PWD ]; do {reads} sh -c 'echo >>passed; sleep .03'; done"
                );
                Running::start(place.program("sh").args(["-c", &script]))
            })
            .collect();
        until(|| place.read("passed").len() >= LOOPS);
        let line = if lock == "lock" { lock.to_owned() } else { place.line_of("file") };
        let mut has_waited = 0;
        for round in 0..10 {
            let script = format!("wc -l <passed >at.{round}");
            let writer = Running::start(&mut place.run(lock, &["-q"], &script));
            let mut before = None;
            until(|| {
                let is_in_line = place.look(&line).is_ok_and(|status| {
                    status.queue.iter().chain(&status.holder).any(|one| one.pid == writer.pid())
                });
                before = is_in_line.then(|| place.read("passed").len());
                is_in_line || place.exists(&format!("at.{round}"))
            });
            assert_eq!(writer.code(), 0);
            let at: usize = place.read(&format!("at.{round}")).trim().parse().unwrap();
            if let Some(before) = before {
                has_waited += 1;
                // The one that is counted just now is among them.
                assert!(at <= before + LOOPS, "{reads}: passed by {} readers", at - before);
            }
        }
        place.make("stop");
        for running in loops {
            assert_eq!(running.code(), 0);
        }
        assert!(has_waited > 0, "{reads}: no writer was seen in line");
    }
}

/// From one to eight at a time: never more, and so many.
#[test]
fn as_many_at_a_time_as_there_are_places() {
    for places in 1..=8 {
        let place = Place::new();
        let jobs = places.to_string();
        let options = &["-q", "-j", &jobs];
        let script =
            "echo in >>log; until [ -e go ] || [ ! -d $PWD ]; do sleep .01; done; echo out >>log";
        let running: Vec<Running> = (0..=2 * places)
            .map(|_| {
                let mut command = place.bakery(["run", "lock"]);
                command.args(options).arg("--").args(shell(script));
                Running::start(&mut command)
            })
            .collect();
        until(|| place.read("log").lines().count() == places);
        assert!(place.is_busy("lock", options) && place.is_busy("lock", &[]), "{places}");
        place.make("go");
        for one in running {
            assert_eq!(one.code(), 0);
        }
        assert_eq!(most(&place.read("log")), places);
    }
}
