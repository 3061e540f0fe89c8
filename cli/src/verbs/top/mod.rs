//! `bakery top`: all locks, live. [`state`] is what is shown and what keys do, [`draw`] how it looks.

mod draw;
mod end;
mod rates;
mod state;
mod terminal;

use std::time::{Duration, Instant};

use ratatui::crossterm::event::{self, Event, KeyEventKind};

use crate::arguments::options::{DIR, HELP};
use crate::arguments::{Parsed, Verb, parse};
use crate::exit::{Failure, Outcome, status};
use crate::hold::is_interrupted;
use crate::looking::Look;
use crate::looking::names::use_directory;
use crate::signals::{self, Noted};
use crate::verbs::ls;
use state::State;

pub static VERB: Verb = Verb {
    name: "top",
    forms: &[""],
    about: "show all locks, live; keys: q quits, k ends a holder, p pauses, / finds",
    options: &[&DIR, &HELP],
    options_end_at: usize::MAX,
    run,
};

const AGAIN: Duration = Duration::from_secs(1);
/// How often it looks whether a signal has come.
const LOOK_EVERY: Duration = Duration::from_millis(100);

fn run(verb: &'static Verb, parsed: &Parsed) -> Outcome {
    if !parsed.operands.is_empty() {
        return Err(parse::wrong(verb, "it takes no name; write bakery status NAME --watch"));
    }
    use_directory(parsed);
    if !terminal::is_one() {
        let what = "it needs a terminal; write bakery ls, or bakery status --watch";
        return Err(parse::wrong(verb, what));
    }
    // Looked at once before the terminal is taken, so that an error is one as everywhere.
    ls::all(false)?;
    let noted = Noted::begin();
    let outcome = show();
    let is_interrupted = is_interrupted();
    drop(noted);
    if is_interrupted {
        signals::obey();
    }
    outcome.map(|()| 0)
}

fn show() -> Result<(), Failure> {
    let failed = |error| Failure::new(status::SYSTEM, format!("cannot use the terminal: {error}"));
    let mut screen = terminal::Screen::take().map_err(failed)?;
    let mut state = State::default();
    while !is_interrupted() {
        let looked = ls::all(false)?;
        let looks: Vec<Look> =
            looked.into_iter().filter_map(|(_, look)| look.ok().flatten()).collect();
        state.note(looks);
        let next = Instant::now() + AGAIN;
        while !is_interrupted() {
            screen.draw(|frame| draw::draw(frame, &mut state)).map_err(failed)?;
            if state.is_over() {
                return Ok(());
            }
            let mut left = next.saturating_duration_since(Instant::now());
            // Drawn anew after a key, and not before.
            while !left.is_zero() && !is_interrupted() {
                if event::poll(left.min(LOOK_EVERY)).map_err(failed)? {
                    match event::read() {
                        Ok(Event::Key(key)) if key.kind == KeyEventKind::Press => state.key(key),
                        Ok(_) => {}
                        // The terminal is gone.
                        Err(_) => return Ok(()),
                    }
                    break;
                }
                left = next.saturating_duration_since(Instant::now());
            }
            if left.is_zero() {
                break;
            }
        }
    }
    Ok(())
}
