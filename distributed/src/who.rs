//! Who competes, as the others see it.

use std::fmt;
use std::sync::Arc;

/// A process of some machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "service", derive(serde::Serialize, serde::Deserialize))]
pub struct Who {
    /// Its process id, in its pid namespace; 0 if it is not known.
    pub pid: u32,
    /// Its machine's name; empty if it is not known.
    pub host: Arc<str>,
    /// The name of its program, or what it wants to be called.
    pub command: Arc<str>,
}

/// The most bytes of a machine's name, and of a command, that are told.
const LONGEST: usize = 24;

impl Who {
    /// This process.
    #[must_use]
    pub fn this() -> Self {
        let uname = rustix::system::uname();
        let program = std::env::current_exe().ok();
        let program = program.as_deref().and_then(|path| path.file_name()).unwrap_or_default();
        Self {
            pid: std::process::id(),
            host: tell(&uname.nodename().to_string_lossy()),
            command: tell(&program.to_string_lossy()),
        }
    }

    /// The same process, under another name.
    #[must_use]
    pub fn called(self, command: &str) -> Self {
        Self { command: tell(command), ..self }
    }

    /// The same, if another machine says so: no longer and no stranger than it would be here.
    #[cfg(feature = "service")]
    pub(crate) fn plain(self) -> Self {
        Self { host: tell(&self.host), command: tell(&self.command), ..self }
    }

    /// What [`Display`](fmt::Display) wrote; or, of another program's words, as much as can be made of
    /// them.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let known = text.split_once('@').and_then(|(pid, rest)| {
            let (host, command) = rest.split_once(' ')?;
            Some(Self { pid: pid.parse().ok()?, host: host.into(), command: command.into() })
        });
        known.unwrap_or_else(|| Self { pid: 0, host: "".into(), command: text.into() })
    }
}

/// Printable ASCII, so that it survives every engine; no spaces, and not too long.
fn tell(text: &str) -> Arc<str> {
    let plain = |c: char| if c.is_ascii_graphic() && c != '@' { c } else { '_' };
    text.chars().take(LONGEST).map(plain).collect::<String>().into()
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{} {}", self.pid, self.host, self.command)
    }
}

#[cfg(test)]
mod tests {
    use super::Who;

    #[test]
    fn is_what_was_written() {
        let who = Who::this().called("a name\nof two lines, and @ that");
        assert_eq!(&*who.command, "a_name_of_two_lines,_and");
        assert_eq!(Who::parse(&who.to_string()), who);
    }

    #[test]
    fn of_others_is_their_words() {
        for words in ["", "etcdctl", "me@home", "x@y z"] {
            let who = Who::parse(words);
            assert_eq!((who.pid, &*who.command), (0, words));
        }
    }
}
