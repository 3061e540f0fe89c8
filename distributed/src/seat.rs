//! A participant's place: one session, and at most one attempt of it in a line or inside.
//!
//! What changes the place runs to its end in a task of its own, whatever becomes of the future that asked
//! for it; and one after the other. So whoever withdraws does so after the entry has come back, and no
//! entry is left behind.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::{sleep, timeout};

use crate::engine::{Engine, Me, Mode, Patience, Turn};
use crate::life::Life;
use crate::{Death, Error, Options, Result};

#[derive(Debug)]
pub(crate) struct Seat {
    engine: Arc<dyn Engine>,
    line: Arc<str>,
    pub(crate) options: Options,
    runtime: Handle,
    attempts: AtomicU64,
    place: Arc<Mutex<Place>>,
}

#[derive(Debug)]
struct Place {
    life: Arc<Life>,
    standing: Option<Standing>,
    /// An entry was asked for and nobody knows whether it will come yet: only the session's end is sure
    /// to take it away.
    is_in_doubt: bool,
}

/// What an attempt asks for.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) mode: Mode,
    pub(crate) note: Arc<str>,
}

/// An attempt that may have its place.
#[derive(Clone, Debug)]
struct Standing {
    me: Arc<Me>,
    /// When it leaves, what others left half-written counts as repaired.
    clear: Arc<AtomicBool>,
}

impl Seat {
    pub(crate) async fn join(
        engine: Arc<dyn Engine>,
        name: Arc<str>,
        options: Options,
    ) -> Result<Arc<Self>> {
        let life = Life::begin(&*engine, &options.who, options.ttl).await?;
        let place = Place { life, standing: None, is_in_doubt: false };
        Ok(Arc::new(Self {
            engine,
            line: name,
            options,
            runtime: Handle::current(),
            attempts: AtomicU64::new(1),
            place: Arc::new(Mutex::new(place)),
        }))
    }

    /// Runs this to its end, on what the place is then.
    async fn run<T: Send + 'static, F>(
        self: &Arc<Self>,
        step: impl FnOnce(Arc<Self>, OwnedMutexGuard<Place>) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let place = self.place.clone().lock_owned().await;
        let task = self.runtime.spawn(step(self.clone(), place));
        task.await.unwrap_or_else(|_| Err(Error::NoRuntime { line: self.line.to_string() }))
    }

    /// Enters the line.
    pub(crate) async fn enter(
        self: &Arc<Self>,
        ask: &Ask,
        patience: Patience,
    ) -> Result<(Attempt, Turn)> {
        let Ask { mode, note } = ask.clone();
        let number = self.attempts.fetch_add(1, Relaxed);
        // From here on the place is left when this is dropped.
        let clear = Arc::new(AtomicBool::new(false));
        let claim = Claim { seat: self.clone(), number, clear: clear.clone() };
        let entered = self.run(move |seat, mut place| async move {
            place.settle(&seat).await?;
            let me = Arc::new(Me {
                line: seat.line.clone(),
                attempt: number,
                mode,
                is_recorded: seat.options.is_recorded && mode == Mode::Exclusive,
                who: seat.options.who.clone(),
                note,
                since: SystemTime::now(),
                order: OnceLock::new(),
            });
            place.standing = Some(Standing { me: me.clone(), clear });
            let life = place.life.clone();
            loop {
                match life.ask(life.session.enter(&me, patience)).await {
                    Ok(turn) => {
                        if turn == Turn::Out && !place.is_in_doubt {
                            place.standing = None;
                        }
                        return Ok((life, me, turn));
                    }
                    Err(error) if error.is_passing() => place.is_in_doubt = true,
                    Err(error) => return Err(error),
                }
                if life.lease.is_over() {
                    return Err(seat.lost());
                }
                sleep(Life::PAUSE).await;
            }
        });
        let (life, me, turn) = entered.await?;
        Ok((Attempt { claim, life, me }, turn))
    }

    /// Takes the attempt's place out of the line, if it has not been done.
    async fn leave(self: &Arc<Self>, number: u64) -> Result<()> {
        self.run(move |_, mut place| async move {
            match &place.standing {
                Some(standing) if standing.me.attempt == number => place.leave().await,
                _ => Ok(()),
            }
        })
        .await
    }

    /// Ends the session, in the background.
    pub(crate) fn abandon(self: &Arc<Self>) {
        let seat = self.clone();
        self.runtime.spawn(async move { seat.close().await });
    }

    pub(crate) fn line(&self) -> &str {
        &self.line
    }

    /// Ends the session.
    pub(crate) async fn close(self: &Arc<Self>) -> Result<()> {
        self.run(|_, mut place| async move {
            let left = place.leave().await;
            place.life.close().await;
            left
        })
        .await
    }

    fn lost(&self) -> Error {
        Error::Lost { line: self.line.to_string() }
    }
}

impl Place {
    /// Leaves what a forgotten guard has left, and takes another session if this one is over.
    async fn settle(&mut self, seat: &Seat) -> Result<()> {
        self.leave().await?;
        if self.life.lease.is_over() {
            self.life.close().await;
            let Options { who, ttl, .. } = &seat.options;
            self.life = Life::begin(&*seat.engine, who, *ttl).await?;
        }
        Ok(())
    }

    /// Leaves, or knows that the place is gone with the session.
    async fn leave(&mut self) -> Result<()> {
        let (life, Some(Standing { me, clear })) = (&self.life, &self.standing) else {
            return Ok(());
        };
        let left = loop {
            match life.ask(life.session.leave(me, clear.load(Relaxed))).await {
                Err(error) if error.is_passing() && !life.lease.is_over() => {}
                Err(_) if life.lease.is_over() => break Ok(()),
                left => break left,
            }
            sleep(Life::PAUSE).await;
        };
        if left.is_err() || self.is_in_doubt {
            life.close().await;
            self.is_in_doubt = false;
        }
        self.standing = None;
        left
    }
}

/// The answer to what is asked again and again, until the lease is over.
async fn insist<T, F>(seat: &Seat, life: &Life, ask: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    loop {
        match life.ask(ask()).await {
            Err(error) if error.is_passing() => {}
            answer => return answer,
        }
        if life.lease.is_over() {
            return Err(seat.lost());
        }
        sleep(Life::PAUSE).await;
    }
}

/// An attempt's right to its place. Dropped, it leaves.
#[derive(Debug)]
struct Claim {
    seat: Arc<Seat>,
    number: u64,
    clear: Arc<AtomicBool>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        let (seat, number) = (self.seat.clone(), self.number);
        self.seat.runtime.spawn(async move { seat.leave(number).await });
    }
}

/// An attempt in line or inside. Dropped, it leaves.
#[derive(Debug)]
pub(crate) struct Attempt {
    claim: Claim,
    pub(crate) life: Arc<Life>,
    me: Arc<Me>,
}

impl Attempt {
    /// Waits until it is in.
    pub(crate) async fn wait(&self, mut turn: Turn) -> Result<(u64, Vec<Death>)> {
        let life = &self.life;
        loop {
            let before = match turn {
                Turn::Mine { token, deaths } => {
                    self.prove().await?;
                    return Ok((token, deaths));
                }
                Turn::Out => {
                    // Whatever took it away, this session is no good any more.
                    life.lease.end();
                    return Err(self.lost());
                }
                Turn::Blocked(before) => before,
            };
            // However silent the engine, there is a look now and then.
            let wait = timeout(life.lease.ttl() / 2, life.session.wait(&self.me, &before));
            tokio::select! {
                waited = wait => match waited {
                    Ok(Err(error)) if error.is_passing() => sleep(Life::PAUSE).await,
                    Ok(Err(error)) => return Err(error),
                    Ok(Ok(())) | Err(_) => {}
                },
                () = life.lease.over() => return Err(self.lost()),
            }
            turn = self.look().await?;
        }
    }

    /// Whose turn it is.
    async fn look(&self) -> Result<Turn> {
        let (life, me) = (self.life.clone(), self.me.clone());
        let look = self.claim.seat.run(move |seat, place| async move {
            // Nobody leaves meanwhile.
            let _place = place;
            insist(&seat, &life, || life.session.poll(&me)).await
        });
        look.await
    }

    /// Comes back when the place in line is certain.
    pub(crate) async fn placed(&self) -> Result<()> {
        let (life, me) = (&self.life, &self.me);
        insist(&self.claim.seat, life, || life.session.placed(me)).await
    }

    /// Makes sure that the lease is not older than the way in.
    async fn prove(&self) -> Result<()> {
        let mut is_sure = self.life.lease.is_sure();
        while !self.life.lease.is_over() {
            if is_sure {
                return Ok(());
            }
            match self.life.ask(self.life.prove()).await {
                Ok(()) => is_sure = true,
                Err(_) => sleep(Life::PAUSE).await,
            }
        }
        Err(self.lost())
    }

    /// Asks the engine whether it is still inside.
    pub(crate) async fn check(&self) -> Result<()> {
        let life = &self.life;
        if !life.lease.is_over() && life.ask(life.session.holds(&self.me)).await? {
            // The lease may have ended meanwhile.
            if !life.lease.is_over() {
                return Ok(());
            }
        }
        life.lease.end();
        Err(self.lost())
    }

    /// Has the others see this.
    pub(crate) async fn say(&self, note: &str) -> Result<()> {
        let (life, me, note) = (self.life.clone(), self.me.clone(), note.to_owned());
        let said = self.claim.seat.run(move |seat, place| async move {
            // Nobody leaves meanwhile.
            let _place = place;
            insist(&seat, &life, || life.session.say(&me, &note)).await
        });
        said.await
    }

    /// Leaves.
    pub(crate) async fn leave(self) -> Result<()> {
        self.claim.seat.leave(self.claim.number).await
    }

    /// When it leaves, in whatever way, what others left half-written counts as repaired.
    pub(crate) fn clear(&self) {
        self.claim.clear.store(true, Relaxed);
    }

    pub(crate) fn lost(&self) -> Error {
        self.claim.seat.lost()
    }

    pub(crate) fn line(&self) -> &str {
        &self.me.line
    }
}
