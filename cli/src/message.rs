//! What `bakery` says. Texts go to standard error, data to standard output.

use std::ffi::OsStr;
use std::fmt::Display;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// Says something on standard error. If nobody can hear it, it is not said.
pub fn say(message: impl Display) {
    // In one write, so that lines of several processes do not mix.
    let line = format!("bakery: {}\n", harmless(&message.to_string()));
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Writes to standard output. Whoever has stopped reading has read enough.
///
/// # Errors
///
/// What keeps it from being written, but for a closed pipe.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// A text that names things as they are called, without what a terminal would obey or hide.
pub fn harmless(text: &str) -> String {
    let shown = |character| {
        if is_visible(character) {
            character.to_string()
        } else {
            character.escape_default().to_string()
        }
    };
    text.chars().map(shown).collect()
}

/// Whether it is a letter, an accent behind one, or the like: neither a control character nor one that
/// turns the direction of writing, and no space but the usual one.
fn is_visible(character: char) -> bool {
    let is_escaped = || format!("x{character}").escape_debug().count() > 2;
    matches!(character, '"' | '\'' | '\\') || !is_escaped()
}

/// A name, a path or an argument for people: on one line, whatever bytes it has.
pub fn shown(text: impl AsRef<OsStr>) -> String {
    let text = text.as_ref();
    let is_plain =
        |byte: &u8| byte.is_ascii_graphic() && !b"'\"\\$`*?;&|<>(){}[]#!~".contains(byte);
    match text.to_str() {
        Some(plain) if !plain.is_empty() && plain.bytes().all(|byte| is_plain(&byte)) => {
            plain.to_owned()
        }
        Some(other) if !other.is_empty() && other.chars().all(is_visible) => {
            format!("'{}'", other.replace('\'', "'\\''"))
        }
        Some("") => "''".to_owned(),
        _ => format!("$'{}'", text.as_bytes().escape_ascii()),
    }
}

/// A length of time for people: `0.3s`, `12s`, `2m05s`, `3h10m`, `2d04h`.
pub fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1}s", time.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..86400 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86400, seconds / 3600 % 24),
    }
}

/// `1st`, `2nd`, `3rd`, `11th`.
pub fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_on_one_line() {
        assert_eq!(shown("deploy"), "deploy");
        assert_eq!(shown("two words"), "'two words'");
        assert_eq!(shown("it's"), r"'it'\''s'");
        assert_eq!(shown("a\nb"), r"$'a\nb'");
        assert_eq!(shown(""), "''");
        assert_eq!(shown(OsStr::from_bytes(b"\xff")), r"$'\xff'");
        assert_eq!(shown("日本"), "'日本'");
        assert_eq!(shown("e\u{301}"), "'e\u{301}'");
        assert_eq!(shown("\x1b[2J"), r"$'\x1b[2J'");
        // Of one byte in other encodings, the same as an escape and a bracket.
        assert_eq!(shown("\u{9b}2J"), r"$'\xc2\x9b2J'");
        // It turns around what stands behind it.
        assert_eq!(shown("\u{202e}"), r"$'\xe2\x80\xae'");
        assert_eq!(harmless("a\nb\x1b[31m \"é\"\u{202e}"), "a\\nb\\u{1b}[31m \"é\"\\u{202e}");
    }

    #[test]
    fn times_and_numbers_read_as_people_say_them() {
        let of = |seconds| time(Duration::from_millis(seconds));
        assert_eq!(
            [of(250), of(12_000), of(125_000), of(11_400_000), of(187_200_000)],
            ["0.2s", "12s", "2m05s", "3h10m", "2d04h"]
        );
        assert_eq!(
            [1, 2, 3, 4, 11, 12, 13, 21, 112].map(ordinal),
            ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th"]
        );
    }
}
