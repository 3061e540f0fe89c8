//! JSON, written piece by piece.

use std::ffi::OsStr;
use std::fmt::{Display, Write as _};
use std::time::{Duration, SystemTime};

use crate::clock;

/// An object that grows.
#[derive(Debug, Default)]
pub struct Object(String);

impl Object {
    /// One of the outermost, which says how its keys are meant.
    pub fn versioned() -> Self {
        Self::default().with("v", 1)
    }

    /// With a value that is JSON already: a number, `true`, another object.
    pub fn with(mut self, key: &str, value: impl Display) -> Self {
        let comma = if self.0.is_empty() { "" } else { "," };
        let _ = write!(self.0, "{comma}{}:{value}", string(key));
        self
    }

    pub fn text(self, key: &str, text: impl AsRef<OsStr>) -> Self {
        let text = string(text);
        self.with(key, text)
    }

    /// `null` if there is none.
    pub fn maybe(self, key: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self.with(key, "null"),
        }
    }

    /// In seconds.
    pub fn time(self, key: &str, time: Option<Duration>) -> Self {
        self.maybe(key, time.map(|time| format!("{:.3}", time.as_secs_f64())))
    }

    /// A string: tokens have more digits than many readers of JSON keep of a number.
    pub fn token(self, token: Option<u64>) -> Self {
        self.maybe("token", token.map(|token| string(token.to_string())))
    }

    /// In UTC.
    pub fn moment(self, key: &str, moment: Option<SystemTime>) -> Self {
        self.maybe(key, moment.map(|moment| string(clock::utc(moment))))
    }

    pub fn end(self) -> String {
        format!("{{{}}}", self.0)
    }
}

pub fn list(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(","))
}

/// What is no UTF-8 in it becomes U+FFFD: JSON has no other bytes.
pub fn string(text: impl AsRef<OsStr>) -> String {
    let mut quoted = String::from("\"");
    for character in text.as_ref().to_string_lossy().chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn whatever_is_written_is_read_as_it_was() {
        let text = "a\"b\\c\n\t\u{1}\u{7f}\u{9b}é\u{2028}";
        let inner = Object::default().text("t", text).end();
        let json = Object::versioned()
            .text("name", OsStr::from_bytes(b"\xff"))
            .time("for", Some(Duration::from_millis(1500)))
            .maybe("none", None::<u32>)
            .token(Some(u64::MAX))
            .with("list", list([inner, "2".into()]))
            .end();
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read["list"][0]["t"], text);
        assert_eq!((&read["name"], &read["v"]), (&"\u{fffd}".into(), &1.into()));
        assert!(!json.chars().any(char::is_control), "{json}");
        assert_eq!(read["token"], u64::MAX.to_string());
        assert_eq!((&read["for"], &read["none"]), (&1.5.into(), &serde_json::Value::Null));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&list([])).unwrap().to_string(), "[]");
    }
}
