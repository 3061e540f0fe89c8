//! `bakery top`: all locks, live.

mod rates;
mod terminal;

use std::time::{Duration, Instant};

use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::arguments::options::{DIR, HELP};
use crate::arguments::{Parsed, Verb, parse};
use crate::exit::{Failure, Outcome, status};
use crate::hold::is_interrupted;
use crate::looking::names::use_directory;
use crate::looking::{Look, Mode, ago};
use crate::message::{self, shown};
use crate::screen::{command, cut};
use crate::signals::{self, Noted};
use crate::verbs::ls;
use crate::verbs::status::who;
use rates::Rates;

pub static VERB: Verb = Verb {
    name: "top",
    forms: &[""],
    about: "show all locks, live: holders, lines, and hand-overs a minute",
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
    let mut rates = Rates::default();
    while !is_interrupted() {
        let looked = ls::all(false)?;
        let looks: Vec<Look> =
            looked.into_iter().filter_map(|(_, look)| look.ok().flatten()).collect();
        rates.note(&looks);
        screen.draw(|frame| draw(frame, &looks, &rates)).map_err(failed)?;
        let next = Instant::now() + AGAIN;
        while !is_interrupted() {
            let left = next.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            if event::poll(left.min(LOOK_EVERY)).map_err(failed)? && is_to_quit(event::read()) {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn is_to_quit(event: std::io::Result<Event>) -> bool {
    match event {
        Ok(Event::Key(key)) if key.kind == KeyEventKind::Press => {
            let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
            match key.code {
                KeyCode::Char('q') | KeyCode::Esc => true,
                KeyCode::Char('c') => is_control,
                _ => false,
            }
        }
        Ok(_) => false,
        // The terminal is gone.
        Err(_) => true,
    }
}

fn draw(frame: &mut Frame<'_>, looks: &[Look], rates: &Rates) {
    let [title, body, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)])
            .areas(frame.area());
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let titles = format!(
        "{:20} {:8} {:26} {:>8} {:>5} {:>7}",
        "LOCK", "STATE", "HOLDER", "FOR", "LINE", "A MIN"
    );
    frame.render_widget(Paragraph::new(titles).style(bold), title);
    let lines: Vec<Line<'_>> = looks.iter().flat_map(|look| of(look, rates)).collect();
    frame.render_widget(Paragraph::new(lines), body);
    let held = looks.iter().filter(|look| !look.is_free()).count();
    let waiting: usize = looks.iter().map(|look| look.queue.len()).sum();
    let text = format!(
        "{} locks, {held} held, {waiting} in line, {:.1} hand-overs/min   q quits",
        looks.len(),
        rates.all()
    );
    frame.render_widget(Paragraph::new(text).style(bold), foot);
}

/// A lock, and those in its line.
fn of<'a>(look: &Look, rates: &Rates) -> Vec<Line<'a>> {
    let (state, colour) = match look.mode {
        _ if look.is_free() => ("free".to_owned(), Color::Green),
        _ if look.is_paused() => ("paused".to_owned(), Color::Magenta),
        Mode::Jobs(jobs) => (format!("{}/{jobs}", look.holders.len()), Color::Yellow),
        Mode::Shared => ("shared".to_owned(), Color::Yellow),
        Mode::Exclusive => ("held".to_owned(), Color::Yellow),
    };
    let time = look.first_holder().and_then(|holder| ago(holder.since)).map(message::time);
    let rest = format!(
        " {:26} {:>8} {:>5} {:>7.1}",
        cut(&who(look), 26),
        time.unwrap_or_else(|| "-".to_owned()),
        look.queue.len(),
        rates.of(&look.name)
    );
    let head = Line::from(vec![
        Span::raw(format!("{:20} ", cut(&shown(&look.name), 20))),
        Span::styled(format!("{:8}", cut(&state, 8)), Style::new().fg(colour)),
        Span::raw(rest),
    ]);
    let waiters = look.queue.iter().enumerate().map(|(number, waiter)| {
        let words = cut(&command(&waiter.command), 46);
        let time = ago(waiter.since).map(message::time).unwrap_or_default();
        Line::raw(format!(" {:>3} {:>7}  {words:46} {time:>8}", number + 1, waiter.pid))
    });
    std::iter::once(head).chain(waiters).collect()
}
