//! Ten hand-overs, one after the other: who gets in when, and what it took the one who waited.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use bakery_lock::Mutex;
use perf_event::events::Tracepoint;
use perf_event::{Builder, Counter};

use crate::contest::{Terms, run};
use crate::ground::Ground;
use crate::support::Subject;
use crate::support::loops::Loops;
use crate::tables::time;

const THREADS: usize = 8;
const HAND_OVERS: usize = 10;

/// What a thread has used so far, or between two passages.
#[derive(Clone, Copy, Default)]
struct Used {
    /// Ready to run, but not running.
    delay: Duration,
    /// None where the kernel does not let this process count.
    futex_calls: Option<u64>,
    yields: Option<u64>,
    /// Switches to another thread, or to a busy loop: since it slept, and for any other reason.
    slept: u64,
    /// A yield too, if somebody else runs.
    displaced: u64,
}

impl Used {
    fn since(self, before: Self) -> Self {
        let difference = |now: Option<u64>, before: Option<u64>| Some(now? - before?);
        Self {
            delay: self.delay.saturating_sub(before.delay),
            futex_calls: difference(self.futex_calls, before.futex_calls),
            yields: difference(self.yields, before.yields),
            slept: self.slept - before.slept,
            displaced: self.displaced - before.displaced,
        }
    }
}

/// Asks the kernel about this thread.
struct Meter {
    schedule: File,
    futex_calls: Option<Counter>,
    yields: Option<Counter>,
}

impl Meter {
    fn new() -> Self {
        let counter = |name| {
            let id = fs::read_to_string(format!("/sys/kernel/tracing/events/syscalls/{name}/id"));
            let event = Tracepoint::with_id(id.ok()?.trim().parse().ok()?);
            let mut counter = Builder::new(event).include_kernel().build().ok()?;
            counter.enable().ok()?;
            Some(counter)
        };
        Self {
            schedule: File::open("/proc/thread-self/schedstat").expect("the kernel tells"),
            futex_calls: counter("sys_enter_futex"),
            yields: counter("sys_enter_sched_yield"),
        }
    }

    fn read(&mut self) -> Used {
        let mut text = [0; 96];
        let length = self.schedule.read_at(&mut text, 0).expect("the kernel tells");
        let text = std::str::from_utf8(&text[..length]).expect("numbers");
        let delay = text.split_whitespace().nth(1).and_then(|it| it.parse().ok());
        // SAFETY: plain numbers, for which zeros are valid, and the call only writes them.
        let usage = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage);
            usage
        };
        let count = |counter: &mut Option<Counter>| {
            counter.as_mut().map(|it| it.read().expect("a counter can be read"))
        };
        Used {
            delay: Duration::from_nanos(delay.expect("the second number is the delay")),
            futex_calls: count(&mut self.futex_calls),
            yields: count(&mut self.yields),
            slept: usage.ru_nvcsw.try_into().unwrap_or_default(),
            displaced: usage.ru_nivcsw.try_into().unwrap_or_default(),
        }
    }
}

struct Passage {
    /// How many there were before.
    number: u64,
    thread: usize,
    asked: Instant,
    entered: Instant,
    left: Instant,
    /// Since the thread's passage before, where that is known.
    used: Option<Used>,
}

/// What a thread tells.
struct Story {
    passages: Vec<Passage>,
    /// From the end of its first passage, for which it lined up, to that of its last.
    used: Used,
}

/// Whom to ask the kernel about takes microseconds, in which nobody competes: so each thread does it
/// after a few passages only, when half of the time is over.
const LOOKS: usize = 20;

fn record<S: Subject>(lock: &S, terms: Terms) -> Vec<Story> {
    let began = OnceLock::new();
    let (mut stories, _) = run(lock, terms, terms.length, |seat, over| {
        let (mut meter, mut passages) = (Meter::new(), Vec::with_capacity(1 << 16));
        let mut pass = || {
            let asked = Instant::now();
            let (number, entered, left) = lock.pass(seat, |value| {
                let entered = Instant::now();
                *value += 1;
                (*value - 1, entered, Instant::now())
            });
            Passage { number, thread: 0, asked, entered, left, used: None }
        };
        let first = pass().left;
        let middle = *began.get_or_init(|| first) + terms.length / 2;
        let start = meter.read();
        let (mut looks, mut last) = (0, None);
        while !over.load(Relaxed) {
            let mut passage = pass();
            if looks < LOOKS && passage.left > middle {
                let now = meter.read();
                passage.used = last.map(|last| now.since(last));
                last = Some(now);
                looks += 1;
            }
            passages.push(passage);
        }
        Story { passages, used: meter.read().since(start) }
    });
    for (thread, story) in stories.iter_mut().enumerate() {
        story.passages.iter_mut().for_each(|it| it.thread = thread);
    }
    stories
}

/// Beside so many busy loops on each processor.
pub(crate) fn print(loops: usize, quick: bool) {
    let _loops = Loops::start(loops);
    let length = Duration::from_millis(if quick { 20 } else { 400 });
    let line_up = Duration::from_millis(if loops == 0 { 5 } else { 50 });
    let terms = Terms { threads: THREADS, pinned: true, length, closer: length, line_up };
    let mut ground = Ground::new(1);
    let stories = ground.with(0, |lock: &Mutex<u64>| record(lock, terms));
    println!("\n{THREADS} threads at a `Mutex`, beside {loops} busy loops on each processor:\n");
    let mut passages: Vec<_> = stories.iter().flat_map(|it| &it.passages).collect();
    passages.sort_by_key(|it| it.number);
    ten(&passages);
    mean(&stories, passages.len());
}

/// The first ones in a row that the threads have asked the kernel about.
fn ten(passages: &[&Passage]) {
    let known = |row: &&[&Passage]| row[1..].iter().all(|it| it.used.is_some());
    let Some(row) = passages.windows(HAND_OVERS + 1).find(known) else {
        println!("No ten in a row were looked at.");
        return;
    };
    let start = row[0];
    println!(
        "{:>10} {:>6} {:>4} {:>10} {:>10} {:>10} {:>6} {:>6} {:>6} {:>9}",
        "at",
        "thread",
        "CPU",
        "hand-over",
        "waited",
        "delay",
        "futex",
        "yields",
        "slept",
        "displaced"
    );
    for pair in row.windows(2) {
        let (before, it) = (pair[0], pair[1]);
        let Used { delay, futex_calls, yields, slept, displaced } = it.used.unwrap_or_default();
        let [futex_calls, yields] =
            [futex_calls, yields].map(|it| counted(it, |it| it.to_string()));
        let between = |from: Instant, to: Instant| duration(to.saturating_duration_since(from));
        println!(
            "{:>10} {:>6} {:>4} {:>10} {:>10} {:>10} {futex_calls:>6} {yields:>6} {slept:>6} {displaced:>9}",
            between(start.left, it.entered),
            it.thread,
            // As they are pinned, in turn.
            it.thread % std::thread::available_parallelism().map_or(1, usize::from),
            between(before.left, it.entered),
            between(it.asked, it.entered),
            duration(delay),
        );
    }
}

/// As it is to be shown, if it was counted.
fn counted(count: Option<u64>, show: impl FnOnce(u64) -> String) -> String {
    count.map_or_else(|| "-".to_owned(), show)
}

fn duration(duration: Duration) -> String {
    time(duration.as_secs_f64() * 1e9)
}

/// A passage of all.
fn mean(stories: &[Story], passages: usize) {
    #[expect(clippy::cast_precision_loss, reason = "counts of a fraction of a second")]
    let number = passages as f64;
    let all = || stories.iter().map(|it| it.used);
    let count = |of: fn(Used) -> Option<u64>| {
        let sum = all().map(of).sum::<Option<u64>>();
        #[expect(clippy::cast_precision_loss, reason = "counts of a fraction of a second")]
        counted(sum, |sum| format!("{:.2}", sum as f64 / number))
    };
    let ends = || stories.iter().flat_map(|it| &it.passages).map(|it| it.left);
    let took = ends().max().zip(ends().min()).map_or(Duration::ZERO, |(last, first)| last - first);
    let delay: Duration = all().map(|it| it.delay).sum();
    println!(
        "\nMean of {number}: {} a passage; {} of delay, {} futex calls, {} yields, slept {}, displaced {}.",
        time(took.as_secs_f64() * 1e9 / number),
        time(delay.as_secs_f64() * 1e9 / number),
        count(|it| it.futex_calls),
        count(|it| it.yields),
        count(|it| Some(it.slept)),
        count(|it| Some(it.displaced)),
    );
}
