//! What is below a line's key.

use std::collections::HashMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value as Json;

use crate::Death;
use crate::engine::{Entry, Line, Me, Place};
use crate::engines::value::{Value, from_value, to_value};

#[derive(Default)]
pub(super) struct Tree {
    pub line: Vec<Entry>,
    /// At which index each key in line has changed.
    pub changed: HashMap<String, u64>,
    /// With the ends of their keys, in the order of their tokens.
    pub records: Vec<(String, Death)>,
}

impl Tree {
    /// What the operations of a transaction found.
    pub(super) fn of(results: &Json) -> Self {
        Self::of_keys(results.as_array().into_iter().flatten().map(|result| &result["KV"]))
    }

    pub(super) fn of_keys<'k>(keys: impl Iterator<Item = &'k Json>) -> Self {
        let mut tree = Self::default();
        for found in keys {
            let Some(key) = found["Key"].as_str() else { continue };
            // What was written is not told again.
            let Some(value) = found["Value"].as_str() else { continue };
            let value = BASE64_STANDARD.decode(value).unwrap_or_default();
            let value = String::from_utf8_lossy(&value);
            let (path, place) = key.rsplit_once('/').unwrap_or_default();
            if path.ends_with("/inside") {
                tree.records.push((place.to_owned(), from_record(&value)));
            } else if path.ends_with("/queue") && found["Session"].is_string() {
                let Value { since, mode, who, note } = from_value(&value);
                let index = |name: &str| found[name].as_u64().unwrap_or_default();
                let place = Place { key: key.to_owned(), order: index("CreateIndex") };
                tree.changed.insert(key.to_owned(), index("ModifyIndex"));
                tree.line.push(Entry { place, mode, who, note, since });
            }
        }
        tree.records.sort_by_key(|(_, death)| death.token);
        tree
    }

    pub(super) fn into_line(self) -> Line {
        let Self { line, mut records, .. } = self;
        // Whoever is inside has a record as well.
        records.retain(|(place, _)| line.iter().all(|entry| !entry.place.key.ends_with(place)));
        Line::of(line, records.into_iter().map(|(_, death)| death).collect())
    }
}

pub(super) fn base64(text: &str) -> String {
    BASE64_STANDARD.encode(text)
}

/// The record of one that goes in with this token.
pub(super) fn to_record(me: &Me, note: &str, token: u64) -> String {
    format!("{token} {}", to_value(me, note))
}

fn from_record(text: &str) -> Death {
    let (token, value) = text.split_once(' ').unwrap_or(("0", text));
    let Value { since, who, note, .. } = from_value(value);
    Death { who, note, token: token.parse().unwrap_or(0), since }
}
