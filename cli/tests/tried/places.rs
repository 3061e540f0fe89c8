//! Places where something is full, missing, or not to be written to.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::support::{Place, Running, stays, until};

/// A shell's script in a mount namespace of its own. `None`, and it is said, where that is not allowed.
fn unshared(place: &Place, script: &str) -> Option<Command> {
    static WAY: OnceLock<Option<&str>> = OnceLock::new();
    let is_permitted = |way: &&&str| {
        let mut command = Command::new("unshare");
        command.args([**way, "--", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]);
        command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    // The superuser needs no user namespace.
    let way = WAY.get_or_init(|| ["-m", "-Urm"].iter().find(is_permitted).copied());
    let Some(way) = *way else {
        eprintln!("SKIPPED: no mount namespaces here, or no unshare(1)");
        return None;
    };
    let mut command = place.program("unshare");
    command.args([way, "--", "sh", "-e", "-c", script]);
    Some(command)
}

/// What a script says there, on both outputs.
fn said(place: &Place, script: &str) -> Option<String> {
    let (status, out, said) = place.outcome(&mut unshared(place, script)?);
    assert!(status == 0 && !said.contains("panick"), "{status}: {out}{said}");
    Some(out + &said)
}

#[test]
fn on_a_full_disk_files_are_locked_and_names_say_where_there_is_no_room() {
    let place = Place::new();
    fs::create_dir(place.path("disk")).unwrap();
    let script = "mount -t tmpfs -o size=300k,mode=700 tmpfs disk
        export BAKERY_LOCK_DIR=$PWD/disk/locks; mkdir -m 700 disk/locks; : >disk/file; : >disk/new
        \"$BAKERY\" run there -- true; cat /dev/zero >disk/filler 2>/dev/null || :
        exec 2>&1; answers() { \"$BAKERY\" \"$@\" && echo \"<0>\" || echo \"<$?>\"; }
        answers run none -- echo in; ls disk/locks
        answers run there -- echo in
        answers run there --report disk/new -- echo in
        answers flock disk/file echo in; answers run disk/file -- echo in; answers flock disk/none echo in
        for verb in ls status metrics 'status there' 'ls --all'; do answers $verb >/dev/null; done
        answers doctor | grep -i -e full -e room -e left";
    let Some(said) = said(&place, script) else { return };
    // What there is works on; of what there is no room for nothing is left.
    let expected = ["<73>\nthere\nin\n<0>", "in\n<0>\nin\n<0>\nin\n<0>"];
    assert!(expected.iter().all(|part| said.contains(part)), "{said}");
    assert!(said.contains("the report could not be written: No space"), "{said}");
    let first = said.lines().next().unwrap();
    assert!(first.contains("disk/locks") && first.contains("space"), "{said}");
}

#[test]
fn one_that_has_to_wait_on_a_full_disk_waits_in_the_kernels_line() {
    let place = Place::new();
    fs::create_dir(place.path("disk")).unwrap();
    let script = "mount -t tmpfs -o size=64k,mode=700 tmpfs disk
        export BAKERY_LOCK_DIR=$PWD/disk/locks; mkdir -m 700 disk/locks; : >disk/file
        cat /dev/zero >disk/filler 2>/dev/null || :
        exec 9>disk/file; flock 9; \"$BAKERY\" flock disk/file echo second & 
        \"$BAKERY\" run -v disk/file -- echo third & 
        ! \"$BAKERY\" flock -n disk/file true; ! \"$BAKERY\" run -n disk/file true
        echo first; flock -u 9; wait";
    let Some(said) = said(&place, script) else { return };
    assert!(said.starts_with("first\n") && said.contains("second\n"), "{said}");
    assert!(said.contains("third\n"), "{said}");
}

#[test]
fn without_a_place_for_names_files_are_locked_all_the_same() {
    for missing in [
        "mount -t tmpfs -o ro none /dev/shm; mount -t tmpfs -o ro none /run",
        "mount -t tmpfs none /run; mount -t tmpfs none /dev; : >/dev/null; mount -o remount,ro /dev; mount -o remount,ro /run",
    ] {
        let place = Place::new();
        let script = format!(
            "unset BAKERY_LOCK_DIR; {missing}; exec 2>&1
            answers() {{ \"$BAKERY\" \"$@\" && echo \"<0>\" || echo \"<$?>\"; }}
            answers run lock -- echo in; answers doctor; echo; echo -; answers ls; answers status lock; answers metrics
            answers wait lock; answers path lock; answers hold lock; answers pause lock; echo -
            answers flock file echo in; answers run ./file -- echo in; exec 9>file; answers flock 9; answers flock -n file true"
        );
        let Some(said) = said(&place, &script) else { continue };
        let first = said.lines().next().unwrap();
        assert!(first.contains("/dev/shm") && first.contains("BAKERY_LOCK_DIR"), "{said}");
        let parts: Vec<&str> = said.split("\n-\n").collect();
        assert!(parts[0].contains("\n<66>\n") || parts[0].contains("\n<73>\n"), "{said}");
        assert!(parts[0].contains("BAKERY_LOCK_DIR"), "{said}");
        assert!(parts[2].starts_with("in\n<0>\nin\n<0>\n<0>\n"), "{said}");
        assert!(parts[2].ends_with("<1>\n"), "{said}");
    }
}

#[test]
fn a_read_only_file_system_keeps_no_file_from_being_locked() {
    let place = Place::new();
    fs::create_dir(place.path("disk")).unwrap();
    let script = "mount -t tmpfs tmpfs disk; : >disk/file; mkdir disk/dir; mount -o remount,ro disk; exec 2>&1
        answers() { \"$BAKERY\" \"$@\" && echo \"<0>\" || echo \"<$?>\"; }
        for verb in run flock; do for lock in disk/file disk/dir disk/ disk/none; do answers $verb $lock echo $lock; done; done
        answers run lock --report disk/none -- echo in; answers status disk/file; answers wait disk/file";
    let Some(said) = said(&place, script) else { return };
    let locked =
        "disk/file\n<0>\ndisk/dir\n<0>\ndisk/\n<0>\nbakery: cannot open the lock file disk/none: ";
    assert_eq!(said.matches(locked).count(), 2, "{said}");
    assert_eq!(said.matches("<73>").count(), 3, "{said}");
}

/// Each verb, with so few descriptors that something is missing.
#[test]
fn with_few_descriptors_a_verb_says_what_it_lacks() {
    let place = Place::new();
    let held = place.inside("lock", &[], "held");
    let waiter = place.queued("lock", &[], "waiter");
    until(|| place.in_line("lock") == 1);
    for verb in [
        "status",
        "status lock",
        "status ./file",
        "ls",
        "ls --json",
        "doctor",
        "doctor lock",
        "metrics",
        "path lock",
        "path new",
        "wait lock -w .01",
        "hold lock -n",
        "hold other",
        "pause lock -n",
        "resume lock",
        "release lock --token 5",
        "rm lock",
        "rm --unused",
        "completions zsh",
        "man run",
        "run lock -n -- true",
        "run other -s -- true",
        "run other -j 2 -- true",
        "run other --collapse -- true",
        "run ./file -- true",
        "run other --dry-run -- true",
        "run other --report report -- true",
    ] {
        for number in 4..10 {
            let script = format!(
                "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; ulimit -n {number}; exec \"$BAKERY\" {verb}"
            );
            let (status, _, said) = place.outcome(place.program("sh").args(["-c", &script]));
            assert!(
                [0, 1, 2, 66, 71, 73, 75].contains(&status) && !said.contains("panick"),
                "{verb}, {number} descriptors: {status} {said}"
            );
            assert!(status < 66 || status == 75 || !said.is_empty(), "{verb}, {number}: {status}");
        }
    }
    for name in ["held", "waiter"] {
        place.make(&format!("go.{name}"));
    }
    assert_eq!((held.code(), waiter.code()), (0, 0));
}

/// The same name for all verbs, whatever is in it.
#[test]
fn each_verb_takes_each_name() {
    let place = Place::new();
    for name in [
        "two words",
        "two\nlines",
        "tab\tbell\u{7}",
        "naïve ✓",
        "-n",
        "--json",
        "a=b:c%s",
        "$(id)",
        "\u{1b}[31m",
    ] {
        let dashes = ["--"];
        let mut command = place.bakery(["run", "-v", "--", name]);
        let held = Running::start(command.args(stays("held")).stderr(Stdio::null()));
        until(|| place.exists("up.held"));
        let verbs = |words: &[&str]| place.outcome(place.bakery(words).args(dashes).arg(name));
        let (status, out, said) = verbs(&["status"]);
        assert!(status == 1 && out.lines().next().unwrap().contains("held"), "{out}{said}");
        assert!(!out.contains('\u{7}') && !out.contains('\u{1b}'), "{out:?}");
        for list in ["ls", "status", "doctor"] {
            let (_, out, said) = place.outcome(&mut place.bakery([list]));
            assert!(
                !out.contains('\u{7}') && !out.contains('\u{1b}') && said.is_empty(),
                "{out:?}{said}"
            );
        }
        let (_, out, _) = place.outcome(&mut place.bakery(["ls"]));
        assert_eq!(out.lines().count(), 2, "{out}");
        assert_eq!(verbs(&["wait", "-w", ".01"]).0, 75, "{name:?}");
        assert_eq!(verbs(&["hold", "-n"]).0, 75, "{name:?}");
        assert_eq!(verbs(&["rm"]).0, 75, "{name:?}");
        assert_eq!(verbs(&["path"]).0, 0, "{name:?}");
        assert_eq!(verbs(&["resume"]).0, 1, "{name:?}");
        assert_eq!(verbs(&["release", "--token", "9"]).0, 1, "{name:?}");
        assert!([0, 1].contains(&verbs(&["doctor"]).0), "{name:?}");
        place.make("go.held");
        assert_eq!(held.code(), 0);
        assert_eq!(verbs(&["pause"]).0, 0, "{name:?}");
        assert_eq!(verbs(&["resume"]).0, 0, "{name:?}");
        let (status, _, said) = verbs(&["rm"]);
        assert_eq!((status, &*said), (0, ""), "{name:?}");
        for file in ["up.held", "go.held"] {
            fs::remove_file(place.path(file)).unwrap();
        }
    }
    // Files may have bytes that are no text.
    let path = OsString::from(OsStr::from_bytes(b"./\xff \n"));
    let held = Running::start(place.bakery([OsStr::new("flock"), &path]).args(stays("held")));
    until(|| place.exists("up.held"));
    for (words, expected) in [
        (&["status"][..], 1),
        (&["wait", "-w", ".01"], 75),
        (&["path"], 0),
        (&["status", "--json"], 1),
    ] {
        let (status, out, said) = place.outcome(place.bakery(words).arg(&path));
        assert_eq!(status, expected, "{words:?}: {out}{said}");
    }
    place.make("go.held");
    assert_eq!(held.code(), 0);
}

/// For those who have not the right to write, or to read.
#[test]
fn somebody_without_rights_locks_what_can_be_read() {
    let place = Place::new();
    let somebody = |script: &str| {
        let mut command = place.program("setpriv");
        command.args([
            "--reuid",
            "12001",
            "--regid",
            "12001",
            "--clear-groups",
            "--",
            "sh",
            "-c",
            script,
        ]);
        // Its own, where there is none.
        command.env("BAKERY_LOCK_DIR", place.path("none"));
        place.outcome(&mut command)
    };
    let mode = |name: &str, mode: u32| {
        fs::set_permissions(place.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("", 0o755);
    for (name, bits) in [("readable", 0o444), ("hidden", 0)] {
        place.make(name);
        mode(name, bits);
    }
    if somebody("[ ! -w readable ] && [ ! -r hidden ] && \"$BAKERY\" --version").0 != 0 {
        eprintln!(
            "SKIPPED: this is not the superuser, or there is no setpriv(1), or the program is hidden"
        );
        return;
    }
    let script = "for verb in run flock; do for lock in ./readable ./hidden ./ ./none; do
        \"$BAKERY\" $verb $lock echo in; echo \"<$?>\"; done; done";
    let (_, out, said) = somebody(script);
    assert_eq!(out, "in\n<0>\n<66>\nin\n<0>\n<66>\n".repeat(2), "{said}");
    assert!(said.lines().all(|line| line.contains("ermission denied")), "{said}");
}

/// One that nobody has open for writing would keep whoever opens it waiting.
#[test]
fn a_fifo_is_locked_like_a_file() {
    let place = Place::new();
    assert_eq!(place.status(place.program("mkfifo").arg("fifo")), 0);
    for words in [
        &["run", "./fifo", "--", "true"][..],
        &["run", "./fifo", "-s", "--dry-run", "--", "true"],
        &["flock", "fifo", "true"],
        &["status", "./fifo"],
        &["wait", "./fifo"],
    ] {
        let (status, _, said) = place.outcome(&mut place.bakery(words));
        assert_eq!((status, &*said), (0, ""), "{words:?}");
    }
    let held = place.inside("./fifo", &[], "held");
    for (words, expected) in [
        (&["run", "./fifo", "-n", "--", "true"][..], 75),
        (&["run", "./fifo", "--dry-run", "--", "true"], 75),
        (&["flock", "-n", "fifo", "true"], 1),
        (&["status", "./fifo"], 1),
        (&["wait", "./fifo", "-w", "0"], 75),
    ] {
        assert_eq!(place.status(&mut place.bakery(words)), expected, "{words:?}");
    }
    place.make("go.held");
    assert_eq!(held.code(), 0);
}

/// What it says goes to a file that must not grow: it goes on without saying it. Its command has the signal's
/// default.
#[test]
fn a_limit_on_the_length_of_files_kills_no_holder() {
    let place = Place::new();
    assert_eq!(place.status(&mut place.run("lock", &[], "exit 0")), 0);
    let script = "echo log >log; ulimit -f 0
        \"$BAKERY\" run lock -v --report report -- sh -c 'echo in >&3; exit 3' 3>&1 2>>log; echo $?
        \"$BAKERY\" run ./log -v --report report -- sh -c 'echo in >&3; exit 3' 3>&1 2>>log; echo $?
        for verb in run\\ lock 'run lock -F' flock\\ log; do \"$BAKERY\" $verb sh -c 'echo too long >>log'; echo $?; done 2>&1 | grep -c 153";
    let (status, out, said) = place.outcome(place.program("bash").args(["-c", script]));
    assert_eq!((status, &*out, &*said), (0, "in\n3\nin\n3\n3\n", ""));
    let (_, out, said) =
        place.outcome(&mut place.run("lock", &[], "echo \"<$BAKERY_OWNER_DIED>\""));
    assert_eq!((&*out, &*said), ("<>\n", ""));
}
