//! Locking from tasks, on an executor of one thread.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use bakery_lock::shared::{Error, Kind, Mutex, Options, OwnedGuard};

use crate::child::until;
use crate::data::{Ledger, Shared};
use crate::obey::two;

struct Unpark(Thread, AtomicUsize);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.1.fetch_add(1, Relaxed);
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let unpark = Arc::new(Unpark(thread::current(), AtomicUsize::new(0)));
    let waker = Waker::from(unpark);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        // As long as nothing hangs, it is woken.
        thread::park_timeout(Duration::from_mins(1));
    }
}

/// All of them, in turns on this thread.
async fn all(futures: Vec<Pin<Box<dyn Future<Output = ()> + '_>>>) {
    let mut futures = futures;
    poll_fn(|cx| {
        futures.retain_mut(|future| future.as_mut().poll(cx).is_pending());
        if futures.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Comes back once.
async fn yield_now() {
    let mut has_yielded = false;
    poll_fn(|cx| {
        cx.waker().wake_by_ref();
        if std::mem::replace(&mut has_yielded, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// They hold it over an await, on one thread, which none of them blocks.
fn tasks_exclude_each_other(kind: Kind) {
    let mutex = Options::new().kind(kind).anonymous([0_u64, 0]).unwrap();
    let adds = async || {
        for _ in 0..5 {
            let mut guard = mutex.lock_async().await.unwrap();
            assert_eq!(guard[0], guard[1]);
            guard[0] += 1;
            yield_now().await;
            guard[1] += 1;
        }
    };
    let tasks = mutex.slots().min(10) as usize;
    block_on(all((0..tasks).map(|_| Box::pin(adds()) as Pin<Box<_>>).collect()));
    assert_eq!(*mutex.lock().unwrap(), [5 * tasks as u64; 2]);
}

each_kind!(
    tasks_exclude_each_other: bakery Bakery, black_white BlackWhite, fast FastUnrecoverable, peterson Peterson,
    filter Filter, tournament Tournament, ticket Ticket, bypass Bypass
);

/// Polled once: in line, or in.
fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Its place is that of its first poll, and is given up when it is dropped.
#[test]
fn a_task_has_its_place_from_its_first_poll_until_it_is_dropped() {
    let mutex = Options::new().anonymous(0_u64).unwrap();
    let guard = mutex.lock().unwrap();
    let mut never_polled = Box::pin(mutex.lock_async());
    let mut first = Box::pin(mutex.lock_async());
    assert!(poll_once(first.as_mut()).is_pending());
    let mut second = Box::pin(mutex.lock_async());
    assert!(poll_once(second.as_mut()).is_pending());
    let queue = || mutex.status().unwrap().queue.len();
    assert_eq!(queue(), 2);
    drop(second);
    until(|| queue() == 1);
    drop(guard);
    let guard = block_on(first).unwrap();
    assert!(poll_once(never_polled.as_mut()).is_pending());
    drop(guard);
    // Not waited for, and never asked again: whoever is in when its future is dropped leaves.
    until(|| mutex.status().unwrap().holder.is_some());
    drop(never_polled);
    *mutex.lock_for(Duration::from_mins(1)).unwrap().unwrap() += 1;
}

/// It may be sent to other threads, and so may its guard.
#[test]
fn futures_and_guards_are_sent() {
    fn is_sent<T: Send + 'static>(_: &T) {}

    let mutex = Arc::new(Options::new().anonymous(0_u64).unwrap());
    is_sent(&mutex.lock_async());
    let task = async move {
        let guard: OwnedGuard<u64> = mutex.lock_async().await?;
        yield_now().await;
        Ok::<_, Error>(*guard)
    };
    is_sent(&task);
    assert_eq!(thread::spawn(|| block_on(task)).join().unwrap().unwrap(), 0);
}

#[test]
fn a_task_is_told_who_died() {
    let (shared, mut one, _other) = two(Kind::Bakery);
    assert_eq!(one.ask("lock"), "in");
    let mutex: &Mutex<Ledger> = &shared.mutex;
    let mut waits = Box::pin(mutex.lock_async());
    assert!(poll_once(waits.as_mut()).is_pending());
    one.kill();
    assert!(matches!(block_on(waits), Err(Error::OwnerDied { .. })));
    let _: &Shared<Ledger> = &shared;
}
