//! A line's item. Of each attempt it has up to three attributes: `q:PLACE`, its number, as long as it is in
//! line; `i:PLACE`, the same, from when it has gone in exclusively until it unlocks; `w:PLACE`, who it is.

use serde_json::Value;

use crate::Death;
use crate::engine::{Entry, Place};
use crate::engines::note::from_note;

#[derive(Debug, Default)]
pub(super) struct Item {
    pub entries: Vec<Entry>,
    /// With their places, in the order of their tokens.
    pub records: Vec<(String, Death)>,
}

impl Item {
    pub(super) fn of(item: &Value) -> Self {
        let mut line = Self::default();
        for (name, value) in item.as_object().into_iter().flatten() {
            let Some((kind @ ("q" | "i"), place)) = name.split_once(':') else { continue };
            let number = value["N"].as_str().and_then(|number| number.parse().ok()).unwrap_or(0);
            let note = item[format!("w:{place}")]["S"].as_str().unwrap_or_default();
            let (since, mode, who) = from_note(note);
            if kind == "q" {
                let place = Place { key: place.to_owned(), order: number };
                line.entries.push(Entry { place, mode, who, since });
            } else {
                line.records.push((place.to_owned(), Death { who, token: number, since }));
            }
        }
        line.records.sort_by_key(|(_, death)| death.token);
        line
    }

    pub(super) fn entry(&self, place: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.place.key == place)
    }
}
