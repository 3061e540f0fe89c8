//! ZooKeeper's users.

use anyhow::{Result, ensure};
use bakery_distributed::Access;

use crate::site::Site;

pub async fn what_is_one_users_is_refused_to_others(site: Site) -> Result<()> {
    let url = format!("{}/private?acl=creator", site.url);
    site.lock(&url, &site.access()).await?;
    // A certificate says who somebody is as well, so it is not shown again here.
    let (certificate, key) = &site.certificates.other;
    let other = Access::new().ca(&site.certificates.server.ca).identity(certificate, key);
    let words = site.refusal(&url, &other.clone().user("bakery", "wrong")).await?;
    ensure!(words.contains("not authorized"), "{words}");
    // Nor to one who says nothing.
    let url = format!("{}/private", site.url);
    let words = site.refusal(&url, &other).await?;
    ensure!(words.contains("not authorized"), "{words}");
    Ok(())
}
