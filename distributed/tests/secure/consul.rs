//! Consul's tokens.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use anyhow::{Context as _, Result, ensure};
use bakery_distributed::Access;
use bakery_servers::secure::PASSWORD;
use serde_json::{Value, json};

use crate::site::{LIMIT, Site};

/// What the README says.
const RULES: &str = r#"
    key_prefix "locks/line:" { policy = "write" }
    node "bakery-locks" { policy = "write" }
    session "bakery-locks" { policy = "write" }
"#;

/// What the server answers to whoever may do all.
fn put(site: &Site, path: &str, body: &Value) -> Result<Value> {
    let server = std::fs::read_to_string(site.file("plain"))?;
    let mut connection = TcpStream::connect(&server)?;
    connection.set_read_timeout(Some(LIMIT))?;
    let body = body.to_string();
    write!(
        connection,
        "PUT {path} HTTP/1.0\r\nHost: {server}\r\nX-Consul-Token: {PASSWORD}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no body")?;
    ensure!(head.contains(" 200 "), "{path}: {answer}");
    Ok(serde_json::from_str(body)?)
}

/// One that may do so much.
fn token(site: &Site, rules: &str) -> Result<String> {
    let policy = json!({"Name": site.name.get(..60).unwrap_or(site.name), "Rules": rules});
    let policy = put(site, "/v1/acl/policy", &policy)?;
    let token = put(site, "/v1/acl/token", &json!({"Policies": [{"ID": policy["ID"]}]}))?;
    Ok(token["SecretID"].as_str().context("no token")?.to_owned())
}

fn with(site: &Site, token: &str) -> Access {
    site.trusting().token(token)
}

pub async fn a_token_needs_no_more_than_is_written(site: Site) -> Result<()> {
    let token = token(&site, RULES)?;
    let url = format!("{}/locks/", site.url);
    site.lock(&url, &with(&site, &token)).await?;
    // Not elsewhere.
    site.refusal(&site.url, &with(&site, &token)).await?;
    Ok(())
}

pub async fn a_wrong_token_is_refused(site: Site) -> Result<()> {
    let wrong = "00000000-6d2c-4f0c-9a1e-0123456789ab";
    let words = site.refusal(&site.url, &with(&site, wrong)).await?;
    ensure!(words.contains("403") && !words.contains(wrong), "{words}");
    // None at all.
    site.refusal(&site.url, &site.trusting()).await?;
    Ok(())
}

/// The node is written once: whoever finds it there need not be allowed to.
pub async fn a_token_that_may_not_write_is_refused(site: Site) -> Result<()> {
    let rules = RULES.replace(r#"{ policy = "write" }"#, r#"{ policy = "read" }"#);
    for (number, permission) in ["key_prefix", "session"].into_iter().enumerate() {
        // All of them but this one.
        let line = |rules: &str, begins: &str| {
            let mut lines = rules.lines().map(str::trim);
            lines.find(|line| line.starts_with(begins)).unwrap_or_default().to_owned()
        };
        let all = ["key_prefix", "node", "session"]
            .map(|name| line(if name == permission { &rules } else { RULES }, name));
        let named = Site { name: ["no-keys", "no-session"][number], ..site.like() };
        let token = token(&named, &all.join("\n"))?;
        let url = format!("{}/locks/", site.url);
        let words = named.refusal(&url, &with(&site, &token)).await?;
        ensure!(words.contains("Permission denied"), "{permission}: {words}");
    }
    Ok(())
}
