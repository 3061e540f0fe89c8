//! The forms that block, and those who use them.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bakery_distributed::Error;
use bakery_distributed::blocking::{Client, End, Mutex, connect};
use tokio::runtime::Builder;

use crate::arena::{Arena, LIMIT, options};
use crate::{child, disturbed};

fn mutex(arena: &Arena) -> Result<Mutex> {
    Ok(connect(&arena.url)?.mutex(arena.name)?.with(options()))
}

/// Runs this in a thread that has nothing to do with a runtime.
async fn in_a_thread(test: impl FnOnce() -> Result<()> + Send + 'static) -> Result<()> {
    let (tell, told) = tokio::sync::oneshot::channel();
    thread::spawn(move || tell.send(test()));
    told.await.context("it panicked")?
}

/// Waits until so many are in the queue.
fn has_queue(mutex: &Mutex, length: usize) -> Result<()> {
    let end = Instant::now() + LIMIT;
    while mutex.status()?.queue.len() != length {
        ensure!(Instant::now() < end, "not within a minute: {:?}", mutex.status()?);
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

pub async fn threads_wait_in_line_and_leave_it(arena: Arena) -> Result<()> {
    in_a_thread(move || {
        let mutex = mutex(&arena)?;
        let (mut me, mut other) = (mutex.join()?, mutex.join()?);
        let guard = me.lock()?;
        ensure!(!guard.is_lost() && !guard.time_left().is_zero() && guard.death().is_none());
        guard.check()?;
        guard.say("here")?;
        ensure!(other.try_lock()?.is_none());
        for millis in [0, 1, 10, 100] {
            ensure!(other.lock_for(Duration::from_millis(millis))?.is_none());
        }
        ensure!(other.lock_until(Instant::now() + Duration::from_millis(20))?.is_none());
        has_queue(&mutex, 0)?;
        let token = guard.token();
        let waiting = thread::spawn(move || {
            let waiting = other.enter()?;
            let token = waiting.wait()?.token();
            other.leave()?;
            Ok::<_, Error>(token)
        });
        has_queue(&mutex, 1)?;
        guard.unlock()?;
        let next = waiting.join().ok().context("it panicked")??;
        ensure!(next > token);
        let guard = me.lock_or_repair(|_| Ok::<_, Error>(()))?;
        ensure!(guard.token() > next);
        drop(guard);
        Ok(me.leave()?)
    })
    .await
}

pub async fn a_thread_is_told_that_its_lock_is_lost(arena: Arena) -> Result<()> {
    let (client, how) = disturbed::client(&arena)?;
    in_a_thread(move || {
        let mut me = Client::new(|| Ok(client))?.mutex(arena.name)?.with(arena.short()).join()?;
        let guard = me.lock()?;
        let lost = guard.lost()?;
        let (tell, told) = channel();
        let calls = tell.clone();
        guard.on_lost(move || calls.send("called").unwrap())?;
        let waits = lost.clone();
        thread::spawn(move || {
            assert_eq!(waits.wait(), End::Lost);
            tell.send("waited").unwrap();
        });
        let early = lost.wait_for(Duration::from_millis(50));
        if early.is_some() || told.try_recv().is_ok() {
            return Err(arena.lost());
        }
        let mut other = mutex(&arena)?.with(options().poisoning(false)).join()?;
        how.is_mute.store(true, Relaxed);
        let next = other.lock()?;
        // Before the next one is in.
        ensure!(lost.wait_for(Duration::ZERO) == Some(End::Lost) && guard.is_lost());
        let mut words = [told.recv_timeout(LIMIT)?, told.recv_timeout(LIMIT)?];
        words.sort_unstable();
        ensure!(words == ["called", "waited"]);
        let Err(Error::Lost { .. }) = guard.check() else { bail!("it is not held") };
        next.check()?;
        guard.unlock()?;
        next.unlock()?;
        Ok(())
    })
    .await
}

pub async fn whoever_waits_for_the_loss_hears_of_the_unlocking(arena: Arena) -> Result<()> {
    in_a_thread(move || {
        let mut me = mutex(&arena)?.join()?;
        let (tell, told) = channel::<()>();
        let mut kept = Vec::new();
        for is_dropped in [false, true] {
            let guard = me.lock()?;
            let lost = guard.lost()?;
            kept.push(lost.clone());
            let tell = tell.clone();
            guard.on_lost(move || tell.send(()).unwrap())?;
            let waiting = thread::spawn(move || lost.wait());
            if is_dropped {
                drop(guard);
            } else {
                guard.unlock()?;
            }
            ensure!(waiting.join().ok().context("it panicked")? == End::Unlocked);
        }
        // Nor does the end of the session count as a loss.
        me.leave()?;
        ensure!(kept.iter().all(|lost| lost.wait() == End::Unlocked));
        drop(tell);
        ensure!(told.recv_timeout(LIMIT) == Err(RecvTimeoutError::Disconnected), "it was called");
        Ok(())
    })
    .await
}

pub async fn an_async_task_may_block_as_well(arena: Arena) -> Result<()> {
    // More often than a task may do something before it has to yield.
    let blocks = move || -> Result<()> {
        let mut me = mutex(&arena)?.join()?;
        let guard = me.lock()?;
        for number in 0..150 {
            guard.say(&number.to_string())?;
        }
        guard.unlock()?;
        Ok(me.leave()?)
    };
    in_a_thread(move || {
        let one_thread = Builder::new_current_thread().build()?;
        let blocks = one_thread.block_on(async {
            blocks()?;
            tokio::spawn(async move { blocks().map(|()| blocks) }).await?
        })?;
        let several = Builder::new_multi_thread().build()?;
        several.block_on(async {
            let blocks = tokio::spawn(async move { blocks().map(|()| blocks) }).await??;
            tokio::task::spawn_blocking(blocks).await?
        })
    })
    .await
}

pub async fn one_that_blocks_the_holders_own_thread_gets_in_after_its_lease(
    arena: Arena,
) -> Result<()> {
    in_a_thread(move || {
        Builder::new_current_thread().enable_all().build()?.block_on(async {
            let mut holder = arena.mutex()?.with(arena.short()).join().await?;
            let held = holder.lock().await?;
            let mut me = mutex(&arena)?.join()?;
            let Err(Error::OwnerDied { death, .. }) = me.lock() else { bail!("it went in") };
            ensure!(death.token == held.token() && held.is_lost());
            Ok(me.leave()?)
        })
    })
    .await
}

pub async fn every_form_blocks(arena: Arena) -> Result<()> {
    in_a_thread(move || {
        let client = connect(&arena.url)?;
        let lock = client.rw_lock(arena.name)?.with(options());
        let (mut one, mut two) = (lock.join()?, lock.join()?);
        let (first, second) = (one.read()?, two.try_read()?.context("it is shared")?);
        ensure!(lock.status()?.holders.len() == 2);
        let writer = lock.join()?.try_write_owned().unwrap_err();
        ensure!(matches!(writer.error, Error::Busy { .. }));
        first.unlock()?;
        second.unlock()?;
        let held = writer.participant.write_owned()?;
        ensure!(one.read_for(Duration::from_millis(20))?.is_none());
        // It borrows nothing.
        let elsewhere = thread::spawn(move || held.check().and_then(|()| Ok(held.unlock()?)));
        let writer = elsewhere.join().ok().context("it panicked")??;
        one.write_or_repair(|_| Ok::<_, Error>(()))?.unlock()?;
        writer.leave()?;

        let semaphore = client.semaphore(&format!("{}, permits", arena.name), 1)?.with(options());
        let (mut one, mut two) = (semaphore.join()?, semaphore.join()?);
        let permit = one.acquire()?;
        ensure!(two.acquire_for(Duration::from_millis(20))?.is_none());
        permit.unlock()?;
        two.try_acquire()?.context("there is a permit")?.unlock()?;

        let election = client.election(&format!("{}, leader", arena.name))?.with(options());
        let mut observer = election.observe();
        ensure!(observer.next().context("it never ends")??.is_none());
        let mut me = election.join()?;
        let leader = me.campaign("here")?;
        let seen = observer.next().context("it never ends")??.context("nobody leads")?;
        ensure!((seen.token, seen.note.as_str()) == (leader.token(), "here"));
        leader.proclaim("there")?;
        let seen = observer.next().context("it never ends")??.context("nobody leads")?;
        ensure!(seen.note == "there");
        leader.resign()?;
        Ok(())
    })
    .await
}

pub async fn a_process_that_is_forked_off_is_refused(arena: Arena) -> Result<()> {
    child::Process::start(&arena, "forks", &[])?.succeed()
}

/// Holds the lock, and has a child that is forked off ask for it.
pub fn forks(words: &[&str]) -> Result<()> {
    let [url, name] = words else { bail!("not the words that are needed") };
    let mut me = connect(url)?.mutex(name)?.with(options()).join()?;
    let guard = me.lock()?;
    // SAFETY: the child takes no lock that another thread may have held, and ends without cleaning up.
    let forked = unsafe { libc::fork() };
    if forked == 0 {
        // SAFETY: it only sees to the end of one that would hang.
        unsafe { libc::alarm(60) };
        let is_refused = matches!(guard.check(), Err(Error::Forked));
        // SAFETY: nothing is left to do.
        unsafe { libc::_exit(i32::from(!is_refused)) }
    }
    let mut status = -1;
    // SAFETY: `status` is written to.
    let waited = unsafe { libc::waitpid(forked, &raw mut status, 0) };
    ensure!(waited == forked && status == 0, "the child was not refused: {status}");
    guard.check()?;
    guard.unlock()?;
    Ok(me.leave()?)
}
