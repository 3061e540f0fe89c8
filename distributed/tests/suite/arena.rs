//! Where a test takes place: an engine's servers, and a lock that no other test has.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bakery_distributed::{Client, Error, Guard, Options, Status, connect};
use bakery_servers::Cluster;
use tokio::time::{Instant, sleep};

/// Longer than anything takes that does not hang.
pub const LIMIT: Duration = Duration::from_mins(1);

/// How long a session lives here that is not renewed, where its end is what the test is about. A machine may
/// be too busy to renew it in time: see [`Arena::short`].
pub const TTL: Duration = Duration::from_secs(4);

/// How long it lives elsewhere: no machine is too busy for that.
const LONG: Duration = Duration::from_secs(30);

/// How often a test may begin again.
const TIMES: u32 = 5;

pub struct Arena {
    pub engine: &'static str,
    pub url: String,
    /// A name for a lock.
    pub name: &'static str,
    /// Whether some of its sessions are [short](Self::short).
    pub is_short: Arc<AtomicBool>,
}

/// What is one for all tests.
type Shared = Arc<OnceLock<Result<Cluster, String>>>;

fn servers(engine: &'static str) -> Shared {
    static ALL: Mutex<Option<HashMap<&'static str, Shared>>> = Mutex::new(None);
    ALL.lock().unwrap().get_or_insert_default().entry(engine).or_default().clone()
}

/// Runs a test on an engine. One with [short](Arena::short) sessions begins again if one of them ended before
/// its time, a few times at most.
pub fn run<F: Future<Output = anyhow::Result<()>>>(
    engine: &'static str,
    name: &'static str,
    test: impl Fn(Arena) -> F,
) {
    let servers = servers(engine);
    let url = match servers.get_or_init(|| Cluster::start(engine).map_err(|why| format!("{why:#}")))
    {
        Ok(cluster) => cluster.url.clone(),
        Err(why) => return skip(&format!("{engine}::{name}: {why}")),
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for time in 1.. {
        let line = if time == 1 { name } else { format!("{name}-{time}").leak() };
        let is_short = Arc::<AtomicBool>::default();
        let arena = Arena { engine, url: url.clone(), name: line, is_short: is_short.clone() };
        let limit = LIMIT * 4;
        let tested = runtime.block_on(async { tokio::time::timeout(limit, test(arena)).await });
        match tested.expect("it hangs") {
            Err(error) if is_short.load(Relaxed) && time < TIMES && is_loss(&error) => {
                say(&format!("AGAIN ({time}): {engine}::{name}: {error}"));
            }
            tested => return tested.unwrap(),
        }
    }
}

fn is_loss(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Error::Lost { .. }))
}

/// Says what is not tested.
pub fn skip(what: &str) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Relaxed) + 1;
    say(&format!("SKIPPED ({count}): {what}"));
}

/// Says so where the harness does not hide it.
fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "\n{what}");
}

impl Arena {
    pub fn client(&self) -> anyhow::Result<Client> {
        Ok(connect(&self.url)?)
    }

    pub fn mutex(&self) -> anyhow::Result<bakery_distributed::Mutex> {
        Ok(self.client()?.mutex(self.name)?.with(options()))
    }

    /// For sessions whose end the test is about. A machine may be too busy to renew them: then the test fails
    /// with [`Error::Lost`], or with [`lost`](Self::lost), and begins again.
    pub fn short(&self) -> Options {
        self.is_short.store(true, Relaxed);
        short()
    }

    /// One of the short sessions has ended before its time.
    pub fn lost(&self) -> anyhow::Error {
        Error::Lost { line: self.name.to_owned() }.into()
    }

    /// Nothing has been lost before its time.
    pub fn ensure_held(&self, guard: &Guard<'_>) -> anyhow::Result<()> {
        if guard.is_lost() { Err(self.lost()) } else { Ok(()) }
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
    Options::default().ttl(LONG)
}

/// For another process; [`Arena::short`] for the test's own.
pub fn short() -> Options {
    Options::default().ttl(TTL)
}
