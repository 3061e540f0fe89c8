//! What flock(1) has learned since: `--fd`, `--fcntl`, `--start`, `--length`.

use std::fs::{self, File};
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;

use crate::support::{Place, Running, shell, until};

/// What a shell says that has `$FLOCK`.
#[track_caller]
fn says(place: &Place, script: &str) -> String {
    let (_, out, said) = place.outcome(
        place
            .program("sh")
            .args(["-c", script])
            .env("FLOCK", format!("{} flock", crate::support::BAKERY)),
    );
    out + &said
}

/// A lock by fcntl(2) that this process holds. `F_SETLK` is what passwd(1) has.
fn lock(file: &File, command: libc::c_int, (start, length): (i64, i64)) {
    // SAFETY: all zeros is a value of this struct of integers.
    let mut lock: libc::flock = unsafe { MaybeUninit::zeroed().assume_init() };
    lock.l_type = libc::F_WRLCK.try_into().unwrap();
    lock.l_whence = libc::SEEK_SET.try_into().unwrap();
    (lock.l_start, lock.l_len) = (start, length);
    // SAFETY: the argument is such a struct.
    assert_eq!(unsafe { libc::fcntl(file.as_raw_fd(), command, &raw const lock) }, 0);
}

#[test]
fn bytes_are_locked_as_others_lock_them() {
    let place = Place::new();
    for command in [libc::F_OFD_SETLK, libc::F_SETLK] {
        let file = File::create(place.path("l")).unwrap();
        lock(&file, command, (0, 0));
        let script = "$FLOCK --fcntl -n l true; echo $?; $FLOCK --fcntl -s -n l true; echo $?; \
            $FLOCK --fcntl -w .05 -E 7 l true; echo $?; $FLOCK -n l true; echo $?";
        assert_eq!(says(&place, script), "1\n1\n7\n0\n", "{command}");
        drop(file);
        assert_eq!(says(&place, "$FLOCK --fcntl -n l echo free"), "free\n");
    }
    // And the other way round: by it, and not by flock(2).
    let script =
        "$FLOCK --fcntl l sh -c '$FLOCK --fcntl -n l true; echo $?; flock -n l true; echo $?'";
    assert_eq!(says(&place, script), "1\n0\n");
    // Others that share are let in, and one alone is not.
    let script = "$FLOCK --fcntl -s l sh -c '$FLOCK --fcntl -sn l true; echo $?; $FLOCK --fcntl -n l true; echo $?'";
    assert_eq!(says(&place, script), "0\n1\n");
}

/// When the wait begins.
#[test]
fn a_time_that_is_over_before_it_begins_ends_the_wait() {
    let place = Place::new();
    for how in ["", "--fcntl"] {
        let script = format!("$FLOCK {how} l sh -c '$FLOCK {how} -w .000001 -E 7 l true; echo $?'");
        assert_eq!(says(&place, &script), "7\n");
    }
    let script = "flock l \"$BAKERY\" run ./l -q -w .000001 -- true; echo $?";
    assert_eq!(says(&place, script), "75\n");
}

#[test]
fn only_bytes_that_are_both_ones_exclude() {
    let place = Place::new();
    let file = File::create(place.path("l")).unwrap();
    lock(&file, libc::F_OFD_SETLK, (1024, 1024));
    for (options, status) in [
        ("--start 0 --length 1024", 0),
        ("--length 1K", 0),
        ("--length 1025", 1),
        ("--start 2047", 1),
        ("--start 2K", 0),
        ("--start 0x7ff --length 1", 1),
        // 0 is up to the end.
        ("--start 100 --length 0", 1),
        ("--length 0x400", 0),
    ] {
        let script = format!("$FLOCK -n {options} l true; echo $?");
        assert_eq!(says(&place, &script), format!("{status}\n"), "{options}");
    }
}

#[test]
fn what_is_locked_is_made_and_opened_as_it_has_to_be() {
    let place = Place::new();
    let script = "$FLOCK --fcntl new true; echo $?; [ -e new ] && echo made; \
        exec 9<new; $FLOCK --fcntl -s 9; echo $?; $FLOCK --fcntl 9 2>/dev/null; echo $?; $FLOCK --fcntl -u 9; echo $?; \
        mkdir d; $FLOCK --fcntl d true 2>/dev/null; echo $?; $FLOCK --fcntl -s d true; echo $?";
    assert_eq!(says(&place, script), "0\nmade\n0\n65\n0\n65\n0\n");
    // Contents stay.
    fs::write(place.path("data"), "data").unwrap();
    assert_eq!(
        says(&place, "$FLOCK --fcntl data cat data; $FLOCK --length 2 data cat data"),
        "datadata"
    );
}

#[test]
fn a_descriptors_lock_is_changed_and_let_go() {
    let place = Place::new();
    for how in ["", "--fcntl", "--start 5 --length 1"] {
        let script = format!(
            "exec 9<>l 8<>l; $FLOCK {how} -s 9; $FLOCK {how} -sn 8; echo $?; $FLOCK {how} -xn 8; echo $?; \
             $FLOCK {how} -u 9; $FLOCK {how} -xn 8; echo $?; $FLOCK {how} -x 8; echo $?; $FLOCK {how} -n 9; echo $?"
        );
        assert_eq!(says(&place, &script), "0\n1\n0\n0\n1\n", "{how}");
    }
}

#[test]
fn a_command_runs_under_a_descriptors_lock() {
    let place = Place::new();
    for how in ["", "--fcntl"] {
        let script = |script: &str| script.replace("FLOCK", &format!("FLOCK {how}"));
        // It is the caller's, so it stays when the command has ended.
        let held = "exec 9<>l; $FLOCK --fd 9 sh -c 'exit 7'; echo $?; $FLOCK -n l true; echo $?; \
            $FLOCK -u 9; $FLOCK -n l true; echo $?";
        assert_eq!(says(&place, &script(held)), "7\n1\n0\n");
        let strings = "exec 9<>l; $FLOCK --fd 9 -c 'echo a b; exit 3'; echo $?; $FLOCK --fd=9 --command 'echo c'; \
            SHELL=/bin/echo $FLOCK --fd 9 -c 'x y'; $FLOCK -n --fd 9 -- echo -n d; $FLOCK --fd 9; echo $?";
        assert_eq!(says(&place, &script(strings)), "a b\n3\nc\n-c x y\nd0\n");
        let busy = "exec 9<>l 8<>l; $FLOCK 8; $FLOCK -n --fd 9 echo in; echo $?; $FLOCK -w .05 -E 4 --fd 9 echo in; echo $?; \
            $FLOCK -u --fd 8 echo unlocked; $FLOCK -n --fd 9 echo in";
        assert_eq!(says(&place, &script(busy)), "1\n4\nunlocked\nin\n");
        let closed = "exec 9<>l; $FLOCK --fd 9 sh -c 'ls -l /proc/self/fd | grep -c /l$'; \
            $FLOCK -o --fd 9 sh -c 'ls -l /proc/self/fd | grep -c /l$'; \
            sh -c 'echo $$; exec $FLOCK -F --fd 9 sh -c \"echo \\$\\$; ls -l /proc/self/fd | grep -c /l\\$\"' | uniq";
        let said = says(&place, &script(closed));
        let lines: Vec<&str> = said.lines().collect();
        // The same process becomes the command.
        assert_eq!((lines.len(), lines[0], lines[1], lines[3]), (4, "1", "0", "1"), "{said}");
    }
    let wrong = "$FLOCK --fd 77 true 2>/dev/null; echo $?; exec 9<>l; $FLOCK --fd 9 ./missing 2>/dev/null; echo $?";
    assert_eq!(says(&place, wrong), "65\n69\n");
}

/// Each in the line of its own bytes.
#[test]
fn those_who_wait_for_bytes_go_in_in_their_order() {
    let place = Place::new();
    let file = File::create(place.path("l")).unwrap();
    lock(&file, libc::F_OFD_SETLK, (0, 10));
    let line = format!("{}-0-10", place.line_of("l"));
    let waiting: Vec<Running> = (1..=8)
        .map(|number| {
            let mut command = place.bakery(["flock", "--length", "10", "l"]);
            let running = Running::start(command.args(shell(&format!("echo {number} >>out"))));
            until(|| {
                place.look(&line).is_ok_and(|status| {
                    status.queue.len() + usize::from(status.holder.is_some()) == number
                })
            });
            running
        })
        .collect();
    // Other bytes are free, whoever waits for these.
    assert_eq!(says(&place, "$FLOCK --start 10 -n l echo free"), "free\n");
    drop(file);
    for running in waiting {
        assert_eq!(running.code(), 0);
    }
    assert_eq!(place.read("out"), "1\n2\n3\n4\n5\n6\n7\n8\n");
    assert!(!place.segment(&line).exists());
}
