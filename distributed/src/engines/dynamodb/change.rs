//! What a line's item is changed to, and under which condition.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::line_key;
use crate::engine::Me;
use crate::{Death, Mode};

/// A change of a line's item, under a condition.
#[derive(Debug)]
pub(super) struct Change {
    set: Vec<String>,
    remove: Vec<String>,
    add: Vec<String>,
    condition: String,
    names: BTreeMap<String, String>,
    values: BTreeMap<&'static str, Value>,
}

/// The number of the next one that enters.
const NEXT: &str = "if_not_exists(lineTickets, :none) + :one";

impl Change {
    /// Of this attempt, if that is in line or not.
    fn of(place: &str, is_in_line: bool) -> Self {
        let is = if is_in_line { "attribute_exists" } else { "attribute_not_exists" };
        let mut change = Self {
            set: Vec::new(),
            remove: Vec::new(),
            add: Vec::new(),
            condition: format!("{is}(#q)"),
            names: BTreeMap::new(),
            values: BTreeMap::new(),
        };
        change.name("q", "q", place);
        change
    }

    fn name(&mut self, short: &str, kind: &str, place: &str) {
        self.names.insert(format!("#{short}"), format!("{kind}:{place}"));
    }

    fn count(&mut self, mode: Mode, value: &'static str, number: &str) {
        self.add.push(format!("lineLength {value}"));
        if mode == Mode::Exclusive {
            self.add.push(format!("lineExclusive {value}"));
        }
        self.values.insert(value, json!({"N": number}));
    }

    /// Goes to the end of the line.
    pub(super) fn enter(place: &str, mode: Mode, value: &str) -> Self {
        let mut change = Self::of(place, false);
        change.name("w", "w", place);
        change.set.extend([format!("#q = {NEXT}"), format!("lineTickets = {NEXT}")]);
        change.set.push("#w = :value".to_owned());
        change.values.insert(":value", json!({"S": value}));
        change.values.insert(":none", json!({"N": "0"}));
        change.count(mode, ":one", "1");
        change
    }

    /// And in, if nobody is in it with whom it does not get along.
    pub(super) fn if_it_gets_in(mut self, place: &str, me: &Me) -> Self {
        let count = if me.mode == Mode::Exclusive { "lineLength" } else { "lineExclusive" };
        self.condition =
            format!("{} AND (attribute_not_exists({count}) OR {count} = :none)", self.condition);
        if me.is_recorded {
            self.name("i", "i", place);
            self.set.push(format!("#i = {NEXT}"));
        }
        self
    }

    /// Goes in: leaves its record.
    pub(super) fn go_in(place: &str) -> Self {
        let mut change = Self::of(place, true);
        change.name("i", "i", place);
        change.set.push("#i = #q".to_owned());
        change
    }

    /// Says something else of itself.
    pub(super) fn say(place: &str, value: &str) -> Self {
        let mut change = Self::of(place, true);
        change.name("w", "w", place);
        change.set.push("#w = :value".to_owned());
        change.values.insert(":value", json!({"S": value}));
        change
    }

    /// Leaves the line, and takes with it its record, and those of others.
    pub(super) fn leave(place: &str, mode: Mode, others: &[(String, Death)]) -> Self {
        let mut change = Self::of(place, true);
        change.count(mode, ":less", "-1");
        change.name("i", "i", place);
        change.name("w", "w", place);
        change.remove.extend(["#q", "#i", "#w"].map(str::to_owned));
        let others = others.iter().filter(|(other, _)| other != place);
        for (number, (other, _)) in others.enumerate() {
            for kind in ["i", "w"] {
                let short = format!("{kind}{number}");
                change.name(&short, kind, other);
                change.remove.push(format!("#{short}"));
            }
        }
        change
    }

    /// Takes one that is dead out of the line. Its record stays, if it has one.
    pub(super) fn expel(place: &str, mode: Mode, has_record: bool) -> Self {
        let mut change = Self::of(place, true);
        change.count(mode, ":less", "-1");
        change.name("i", "i", place);
        change.remove.push("#q".to_owned());
        if has_record {
            change.condition += " AND attribute_exists(#i)";
        } else {
            change.condition += " AND attribute_not_exists(#i)";
            change.name("w", "w", place);
            change.remove.push("#w".to_owned());
        }
        change
    }

    /// As it is asked for.
    pub(super) fn of_line(self, line: &str) -> Value {
        let clause = |word: &str, parts: &[String]| match parts {
            [] => String::new(),
            parts => format!("{word} {} ", parts.join(", ")),
        };
        let update =
            clause("SET", &self.set) + &clause("REMOVE", &self.remove) + &clause("ADD", &self.add);
        let mut body = json!({
            "Key": {"k": {"S": line_key(line)}},
            "UpdateExpression": update, "ConditionExpression": self.condition,
            "ExpressionAttributeNames": self.names, "ReturnValues": "ALL_NEW",
        });
        if !self.values.is_empty() {
            body["ExpressionAttributeValues"] = json!(self.values);
        }
        body
    }
}
