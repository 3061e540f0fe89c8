//! `bakery flock` beside flock(1).

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::{BAKERY, Place, Running, shell, stays, until};

/// The script with `bakery flock` and with flock(1): the same output and status.
#[track_caller]
fn is_the_same(script: &str) {
    let outcome = |flock: &str| {
        let place = Place::new();
        let (status, out, _) =
            place.outcome(place.program("sh").args(["-c", script]).env("FLOCK", flock));
        (status, out)
    };
    let ours = outcome(&format!("{BAKERY} flock"));
    assert_eq!(ours, outcome("flock"), "{script}");
    assert!(!ours.1.is_empty(), "{script} says nothing");
}

#[test]
fn scripts_cannot_tell_it_from_flock() {
    for script in [
        "$FLOCK l echo a; echo $?; $FLOCK -x l sh -c 'exit 7'; echo $?; $FLOCK l sh -c 'kill -9 $$'; echo $?; ls",
        "$FLOCK l -c 'echo a b; exit 3'; echo $?; SHELL=/bin/echo $FLOCK l --command 'x y'; echo $?",
        "exec 9>l; $FLOCK 9; echo $?; $FLOCK -n l true; echo $?; $FLOCK -u 9; $FLOCK -n l true; echo $?",
        "exec 9>l 8>l; $FLOCK -s 9; $FLOCK -sn 8; echo $?; $FLOCK -xn 8; echo $?; $FLOCK -u 9; $FLOCK -xn 8; echo $?; $FLOCK -x 8; echo $?",
        "exec 9>l 8>l; $FLOCK 9; $FLOCK -n 9; echo $?; $FLOCK -s 9; echo $?; $FLOCK -s -n 8; echo $?; $FLOCK -x -w .2 9; echo $?; $FLOCK -w 0 8; echo $?",
        "$FLOCK l $FLOCK -n l true; echo $?; $FLOCK l $FLOCK -w .2 -E 5 l true; echo $?; $FLOCK l $FLOCK -E 0 -n l true; echo $?",
        "$FLOCK -o l sh -c 'ls -l /proc/self/fd | grep -c /l$'; $FLOCK l sh -c 'ls -l /proc/self/fd | grep -c /l$'",
        "$FLOCK -F l sh -c 'ls -l /proc/self/fd | grep -c /l$; exit 4'; echo $?; $FLOCK -Fo l true 2>/dev/null; echo $?",
        "$FLOCK l sh -c 'sleep 600 >/dev/null & echo $! >p'; $FLOCK -n l true; echo $?; kill $(cat p); $FLOCK -w 20 l echo b",
        "$FLOCK -o l sh -c 'sleep 600 >/dev/null & echo $! >p'; $FLOCK -n l true; echo $?; kill $(cat p)",
        "mkdir d; $FLOCK d $FLOCK -n d true; echo $?; exec 9<d; $FLOCK 9; echo $?; $FLOCK -n d true; echo $?",
        "echo data >ro; chmod 444 ro; $FLOCK ro cat ro; ln -s ro link; $FLOCK ro $FLOCK -n link true; echo $?",
        "$FLOCK 2>/dev/null; echo $?; $FLOCK -w x l true 2>/dev/null; echo $?; $FLOCK x 2>/dev/null; echo $?; $FLOCK 77 2>/dev/null; echo $?",
        "$FLOCK no/l true 2>/dev/null; echo $?; $FLOCK l ./no 2>/dev/null; echo $?; $FLOCK l / 2>/dev/null; echo $?; $FLOCK -u l echo unlocked; echo $?",
        "$FLOCK --nonb l echo a; $FLOCK --timeo 5 l echo b; $FLOCK --conf 4 -n l $FLOCK --conflict-exit-code=6 -n l true; echo $?",
        "$FLOCK -sn -E 9 l $FLOCK -se -n l true; echo $?; $FLOCK -w5 -E9 l echo c; $FLOCK -- l echo d; $FLOCK l -- 2>/dev/null; echo $?",
        "trap '' CHLD; $FLOCK l sh -c 'exit 5'; echo $?; echo in | $FLOCK l cat; $FLOCK l sh -c 'echo err >&2' 2>&1 | cat",
        "$FLOCK --verbose l true | sed 's/took [0-9]*[.][0-9]\\{6\\} /took T /; s/^[^ ]*: //'",
        "$FLOCK -w 1000000 l echo e; $FLOCK -w .5 l echo f; $FLOCK -w 0.0 l echo g; $FLOCK -w 007 l echo h",
    ] {
        is_the_same(script);
    }
}

#[test]
fn called_by_its_name_it_is_flock() {
    let place = Place::new();
    symlink(BAKERY, place.path("flock")).unwrap();
    assert_eq!(
        place.status(place.program(place.path("flock")).args(["l", "sh", "-c", "exit 5"])),
        5
    );
    assert!(place.exists("l"));
}

#[test]
fn it_excludes_flock_and_is_excluded() {
    let place = Place::new();
    for (holder, other) in [("flock", BAKERY), (BAKERY, "flock")] {
        let verb = |program: &str| if program == BAKERY { &["flock"][..] } else { &[] };
        let mut command = place.program(holder);
        let held = Running::start(command.args(verb(holder)).arg("l").args(stays("held")));
        until(|| place.exists("up.held"));
        let mut command = place.program(other);
        assert_eq!(place.status(command.args(verb(other)).args(["-n", "l", "true"])), 1);
        place.make("go.held");
        assert_eq!(held.code(), 0);
        for file in ["up.held", "go.held"] {
            fs::remove_file(place.path(file)).unwrap();
        }
    }
}

/// Half of them by flock(1), half by descriptor; no line is left.
#[test]
fn a_count_by_both_comes_out_right() {
    let place = Place::new();
    fs::write(place.path("n"), "0\n").unwrap();
    fs::write(
        place.path("add"),
        "case $(($1 % 3)) in 0) f=flock;; *) f=\"$BAKERY flock\";; esac\n\
         if [ $(($1 % 2)) = 0 ]; then exec 9>l; $f 9 || exit 1; read n <n; echo $((n + 1)) >n\n\
         else $f l sh -c 'read n <n; echo $((n + 1)) >n'; fi\n",
    )
    .unwrap();
    let mut command = place.program("sh");
    command.args(["-c", "seq 120 | xargs -P 8 -n 1 sh ./add"]);
    assert_eq!(place.status(&mut command), 0);
    assert_eq!(place.read("n"), "120\n");
    assert!(!place.segment(&place.line_of("l")).exists());
}

/// One that is killed at the head of the line leaves nothing that holds the next one up.
#[test]
fn everything_may_be_killed() {
    let place = Place::new();
    let held = Running::start(place.bakery(["flock", "l"]).args(stays("held")));
    let command = place.pid("held");
    let line = place.line_of("l");
    let mut waiting: Vec<Running> = Vec::new();
    for number in 1..=6 {
        waiting.push(Running::start(
            place.bakery(["flock", "l"]).args(shell(&format!("echo {number} >>out"))),
        ));
        until(|| {
            place
                .look(&line)
                .is_ok_and(|status| status.holder.is_some() && status.queue.len() == number - 1)
        });
    }
    for killed in [0, 2, 3] {
        waiting[killed].signal(libc::SIGKILL);
    }
    held.signal(libc::SIGKILL);
    assert_eq!(held.code(), 137);
    // Its command has the lock.
    assert_eq!(place.status(&mut place.bakery(["flock", "-n", "l", "true"])), 1);
    crate::support::kill(command, libc::SIGKILL);
    for (number, running) in waiting.into_iter().enumerate() {
        assert_eq!(running.code(), if [0, 2, 3].contains(&number) { 137 } else { 0 });
    }
    assert_eq!(place.read("out"), "2\n5\n6\n");
}

/// Else it would wait for those who wait for it.
#[test]
fn a_holder_may_lock_again_while_others_wait() {
    let place = Place::new();
    let script = "exec 9>l; $F 9; : >up; until [ -e go ] || [ ! -d $PWD ]; do sleep .02; done; \
        $F -n 9; echo $?; $F -w 20 9; echo $?; $F -u 9";
    let flock = format!("{BAKERY} flock");
    let mut holder = place.program("sh");
    holder
        .args(["-c", script])
        .env("F", &flock)
        .stdout(fs::File::create(place.path("out")).unwrap());
    let holder = Running::start(&mut holder);
    until(|| place.exists("up"));
    let line = place.line_of("l");
    let waiter = Running::start(&mut place.bakery(["flock", "l", "true"]));
    until(|| place.look(&line).is_ok_and(|status| status.holder.is_some()));
    place.make("go");
    assert_eq!((holder.code(), waiter.code()), (0, 0));
    assert_eq!(place.read("out"), "0\n0\n");
}
