//! One place to sleep at: a futex word, and the protocol that loses no wake-up.

use core::time::Duration;

use crate::atomic::{AtomicU32, Relaxed, SeqCst, const_fn, fence};

/// The kernel's part: sleep while a word has a value, and wake those who do.
pub(crate) trait Futex {
    /// Sleeps if `word` still is `expected`, until woken, or for `at_most` (`Duration::MAX`: no
    /// limit), or until interrupted. Whether it was for all of that time.
    fn wait(&self, word: &AtomicU32, expected: u32, at_most: Duration) -> bool;

    /// Wakes everybody who sleeps on the word.
    fn wake_all(word: &AtomicU32);

    /// For how long whoever sleeps has waited before.
    fn has_waited(&self) -> Duration {
        Duration::ZERO
    }
}

/// Set while somebody may be asleep. The bits above count the wake-ups, so that a word that was
/// woken and slept on again since is not taken for the same.
const SLEEPERS: u32 = 1;

/// One place to sleep at.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Channel(AtomicU32);

impl Channel {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self(AtomicU32::new(0))
        }
    }

    /// Sleeps unless `still` is false. May return for no reason. `at_most` is asked behind the fence,
    /// and before `still`. Whether it has slept for all of that time.
    pub(crate) fn sleep<F: Futex>(
        &self,
        futex: &F,
        still: impl Fn() -> bool,
        at_most: impl FnOnce() -> Duration,
    ) -> bool {
        let announced = self.0.fetch_or(SLEEPERS, Relaxed) | SLEEPERS;
        // Orders the announcement before the last look; the waker's fence stands between its write
        // and its look here.
        fence(SeqCst);
        let at_most = at_most();
        still() && futex.wait(&self.0, announced, at_most)
    }

    /// Wakes whoever sleeps. The caller has fenced the write that they wait for.
    #[inline]
    pub(crate) fn wake<F: Futex>(&self) {
        let word = self.0.load(Relaxed);
        if word & SLEEPERS != 0 {
            self.wake_sleepers::<F>(word);
        }
    }

    #[cold]
    fn wake_sleepers<F: Futex>(&self, word: u32) {
        // Adding one clears the flag and carries into the count. If it fails, another waker has
        // just done so, and wakes all whom this one would.
        if self.0.compare_exchange(word, word.wrapping_add(SLEEPERS), Relaxed, Relaxed).is_ok() {
            F::wake_all(&self.0);
        }
    }
}
