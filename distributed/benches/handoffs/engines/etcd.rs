//! etcd: the servers' own lock service, and a key that is created if it is not there.

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use prost::{Message, Oneof};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{IntoRequest as _, Request};
use tonic_prost::ProstCodec;

use super::first;
use crate::contest::{Client, Contestant, Joining, Kind, Lock};
use crate::floor::Visit;
use crate::naive::{self, Key};
use crate::requests::{ask, servers};

/// `v3lock`, by the address of a server.
struct Service(String);

struct Member {
    channel: Channel,
    lease: i64,
    key: Vec<u8>,
}

pub fn contestants(url: &str) -> Vec<Contestant> {
    let server = first(url);
    let mut all = vec![Contestant {
        kind: Kind::ReadyMade,
        name: "etcd's v3lock".to_owned(),
        lock: Box::new(Service(server.clone())),
        wake_ups: None,
    }];
    all.extend(naive::contestants("create the key if it is not there", move |name| {
        let server = server.clone();
        Box::pin(async move {
            let member = Member::join(&server, format!("naive/{name}")).await?;
            Ok(Box::new(member) as Box<dyn Key>)
        })
    }));
    all
}

pub async fn version(url: &str) -> Result<String> {
    let answer = ask(&first(url), "GET /version HTTP/1.0\r\n\r\n").await?;
    let (_, json) = answer.split_once("\r\n\r\n").context("no body")?;
    let json: serde_json::Value = serde_json::from_str(json)?;
    let version = json["etcdserver"].as_str().context("no version")?;
    Ok(format!("etcd {version}, {} servers", servers(url).len()))
}

impl Lock for Service {
    fn join(&self, name: String) -> Joining {
        let server = self.0.clone();
        Box::pin(async move {
            let member = Member::join(&server, format!("v3lock/{name}")).await?;
            Ok(Box::new(member) as Box<dyn Client>)
        })
    }
}

impl Member {
    async fn join(server: &str, key: String) -> Result<Self> {
        let endpoint = Endpoint::from_shared(format!("http://{server}"))?.tcp_nodelay(true);
        let member = Self { channel: endpoint.connect().await?, lease: 0, key: key.into() };
        let path = "/etcdserverpb.Lease/LeaseGrant";
        let lease: Lease = member.ask(path, Grant { ttl: 120 }).await?;
        Ok(Self { lease: lease.id, ..member })
    }

    async fn ask<Q, A>(&self, path: &'static str, question: Q) -> Result<A>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut grpc = Grpc::new(self.channel.clone());
        grpc.ready().await?;
        let path = PathAndQuery::from_static(path);
        let question: Request<Q> = question.into_request();
        Ok(grpc.unary(question, path, ProstCodec::<Q, A>::default()).await?.into_inner())
    }
}

#[async_trait]
impl Client for Member {
    async fn pass(&mut self, visit: Visit<'_>) -> Result<()> {
        let lock = LockRequest { name: self.key.clone(), lease: self.lease };
        let locked: Locked = self.ask("/v3lockpb.Lock/Lock", lock).await?;
        visit.inside().await?;
        let unlock = Unlock { key: locked.key };
        self.ask("/v3lockpb.Lock/Unlock", unlock).await.map(|Done {}| ())
    }

    async fn leave(self: Box<Self>) -> Result<()> {
        let revoke = Revoke { id: self.lease };
        self.ask("/etcdserverpb.Lease/LeaseRevoke", revoke).await.map(|Done {}| ())
    }
}

#[async_trait]
impl Key for Member {
    async fn take(&mut self) -> Result<bool> {
        let put = Put { key: self.key.clone(), value: Vec::new(), lease: self.lease };
        let is_absent = Compare { target: 1, key: self.key.clone(), create_revision: Some(0) };
        let success = Operation { request: Some(Kinds::Put(put)) };
        let txn = Txn { compare: vec![is_absent], success: vec![success] };
        let done: TxnDone = self.ask("/etcdserverpb.KV/Txn", txn).await?;
        Ok(done.succeeded)
    }

    async fn give_back(&mut self) -> Result<()> {
        let delete = Delete { key: self.key.clone() };
        self.ask("/etcdserverpb.KV/DeleteRange", delete).await.map(|Done {}| ())
    }
}

// The messages that are used, as `v3lock.proto` and `rpc.proto` number them.

#[derive(Clone, PartialEq, Message)]
struct LockRequest {
    #[prost(bytes = "vec", tag = "1")]
    name: Vec<u8>,
    #[prost(int64, tag = "2")]
    lease: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Locked {
    #[prost(bytes = "vec", tag = "2")]
    key: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct Unlock {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct Grant {
    #[prost(int64, tag = "1")]
    ttl: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Lease {
    #[prost(int64, tag = "2")]
    id: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Revoke {
    #[prost(int64, tag = "1")]
    id: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Delete {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct Put {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
    #[prost(int64, tag = "3")]
    lease: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Compare {
    #[prost(int32, tag = "2")]
    target: i32,
    #[prost(bytes = "vec", tag = "3")]
    key: Vec<u8>,
    #[prost(int64, optional, tag = "5")]
    create_revision: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct Operation {
    #[prost(oneof = "Kinds", tags = "2")]
    request: Option<Kinds>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Kinds {
    #[prost(message, tag = "2")]
    Put(Put),
}

#[derive(Clone, PartialEq, Message)]
struct Txn {
    #[prost(message, repeated, tag = "1")]
    compare: Vec<Compare>,
    #[prost(message, repeated, tag = "2")]
    success: Vec<Operation>,
}

#[derive(Clone, PartialEq, Message)]
struct TxnDone {
    #[prost(bool, tag = "2")]
    succeeded: bool,
}

#[derive(Clone, PartialEq, Message)]
struct Done {}
