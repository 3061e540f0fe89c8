//! Where a test takes place: an engine's servers, and a lock that no other test has.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bakery_distributed::{Client, Options, Status, connect};
use bakery_servers::Cluster;
use tokio::time::{Instant, sleep};

/// Longer than anything takes that does not hang.
pub const LIMIT: Duration = Duration::from_mins(1);

/// How long a session lives here that is not renewed: short, so that tests of its end do not take long; and
/// long enough for a busy machine to renew it.
pub const TTL: Duration = Duration::from_secs(4);

pub struct Arena {
    pub engine: &'static str,
    pub url: String,
    /// A name for a lock.
    pub name: &'static str,
}

/// What is one for all tests.
type Shared = Arc<OnceLock<Result<Cluster, String>>>;

fn servers(engine: &'static str) -> Shared {
    static ALL: Mutex<Option<HashMap<&'static str, Shared>>> = Mutex::new(None);
    ALL.lock().unwrap().get_or_insert_default().entry(engine).or_default().clone()
}

/// Runs a test on an engine.
pub fn run<F: Future<Output = anyhow::Result<()>>>(
    engine: &'static str,
    name: &'static str,
    test: impl FnOnce(Arena) -> F,
) {
    let servers = servers(engine);
    let url = match servers.get_or_init(|| Cluster::start(engine).map_err(|why| format!("{why:#}")))
    {
        Ok(cluster) => cluster.url.clone(),
        Err(why) => return skip(&format!("{engine}::{name}: {why}")),
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let tested = runtime.block_on(async {
        tokio::time::timeout(LIMIT * 2, test(Arena { engine, url, name })).await
    });
    tested.expect("it hangs").unwrap();
}

/// Says so where the harness does not hide it.
pub fn skip(what: &str) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Relaxed) + 1;
    let _ = writeln!(std::io::stderr(), "\nSKIPPED ({count}): {what}");
}

impl Arena {
    pub fn client(&self) -> anyhow::Result<Client> {
        Ok(connect(&self.url)?)
    }

    pub fn mutex(&self) -> anyhow::Result<bakery_distributed::Mutex> {
        Ok(self.client()?.mutex(self.name)?.with(options()))
    }

    /// Waits until the status is so.
    pub async fn wait_for(&self, is_so: impl Fn(&Status) -> bool) -> anyhow::Result<Status> {
        let mutex = self.mutex()?;
        let end = Instant::now() + LIMIT;
        loop {
            let status = mutex.status().await?;
            if is_so(&status) {
                return Ok(status);
            }
            anyhow::ensure!(Instant::now() < end, "not within a minute: {status:?}");
            sleep(Duration::from_millis(5)).await;
        }
    }
}

pub fn options() -> Options {
    Options::default().ttl(TTL)
}
