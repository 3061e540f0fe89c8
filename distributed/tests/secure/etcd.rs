//! etcd's users.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bakery_distributed::{Access, Error, Options, connect_with};
use bakery_servers::secure::{PASSWORD, USER};
use bakery_servers::{Cluster, programs};

use crate::site::Site;

/// One who may do all, and one who may do what the README says. Then the servers ask everybody.
pub fn have_users(cluster: &Cluster) -> Result<()> {
    let data = cluster.nodes[0].data();
    let server = cluster.url.replace("etcd+tls", "https");
    for command in [
        "role add root",
        "user add root:root",
        "user grant-role root root",
        &format!("user add {USER}:{PASSWORD}"),
        &format!("user grant-role {USER} root"),
        "role add locks",
        "role grant-permission locks readwrite --prefix locks/",
        "user add little:hunter2",
        "user grant-role little locks",
        "auth enable",
    ] {
        let done = Command::new(programs("etcd")?.join("etcdctl"))
            .args(["--endpoints", &server, "--cacert"])
            .arg(data.join("ca.pem"))
            .arg("--cert")
            .arg(data.join("client.pem"))
            .arg("--key")
            .arg(data.join("client.key"))
            .args(command.split(' '))
            .env("ETCDCTL_API", "3")
            .output()
            .context("etcdctl does not run")?;
        let words = String::from_utf8_lossy(&done.stderr);
        // It may be there.
        ensure!(done.status.success() || words.contains("already exists"), "{command}: {words}");
    }
    Ok(())
}

pub async fn a_user_needs_no_more_than_is_written(site: Site) -> Result<()> {
    let access = site.trusting().user("little", "hunter2");
    site.lock(&format!("{}/locks/", site.url), &access).await?;
    // Not elsewhere.
    let words = site.refusal(&site.url, &access).await?;
    ensure!(words.contains("permission denied"), "{words}");
    Ok(())
}

/// The refusal comes after the handshake, and gRPC's client does not tell it from a server that hangs up: so
/// it is tried until the session's time is over.
pub async fn without_the_clients_certificate_nobody_gets_in(site: Site) -> Result<()> {
    let access = site.known(Access::new().ca(&site.certificates.server.ca));
    let mutex = connect_with(&site.url, &access)?.mutex(site.name)?;
    let joined = mutex.with(Options::default().ttl(Duration::from_secs(3))).join().await;
    let words = joined.err().map(|why| why.to_string()).unwrap_or_default();
    ensure!(words.contains("etcd did not answer") || words.contains("refused"), "{words:?}");
    Ok(())
}

pub async fn a_wrong_password_is_refused(site: Site) -> Result<()> {
    let words = site.refusal(&site.url, &site.trusting().user(USER, "wrong")).await?;
    ensure!(words.contains("authentication failed"), "{words}");
    Ok(())
}

/// The tokens that a server has given do not outlive it.
pub async fn another_token_is_asked_for_after_a_restart(site: Site) -> Result<()> {
    let site = site.apart()?;
    let mutex = connect_with(&site.url, &site.access())?.mutex(site.name)?;
    let mutex = mutex.with(Options::default().ttl(crate::site::LIMIT));
    let mut me = mutex.join().await?;
    let guard = me.lock_or_repair(async |_| Ok::<_, Error>(())).await?;
    site.cluster.lock().unwrap().restart()?;
    guard.check().await?;
    ensure!(mutex.status().await?.holder().is_some());
    guard.unlock().await?;
    me.leave().await?;
    Ok(())
}
