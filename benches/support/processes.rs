//! Processes that compete for every passage: this program again, told by an argument what to do.

use std::cell::UnsafeCell;
use std::env;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::ptr::{self, NonNull};
use std::time::{Duration, Instant};

use bakery_lock::shared::{Kind, Mutex, Options};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap};
use rustix::process::{Signal, set_parent_process_death_signal};

use super::peers::{init_shared, with_locked};
use super::pinning::pin;
use super::work::busy;

/// The first argument of a process that is started here.
const ROLE: &str = "--compete";

const SHARED: &str = "pthread shared";
const ROBUST: &str = "pthread robust+shared";
const FLOCK: &str = "flock";
const FCNTL: &str = "fcntl OFD";

/// The locks of others, by name. Ours are called "shared" and then the name of their kind.
pub(crate) const OTHERS: [&str; 4] = [SHARED, ROBUST, FLOCK, FCNTL];

/// Which of ours has this name.
fn kind(lock: &str) -> Option<Kind> {
    lock.strip_prefix("shared ").map(|kind| kind.parse().expect("an algorithm"))
}

/// Memory with a mutex of the C library, for the rest of the process's life.
fn map(file: impl AsFd) -> NonNull<UnsafeCell<libc::pthread_mutex_t>> {
    let (size, access) = (size_of::<libc::pthread_mutex_t>(), ProtFlags::READ | ProtFlags::WRITE);
    // SAFETY: a new mapping at an address of the kernel's choice.
    let start = unsafe { mmap(ptr::null_mut(), size, access, MapFlags::SHARED, file, 0) };
    NonNull::new(start.expect("memory can be mapped").cast()).expect("not at address 0")
}

/// What the processes share.
enum Ground {
    Ours(Mutex<u64>),
    Memory(OwnedFd),
}

impl Ground {
    fn new(lock: &str) -> Self {
        if let Some(kind) = kind(lock) {
            let (least, most) = kind.slots();
            let options = Options::new().kind(kind).slots(8.clamp(least, most));
            return Self::Ours(options.anonymous(0).expect("memory can be made"));
        }
        let file = memfd_create("compete", MemfdFlags::CLOEXEC).expect("memory can be made");
        let size = size_of::<libc::pthread_mutex_t>() as u64;
        ftruncate(&file, size).expect("memory can be made");
        // SAFETY: it is mapped, and nobody uses it yet.
        unsafe { init_shared(UnsafeCell::raw_get(map(&file).as_ptr()), lock == ROBUST) };
        Self::Memory(file)
    }

    fn path(&self) -> PathBuf {
        let file = match self {
            Self::Ours(mutex) => mutex.as_fd(),
            Self::Memory(file) => file.as_fd(),
        };
        format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()).into()
    }
}

/// Killed when this is dropped.
struct Competitor(Child);

impl Drop for Competitor {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// So many processes, with so much to do inside, for so long. How often each went in.
pub(crate) fn race(lock: &str, number: usize, section: Duration, length: Duration) -> Vec<u64> {
    let ground = Ground::new(lock);
    let start = |id: usize| {
        let mut command = Command::new(env::current_exe().expect("this program has a path"));
        command.args([ROLE, lock]).arg(ground.path());
        command.args([id as u128, section.as_nanos(), length.as_nanos()].map(|it| it.to_string()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Competitor(command.spawn().expect("this program can be started"))
    };
    let mut all: Vec<_> = (0..number).map(start).collect();
    let mut out: Vec<_> = all
        .iter_mut()
        .map(|it| BufReader::new(it.0.stdout.take().expect("it is piped")).lines())
        .collect();
    let mut hear =
        |id: usize| out[id].next().and_then(Result::ok).expect("a competitor says how far it is");
    for id in 0..number {
        assert_eq!(hear(id), "ready");
    }
    for it in &mut all {
        drop(it.0.stdin.take());
    }
    (0..number).map(|id| hear(id).parse().expect("a competitor says a number")).collect()
}

/// Plays the part of a process that was started here, if this is one. Whether it was.
///
/// To be called first of all by a program that starts itself.
pub(crate) fn compete() -> bool {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [role, arguments @ ..] = arguments.as_slice() else { return false };
    if role != ROLE {
        return false;
    }
    set_parent_process_death_signal(Some(Signal::KILL)).expect("it can be asked for");
    let [lock, memory, id, section, length] = arguments else {
        panic!("{ROLE} is not for users");
    };
    let number = |text: &str| text.parse::<u64>().expect("a number");
    pin(usize::try_from(number(id)).expect("a few"));
    let work = Work {
        section: Duration::from_nanos(number(section)),
        length: Duration::from_nanos(number(length)),
    };
    let file = || {
        let file = File::options().read(true).write(true).open(Path::new(memory));
        file.expect("the parent has it open")
    };
    if let Some(kind) = kind(lock) {
        let options = Options::new().kind(kind);
        let mutex: Mutex<u64> = options.attach_fd(file()).expect("the parent has made it");
        let mut me = mutex.join().expect("room for all");
        work.run(|inside| {
            let guard = me.lock().expect("nobody dies");
            inside();
            drop(guard);
        });
        return true;
    }
    match lock.as_str() {
        FLOCK => {
            let file = file();
            work.run(|inside| with_locked::<false, _>(&file, inside));
        }
        FCNTL => {
            let file = file();
            work.run(|inside| with_locked::<true, _>(&file, inside));
        }
        SHARED | ROBUST => {
            let mutex = UnsafeCell::raw_get(map(file()).as_ptr());
            work.run(|inside| {
                // SAFETY: it is mapped, and the parent has initialised it.
                unsafe { libc::pthread_mutex_lock(mutex) };
                inside();
                // SAFETY: this thread has locked it.
                unsafe { libc::pthread_mutex_unlock(mutex) };
            });
        }
        _ => panic!("there is no lock {lock:?}"),
    }
    true
}

struct Work {
    section: Duration,
    length: Duration,
}

impl Work {
    /// Waits for the others, passes until the time is over, and says how often.
    fn run(&self, mut pass: impl FnMut(&mut dyn FnMut())) {
        println!("ready");
        std::io::stdout().flush().expect("the parent listens");
        // The parent closes the pipe when all are here.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let (start, mut passages) = (Instant::now(), 0_u64);
        while start.elapsed() < self.length {
            pass(&mut || busy(self.section));
            passages += 1;
        }
        println!("{passages}");
    }
}
