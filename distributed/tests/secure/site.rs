//! Where a test takes place: one secure server for each engine.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use anyhow::{Result, bail};
use bakery_distributed::{Access, Error, Options, connect_with};
use bakery_servers::Cluster;
use bakery_servers::secure::{self, PASSWORD, USER};
use tokio::time::timeout;

use crate::certificates::Certificates;

/// Longer than anything takes that does not hang.
pub const LIMIT: Duration = Duration::from_mins(1);

/// A session of this time would still be tried for when a refusal is given up. A server that is silent for a quarter
/// of it is given up for another one.
const LONG: Duration = Duration::from_mins(2);

pub struct Site {
    pub engine: &'static str,
    pub url: String,
    /// A name for a lock.
    pub name: &'static str,
    pub certificates: Arc<Certificates>,
    /// The server's.
    pub data: PathBuf,
    #[allow(dead_code, reason = "what only some engines need")]
    pub cluster: Arc<Mutex<Cluster>>,
}

type Shared = Arc<OnceLock<Result<(Arc<Mutex<Cluster>>, Arc<Certificates>), String>>>;

fn server(engine: &'static str) -> Shared {
    static ALL: Mutex<Option<HashMap<&'static str, Shared>>> = Mutex::new(None);
    ALL.lock().unwrap().get_or_insert_default().entry(engine).or_default().clone()
}

fn start(engine: &str) -> Result<(Arc<Mutex<Cluster>>, Arc<Certificates>)> {
    let certificates = Certificates::make("the CA of these tests")?;
    let cluster = secure::start(engine, &certificates.server)?;
    let data = cluster.nodes[0].data();
    std::fs::write(data.join("client.pem"), &certificates.client)?;
    std::fs::write(data.join("client.key"), &certificates.client_key)?;
    std::fs::write(data.join("secret"), format!("{PASSWORD}\n"))?;
    #[cfg(feature = "etcd")]
    if engine == "etcd" {
        crate::etcd::have_users(&cluster)?;
    }
    Ok((Arc::new(Mutex::new(cluster)), Arc::new(certificates)))
}

/// Runs a test on an engine.
pub fn run<F: Future<Output = Result<()>>>(
    engine: &'static str,
    name: &'static str,
    test: impl FnOnce(Site) -> F,
) {
    let server = server(engine);
    let started = server.get_or_init(|| start(engine).map_err(|why| format!("{why:#}")));
    let (cluster, certificates) = match started {
        Ok((cluster, certificates)) => (cluster.clone(), certificates.clone()),
        Err(why) => {
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let count = COUNT.fetch_add(1, Relaxed) + 1;
            let _ = writeln!(std::io::stderr(), "\nSKIPPED ({count}): {engine}::{name}: {why}");
            return;
        }
    };
    let site = Site::at(engine, name, cluster, certificates);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let tested = runtime.block_on(async { timeout(LIMIT * 2, test(site)).await });
    tested.expect("it hangs").unwrap();
}

impl Site {
    fn at(
        engine: &'static str,
        name: &'static str,
        cluster: Arc<Mutex<Cluster>>,
        certificates: Arc<Certificates>,
    ) -> Self {
        let (url, data) = {
            let cluster = cluster.lock().unwrap();
            (cluster.url.clone(), cluster.nodes[0].data().to_path_buf())
        };
        Self { engine, url, name, certificates, data, cluster }
    }

    /// Servers of its own, for a test that stops them.
    #[allow(dead_code, reason = "what only some engines need")]
    pub fn apart(&self) -> Result<Self> {
        let (cluster, certificates) = start(self.engine)?;
        Ok(Self::at(self.engine, self.name, cluster, certificates))
    }

    /// Who may do all, and shows all.
    pub fn access(&self) -> Access {
        self.known(self.trusting())
    }

    /// Trusts the server, and shows a certificate.
    pub fn trusting(&self) -> Access {
        let Certificates { server, client, client_key, .. } = &*self.certificates;
        Access::new().ca(&server.ca).identity(client, client_key)
    }

    /// With the first user's name and password, as the engine has them.
    pub fn known(&self, access: Access) -> Access {
        match self.engine {
            "consul" => access.token(PASSWORD),
            "dynamodb" => access.user("AKID", PASSWORD).token(PASSWORD).region("nowhere"),
            _ => access.user(USER, PASSWORD),
        }
    }

    /// Goes in and out.
    pub async fn lock(&self, url: &str, access: &Access) -> Result<(), Error> {
        let options = Options::default().ttl(LONG);
        let mutex = connect_with(url, access)?.mutex(self.name)?.with(options);
        let mut me = mutex.join().await?;
        // Whoever comes after a test that failed is not to fail for that.
        let guard = me.lock_or_repair(async |_| Ok::<_, Error>(())).await?;
        guard.check().await?;
        mutex.status().await?;
        guard.unlock().await?;
        me.leave().await
    }

    /// The words of a refusal, which comes long before the session's time is over.
    pub async fn refusal(&self, url: &str, access: &Access) -> Result<String> {
        match timeout(LIMIT, self.lock(url, access)).await? {
            Err(refused @ Error::Refused { .. }) => Ok(refused.to_string()),
            other => bail!("it is not refused: {other:?}"),
        }
    }

    /// The address, with this option as well.
    pub fn with(&self, option: &str) -> String {
        let and = if self.url.contains('?') { "&" } else { "/?" };
        // DynamoDB's table and PostgreSQL's database stand before the options.
        let and = if and == "/?" && self.url.matches('/').count() > 2 { "?" } else { and };
        format!("{}{and}{option}", self.url)
    }

    /// The same.
    #[allow(dead_code, reason = "what only some engines need")]
    pub fn like(&self) -> Self {
        Self {
            engine: self.engine,
            url: self.url.clone(),
            name: self.name,
            certificates: self.certificates.clone(),
            data: self.data.clone(),
            cluster: self.cluster.clone(),
        }
    }

    #[allow(dead_code, reason = "what only some engines need")]
    pub fn file(&self, name: &str) -> PathBuf {
        Path::join(&self.data, name)
    }
}
