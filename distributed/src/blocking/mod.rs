//! The same locks for programs without an async runtime: each call blocks the thread that makes it.
//!
//! ```no_run
//! use bakery_distributed::{Error, blocking::connect};
//!
//! # fn write_under(_: u64) {}
//! # fn main() -> Result<(), Error> {
//! let lines = connect("etcd://10.0.0.1:2379,10.0.0.2:2379,10.0.0.3:2379")?.mutex("lines")?;
//! let mut me = lines.join()?;
//! let guard = me.lock()?;
//! guard.on_lost(|| eprintln!("another one may be inside"));
//! write_under(guard.token());
//! guard.unlock()?;
//! me.leave()
//! # }
//! ```
//!
//! The names are those of the async forms, and each value here is one of those in a [`Blocking`], which it
//! derefs to: so a guard has the same [`token`](crate::Guard::token), [`is_lost`](crate::Guard::is_lost),
//! [`time_left`](crate::Guard::time_left) and [`death`](crate::Guard::death). Each method says which one it
//! stands for; the errors are the same. [`lost`](Blocking::lost) is what a thread waits on, and
//! [`on_lost`](Blocking::on_lost) needs none.
//!
//! **One thread** of this crate does what goes on meanwhile: it renews the sessions of all participants of
//! the process, and leaves what was dropped. The first call starts it; it stays until the process ends.
//!
//! **In an async runtime** a call works as everywhere, and blocks the thread as everywhere: other tasks of that
//! thread stand still meanwhile. If one of them is the holder, that is until its lease is over. Use the async
//! forms there, or tokio's `spawn_blocking`.
//!
//! **In a process that was forked off** one that has used this, there is no such thread, and each call fails
//! with [`Error::Forked`](crate::Error::Forked). Fork before the first call, or start another program.

mod forms;
mod guard;
mod locks;
mod lost;
mod owned;
mod runtime;

use std::ops::Deref;

use crate::Result;

pub use lost::{End, Lost};

/// A form of this crate whose methods block.
#[must_use = "dropped, it gives up what it stands for"]
#[derive(Clone, Debug)]
pub struct Blocking<T>(T);

/// An engine's locks.
pub type Client = Blocking<crate::Client>;
/// A lock of a name.
pub type Mutex = Blocking<crate::Mutex>;
/// A lock that is shared by readers.
pub type RwLock = Blocking<crate::RwLock>;
/// A lock for several at a time.
pub type Semaphore = Blocking<crate::Semaphore>;
/// An election of a name.
pub type Election = Blocking<crate::Election>;
/// One who looks on.
pub type Observer = Blocking<crate::Observer>;
/// One participant of a [`Mutex`].
pub type Participant = Blocking<crate::Participant>;
/// One participant of a [`RwLock`].
pub type RwParticipant = Blocking<crate::RwParticipant>;
/// One participant of a [`Semaphore`].
pub type SemaphoreParticipant = Blocking<crate::SemaphoreParticipant>;
/// One who would lead.
pub type Candidate = Blocking<crate::Candidate>;
/// A participant that has its place in the line.
pub type Waiting<'p> = Blocking<crate::Waiting<'p>>;
/// A participant inside.
pub type Guard<'p> = Blocking<crate::Guard<'p>>;
/// A participant inside, with the guard as its owner.
pub type OwnedGuard<P = crate::Participant> = Blocking<crate::OwnedGuard<P>>;
/// One who leads.
pub type Leadership<'p> = Blocking<crate::Leadership<'p>>;

/// [`connect`](crate::connect), for calls that block.
///
/// # Errors
///
/// As there, and [`NoThread`](crate::Error::NoThread) or [`Forked`](crate::Error::Forked).
pub fn connect(url: &str) -> Result<Client> {
    Client::new(|| crate::connect(url))
}

impl<T> Deref for Blocking<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
