//! Leases: what a session is to etcd.

use std::time::Duration;

use prost::Message;

use super::wire::{Done, Header, RangeRequest, RangeResponse};
use super::{Etcd, NAME};
use crate::engine::Renewal;
use crate::{Error, Result};

#[derive(Clone, PartialEq, Message)]
struct Grant {
    #[prost(int64, tag = "1")]
    pub ttl: i64,
}

/// What a lease is renewed and revoked by.
#[derive(Clone, PartialEq, Message)]
struct ById {
    #[prost(int64, tag = "1")]
    pub id: i64,
}

/// The answer to a grant and to a renewal; a time of 0 says that there is no such lease.
#[derive(Clone, PartialEq, Message)]
struct Lease {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(int64, tag = "2")]
    pub id: i64,
    #[prost(int64, tag = "3")]
    pub ttl: i64,
}

/// The servers' words for a lease that has ended.
const NOT_FOUND: &str = "lease not found";

impl Etcd {
    /// A lease of this time or more, and its number.
    pub(super) async fn grant(&self, ttl: Duration) -> Result<(i64, Duration)> {
        let seconds = ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0);
        let grant = Grant { ttl: i64::try_from(seconds).unwrap_or(i64::MAX) };
        let path = "/etcdserverpb.Lease/LeaseGrant";
        let lease: Lease = self.servers.ask("grant a lease", path, grant).await?;
        Ok((lease.id, Duration::from_secs(lease.ttl.max(0).cast_unsigned())))
    }

    /// Renews it. The leader answers, whichever server is asked; and so does one that does not know yet that it
    /// has been deposed, which has stood still for instance. So the same server has to be in the same term
    /// after a read that a majority stands behind: then its leader was the leader.
    pub(super) async fn keep_alive(&self, id: i64) -> Result<Renewal> {
        const WHAT: &str = "renew a lease";
        let path = "/etcdserverpb.Lease/LeaseKeepAlive";
        let lease: Lease = self.servers.first(WHAT, path, ById { id }).await?;
        // No competitor's key: it need not be there.
        let key = format!("{}/", self.prefix).into();
        let read = RangeRequest { key, range_end: Vec::new() };
        let read: RangeResponse = self.servers.ask(WHAT, "/etcdserverpb.KV/Range", read).await?;
        let source = |header: Option<Header>| header.unwrap_or_default().source();
        if source(lease.header) != source(read.header) {
            let why = "another leader has been elected, or another server has been asked meanwhile";
            return Err(Error::Unreachable { engine: NAME, what: WHAT, why: why.to_owned() });
        }
        Ok(if lease.ttl > 0 { Renewal::Alive } else { Renewal::Ended })
    }

    /// Ends it.
    pub(super) async fn revoke(&self, id: i64) -> Result<()> {
        let path = "/etcdserverpb.Lease/LeaseRevoke";
        match self.servers.ask("revoke a lease", path, ById { id }).await {
            Ok(Done {}) => Ok(()),
            Err(error) if has_ended(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Whether the servers refused because there is no such lease.
pub(super) fn has_ended(error: &Error) -> bool {
    matches!(error, Error::Refused { why, .. } if why.contains(NOT_FOUND))
}
