//! A service's file: what `bakery-serve` is started with. It is JSON.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::{Coordinator, Grant, Policy, Secure, Service, Spread};
use crate::engine::Engine;
use crate::{Error, Result, connect};

/// What a service is to do.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `HOST:PORT`.
    pub listen: String,
    /// Who keeps the lines.
    pub lines: Lines,
    /// TLS; none if nothing is said.
    pub tls: Option<Files>,
    /// The clients. If nothing is said, whoever reaches the port may do all.
    pub clients: Option<Vec<Grant>>,
}

/// Who keeps the lines.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Lines {
    /// The service itself, as a [`Coordinator`] with this file.
    Coordinator(PathBuf),
    /// The engine of this address.
    Engine(String),
    /// Several engines, and each lock by one of them: see [`Spread`].
    Spread {
        /// What has to be kept.
        file: PathBuf,
        /// Their addresses. An address is a server's for good: one that is changed is another server's.
        servers: Vec<String>,
        /// For how long a session may live without a renewal, in milliseconds. So long nobody gets into the locks that
        /// have moved.
        longest_lease_ms: u64,
    },
}

/// Files with certificates and keys, in PEM.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// The server's certificate, and those between it and its CA.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The CA for clients, if any of them is known by its certificate.
    pub clients: Option<PathBuf>,
}

impl Config {
    /// What is in this file.
    ///
    /// # Errors
    ///
    /// [`Error::BadAccess`] if it cannot be read, or says something else than what may be said.
    pub fn read(path: &Path) -> Result<Self> {
        let bad = |why: String| Error::BadAccess { what: path.display().to_string(), why };
        let text = std::fs::read_to_string(path).map_err(|why| bad(why.to_string()))?;
        serde_json::from_str(&text).map_err(|why| bad(why.to_string()))
    }

    /// The service.
    ///
    /// # Errors
    ///
    /// If something that the file names is of no use.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn service(&self) -> Result<Service> {
        let policy = match &self.clients {
            Some(clients) => Policy::of(clients)?,
            None => Policy::anyone(),
        };
        let service = Service::new(self.lines.engine()?, policy);
        Ok(match &self.tls {
            None => service,
            Some(Files { certificate, key, clients }) => {
                service.secure(Secure::of_files(certificate, key, clients.as_deref())?)
            }
        })
    }
}

impl Lines {
    fn engine(&self) -> Result<Arc<dyn Engine>> {
        match self {
            Self::Coordinator(file) => Ok(Arc::new(Coordinator::open(file)?)),
            Self::Engine(url) => Ok(connect(url)?.engine()),
            Self::Spread { file, servers, longest_lease_ms } => {
                let server = |url: &String| Ok((url.clone(), connect(url)?.engine()));
                let servers = servers.iter().map(server).collect::<Result<Vec<_>>>()?;
                let longest = Duration::from_millis(*longest_lease_ms);
                Ok(Arc::new(Spread::open(file, &servers, longest)?))
            }
        }
    }
}
