//! The servers of a cluster: whoever answers is asked on.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use prost::Message;
use tokio_stream::{StreamExt, once, pending};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, IntoRequest, Status, Streaming};
use tonic_prost::ProstCodec;

use crate::{Error, Result};

#[derive(Debug)]
pub(super) struct Servers {
    servers: Vec<Server>,
    current: AtomicUsize,
}

#[derive(Debug)]
struct Server {
    endpoint: Endpoint,
    /// Made when it is first asked for something: that takes a runtime.
    channel: OnceLock<Channel>,
}

/// Goes on to the next server, unless the answer has come.
struct Asking<'s> {
    servers: &'s Servers,
    server: usize,
    is_answered: bool,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let next = (self.server + 1) % self.servers.servers.len();
        if !self.is_answered {
            // If another one has gone on already, that will do.
            let _ = self.servers.current.compare_exchange(self.server, next, Relaxed, Relaxed);
        }
    }
}

impl Server {
    fn channel(&self) -> Channel {
        self.channel.get_or_init(|| self.endpoint.connect_lazy()).clone()
    }
}

impl Servers {
    pub(super) fn new(urls: &[String]) -> Result<Self> {
        let bad = |url: &String, why: &dyn ToString| Error::BadUrl {
            url: url.clone(),
            why: why.to_string(),
        };
        let server = |url: &String| {
            let endpoint = Endpoint::from_shared(url.clone()).map_err(|why| bad(url, &why))?;
            // Servers do not like to be asked more often than every 5 s whether they live.
            let endpoint = endpoint
                .connect_timeout(Duration::from_secs(1))
                .tcp_nodelay(true)
                .http2_keep_alive_interval(Duration::from_secs(10))
                .keep_alive_timeout(Duration::from_secs(3));
            Ok(Server { endpoint, channel: OnceLock::new() })
        };
        let servers = urls.iter().map(server).collect::<Result<Vec<_>>>()?;
        if servers.is_empty() {
            return Err(bad(&String::new(), &"it names no server"));
        }
        // Not everybody asks the same one.
        let current = AtomicUsize::new(std::process::id() as usize % servers.len());
        Ok(Self { servers, current })
    }

    /// The servers' next answer, to a request that stays open.
    pub(super) async fn open<Q, A>(
        &self,
        what: &'static str,
        path: &'static str,
        request: Q,
    ) -> Result<Streaming<A>>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut asking = self.asking();
        let mut grpc = Grpc::new(self.servers[asking.server].channel());
        let requests = once(request).chain(pending());
        grpc.ready().await.map_err(|why| unreachable(what, why.to_string()))?;
        let path = PathAndQuery::from_static(path);
        let answer =
            grpc.streaming(requests.into_request(), path, ProstCodec::<Q, A>::default()).await;
        asking.is_answered = answer.is_ok();
        Ok(answer.map_err(|status| error(what, &status))?.into_inner())
    }

    /// The first answer to a request that stays open.
    pub(super) async fn first<Q, A>(
        &self,
        what: &'static str,
        path: &'static str,
        request: Q,
    ) -> Result<A>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut asking = self.asking();
        let mut answers = self.open(what, path, request).await?;
        let answer = next(what, &mut answers).await?;
        asking.is_answered = true;
        Ok(answer)
    }

    /// The answer.
    pub(super) async fn ask<Q, A>(
        &self,
        what: &'static str,
        path: &'static str,
        request: Q,
    ) -> Result<A>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut asking = self.asking();
        let mut grpc = Grpc::new(self.servers[asking.server].channel());
        grpc.ready().await.map_err(|why| unreachable(what, why.to_string()))?;
        let path = PathAndQuery::from_static(path);
        let answer = grpc.unary(request.into_request(), path, ProstCodec::<Q, A>::default()).await;
        asking.is_answered = answer.is_ok();
        Ok(answer.map_err(|status| error(what, &status))?.into_inner())
    }

    fn asking(&self) -> Asking<'_> {
        Asking { servers: self, server: self.current.load(Relaxed), is_answered: false }
    }
}

/// The next answer of several.
pub(super) async fn next<A>(what: &'static str, answers: &mut Streaming<A>) -> Result<A> {
    let answer = answers.message().await.map_err(|status| error(what, &status))?;
    answer.ok_or_else(|| unreachable(what, "the server has hung up".to_owned()))
}

fn unreachable(what: &'static str, why: String) -> Error {
    Error::Unreachable { engine: super::NAME, what, why }
}

fn error(what: &'static str, status: &Status) -> Error {
    let why = status.message().to_owned();
    match status.code() {
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::Unauthenticated
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented => Error::Refused { engine: super::NAME, what, why },
        _ => unreachable(what, why),
    }
}
