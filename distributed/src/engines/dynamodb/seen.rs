//! How long the sessions of others have not been renewed, by one's own clock, and what becomes of them then.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;

use super::change::Change;
use super::item::Item;
use super::{DynamoDb, session_key};
use crate::Result;
use crate::engine::Entry;
use crate::lease::now;

/// The sessions that have been looked at.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<HashMap<String, Session>>);

#[derive(Debug)]
struct Session {
    renewals: String,
    /// When it was first found so: later than the last renewal was sent.
    since: Duration,
}

/// After that time a session is forgotten that nobody has looked at.
const DAY: Duration = Duration::from_hours(24);

impl Seen {
    /// Whether a session that is found so has been found so for its time.
    fn is_dead(&self, id: &str, renewals: &str, ttl: Duration) -> bool {
        let now = now();
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.get(id) {
            Some(session) if session.renewals == renewals => {
                now.saturating_sub(session.since) >= ttl
            }
            _ => {
                seen.retain(|_, session| now.saturating_sub(session.since) < DAY);
                seen.insert(id.to_owned(), Session { renewals: renewals.to_owned(), since: now });
                false
            }
        }
    }
}

impl DynamoDb {
    /// Ends the session of this one if it has not been renewed for its time, and takes the place of one that
    /// has no session out of the line.
    pub(super) async fn look_after(&self, line: &str, entry: &Entry, item: &Item) -> Result<()> {
        let place = &entry.place.key;
        let id = place.split('.').next().unwrap_or_default();
        let session = self.table.get("look at a session", &session_key(id)).await?;
        if session.is_object() {
            let number = |name: &str| session[name]["N"].as_str().unwrap_or_default();
            let ttl = Duration::from_millis(number("ttl").parse().unwrap_or(u64::MAX));
            if !self.seen.is_dead(id, number("rv"), ttl) {
                return Ok(());
            }
            let body = json!({
                "Key": {"k": {"S": session_key(id)}}, "ConditionExpression": "rv = :seen",
                "ExpressionAttributeValues": {":seen": session["rv"]},
            });
            if self.table.ask("end a dead session", "DeleteItem", body).await?.is_none() {
                // It has been renewed, or another one has ended it.
                return Ok(());
            }
        }
        let has_record = item.records.iter().any(|(other, _)| other == place);
        let expel = Change::expel(place, entry.mode, has_record);
        self.change("take the place of one that is dead", line, expel).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;
    use std::time::Duration;

    use super::Seen;

    #[test]
    fn is_dead_when_nothing_has_changed_for_its_time() {
        let (seen, ttl) = (Seen::default(), Duration::from_millis(20));
        assert!(!seen.is_dead("a", "1", Duration::ZERO));
        assert!(!seen.is_dead("b", "1", Duration::ZERO));
        sleep(ttl);
        assert!(!seen.is_dead("a", "1", Duration::MAX));
        assert!(seen.is_dead("a", "1", ttl));
        assert!(seen.is_dead("b", "1", ttl));
        // It has been renewed.
        assert!(!seen.is_dead("a", "2", Duration::ZERO));
    }
}
