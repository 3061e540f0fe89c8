//! The ticket lock for threads without slots: each attempt has its ticket in hand.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

use super::attempt::Patience;
use super::{Bounds, check, exhaustive, models, preemptions};
use crate::algorithm::{DoorwayClosed, Intent, NoRoom, Room, Slot, TicketInHand, TicketQueue};
use crate::attempt::{self, Attempt};
use crate::futex::{Places, Sleep, time_passes};
use crate::local::rows::{Rows, room};
use crate::local::ticket::RawTicket;
use crate::wait::Never;

struct Mutex {
    lock: RawTicket<Sleep>,
    data: UnsafeCell<u32>,
}

fn touch(data: &UnsafeCell<u32>) {
    // SAFETY: loom lets nobody else in meanwhile, and reports whoever comes near.
    data.with_mut(|data| unsafe { *data += 1 });
}

/// To be called after all threads have ended.
fn touched(data: &UnsafeCell<u32>) -> usize {
    // SAFETY: as above.
    data.with(|data| unsafe { *data } as usize)
}

impl Mutex {
    /// What is done by a thread that was let in, or not.
    fn out(&self, inside: bool) {
        if inside {
            touch(&self.data);
            self.lock.unlock();
        }
    }
}

/// A few threads lock while one does this.
fn against(others: usize, bounds: Bounds, one: fn(&RawTicket<Sleep>) -> bool) {
    check(bounds, move || {
        let lock = RawTicket::new();
        let mutex = Arc::new(Mutex { lock, data: UnsafeCell::new(0) });
        let start = |_| {
            let mutex = mutex.clone();
            thread::spawn(move || {
                for _ in 0..bounds.rounds {
                    mutex.lock.lock();
                    mutex.out(true);
                }
                time_passes();
            })
        };
        let threads: Vec<_> = (0..others).map(start).collect();
        (0..bounds.rounds).for_each(|_| mutex.out(one(&mutex.lock)));
        time_passes();
        for thread in threads {
            thread.join().expect("loom reports panics itself");
        }
        assert!(!mutex.lock.is_locked());
        assert!(touched(&mutex.data) >= others * bounds.rounds);
    });
}

fn locks(lock: &RawTicket<Sleep>) -> bool {
    lock.lock();
    true
}

fn is_impatient(lock: &RawTicket<Sleep>) -> bool {
    lock.lock_until(&Patience::new(2))
}

/// Tickets have no slots.
const NO_SLOT: Slot = Slot::new(0);
/// So many marks has the queue itself.
const WINDOW: usize = 16;
/// Tickets wrap on the way.
const FIRST: u64 = u64::MAX - WINDOW as u64 / 2;

/// A line as long as this stands before one more thread comes. The model's first thread stands in
/// it for everybody: the tickets are taken before there is another thread, so it costs no
/// executions, and they are served in turn.
fn behind<R: Room + 'static>(
    line: usize,
    bounds: Bounds,
    room: fn() -> R,
    one: fn(&TicketQueue<R>, &Places) -> bool,
    goes_in: bool,
) {
    check(bounds, move || {
        let queue = TicketQueue::with_room(FIRST, room());
        let shared = Arc::new((queue, Places::new(), UnsafeCell::new(0)));
        let (queue, places, data) = &*shared;
        let take = |_| {
            let hand = TicketInHand::new(queue);
            let attempt = Attempt::<_, _, Sleep>::enter(&hand, NO_SLOT, places, Intent::Stay);
            core::mem::forget(attempt.expect("open to those who stay"));
            hand
        };
        let hands: Vec<_> = (0..line).map(take).collect();
        let late = {
            let shared = shared.clone();
            thread::spawn(move || {
                let (queue, places, data) = &*shared;
                let inside = one(queue, places);
                if inside {
                    touch(data);
                    attempt::leave::<_, _, Sleep>(&TicketInHand::new(queue), NO_SLOT, places);
                }
                inside
            })
        };
        for hand in &hands {
            Attempt::<_, _, Sleep>::resume(hand, NO_SLOT, places).wait();
            touch(data);
            attempt::leave::<_, _, Sleep>(hand, NO_SLOT, places);
        }
        let inside = late.join().expect("loom reports panics itself");
        assert!(inside || !goes_in, "it had the time");
        assert!(!queue.is_busy(), "a ticket is served to nobody");
        assert_eq!(touched(data), line + usize::from(inside));
    });
}

/// Waits beside the line, and then in it.
fn waits_for_the_doorway<R: Room>(queue: &TicketQueue<R>, places: &Places) -> bool {
    let hand = TicketInHand::new(queue);
    Attempt::<_, _, Sleep>::enter_until(&hand, NO_SLOT, places, &Never)
        .is_some_and(|attempt| attempt.wait_until(&Never))
}

/// The same with little time.
fn is_impatient_at_the_doorway<R: Room>(queue: &TicketQueue<R>, places: &Places) -> bool {
    let (hand, deadline) = (TicketInHand::new(queue), Patience::new(2));
    Attempt::<_, _, Sleep>::enter_until(&hand, NO_SLOT, places, &deadline)
        .is_some_and(|attempt| attempt.wait_until(&deadline))
}

/// Takes a ticket that it could not withdraw at once, and steps out of the line all the same.
fn steps_out<R: Room>(queue: &TicketQueue<R>, places: &Places) -> bool {
    let hand = TicketInHand::new(queue);
    drop(Attempt::<_, _, Sleep>::enter(&hand, NO_SLOT, places, Intent::Stay));
    false
}

/// Steps out of the line, some times, and stands in it again, until its turn.
fn stands_behind_its_own<const TIMES: usize>(queue: &TicketQueue<Rows>, places: &Places) -> bool {
    (0..TIMES).for_each(|_| _ = steps_out(queue, places));
    waits_for_the_doorway(queue, places)
}

/// Leaves a ticket in line between two that it steps out of: two rows, of which the second is seen
/// when the first is gone.
fn leaves_two_rows(queue: &TicketQueue<Rows>, places: &Places) -> bool {
    steps_out(queue, places);
    let hand = TicketInHand::new(queue);
    let stays = Attempt::<_, _, Sleep>::enter(&hand, NO_SLOT, places, Intent::Stay);
    steps_out(queue, places);
    stays.expect("open to those who stay").wait();
    true
}

/// Whether the doorway is closed behind a line that nobody leaves, for all whose attempts may be
/// withdrawn and for nobody else.
fn closed_behind(line: usize) -> bool {
    let (queue, places) = (TicketQueue::starting_at(FIRST), Places::new());
    let enter = |intent| {
        let hand = TicketInHand::new(&queue);
        Attempt::<_, _, Sleep>::enter(&hand, NO_SLOT, &places, intent).map(core::mem::forget)
    };
    (0..line).for_each(|_| enter(Intent::Stay).expect("open to those who stay"));
    enter(Intent::MayWithdraw) == Err(DoorwayClosed)
}

models! {
    "ticket"
    /// 2 threads, 1 round, exhaustive.
    locking_2: against(1, exhaustive(1), locks);
    /// 2 threads, 2 rounds, 3 preemptions.
    locking_2_again: against(1, preemptions(2, 3), locks);
    /// 3 threads, 1 round, 2 preemptions.
    locking_3: against(2, preemptions(1, 2), locks);
    /// 2 threads, 1 round, exhaustive.
    trying_2: against(1, exhaustive(1), RawTicket::try_lock);
    /// 3 threads, 2 rounds, 1 preemption.
    trying_3: against(2, preemptions(2, 1), RawTicket::try_lock);
    /// 2 threads, 1 round, exhaustive.
    impatient_2: against(1, exhaustive(1), is_impatient);
    /// 3 threads, 1 round, 2 preemptions.
    impatient_3: against(2, preemptions(1, 2), is_impatient);
    /// 1 thread.
    closed: check(exhaustive(1), || {
        assert!(!closed_behind(WINDOW - 1));
        assert!(closed_behind(WINDOW));
    });
    /// 2 threads, a line of 16, 1 preemption.
    opened: behind(WINDOW, preemptions(1, 1), || NoRoom, waits_for_the_doorway, true);
    /// 2 threads, a line of 16, 2 preemptions.
    closed_to_the_impatient:
        behind(WINDOW, preemptions(1, 2), || NoRoom, is_impatient_at_the_doorway, false);
    /// 2 threads, a line of 17, 1 preemption.
    stepped_out: behind(WINDOW + 1, preemptions(1, 1), || NoRoom, steps_out, false);
    /// The same with room, 2 preemptions.
    noted: behind(WINDOW + 1, preemptions(1, 2), room, steps_out, false);
    /// 2 threads, a line of 16, 2 preemptions.
    impatient_far: behind(WINDOW, preemptions(1, 2), room, is_impatient_at_the_doorway, false);
    /// 2 threads, a line of 16, 1 preemption.
    behind_a_row: behind(WINDOW, preemptions(1, 1), room, stands_behind_its_own::<2>, true);
    /// 2 threads, a line of 16, 2 preemptions.
    two_rows: behind(WINDOW, preemptions(1, 2), room, leaves_two_rows, true);
}
