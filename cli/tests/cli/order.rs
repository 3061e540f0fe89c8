//! First come, first served.

use std::fmt::Write as _;

use crate::support::{Place, Running, shell, until};

#[test]
fn twenty_that_wait_go_in_in_their_order() {
    let place = Place::new();
    let first = place.inside("lock", &[], "first");
    let mut expected = "first\n".to_owned();
    let waiting: Vec<Running> = (1..=20)
        .map(|number| {
            let command = &mut place.run("lock", &[], &format!("echo {number} >>out"));
            let running = Running::start(command);
            until(|| place.in_line("lock") == number);
            let _ = writeln!(expected, "{number}");
            running
        })
        .collect();
    place.make("go.first");
    for running in waiting {
        assert_eq!(running.code(), 0);
    }
    assert_eq!(first.code(), 0);
    assert_eq!(place.read("out"), expected);
}

/// The same in the line of a file; and who has a place in it keeps nobody in it afterwards.
#[test]
fn those_who_wait_for_a_file_go_in_in_their_order() {
    let place = Place::new();
    let first = place.inside("./lock", &[], "first");
    let line = place.line_of("lock");
    let mut expected = "first\n".to_owned();
    let waiting: Vec<Running> = (1..=20)
        .map(|number| {
            let script = format!("echo {number} >>out");
            let mut command = if number % 2 == 0 {
                place.run("./lock", &[], &script)
            } else {
                let mut command = place.bakery(["flock", "lock"]);
                command.args(shell(&script));
                command
            };
            let running = Running::start(&mut command);
            // The first of them is at the head of the line.
            until(|| {
                place.look(&line).is_ok_and(|status| {
                    status.queue.len() + usize::from(status.holder.is_some()) == number
                })
            });
            let _ = writeln!(expected, "{number}");
            running
        })
        .collect();
    place.make("go.first");
    for running in waiting {
        assert_eq!(running.code(), 0);
    }
    assert_eq!(first.code(), 0);
    assert_eq!(place.read("out"), expected);
    assert!(!place.segment(&line).exists());
}

#[test]
fn who_does_not_wait_does_not_pass_those_who_do() {
    for lock in ["lock", "./file"] {
        let place = Place::new();
        let shared = place.inside(lock, &["-s"], "shared");
        let line = if lock == "lock" { lock.to_owned() } else { place.line_of("file") };
        let writer = place.queued(lock, &[], "writer");
        until(|| place.look(&line).is_ok_and(|status| status.holder.is_some()));
        assert!(place.is_busy(lock, &["-s"]));
        place.make("go.shared");
        assert_eq!(shared.code(), 0);
        place.make("go.writer");
        assert_eq!(writer.code(), 0);
        assert!(!place.is_busy(lock, &["-s"]));
    }
}

#[test]
fn of_many_that_do_not_wait_one_gets_a_free_lock() {
    let place = Place::new();
    for round in 0..5 {
        let name = format!("lock{round}");
        let tries: Vec<Running> = (0..4)
            .map(|_| Running::start(&mut place.run(&name, &["-nq"], &format!("echo >>in{round}"))))
            .collect();
        for one in tries {
            assert!([0, 75].contains(&one.code()));
        }
        assert!(place.exists(&format!("in{round}")));
    }
}
