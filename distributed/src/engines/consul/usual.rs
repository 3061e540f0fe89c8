//! The key that `consul lock` and Consul's own client take: whoever goes in holds it too, if it is to.

use std::time::Duration;

use serde_json::{Value, json};

/// Between two attempts to take the key when nobody holds it: it is delayed after its holder's session has
/// ended.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// By what Consul's own client knows that a key is a lock.
const FLAGS: u64 = 0x2ddc_cbc0_58a5_0c18;

pub(super) fn lock(key: &str, session: &str) -> Value {
    json!({"KV": {"Verb": "lock", "Key": key, "Session": session, "Flags": FLAGS}})
}

/// Gives the key back and does this, if it is held.
pub(super) fn unlock_and(key: &str, session: &str, txn: &Value) -> Value {
    let unlock = [
        json!({"KV": {"Verb": "check-session", "Key": key, "Session": session}}),
        json!({"KV": {"Verb": "delete", "Key": key}}),
    ];
    unlock.into_iter().chain(txn.as_array().into_iter().flatten().cloned()).collect()
}
