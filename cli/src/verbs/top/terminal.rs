//! The terminal, taken and given back: at the end, after an error, and after a panic.

use std::io::{self, IsTerminal, Stdout, stdin, stdout};
use std::panic;

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::{Frame, Terminal};

/// Whether there is one, to be written to and to be read from.
pub fn is_one() -> bool {
    stdout().is_terminal() && stdin().is_terminal()
}

pub struct Screen(Terminal<CrosstermBackend<Stdout>>);

impl Screen {
    pub fn take() -> io::Result<Self> {
        enable_raw_mode()?;
        // From here on it is given back, also if the next step fails.
        let given_back = GivenBack;
        let say = panic::take_hook();
        panic::set_hook(Box::new(move |what| {
            // Before it is said, or it would be gone with the screen.
            drop(GivenBack);
            say(what);
        }));
        execute!(stdout(), EnterAlternateScreen)?;
        let terminal = Terminal::new(CrosstermBackend::new(stdout()))?;
        std::mem::forget(given_back);
        Ok(Self(terminal))
    }

    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.0.draw(draw).map(drop)
    }
}

/// A panic drops it as well.
impl Drop for Screen {
    fn drop(&mut self) {
        drop(GivenBack);
    }
}

struct GivenBack;

impl Drop for GivenBack {
    fn drop(&mut self) {
        let _ = disable_raw_mode();
        let _ = execute!(stdout(), LeaveAlternateScreen, Show);
    }
}
