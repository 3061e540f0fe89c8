//! `bakery doctor`: what is wrong with the locks, or may become so, and what to do.

mod circles;
mod locks;
mod place;

use std::ffi::OsString;
use std::fmt::Write as _;

use crate::arguments::options::{DIR, HELP, JSON};
use crate::arguments::{Id, Parsed, Verb, parse};
use crate::exit::Outcome;
use crate::json::{Object, list, string};
use crate::looking::names::{self, use_directory};
use crate::looking::{self, Looked};
use crate::screen::{self, Paint, Palette, wrapped};

pub static VERB: Verb = Verb {
    name: "doctor",
    forms: &["[NAME] [--json]"],
    about: "say what is wrong with the locks, and what to do; status 1 if anything",
    options: &[&JSON, &DIR, &HELP],
    options_end_at: usize::MAX,
    run,
};

/// Something is wrong.
const WRONG: u8 = 1;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    what: String,
    /// What to do. `None`: nothing, it is well.
    cure: Option<String>,
}

impl Finding {
    fn well(what: impl Into<String>) -> Self {
        Self { what: what.into(), cure: None }
    }

    fn wrong(what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { what: what.into(), cure: Some(cure.into()) }
    }
}

fn run(verb: &'static Verb, parsed: &Parsed) -> Outcome {
    if parsed.operands.len() > 1 {
        return Err(parse::wrong(verb, "it takes one name, or none for all locks"));
    }
    use_directory(parsed);
    screen::end_when_closed();
    let name = parsed.operands.first();
    if let Some(name) = name {
        // Wrong usage is not an illness.
        crate::name::Name::new(name.clone())?;
    }
    let mut findings = place::look();
    let looked = of(name);
    if let Some(name) = name
        && looked.iter().all(|(_, look)| matches!(look, Ok(None)))
    {
        let what = format!(
            "{} is not there, which is well: nobody has it",
            screen::command(std::slice::from_ref(name))
        );
        findings.push(Finding::well(what));
    }
    let mut about_locks = looked.iter().flat_map(locks::look).collect::<Vec<_>>();
    about_locks.extend(circles::look(name.map(OsString::as_os_str)));
    if about_locks.is_empty() {
        about_locks.push(Finding::well(format!(
            "{} looked at: none damaged, none kept by a descriptor alone, no dead participants, nobody in a circle",
            match looked.len() {
                1 => "1 lock".to_owned(),
                number => format!("{number} locks"),
            }
        )));
    }
    findings.extend(about_locks);
    let is_wrong = findings.iter().any(|finding| finding.cure.is_some());
    let text = if parsed.has(Id::Json) { json(&findings) } else { text(&findings) };
    screen::answer(&text, if is_wrong { WRONG } else { 0 })
}

fn of(name: Option<&OsString>) -> Vec<Looked> {
    if let Some(name) = name {
        return looking::at(std::slice::from_ref(name));
    }
    let names = names::directory().map(|directory| names::in_directory(&directory));
    let names = names.unwrap_or_default().into_iter().map(OsString::from);
    looking::at(&names.collect::<Vec<_>>())
}

fn json(findings: &[Finding]) -> String {
    let one = |finding: &Finding| {
        Object::default()
            .text("level", if finding.cure.is_some() { "warn" } else { "ok" })
            .text("what", &finding.what)
            .maybe("do", finding.cure.as_ref().map(string))
            .end()
    };
    Object::versioned().with("findings", list(findings.iter().map(one))).end() + "\n"
}

fn text(findings: &[Finding]) -> String {
    let palette = Palette::for_output();
    let mut text = String::new();
    for Finding { what, cure } in findings {
        let said = match cure {
            None => what.clone(),
            Some(cure) => format!("{what}. {cure}"),
        };
        let label = match cure {
            None => palette.paint(Paint::Green, "ok  "),
            Some(_) => palette.paint(Paint::Red, "warn"),
        };
        let lines = wrapped(&said, 6);
        let _ = write!(text, "{label}  {}", &lines[6..]);
    }
    text
}
