//! TLS for a client that speaks plainly: to ports of loopback, from where what it says goes on by TLS.
//!
//! The client has TLS of its own. But that brings another cryptography in (aws-lc), does not tell why a server
//! is not trusted, and tries again until the session's time is over.

use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncWriteExt as _, copy, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use zookeeper_client as zk;

use crate::tls::{Tls, refusal};

/// For a server that is silent: to connect, and to hang up.
const PATIENCE: Duration = Duration::from_secs(3);

/// Dropped, it takes no more connections. Those that there are go on until one side hangs up.
pub(super) struct Tunnel {
    /// What the client takes for the servers.
    pub(super) ends: String,
    listening: JoinSet<()>,
    refused: watch::Receiver<Option<String>>,
}

/// The way to one server.
#[derive(Clone)]
struct Way {
    host: String,
    port: u16,
    name: ServerName<'static>,
    tls: TlsConnector,
    refused: watch::Sender<Option<String>>,
}

/// Whether there can be certificates of servers with these names.
pub(super) fn check(servers: &[String]) -> Result<(), String> {
    servers.iter().try_for_each(|server| host_and_port(server).map(|_| ()))
}

fn host_and_port(server: &str) -> Result<(String, u16, ServerName<'static>), String> {
    let (host, port) = match server.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (server, "2181"),
    };
    let host = host.trim_matches(['[', ']']).to_owned();
    let port = port.parse().map_err(|_| format!("{port:?} is not a port"))?;
    let name = ServerName::try_from(host.clone()).map_err(|why| format!("{host:?}: {why}"))?;
    Ok((host, port, name))
}

impl Tunnel {
    pub(super) async fn open(servers: &[String], tls: &Tls) -> io::Result<Self> {
        let (sender, refused) = watch::channel(None);
        let (mut listening, mut ends) = (JoinSet::new(), Vec::new());
        for server in servers {
            let (host, port, name) = host_and_port(server).map_err(io::Error::other)?;
            let (tls, refused) = (tls.0.clone().into(), sender.clone());
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            ends.push(listener.local_addr()?.to_string());
            listening.spawn(Way { host, port, name, tls, refused }.listen(listener));
        }
        Ok(Self { ends: ends.join(","), listening, refused })
    }

    /// Comes back when a server refuses, or is refused.
    pub(super) async fn refused(&mut self) -> String {
        loop {
            if let Some(why) = self.refused.borrow_and_update().clone() {
                return why;
            }
            if self.refused.changed().await.is_err() {
                // Nobody listens any more.
                return pending().await;
            }
        }
    }

    /// Stays for as long as the client lives.
    pub(super) fn keep_for(mut self, mut client: zk::StateWatcher) {
        tokio::spawn(async move {
            while !client.state().is_terminated() {
                client.changed().await;
            }
            self.listening.shutdown().await;
        });
    }
}

impl Way {
    async fn listen(self, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((client, peer)) => {
                    let way = self.clone();
                    tokio::spawn(async move {
                        // Whatever it is, the client finds that its connection has ended, and tries again.
                        if let Err(why) = way.lead(client, peer).await
                            && let Some(why) = refusal(&why)
                        {
                            way.refused.send_replace(Some(why));
                        }
                    });
                }
                // Too many files are open.
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        }
    }

    async fn lead(&self, client: TcpStream, peer: SocketAddr) -> io::Result<()> {
        if !is_of_this_user(peer, client.local_addr()?)? {
            return Ok(());
        }
        client.set_nodelay(true)?;
        let connect = async {
            let server = TcpStream::connect((self.host.as_str(), self.port)).await?;
            server.set_nodelay(true)?;
            self.tls.connect(self.name.clone(), server).await
        };
        let (mut from_server, mut to_server) = split(timeout(PATIENCE, connect).await??);
        let (mut from_client, mut to_client) = client.into_split();
        let asking = async {
            copy(&mut from_client, &mut to_server).await?;
            to_server.shutdown().await
        };
        let answering = copy(&mut from_server, &mut to_client);
        tokio::pin!(answering);
        tokio::select! {
            asked = asking => {
                asked?;
                timeout(PATIENCE, answering).await??;
            }
            answered = &mut answering => drop(answered?),
        }
        Ok(())
    }
}

/// Whether the other end of a connection is a process of this user: nobody else shall ask by this one's
/// certificate.
fn is_of_this_user(peer: SocketAddr, here: SocketAddr) -> io::Result<bool> {
    let sockets = std::fs::read_to_string("/proc/net/tcp")?;
    Ok(owner(&sockets, peer, here) == Some(rustix::process::geteuid().as_raw()))
}

/// Whose established connection this is, in what Linux says of all.
fn owner(sockets: &str, from: SocketAddr, to: SocketAddr) -> Option<u32> {
    let (from, to) = (as_linux_says(from)?, as_linux_says(to)?);
    sockets.lines().find_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let is_this = words.next()? == from && words.next()? == to && words.next()? == "01";
        // The queues, the timer and the retransmissions come first.
        if is_this { words.nth(3)?.parse().ok() } else { None }
    })
}

fn as_linux_says(address: SocketAddr) -> Option<String> {
    let SocketAddr::V4(address) = address else { return None };
    let host = u32::from_ne_bytes(address.ip().octets());
    Some(format!("{host:08X}:{:04X}", address.port()))
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::{check, is_of_this_user, owner};

    #[test]
    fn a_connection_of_this_process_is_this_users() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, peer) = listener.accept().unwrap();
        let here = server.local_addr().unwrap();
        assert!(is_of_this_user(peer, here).unwrap());
        // Another connection is not this one.
        assert!(!is_of_this_user(here, here).unwrap());
        drop(client);
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn others_are_told_apart() {
        let sockets =
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid
   0: 0100007F:1F90 0100007F:0050 01 00000000:00000000 00:00000000 00000000  1000        0 1 1
   1: 0100007F:1F91 0100007F:0050 06 00000000:00000000 00:00000000 00000000     0        0 1 1";
        let owner =
            |from: &str| owner(sockets, from.parse().unwrap(), "127.0.0.1:80".parse().unwrap());
        assert_eq!(owner("127.0.0.1:8080"), Some(1000));
        // It has ended.
        assert_eq!(owner("127.0.0.1:8081"), None);
        assert_eq!(owner("127.0.0.2:8080"), None);
    }

    #[test]
    fn servers_have_names_that_a_certificate_can_have() {
        let check = |server: &str| check(&[server.to_owned()]);
        for server in ["localhost", "localhost:2181", "10.0.0.1:1", "[::1]:2181", "[::1]"] {
            assert_eq!(check(server), Ok(()), "{server}");
        }
        assert!(check("no host:1").is_err());
    }
}
