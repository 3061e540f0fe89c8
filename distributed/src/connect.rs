//! An engine, by its address.

use std::sync::Arc;

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
/// It connects when it is asked for something.
///
/// # Errors
///
/// [`Error::BadUrl`].
pub fn connect(url: &str) -> Result<Client> {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    match scheme {
        #[cfg(feature = "consul")]
        "consul" => {
            let rest = url.trim_start_matches("consul://");
            let (agents, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let (prefix, option) = prefix.split_once('?').unwrap_or((prefix, ""));
            let agents: Vec<_> = agents.split(',').map(str::to_owned).collect();
            let consul = crate::engines::consul::Consul::new(&agents, prefix)?;
            match option {
                "" => Ok(Client::new(consul)),
                "usual-key" => Ok(Client::new(consul.with_usual_key())),
                _ => Err(Error::BadUrl {
                    url: url.to_owned(),
                    why: "the only option is ?usual-key".to_owned(),
                }),
            }
        }
        #[cfg(feature = "dynamodb")]
        "dynamodb" => {
            let rest = url.trim_start_matches("dynamodb://");
            let (servers, table) = rest.split_once('/').unwrap_or((rest, ""));
            let (table, pace) = table.split_once("?pace=").unwrap_or((table, "50ms"));
            let pace = pace.strip_suffix("ms").and_then(|pace| pace.parse().ok());
            let pace = pace.map(std::time::Duration::from_millis).ok_or_else(|| Error::BadUrl {
                url: url.to_owned(),
                why: "the pace is a number of milliseconds, as in ?pace=50ms".to_owned(),
            })?;
            let servers: Vec<_> = servers.split(',').map(str::to_owned).collect();
            let table = crate::engines::dynamodb::DynamoDb::new(&servers, table)?;
            Ok(Client::new(table.pace(pace)))
        }
        #[cfg(feature = "etcd")]
        "etcd" => {
            let rest = url.trim_start_matches("etcd://");
            let (servers, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let servers: Vec<_> =
                servers.split(',').map(|server| format!("http://{server}")).collect();
            Ok(Client::new(crate::engines::etcd::Etcd::new(&servers, prefix)?))
        }
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => Ok(Client::new(crate::engines::postgres::Postgres::new(url)?)),
        #[cfg(feature = "zookeeper")]
        "zookeeper" => {
            let rest = url.trim_start_matches("zookeeper://");
            let (servers, directory) = rest.split_once('/').unwrap_or((rest, ""));
            Ok(Client::new(crate::engines::zookeeper::ZooKeeper::new(servers, directory)?))
        }
        _ => Err(Error::BadUrl {
            // What follows may have a password in it.
            url: format!("{scheme}://..."),
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
