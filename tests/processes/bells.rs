//! Deaths that are heard: by those who hardly ever look; and bells that are not there, or ring for
//! nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use bakery_lock::shared::{Access, Kind, Mutex, Options};
use rustix::mm::{MapFlags, ProtFlags, mmap};
use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use rustix::thread::futex;

use crate::child::{Child, crowd, hear, say, signal, until};
use crate::data::{Ledger, Shared, attach};
use crate::obey::in_this_manner;

/// Longer than many looks; no measure of anything.
const A_WHILE: &str = "for 200";

/// A servant, which behaves in this manner.
fn servant(path: &str, manner: &[&str]) -> Child {
    crowd("obeys", [[&[path, "park", "0"], manner].concat()]).remove(0)
}

/// A segment with room for four, or two, and as many servants who hardly ever look.
fn listeners<const N: usize>(kind: Kind) -> (Shared<Ledger>, [Child; N]) {
    let shared = Shared::new(kind, 4);
    let all = [(); N].map(|()| servant(shared.path(), &["seldom"]));
    (shared, all)
}

/// Has one wait in line, behind so many, until it sleeps.
fn waits(shared: &Shared<Ledger>, who: &mut Child, behind: usize) {
    who.tell("lock");
    if shared.mutex.kind() == Kind::FastUnrecoverable {
        // Whoever waits outside does not show. It need not be there yet.
        thread::sleep(Duration::from_millis(20));
    } else {
        until(|| shared.mutex.status().unwrap().queue.len() == behind + 1);
    }
    who.until_asleep();
}

fn a_death_inside_is_heard(kind: Kind) {
    let (shared, [mut one, mut other]) = listeners(kind);
    assert_eq!(one.ask("lock"), "in");
    waits(&shared, &mut other, 0);
    one.kill();
    let told = other.hear();
    assert!(told.contains("died"), "{told}");
}

each_kind!(a_death_inside_is_heard);

fn a_death_in_line_is_heard(kind: Kind) {
    let (shared, [mut one, mut two, mut three]) = listeners(kind);
    assert_eq!(one.ask("lock"), "in");
    waits(&shared, &mut two, 0);
    waits(&shared, &mut three, 1);
    two.kill();
    assert_eq!(one.ask("leave"), "out");
    three.expect("in");
}

/// Two of them, one behind the other.
fn deaths_in_line_are_heard(kind: Kind) {
    let (shared, [mut one, mut two, mut three, mut four]) = listeners(kind);
    assert_eq!(one.ask("lock"), "in");
    for (behind, who) in [&mut two, &mut three, &mut four].into_iter().enumerate() {
        waits(&shared, who, behind);
    }
    two.kill();
    three.kill();
    four.until_asleep();
    assert_eq!(one.ask("leave"), "out");
    four.expect("in");
    assert_eq!(four.ask("leave"), "out");
    // A ticket's slot is freed when somebody needs it.
    if !matches!(kind, Kind::Tournament | Kind::Ticket) {
        assert_eq!(shared.mutex.status().unwrap().dead, []);
    }
}

/// Nobody hears of the first death but one that dies as well.
fn a_death_is_heard_whoever_dies_besides(kind: Kind) {
    let (shared, [mut one, mut two, mut three]) = listeners(kind);
    assert_eq!(one.ask("lock"), "in");
    waits(&shared, &mut two, 0);
    waits(&shared, &mut three, 1);
    two.signal(Signal::STOP);
    two.until_state('T');
    one.kill();
    two.kill();
    assert!(three.hear().contains("died inside"));
}

each_kind!(
    a_death_in_line_is_heard: bakery Bakery, black_white BlackWhite, filter Filter, tournament Tournament, ticket Ticket, bypass Bypass
);
each_kind!(
    deaths_in_line_are_heard: bakery Bakery, black_white BlackWhite, filter Filter, tournament Tournament, ticket Ticket, bypass Bypass
);
each_kind!(
    a_death_is_heard_whoever_dies_besides: bakery Bakery, black_white BlackWhite, filter Filter, tournament Tournament, ticket Ticket, bypass Bypass
);

/// Whoever stood behind one that gave up listens to the one before; also if that one comes again.
fn one_that_gives_up_between_two_is_in_nobodys_way(kind: Kind) {
    for comes_again in [false, true] {
        let (shared, [mut one, mut two, mut three]) = listeners(kind);
        assert_eq!(one.ask("lock"), "in");
        two.tell("for 1000");
        until(|| shared.mutex.status().unwrap().queue.len() == 1);
        waits(&shared, &mut three, 1);
        two.expect("no");
        if comes_again {
            waits(&shared, &mut two, 1);
            two.kill();
            assert_eq!(one.ask("leave"), "out");
            three.expect("in");
        } else {
            three.until_asleep();
            one.kill();
            assert!(three.hear().contains("died inside"));
        }
    }
}

each_kind!(
    one_that_gives_up_between_two_is_in_nobodys_way: bakery Bakery, black_white BlackWhite, ticket Ticket, bypass Bypass
);

/// How many threads a process has for its bells.
fn ringers(process: u32) -> usize {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let names = threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("comm")));
    names.filter(|name| name.as_ref().is_ok_and(|name| name == "bakery-bell\n")).count()
}

/// Its participants are found by looks, and it hears of others all the same.
#[test]
fn a_process_can_do_without_a_doorbell() {
    let shared = Shared::<Ledger>::new(Kind::Bakery, 4);
    let mut one = servant(shared.path(), &["silent"]);
    let mut other = servant(shared.path(), &[]);
    assert_eq!(one.ask("lock"), "in");
    waits(&shared, &mut other, 0);
    assert_eq!((ringers(one.pid()), ringers(other.pid())), (0, 1));
    one.kill();
    assert!(other.hear().contains("died inside"));
    assert!(other.ask("repair").starts_with("repaired"));
    other.expect("in");
    let mut three = servant(shared.path(), &["silent", "seldom"]);
    waits(&shared, &mut three, 0);
    other.kill();
    assert!(three.hear().contains("died inside"));
}

/// A user who may have no more threads.
#[test]
fn a_process_that_can_have_no_thread_has_no_doorbell() {
    let shared = Shared::<Ledger>::with(&Options::new().slots(4).access(Access::Everybody));
    let directory = shared.path.parent().unwrap();
    fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).unwrap();
    let one = Child::start("can have no thread", &[shared.path()]);
    one.expect("in");
    assert_eq!(ringers(one.pid()), 0);
    let shared = Options::new().access(Access::Everybody);
    let mutex: Mutex<Ledger> = shared.attach_at(directory.join("segment")).unwrap();
    let mut me = mutex.join().unwrap();
    one.kill();
    assert!(me.lock().unwrap_err().to_string().contains("died inside"));
}

pub fn can_have_no_thread(arguments: &[&str]) {
    let options = Options::new().access(Access::Everybody);
    let mutex: Mutex<Ledger> = options.attach_at(arguments[0]).unwrap();
    let one = Some(1);
    setrlimit(Resource::Nproc, Rlimit { current: one, maximum: one }).unwrap();
    // SAFETY: takes no pointers. (The superuser is not held to the limit.)
    assert!(unsafe { libc::geteuid() } != 0 || unsafe { libc::setuid(65_534) } == 0);
    assert!(thread::Builder::new().spawn(|| {}).is_err());
    let mut me = mutex.join().unwrap();
    let _guard = me.lock().unwrap();
    say("in");
    hear();
}

/// The word of a slot's bell, as the format has it.
fn bell(shared: &Shared<Ledger>, slot: usize) -> &'static AtomicU32 {
    let (access, length) = (ProtFlags::READ | ProtFlags::WRITE, 4096);
    // SAFETY: a new mapping, which stays.
    let start = unsafe {
        mmap(std::ptr::null_mut(), length, access, MapFlags::SHARED, &shared.mutex, 0).unwrap()
    };
    // SAFETY: it is in there, and aligned; what is mapped by others are atomics too.
    unsafe { &*start.byte_add(384 + 8 * slot).cast() }
}

/// As one of the kernel's does when its thread has ended, or when a program becomes another one.
#[test]
fn a_bell_that_rings_for_nothing_throws_nobody_out() {
    for kind in Kind::ALL {
        let (shared, [mut one, mut other]) = listeners(kind);
        assert_eq!(one.ask("lock"), "in");
        let bell = bell(&shared, 0);
        until(|| bell.load(Relaxed) != 0);
        let hung = bell.load(Relaxed);
        assert!(hung >> 30 == 0b10 && hung << 2 != 0, "{kind}: {hung:x}");
        waits(&shared, &mut other, 0);
        for _ in 0..3 {
            bell.store(0b11 << 30, Relaxed);
            futex::wake(bell, futex::Flags::empty(), 1).unwrap();
            other.until_asleep();
            thread::sleep(Duration::from_millis(5));
            bell.store(hung, Relaxed);
            futex::wake(bell, futex::Flags::empty(), 1).unwrap();
        }
        other.until_asleep();
        assert_eq!(one.ask("leave"), "out");
        other.expect("in");
        assert_eq!(other.ask("leave"), "out");
        // One that rings before anybody listens.
        bell.store(0b11 << 30, Relaxed);
        assert_eq!(one.ask("lock"), "in");
        if kind != Kind::FastUnrecoverable {
            assert_eq!(other.ask(A_WHILE), "no", "{kind}");
        }
        assert_eq!(one.ask("leave"), "out");
        assert_eq!(other.ask("lock"), "in");
        assert_eq!(shared.mutex.status().unwrap().recoveries, 0, "{kind}");
    }
}

/// The first of a process's participants, the last one, and one between others that have come and gone.
#[test]
fn each_of_a_processs_participants_has_a_bell() {
    for which in ["0", "100", "199"] {
        let shared = Shared::<Ledger>::new(Kind::Bakery, 256);
        let one = Child::start("is one of many", &[shared.path(), which]);
        one.expect("in");
        assert_eq!(ringers(one.pid()), 1);
        let mut other = servant(shared.path(), &["seldom"]);
        waits(&shared, &mut other, 0);
        one.kill();
        assert!(other.hear().contains("died inside"), "{which}");
    }
}

pub fn is_one_of_many(arguments: &[&str]) {
    let mutex: Mutex<Ledger> = attach(arguments[0]);
    let which: usize = arguments[1].parse().unwrap();
    let mut all: Vec<_> = (0..200).map(|_| Some(mutex.join().unwrap())).collect();
    // Some by another thread.
    for part in [0..100, 100..200] {
        let gone: Vec<_> =
            part.step_by(3).filter_map(|at| all[at].take_if(|_| at != which)).collect();
        thread::spawn(|| drop(gone)).join().unwrap();
    }
    let _guard = all[which].as_mut().unwrap().lock().unwrap();
    say("in");
    hear();
}

/// After other segments have been there, and are not any more.
#[test]
fn bells_outlive_other_segments() {
    let shared = Shared::<Ledger>::new(Kind::Bakery, 4);
    let one = Child::start("comes and goes, and stays", &[shared.path()]);
    one.expect("in");
    let mut other = servant(shared.path(), &["seldom"]);
    waits(&shared, &mut other, 0);
    one.kill();
    assert!(other.hear().contains("died inside"));
}

pub fn comes_and_goes_and_stays(arguments: &[&str]) {
    let passing = || Options::new().slots(2).anonymous(0_u64).unwrap();
    let before = passing();
    let first = before.join().unwrap();
    let mutex: Mutex<Ledger> = attach(arguments[0]);
    let mut me = mutex.join().unwrap();
    let after = passing();
    let last = (after.join().unwrap(), after.join().unwrap());
    // The mapping goes with the last of them.
    drop((before, after));
    thread::spawn(|| drop((first, last))).join().unwrap();
    let _guard = me.lock().unwrap();
    say("in");
    hear();
}

#[test]
fn a_forked_child_has_bells_of_its_own() {
    let shared = Shared::<Ledger>::new(Kind::Bakery, 4);
    let parent = Child::start("has a child that goes in", &[shared.path()]);
    let child: u32 = parent.hear().parse().unwrap();
    let mut other = servant(shared.path(), &["seldom"]);
    waits(&shared, &mut other, 1);
    assert_eq!((ringers(parent.pid()), ringers(child)), (1, 1));
    // That of the one before it, the parent, is not rung.
    signal(child, Signal::KILL);
    parent.expect("told");
    // And now it is.
    parent.kill();
    assert!(other.hear().contains("died inside"));
}

/// The child is inside, and this process waits, but with looks: it has to wait for its child.
pub fn has_a_child_that_goes_in(arguments: &[&str]) {
    let mutex: Mutex<Ledger> = in_this_manner(&["seldom"]).attach_at(arguments[0]).unwrap();
    let mut me = mutex.join().unwrap();
    // SAFETY: of the other threads the test harness's sleeps until this one ends, and that of the bells
    // for ever.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        let mut mine = mutex.join().unwrap();
        let _guard = mine.lock().unwrap();
        loop {
            // SAFETY: takes nothing.
            unsafe { libc::pause() };
        }
    }
    until(|| mutex.status().unwrap().holder.is_some());
    let waiting = me.enter().unwrap();
    say(&child.to_string());
    assert!(waiting.wait().is_err());
    let _guard = me.lock_or_repair(|ledger, _| ledger.right = ledger.left).unwrap();
    say("told");
    hear();
}

/// One that waits for long sleeps for longer and longer.
#[test]
fn whoever_waits_for_long_hardly_wakes() {
    let shared = Shared::<Ledger>::new(Kind::Ticket, 8);
    let mut one = servant(shared.path(), &[]);
    assert_eq!(one.ask("lock"), "in");
    let mut all: Vec<_> = (0..3).map(|_| servant(shared.path(), &[])).collect();
    for (behind, who) in all.iter_mut().enumerate() {
        waits(&shared, who, behind);
    }
    // Until they have waited for a few looks.
    thread::sleep(Duration::from_secs(3));
    let wakes = || -> u64 { all.iter().map(|who| wakes(who.pid())).sum() };
    let (before, since) = (wakes(), Instant::now());
    thread::sleep(Duration::from_secs(3));
    let seconds = since.elapsed().as_secs() + 1;
    // With a look each 10 ms they would be 300 in a second; with one each second, and a nap, 6.
    let woken = wakes() - before;
    assert!(woken <= 8 * seconds, "{woken} times in {seconds} s");
}

/// How often a process's threads have gone to sleep.
fn wakes(process: u32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let status = threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("status")));
    let switches = |status: String| -> u64 {
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.unwrap().trim().parse().unwrap()
    };
    status.map(|status| switches(status.unwrap())).sum()
}
