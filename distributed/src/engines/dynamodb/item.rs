//! A line's item. Of each attempt it has up to three attributes: `q:PLACE`, its number, as long as it is in
//! line; `i:PLACE`, the same, from when it has gone in exclusively until it unlocks; `w:PLACE`, who it is.

use serde_json::Value as Json;

use crate::Death;
use crate::engine::{Entry, Line, Place};
use crate::engines::value::{Value, from_value};

#[derive(Debug, Default)]
pub(super) struct Item {
    pub entries: Vec<Entry>,
    /// With their places, in the order of their tokens.
    pub records: Vec<(String, Death)>,
}

impl Item {
    pub(super) fn of(item: &Json) -> Self {
        let mut line = Self::default();
        for (name, value) in item.as_object().into_iter().flatten() {
            let Some((kind @ ("q" | "i"), place)) = name.split_once(':') else { continue };
            let number = value["N"].as_str().and_then(|number| number.parse().ok()).unwrap_or(0);
            let value = item[format!("w:{place}")]["S"].as_str().unwrap_or_default();
            let Value { since, mode, who, note } = from_value(value);
            if kind == "q" {
                let place = Place { key: place.to_owned(), order: number };
                line.entries.push(Entry { place, mode, who, note, since });
            } else {
                line.records.push((place.to_owned(), Death { who, note, token: number, since }));
            }
        }
        line.records.sort_by_key(|(_, death)| death.token);
        line
    }

    pub(super) fn line(&self) -> Line {
        let is_in_line = |place: &str| self.entry(place).is_some();
        // Whoever is inside has a record as well.
        let dead = self.records.iter().filter(|(place, _)| !is_in_line(place));
        Line::of(self.entries.clone(), dead.map(|(_, death)| death.clone()).collect())
    }

    pub(super) fn entry(&self, place: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.place.key == place)
    }
}
