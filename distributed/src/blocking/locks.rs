//! The locks of an engine, by their names.

use super::runtime::run;
use super::{Blocking, Client, Election, Mutex, Observer, RwLock, Semaphore};
use crate::{Competitor, Options, Result};

#[expect(
    clippy::missing_errors_doc,
    reason = "they are those of `connect`, and of the async client's methods"
)]
impl Client {
    /// The one that this makes, of an engine made by hand for instance. What it needs of an async runtime is
    /// there.
    pub fn new(make: impl FnOnce() -> Result<crate::Client>) -> Result<Self> {
        run(async { make() }).map(Blocking)
    }

    /// [`mutex`](crate::Client::mutex).
    pub fn mutex(&self, name: &str) -> Result<Mutex> {
        self.0.mutex(name).map(Blocking)
    }

    /// [`rw_lock`](crate::Client::rw_lock).
    pub fn rw_lock(&self, name: &str) -> Result<RwLock> {
        self.0.rw_lock(name).map(Blocking)
    }

    /// [`semaphore`](crate::Client::semaphore).
    pub fn semaphore(&self, name: &str, permits: usize) -> Result<Semaphore> {
        self.0.semaphore(name, permits).map(Blocking)
    }

    /// [`election`](crate::Client::election).
    pub fn election(&self, name: &str) -> Result<Election> {
        self.0.election(name).map(Blocking)
    }
}

macro_rules! with {
    ($($lock:ident)*) => {
        $(
            impl $lock {
                /// The same, with other [`Options`] for those who join by this value.
                pub fn with(self, options: Options) -> Self {
                    Self(self.0.with(options))
                }
            }
        )*
    };
}

with! { Mutex RwLock Semaphore Election }

impl Election {
    /// [`observe`](crate::Election::observe).
    pub fn observe(&self) -> Observer {
        Blocking(self.0.observe())
    }
}

/// Never ends: each item is what [`next`](crate::Observer::next) gives, once it is there.
impl Iterator for Observer {
    type Item = Result<Option<Competitor>>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(run(self.0.next()))
    }
}
