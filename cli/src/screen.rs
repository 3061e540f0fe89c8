//! What is shown to people who look: 80 columns, and colours where they are wanted.

use std::env;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::io::{self, IsTerminal};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::exit::{Failure, Outcome, status};
use crate::message;

/// How wide it is.
pub const WIDTH: usize = 80;

/// A colour, or how thick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    Bold,
    Red,
    Green,
    Yellow,
    Magenta,
}

/// Whether there are colours.
#[derive(Clone, Copy, Debug)]
pub struct Palette(bool);

impl Palette {
    /// On a terminal, unless `NO_COLOR` is set.
    pub fn for_output() -> Self {
        let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        Self(io::stdout().is_terminal() && !is_set("NO_COLOR") && !is_dumb)
    }

    pub fn paint(self, paint: Paint, text: &str) -> String {
        if !self.0 {
            return text.to_owned();
        }
        let code = match paint {
            Paint::Bold => 1,
            Paint::Red => 31,
            Paint::Green => 32,
            Paint::Yellow => 33,
            Paint::Magenta => 35,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// A text in the colour of a lock's state.
    pub fn state(self, state: &str, text: &str) -> String {
        let paint = match state {
            "free" => Paint::Green,
            "paused" => Paint::Magenta,
            _ => Paint::Yellow,
        };
        self.paint(paint, text)
    }
}

/// A command's words on one line.
pub fn command(words: &[OsString]) -> String {
    words.iter().map(|word| message::shown(word.as_os_str())).collect::<Vec<_>>().join(" ")
}

/// The name of a command's program.
pub fn program(words: &[OsString]) -> String {
    let first = words.first().map_or(OsStr::new("unknown"), OsString::as_os_str);
    let name = std::path::Path::new(first).file_name().unwrap_or(first);
    message::shown(name)
}

/// How many columns a terminal has for it: wide characters take two, accents none.
pub fn columns(text: &str) -> usize {
    text.width()
}

/// In no more columns than these: what is left out is shown by dots.
pub fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(2);
    let fits = |character: &char| {
        let columns = character.width().unwrap_or(0);
        let fits = columns <= left;
        left = left.saturating_sub(columns);
        fits
    };
    text.chars().take_while(fits).collect::<String>() + ".."
}

/// The same, in just so many columns.
pub fn column(text: &str, width: usize) -> String {
    let text = cut(text, width);
    let spaces = width.saturating_sub(columns(&text));
    text + &" ".repeat(spaces)
}

/// Words in lines, each behind so many spaces. A word that is longer than a line stays whole, so that it
/// can be copied: on a line of its own.
pub fn wrapped(text: &str, indent: usize) -> String {
    let margin = " ".repeat(indent);
    let mut lines = String::new();
    let mut line = margin.clone();
    for word in text.split(' ') {
        if line.len() > indent {
            if columns(&line) + 1 + columns(word) > WIDTH {
                lines.push_str(&line);
                lines.push('\n');
                line.clone_from(&margin);
            } else {
                line.push(' ');
            }
        }
        line.push_str(word);
    }
    lines + &line + "\n"
}

/// Data, on standard output.
pub fn print(text: &str) -> Result<(), Failure> {
    message::print(text).map_err(|error| {
        Failure::new(status::SYSTEM, format!("cannot write to standard output: {error}"))
    })
}

/// The same, and that is all.
pub fn answer(text: &str, status: u8) -> Outcome {
    print(text).map(|()| status)
}

/// Has this process end quietly when nobody reads any more what it writes.
pub fn end_when_closed() {
    // SAFETY: takes no pointers; the signal's default action is what programs begin with.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_and_wrapped_to_the_width() {
        assert_eq!(cut("four", 4), "four");
        assert_eq!(cut("fives", 4), "fi..");
        assert_eq!(column("é", 3), "é  ");
        // A wide one takes two columns, and half of one cannot be shown; an accent takes none.
        assert_eq!((column("日本", 5), cut("日本語", 5)), ("日本 ".to_owned(), "日..".to_owned()));
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(column("e\u{301}", 3), "e\u{301}  ");
        let text = wrapped(&"word ".repeat(40), 3);
        assert!(text.lines().count() > 2);
        assert!(text.lines().all(|line| line.starts_with("   ") && line.len() <= WIDTH));
        assert_eq!(program(&["/usr/bin/make".into(), "-C".into()]), "make");
        assert_eq!(program(&[]), "unknown");
        assert_eq!(command(&["a b".into(), "c\n".into()]), r"'a b' $'c\n'");
    }
}
