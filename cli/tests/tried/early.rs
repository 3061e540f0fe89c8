//! Nobody reads to the end; or there is no terminal, and hardly an environment.

use std::io;
use std::process::{Command, Output, Stdio};

use crate::support::{BAKERY, Place, code, until};

/// All that say something on standard output.
const TALKING: [&[&str]; 15] = [
    &["status"],
    &["status", "lock"],
    &["status", "lock", "--json"],
    &["ls"],
    &["ls", "--all"],
    &["ls", "--json"],
    &["doctor"],
    &["doctor", "--json"],
    &["metrics"],
    &["path", "lock"],
    &["completions", "bash"],
    &["man"],
    &["help"],
    &["run", "--help"],
    &["run", "lock", "--dry-run", "--", "true"],
];

/// Those to which a pipe that is closed, or a full disk, makes a difference.
fn ended(status: i32) -> bool {
    // A lock that is held or sick is told by 1, a dry run's by 75; or it died of SIGPIPE.
    [0, 1, 75, 128 + libc::SIGPIPE].contains(&status)
}

#[test]
fn whoever_has_read_enough_hears_of_no_error() {
    let place = Place::new();
    let held = place.inside("lock", &[], "held");
    for arguments in TALKING {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut command = place.bakery(arguments);
        let Output { status, stderr, .. } = command.stdout(writer).output().unwrap();
        let said = String::from_utf8_lossy(&stderr);
        assert!(ended(code(status)) && said.is_empty(), "{arguments:?}: {status} {said}");
    }
    place.make("go.held");
    assert_eq!(held.code(), 0);
}

#[test]
fn a_head_of_a_long_list_is_a_head() {
    let place = Place::new();
    // More than a pipe holds.
    let name = "n".repeat(200);
    for number in 0..250 {
        let mutex = place.mutex(&format!("{number:03}{name}"), ());
        drop(mutex);
    }
    for arguments in ["ls", "ls --all", "ls --json", "metrics"] {
        let script = format!("(\"$BAKERY\" {arguments}; echo $? >status) | head -1");
        let (_, out, said) = place.outcome(place.program("sh").args(["-c", &script]));
        assert!(out.lines().count() == 1 && said.is_empty(), "{arguments}: {out} {said}");
        until(|| !place.read("status").is_empty());
        assert!(ended(place.read("status").trim().parse().unwrap()), "{arguments}");
    }
}

#[test]
fn what_cannot_be_written_is_an_error_and_no_panic() {
    let place = Place::new();
    let held = place.inside("lock", &[], "held");
    for arguments in TALKING {
        let mut command = place.bakery(arguments);
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let Output { status, stderr, .. } = command.stdout(full).output().unwrap();
        let said = String::from_utf8_lossy(&stderr);
        assert!(
            code(status) == 71 && said.lines().count() == 1 && said.starts_with("bakery: "),
            "{arguments:?}: {status} {said}"
        );
        // Closed, it is like /dev/null: that is how this language's programs begin.
        let script = "exec \"$BAKERY\" \"$@\" >&-";
        let mut command = place.program("sh");
        command.args(["-c", script, "sh"]).args(arguments);
        let (status, _, said) = place.outcome(&mut command);
        assert!(ended(status) && said.is_empty(), "{arguments:?}: {status} {said}");
    }
    place.make("go.held");
    assert_eq!(held.code(), 0);
}

/// cron(8) sets four variables, and mails what is said. There is no terminal.
#[test]
fn from_cron_only_the_command_is_heard() {
    let place = Place::new();
    let name = format!("bakery-tried-{}", std::process::id());
    let cron = |options: &[&str], script: &str| -> Command {
        let mut command = place.program("setsid");
        command.env_clear().args([BAKERY, "run", &name]).args(options);
        command.args(["--", "sh", "-c", script]);
        command
            .env("HOME", place.path(""))
            .env("LOGNAME", "root")
            .env("SHELL", "/bin/sh")
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::piped());
        command
    };
    let waits = "echo >up; until [ -e go ] || [ ! -d $PWD ]; do sleep .02; done; echo first";
    let first = cron(&[], waits).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until(|| place.exists("up"));
    let silence = (String::new(), String::new());
    for (options, status) in
        [(&["--skip"][..], 0), (&["-n"], 75), (&["-qw", ".05"], 75), (&["-n", "-E", "0"], 0)]
    {
        let (found, out, said) = place.outcome(&mut cron(options, "echo in"));
        assert_eq!((found, (out, said)), (status, silence.clone()), "{options:?}");
    }
    // That time was lost is worth a mail.
    let (found, out, said) = place.outcome(&mut cron(&["-w", ".05"], "echo in"));
    assert_eq!((found, &*out), (75, ""));
    assert!(said.contains("gave up after") && said.lines().count() == 1, "{said}");
    let second = cron(&[], "echo second; env | cut -d= -f1 | sort | tr '\\n' ' '")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // There it can be seen that it waits; with more than cron sets the same directory is found.
    until(|| {
        let mut status = place.program(BAKERY);
        let status = status.env_remove("BAKERY_LOCK_DIR").args(["status", &name, "--json"]);
        let (_, out, _) = place.outcome(status);
        out.contains(&format!("\"pid\":{},", second.id()))
    });
    place.make("go");
    let [first, second] = [first, second].map(|child| child.wait_with_output().unwrap());
    assert!(first.status.success() && first.stderr.is_empty(), "{first:?}");
    assert_eq!(first.stdout, b"first\n");
    assert!(second.status.success() && second.stderr.is_empty(), "{second:?}");
    let told = String::from_utf8(second.stdout).unwrap();
    for variable in ["BAKERY_HELD", "BAKERY_LOCK", "BAKERY_TOKEN", "BAKERY_WAITED", "LOGNAME"] {
        assert!(told.starts_with("second\n") && told.contains(variable), "{told}");
    }
    let mut remove = place.program(BAKERY);
    let removed = place.outcome(remove.env_remove("BAKERY_LOCK_DIR").args(["rm", &name]));
    assert_eq!(removed.0, 0, "{removed:?}");
}
