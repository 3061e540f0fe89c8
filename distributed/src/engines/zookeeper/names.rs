//! What nodes are called.

use zookeeper_client::SessionId;

use crate::{Error, Mode, Result};

/// What is in front of the sequence number, with Curator; the first one is its mutex's.
const MARKS: [(&str, Mode); 3] =
    [("lock-", Mode::Exclusive), ("__READ__", Mode::Shared), ("__WRIT__", Mode::Exclusive)];

/// Around what a record is of. Others look for their marks and a number at the end; by their names, records come
/// after all that have one.
const RECORD: (&str, &str) = ("~", "-inside");

/// A line's directory.
pub(super) struct Paths {
    pub line: String,
    is_at_root: bool,
}

impl Paths {
    pub(super) fn new(base: &str, line: &str) -> Self {
        Self { line: format!("{base}/{line}"), is_at_root: base.is_empty() }
    }

    /// Whether ZooKeeper can have a directory of this name.
    pub(super) fn check(&self, line: &str) -> Result<()> {
        let why = match line {
            "." | ".." => "no node of ZooKeeper's can be called so",
            "zookeeper" if self.is_at_root => "ZooKeeper's own nodes are called so",
            _ => return Ok(()),
        };
        Err(Error::BadName { name: line.to_owned(), why })
    }

    /// What the name of a node in line begins with, up to its sequence number.
    pub(super) fn entry(&self, place: &str, mode: Mode) -> String {
        let mark = if mode == Mode::Exclusive { MARKS[0].0 } else { MARKS[1].0 };
        format!("{}/{}{mark}", self.line, prefix_of(place))
    }

    pub(super) fn record(&self, place: &str) -> String {
        let (before, after) = RECORD;
        format!("{}/{before}{place}{after}", self.line)
    }
}

/// Of these nodes of a line, whom there are records of.
pub(super) fn recorded(nodes: &[String]) -> Vec<&str> {
    let (before, after) = RECORD;
    nodes.iter().filter_map(|name| name.strip_prefix(before)?.strip_suffix(after)).collect()
}

/// What tells an attempt from all others, in the form of the UUID that Curator has there.
pub(super) fn place(session: SessionId, attempt: u64) -> String {
    let hex = format!("{:016x}{attempt:016x}", session.0);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// What the names of this attempt's nodes begin with.
pub(super) fn prefix_of(place: &str) -> String {
    format!("_c_{place}-")
}

/// What a name of a node in line says; none if it is something else.
pub(super) fn mode_and_sequence(name: &str) -> Option<(Mode, u64)> {
    MARKS.iter().find_map(|(mark, mode)| {
        let (_, sequence) = name.rsplit_once(mark)?;
        // After 2^31 it is negative, and goes on growing.
        let sequence: i32 = sequence.parse().ok()?;
        Some((*mode, u64::from(sequence.cast_unsigned())))
    })
}

#[cfg(test)]
mod tests {
    use zookeeper_client::SessionId;

    use super::{Paths, mode_and_sequence, place, recorded};
    use crate::Mode;

    #[test]
    fn places_look_like_curators_and_tell_attempts_apart() {
        let (one, other) = (place(SessionId(-2), 1), place(SessionId(-2), 2));
        assert_eq!(one, "ffffffff-ffff-fffe-0000-000000000001");
        assert_ne!(one, other);
    }

    #[test]
    fn sequence_numbers_grow_over_the_servers_overflow() {
        let of = |name: &str| mode_and_sequence(name).map(|(_, sequence)| sequence);
        assert_eq!(of("_c_a-lock-0000000007"), Some(7));
        assert_eq!(of("_c_a-lock--2147483648"), of("_c_a-lock-2147483647").map(|last| last + 1));
        assert!(of("_c_a-lock--2147483648") < of("_c_a-lock--2147483647"));
    }

    #[test]
    fn others_names_are_read_as_far_as_they_are_curators() {
        let read = mode_and_sequence("_c_b-__READ__0000000001");
        assert_eq!(read, Some((Mode::Shared, 1)));
        let write = mode_and_sequence("_c_b-__WRIT__0000000002");
        assert_eq!(write, Some((Mode::Exclusive, 2)));
        for other in ["", "lock", "lock-", "lock-a", "a0000000001"] {
            assert_eq!(mode_and_sequence(other), None);
        }
    }

    #[test]
    fn records_come_after_the_line_and_are_of_a_place() {
        let place = place(SessionId(1), 1);
        let record = Paths::new("", "lines").record(&place);
        let (_, record) = record.rsplit_once('/').unwrap();
        assert!(mode_and_sequence(record).is_none());
        assert!(["_c_", "lock-", "9", "__WRIT__"].iter().all(|name| record > *name));
        let nodes = ["_c_b-lock-0000000001".to_owned(), record.to_owned()];
        assert_eq!(recorded(&nodes), [place.as_str()]);
    }

    #[test]
    fn a_line_may_not_be_called_as_something_else_is() {
        for (base, name, is_good) in [
            ("", "lines", true),
            ("", "zookeeper", false),
            ("/a", "zookeeper", true),
            ("/a", "..", false),
        ] {
            assert_eq!(Paths::new(base, name).check(name).is_ok(), is_good, "{base}/{name}");
        }
    }
}
