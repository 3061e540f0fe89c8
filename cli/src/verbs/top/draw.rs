//! How it looks.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::rates::Rates;
use super::state::{Mode, State};
use crate::looking::{self, Look, Waiter, ago};
use crate::message::{self, harmless, shown};
use crate::screen::{column, command};
use crate::verbs::status::who;

const KEYS: &str = "q quit   up, down choose   k kill   p pause or resume   / find";

pub fn draw(frame: &mut Frame<'_>, state: &mut State) {
    let [title, body, foot, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let titles = format!(
        "{:20} {:8} {:26} {:>8} {:>5} {:>7}",
        "LOCK", "STATE", "HOLDER", "FOR", "LINE", "A MIN"
    );
    frame.render_widget(Paragraph::new(titles).style(bold), title);
    let (position, height) = (state.position(), usize::from(body.height));
    if let Some(at) = position {
        state.first = state.first.clamp((at + 1).saturating_sub(height), at);
    }
    let rows = state.rows();
    let first = state.first.min(rows.len().saturating_sub(1));
    let lines = rows.iter().enumerate().skip(first).take(height).map(|(at, shown)| {
        let line = match shown.waiter {
            None => of_lock(shown.look, &state.rates),
            Some((number, waiter)) => of_waiter(number, waiter),
        };
        if position == Some(at) { line.patch_style(Modifier::REVERSED) } else { line }
    });
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), body);
    frame.render_widget(Paragraph::new(foot_of(state)).style(bold), foot);
    frame.render_widget(Paragraph::new(KEYS), keys);
}

/// The line below: what is asked or said, or else the sum of all.
fn foot_of(state: &State) -> String {
    match &state.mode {
        Mode::Asking(victim) => return format!("end {}? y, or any other key", victim.who),
        Mode::Finding => return format!("/{}", harmless(&state.sought)),
        Mode::Looking | Mode::Over if !state.said.is_empty() => return state.said.clone(),
        Mode::Looking | Mode::Over => {}
    }
    let looks = &state.looks;
    let held = looks.iter().filter(|look| !look.is_free()).count();
    let waiting: usize = looks.iter().map(Look::waiting).sum();
    let statuses =
        || looks.iter().filter(|look| !look.is_file).filter_map(|look| look.status.as_ref());
    let deaths: u64 = statuses().map(|status| status.recoveries).sum();
    let longest = statuses().map(|status| status.longest_wait).max().unwrap_or_default();
    format!(
        "{} lock{}, {held} held, {waiting} in line; {:.1} hand-overs/min; longest wait {}; {deaths} dead",
        looks.len(),
        if looks.len() == 1 { "" } else { "s" },
        state.rates.all(),
        message::time(longest)
    )
}

fn of_lock<'a>(look: &Look, rates: &Rates) -> Line<'a> {
    let (state, colour) = match look.mode {
        _ if look.is_free() => ("free".to_owned(), Color::Green),
        _ if look.is_paused() => ("paused".to_owned(), Color::Magenta),
        looking::Mode::Jobs(0) => (look.holders.len().to_string(), Color::Yellow),
        looking::Mode::Jobs(jobs) => (format!("{}/{jobs}", look.holders.len()), Color::Yellow),
        looking::Mode::Shared => ("shared".to_owned(), Color::Yellow),
        looking::Mode::Exclusive => ("held".to_owned(), Color::Yellow),
    };
    let time = look.first_holder().and_then(|holder| ago(holder.since)).map(message::time);
    let rest = format!(
        " {} {:>8} {:>5} {:>7.1}",
        column(&who(look), 26),
        time.unwrap_or_else(|| "-".to_owned()),
        look.waiting(),
        rates.of(&look.name)
    );
    Line::from(vec![
        Span::raw(column(&shown(&look.name), 20) + " "),
        // Without colours (`NO_COLOR`) crossterm leaves them out.
        Span::styled(column(&state, 8), Style::new().fg(colour)),
        Span::raw(rest),
    ])
}

fn of_waiter<'a>(number: usize, waiter: &Waiter) -> Line<'a> {
    let words = column(&command(&waiter.command), 36);
    let time = ago(waiter.since).map(message::time).unwrap_or_default();
    let left =
        waiter.until.and_then(|until| until.duration_since(std::time::SystemTime::now()).ok());
    let left =
        left.map(|left| format!("  gives up in {}", message::time(left))).unwrap_or_default();
    Line::raw(format!(" {number:>3} {:>7}  {words} {time:>8}{left}", waiter.pid))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::time::{Duration, SystemTime};

    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::crossterm::event::KeyCode;

    use super::*;
    use crate::looking::{Holder, Mode as Held};

    fn look(name: &str, waiting: usize) -> Look {
        let holder = Holder {
            pid: Some(41877),
            command: vec!["make".into(), "-C".into()],
            since: SystemTime::now().checked_sub(Duration::from_secs(848)),
            ..Holder::default()
        };
        let waiter = |number: usize| Waiter {
            pid: u32::try_from(100 + number).unwrap(),
            command: vec![OsString::from("./deploy.sh"), format!("\x1b{number}").into()],
            since: SystemTime::now().checked_sub(Duration::from_secs(65)),
            until: SystemTime::now().checked_add(Duration::from_secs(7205)),
            ..Waiter::default()
        };
        Look {
            name: name.into(),
            path: "/dev/shm".into(),
            mode: Held::Exclusive,
            holders: vec![holder],
            queue: (1..=waiting).map(waiter).collect(),
            outside: Vec::new(),
            status: None,
            is_file: false,
            unseen: None,
        }
    }

    fn shown_by(state: &mut State) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(80, 12)).unwrap();
        terminal.draw(|frame| draw(frame, state)).unwrap();
        let buffer = terminal.backend().buffer();
        let row = |y| (0..80).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..12).map(|y| row(y).trim_end().to_owned()).collect()
    }

    #[test]
    fn locks_and_those_in_line_have_a_line_each() {
        let mut state = State::default();
        state.note(vec![look("deploy", 2), look("\x1b[31m日本", 0)]);
        let lines = shown_by(&mut state);
        assert_eq!(
            lines[1],
            "deploy               held     make 41877                   14m08s     2     0.0"
        );
        assert_eq!(
            lines[2],
            r"   1     101  ./deploy.sh $'\x1b1'                    1m05s  gives up in 2h00m"
        );
        assert!(lines[4].starts_with(r"$'\x1b[31m\xe6\x97.. held     make"), "{lines:?}");
        assert_eq!(
            lines[10],
            "2 locks, 2 held, 2 in line; 0.0 hand-overs/min; longest wait 0.0s; 0 dead"
        );
        assert_eq!(lines[11], KEYS);
    }

    #[test]
    fn the_chosen_line_stays_on_the_screen() {
        let mut state = State::default();
        state.note(vec![look("deploy", 30)]);
        let press = |state: &mut State, code: KeyCode| state.key(code.into());
        for _ in 0..20 {
            press(&mut state, KeyCode::Down);
        }
        let lines = shown_by(&mut state);
        assert!(lines.iter().any(|line| line.contains("  119  ./")), "{lines:?}");
        assert!(!lines.iter().any(|line| line.starts_with("deploy")), "{lines:?}");
        press(&mut state, KeyCode::Home);
        assert!(shown_by(&mut state)[1].starts_with("deploy"));
        press(&mut state, KeyCode::End);
        assert!(shown_by(&mut state)[9].contains("  130  ./"));
    }

    #[test]
    fn what_is_sought_is_all_that_is_shown() {
        let mut state = State::default();
        state.note(vec![look("deploy", 1), look("backup", 0)]);
        for letter in "/back".chars() {
            state.key(KeyCode::Char(letter).into());
        }
        let lines = shown_by(&mut state);
        assert!(lines[1].starts_with("backup") && lines[2].is_empty(), "{lines:?}");
        assert_eq!(lines[10], "/back");
        state.key(KeyCode::Esc.into());
        assert!(shown_by(&mut state)[1].starts_with("deploy"));
        assert!(!state.is_over());
    }
}
