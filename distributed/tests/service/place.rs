//! A service in this process, whose lines are its own.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bakery_distributed::service::{Coordinator, Limits, Policy, Service};
use bakery_distributed::{Client, Error, Mutex, Options, connect};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// Longer than anything takes that does not hang.
pub const LIMIT: Duration = Duration::from_mins(1);

/// No session ends by itself meanwhile.
pub const LONG: Duration = Duration::from_mins(5);

/// Ends when it is dropped.
pub struct Place {
    /// `HOST:PORT`.
    pub address: String,
    task: AbortHandle,
    _data: TempDir,
}

impl Place {
    /// For whoever comes.
    pub async fn start() -> Result<Self> {
        Self::with(Policy::anyone(), |service| service).await
    }

    pub async fn limited(limit: impl FnOnce(&mut Limits)) -> Result<Self> {
        let mut limits = Limits::default();
        limit(&mut limits);
        Self::with(Policy::anyone(), |service| service.limits(limits)).await
    }

    pub async fn with(policy: Policy, with: impl FnOnce(Service) -> Service) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let coordinator = Coordinator::open(&data.path().join("state"))?;
        let service = with(Service::new(Arc::new(coordinator), policy));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let task = tokio::spawn(async move { service.serve(listener).await }).abort_handle();
        Ok(Self { address, task, _data: data })
    }

    /// By the textbook's other form.
    pub async fn iterative() -> Result<Self> {
        let data = tempfile::tempdir()?;
        let coordinator = Coordinator::open(&data.path().join("state"))?;
        let service = Service::new(Arc::new(coordinator), Policy::anyone());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let task = tokio::spawn(async move { service.serve_iteratively(listener).await });
        Ok(Self { address, task: task.abort_handle(), _data: data })
    }

    pub fn client(&self) -> Result<Client, Error> {
        connect(&format!("bakery://{}", self.address))
    }

    pub fn mutex(&self, name: &str) -> Result<Mutex, Error> {
        Ok(self.client()?.mutex(name)?.with(Options::default().ttl(LONG)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Two who go on with their lock whatever another client does: one is inside, and the other one waits.
pub struct Others {
    place: Mutex,
}

impl Others {
    pub fn of(place: &Place) -> Result<Self> {
        Ok(Self { place: place.mutex("others")? })
    }

    /// Does this while they are in line, and sees that they get on.
    pub async fn meanwhile<T>(&self, what: impl Future<Output = Result<T>>) -> Result<T> {
        let (mut one, mut two) = (self.place.join().await?, self.place.join().await?);
        let guard = one.lock().await?;
        let waiting = two.enter().await?;
        let result = what.await?;
        guard.check().await?;
        let token = guard.token();
        guard.unlock().await?;
        let guard = waiting.wait().await?;
        anyhow::ensure!(guard.token() == token + 1, "somebody else has been in this line");
        guard.check().await?;
        guard.unlock().await?;
        one.leave().await?;
        two.leave().await?;
        Ok(result)
    }
}
