//! Locks between machines, in the words of this machine's.

use bakery_distributed::{Client, Competitor, Death, Mode, Status};

use crate::arguments::{Parsed, Verb, parse};
use crate::between::{self, Between, Driver, named};
use crate::clock;
use crate::exit::Failure;
use crate::json::{Object, list, string};
use crate::looking::ago;
use crate::message::shown;
use crate::name::between_machines;
use crate::screen::{Paint, Palette, wrapped};
use crate::verbs::status::HELD;
use crate::verbs::status::text::{INDENT, line, titles};

/// Those who can be asked.
pub struct Engine<'a> {
    driver: Driver,
    client: Client,
    kind: &'a str,
    names: Vec<String>,
}

impl<'a> Engine<'a> {
    /// # Errors
    ///
    /// No lock is named, or one that there can be none of; or the address is wrong.
    pub fn of(verb: &'static Verb, parsed: &Parsed, between: &'a Between) -> Result<Self, Failure> {
        if parsed.operands.is_empty() {
            let what = "an engine does not say which locks there are; write bakery status NAME... --engine URL";
            return Err(parse::wrong(verb, what));
        }
        let names = parsed.operands.iter().map(|name| between_machines(verb, name));
        let names = names.collect::<Result<_, _>>()?;
        let driver = Driver::start()?;
        let client = between.client(&driver)?;
        Ok(Self { driver, client, kind: between.engine(), names })
    }

    /// What is to be shown, and the status.
    ///
    /// # Errors
    ///
    /// The engine does not answer.
    pub fn look(&self, is_json: bool, palette: Palette) -> Result<(String, u8), Failure> {
        let (mut text, mut status) = (String::new(), 0);
        for (number, name) in self.names.iter().enumerate() {
            let (found, has_permits) = between::look(&self.driver, &self.client, name)?;
            let seen = Seen { kind: self.kind, found: &found, has_permits };
            if is_json {
                text.push_str(&(seen.json() + "\n"));
            } else {
                text.push_str(if number > 0 { "\n" } else { "" });
                text.push_str(&seen.text(palette));
            }
            if !found.holders.is_empty() {
                status = HELD;
            }
        }
        Ok((text, status))
    }
}

/// One lock.
struct Seen<'a> {
    kind: &'a str,
    found: &'a Status,
    has_permits: bool,
}

impl Seen<'_> {
    fn state(&self) -> &'static str {
        if self.found.holders.is_empty() { "free" } else { "held" }
    }

    /// `None` if nobody is inside.
    fn mode(&self) -> Option<&'static str> {
        match self.found.holder()?.mode {
            _ if self.has_permits => Some("jobs"),
            Mode::Shared => Some("shared"),
            Mode::Exclusive => Some("exclusive"),
        }
    }

    fn text(&self, palette: Palette) -> String {
        let Status { line: name, holders, queue, deaths, .. } = self.found;
        let mode = match self.mode() {
            None => String::new(),
            Some("jobs") => format!("  {} at a time", holders.len()),
            Some("shared") => format!("  shared by {}", holders.len()),
            Some(mode) => format!("  {mode}"),
        };
        let state = self.state();
        let mut text = format!(
            "{}  {}{mode}  {}\n",
            palette.paint(Paint::Bold, &shown(name)),
            palette.state(state, state),
            self.kind
        );
        if !holders.is_empty() || !queue.is_empty() {
            text.push_str(&titles(palette));
        }
        for holder in holders {
            text.push_str(&self.of_one("in", holder));
        }
        for (number, waiter) in queue.iter().enumerate() {
            text.push_str(&self.of_one(&(number + 1).to_string(), waiter));
        }
        let gap = if deaths.is_empty() { "" } else { "\n" };
        text.push_str(gap);
        for Death { who, token, since, .. } in deaths {
            let since = since.map(|since| format!(", in line since {}", clock::local(since)));
            let since = since.unwrap_or_default();
            let told = format!("left without unlocking: {}{since}, token {token}", named(who));
            text.push_str(&wrapped(&told, 0));
        }
        text
    }

    fn of_one(&self, label: &str, one: &Competitor) -> String {
        let pid = Some(one.who.pid).filter(|pid| *pid > 0);
        let mut text = line(label, pid, &shown(&*one.who.command), one.since);
        let mut facts = Vec::new();
        if !one.who.host.is_empty() {
            facts.push(format!("on {}", shown(&*one.who.host)));
        }
        if label != "in" && one.mode == Mode::Shared && !self.has_permits {
            facts.push("shared".to_owned());
        }
        if !one.note.is_empty() {
            facts.push(format!("why: {}", shown(&one.note)));
        }
        if one.token > 0 {
            facts.push(format!("token {}", one.token));
        }
        if !facts.is_empty() {
            text.push_str(&wrapped(&facts.join("; "), INDENT));
        }
        text
    }

    fn json(&self) -> String {
        let Status { line: name, holders, queue, deaths, .. } = self.found;
        let holders = holders.iter().map(|one| {
            let object = of_who(Object::default(), one).moment("since", one.since);
            let object = object.time("held_s", ago(one.since));
            why(object.token(Some(one.token).filter(|token| *token > 0)), one).end()
        });
        let queue = queue.iter().enumerate().map(|(number, one)| {
            let object = of_who(Object::default().with("position", number + 1), one);
            let object = object.moment("since", one.since).time("waiting_s", ago(one.since));
            why(object, one).end()
        });
        Object::versioned()
            .text("name", name)
            .text("engine", self.kind)
            .text("state", self.state())
            .text("mode", self.mode().unwrap_or("exclusive"))
            .with("holders", list(holders))
            .with("queue", list(queue))
            .maybe("last_death", deaths.last().map(of_death))
            .end()
    }
}

fn of_who(object: Object, one: &Competitor) -> Object {
    who(object, &one.who).with("command", list([string(&*one.who.command)]))
}

fn who(object: Object, who: &bakery_distributed::Who) -> Object {
    let host = Some(&who.host).filter(|host| !host.is_empty());
    object
        .maybe("pid", Some(who.pid).filter(|pid| *pid > 0))
        .maybe("host", host.map(|host| string(&**host)))
}

fn why(object: Object, one: &Competitor) -> Object {
    object.maybe("why", Some(&one.note).filter(|note| !note.is_empty()).map(string))
}

fn of_death(death: &Death) -> String {
    who(Object::default(), &death.who)
        .text("command", &*death.who.command)
        .token(Some(death.token))
        .moment("since", death.since)
        .end()
}
