//! Where the servers are, and how they are spoken to.

use std::time::Duration;

use zookeeper_client as zk;

use super::connection::error;
use crate::Result;
use crate::access::Access;
use crate::address::Address;
use crate::secret::Secret;
use crate::tls::Tls;

#[derive(Debug)]
pub(super) struct Ensemble {
    servers: Vec<String>,
    /// By the scheme `digest`.
    user: Option<(String, Secret)>,
    tls: Option<Tls>,
    is_private: bool,
}

impl Ensemble {
    pub(super) fn new(address: &Address, access: &Access) -> Result<Self> {
        let user = access.user_and_password()?;
        let is_private = match address.option("acl") {
            None => false,
            Some("creator") if user.is_some() => true,
            Some("creator") => return Err(address.bad("?acl=creator needs a user")),
            Some(_) => return Err(address.bad("an ACL can be ?acl=creator")),
        };
        let servers = address.servers.clone();
        let tls = Tls::of(address, access)?;
        #[cfg(feature = "tls")]
        if tls.is_some() {
            super::tunnel::check(&servers).map_err(|why| address.bad(why))?;
        }
        let user = user.map(|(name, password)| (name.to_owned(), password.clone()));
        Ok(Self { servers, user, tls, is_private })
    }

    /// Who may do what with a node that is made.
    pub(super) fn acls(&self) -> zk::Acls<'static> {
        if self.is_private { zk::Acls::creator_all() } else { zk::Acls::anyone_all() }
    }

    /// A client with a session of this time. A server that is silent for a sixth of that is given up for
    /// another one, before whoever asks is out of patience (which is two ninths of it).
    pub(super) async fn connect(&self, session: Duration) -> Result<zk::Client> {
        const WHAT: &str = "open a session";
        let mut connector = zk::Client::connector()
            .with_session_timeout(session)
            .with_connection_timeout(session / 6);
        if let Some((name, password)) = &self.user {
            let both = format!("{name}:{}", password.reveal());
            connector = connector.with_auth("digest", both.as_bytes());
        }
        match &self.tls {
            None => {
                let client = connector.connect(&self.servers.join(",")).await;
                client.map_err(|why| error(WHAT, &why))
            }
            #[cfg(feature = "tls")]
            Some(tls) => {
                use super::NAME;
                use crate::Error;

                let unreachable = |why: std::io::Error| {
                    let why = why.to_string();
                    Error::Unreachable { engine: NAME, what: WHAT, why }
                };
                let tunnel = super::tunnel::Tunnel::open(&self.servers, tls).await;
                let mut tunnel = tunnel.map_err(unreachable)?;
                let ends = tunnel.ends.clone();
                tokio::select! {
                    client = connector.connect(&ends) => {
                        let client = client.map_err(|why| error(WHAT, &why))?;
                        tunnel.keep_for(client.state_watcher());
                        Ok(client)
                    }
                    why = tunnel.refused() => Err(Error::Refused { engine: NAME, what: WHAT, why }),
                }
            }
            #[cfg(not(feature = "tls"))]
            Some(tls) => match *tls {},
        }
    }
}
