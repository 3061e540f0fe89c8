//! A client's connection to its service: made when it is needed, and again when it has ended.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::split;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::secret::Secret;
use crate::service::NAME;
use crate::service::connection::Stream;
use crate::service::frame;
use crate::service::protocol::{Answer, Ask, Hello, Reply, Request, VERSION};
use crate::tls::{Tls, refusal};
use crate::{Error, Result};

/// How long a server may be silent to somebody who has given up waiting for its answer: then the connection counts
/// as dead, and is made again.
const SILENCE: Duration = Duration::from_secs(1);

/// How long a server may take for the rest of a frame, or to read one.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Link {
    server: String,
    tls: Option<Tls>,
    token: Option<Secret>,
    /// Held while it is made.
    wire: tokio::sync::Mutex<Option<Arc<Wire>>>,
    last: AtomicU64,
}

/// A connection. Dropped, it ends.
#[derive(Debug)]
struct Wire {
    frames: mpsc::Sender<Vec<u8>>,
    shared: Arc<Shared>,
    task: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    /// Who waits for an answer. They are told by being dropped if the connection ends.
    waiting: Mutex<HashMap<u64, oneshot::Sender<Answer>>>,
    heard: Mutex<Instant>,
    is_dead: AtomicBool,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Link {
    pub(super) fn new(
        server: &str,
        tls: Option<Tls>,
        token: Option<Secret>,
    ) -> Result<Self, String> {
        let (host, _) = server.rsplit_once(':').ok_or("its port is missing")?;
        #[cfg(feature = "tls")]
        if tls.is_some() {
            let why = "its host is neither a name nor an address, by which TLS could know it";
            server_name(host).map_err(|_| why)?;
        }
        let _ = host;
        let (server, wire) = (server.to_owned(), tokio::sync::Mutex::default());
        Ok(Self { server, tls, token, wire, last: AtomicU64::new(1) })
    }

    /// The answer.
    pub(super) async fn ask(&self, what: &'static str, ask: Ask) -> Result<Answer> {
        let unreachable =
            |why: &dyn ToString| Error::Unreachable { engine: NAME, what, why: why.to_string() };
        let is_urgent = !ask.waits();
        let id = self.last.fetch_add(1, Relaxed);
        let request = frame::write(&Request { id, ask }, frame::REQUEST);
        let request = request.map_err(|why| refused(what, &why))?;
        let wire = self.wire(what).await?;
        let (answers, answer) = oneshot::channel();
        lock(&wire.shared.waiting).insert(id, answers);
        let mut asking =
            Asking { wire: &wire, id, is_urgent, sent: Instant::now(), is_over: false };
        let answer = match wire.frames.send(request).await {
            Ok(()) => answer.await.ok(),
            Err(_) => None,
        };
        asking.is_over = true;
        answer.ok_or_else(|| unreachable(&"the connection has ended"))
    }

    /// Comes back when what is waited for has come, or is to be looked for again.
    pub(super) async fn wait(&self, what: &'static str, ask: Ask) -> Result<()> {
        match self.ask(what, ask).await? {
            Answer::Done => Ok(()),
            Answer::Later { ms } => {
                sleep(Duration::from_millis(ms)).await;
                Ok(())
            }
            other => Err(super::unexpected(what, other)),
        }
    }

    /// A connection that has not ended.
    async fn wire(&self, what: &'static str) -> Result<Arc<Wire>> {
        let mut wire = self.wire.lock().await;
        match &*wire {
            Some(wire) if wire.is_alive() => Ok(wire.clone()),
            _ => {
                *wire = None;
                let new = Arc::new(self.connect(what).await?);
                *wire = Some(new.clone());
                Ok(new)
            }
        }
    }

    async fn connect(&self, what: &'static str) -> Result<Wire> {
        let failed = |why: io::Error| match refusal(&why) {
            Some(why) => Error::Refused { engine: NAME, what, why },
            None => Error::Unreachable { engine: NAME, what, why: why.to_string() },
        };
        let mut stream = self.stream().await.map_err(failed)?;
        let token = self.token.as_ref().map(|token| token.reveal().to_owned());
        let hello = frame::write(&Hello { bakery: VERSION, token }, frame::REQUEST);
        let hello = hello.map_err(|why| refused(what, &why))?;
        frame::send(&mut stream, &hello, PATIENCE).await.map_err(failed)?;
        // What it is shown by TLS it may only refuse now.
        match frame::read::<Reply>(&mut stream, frame::ANSWER, PATIENCE).await.map_err(failed)? {
            Some(Reply { answer: Answer::Welcome { .. }, .. }) => {}
            Some(Reply { answer, .. }) => return Err(super::unexpected(what, answer)),
            None => return Err(failed(io::ErrorKind::UnexpectedEof.into())),
        }
        let (frames, to_send) = mpsc::channel(64);
        let shared = Arc::new(Shared {
            waiting: Mutex::default(),
            heard: Mutex::new(Instant::now()),
            is_dead: AtomicBool::new(false),
        });
        let ended = Ended(shared.clone());
        let task = tokio::spawn(async move { talk(stream, to_send, &ended.0).await });
        Ok(Wire { frames, shared, task: task.abort_handle() })
    }

    async fn stream(&self) -> io::Result<Box<dyn Stream>> {
        let stream = timeout(PATIENCE, TcpStream::connect(&self.server));
        let stream = stream.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => Ok(Box::new(stream)),
            #[cfg(feature = "tls")]
            Some(tls) => {
                let (host, _) = self.server.rsplit_once(':').unwrap_or((&self.server, ""));
                let name = server_name(host).map_err(io::Error::other)?;
                let connector = tokio_rustls::TlsConnector::from(tls.0.clone());
                Ok(Box::new(connector.connect(name, stream).await?))
            }
            #[cfg(not(feature = "tls"))]
            Some(tls) => match *tls {},
        }
    }
}

#[cfg(feature = "tls")]
fn server_name(
    host: &str,
) -> Result<rustls::pki_types::ServerName<'static>, rustls::pki_types::InvalidDnsNameError> {
    // An address of IPv6 stands in brackets.
    host.trim_start_matches('[').trim_end_matches(']').to_owned().try_into()
}

impl Wire {
    fn is_alive(&self) -> bool {
        !self.frames.is_closed() && !self.shared.is_dead.load(Relaxed)
    }
}

/// Somebody who waits for an answer.
struct Asking<'w> {
    wire: &'w Wire,
    id: u64,
    is_urgent: bool,
    sent: Instant,
    is_over: bool,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let Shared { waiting, heard, is_dead } = &*self.wire.shared;
        lock(waiting).remove(&self.id);
        if self.is_over {
            return;
        }
        if !self.is_urgent {
            // If there is no room for that now, the answer comes and is not looked at.
            let forget = Request { id: 0, ask: Ask::Forget { id: self.id } };
            if let Ok(forget) = frame::write(&forget, frame::REQUEST) {
                let _ = self.wire.frames.try_send(forget);
            }
        } else if (*lock(heard)).max(self.sent).elapsed() >= SILENCE {
            is_dead.store(true, Relaxed);
            self.wire.task.abort();
        }
    }
}

/// Tells those who wait that nothing more comes.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.is_dead.store(true, Relaxed);
        lock(&self.0.waiting).clear();
    }
}

async fn talk(
    stream: Box<dyn Stream>,
    mut to_send: mpsc::Receiver<Vec<u8>>,
    shared: &Shared,
) -> io::Result<()> {
    let (mut reader, mut writer) = split(stream);
    let receive = async {
        while let Some(reply) = frame::read::<Reply>(&mut reader, frame::ANSWER, PATIENCE).await? {
            *lock(&shared.heard) = Instant::now();
            if let Some(waiting) = lock(&shared.waiting).remove(&reply.id) {
                // Whoever has given up does not hear it.
                let _ = waiting.send(reply.answer);
            }
        }
        Ok(())
    };
    let send = async {
        while let Some(frame) = to_send.recv().await {
            frame::send(&mut writer, &frame, PATIENCE).await?;
        }
        Ok(())
    };
    tokio::select! {
        ended = receive => ended,
        ended = send => ended,
    }
}

fn refused(what: &'static str, why: &io::Error) -> Error {
    Error::Refused { engine: NAME, what, why: why.to_string() }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
