//! A user of etcd, whom a server gives a token for a name and a password.

use tokio::sync::Mutex;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Code, IntoRequest as _, Request, Status};
use tonic_prost::ProstCodec;

use super::wire::{AuthenticateRequest, AuthenticateResponse};
use crate::secret::Secret;

type Codec = ProstCodec<AuthenticateRequest, AuthenticateResponse>;

#[derive(Debug)]
pub(super) struct Login {
    name: String,
    password: Secret,
    token: Mutex<Token>,
}

#[derive(Debug)]
enum Token {
    Unknown,
    Known(MetadataValue<Ascii>),
    /// The servers ask nobody who they are.
    Needless,
}

impl Login {
    pub(super) fn new(name: &str, password: &Secret) -> Self {
        let token = Mutex::new(Token::Unknown);
        Self { name: name.to_owned(), password: password.clone(), token }
    }

    /// Shows the token, after having asked for it if there is none.
    pub(super) async fn show<Q>(
        &self,
        grpc: &mut Grpc<Channel>,
        request: &mut Request<Q>,
    ) -> Result<(), Status> {
        let mut token = self.token.lock().await;
        if let Token::Unknown = *token {
            *token = self.authenticate(grpc).await?;
        }
        if let Token::Known(token) = &*token {
            request.metadata_mut().insert("token", token.clone());
        }
        Ok(())
    }

    async fn authenticate(&self, grpc: &mut Grpc<Channel>) -> Result<Token, Status> {
        grpc.ready().await.map_err(|why| Status::from_error(why.into()))?;
        let password = self.password.reveal().to_owned();
        let request = AuthenticateRequest { name: self.name.clone(), password };
        let path = PathAndQuery::from_static("/etcdserverpb.Auth/Authenticate");
        match grpc.unary(request.into_request(), path, Codec::default()).await {
            Ok(answer) => {
                let token = answer.into_inner().token.parse::<MetadataValue<Ascii>>();
                let mut token = token.map_err(|_| Status::internal("its token is not ASCII"))?;
                token.set_sensitive(true);
                Ok(Token::Known(token))
            }
            Err(status) if status.message().contains("authentication is not enabled") => {
                Ok(Token::Needless)
            }
            Err(status) => Err(status),
        }
    }

    /// Another token is to be asked for: this one has ended, or users have been changed since.
    pub(super) async fn forget(&self) {
        *self.token.lock().await = Token::Unknown;
    }
}

/// Whether another token would help. Servers that have begun to ask say so as well.
pub(super) fn is_about_the_token(status: &Status) -> bool {
    status.code() == Code::Unauthenticated
        || ["invalid auth token", "revision of auth store is old", "user name is empty"]
            .iter()
            .any(|words| status.message().contains(words))
}
