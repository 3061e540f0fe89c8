//! What is asked for wrongly. No server is needed.

use std::process::{Output, Stdio};

use crate::support::Place;

/// Nobody listens there.
const NOBODY: &str = "127.0.0.1:9";

fn refused(arguments: &[&str], hint: &str) {
    let place = Place::new();
    let (status, out, said) = place.outcome(&mut place.bakery(arguments));
    assert_eq!((status, &*out), (64, ""), "{arguments:?}: {said}");
    assert!(said.lines().count() == 1 && said.contains(hint), "{arguments:?}: {said}");
    assert!(!said.contains("secret"), "{said}");
}

#[test]
fn addresses_that_are_none_are_refused_without_their_passwords() {
    for url in [
        "nowhere",
        "",
        "mysql://me:secret@db/x",
        "postgres://me:secret@db:port/x",
        "consul://me:secret@a/b?secret",
        "dynamodb://me:secret@a/b?pace=secret",
    ] {
        refused(&["run", "--engine", url, "lock", "true"], "write etcd://HOST:PORT");
        refused(&["status", "--engine", url, "lock"], "write etcd://HOST:PORT");
    }
}

#[test]
fn tls_comes_with_the_engines() {
    for scheme in ["consul", "dynamodb", "etcd", "zookeeper"] {
        let place = Place::new();
        let engine = format!("--engine={scheme}+tls://{NOBODY}/table?ca=/dev/null");
        let (_, _, said) = place.outcome(&mut place.bakery(["run", &engine, "lock", "true"]));
        assert!(said.contains("no certificate"), "{scheme}: {said}");
    }
}

#[test]
fn what_is_about_one_machine_is_refused() {
    let engine = format!("--engine=etcd://{NOBODY}");
    for option in [
        "-o",
        "-F",
        "--collapse",
        "--keep-place",
        "--keep-for=1m",
        "--until=exit",
        "--slots=9",
        "--kind=ticket",
        "--dir=/x",
    ] {
        refused(&["run", &engine, option, "lock", "true"], "is for locks of one machine");
    }
    refused(&["hold", &engine, "--detach", "lock"], "is for locks of one machine");
    refused(&["status", &engine, "--dir=/x", "lock"], "is for locks of one machine");
    refused(&["wait", &engine, "--dir=/x", "lock"], "is for locks of one machine");
    for verb in [&["run", "./file", "true"][..], &["hold", "./file"], &["status", "./file"]] {
        refused(&[&verb[..1], &[&engine], &verb[1..]].concat(), "is a file of this machine");
    }
    refused(&["status", &engine], "does not say which locks there are");
    refused(&["run", &engine, "-j2", "--on-owner-died=fail", "lock", "true"], "leave one of");
    for verb in ["doctor", "ls", "top", "release", "pause", "metrics", "path"] {
        refused(
            &[verb, &engine],
            "there is no option --engine here; run, hold, status and wait have it",
        );
    }
}

#[test]
fn times_are_within_bounds() {
    let engine = format!("--engine=etcd://{NOBODY}");
    for time in ["--ttl=.5", "--ttl=2h", "--ttl=soon", "--grace=6", "--grace=x"] {
        refused(&["run", &engine, time, "lock", "true"], "is no such time; write --");
    }
    for time in ["--ttl=5", "--grace=1"] {
        refused(&["run", time, "lock", "true"], "goes with --engine URL");
    }
}

#[test]
fn servers_that_are_not_there_are_told_of() {
    let place = Place::new();
    let asks = ["etcd", "consul", "dynamodb", "postgres", "zookeeper"].map(|scheme| {
        let url = format!("{scheme}://{NOBODY}/locks");
        let mut command = place.bakery(["run", "--engine", &url, "lock", "true"]);
        command.stderr(Stdio::piped()).spawn().unwrap()
    });
    for asks in asks {
        let Output { status, stderr, .. } = asks.wait_with_output().unwrap();
        let said = String::from_utf8(stderr).unwrap();
        assert_eq!((status.code(), said.lines().count()), (Some(69), 1), "{said}");
    }
}

#[test]
fn this_machines_locks_are_had_despite_the_variable() {
    let place = Place::new();
    let run = |engine: &str| {
        let mut command = place.bakery(["run", "lock", "--engine", engine, "true"]);
        command.env("BAKERY_ENGINE", "nowhere");
        place.status(&mut command)
    };
    assert_eq!((run("local"), run("nowhere")), (0, 64));
    assert!(place.segment("lock").exists());
    let mut command = place.bakery(["run", "lock", "true"]);
    assert_eq!(place.status(command.env("BAKERY_ENGINE", "nowhere")), 64);
    assert_eq!(place.status(command.env("BAKERY_ENGINE", "")), 0);
}
