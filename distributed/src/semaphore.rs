//! A lock for several at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::engine::{Engine, Line, Mode};
use crate::life::Life;
use crate::{Guard, Mutex, Options, Participant, Result, Status};

/// A counting semaphore of a name: up to so many holders at a time, first come first served.
///
/// Whoever wants a permit waits at a door, which is the line of the [`Mutex`] of this name. The one that is
/// in the door watches the permits, and nobody else does: it takes one as soon as there is one, and gives
/// the door to the next. The permits are the line `NAME.permits`.
///
/// Everybody has to say the same number of permits.
#[derive(Clone, Debug)]
pub struct Semaphore {
    door: Mutex,
    held: Mutex,
    permits: usize,
}

impl Semaphore {
    /// The semaphore of this name, with so many permits.
    ///
    /// # Errors
    ///
    /// [`Error::BadName`](crate::Error::BadName): see [`check_name`](crate::check_name). The name has 8 bytes
    /// less than that says.
    pub fn new(engine: Arc<dyn Engine>, name: &str, permits: usize) -> Result<Self> {
        let door = Mutex::new(engine.clone(), name)?;
        let held = Mutex::new(engine, &format!("{name}.permits"))?;
        Ok(Self { door, held, permits }.with(Options::default()))
    }

    /// The same semaphore, with other [`Options`] for those who join by this value; without poisoning in any
    /// case.
    #[must_use]
    pub fn with(self, options: Options) -> Self {
        let options = options.poisoning(false);
        let (door, held) = (self.door.with(options.clone()), self.held.with(options));
        Self { door, held, ..self }
    }

    /// Becomes a participant: opens two sessions, one for the door and one for a permit.
    ///
    /// # Errors
    ///
    /// As [`Mutex::join`].
    pub async fn join(&self) -> Result<SemaphoreParticipant> {
        let (door, mut holder) = (self.door.join().await?, self.held.join().await?);
        holder.set_mode(Mode::Shared);
        Ok(SemaphoreParticipant { semaphore: self.clone(), door, holder })
    }

    /// Who has a permit, and who waits for one, in order.
    ///
    /// # Errors
    ///
    /// As [`Mutex::status`].
    pub async fn status(&self) -> Result<Status> {
        let (door, held) = (self.door.look().await?, self.held.look().await?);
        let queue = door.inside.into_iter().chain(door.queue).collect();
        Ok(Status::of(self.door.name(), Line { inside: held.inside, queue, deaths: Vec::new() }))
    }

    fn has_permits(&self, held: &Line) -> bool {
        held.inside.len() + held.queue.len() < self.permits
    }

    /// Waits until there is a permit. For the one that is in the door.
    async fn permit(&self) -> Result<()> {
        loop {
            let seen = async {
                let held = self.held.look().await?;
                if self.has_permits(&held) {
                    return Ok(true);
                }
                self.held.changed(&held).await.map(|()| false)
            };
            match seen.await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) if error.is_passing() => sleep(Life::PAUSE).await,
                Err(error) => return Err(error),
            }
        }
    }
}

/// One participant of a [`Semaphore`], with at most one permit at a time.
#[derive(Debug)]
pub struct SemaphoreParticipant {
    semaphore: Semaphore,
    door: Participant,
    holder: Participant,
}

impl SemaphoreParticipant {
    /// Waits for a permit. The guard is one as of any other lock; its token grows from holder to holder.
    ///
    /// # Errors
    ///
    /// As [`Participant::lock`].
    pub async fn acquire(&mut self) -> Result<Guard<'_>> {
        let door = self.door.lock().await?;
        tokio::select! {
            there_is_one = self.semaphore.permit() => there_is_one?,
            () = door.lost() => return Err(door.error_of_loss()),
        }
        pass(door, &mut self.holder).await
    }

    /// Takes a permit if there is one and nobody waits for it.
    ///
    /// # Errors
    ///
    /// As [`Participant::lock`].
    pub async fn try_acquire(&mut self) -> Result<Option<Guard<'_>>> {
        match try_door(&mut self.door, &self.semaphore).await? {
            Some(door) => pass(door, &mut self.holder).await.map(Some),
            None => Ok(None),
        }
    }

    /// Waits for a permit, but not longer than this: `None` if the time is over. A permit that nobody waits
    /// for is taken even with a timeout of zero.
    ///
    /// # Errors
    ///
    /// As [`Participant::lock`].
    pub async fn acquire_for(&mut self, time: Duration) -> Result<Option<Guard<'_>>> {
        if let Some(door) = try_door(&mut self.door, &self.semaphore).await? {
            return pass(door, &mut self.holder).await.map(Some);
        }
        timeout(time, self.acquire()).await.map_or(Ok(None), |guard| guard.map(Some))
    }

    /// [`Participant::leave`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn leave(self) -> Result<()> {
        self.door.leave().await?;
        self.holder.leave().await
    }

    pub(crate) fn line(&self) -> &str {
        self.door.line()
    }
}

/// Goes into the door if nobody is in it and there is a permit.
async fn try_door<'d>(
    door: &'d mut Participant,
    semaphore: &Semaphore,
) -> Result<Option<Guard<'d>>> {
    let Some(door) = door.try_lock().await? else { return Ok(None) };
    if semaphore.has_permits(&semaphore.held.look().await?) {
        return Ok(Some(door));
    }
    door.unlock().await.map(|()| None)
}

/// Takes a permit, and then leaves the door.
async fn pass<'p>(door: Guard<'_>, holder: &'p mut Participant) -> Result<Guard<'p>> {
    let guard = holder.lock().await?;
    // If the door was still one's own after that, nobody else has taken a permit since one counted them.
    while let Err(error) = door.check().await {
        if door.is_lost() {
            return Err(error);
        }
        sleep(Life::PAUSE).await;
    }
    door.unlock().await?;
    Ok(guard)
}
