//! What a NAME stands for: a segment, or, with a slash in it, a file.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::exit::Failure;
use crate::message::shown;
#[cfg(feature = "between-machines")]
use crate::{arguments::Verb, between::address};

/// What is to be locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// A name without a slash: a segment of `bakery_lock::shared`, where a Rust `Mutex` of that name is.
    Segment(String),
    /// A name with a slash: a file, locked by flock(2), with a line of its own.
    File(PathBuf),
}

impl Name {
    /// # Errors
    ///
    /// Wrong usage, if it can be neither.
    pub fn new(name: OsString) -> Result<Self, Failure> {
        if name.as_bytes().contains(&b'/') {
            return Ok(Self::File(name.into()));
        }
        let refused =
            |why: &str| Failure::usage(format!("{} cannot name a lock: {why}", shown(&name)));
        match name.to_str() {
            None => Err(refused(
                "a name is UTF-8; a file can be of any bytes, with its directory: ./...",
            )),
            Some("") => Err(refused("it is empty")),
            Some(text) if text.starts_with('.') => {
                Err(refused("it begins with a dot; a file here is ./..."))
            }
            Some(text) if text.len() > 255 => Err(refused("it is longer than 255 bytes")),
            Some(text) => Ok(Self::Segment(text.to_owned())),
        }
    }

    pub fn as_os_str(&self) -> &OsStr {
        match self {
            Self::Segment(name) => OsStr::new(name),
            Self::File(path) => path.as_os_str(),
        }
    }

    /// For people.
    pub fn shown(&self) -> String {
        shown(self.as_os_str())
    }
}

/// A name between machines.
///
/// # Errors
///
/// Wrong usage, if it is a file's or can be none.
#[cfg(feature = "between-machines")]
pub fn between_machines(verb: &Verb, name: &OsStr) -> Result<String, Failure> {
    match Name::new(name.to_owned())? {
        Name::Segment(name) => Ok(name),
        file @ Name::File(_) => Err(address::refuse_file(verb, &file.shown())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_makes_it_a_file() {
        assert_eq!(Name::new("deploy".into()).unwrap(), Name::Segment("deploy".to_owned()));
        assert_eq!(Name::new("two\nlines".into()).unwrap(), Name::Segment("two\nlines".to_owned()));
        assert_eq!(Name::new("./deploy".into()).unwrap(), Name::File("./deploy".into()));
        let bytes = OsStr::from_bytes(b"/tmp/\xff").to_owned();
        assert_eq!(Name::new(bytes.clone()).unwrap(), Name::File(bytes.into()));
    }

    #[test]
    fn what_can_name_nothing_is_wrong_usage() {
        let bytes = OsStr::from_bytes(b"\xff").to_owned();
        for (name, why) in [
            (OsString::new(), "empty"),
            (".hidden".into(), "./"),
            ("n".repeat(256).into(), "255"),
            (bytes, "UTF-8"),
        ] {
            let failure = Name::new(name).unwrap_err();
            assert!(failure.status == 64 && failure.message.contains(why), "{failure}");
        }
    }
}
