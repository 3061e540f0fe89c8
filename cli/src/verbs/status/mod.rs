//! `bakery status`: who has a lock, who waits, and what has happened.

#[cfg(feature = "between-machines")]
mod between;
pub mod json;
mod text;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::thread;
use std::time::Duration;

pub use text::{to_end, who};

use crate::arguments::options::{DIR, ENGINE, HELP, JSON, WATCH};
use crate::arguments::{Id, Parsed, Verb};
use crate::between::address;
use crate::exit::{Failure, Outcome};
use crate::looking::names::{self, use_directory};
use crate::looking::{self, Looked, refused};
use crate::message;
use crate::screen::{self, Palette};

pub static VERB: Verb = Verb {
    name: "status",
    forms: &["[NAME...] [--json] [--watch]"],
    about: "say who has a lock and who waits; status 0: free, 1: held, 2: no such lock",
    options: &[&JSON, &WATCH, &DIR, &ENGINE, &HELP],
    options_end_at: usize::MAX,
    run,
};

/// Of a lock that is held, and of one that there is not.
const HELD: u8 = 1;
pub const NO_SUCH_LOCK: u8 = 2;

/// How often `--watch` looks again.
const AGAIN: Duration = Duration::from_secs(1);

fn run(verb: &'static Verb, parsed: &Parsed) -> Outcome {
    let is_json = parsed.has(Id::Json);
    let palette = Palette::for_output();
    if let Some(between) = address::of(verb, parsed)? {
        address::refuse(verb, parsed, &[&DIR])?;
        #[cfg(not(feature = "between-machines"))]
        match between {}
        #[cfg(feature = "between-machines")]
        {
            let engine = between::Engine::of(verb, parsed, &between)?;
            return show(parsed, |_| engine.look(is_json, palette));
        }
    }
    use_directory(parsed);
    show(parsed, |goes_on| look(&parsed.operands, is_json, palette, goes_on))
}

/// Shows what it sees, once or again and again.
fn show(parsed: &Parsed, look: impl Fn(bool) -> Result<(String, u8), Failure>) -> Outcome {
    screen::end_when_closed();
    if !parsed.has(Id::Watch) {
        return look(false).and_then(|(text, status)| screen::answer(&text, status));
    }
    let is_json = parsed.has(Id::Json);
    let is_rewritten = io::stdout().is_terminal() && !is_json;
    loop {
        let (text, _) = look(true)?;
        // From the top; what was there is erased line by line, so that nothing flickers.
        let text = if is_rewritten {
            format!("\x1b[H{}\x1b[J", text.replace('\n', "\x1b[K\n"))
        } else if is_json {
            text
        } else {
            text + "\n"
        };
        screen::print(&text)?;
        thread::sleep(AGAIN);
    }
}

/// What is to be shown, and the status. Of all that are in use, if none is named.
fn look(
    named: &[OsString],
    is_json: bool,
    palette: Palette,
    goes_on: bool,
) -> Result<(String, u8), Failure> {
    let looked = if named.is_empty() { in_use()? } else { looking::at(named) };
    let (mut text, mut greatest, mut failed) = (String::new(), 0, None);
    for (number, (name, look)) in looked.iter().enumerate() {
        let status = match look {
            Ok(Some(look)) => {
                if is_json {
                    text.push_str(&(json::of(look) + "\n"));
                } else {
                    let gap = if number > 0 { "\n" } else { "" };
                    text.push_str(&(gap.to_owned() + &text::of(look, palette)));
                }
                if look.is_free() { 0 } else { HELD }
            }
            Ok(None) => {
                let name = message::shown(name);
                if is_json {
                    text.push_str(&(json::none(looked[number].0.as_os_str()) + "\n"));
                } else if goes_on {
                    let _ = writeln!(text, "{name}  there is no such lock");
                } else {
                    message::say(format!(
                        "{name}: there is no such lock (`bakery ls` has those that there are)"
                    ));
                }
                NO_SUCH_LOCK
            }
            Err(failure) => {
                message::say(failure);
                failed = Some(failure.status);
                0
            }
        };
        greatest = greatest.max(status);
    }
    if looked.is_empty() && !is_json {
        text.push_str("no lock is held or waited for (`bakery ls` has all)\n");
    }
    Ok((text, failed.unwrap_or(greatest)))
}

fn in_use() -> Result<Vec<Looked>, Failure> {
    let directory = names::directory().map_err(refused)?;
    let names: Vec<OsString> =
        names::in_directory(&directory).into_iter().map(OsString::from).collect();
    let mut looked = looking::at(&names);
    looked.retain(|(_, look)| {
        // One that cannot be looked at is `doctor`'s, unless it is asked for.
        let is_used = |look: &looking::Look| !look.is_free() || look.waiting() > 0;
        look.as_ref().is_ok_and(|look| look.as_ref().is_some_and(is_used))
    });
    Ok(looked)
}

/// By whom a lock is in use, for people.
pub fn in_use_by(look: &looking::Look) -> String {
    let holder = match look.state() {
        "free" if look.waiting() == 0 => return "somebody has it open".to_owned(),
        "free" => "nobody is inside".to_owned(),
        state => format!("{state} by {}", who(look)),
    };
    format!("{holder}, {} in line", look.waiting())
}
