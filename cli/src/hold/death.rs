//! Who died inside, as `bakery` tells of it; it may come from another process of `bakery`.

use std::fmt::{self, Display};

use bakery_lock::shared;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    pub pid: u32,
    pub command: String,
    pub token: u64,
    /// All of it, for people.
    told: String,
}

impl From<&shared::Death> for Death {
    fn from(death: &shared::Death) -> Self {
        let shared::Death { pid, command, token, .. } = death;
        Self { pid: *pid, command: command.clone(), token: *token, told: death.to_string() }
    }
}

#[cfg(feature = "between-machines")]
impl Death {
    /// One between machines.
    pub fn told(pid: u32, command: String, token: u64, told: String) -> Self {
        Self { pid, command, token, told }
    }
}

impl Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told)
    }
}

impl Death {
    /// For another process. (A process's name has no byte that is zero.)
    pub fn write(&self) -> String {
        let Self { pid, command, token, told } = self;
        format!("{pid}\0{token}\0{command}\0{told}")
    }

    pub fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, '\0');
        let (pid, token) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let (command, told) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        Some(Self { pid, command, token, told })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_written() {
        let (command, told) = ("a\nb".to_owned(), "process 7 (a\nb) died".to_owned());
        let death = Death { pid: 7, command, token: u64::MAX, told };
        assert_eq!(Death::read(&death.write()), Some(death));
        for text in ["", "7", "x\x001\0a\0b", "7\x001\0a"] {
            assert_eq!(Death::read(text), None, "{text:?}");
        }
    }
}
