//! One participant's way in.

use std::path::Path;
use std::time::Duration;

use bakery_distributed::{
    Client, Error, Guard, Options, RwLock, RwParticipant, Semaphore, SemaphoreParticipant, Status,
};

use crate::between::{Between, Driver, refused};
use crate::exit::Failure;
use crate::hold::bytes::Together;
use crate::message::shown;

/// What is asked for.
pub struct Ask<'a> {
    pub name: &'a str,
    /// `None`: alone.
    pub together: Option<Together>,
    /// What others see of it, beside what it is for.
    pub program: &'a std::ffi::OsStr,
}

/// The line of a lock.
#[derive(Clone)]
pub enum Queue {
    Rw(RwLock),
    Jobs(Semaphore),
}

/// A participant of it, with sessions of its own.
#[expect(clippy::large_enum_variant, reason = "there is one")]
pub enum Seat {
    Alone(RwParticipant),
    Shared(RwParticipant),
    Jobs(SemaphoreParticipant),
}

impl Queue {
    /// Nothing is asked of the engine yet.
    ///
    /// # Errors
    ///
    /// The name cannot be one between machines, or the text is too long.
    pub fn of(client: &Client, between: &Between, ask: &Ask<'_>) -> Result<Self, Failure> {
        // Whoever comes after a death is told of it, once.
        let program = Path::new(ask.program).file_name().unwrap_or(ask.program);
        let mut options =
            Options::default().ttl(between.ttl).poisoning(false).called(&program.to_string_lossy());
        if let Some(why) = &between.why {
            options = options.note(&why.to_string_lossy()).map_err(refused)?;
        }
        match ask.together {
            Some(Together::Jobs(jobs)) => {
                let jobs = usize::try_from(jobs).unwrap_or(usize::MAX);
                client.semaphore(ask.name, jobs).map(|line| Self::Jobs(line.with(options)))
            }
            _ => client.rw_lock(ask.name).map(|line| Self::Rw(line.with(options))),
        }
        .map_err(refused)
    }

    pub async fn status(&self) -> Result<Status, Error> {
        match self {
            Self::Rw(line) => line.status().await,
            Self::Jobs(line) => line.status().await,
        }
    }

    pub async fn join(&self, together: Option<Together>) -> Result<Seat, Error> {
        Ok(match self {
            Self::Rw(line) if together.is_some() => Seat::Shared(line.join().await?),
            Self::Rw(line) => Seat::Alone(line.join().await?),
            Self::Jobs(line) => Seat::Jobs(line.join().await?),
        })
    }
}

impl Seat {
    /// Goes in, in order. `None` if the time was over before; without a time it waits as long as it takes.
    pub async fn enter(&mut self, time: Option<Duration>) -> Result<Option<Guard<'_>>, Error> {
        match (self, time) {
            (Self::Alone(me), None) => me.write().await.map(Some),
            (Self::Shared(me), None) => me.read().await.map(Some),
            (Self::Jobs(me), None) => me.acquire().await.map(Some),
            (Self::Alone(me), Some(Duration::ZERO)) => me.try_write().await,
            (Self::Shared(me), Some(Duration::ZERO)) => me.try_read().await,
            (Self::Jobs(me), Some(Duration::ZERO)) => me.try_acquire().await,
            (Self::Alone(me), Some(time)) => me.write_for(time).await,
            (Self::Shared(me), Some(time)) => me.read_for(time).await,
            (Self::Jobs(me), Some(time)) => me.acquire_for(time).await,
        }
    }

    /// Ends the session, and leaves nothing in any line.
    pub async fn leave(self) -> Result<(), Error> {
        match self {
            Self::Alone(me) | Self::Shared(me) => me.leave().await,
            Self::Jobs(me) => me.leave().await,
        }
    }
}

/// Who is in a lock of which it is not known whether it is one of permits: then those are the holders.
///
/// # Errors
///
/// The name is none, or the engine does not answer.
pub fn look(driver: &Driver, client: &Client, name: &str) -> Result<(Status, bool), Failure> {
    let mutex = client.mutex(name).map_err(refused)?;
    driver
        .wait(async {
            // Permits of a name that is too long for them there are none.
            if let Ok(semaphore) = client.semaphore(name, usize::MAX) {
                let status = semaphore.status().await?;
                if !status.holders.is_empty() {
                    return Ok((status, true));
                }
            }
            mutex.status().await.map(|status| (status, false))
        })
        .map_err(refused)
        .map_err(|failure| Failure::new(failure.status, format!("{}: {failure}", shown(name))))
}
