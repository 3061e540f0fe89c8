//! An engine, by its address.

use std::sync::Arc;

use crate::access::{Access, Find};
use crate::address::redacted;
use crate::engine::Engine;
use crate::{Election, Error, Mutex, Result, RwLock, Semaphore};

/// An engine's locks.
#[derive(Clone, Debug)]
pub struct Client {
    engine: Arc<dyn Engine>,
}

/// The engine of this address, if its feature is on:
///
/// - `consul://HOST:PORT,HOST:PORT/PREFIX`; with `?usual-key` beside `consul lock`
/// - `dynamodb://HOST:PORT/TABLE?pace=50ms`
/// - `etcd://HOST:PORT,HOST:PORT/PREFIX`
/// - `postgres://USER@HOST:PORT/DATABASE`
/// - `zookeeper://HOST:PORT,HOST:PORT/DIRECTORY`
///
/// With the feature `tls` it is `consul+tls://`, `dynamodb+tls://`, `etcd+tls://`, `zookeeper+tls://` and
/// `postgres://...?sslmode=verify-full`.
///
/// What the servers are to be shown is in the environment, under the names that the engine's own programs
/// know, or in files that the address names: the README has a table. It connects when it is asked for
/// something.
///
/// # Errors
///
/// [`Error::BadUrl`], and [`Error::BadAccess`]. Neither shows a password that is in the address.
pub fn connect(url: &str) -> Result<Client> {
    // What is not text is not there.
    let variable = |name: &str| std::env::var(name).ok();
    open(url, &|names, is_tls| Access::of_environment(names, is_tls, variable))
}

/// As [`connect`], with what is said here instead of what the environment says. What the address says goes
/// before it.
///
/// # Errors
///
/// As [`connect`].
pub fn connect_with(url: &str, access: &Access) -> Result<Client> {
    open(url, &|_, _| Ok(access.clone()))
}

#[cfg_attr(
    not(any(
        feature = "consul",
        feature = "dynamodb",
        feature = "etcd",
        feature = "postgres",
        feature = "zookeeper"
    )),
    expect(unused_variables, reason = "there is no engine to show it to")
)]
fn open(url: &str, access: Find<'_>) -> Result<Client> {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    match scheme {
        #[cfg(feature = "consul")]
        "consul" | "consul+tls" => Ok(Client::new(crate::engines::consul::from_url(url, access)?)),
        #[cfg(feature = "dynamodb")]
        "dynamodb" | "dynamodb+tls" => {
            Ok(Client::new(crate::engines::dynamodb::from_url(url, access)?))
        }
        #[cfg(feature = "etcd")]
        "etcd" | "etcd+tls" => Ok(Client::new(crate::engines::etcd::from_url(url, access)?)),
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => {
            Ok(Client::new(crate::engines::postgres::from_url(url, access)?))
        }
        #[cfg(feature = "zookeeper")]
        "zookeeper" | "zookeeper+tls" => {
            Ok(Client::new(crate::engines::zookeeper::from_url(url, access)?))
        }
        _ => Err(Error::BadUrl {
            url: redacted(url),
            why: "no engine of this kind has been compiled in; see the features".to_owned(),
        }),
    }
}

impl Client {
    /// The locks of this engine.
    pub fn new(engine: impl Engine) -> Self {
        Self { engine: Arc::new(engine) }
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> Arc<dyn Engine> {
        self.engine.clone()
    }

    /// The lock of this name.
    ///
    /// # Errors
    ///
    /// [`Error::BadName`]: see [`check_name`](crate::check_name).
    pub fn mutex(&self, name: &str) -> Result<Mutex> {
        Mutex::new(self.engine.clone(), name)
    }

    /// The election of this name, whose line is that of the mutex.
    ///
    /// # Errors
    ///
    /// [`Error::BadName`]: see [`check_name`](crate::check_name).
    pub fn election(&self, name: &str) -> Result<Election> {
        Election::new(self.engine.clone(), name)
    }

    /// The semaphore of this name. Everybody has to say the same number of permits.
    ///
    /// # Errors
    ///
    /// [`Error::BadName`]: see [`Semaphore::new`].
    pub fn semaphore(&self, name: &str, permits: usize) -> Result<Semaphore> {
        Semaphore::new(self.engine.clone(), name, permits)
    }

    /// The read/write lock of this name, which is in the same line as its mutex.
    ///
    /// # Errors
    ///
    /// [`Error::BadName`]: see [`check_name`](crate::check_name).
    pub fn rw_lock(&self, name: &str) -> Result<RwLock> {
        RwLock::new(self.engine.clone(), name)
    }
}
