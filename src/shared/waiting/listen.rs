//! Sleeping with an ear for the bells of those who go before: see [`crate::shared::life::bell`].

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use crate::algorithm::Slot;
use crate::atomic::AtomicU32;
use crate::shared::segment::{Segment, SegmentLot};
use crate::wait::{Futex, Lot, Park, Several, Shared, Waker};

/// Between two looks at one whose bell has been rung, at first; then [`longer`] each time. The kernel
/// rings before the dead one's locks are gone, most often by less than a few of these; by much more where
/// its threads wait for a processor.
pub(crate) const SOON: Duration = Duration::from_micros(50);

/// The next time between two such looks: so that a death is found late by a quarter of what it took.
pub(crate) fn longer(soon: Duration) -> Duration {
    soon + soon / 4
}

/// How long one that waits may leave it at between two looks.
///
/// One that hears all that matters: as long as it has waited before, from a second to eight. Else an
/// eighth of that, up to a second.
pub(crate) fn leave_it_at(waited: Duration, hears_all: bool) -> Duration {
    if hears_all {
        waited.clamp(Duration::from_secs(1), Duration::from_secs(8))
    } else {
        (waited / 8).min(Duration::from_secs(1))
    }
}

/// What a participant that waits has to see to, without a look's time having passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// The bell of one that goes before it has been rung.
    Rings(Slot),
    /// It is blocked, and nobody is known to go before it.
    Nobody,
    /// The one right before it has no bell, though it was relied on to be heard.
    Silence,
    /// A death has put an end to the lock.
    Stopped,
}

/// One participant's ear, during one wait.
pub(crate) struct Ear<'a> {
    segment: &'a Segment,
    me: Slot,
    since: Instant,
    news: Cell<Option<News>>,
    /// What has been told, and is no news any more as long as it stays.
    told: RefCell<Vec<News>>,
    /// Whether the death of the one right before it will be heard, as far as its last sleep has shown.
    hears: Cell<bool>,
    /// Whether it leaves more time between its looks for that.
    relies: Cell<bool>,
    /// How often to ask whether the wait is called off, and the question, if it may be.
    call_off: Option<(Duration, &'a dyn Fn() -> bool)>,
}

impl<'a> Ear<'a> {
    pub(crate) fn new(
        segment: &'a Segment,
        me: Slot,
        call_off: Option<(Duration, &'a dyn Fn() -> bool)>,
    ) -> Self {
        Self {
            segment,
            me,
            since: Instant::now(),
            news: Cell::new(None),
            told: RefCell::default(),
            hears: Cell::new(false),
            relies: Cell::new(false),
            call_off,
        }
    }

    pub(crate) fn lot(&self) -> Listening<'_> {
        Listening(self)
    }

    /// Since when it waits.
    pub(crate) fn has_waited(&self) -> Duration {
        self.since.elapsed()
    }

    pub(crate) fn has_news(&self) -> bool {
        self.news.get().is_some()
    }

    /// What there is to be seen to, once.
    pub(crate) fn take_news(&self) -> Option<News> {
        self.news.take()
    }

    /// Lets what has been told be news again.
    pub(crate) fn forget(&self) {
        self.told.borrow_mut().clear();
    }

    /// How long it may leave it at until the next look.
    pub(crate) fn leave_it_at(&self) -> Duration {
        self.relies.set(self.hears.get());
        leave_it_at(self.has_waited(), self.hears.get())
    }

    /// Whether it was news.
    fn tell(&self, news: News) -> bool {
        if self.told.borrow().contains(&news) {
            return false;
        }
        if let News::Rings(slot) = news {
            // The kernel wakes one, which may be killed before it has looked.
            self.segment.bells()[slot.index()].pass_on();
        }
        self.told.borrow_mut().push(news);
        self.news.set(Some(news));
        true
    }

    /// Sleeps on a word, and on all bells that matter. Whether for all of the time.
    fn sleep(&self, word: &AtomicU32, expected: u32, at_most: Duration) -> bool {
        let segment = self.segment;
        let mut words = Several::new(word, expected);
        let mut listened_to = Vec::new();
        let mut hears = false;
        // Asked for behind the announcement of this sleep: should one of them go, it wakes this one.
        let wake = Waker::<_, Park>::new(segment.lot());
        segment.registers().right_before(self.me, &wake, |slot| {
            // The memory of others may not be there.
            if slot.number() < segment.joined() {
                let sound = segment.bells()[slot.index()].listen();
                let has_room = words.push(segment.bells()[slot.index()].word(), sound.0);
                listened_to.push((slot, sound));
                hears = has_room && sound.is_hung() && Several::is_possible();
            }
        });
        self.hears.set(hears);
        let ringing = listened_to.iter().filter(|(_, sound)| sound.rings());
        let ringing: Vec<_> = ringing.map(|(slot, _)| News::Rings(*slot)).collect();
        let is_told = |news: &News| ringing.contains(news) || *news == News::Stopped;
        self.told.borrow_mut().retain(is_told);
        let is_news = if segment.is_stopped() {
            self.tell(News::Stopped)
        } else if listened_to.is_empty() {
            self.tell(News::Nobody)
        } else {
            ringing.into_iter().any(|news| self.tell(news))
                || self.relies.replace(hears) && !hears && self.tell(News::Silence)
        };
        if is_news {
            return false;
        }
        let slept = words.wait(at_most);
        let rings = |(slot, _): &(Slot, _)| {
            let rings = segment.bells()[slot.index()].listen().rings();
            rings && self.tell(News::Rings(*slot))
        };
        !listened_to.iter().any(rings) && slept
    }
}

impl Futex for Ear<'_> {
    fn wait(&self, word: &AtomicU32, expected: u32, at_most: Duration) -> bool {
        let Some((every, is_called_off)) = &self.call_off else {
            return self.sleep(word, expected, at_most);
        };
        let mut left = at_most;
        loop {
            let length = left.min(*every);
            if !self.sleep(word, expected, length) || is_called_off() {
                return false;
            }
            left = left.saturating_sub(length);
            if left.is_zero() {
                return true;
            }
        }
    }

    fn wake_all(word: &AtomicU32) {
        Shared::wake_all(word);
    }

    fn has_waited(&self) -> Duration {
        self.has_waited()
    }
}

/// The sleeping places of a segment, for one that listens.
#[derive(Clone, Copy)]
pub(crate) struct Listening<'a>(&'a Ear<'a>);

impl Listening<'_> {
    fn lot(&self) -> SegmentLot<'_> {
        self.0.segment.lot()
    }
}

impl Lot for Listening<'_> {
    fn sleep(&self, channel: u32, still: impl Fn() -> bool, at_most: Duration) {
        self.lot().sleep_with(self.0, channel, still, at_most);
    }

    #[inline]
    fn wake(&self, channel: u32) {
        self.lot().wake(channel);
    }

    #[inline]
    fn wake_early(&self, find: impl FnOnce() -> Option<u32>) {
        self.lot().wake_early(find);
    }

    #[inline]
    fn owner_wakes(&self) -> bool {
        self.lot().owner_wakes()
    }
}
