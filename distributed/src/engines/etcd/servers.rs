//! The servers of a cluster: whoever answers is asked on.

use std::sync::OnceLock;
use std::time::Duration;

use prost::Message;
use tokio_stream::{StreamExt, once, pending};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, IntoRequest, Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

use super::login::{Login, is_about_the_token};
use crate::access::Access;
use crate::address::Address;
use crate::engines::rotation::{Asking, Rotation};
use crate::tls::{Tls, refusal};
use crate::{Error, Result};

#[derive(Debug)]
pub(super) struct Servers {
    servers: Rotation<Server>,
    login: Option<Login>,
}

#[derive(Debug)]
struct Server {
    endpoint: Endpoint,
    tls: Option<Tls>,
    /// Made when it is first asked for something: that takes a runtime.
    channel: OnceLock<Channel>,
}

impl Server {
    fn new(server: &str, tls: Option<Tls>) -> std::result::Result<Self, tonic::transport::Error> {
        // Servers do not like to be asked more often than every 5 s whether they live.
        let endpoint = Endpoint::from_shared(format!("http://{server}"))?
            .connect_timeout(Duration::from_secs(1))
            .tcp_nodelay(true)
            .http2_keep_alive_interval(Duration::from_secs(10))
            .keep_alive_timeout(Duration::from_secs(3));
        Ok(Self { endpoint, tls, channel: OnceLock::new() })
    }

    fn channel(&self) -> Channel {
        let connect = || match &self.tls {
            #[cfg(feature = "tls")]
            Some(tls) => {
                let secure = crate::engines::secure::Secure::of_http2(tls);
                self.endpoint.connect_with_connector_lazy(secure)
            }
            #[cfg(not(feature = "tls"))]
            Some(tls) => match *tls {},
            None => self.endpoint.connect_lazy(),
        };
        self.channel.get_or_init(connect).clone()
    }
}

impl Servers {
    pub(super) fn new(address: &Address, access: &Access) -> Result<Self> {
        let tls = Tls::of(address, access)?;
        let server = |server: &String| {
            Server::new(server, tls.clone()).map_err(|why| address.bad(why.to_string()))
        };
        let servers = address.servers.iter().map(server).collect::<Result<Vec<_>>>()?;
        let login = access.user_and_password()?.map(|(name, password)| Login::new(name, password));
        Ok(Self { servers: Rotation::new(servers), login })
    }

    /// The servers' next answer, to a request that stays open.
    pub(super) async fn open<Q, A>(
        &self,
        what: &'static str,
        path: &'static str,
        request: Q,
    ) -> Result<Streaming<A>>
    where
        Q: Message + Clone + 'static,
        A: Message + Default + 'static,
    {
        let mut asking = self.servers.ask();
        loop {
            let (mut grpc, request) = self.begin(what, asking.server(), request.clone()).await?;
            let request = request.map(|request| once(request).chain(pending()));
            let path = PathAndQuery::from_static(path);
            let answer = grpc.streaming(request, path, ProstCodec::<Q, A>::default()).await;
            if let Some(answer) = self.judge(what, &mut asking, answer).await? {
                return Ok(answer);
            }
        }
    }

    /// The first answer to a request that stays open.
    pub(super) async fn first<Q, A>(
        &self,
        what: &'static str,
        path: &'static str,
        request: Q,
    ) -> Result<A>
    where
        Q: Message + Clone + 'static,
        A: Message + Default + 'static,
    {
        let mut asking = self.servers.ask();
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
        Q: Message + Clone + 'static,
        A: Message + Default + 'static,
    {
        let mut asking = self.servers.ask();
        loop {
            let (mut grpc, request) = self.begin(what, asking.server(), request.clone()).await?;
            let path = PathAndQuery::from_static(path);
            let answer = grpc.unary(request, path, ProstCodec::<Q, A>::default()).await;
            if let Some(answer) = self.judge(what, &mut asking, answer).await? {
                return Ok(answer);
            }
        }
    }

    /// A connection, and a request that shows who asks.
    async fn begin<Q>(
        &self,
        what: &'static str,
        server: &Server,
        request: Q,
    ) -> Result<(Grpc<Channel>, Request<Q>)> {
        let mut grpc = Grpc::new(server.channel());
        let mut request = request.into_request();
        if let Some(login) = &self.login {
            let shown = login.show(&mut grpc, &mut request).await;
            shown.map_err(|status| error(what, &status))?;
        }
        let ready = grpc.ready().await;
        ready.map_err(|why| error(what, &Status::from_error(why.into())))?;
        Ok((grpc, request))
    }

    /// The answer; `None` if it is to be asked for again, with another token.
    async fn judge<A>(
        &self,
        what: &'static str,
        asking: &mut Asking<'_, Server>,
        answer: std::result::Result<Response<A>, Status>,
    ) -> Result<Option<A>> {
        asking.is_answered = answer.is_ok();
        match (answer, &self.login) {
            (Ok(answer), _) => Ok(Some(answer.into_inner())),
            // A token that has just been given may be too old as well, if users are being changed.
            (Err(status), Some(login)) if is_about_the_token(&status) => {
                login.forget().await;
                Ok(None)
            }
            (Err(status), _) => Err(error(what, &status)),
        }
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
    if let Some(why) = refusal(status) {
        return Error::Refused { engine: super::NAME, what, why };
    }
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
