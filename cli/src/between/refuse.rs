//! An engine's errors, as statuses.

use bakery_distributed::Error;

use crate::exit::{Failure, status};
use crate::message::shown;

/// It would not, or did not answer.
pub fn refused(error: Error) -> Failure {
    match &error {
        // An address may have a password in it.
        Error::BadUrl { why, .. } => Failure::usage(format!(
            "--engine does not say where an engine is: {why}; write etcd://HOST:PORT,HOST:PORT/PREFIX, zookeeper://, consul:// or dynamodb:// likewise, or postgres://USER@HOST:PORT/DATABASE"
        )),
        Error::BadName { name, why } => {
            Failure::usage(format!("{} cannot name a lock between machines: {why}", shown(name)))
        }
        Error::BadNote { why } => Failure::usage(format!("--why cannot be kept: {why}")),
        Error::BadTtl { .. } => Failure::usage(format!("{error}; write another --ttl")),
        Error::Lost { line } => Failure::new(
            status::LOST,
            format!(
                "{}: the session has ended, and with it the place in line; try again",
                shown(line)
            ),
        ),
        _ => Failure::new(status::NO_ENGINE, error),
    }
}
