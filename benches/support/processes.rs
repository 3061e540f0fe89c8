//! Processes that compete for every passage: this program again, told by an argument what to do.

use std::cell::UnsafeCell;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::ptr::{self, NonNull};
use std::time::Duration;

use bakery_lock::shared::{Kind, Mutex, Options};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap};
use rustix::time::{ClockId, clock_gettime};

use super::again::{Again, told};
use super::peers::{init_shared, with_locked};
use super::pinning::pin;

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

    fn path(&self) -> String {
        let file = match self {
            Self::Ours(mutex) => mutex.as_fd(),
            Self::Memory(file) => file.as_fd(),
        };
        format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd())
    }
}

/// What a process got.
pub(crate) struct Share {
    pub(crate) passages: u64,
    /// The longest that it waited.
    pub(crate) longest: Duration,
}

/// Nanoseconds of a clock that all processes share.
fn now() -> u64 {
    let now = Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap_or_default();
    nanoseconds(now)
}

fn nanoseconds(time: Duration) -> u64 {
    time.as_nanos().try_into().unwrap_or(u64::MAX)
}

/// So many processes, with so much to do inside, for so long. What each got.
///
/// They compete for a while before any passage counts, and none ends before the last that counts:
/// whoever was there without the others would have the lock to itself, and the figure would be about
/// that.
pub(crate) fn race(lock: &str, number: usize, section: Duration, length: Duration) -> Vec<Share> {
    /// Enough for all to get a processor, beside other work as well.
    const LONG_ENOUGH: Duration = Duration::from_millis(60);

    let (ground, section) = (Ground::new(lock), nanoseconds(section).to_string());
    let start = |id: usize| Again::start(ROLE, &[lock, &ground.path(), &id.to_string(), &section]);
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
    let begin = now() + nanoseconds(length.min(LONG_ENOUGH));
    for it in &mut all {
        let to = it.0.stdin.as_mut().expect("it is piped");
        writeln!(to, "{begin} {}", begin + nanoseconds(length)).expect("a competitor listens");
    }
    let share = |id: usize| {
        let [passages, longest] = numbers(&hear(id));
        Share { passages, longest: Duration::from_nanos(longest) }
    };
    (0..number).map(share).collect()
}

/// Two numbers of a line.
fn numbers(line: &str) -> [u64; 2] {
    let numbers = line.split_whitespace().map(|it| it.parse().expect("a number"));
    numbers.collect::<Vec<_>>().try_into().expect("two numbers")
}

/// Plays the part of a process that was started here, if this is one. Whether it was.
///
/// To be called first of all by a program that starts itself.
pub(crate) fn compete() -> bool {
    let Some(arguments) = told(ROLE) else { return false };
    let [lock, memory, id, section] = arguments.as_slice() else {
        panic!("{ROLE} is not for users");
    };
    pin(id.parse().expect("a number"));
    let work = Work { section: section.parse().expect("a number") };
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
    /// In nanoseconds.
    section: u64,
}

impl Work {
    /// Passes until the time is over, and says how often, and how long it waited at the most.
    fn run(&self, mut pass: impl FnMut(&mut dyn FnMut())) {
        println!("ready");
        std::io::stdout().flush().expect("the parent listens");
        let mut told = String::new();
        std::io::stdin().read_line(&mut told).expect("the parent says when");
        let [begin, end] = numbers(&told);
        let (mut passages, mut longest, mut came) = (0_u64, 0, now());
        loop {
            pass(&mut || {
                let entered = now();
                if entered >= begin {
                    longest = longest.max(entered - came);
                }
                while now() - entered < self.section {}
            });
            came = now();
            if came >= end {
                break;
            }
            passages += u64::from(came >= begin);
        }
        println!("{passages} {longest}");
    }
}
