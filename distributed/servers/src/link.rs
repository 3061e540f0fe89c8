//! A connection between servers that can be cut.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use anyhow::Result;

use crate::port;

/// What servers say to each other by way of some ports. Cut, it is silent and nothing is closed, as when a
/// cable is pulled.
#[derive(Clone, Debug, Default)]
pub struct Link {
    shared: Arc<(Mutex<bool>, Condvar)>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
}

impl Link {
    /// Lets nothing through.
    pub fn cut(&self) {
        self.set(true);
    }

    /// Lets everything through, also what has been said meanwhile.
    pub fn mend(&self) {
        self.set(false);
    }

    /// Closes all connections that there are, at whatever byte. How many sockets they had.
    #[must_use]
    pub fn break_off(&self) -> usize {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let is_open = |connection: &TcpStream| connection.shutdown(Shutdown::Both).is_ok();
        connections.drain(..).filter(is_open).count()
    }

    /// Ways to the servers of this address that can be cut, one to each, and the address by which clients take
    /// them.
    ///
    /// # Errors
    ///
    /// If a port that was free just now is taken.
    pub fn before(url: &str) -> Result<(String, Vec<Self>)> {
        const HOST: &str = "127.0.0.1:";
        let (mut by_links, mut links) = (String::new(), Vec::new());
        for (number, part) in url.split(HOST).enumerate() {
            if number == 0 {
                by_links += part;
                continue;
            }
            let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            let (to, rest) = part.split_at(digits);
            let (link, from) = (Self::default(), port::free());
            link.lead(from, Some(to.parse()?))?;
            by_links.extend([HOST, &from.to_string(), rest]);
            links.push(link);
        }
        Ok((by_links, links))
    }

    fn set(&self, is_cut: bool) {
        *self.shared.0.lock().unwrap_or_else(PoisonError::into_inner) = is_cut;
        self.shared.1.notify_all();
    }

    fn wait(&self) {
        let is_cut = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.shared.1.wait_while(is_cut, |is_cut| *is_cut));
    }

    /// Listens on a port for as long as this process lives, and passes on what comes: to another port, or, if
    /// there is none, to where each one asks for by SOCKS 5.
    ///
    /// # Errors
    ///
    /// If the port is not free.
    pub fn lead(&self, from: u16, to: Option<u16>) -> Result<()> {
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        self.listen(local(from), to.map(local), |_| true)
    }

    /// As [`lead`](Self::lead), but what does not come from a host goes past the link, if one is given.
    ///
    /// # Errors
    ///
    /// If the address is not free.
    pub fn lead_from(&self, host: Option<IpAddr>, at: SocketAddr, to: SocketAddr) -> Result<()> {
        self.listen(at, Some(to), move |from| host.is_none_or(|host| from == host))
    }

    fn listen(
        &self,
        at: SocketAddr,
        to: Option<SocketAddr>,
        is_linked: impl Fn(IpAddr) -> bool + Send + 'static,
    ) -> Result<()> {
        let listener = TcpListener::bind(at)?;
        let link = self.clone();
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let from = connection.peer_addr();
                let is_linked = from.is_ok_and(|from| is_linked(from.ip()));
                let link = if is_linked { link.clone() } else { Self::default() };
                thread::spawn(move || link.join(connection, to));
            }
        });
        Ok(())
    }

    fn join(&self, mut from: TcpStream, to: Option<SocketAddr>) -> std::io::Result<()> {
        self.wait();
        let to = match to {
            Some(to) => TcpStream::connect(to)?,
            None => connect_as_asked(&mut from)?,
        };
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.retain(|connection| connection.peer_addr().is_ok());
        connections.extend([from.try_clone()?, to.try_clone()?]);
        drop(connections);
        let (link, answers, back) = (self.clone(), to.try_clone()?, from.try_clone()?);
        thread::spawn(move || link.pass(answers, back));
        self.pass(from, to);
        Ok(())
    }

    fn pass(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut words = [0; 16 * 1024];
        let _ = to.set_nodelay(true);
        while let Ok(count @ 1..) = from.read(&mut words) {
            self.wait();
            if to.write_all(&words[..count]).is_err() {
                break;
            }
        }
        self.wait();
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }
}

/// The other end of a connection that is asked for by SOCKS 5, without a password and by IPv4.
fn connect_as_asked(from: &mut TcpStream) -> std::io::Result<TcpStream> {
    let mut greeting = [0; 2];
    from.read_exact(&mut greeting)?;
    from.read_exact(&mut vec![0; greeting[1].into()])?;
    from.write_all(&[5, 0])?;
    let mut request = [0; 10];
    from.read_exact(&mut request)?;
    let port = u16::from_be_bytes([request[8], request[9]]);
    let to = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    from.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
    Ok(to)
}
