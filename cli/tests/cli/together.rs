//! Those who are inside together: `-s`, and `-j`.

use std::fs;

use libc::SIGKILL;

use crate::support::{Place, Running, kill, until};

#[test]
fn readers_are_together_and_a_writer_is_alone() {
    let place = Place::new();
    let readers = [place.inside("lock", &["-s"], "a"), place.inside("lock", &["-s"], "b")];
    assert!(!place.is_busy("lock", &["-s"]) && place.is_busy("lock", &[]));
    let writer = place.queued("lock", &[], "writer");
    until(|| place.look("lock").is_ok_and(|status| status.holder.is_some()));
    place.make("go.a");
    assert!(place.is_busy("lock", &["-s"]) && !place.exists("up.writer"));
    place.make("go.b");
    until(|| place.exists("up.writer"));
    assert!(place.is_busy("lock", &["-s"]) && place.is_busy("lock", &["-j", "9"]));
    place.make("go.writer");
    for running in readers.into_iter().chain([writer]) {
        assert_eq!(running.code(), 0);
    }
    assert!(place.read("out").ends_with("writer\n"));
}

/// Readers that come again and again overlap, so that there is never nobody.
#[test]
fn a_writer_gets_in_among_looping_readers() {
    for lock in ["lock", "./file"] {
        let place = Place::new();
        let loops: Vec<Running> = (0..4)
            .map(|number| {
                let script = format!(
                    "until [ -e stop ] || [ ! -d $PWD ]; do \"$BAKERY\" run {lock} -qs -- sh -c ': >read.{number}; sleep .03'; done"
                );
                Running::start(place.program("sh").args(["-c", &script]))
            })
            .collect();
        until(|| (0..4).all(|number| place.exists(&format!("read.{number}"))));
        for _ in 0..3 {
            assert_eq!(place.status(&mut place.run(lock, &["-q"], "exit 3")), 3);
        }
        place.make("stop");
        for running in loops {
            assert_eq!(running.code(), 0);
        }
    }
}

#[test]
fn a_killed_wrappers_reader_keeps_writers_out() {
    let place = Place::new();
    for options in [&["-s"][..], &["-j", "3"]] {
        let wrapper = place.inside("lock", options, "one");
        let command = place.pid("one");
        wrapper.signal(SIGKILL);
        assert_eq!(wrapper.code(), 137);
        assert!(place.is_busy("lock", &[]) && !place.is_busy("lock", options));
        kill(command, SIGKILL);
        until(|| !place.is_busy("lock", &[]));
        fs::remove_file(place.path("up.one")).unwrap();
    }
}

#[test]
fn so_many_at_a_time_in_order() {
    let place = Place::new();
    let options = &["-j", "3"];
    let mut running: Vec<Running> =
        ["a", "b", "c"].map(|name| place.inside("lock", options, name)).into();
    assert!(place.is_busy("lock", options) && place.is_busy("lock", &[]));
    for (number, name) in ["d", "e", "f", "g"].into_iter().enumerate() {
        running.push(place.queued("lock", options, name));
        // The first of them is at the head, and no more in the queue.
        until(|| {
            place
                .look("lock")
                .is_ok_and(|status| status.holder.is_some() && status.queue.len() == number)
        });
    }
    for (leaves, comes) in [("b", "d"), ("a", "e"), ("d", "f"), ("c", "g")] {
        place.make(&format!("go.{leaves}"));
        until(|| place.exists(&format!("up.{comes}")));
        let mut inside = ["g", "f", "e", "d"].iter();
        assert_eq!(inside.find(|name| place.exists(&format!("up.{name}"))), Some(&comes));
    }
    for name in ["e", "f", "g"] {
        place.make(&format!("go.{name}"));
    }
    for one in running {
        assert_eq!(one.code(), 0);
    }
    assert!(!place.is_busy("lock", &[]));
}

#[test]
fn never_more_than_so_many() {
    let place = Place::new();
    // Each counts itself in and out, under a lock that is not the one on trial.
    let script = "exec 9>>count; flock 9; echo in >>count; flock -u 9; sleep .0$(($$ % 4)); flock 9; echo out >>count";
    let mut command = place.program("sh");
    command.args([
        "-c",
        &format!("seq 30 | xargs -P 10 -I{{}} \"$BAKERY\" run lock -q -j 3 -- sh -c '{script}'"),
    ]);
    assert_eq!(place.status(&mut command), 0);
    let (mut inside, mut most, mut all) = (0, 0, 0);
    for line in place.read("count").lines() {
        if line == "in" {
            (inside, all) = (inside + 1, all + 1);
            most = most.max(inside);
        } else {
            inside -= 1;
        }
    }
    assert_eq!((all, inside), (30, 0));
    assert!((1..=3).contains(&most), "{most} at a time");
}
