//! Participants that live as long as their descriptor, and that go from one process to another.

use std::fs::File;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::thread;

use bakery_lock::shared::{Error, Handle, Kind, Mutex, Options, Resumed};
use rustix::io::{FdFlags, fcntl_getfd};
use rustix::process::Signal;

use crate::child::{Child, command, hear, say, signal, until};
use crate::data::{Ledger, Shared, attach};
use crate::forks::in_forked_child;
use crate::obey::servants;

/// Longer than many looks; no measure of anything.
pub const A_WHILE: &str = "for 200";

/// One in a process of its own that does what it is told.
pub fn servant(shared: &Shared<Ledger>) -> Child {
    servants(shared, "park", 1).remove(0)
}

/// Waits until one has died inside, and whoever comes next has been told so by this name.
#[track_caller]
pub fn is_told(other: &mut Child, process: &str) {
    let told = other.ask("lock");
    assert!(told.contains(" died inside, in slot 0, ") && told.contains(process), "{told}");
}

/// It joins, goes in, and lets another program have its descriptor, which knows nothing of it.
pub fn runs_a_command(arguments: &[&str]) {
    let mutex: Mutex<Ledger> = attach(arguments[0]);
    let mut me = mutex.join().unwrap();
    let descriptor = me.hold_by_descriptor().unwrap().try_clone_to_owned().unwrap();
    let guard = me.lock().unwrap();
    let mut command =
        Command::new("sleep").arg("600").stdin(Stdio::from(descriptor)).spawn().unwrap();
    say(&command.id().to_string());
    hear();
    let _ = command.kill();
    command.wait().unwrap();
    drop(guard);
    drop(me);
    say("out");
}

/// A wrapper that is inside, the command that it runs, and another participant.
fn wrapped() -> (Shared<Ledger>, Child, u32, Child) {
    let shared = Shared::<Ledger>::new(Kind::Bakery, 4);
    let wrapper = Child::start("runs a command", &[shared.path()]);
    let command = wrapper.hear().parse().unwrap();
    let other = servant(&shared);
    (shared, wrapper, command, other)
}

#[test]
fn a_killed_wrapper_lives_on_in_its_command() {
    let (shared, wrapper, command, mut other) = wrapped();
    let pid = wrapper.pid();
    wrapper.kill();
    assert_eq!(other.ask(A_WHILE), "no");
    let status = shared.mutex.status().unwrap();
    let holder = status.holder.unwrap();
    assert_eq!((holder.pid, holder.held_by_descriptor, status.dead), (pid, true, vec![]));
    signal(command, Signal::KILL);
    is_told(&mut other, &format!("process {pid} "));
}

/// Else there were another of its name, and two inside.
#[test]
fn the_segment_of_a_killed_wrappers_command_is_not_removed() {
    let (shared, wrapper, command, mut other) = wrapped();
    let path = shared.path().to_owned();
    wrapper.kill();
    assert_eq!(other.ask(A_WHILE), "no");
    other.kill();
    let directory = shared.into_directory();
    assert!(matches!(Options::remove_at(&path), Err(Error::InUse { .. })));
    signal(command, Signal::KILL);
    until(|| Options::remove_at(&path).is_ok());
    drop(directory);
}

/// As one that leaves does, whoever has the descriptor.
#[test]
fn whoever_reopens_a_segment_is_a_user_of_it() {
    let shared = Shared::<Ledger>::new(Kind::Bakery, 4);
    let path = shared.path().to_owned();
    let reopened = shared.mutex.reopen().unwrap();
    let mut me = shared.mutex.join().unwrap();
    let left = me.hold_by_descriptor().unwrap().try_clone_to_owned().unwrap();
    drop(me);
    let directory = shared.into_directory();
    assert!(matches!(Options::remove_at(&path), Err(Error::InUse { .. })));
    drop(reopened);
    Options::remove_at(&path).unwrap();
    drop((left, directory));
}

#[test]
fn a_killed_command_leaves_its_wrapper_inside() {
    let (shared, mut wrapper, command, mut other) = wrapped();
    signal(command, Signal::KILL);
    assert_eq!(other.ask(A_WHILE), "no");
    assert_eq!(wrapper.ask("leave"), "out");
    assert_eq!(other.ask("lock"), "in");
    assert_eq!(shared.mutex.status().unwrap().recoveries, 0);
}

#[test]
fn a_wrapper_that_leaves_takes_nothing_along() {
    let (shared, mut wrapper, command, mut other) = wrapped();
    other.tell("lock");
    until(|| shared.mutex.status().unwrap().queue.len() == 1);
    assert_eq!(wrapper.ask("leave"), "out");
    other.expect("in");
    // The command has been waited for.
    assert!(!std::path::Path::new(&format!("/proc/{command}")).exists());
}

#[test]
fn a_wrapper_killed_with_its_command_is_dead() {
    let (_shared, wrapper, command, mut other) = wrapped();
    signal(wrapper.pid(), Signal::STOP);
    signal(command, Signal::KILL);
    wrapper.kill();
    is_told(&mut other, "");
}

/// Without its descriptor being kept, see `lives`.
#[test]
fn a_participant_may_become_another_program() {
    let shared = Shared::<Ledger>::new(Kind::Bakery, 4);
    let one = Child::start("becomes another program with it", &[shared.path()]);
    one.expect("in");
    let mut other = servant(&shared);
    assert_eq!(other.ask(A_WHILE), "no");
    until(|| std::fs::read_to_string(format!("/proc/{}/comm", one.pid())).unwrap() == "sleep\n");
    assert_eq!(other.ask(A_WHILE), "no");
    let pid = one.pid();
    one.kill();
    is_told(&mut other, &format!("process {pid} "));
}

pub fn becomes_another_program_with_it(arguments: &[&str]) {
    let mutex: Mutex<Ledger> = attach(arguments[0]);
    let mut me = mutex.join().unwrap();
    mem::forget(me.lock().unwrap());
    let handle = me.hand_over().unwrap();
    handle.keep_over_exec().unwrap();
    say("in");
    panic!("{}", Command::new("sleep").arg("600").exec());
}

/// Another process goes on with what this one has begun: its input is the descriptor.
fn successor(path: &str, handle: Handle) -> Child {
    let mut command = command("goes on", &[path]);
    Child::spawn(command.stdin(Stdio::from(OwnedFd::from(handle))).stdout(Stdio::piped()))
}

pub fn goes_on(arguments: &[&str]) {
    let mutex: Mutex<Ledger> = attach(arguments[0]);
    let input = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
    // What is not closed would keep the participant alive.
    let null = File::open("/dev/null").unwrap();
    // SAFETY: takes no pointers; the standard input is this process's own.
    assert_eq!(unsafe { libc::dup2(null.as_raw_fd(), 0) }, 0);
    let mut me = mutex.adopt(input).unwrap();
    let guard = match me.resume().unwrap() {
        Resumed::Outside(me) => me.lock(),
        Resumed::Waiting(waiting) => waiting.wait(),
        Resumed::Inside(guard) => Ok(guard),
    };
    let mut guard = guard.unwrap();
    guard.right += 1;
    let token = guard.token();
    guard.sign(token);
    say("in");
    // It stays inside until it is killed, if it is to be.
    while arguments.get(1).is_some() {
        thread::park();
    }
}

fn another_process_goes_on_inside_and_leaves(kind: Kind) {
    let shared = Shared::<Ledger>::new(kind, 4);
    let mut me = shared.mutex.join().unwrap();
    let mut guard = me.lock().unwrap();
    guard.left += 1;
    let token = guard.token();
    mem::forget(guard);
    let next = successor(shared.path(), me.hand_over().unwrap());
    next.expect("in");
    next.finish();
    let status = shared.mutex.status().unwrap();
    assert_eq!((status.joined, status.recoveries, status.poisoned), (0, 0, None));
    shared.peek(|ledger| {
        assert_eq!((ledger.left, ledger.right, ledger.signatures()), (1, 1, &[token][..]));
    });
}

each_kind!(another_process_goes_on_inside_and_leaves);

fn another_process_goes_on_in_line(kind: Kind) {
    let shared = Shared::<Ledger>::new(kind, 4);
    let mut holder = servant(&shared);
    assert_eq!(holder.ask("lock"), "in");
    let mut me = shared.mutex.join().unwrap();
    mem::forget(me.enter().unwrap());
    let handle = me.hand_over().unwrap();
    assert_eq!(holder.ask("leave"), "out");
    // It has its turn, and nobody takes it from it.
    if shared.mutex.slots() > 2 {
        assert_eq!(servant(&shared).ask(A_WHILE), "no");
    }
    let next = successor(shared.path(), handle);
    next.expect("in");
    next.finish();
    shared.peek(|ledger| assert_eq!((ledger.left, ledger.right), (1, 2)));
}

each_kind!(
    another_process_goes_on_in_line: bakery Bakery, black_white BlackWhite, peterson Peterson, ticket Ticket
);

#[test]
fn one_that_dies_after_it_was_adopted_is_dead() {
    let shared = Shared::<Ledger>::new(Kind::Bakery, 4);
    let mut me = shared.mutex.join().unwrap();
    mem::forget(me.lock().unwrap());
    let handle = me.hand_over().unwrap();
    let mut command = command("goes on", &[shared.path(), "for ever"]);
    let next =
        Child::spawn(command.stdin(Stdio::from(OwnedFd::from(handle))).stdout(Stdio::piped()));
    drop(command);
    next.expect("in");
    let pid = next.pid();
    assert_eq!(shared.mutex.status().unwrap().holder.unwrap().pid, pid);
    next.kill();
    let mut other = servants(&shared, "park", 1).remove(0);
    is_told(&mut other, &format!("process {pid} "));
}

/// As a daemon does that forks twice.
#[test]
fn a_grandchild_goes_on_when_its_parents_are_gone() {
    let shared = Shared::<Ledger>::new(Kind::Bakery, 4);
    let child = Child::start("forks twice", &[shared.path()]);
    child.expect("forked");
    let mut other = servant(&shared);
    assert_eq!(other.ask("lock"), "in");
    assert_eq!(other.ask("leave"), "out");
    shared.peek(|ledger| assert_eq!((ledger.left, ledger.right), (2, 2)));
}

pub fn forks_twice(arguments: &[&str]) {
    let path = arguments[0];
    let mutex: Mutex<Ledger> = attach(path);
    let mut me = mutex.join().unwrap();
    let mut guard = me.lock().unwrap();
    guard.left += 1;
    mem::forget(guard);
    let handle = me.hand_over().unwrap();
    let mut handle = Some(handle);
    assert!(in_forked_child(|| {
        let child = std::process::id();
        // SAFETY: this process has one thread.
        let grandchild = unsafe { libc::fork() };
        assert_ne!(grandchild, -1);
        if grandchild != 0 {
            return;
        }
        // Behind both its parents.
        until(|| std::os::unix::process::parent_id() != child);
        let mut me = mutex.adopt(handle.take().unwrap()).unwrap();
        let Resumed::Inside(mut guard) = me.resume().unwrap() else { panic!("it was inside") };
        guard.right += 1;
    }));
    // It has no descriptor of the participant any more, and dies.
    drop(handle.take());
    say("forked");
    // SAFETY: ends this process at once.
    unsafe { libc::_exit(0) };
}

/// Of those who have its descriptor one uses it.
#[test]
fn a_participant_has_one_user() {
    let shared = Shared::<Ledger>::new(Kind::Bakery, 4);
    let mut me = shared.mutex.join().unwrap();
    let early = me.hold_by_descriptor().unwrap().try_clone_to_owned().unwrap();
    let refused = |descriptor: OwnedFd, why: &str| {
        let error = shared.mutex.adopt(descriptor).unwrap_err();
        assert!(matches!(error, Error::NotHandedOver { .. }), "{error:?}");
        assert!(error.to_string().contains(why), "{error}");
    };
    refused(early, "a process uses the participant");
    let handle = me.hand_over().unwrap();
    let copy = handle.as_fd().try_clone_to_owned().unwrap();
    let me = shared.mutex.adopt(handle).unwrap();
    assert_eq!(me.slot().index(), 0);
    refused(copy.try_clone().unwrap(), "a process uses the participant");
    drop(me);
    // It has left, though its descriptor is open still.
    refused(copy, "it keeps no participant alive");
    assert_eq!(shared.mutex.status().unwrap().joined, 0);
    let mut me = shared.mutex.join().unwrap();
    me.lock().unwrap().add();
}

#[test]
fn of_several_that_adopt_a_participant_at_once_one_gets_it() {
    const USERS: usize = 4;
    let shared = Shared::<Ledger>::new(Kind::Bakery, 4);
    for _ in 0..200 {
        let handle = shared.mutex.join().unwrap().hand_over().unwrap();
        let copies = [(); USERS].map(|()| handle.as_fd().try_clone_to_owned().unwrap());
        drop(handle);
        let (mutex, start) = (&shared.mutex, &Barrier::new(USERS));
        let adopted: Vec<_> = thread::scope(|scope| {
            let adopt = |copy| {
                scope.spawn(move || {
                    start.wait();
                    mutex.adopt(copy)
                })
            };
            let users = copies.map(adopt);
            users.into_iter().map(|user| user.join().unwrap()).collect()
        });
        for error in adopted.iter().filter_map(|outcome| outcome.as_ref().err()) {
            assert!(matches!(error, Error::NotHandedOver { .. }), "{error:?}");
        }
        assert_eq!(adopted.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    }
}

/// What its new user starts does not keep it alive, whatever was so before.
#[test]
fn what_was_adopted_is_closed_on_exec() {
    let shared = Shared::<Ledger>::new(Kind::Bakery, 4);
    let handle = shared.mutex.join().unwrap().hand_over().unwrap();
    assert_eq!(fcntl_getfd(&handle).unwrap(), FdFlags::CLOEXEC);
    handle.keep_over_exec().unwrap();
    assert_eq!(fcntl_getfd(&handle).unwrap(), FdFlags::empty());
    let mut me = shared.mutex.adopt(handle).unwrap();
    assert_eq!(fcntl_getfd(me.hold_by_descriptor().unwrap()).unwrap(), FdFlags::CLOEXEC);
}

#[test]
fn a_descriptor_of_something_else_is_refused() {
    let shared = Shared::<Ledger>::new(Kind::Bakery, 4);
    let another = Shared::<Ledger>::new(Kind::Bakery, 4);
    let handed = another.mutex.join().unwrap().hand_over().unwrap();
    let _here = shared.mutex.join().unwrap().hand_over().unwrap();
    let strangers: [(OwnedFd, &str); 4] = [
        (handed.into(), "another file"),
        (File::open("/dev/null").unwrap().into(), "another file"),
        (shared.mutex.as_fd().try_clone_to_owned().unwrap(), "keeps no participant alive"),
        (File::options().read(true).write(true).open(&shared.path).unwrap().into(), "keeps no"),
    ];
    for (stranger, why) in strangers {
        let error = shared.mutex.adopt(stranger).unwrap_err().to_string();
        assert!(error.starts_with(shared.path()) && error.contains(why), "{error}");
    }
}

/// In a child of the one that uses it.
#[test]
fn a_forked_child_does_not_use_what_was_not_handed_over() {
    let shared = Shared::<Ledger>::new(Kind::Bakery, 4);
    Child::start("forks while it is held", &[shared.path()]).finish();
}

pub fn forks_while_it_is_held(arguments: &[&str]) {
    let mutex: Mutex<Ledger> = attach(arguments[0]);
    let mut me = mutex.join().unwrap();
    let descriptor = me.hold_by_descriptor().unwrap().try_clone_to_owned().unwrap();
    let copy = &raw mut me;
    assert!(in_forked_child(|| {
        // SAFETY: the child ends without returning, so each of the two has its own copy, to be dropped
        // once.
        let mut me = unsafe { copy.read() };
        assert!(matches!(me.lock(), Err(Error::Forked { .. })));
        assert!(matches!(me.hold_by_descriptor(), Err(Error::Forked { .. })));
        assert!(matches!(me.resume(), Err(Error::Forked { .. })));
        assert!(matches!(me.hand_over(), Err(Error::Forked { .. })));
        assert!(matches!(mutex.adopt(descriptor), Err(Error::NotHandedOver { .. })));
    }));
    me.lock().unwrap().add();
}

#[test]
fn one_that_is_closed_outside_is_cleared_away_without_a_word() {
    let shared = Shared::<Ledger>::new(Kind::Bakery, 2);
    let handles = [0, 1].map(|_| shared.mutex.join().unwrap().hand_over().unwrap());
    assert!(matches!(shared.mutex.join(), Err(Error::Full { .. })));
    drop(handles);
    // While other tests start processes, those have all descriptors for a moment.
    until(|| shared.mutex.status().unwrap().dead.len() == 2);
    shared.mutex.join_for(std::time::Duration::from_mins(1)).unwrap().lock().unwrap().add();
    assert!(shared.mutex.status().unwrap().recoveries > 0);
}
