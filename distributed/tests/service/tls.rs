//! TLS, and clients that are known by their certificates.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use bakery_distributed::service::{Grant, Policy, Secure};
use bakery_distributed::{Access, Error, Options, connect_with};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;

use crate::clients::grant;
use crate::place::{LONG, Place};
use crate::raw::Raw;

/// A CA, and what it signs.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { pem, issuer: Issuer::new(params, key) })
    }

    /// A certificate for this name, and its key.
    fn sign(&self, name: &str) -> Result<(String, String)> {
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        Ok((params.signed_by(&key, &self.issuer)?.pem(), key.serialize_pem()))
    }
}

struct Site {
    place: Place,
    url: String,
    servers: Authority,
    clients: Authority,
    _files: TempDir,
}

impl Site {
    async fn start(grants: &[Grant]) -> Result<Self> {
        Self::start_with(grants, Duration::from_mins(1)).await
    }

    async fn start_with(grants: &[Grant], patience: Duration) -> Result<Self> {
        let (servers, clients) = (Authority::new("for servers")?, Authority::new("for clients")?);
        let files = tempfile::tempdir()?;
        let file = |name: &str, text: &str| {
            let path = files.path().join(name);
            fs::write(&path, text).map(|()| path)
        };
        let (certificate, key) = servers.sign("localhost")?;
        let (certificate, key) = (file("certificate", &certificate)?, file("key", &key)?);
        let secure = Secure::of_files(&certificate, &key, Some(&file("clients", &clients.pem)?))?;
        let mut limits = bakery_distributed::service::Limits::default();
        limits.patience = patience;
        let with =
            |service: bakery_distributed::service::Service| service.secure(secure).limits(limits);
        let place = Place::with(Policy::of(grants)?, with).await?;
        let url = format!("bakery+tls://{}", place.address.replace("127.0.0.1", "localhost"));
        Ok(Self { place, url, servers, clients, _files: files })
    }

    fn access(&self) -> Access {
        Access::new().ca(&self.servers.pem)
    }

    async fn lock(&self, access: &Access) -> Result<(), Error> {
        let options = Options::default().ttl(LONG);
        let mut me = connect_with(&self.url, access)?.mutex("ci-1")?.with(options).join().await?;
        me.lock().await?.unlock().await?;
        me.leave().await
    }

    async fn refusal(&self, access: &Access) -> Result<String> {
        match self.lock(access).await {
            Err(refused @ Error::Refused { .. }) => Ok(refused.to_string()),
            other => bail!("it is not refused: {other:?}"),
        }
    }
}

const HASH: &str = "f52fbd32b2b3b86ff88ef6c490628285f482af15ddcb29541f94bcf526a3f6c7";

fn by_certificate() -> Grant {
    let certificate = Some("ci.example".to_owned());
    Grant { token_sha256: None, certificate, ..grant("ci", HASH) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_goes_by_tls() -> Result<()> {
    let site = Site::start(&[grant("ci", HASH)]).await?;
    site.lock(&site.access().token("hunter2")).await?;
    let words = site.refusal(&site.access().token("hunter3")).await?;
    ensure!(words.contains("knows no client"), "{words}");
    // A server that another CA has signed is shown no token.
    let words = site.refusal(&Access::new().ca(&site.clients.pem).token("hunter2")).await?;
    ensure!(words.contains("is the CA the one"), "{words}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_is_known_by_its_certificate() -> Result<()> {
    let site = Site::start(&[by_certificate()]).await?;
    let (certificate, key) = site.clients.sign("ci.example")?;
    site.lock(&site.access().identity(&certificate, &key)).await?;
    // One for another name, none at all, and one that another CA has signed.
    let (certificate, key) = site.clients.sign("web.example")?;
    let words = site.refusal(&site.access().identity(&certificate, &key)).await?;
    ensure!(words.contains("knows no client"), "{words}");
    let words = site.refusal(&site.access()).await?;
    ensure!(words.contains("knows no client"), "{words}");
    let (certificate, key) = site.servers.sign("ci.example")?;
    let words = site.refusal(&site.access().identity(&certificate, &key)).await?;
    ensure!(words.contains("does not take the client's certificate"), "{words}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_both_are_asked_for_one_does_not_do() -> Result<()> {
    let token_sha256 = Some(HASH.to_owned());
    let site = Site::start(&[Grant { token_sha256, ..by_certificate() }]).await?;
    let (certificate, key) = site.clients.sign("ci.example")?;
    let shown = site.access().identity(&certificate, &key);
    site.lock(&shown.clone().token("hunter2")).await?;
    for access in [shown, site.access().token("hunter2")] {
        site.refusal(&access).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_no_tls_end_their_connection_only() -> Result<()> {
    let site = Site::start_with(&[grant("ci", HASH)], Duration::from_secs(2)).await?;
    let access = site.access().token("hunter2");
    let mut random = fastrand::Rng::new();
    for round in 0..20 {
        let mut raw = Raw::connect(&site.place).await?;
        let bytes: Vec<_> = (0..random.usize(1..500)).map(|_| random.u8(..)).collect();
        // The last ones are silent, or begin as TLS does and do not go on.
        let bytes = match round {
            18 => &[],
            19 => &[22, 3, 1, 2, 0, 1][..],
            _ => &bytes,
        };
        let _ = raw.0.write_all(bytes).await;
        site.lock(&access).await?;
        // What comes before the end is TLS's, if anything does.
        let _ = raw.hear().await;
    }
    Ok(())
}

/// Neither way round.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_tls_on_one_side_only_nothing_is_said() -> Result<()> {
    let site = Site::start(&[grant("ci", HASH)]).await?;
    let plain = site.url.replace("bakery+tls", "bakery");
    let look = connect_with(&plain, &Access::new().token("hunter2"))?.engine().look("ci-1").await;
    ensure!(look.is_err());
    let place = Place::start().await?;
    let url = format!("bakery+tls://{}", place.address);
    let look = connect_with(&url, &site.access())?.engine().look("ci-1").await;
    ensure!(look.is_err());
    Ok(())
}

#[test]
fn a_file_that_is_none_is_named() -> Result<()> {
    let files = tempfile::tempdir()?;
    let path = files.path().join("certificate");
    let missing = Secure::of_files(&path, Path::new("key"), None).unwrap_err().to_string();
    ensure!(missing.contains("certificate"), "{missing}");
    fs::write(&path, "nothing")?;
    let empty = Secure::of_files(&path, &path, None).unwrap_err().to_string();
    ensure!(empty.contains("certificate"), "{empty}");
    Ok(())
}
