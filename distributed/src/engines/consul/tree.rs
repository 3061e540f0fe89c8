//! What is below a line's key.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::Death;
use crate::engine::{Entry, Me, Place};
use crate::engines::note::{from_note, to_note};

#[derive(Default)]
pub(super) struct Tree {
    pub line: Vec<Entry>,
    /// With the ends of their keys, in the order of their tokens.
    pub records: Vec<(String, Death)>,
}

impl Tree {
    /// What the operations of a transaction found.
    pub(super) fn of(results: &Value) -> Self {
        let mut tree = Self::default();
        for found in results.as_array().into_iter().flatten().map(|result| &result["KV"]) {
            let Some(key) = found["Key"].as_str() else { continue };
            // What was written is not told again.
            let Some(value) = found["Value"].as_str() else { continue };
            let value = BASE64_STANDARD.decode(value).unwrap_or_default();
            let value = String::from_utf8_lossy(&value);
            let (path, place) = key.rsplit_once('/').unwrap_or_default();
            if path.ends_with("/inside") {
                tree.records.push((place.to_owned(), from_record(&value)));
            } else if path.ends_with("/queue") && found["Session"].is_string() {
                let (since, mode, who) = from_note(&value);
                let order = found["CreateIndex"].as_u64().unwrap_or_default();
                let place = Place { key: key.to_owned(), order };
                tree.line.push(Entry { place, mode, who, since });
            }
        }
        tree.records.sort_by_key(|(_, death)| death.token);
        tree
    }
}

pub(super) fn base64(text: &str) -> String {
    BASE64_STANDARD.encode(text)
}

/// The record of one that goes in with this token.
pub(super) fn to_record(me: &Me, token: u64) -> String {
    format!("{token} {}", to_note(me))
}

fn from_record(text: &str) -> Death {
    let (token, note) = text.split_once(' ').unwrap_or(("0", text));
    let (since, _, who) = from_note(note);
    Death { who, token: token.parse().unwrap_or(0), since }
}
