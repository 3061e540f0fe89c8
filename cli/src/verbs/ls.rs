//! `bakery ls`: all locks of this user, a line each.

use std::ffi::OsString;
use std::fmt::Write as _;

use bakery_lock::shared::Options;

use crate::arguments::options::{ALL, DIR, HELP, JSON};
use crate::arguments::{Id, Parsed, Verb, parse};
use crate::exit::{Failure, Outcome};
use crate::json::{Object, list};
use crate::looking::names::{self, use_directory};
use crate::looking::{self, Look, Looked, Mode, ago, descriptors, refused};
use crate::message::{self, shown};
use crate::screen::{self, Paint, Palette, column, cut};
use crate::verbs::status::{json, who};

pub static VERB: Verb = Verb {
    name: "ls",
    forms: &["[--json] [--all]"],
    about: "list this user's locks: who holds each, and how many wait",
    options: &[&JSON, &ALL, &DIR, &HELP],
    options_end_at: usize::MAX,
    run,
};

fn run(verb: &'static Verb, parsed: &Parsed) -> Outcome {
    if let Some(name) = parsed.operands.first() {
        let what = format!("it takes no name; write bakery status {}", shown(name));
        return Err(parse::wrong(verb, what));
    }
    use_directory(parsed);
    screen::end_when_closed();
    let looked = all(parsed.has(Id::All))?;
    if parsed.has(Id::Json) {
        let found = looked.iter().filter_map(|(_, look)| look.as_ref().ok()?.as_ref());
        let locks = list(found.map(json::of));
        return screen::answer(&(Object::versioned().with("locks", locks).end() + "\n"), 0);
    }
    screen::answer(&table(&looked, parsed.has(Id::All), Palette::for_output()), 0)
}

/// All locks: this user's names, the files that somebody waits for, and with `others` what is not this
/// user's alone.
pub fn all(others: bool) -> Result<Vec<Looked>, Failure> {
    let directory = names::directory().map_err(refused)?;
    let mut locks: Vec<OsString> =
        names::in_directory(&directory).into_iter().map(OsString::from).collect();
    locks.extend(names::lines_in(&directory).iter().filter_map(|line| file_behind(line)));
    if others {
        locks.extend(names::of_others(&directory));
    }
    Ok(looking::at(&locks))
}

/// What a file is called by those who are in its line.
fn file_behind(line: &str) -> Option<OsString> {
    let file = names::file_of(line)?;
    let status = Options::status(line).ok()?;
    let path = status
        .holder
        .iter()
        .chain(&status.queue)
        .find_map(|one| descriptors::path(one.pid, file))?;
    path.to_string_lossy().starts_with('/').then_some(path)
}

fn table(looked: &[Looked], is_all: bool, palette: Palette) -> String {
    if looked.is_empty() {
        return "there are no locks; bakery run NAME -- COMMAND makes one\n".to_owned();
    }
    let titles =
        row(["LOCK", "STATE", "HOLDER", "FOR", "LINE", "LONGEST", "DEATHS"], |state| state);
    let mut text = palette.paint(Paint::Bold, titles.trim_end()) + "\n";
    let mut failed = 0;
    for (name, look) in looked {
        match look {
            Ok(Some(look)) => text.push_str(&of(look, palette)),
            Err(failure) if is_all => {
                let _ = writeln!(text, "{:19} ?       {failure}", shown(name));
            }
            Err(_) => failed += 1,
            // It has gone meanwhile.
            Ok(None) => {}
        }
    }
    if failed > 0 {
        message::say(format!(
            "{failed} files are no locks or cannot be looked at; bakery ls --all and bakery doctor say why"
        ));
    }
    text
}

fn row(cells: [&str; 7], paint: impl FnOnce(String) -> String) -> String {
    let [lock, state, holder, time, line, longest, deaths] = cells;
    let state = paint(column(state, 7));
    let (lock, holder) = (column(lock, 19), column(holder, 21));
    format!("{lock} {state} {holder} {time:>8} {line:>5} {longest:>8} {deaths:>6}\n")
}

fn of(look: &Look, palette: Palette) -> String {
    let state = match look.mode {
        _ if look.is_free() || look.is_paused() => look.state().to_owned(),
        Mode::Jobs(0) => look.holders.len().to_string(),
        Mode::Jobs(jobs) => format!("{}/{jobs}", look.holders.len()),
        Mode::Shared => "shared".to_owned(),
        Mode::Exclusive => look.state().to_owned(),
    };
    let time = look.first_holder().and_then(|holder| ago(holder.since)).map(message::time);
    let time = time.unwrap_or_else(|| "-".to_owned());
    let name = if look.is_file { shown(&look.path) } else { shown(&look.name) };
    let line = look.waiting().to_string();
    let status = look.status.as_ref();
    let longest = status.map(|status| status.longest_wait).filter(|wait| !wait.is_zero());
    let longest = longest.map_or_else(|| "-".to_owned(), message::time);
    let deaths = status.map_or_else(String::new, |status| status.recoveries.to_string());
    let paint = |cell: String| {
        let spaces = " ".repeat(cell.len() - cell.trim_end().len());
        let is_free = look.is_free();
        let name = if is_free { "free" } else { look.state() };
        if is_free { cell } else { palette.state(name, cell.trim_end()) + &spaces }
    };
    row([&cut(&name, 19), &state, &who(look), &time, &line, &longest, &deaths], paint)
}
