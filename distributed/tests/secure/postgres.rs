//! PostgreSQL's passwords, and its rules about certificates.

use anyhow::{Result, ensure};
use bakery_distributed::Access;
use bakery_servers::secure::USER;

use crate::site::Site;

pub async fn without_the_clients_certificate_a_database_is_refused(site: Site) -> Result<()> {
    let url = site.url.replace("/postgres?", "/template1?");
    let without = site.known(Access::new().ca(&site.certificates.server.ca));
    let words = site.refusal(&url, &without).await?;
    ensure!(words.contains("certificate"), "{words}");
    site.lock(&url, &site.access()).await?;
    // Another one is open without.
    site.lock(&site.url, &without).await?;
    Ok(())
}

pub async fn a_wrong_password_is_refused(site: Site) -> Result<()> {
    for url in [site.url.clone(), site.url.replace("verify-full", "disable")] {
        let is_tls = url == site.url;
        let access = if is_tls { site.trusting() } else { Access::new() };
        let words = site.refusal(&url, &access.clone().user(USER, "wrong")).await?;
        ensure!(words.contains("password authentication failed"), "{words}");
        site.lock(&url, &site.known(access)).await?;
    }
    Ok(())
}

pub async fn no_password_is_refused(site: Site) -> Result<()> {
    let words = site.refusal(&site.url, &site.trusting()).await?;
    ensure!(words.contains("password missing"), "{words}");
    Ok(())
}
