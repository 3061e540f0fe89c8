//! What is shown, which line of it is chosen, and what keys do.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::end::Victim;
use super::rates::Rates;
use crate::looking::{Look, Waiter};
use crate::message::shown;
use crate::screen::command;

#[derive(Default)]
pub struct State {
    pub looks: Vec<Look>,
    pub rates: Rates,
    pub chosen: Option<Row>,
    /// The first line that is shown.
    pub first: usize,
    /// What lines are to have in them.
    pub sought: String,
    pub mode: Mode,
    /// What came of the last key.
    pub said: String,
    /// Commands that pause a lock or resume it: they may have to wait.
    started: Vec<(String, Child)>,
}

/// What a key is for.
#[derive(Default)]
pub enum Mode {
    #[default]
    Looking,
    /// More of what is sought.
    Finding,
    /// Yes or no.
    Asking(Victim),
    Over,
}

/// A line, by what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    Lock(OsString),
    /// One in the line of a lock.
    Waiter(OsString, u32),
}

/// What a line shows.
pub struct Shown<'a> {
    pub row: Row,
    pub look: &'a Look,
    /// One in line, and which.
    pub waiter: Option<(usize, &'a Waiter)>,
}

impl State {
    /// What has been seen now.
    pub fn note(&mut self, looks: Vec<Look>) {
        self.rates.note(&looks);
        self.looks = looks;
        let said = &mut self.said;
        self.started.retain_mut(|(what, child)| match child.try_wait() {
            Ok(None) => true,
            Ok(Some(status)) => {
                let ended = if status.success() { "done" } else { "it failed" };
                *said = format!("{what}: {ended}");
                false
            }
            Err(_) => false,
        });
    }

    pub fn is_over(&self) -> bool {
        matches!(self.mode, Mode::Over)
    }

    /// The lines that there are to be shown, locks with those in their lines behind them.
    pub fn rows(&self) -> Vec<Shown<'_>> {
        let mut rows = Vec::new();
        for look in &self.looks {
            let has = |text: &str| text.contains(self.sought.as_str());
            let holds = look.holders.iter().any(|holder| has(&command(&holder.command)));
            let is_meant = has(&shown(&look.name)) || holds;
            let queue = look.queue.iter().enumerate();
            let waiting: Vec<_> = queue
                .filter(|(_, waiter)| is_meant || has(&command(&waiter.command)))
                .map(|(number, waiter)| {
                    let row = Row::Waiter(look.name.clone(), waiter.pid);
                    Shown { row, look, waiter: Some((number + 1, waiter)) }
                })
                .collect();
            if is_meant || !waiting.is_empty() {
                rows.push(Shown { row: Row::Lock(look.name.clone()), look, waiter: None });
                rows.extend(waiting);
            }
        }
        rows
    }

    /// Which of the lines is chosen.
    pub fn position(&self) -> Option<usize> {
        let chosen = self.chosen.as_ref()?;
        self.rows().iter().position(|shown| shown.row == *chosen)
    }

    pub fn key(&mut self, key: KeyEvent) {
        self.said.clear();
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            self.mode = Mode::Over;
            return;
        }
        match std::mem::take(&mut self.mode) {
            Mode::Looking => self.command(key.code),
            Mode::Finding => self.find(key.code),
            Mode::Asking(victim) => match key.code {
                KeyCode::Char('y') => self.said = victim.end(),
                _ => "nothing was ended".clone_into(&mut self.said),
            },
            Mode::Over => self.mode = Mode::Over,
        }
    }

    fn command(&mut self, code: KeyCode) {
        match code {
            KeyCode::Char('q') | KeyCode::Esc => self.mode = Mode::Over,
            KeyCode::Char('/') => {
                self.sought.clear();
                self.mode = Mode::Finding;
            }
            KeyCode::Char('k') => self.ask(),
            KeyCode::Char('p') => self.pause(),
            KeyCode::Up => self.choose(|at| at.saturating_sub(1)),
            KeyCode::Down => self.choose(|at| at + 1),
            KeyCode::Home => self.choose(|_| 0),
            KeyCode::End => self.choose(|_| usize::MAX),
            _ => {}
        }
    }

    fn find(&mut self, code: KeyCode) {
        self.mode = Mode::Finding;
        match code {
            KeyCode::Char(letter) => self.sought.push(letter),
            KeyCode::Backspace => drop(self.sought.pop()),
            KeyCode::Enter => self.mode = Mode::Looking,
            KeyCode::Esc => {
                self.sought.clear();
                self.mode = Mode::Looking;
            }
            _ => {}
        }
    }

    /// Another line, from the one that is chosen; at first the first one.
    fn choose(&mut self, which: impl Fn(usize) -> usize) {
        let at = self.position().map_or(0, which);
        let rows = self.rows();
        let row = rows.get(at).or(rows.last()).map(|shown| shown.row.clone());
        self.chosen = row;
    }

    fn ask(&mut self) {
        let Some(row) = self.chosen.clone().filter(|_| self.position().is_some()) else {
            "choose a lock or one in line first: up, down".clone_into(&mut self.said);
            return;
        };
        match Victim::of(&row) {
            Ok(victim) => self.mode = Mode::Asking(victim),
            Err(why) => self.said = why,
        }
    }

    /// Pauses the lock that is chosen, or resumes it: by a process of its own, as it may have to wait.
    fn pause(&mut self) {
        let Some(look) = self.position().map(|at| self.rows()[at].look) else {
            "choose a lock first: up, down".clone_into(&mut self.said);
            return;
        };
        let name = shown(&look.name);
        if look.is_file {
            self.said = format!("{name} is a file, which cannot be paused");
            return;
        }
        let verb = if look.is_paused() { "resume" } else { "pause" };
        // Its file may have been replaced by another version since.
        let this = std::env::current_exe().ok().filter(|path| path.exists());
        let mut command = Command::new(this.unwrap_or_else(|| "/proc/self/exe".into()));
        command.args([verb, "--"]).arg(&look.name);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // Known by its name, and not to end with this terminal's foreground.
        command.arg0("bakery").process_group(0);
        match command.spawn() {
            Ok(child) => {
                self.said = format!("{verb} {name}: it takes its place in line");
                self.started.push((format!("{verb} {name}"), child));
            }
            Err(error) => self.said = format!("{verb} {name}: {error}"),
        }
    }
}
