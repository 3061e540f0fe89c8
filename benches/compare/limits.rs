//! What no hand-over can be quicker than, the line or the processor changing hands, and what no wait
//! can be sure to be shorter than.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::{Duration, Instant};

use rustix::thread::futex::{self, Flags};

use crate::support::pinning::pin;

/// One way of a ping-pong between two threads, each on its core, in nanoseconds: as often as there is
/// time.
fn ping_pong(
    turn: &AtomicU32,
    length: Duration,
    cores: [usize; 2],
    wait: fn(&AtomicU32, u32),
    tell: fn(&AtomicU32),
) -> f64 {
    const OVER: u32 = u32::MAX;
    /// A look at the clock takes time.
    const ROUNDS_A_LOOK: u32 = 32;

    let play = |me: u32| {
        pin(cores[me as usize]);
        // It counts from its second turn on: both are there.
        let mut began = Instant::now();
        for round in 0.. {
            let mine = 2 * round + me;
            loop {
                let now = turn.load(SeqCst);
                if now == mine {
                    break;
                }
                if now == OVER {
                    return 0.0;
                }
                wait(turn, now);
            }
            if round == 1 {
                began = Instant::now();
            }
            let looks = me == 0 && round > 1 && round % ROUNDS_A_LOOK == 0;
            if looks && began.elapsed() >= length {
                let took = began.elapsed();
                turn.store(OVER, SeqCst);
                tell(turn);
                return took.as_secs_f64() * 1e9 / f64::from(2 * (round - 1));
            }
            turn.store(mine + 1, SeqCst);
            tell(turn);
        }
        f64::NAN
    };
    std::thread::scope(|scope| {
        let play = &play;
        scope.spawn(move || play(1));
        let other = scope.spawn(move || play(0));
        other.join().expect("no thread panics")
    })
}

/// A word that goes to and fro between two caches.
pub(crate) fn cache_line(turn: &AtomicU32, length: Duration) -> f64 {
    ping_pong(turn, length, [0, 1], |_, _| std::hint::spin_loop(), |_| ())
}

/// Two threads that put each other to sleep: a bare hand-over, with a word and nothing else.
pub(crate) fn sleepers(turn: &AtomicU32, length: Duration) -> f64 {
    let wait = |turn: &AtomicU32, seen| {
        let _ = futex::wait(turn, Flags::PRIVATE, seen, None);
    };
    let tell = |turn: &AtomicU32| {
        let _ = futex::wake(turn, Flags::PRIVATE, 1);
    };
    ping_pong(turn, length, [0, 1], wait, tell)
}

/// Two threads on one core that yield it to each other.
pub(crate) fn yields(turn: &AtomicU32, length: Duration) -> f64 {
    ping_pong(turn, length, [0, 0], |_, _| std::thread::yield_now(), |_| ())
}

/// The longest that one of two threads, alone on their cores, is held up in so long, in nanoseconds.
pub(crate) fn held_up(length: Duration) -> f64 {
    let look = |core| {
        pin(core);
        let start = Instant::now();
        let (mut last, mut longest) = (start, Duration::ZERO);
        while last - start < length {
            let now = Instant::now();
            longest = longest.max(now - last);
            last = now;
        }
        longest
    };
    let longest = std::thread::scope(|scope| {
        let threads = [0, 1].map(|core| scope.spawn(move || look(core)));
        threads.map(|it| it.join().expect("no thread panics")).into_iter().max()
    });
    longest.unwrap_or_default().as_secs_f64() * 1e9
}
