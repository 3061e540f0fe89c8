//! Which server is trusted, and which client.

use anyhow::{Result, ensure};
use bakery_distributed::Access;

use crate::certificates::Certificates;
use crate::site::Site;

pub async fn a_lock_is_taken_by_tls(site: Site) -> Result<()> {
    Ok(site.lock(&site.url, &site.access()).await?)
}

pub async fn files_that_the_address_names_do_as_well(site: Site) -> Result<()> {
    let data = site.data.display();
    let (names, secret) = match site.engine {
        "postgres" => (["sslrootcert", "sslcert", "sslkey"], "password-file"),
        "consul" => (["ca", "cert", "key"], "token-file"),
        _ => (["ca", "cert", "key"], "password-file"),
    };
    let [ca, certificate, key] = names;
    let options = format!(
        "{ca}={data}/ca.pem&{certificate}={data}/client.pem&{key}={data}/client.key&{secret}={data}/secret"
    );
    let mut url = site.with(&options);
    match site.engine {
        "dynamodb" => url = url.replace("://", "://AKID@") + "&region=nowhere",
        "etcd" | "zookeeper" => url = url.replace("://", "://bakery@"),
        _ => {}
    }
    Ok(site.lock(&url, &Access::new()).await?)
}

pub async fn a_server_of_another_ca_is_refused(site: Site) -> Result<()> {
    let other = Certificates::make("another CA")?;
    let Certificates { client, client_key, .. } = &*site.certificates;
    let access = site.known(Access::new().ca(&other.server.ca).identity(client, client_key));
    let words = site.refusal(&site.url, &access).await?;
    ensure!(words.contains("UnknownIssuer") && words.contains("is the CA the one"), "{words}");
    // Nor do the CAs of the operating system know it, if there are any.
    if std::path::Path::new("/etc/ssl/certs/ca-certificates.crt").exists() {
        let words = site.refusal(&site.url, &site.known(Access::new())).await?;
        ensure!(words.contains("UnknownIssuer"), "{words}");
    }
    Ok(())
}

pub async fn without_the_clients_certificate_it_is_refused(site: Site) -> Result<()> {
    let access = site.known(Access::new().ca(&site.certificates.server.ca));
    let words = site.refusal(&site.url, &access).await?;
    ensure!(words.contains("the client's certificate"), "{words}");
    Ok(())
}

/// Someone who answers, but not by TLS.
pub async fn a_port_without_tls_is_refused(site: Site) -> Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let is_postgres = site.engine == "postgres";
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut words = [0; 512];
                let _ = client.read(&mut words).await;
                // PostgreSQL's answer is that it has none.
                let answer: &[u8] = if is_postgres { b"N" } else { b"HTTP/1.1 400 Bad\r\n\r\n" };
                let _ = client.write_all(answer).await;
                while let Ok(1..) = client.read(&mut words).await {}
            });
        }
    });
    let (_, rest) = site.url.split_once("localhost:").unwrap_or_default();
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let url = site.url.replace(&rest[..end], &port.to_string());
    let words = site.refusal(&url, &site.access()).await?;
    ensure!(words.contains("TLS"), "{words}");
    Ok(())
}
