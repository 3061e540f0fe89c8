//! Places that are kept in line for the next try.

use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

use bakery_lock::shared::Competitor;
use libc::{SIGKILL, SIGSTOP, SIGTERM};

use crate::support::{Place, Running, is_alive, kill, stays, until};

/// Longer than any test.
const LONG: &str = "600";

impl Place {
    /// A try that gives up soon, and leaves a place behind. What it says.
    #[track_caller]
    fn gives_up(&self, lock: &str, options: &[&str], name: &str) -> String {
        let mut command = self.bakery(["run", lock, "-w", ".05", "--keep-for", LONG]);
        command.arg("--keep-place").args(options).arg("--").args(stays(name));
        let (status, out, said) = self.outcome(&mut command);
        assert_eq!((status, &*out), (75, ""), "{said}");
        said
    }

    /// Another try with the same command, which does not give up.
    fn tries_again(&self, lock: &str, options: &[&str], name: &str) -> Running {
        let mut command = self.bakery(["run", lock, "-w", LONG, "--keep-place"]);
        Running::start(command.args(options).arg("--").args(stays(name)))
    }

    /// Everybody in line, or at its head.
    fn line(&self, lock: &str) -> Vec<Competitor> {
        self.look(lock).map_or_else(
            |_| Vec::new(),
            |status| status.holder.into_iter().chain(status.queue).collect(),
        )
    }

    /// The process that keeps a place.
    #[track_caller]
    fn keeper(&self, lock: &str) -> u32 {
        let mut keeper = None;
        until(|| {
            keeper = self.line(lock).iter().map(|one| one.pid).find(|pid| is_kept(*pid));
            keeper.is_some()
        });
        keeper.unwrap()
    }
}

fn comm(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default()
}

/// Whether this process keeps a place with no try.
fn is_kept(pid: u32) -> bool {
    comm(pid).starts_with("kept-")
}

/// How long a process has run, in the clock's ticks.
fn processor_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields = stat.rsplit_once(") ")?.1.split(' ').skip(11).take(2);
    fields.map(|field| field.parse::<u64>().ok()).sum()
}

#[test]
fn the_next_try_goes_on_where_the_last_one_gave_up() {
    let place = Place::new();
    let first = place.inside("lock", &[], "first");
    let before = place.queued("lock", &[], "before");
    until(|| place.in_line("lock") == 1);
    let said = place.gives_up("lock", &[], "tries");
    assert!(said.contains("2nd of 2 in line") && said.contains("place is kept until"), "{said}");
    let behind = place.queued("lock", &[], "behind");
    until(|| place.in_line("lock") == 3);
    // It may give up as often as it likes.
    let keeper = place.keeper("lock");
    let said = place.gives_up("lock", &[], "tries");
    assert!(said.contains("2nd of 3 in line"), "{said}");
    assert_eq!(place.keeper("lock"), keeper);
    let tries = place.tries_again("lock", &[], "tries");
    until(|| !is_kept(keeper));
    assert_eq!(place.in_line("lock"), 3);
    for name in ["first", "before", "tries", "behind"] {
        until(|| place.exists(&format!("up.{name}")));
        if name == "tries" {
            // It is the wrapper itself that holds.
            assert_eq!(place.look("lock").unwrap().holder.unwrap().pid, tries.pid());
            until(|| !is_alive(keeper));
        }
        place.make(&format!("go.{name}"));
    }
    for running in [first, before, tries, behind] {
        assert_eq!(running.code(), 0);
    }
    assert_eq!(place.read("out"), "first\nbefore\ntries\nbehind\n");
    let status = place.look("lock").unwrap();
    assert_eq!((status.recoveries, status.joined), (0, 0));
}

#[test]
fn those_together_and_those_who_lock_a_file_keep_places_too() {
    for (lock, options) in
        [("lock", &["-s"][..]), ("lock", &["-j", "1"]), ("./file", &[]), ("./file", &["-s"])]
    {
        let place = Place::new();
        let first = place.inside(lock, &[], "first");
        let line = if lock == "lock" { lock.to_owned() } else { place.line_of("file") };
        place.gives_up(lock, options, "tries");
        let keeper = place.keeper(&line);
        let tries = place.tries_again(lock, options, "tries");
        until(|| !is_kept(keeper));
        let behind = place.queued(lock, &[], "behind");
        until(|| place.line(&line).len() == 3 - usize::from(lock == "./file"));
        place.make("go.first");
        until(|| place.exists("up.tries"));
        assert!(place.is_busy(lock, &[]) && !place.exists("up.behind"), "{lock} {options:?}");
        for name in ["tries", "behind"] {
            place.make(&format!("go.{name}"));
        }
        for running in [first, tries, behind] {
            assert_eq!(running.code(), 0);
        }
        assert_eq!(place.read("out"), "first\ntries\nbehind\n", "{lock} {options:?}");
        assert!(!place.is_busy(lock, &[]));
    }
}

#[test]
fn a_free_lock_is_taken_at_once() {
    let place = Place::new();
    for lock in ["lock", "./file"] {
        let mut command = place.run(lock, &["--keep-place", "-w", LONG], "exit 3");
        assert_eq!(place.outcome(&mut command), (3, String::new(), String::new()));
        // No place is kept.
        assert!(!place.is_busy(lock, &[]));
    }
}

/// Else whoever reads from a try that gave up would wait for its place-holder.
#[test]
fn a_place_holder_has_nothing_of_its_callers() {
    let place = Place::new();
    let first = place.inside("lock", &[], "first");
    let script = "exec 9>inherited; flock 9; out=$(\"$BAKERY\" run lock --keep-place -w .05 -- true 2>&1); \
        echo $?; exec 9>&-; flock -n inherited echo free";
    let (_, out, _) = place.outcome(place.program("sh").args(["-c", script]));
    assert_eq!(out, "75\nfree\n");
    let keeper = place.keeper("lock");
    // Nor the caller's terminal.
    let stat = fs::read_to_string(format!("/proc/{keeper}/stat")).unwrap();
    let session = stat.rsplit_once(") ").unwrap().1.split(' ').nth(3).unwrap().to_owned();
    assert_eq!(session, keeper.to_string());
    kill(keeper, SIGTERM);
    // It leaves the line, as everybody does.
    until(|| place.in_line("lock") == 0);
    place.make("go.first");
    assert_eq!(first.code(), 0);
    assert_eq!(place.look("lock").unwrap().recoveries, 0);
}

#[test]
fn a_place_is_its_keys_and_its_sorts() {
    let place = Place::new();
    let first = place.inside("lock", &[], "first");
    place.gives_up("lock", &[], "a");
    place.gives_up("lock", &[], "b");
    assert_eq!(place.in_line("lock"), 2);
    place.gives_up("lock", &["-s"], "a");
    assert_eq!(place.in_line("lock"), 3);
    place.gives_up("lock", &["--keep-place=key"], "a");
    assert_eq!(place.in_line("lock"), 4);
    // A key is good for another command.
    place.gives_up("lock", &["--keep-place=key"], "b");
    place.gives_up("lock", &[], "a");
    assert_eq!(place.in_line("lock"), 4);
    for pid in place.line("lock").iter().map(|one| one.pid).filter(|pid| is_kept(*pid)) {
        kill(pid, SIGKILL);
    }
    place.make("go.first");
    assert_eq!(first.code(), 0);
}

#[test]
fn of_two_tries_with_one_key_the_second_queues() {
    let place = Place::new();
    let first = place.inside("lock", &[], "first");
    let key = &["--keep-place=key"];
    place.gives_up("lock", key, "one");
    let keeper = place.keeper("lock");
    let one = place.tries_again("lock", key, "one");
    until(|| !is_kept(keeper));
    let other = place.tries_again("lock", key, "other");
    until(|| place.in_line("lock") == 2);
    assert_eq!(place.line("lock")[2].pid, other.pid());
    // When its time is over it says so.
    let mut third = place.run("lock", &["-v", "-w", ".05", "--keep-place=key"], "echo in");
    let (status, _, said) = place.outcome(&mut third);
    assert_eq!(status, 75);
    assert!(said.contains("another try with this key has the place"), "{said}");
    assert!(said.contains("3rd of 3 in line") && said.contains("could not be kept"), "{said}");
    for name in ["first", "one", "other"] {
        place.make(&format!("go.{name}"));
    }
    for running in [first, one, other] {
        assert_eq!(running.code(), 0);
    }
    assert_eq!(place.read("out"), "first\none\nother\n");
}

/// Only a time that is over leaves a place behind.
#[test]
fn a_try_that_is_ended_takes_its_place_along() {
    for (signal, status) in [(SIGKILL, 137), (SIGTERM, 143)] {
        let place = Place::new();
        let first = place.inside("lock", &[], "first");
        let tries = place.tries_again("lock", &[], "tries");
        until(|| place.in_line("lock") == 1);
        tries.signal(signal);
        assert_eq!(tries.code(), status);
        until(|| place.in_line("lock") == 0);
        // The same of one that has come to a place that was kept.
        place.gives_up("lock", &[], "tries");
        let keeper = place.keeper("lock");
        let tries = place.tries_again("lock", &[], "tries");
        until(|| !is_kept(keeper));
        tries.signal(signal);
        assert_eq!(tries.code(), status);
        until(|| place.in_line("lock") == 0 && !is_alive(keeper));
        place.make("go.first");
        assert_eq!(first.code(), 0);
        assert_eq!(place.look("lock").unwrap().recoveries, 0);
    }
}

#[test]
fn a_holder_that_dies_lets_the_kept_place_come_to_its_turn() {
    let place = Place::new();
    let holder = place.inside("lock", &[], "dead");
    let (pid, command) = (holder.pid(), place.pid("dead"));
    place.gives_up("lock", &[], "tries");
    let keeper = place.keeper("lock");
    holder.signal(SIGKILL);
    kill(command, SIGKILL);
    assert_eq!(holder.code(), 137);
    // It has been told of the death, and tells the one that comes.
    until(|| {
        place.look("lock").is_ok_and(|status| status.holder.is_some_and(|one| one.pid == keeper))
    });
    let mut command = place.bakery(["run", "lock", "-w", LONG, "--keep-place", "--"]);
    place.make("go.tries");
    let (status, _, said) = place.outcome(command.args(stays("tries")));
    assert_eq!(status, 0);
    assert!(said.contains(&format!("process {pid} (bakery) died inside")), "{said}");
    assert!(!place.is_busy("lock", &[]));
}

/// It had its turn, and had begun nothing. What it was told of another's death is left to the next one.
#[test]
fn a_place_holder_killed_at_the_head_is_no_death_inside() {
    let place = Place::new();
    for dies in [false, true] {
        let holder = place.inside("lock", &[], "held");
        let (pid, command) = (holder.pid(), place.pid("held"));
        place.gives_up("lock", &[], "tries");
        let keeper = place.keeper("lock");
        if dies {
            holder.signal(SIGKILL);
        }
        kill(command, SIGKILL);
        assert_eq!(holder.code(), 137);
        until(|| {
            place
                .look("lock")
                .is_ok_and(|status| status.holder.is_some_and(|one| one.pid == keeper))
        });
        kill(keeper, SIGKILL);
        let (_, out, _) =
            place.outcome(&mut place.run("lock", &[], "echo \"<${BAKERY_OWNER_DIED#* }>\""));
        assert_eq!(out, if dies { format!("<{pid}>\n") } else { "<>\n".to_owned() });
        fs::remove_file(place.path("up.held")).unwrap();
    }
}

#[test]
fn a_killed_place_holder_has_its_try_queue_by_itself() {
    let place = Place::new();
    let first = place.inside("lock", &[], "first");
    place.gives_up("lock", &[], "tries");
    let keeper = place.keeper("lock");
    let tries = place.tries_again("lock", &[], "tries");
    until(|| !is_kept(keeper));
    kill(keeper, SIGKILL);
    until(|| place.line("lock").iter().any(|one| one.pid == tries.pid()));
    // One that is killed while nobody is there is a place lost.
    place.gives_up("lock", &[], "other");
    let keeper = place.keeper("lock");
    kill(keeper, SIGKILL);
    until(|| !is_alive(keeper));
    for name in ["first", "tries"] {
        place.make(&format!("go.{name}"));
    }
    for running in [first, tries] {
        assert_eq!(running.code(), 0);
    }
    assert!(!place.is_busy("lock", &[]));
}

#[test]
fn a_place_is_kept_for_its_time() {
    let place = Place::new();
    let first = place.inside("lock", &[], "first");
    place.gives_up("lock", &["--keep-for", ".2"], "tries");
    until(|| place.in_line("lock") == 0);
    // Another one begins behind those who have come meanwhile.
    let behind = place.queued("lock", &[], "behind");
    until(|| place.in_line("lock") == 1);
    let said = place.gives_up("lock", &["--keep-for", ".2"], "tries");
    assert!(said.contains("2nd of 2 in line"), "{said}");
    until(|| place.in_line("lock") == 1);
    for name in ["first", "behind"] {
        place.make(&format!("go.{name}"));
    }
    for running in [first, behind] {
        assert_eq!(running.code(), 0);
    }
    assert_eq!(place.look("lock").unwrap().recoveries, 0);
}

/// It is kept for ten minutes, and has its turn: the lock is not.
#[test]
fn at_the_head_a_place_holder_goes_when_nobody_comes() {
    let place = Place::new();
    let first = place.inside("lock", &[], "first");
    place.gives_up("lock", &[], "tries");
    let keeper = place.keeper("lock");
    let behind = place.queued("lock", &[], "behind");
    until(|| place.in_line("lock") == 2);
    place.make("go.first");
    assert_eq!(first.code(), 0);
    until(|| {
        place.look("lock").is_ok_and(|status| status.holder.is_some_and(|one| one.pid == keeper))
    });
    place.make("go.behind");
    let mut ticks = 0;
    until(|| {
        ticks = processor_time(keeper).unwrap_or(ticks);
        !is_alive(keeper)
    });
    // It sleeps meanwhile.
    assert!(ticks < 100, "{ticks} hundredths of a second");
    assert_eq!(behind.code(), 0);
    let status = place.look("lock").unwrap();
    assert_eq!((status.recoveries, status.joined), (0, 0));
}

/// The name of the socket that a process listens on.
fn socket_of(pid: u32) -> Vec<u8> {
    let links = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let links: Vec<_> = links.map(|link| fs::read_link(link.unwrap().path()).unwrap()).collect();
    let sockets = fs::read_to_string("/proc/net/unix").unwrap();
    let name = sockets.lines().find_map(|line| {
        let (rest, name) = line.rsplit_once(" @bakery-place-")?;
        let socket = format!("socket:[{}]", rest.rsplit(' ').next()?);
        links.iter().any(|link| *link == *socket).then(|| format!("bakery-place-{name}"))
    });
    name.unwrap().into_bytes()
}

/// Listens under a name, unless somebody does.
fn listens(name: &[u8]) -> Option<OwnedFd> {
    let flags = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
    // SAFETY: takes no pointers.
    let socket = unsafe { libc::socket(libc::AF_UNIX, flags, 0) };
    assert!(socket >= 0);
    // SAFETY: it is new, and nobody else's.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    // SAFETY: all zeros is a value of this struct of integers.
    let mut address: libc::sockaddr_un = unsafe { MaybeUninit::zeroed().assume_init() };
    address.sun_family = libc::AF_UNIX.try_into().unwrap();
    for (at, byte) in address.sun_path[1..].iter_mut().zip(name) {
        *at = libc::c_char::from_ne_bytes([*byte]);
    }
    let length = (size_of::<libc::sa_family_t>() + 1 + name.len()).try_into().unwrap();
    // SAFETY: it is an address of that length.
    let bound = unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length) };
    // SAFETY: takes no pointers.
    (bound == 0 && unsafe { libc::listen(socket.as_raw_fd(), 8) } == 0).then_some(socket)
}

/// To whoever comes, whatever is asked: the place is theirs, and it is kept.
fn says_yes(listener: &OwnedFd) {
    loop {
        // SAFETY: nobody's address is asked for.
        let socket =
            unsafe { libc::accept(listener.as_raw_fd(), ptr::null_mut(), ptr::null_mut()) };
        if socket < 0 {
            return;
        }
        let mut asked = [0_u8; 64];
        for yes in [b"y", b"K"] {
            // SAFETY: one byte is sent, and there is room for what is received. It is left open.
            unsafe {
                libc::send(socket, yes.as_ptr().cast(), 1, libc::MSG_NOSIGNAL);
                libc::recv(socket, asked.as_mut_ptr().cast(), asked.len(), 0);
            }
        }
    }
}

/// A name that another user has taken is not believed.
#[test]
fn what_another_user_says_is_not_heard() {
    // SAFETY: takes no pointers.
    if unsafe { libc::geteuid() } != 0 {
        return;
    }
    let place = Place::new();
    let first = place.inside("lock", &[], "first");
    place.gives_up("lock", &[], "tries");
    let keeper = place.keeper("lock");
    let name = socket_of(keeper);
    kill(keeper, SIGKILL);
    until(|| !is_alive(keeper));
    let squatter = std::thread::spawn(move || {
        // SAFETY: takes no pointers. The call itself concerns this thread alone.
        assert_eq!(unsafe { libc::syscall(libc::SYS_setresuid, 65534, 65534, 65534) }, 0);
        // The last thread of the one that was killed may still be there.
        let mut socket = None;
        until(|| {
            socket = listens(&name);
            socket.is_some()
        });
        socket.unwrap()
    });
    let squatter = squatter.join().unwrap();
    let answers = squatter.try_clone().unwrap();
    std::thread::spawn(move || says_yes(&answers));
    let said = place.gives_up("lock", &[], "tries");
    assert!(said.contains("the place could not be kept"), "{said}");
    until(|| place.look("lock").unwrap().queue.iter().all(|one| !is_alive(one.pid)));
    drop(squatter);
    place.make("go.first");
    assert_eq!(first.code(), 0);
}

#[test]
fn a_place_holder_that_is_stopped_holds_up_no_try() {
    let place = Place::new();
    let first = place.inside("lock", &[], "first");
    place.gives_up("lock", &[], "tries");
    let keeper = place.keeper("lock");
    kill(keeper, SIGSTOP);
    let mut command = place.run("lock", &["-w", ".05", "--keep-place=x"], "echo in");
    assert_eq!(place.status(&mut command), 75);
    let mut again = place.bakery(["run", "lock", "-w", ".05", "--keep-place", "--"]);
    let (status, _, said) = place.outcome(again.args(stays("tries")));
    assert!(status == 75 && said.contains("could not be kept"), "{said}");
    for pid in place.line("lock").iter().map(|one| one.pid).filter(|pid| is_kept(*pid)) {
        kill(pid, SIGKILL);
    }
    place.make("go.first");
    assert_eq!(first.code(), 0);
}
