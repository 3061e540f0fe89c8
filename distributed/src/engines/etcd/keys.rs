//! A line's keys, and what is in them.

use super::wire::KeyValue;
use crate::Death;
use crate::engine::{Entry, Me, Place};
use crate::engines::value::{Value, from_value, to_value};

/// What the keys of the competitors and of the records of a line begin with.
pub(super) struct Keys {
    pub line: String,
    pub inside: String,
}

impl Keys {
    pub(super) fn new(prefix: &str, line: &str) -> Self {
        // No lock's name is empty, so no line begins with the prefix and a slash.
        Self { line: format!("{prefix}{line}/"), inside: format!("{prefix}/inside/{line}/") }
    }
}

/// The record of one that goes in with this token.
pub(super) fn to_record(me: &Me, note: &str, token: u64) -> String {
    format!("{token} {}", to_value(me, note))
}

/// The competitors.
pub(super) fn entries(kvs: Vec<KeyValue>) -> Vec<Entry> {
    let entry = |kv: KeyValue| {
        let Value { since, mode, who, note } = from_value(&String::from_utf8_lossy(&kv.value));
        let key = String::from_utf8_lossy(&kv.key).into_owned();
        let place = Place { key, order: kv.create_revision.cast_unsigned() };
        Entry { place, mode, who, note, since }
    };
    kvs.into_iter().map(entry).collect()
}

/// The records, with the ends of their keys, in the order of their tokens.
pub(super) fn records(keys: &Keys, kvs: Vec<KeyValue>) -> Vec<(String, Death)> {
    let record = |kv: KeyValue| {
        let value = String::from_utf8_lossy(&kv.value);
        let (token, rest) = value.split_once(' ').unwrap_or(("0", &value));
        let token = token.parse().ok().filter(|&token| token != 0);
        let Value { since, who, note, .. } = from_value(rest);
        let key = String::from_utf8_lossy(&kv.key).into_owned();
        let place = key.strip_prefix(&keys.inside).unwrap_or_default().to_owned();
        // It was not known yet when the record was written with the entry.
        let token = token.unwrap_or(kv.create_revision.cast_unsigned());
        (place, Death { who, note, token, since })
    };
    let mut records: Vec<_> = kvs.into_iter().map(record).collect();
    records.sort_by_key(|(_, death)| death.token);
    records
}
