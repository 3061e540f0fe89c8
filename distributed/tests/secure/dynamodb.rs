//! What is signed for DynamoDB. dynalite looks at the form of signatures only.

use anyhow::{Result, ensure};
use bakery_distributed::{Error, connect_with};
use bakery_servers::secure::PASSWORD;

use crate::site::Site;

pub async fn a_key_needs_a_region(site: Site) -> Result<()> {
    let access = site.trusting().user("AKID", PASSWORD);
    let refused = connect_with(&site.url, &access).err();
    let words = refused.as_ref().map(ToString::to_string).unwrap_or_default();
    ensure!(matches!(refused, Some(Error::BadAccess { .. })), "{words}");
    ensure!(words.contains("AWS_REGION") && !words.contains(PASSWORD), "{words}");
    site.lock(&site.with("region=nowhere"), &access).await?;
    // Without a key nothing is signed.
    site.lock(&site.url, &site.trusting()).await?;
    Ok(())
}
