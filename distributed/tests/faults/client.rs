//! A process that locks and unlocks until it is told to end, in whatever way.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Result, bail};
use bakery_distributed::{Error, Guard, Mutex, Options, Participant, connect};
use fastrand::Rng;
use tokio::time::{Instant, sleep, timeout};

use crate::events::{Event, Log, nanos, now};
use crate::storm::TTL;

struct Client {
    log: Log,
    random: Rng,
}

/// The words are the address, the lock's name, the log's path and a seed.
pub fn run(words: &[String]) -> Result<()> {
    let [url, name, path, seed] = words else { bail!("not the words that are needed") };
    let is_over = Arc::new(AtomicBool::new(false));
    let ends = is_over.clone();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        ends.store(true, Relaxed);
    });
    let mutex = connect(url)?.mutex(name)?.with(Options::default().ttl(TTL));
    let mut client =
        Client { log: Log::open(Path::new(path))?, random: Rng::with_seed(seed.parse()?) };
    tokio::runtime::Runtime::new()?.block_on(async {
        while !is_over.load(Relaxed) {
            client.take_part(&mutex, &is_over).await;
        }
        client.end(&mutex).await;
    });
    Ok(())
}

/// Whether it is what faults may cause.
fn is_expected(error: &Error) -> bool {
    matches!(error, Error::Lost { .. } | Error::Unreachable { .. } | Error::Silent { .. })
}

impl Client {
    fn say(&self, event: &Event) {
        self.log.write(now(), event);
    }

    fn bad(&self, what: &Error) {
        self.say(&Event::Bad { what: format!("{what:?}") });
    }

    /// One session, or a few if it is lost meanwhile.
    async fn take_part(&mut self, mutex: &Mutex, is_over: &AtomicBool) {
        let mut me = match mutex.join().await {
            Ok(me) => me,
            Err(error) => {
                if !is_expected(&error) {
                    self.bad(&error);
                }
                return sleep(Duration::from_millis(50)).await;
            }
        };
        for _ in 0..self.random.u32(1..60) {
            if is_over.load(Relaxed) {
                break;
            }
            self.attempt(&mut me).await;
            sleep(Duration::from_millis(self.random.u64(0..20))).await;
        }
        match me.leave().await {
            Err(error) if !is_expected(&error) => self.bad(&error),
            _ => {}
        }
    }

    async fn attempt(&mut self, me: &mut Participant) {
        self.say(&Event::Asks);
        let got = match self.random.u32(0..10) {
            0 => me.try_lock().await,
            1 => me.lock_for(Duration::from_millis(self.random.u64(0..500))).await,
            2 | 3 => {
                // Given up wherever it is.
                let patience = Duration::from_micros(self.random.u64(0..100_000));
                timeout(patience, me.lock()).await.map_or(Ok(None), |got| got.map(Some))
            }
            4 => me.lock().await.map(Some),
            _ => self.lock_or_repair(me).await.map(Some),
        };
        match got {
            Ok(Some(guard)) => self.hold(guard).await,
            Ok(None) => self.say(&Event::Without),
            Err(Error::OwnerDied { death, .. }) => {
                self.say(&Event::Told { token: death.token });
                self.say(&Event::Without);
            }
            Err(error) if is_expected(&error) => {
                self.say(&Event::Without);
                sleep(Duration::from_millis(20)).await;
            }
            Err(error) => self.bad(&error),
        }
    }

    async fn lock_or_repair<'p>(&self, me: &'p mut Participant) -> Result<Guard<'p>, Error> {
        let repair = async |death: bakery_distributed::Death| {
            self.say(&Event::Told { token: death.token });
            Ok::<_, Error>(())
        };
        me.lock_or_repair(repair).await
    }

    /// Says so if the guard says that it is held; or that it is lost.
    fn is_held(&self, guard: &Guard<'_>, event: impl FnOnce(u64) -> Event) -> bool {
        // The clock first: it was held then, and is for as long as the guard says from now on.
        let at = now();
        let left = guard.time_left();
        if left.is_zero() {
            self.say(&Event::Lost);
            return false;
        }
        self.log.write(at, &event(nanos(left)));
        true
    }

    async fn hold(&mut self, guard: Guard<'_>) {
        let millis = match self.random.u32(0..30) {
            0 => self.random.u64(0..8000),
            1..8 => self.random.u64(0..200),
            _ => self.random.u64(0..10),
        };
        let end = Instant::now() + Duration::from_millis(millis);
        let token = guard.token();
        let mut is_held = self.is_held(&guard, |left| Event::In { token, left });
        while is_held && Instant::now() < end {
            sleep(Duration::from_millis(5)).await;
            is_held = self.is_held(&guard, |left| Event::Still { left });
        }
        is_held = is_held && self.is_held(&guard, |_| Event::Leaves);
        let lost = guard.lost();
        let left = guard.unlock().await;
        match left {
            Err(error) if !is_expected(&error) => self.bad(&error),
            Ok(()) if is_held && timeout(Duration::ZERO, lost).await.is_err() => {
                self.say(&Event::Out);
            }
            _ if is_held => self.say(&Event::Lost),
            _ => {}
        }
    }

    /// Once more, when all is well again.
    async fn end(&mut self, mutex: &Mutex) {
        loop {
            let Ok(mut me) = mutex.join().await else { continue };
            self.say(&Event::Asks);
            let Ok(guard) = self.lock_or_repair(&mut me).await else {
                self.say(&Event::Without);
                continue;
            };
            self.hold(guard).await;
            let _ = me.leave().await;
            return self.say(&Event::Done);
        }
    }
}
