//! Who is not dead, whatever it looks like; and who is.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use bakery_lock::shared::{Kind, Mutex};
use rustix::process::Signal;

use crate::child::{Child, command, hear, say, signal, until};
use crate::data::{Ledger, Shared, attach};
use crate::obey::{servants, two};

/// Longer than many looks; no measure of anything.
const A_WHILE: &str = "for 200";

#[test]
fn a_stopped_holder_is_not_robbed() {
    let (_shared, mut one, mut other) = two(Kind::Bakery);
    assert_eq!(one.ask("lock"), "in");
    one.signal(Signal::STOP);
    one.until_state('T');
    assert_eq!(other.ask(A_WHILE), "no");
    one.signal(Signal::CONT);
    assert_eq!(one.ask("leave"), "out");
    assert_eq!(other.ask("lock"), "in");
}

/// Its parent has not asked after it yet.
#[test]
fn a_zombie_is_dead() {
    let (shared, mut one, mut other) = two(Kind::Bakery);
    assert_eq!(one.ask("lock"), "in");
    one.signal(Signal::KILL);
    one.until_state('Z');
    assert!(other.ask("lock").contains(" died inside, "));
    assert_eq!(shared.mutex.status().unwrap().recoveries, 1);
}

/// The first proof fails: a child has the descriptor, and with it the lock that says that the
/// parent lives.
#[test]
fn a_forked_child_does_not_stand_in_for_its_dead_parent() {
    let shared = Shared::<Ledger>::new(Kind::Bakery, 2);
    let parent = Child::start("is survived by a child", &[shared.path()]);
    let child: i32 = parent.hear().parse().unwrap();
    parent.kill();
    let [mut other] = <[Child; 1]>::try_from(servants(&shared, "park", 1)).ok().unwrap();
    assert!(other.ask("lock").contains(" died inside, in slot 0, "));
    // Its slot is recovered, and not given to others as long as its byte is locked.
    let status = shared.mutex.status().unwrap();
    assert_eq!((status.recoveries, status.joined), (1, 1));
    assert!(shared.mutex.join().is_err());
    // SAFETY: takes no pointers. The process is this test's child's child, which waits for it.
    assert_eq!(unsafe { libc::kill(child, libc::SIGKILL) }, 0);
    until(|| shared.mutex.join().is_ok());
}

pub fn is_survived_by_a_child(arguments: &[&str]) {
    let mutex: Mutex<Ledger> = attach(arguments[0]);
    let mut me = mutex.join().unwrap();
    let _guard = me.lock().unwrap();
    // SAFETY: the child does nothing but wait for a signal.
    let child = unsafe { libc::fork() };
    if child == 0 {
        loop {
            // SAFETY: takes nothing.
            unsafe { libc::pause() };
        }
    }
    say(&child.to_string());
    hear();
}

/// `/proc` calls such a process a zombie.
#[test]
fn a_process_whose_main_thread_has_ended_is_not_dead() {
    let shared = Shared::<Ledger>::new(Kind::Bakery, 2);
    let mut one = Child::start("ends its main thread", &[shared.path()]);
    one.expect("in");
    one.until_state('Z');
    let [mut other] = <[Child; 1]>::try_from(servants(&shared, "park", 1)).ok().unwrap();
    assert_eq!(other.ask(A_WHILE), "no");
    one.tell("leave");
    assert_eq!(other.ask("lock"), "in");
    assert_eq!(shared.mutex.status().unwrap().recoveries, 0);
}

extern "C" fn end(_: libc::c_int) {
    // SAFETY: ends the calling thread alone, which holds nothing that the others need.
    unsafe { libc::syscall(libc::SYS_exit, 0) };
}

pub fn ends_its_main_thread(arguments: &[&str]) {
    // Not the main thread: the harness runs each test on one of its own.
    let mutex: Mutex<Ledger> = attach(arguments[0]);
    let mut me = mutex.join().unwrap();
    let guard = me.lock().unwrap();
    // SAFETY: the handler makes one system call.
    unsafe { libc::signal(libc::SIGUSR1, end as *const () as libc::sighandler_t) };
    let main = std::process::id().cast_signed();
    // SAFETY: takes no pointers.
    assert_eq!(unsafe { libc::syscall(libc::SYS_tgkill, main, main, libc::SIGUSR1) }, 0);
    say("in");
    hear();
    drop(guard);
    // The harness's main thread, which would end the process, is gone.
    std::process::exit(0);
}

/// As a library does that reads the file, to copy it for instance: such a lock as `fcntl` gave
/// before is lost by that.
#[test]
fn a_stray_close_of_the_file_loses_nothing() {
    let shared = Shared::<Ledger>::new(Kind::Bakery, 2);
    let mut one = Child::start("opens and closes", &[shared.path()]);
    one.expect("in");
    let [mut other] = <[Child; 1]>::try_from(servants(&shared, "park", 1)).ok().unwrap();
    assert_eq!(other.ask(A_WHILE), "no");
    assert_eq!(one.ask("leave"), "out");
    assert_eq!(other.ask("lock"), "in");
    assert_eq!(shared.mutex.status().unwrap().recoveries, 0);
}

pub fn opens_and_closes(arguments: &[&str]) {
    let mutex: Mutex<Ledger> = attach(arguments[0]);
    let mut me = mutex.join().unwrap();
    let guard = me.lock().unwrap();
    for _ in 0..3 {
        drop(File::options().read(true).write(true).open(arguments[0]).unwrap());
    }
    say("in");
    hear();
    drop(guard);
    say("out");
}

/// Its descriptors are closed; the process goes on, and knows nothing of the lock.
#[test]
fn a_participant_that_becomes_another_program_is_dead() {
    let shared = Shared::<Ledger>::new(Kind::Bakery, 2);
    let one = Child::start("becomes another program", &[shared.path()]);
    one.expect("in");
    let [mut other] = <[Child; 1]>::try_from(servants(&shared, "park", 1)).ok().unwrap();
    assert!(other.ask("lock").contains(" died inside, "));
}

pub fn becomes_another_program(arguments: &[&str]) {
    let mutex: Mutex<Ledger> = attach(arguments[0]);
    let mut me = mutex.join().unwrap();
    let _guard = me.lock().unwrap();
    say("in");
    panic!("{}", Command::new("sleep").arg("60").exec());
}

/// Two processes of one number, in two namespaces: the death of one says nothing of the other. And
/// between namespaces the kernel's lock is proof enough.
#[test]
fn pid_namespaces_are_told_apart() {
    let shared = Shared::<Ledger>::new(Kind::Bakery, 4);
    let in_namespace = |number: &str| {
        let inner = command("obeys", &[shared.path(), "park", number]);
        let mut outer = Command::new("unshare");
        outer.args([
            "--user",
            "--map-root-user",
            "--pid",
            "--mount-proc",
            "--fork",
            "--kill-child",
        ]);
        outer.arg(inner.get_program()).args(inner.get_args());
        for (key, value) in inner.get_envs() {
            outer.env(key, value.unwrap());
        }
        outer.stdin(Stdio::piped()).stdout(Stdio::piped());
        outer
    };
    let permitted = Command::new("unshare")
        .args(["--user", "--map-root-user", "--pid", "--mount-proc", "--fork", "true"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !permitted {
        println!("SKIPPED: this machine does not let its user make namespaces");
        return;
    }
    let mut holder = Child::spawn(&mut in_namespace("0"));
    holder.expect("joined");
    let mut waiter = Child::spawn(&mut in_namespace("1"));
    waiter.expect("joined");
    let [mut third] = <[Child; 1]>::try_from(servants(&shared, "park", 1)).ok().unwrap();
    assert_eq!(holder.ask("lock"), "in");
    let token = holder.ask("token");
    // Both are the first process of their namespaces.
    waiter.tell("lock");
    until(|| shared.mutex.status().unwrap().queue.len() == 1);
    let status = shared.mutex.status().unwrap();
    assert_eq!((status.holder.unwrap().pid, status.queue[0].pid), (1, 1));
    // `unshare` takes its child along.
    waiter.kill();
    until(|| shared.mutex.status().unwrap().dead.len() == 1);
    assert_eq!(third.ask(A_WHILE), "no");
    assert_eq!(holder.ask("token"), token);
    // Across namespaces, one that holds is found dead too.
    holder.kill();
    assert!(third.ask("lock").contains(": process 1 (processes-"));
}

/// Signals interrupt its sleep, and nothing else.
#[test]
fn a_waiter_stays_in_line_while_signals_arrive() {
    let shared = Shared::<Ledger>::new(Kind::Bakery, 4);
    let mut children = servants(&shared, "park", 2);
    let waiter = Child::start("handles signals", &[shared.path()]);
    waiter.expect("joined");
    assert_eq!(children[0].ask("lock"), "in");
    waiter.expect("in line");
    assert_eq!(children[1].ask("enter"), "in line");
    for _ in 0..100 {
        waiter.until_asleep();
        waiter.signal(Signal::USR1);
    }
    assert_eq!(children[0].ask("leave"), "out");
    let interruptions: u32 = waiter.hear().parse().unwrap();
    assert!(interruptions > 0);
    assert_eq!(children[1].ask("wait"), "in");
    assert_eq!(children[1].ask("leave"), "out");
    shared.peek(|ledger| assert_eq!(ledger.signatures(), [0, 7, 1]));
}

/// However often its sleep is interrupted, it looks.
#[test]
fn a_waiter_finds_a_death_while_signals_arrive() {
    let shared = Shared::<Ledger>::new(Kind::Bakery, 4);
    let mut holder = servants(&shared, "park", 1).remove(0);
    let waiter = Child::start("handles signals", &[shared.path()]);
    waiter.expect("joined");
    assert_eq!(holder.ask("lock"), "in");
    waiter.expect("in line");
    waiter.until_asleep();
    holder.kill();
    let (pid, told) = (waiter.pid(), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            // More often than it looks, and not for ever.
            for _ in 0..20_000 {
                if told.load(Relaxed) {
                    break;
                }
                signal(pid, Signal::USR1);
                thread::sleep(Duration::from_millis(1));
            }
        });
        let heard = waiter.hear();
        told.store(true, Relaxed);
        assert!(heard.contains(" died inside"), "{heard}");
    });
}

static HANDLED: AtomicU32 = AtomicU32::new(0);

extern "C" fn handle(_: libc::c_int) {
    HANDLED.fetch_add(1, Relaxed);
}

pub fn handles_signals(arguments: &[&str]) {
    // SAFETY: the handler does one atomic addition.
    unsafe { libc::signal(libc::SIGUSR1, handle as *const () as libc::sighandler_t) };
    let mutex: Mutex<Ledger> = attach(arguments[0]);
    let mut me = mutex.join().unwrap();
    say("joined");
    until(|| mutex.status().unwrap().holder.is_some());
    let waiting = me.enter().unwrap();
    say("in line");
    match waiting.wait() {
        Ok(mut guard) => guard.sign(7),
        Err(why) => return say(&why.to_string()),
    }
    say(&HANDLED.load(Relaxed).to_string());
}
