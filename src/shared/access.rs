//! Who may use a segment.

use std::fmt;

/// Who may use a segment with a name. Said by whoever makes it, and by each who opens it
/// ([`Options::access`](crate::shared::Options::access)).
///
/// Whoever may use a segment can write to all of it: such a peer can let two in at once, or nobody;
/// can put any value there; and can cut the file off, which ends with `SIGBUS` whoever touches what
/// is gone. It cannot make this library step outside of the segment, and what is not in the segment
/// is out of its reach. So ask for no more than is needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Access {
    /// The processes of one user. The file has mode 0600. The default.
    #[default]
    User,
    /// The members of the group with this id. The file is that group's and has mode 0660.
    ///
    /// Whoever makes a segment has to be a member (or the superuser). A file that another user has
    /// made is accepted if it is this group's and nobody else has access to it.
    Group(u32),
    /// Everybody on this machine who can reach the file. It has mode 0666.
    Everybody,
}

/// For messages: "a segment for ...".
impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User => f.write_str("one user"),
            Self::Group(id) => write!(f, "group {id}"),
            Self::Everybody => f.write_str("everybody"),
        }
    }
}
