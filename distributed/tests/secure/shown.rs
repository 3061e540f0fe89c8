//! What is printed for people to read.

use std::fmt::Write as _;

use anyhow::{Result, ensure};
use bakery_distributed::{Options, connect, connect_with};
use bakery_servers::secure::PASSWORD;

use crate::site::Site;

pub async fn no_secret_is_printed(site: Site) -> Result<()> {
    let access = site.access();
    let client = connect_with(&site.url, &access)?;
    let mutex = client.mutex(site.name)?.with(Options::default());
    let mut me = mutex.join().await?;
    let guard = me.lock_or_repair(async |_| Ok::<_, bakery_distributed::Error>(())).await?;
    let mut shown = format!("{access:?} {client:?} {:?} {mutex:?} {guard:?}", client.engine());
    guard.unlock().await?;
    write!(shown, "{me:?}")?;
    me.leave().await?;
    let session = client
        .engine()
        .open(&bakery_distributed::Who::this(), std::time::Duration::from_secs(10))
        .await?;
    write!(shown, "{session:?}")?;
    session.close().await?;
    ensure!(!shown.contains(PASSWORD), "{shown}");
    // Lines of the key's PEM.
    for line in site.certificates.client_key.lines().filter(|line| !line.starts_with('-')) {
        ensure!(!shown.contains(line), "{shown}");
    }
    Ok(())
}

/// However the address is mistyped.
#[test]
fn no_password_of_an_address_is_printed() {
    for scheme in ["consul", "dynamodb", "etcd", "postgres", "zookeeper", "etcd+tls", "nothing"] {
        for rest in [
            "me:hunter2@host:x/table",
            "me:hunter2@",
            "me:hunter2@host:1/table?no-such=1",
            "me:hunter2@host:1/table?sslmode=prefer",
            "me:hunter2@host:1/table?acl=1",
            "me:hunter2@host:1/table?ca=/no/such/file",
            "me:hunter2@host:1/table?password=hunter2",
            "me:hunter2@host:1/%FF?%FF=%FF",
            "me:hun/hunter2@host:1",
            "me:hun?hunter2@host:1",
            "me:hun%FFhunter2@host:1",
            "me:hunter2",
        ] {
            let url = format!("{scheme}://{rest}");
            let shown = match connect(&url) {
                Ok(client) => format!("{client:?}"),
                Err(error) => format!("{error} {error:?}"),
            };
            assert!(!shown.contains("hunter2"), "{url}: {shown}");
        }
    }
}
