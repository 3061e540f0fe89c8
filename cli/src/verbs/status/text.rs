//! The screen of `bakery status`.

use std::time::Duration;

use crate::clock;
use crate::looking::wrapper::Kept;
use crate::looking::{Holder, Look, Mode, Waiter, ago};
use crate::message::{self, shown, time};
use crate::screen::{Paint, Palette, WIDTH, column, columns, command, cut, program, wrapped};

/// Where what belongs to a line is, under it.
pub const INDENT: usize = 12;
const COMMAND: usize = 48;
/// How much of a name is shown above.
const NAME: usize = 36;

pub fn of(look: &Look, palette: Palette) -> String {
    let mut text = head(look, palette);
    if !look.holders.is_empty() || !look.queue.is_empty() {
        text.push_str(&titles(palette));
    }
    for holder in &look.holders {
        text.push_str(&of_holder(holder));
    }
    for (number, waiter) in look.queue.iter().enumerate() {
        text.push_str(&of_waiter(waiter, number + 1));
    }
    text.push_str(&without_slot(look));
    if let Some(why) = &look.unseen {
        text.push_str(&wrapped(&format!("Not all can be seen: {why}."), 3));
    }
    text.push_str(&history(look));
    text
}

/// Of the columns.
pub fn titles(palette: Palette) -> String {
    let titles = format!("  {:>8}  {:COMMAND$}{:8}  {:>7}", "PID", "COMMAND", "SINCE", "FOR");
    format!("\n{}\n", palette.paint(Paint::Bold, &titles))
}

/// How many of those who wait for a slot are named.
const NAMED: usize = 10;

/// Those who wait for a slot.
fn without_slot(look: &Look) -> String {
    let number = look.outside.len();
    if number == 0 {
        return String::new();
    }
    let pids: Vec<_> =
        look.outside.iter().take(NAMED).map(|waiter| waiter.pid.to_string()).collect();
    let more = if number > NAMED { ", ..." } else { "" };
    let what =
        format!("{number} more wait for one of the slots, in no order: {}{more}", pids.join(", "));
    wrapped(&what, 3)
}

fn head(look: &Look, palette: Palette) -> String {
    let by_descriptor = look.holders.iter().any(|holder| holder.gone.is_some());
    let state = match (look.state(), by_descriptor) {
        ("held", true) => "held by a descriptor",
        (state, _) => state,
    };
    let mode = match (look.is_free(), look.mode) {
        (true, _) => String::new(),
        (_, Mode::Exclusive) => "exclusive".to_owned(),
        (_, Mode::Shared) => format!("shared by {}", look.holders.len()),
        (_, Mode::Jobs(0)) => format!("{} at a time", look.holders.len()),
        (_, Mode::Jobs(jobs)) => format!("{} of {jobs}", look.holders.len()),
    };
    let sort = match &look.status {
        _ if look.is_file => "flock(2)".to_owned(),
        Some(status) => format!("{}, {} of {} slots", status.kind, status.joined, status.slots),
        None => String::new(),
    };
    let name = cut(&shown(&look.name), NAME);
    let rest = [mode, sort].into_iter().filter(|part| !part.is_empty());
    let rest: String = rest.map(|part| "  ".to_owned() + &part).collect();
    let length = columns(&name) + 2 + state.len() + columns(&rest);
    let line = format!(
        "{}  {}{rest}",
        palette.paint(Paint::Bold, &name),
        palette.state(look.state(), state)
    );
    // A path stays whole, so that it can be copied.
    let path = shown(&look.path);
    if look.is_file {
        line + "\n"
    } else if length + 2 + columns(&path) <= WIDTH {
        format!("{line}  {path}\n")
    } else {
        format!("{line}\n  {path}\n")
    }
}

/// Somebody inside or in line.
pub fn line(
    label: &str,
    pid: Option<u32>,
    words: &str,
    since: Option<std::time::SystemTime>,
) -> String {
    let pid = pid.map_or_else(|| "?".to_owned(), |pid| pid.to_string());
    let at = since.map(clock::local).unwrap_or_default();
    let length = ago(since).map(time).unwrap_or_default();
    let words = column(words, COMMAND - 1);
    let line = format!("{label:>2} {pid:>7}  {words} {at:8}  {length:>7}");
    line.trim_end().to_owned() + "\n"
}

fn of_holder(holder: &Holder) -> String {
    let words = if holder.is_pause {
        "paused: nobody goes in until `bakery resume`".to_owned()
    } else {
        command(&holder.command)
    };
    let mut text = line("in", holder.pid, &words, holder.since);
    let mut facts = Vec::new();
    if let Some(why) = &holder.why {
        facts.push(format!("why: {}", plain(why)));
    }
    facts.extend(holder.kept.as_ref().map(of_kept));
    if let Some(token) = holder.token {
        facts.push(format!("token {token}"));
    }
    if let Some(wrapper) = holder.wrapper {
        facts.push(format!("by wrapper {wrapper}"));
    }
    if let [keeper] = holder.keepers.as_slice()
        && holder.wrapper.is_none()
        && holder.gone.is_none()
    {
        facts.push(format!("descriptor {}", keeper.descriptor));
    }
    if !facts.is_empty() {
        text.push_str(&wrapped(&facts.join("; "), INDENT));
    }
    if let Some(gone) = holder.gone {
        text.push_str(&kept(gone, holder));
    }
    text
}

/// Who keeps it, now that the wrapper is gone.
fn kept(gone: u32, holder: &Holder) -> String {
    let mut text = match holder.keepers.as_slice() {
        [] => wrapped(&format!("Process {gone} is gone; somebody has its descriptor."), 3),
        keepers => {
            let named: Vec<_> =
                keepers.iter().map(|one| format!("{} ({})", one.pid, shown(&one.name))).collect();
            let verb = if keepers.len() == 1 { "keeps" } else { "keep" };
            let end = if keepers.len() == 1 { "it ends" } else { "they end" };
            let who = named.join(", ");
            wrapped(&format!("Process {gone} is gone; {who} {verb} the lock until {end}."), 3)
        }
    };
    if let Some(line) = to_end(holder) {
        text.push_str(&wrapped(&format!("To end it: {line}"), 3));
    }
    text
}

/// What to write to end those who keep it.
pub fn to_end(holder: &Holder) -> Option<String> {
    let mut pids: Vec<u32> = holder.keepers.iter().map(|one| one.pid).collect();
    pids.dedup();
    let pids: Vec<_> = pids.iter().map(u32::to_string).collect();
    (!pids.is_empty()).then(|| format!("kill {}", pids.join(" ")))
}

fn of_waiter(waiter: &Waiter, number: usize) -> String {
    let mut text =
        line(&number.to_string(), Some(waiter.pid), &command(&waiter.command), waiter.since);
    let mut facts = Vec::new();
    if waiter.mode == Mode::Shared {
        facts.push("shared".to_owned());
    }
    if let Some(why) = &waiter.why {
        facts.push(format!("why: {}", plain(why)));
    }
    facts.extend(waiter.kept.as_ref().map(of_kept));
    if let Some(until) = waiter.until {
        facts.push(format!("gives up at {}", clock::local(until)));
    }
    if !facts.is_empty() {
        text.push_str(&wrapped(&facts.join("; "), INDENT));
    }
    text
}

/// That somebody is to come again.
fn of_kept(kept: &Kept) -> String {
    let key = match plain(&kept.key) {
        _ if kept.key.is_empty() => String::new(),
        key => format!(" with the key {key}"),
    };
    format!("place kept until {} for the next try{key}", clock::local(kept.until))
}

/// A text of somebody's own, without quotes if it needs none.
fn plain(text: &std::ffi::OsStr) -> String {
    match text.to_str() {
        Some(plain) if message::harmless(plain) == plain => cut(plain, 200),
        _ => cut(&shown(text), 200),
    }
}

fn history(look: &Look) -> String {
    let Some(status) = look.status.as_ref().filter(|_| !look.is_file) else {
        return String::new();
    };
    let mut text = format!(
        "\n{} passage{}, longest wait {}; {} dead cleared away\n",
        status.acquisitions,
        if status.acquisitions == 1 { "" } else { "s" },
        longest(status.longest_wait),
        status.recoveries
    );
    for dead in &status.dead {
        let who = format!(
            "{} ({}) is dead, and will be cleared away by whoever comes next.",
            dead.pid,
            shown(&dead.command)
        );
        text.push_str(&wrapped(&who, 0));
    }
    if let Some(death) = look.last_death() {
        let who = format!(
            "last death: {} ({}), inside since {}, token {}",
            death.pid,
            shown(&death.command),
            clock::local(death.since).trim_start(),
            death.token
        );
        text.push_str(&wrapped(&who, 0));
    }
    if let Some(death) = &status.poisoned {
        let who = format!(
            "Poisoned: {} ({}) died inside with token {}; the value may be half-written.",
            death.pid,
            shown(&death.command),
            death.token
        );
        text.push_str(&wrapped(&who, 0));
    }
    text
}

/// How long, or that it was no time.
fn longest(time: Duration) -> String {
    if time.is_zero() { "none".to_owned() } else { message::time(time) }
}

/// `make 41877`, for a column; dots if there are more.
pub fn who(look: &Look) -> String {
    let Some(first) = look.first_holder() else { return "-".to_owned() };
    let pid = first.pid.map_or_else(|| "?".to_owned(), |pid| pid.to_string());
    let more = if look.holders.len() > 1 { ", ..." } else { "" };
    let name = if first.is_pause { "pause".to_owned() } else { program(&first.command) };
    let descriptor = match first.keepers.as_slice() {
        [one] if first.wrapper.is_none() => format!(" (fd {})", one.descriptor),
        _ => String::new(),
    };
    format!("{} {pid}{descriptor}{more}", cut(&name, 15))
}
