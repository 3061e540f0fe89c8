//! What can go wrong with a lock between processes, and what to do about it.

use std::io;

use crate::shared::{Access, Death, Kind};

/// Why a segment could not be made, opened or joined, or why its lock could not be taken.
///
/// Those about a segment say which one: a path, or "an anonymous segment".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The name cannot be a file's name.
    #[error("{name:?} cannot name a segment: {why}")]
    BadName {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A lock cannot have so many slots.
    #[error("a {kind} lock cannot have {slots} slots; it can have {}", range(*least, *most))]
    BadSlots {
        /// The algorithm.
        kind: Kind,
        /// How many slots were asked for.
        slots: u32,
        /// The fewest that it can have.
        least: u32,
        /// The most that it can have.
        most: u32,
    },
    /// The algorithm cannot do this.
    #[error("{kind} locks have no {what}: an attempt cannot always be taken back")]
    Unsupported {
        /// The algorithm.
        kind: Kind,
        /// What it cannot do.
        what: &'static str,
    },
    /// There is no such segment.
    #[error("{segment}: there is no such segment; `open` makes one")]
    NotFound {
        /// The segment.
        segment: String,
    },
    /// There is such a segment already.
    #[error("{segment}: exists already; `open` or `attach` uses it")]
    Exists {
        /// The segment.
        segment: String,
    },
    /// Somebody uses the segment, so it is not removed.
    #[error(
        "{segment}: somebody uses it, in this process or another; remove it when they are gone"
    )]
    InUse {
        /// The segment.
        segment: String,
    },
    /// Somebody was about to remove the segment whenever this process looked.
    #[error("{segment}: somebody is removing it, again and again or without getting on; try again")]
    BeingRemoved {
        /// The segment.
        segment: String,
    },
    /// The name is a symbolic link's.
    #[error("{segment}: is a symbolic link, which is not followed; name the file itself")]
    Symlink {
        /// The segment.
        segment: String,
    },
    /// The name is that of a directory, a device, or the like.
    #[error("{segment}: is not a regular file; choose another name")]
    NotAFile {
        /// The segment.
        segment: String,
    },
    /// The file or its directory belongs to somebody else.
    #[error(
        "{segment}: belongs to user {owner}, not to user {user}, and is not trusted; choose another place (a path, or BAKERY_LOCK_DIR), or ask for the access that it was made with (`Options::access`)"
    )]
    Foreign {
        /// The file or directory.
        segment: String,
        /// Its owner's id.
        owner: u32,
        /// This process's effective user id.
        user: u32,
    },
    /// Others than the owner have access.
    #[error(
        "{segment}: others may use it (mode {mode:03o}); take their permissions away (chmod go=), or ask for the access that it was made with (`Options::access`)"
    )]
    Exposed {
        /// The file or directory.
        segment: String,
        /// Its permission bits.
        mode: u32,
    },
    /// The file or its directory is not for those for whom it was asked for.
    #[error(
        "{segment}: belongs to user {owner} and group {group}, with mode {mode:04o}, so it is not for {wanted}; ask for the access that it was made with (`Options::access`), or choose another place (a path, or BAKERY_LOCK_DIR)"
    )]
    WrongAccess {
        /// The file or directory.
        segment: String,
        /// Its owner's id.
        owner: u32,
        /// Its group's id.
        group: u32,
        /// Its permission bits.
        mode: u32,
        /// What was asked for.
        wanted: Access,
    },
    /// The file system spans machines, or lives in another process or on a virtual machine's host.
    #[error(
        "{segment}: is on a network file system or one like that ({file_system}), where memory is not shared; use a local one, as /dev/shm"
    )]
    NetworkFileSystem {
        /// The segment.
        segment: String,
        /// What it is on.
        file_system: &'static str,
    },
    /// The file has not the length that it has to have.
    #[error(
        "{segment}: is {found} bytes long instead of {expected}: cut off or overwritten; `Options::remove` it when nobody uses it"
    )]
    WrongLength {
        /// The segment.
        segment: String,
        /// The length that its header asks for, or that of a header.
        expected: u64,
        /// The length that it has.
        found: u64,
    },
    /// The file is something else.
    #[error("{segment}: is not a bakery-lock segment; choose another name")]
    NotASegment {
        /// The segment.
        segment: String,
    },
    /// The segment is of another version of this library.
    #[error(
        "{segment}: has format {found}, this program knows format {known}; use the same version in all programs, or `Options::remove` it"
    )]
    WrongVersion {
        /// The segment.
        segment: String,
        /// The segment's format.
        found: u32,
        /// This library's format.
        known: u32,
    },
    /// The segment was made by a machine of another kind.
    #[error("{segment}: was made on a machine with another byte order; `Options::remove` it")]
    WrongByteOrder {
        /// The segment.
        segment: String,
    },
    /// The header contradicts itself.
    #[error("{segment}: its header is damaged; `Options::remove` it when nobody uses it")]
    Damaged {
        /// The segment.
        segment: String,
    },
    /// The segment's file is not where it was when it was opened, though this process uses it: somebody
    /// has removed it, moved it, or put another in its place, and not by `Options::remove`. Whoever opens
    /// the name from now on does not meet those who use this one.
    #[error(
        "{segment}: the file was removed or replaced while it was in use; drop this mutex and open it again"
    )]
    Removed {
        /// The segment.
        segment: String,
    },
    /// The segment's file is gone, or another is in its place, and somebody still uses the one that was
    /// there. If there were another now, two would be inside.
    #[error(
        "{segment}: the file was removed or replaced while it was in use, in this process or another, and still is; open it when they are gone (they are told when they join or wait)"
    )]
    RemovedInUse {
        /// The segment.
        segment: String,
    },
    /// The segment protects another type.
    #[error(
        "{segment}: holds {found}, not {wanted}; use one type in all programs (or one `Options::data_name`), choose another name, or `Options::remove` it when nobody uses it"
    )]
    WrongType {
        /// The segment.
        segment: String,
        /// The name, size and alignment of what it holds.
        found: String,
        /// Those of what was asked for.
        wanted: String,
    },
    /// The segment has another algorithm than the one asked for.
    #[error(
        "{segment}: is a {found} lock, not a {wanted} lock; ask for {found}, or for no kind, or `Options::remove` it when nobody uses it"
    )]
    WrongKind {
        /// The segment.
        segment: String,
        /// Its algorithm.
        found: Kind,
        /// The one asked for.
        wanted: Kind,
    },
    /// The segment has another number of slots than the one asked for.
    #[error(
        "{segment}: has {found} slots, not {wanted}; ask for {found}, or for no number, or `Options::remove` it when nobody uses it"
    )]
    WrongSlots {
        /// The segment.
        segment: String,
        /// How many slots it has.
        found: u32,
        /// How many were asked for.
        wanted: u32,
    },
    /// In the segment a death inside poisons the data, and here it should not; or the other way
    /// round.
    #[error(
        "{segment}: {}; set `Options::poisoning` alike in all programs, or leave it out where the segment is only attached to",
        if *wanted { "was made without poisoning, which is asked for" } else { "was made with poisoning, which is not wanted" }
    )]
    WrongPoisoning {
        /// The segment.
        segment: String,
        /// Whether it was asked for.
        wanted: bool,
    },
    /// The time was over before it was this participant's turn. It is out of the line.
    #[error(
        "{segment}: the time was over before the lock was free; somebody else has it (`Mutex::status` tells who)"
    )]
    TimedOut {
        /// The segment.
        segment: String,
    },
    /// The attempt was called off before it was this participant's turn. It is out of the line.
    #[error("{segment}: the attempt was called off before the lock was free")]
    Cancelled {
        /// The segment.
        segment: String,
    },
    /// The descriptor is not that of a sealed memfd, so whoever has it could cut the memory off
    /// under us.
    #[error("{segment}: is not sealed against shrinking; pass on a descriptor from `Mutex::as_fd`")]
    NotSealed {
        /// The segment.
        segment: String,
    },
    /// Every slot has a participant.
    #[error(
        "{segment}: all {slots} slots are taken (`status` says by whom); wait for one (`Mutex::join_for`), drop a participant, or make the segment with more slots"
    )]
    Full {
        /// The segment.
        segment: String,
        /// How many slots it has.
        slots: u32,
    },
    /// The registers hold what the algorithm never writes.
    #[error(
        "{segment}: slot {slot} {what}: the lock's registers are damaged; `Options::remove` it when nobody uses it"
    )]
    Corrupt {
        /// The segment.
        segment: String,
        /// The participant's slot.
        slot: u32,
        /// What it met with.
        what: &'static str,
    },
    /// The participant was made by this process's parent, whose slot it is.
    #[error(
        "{segment}: this participant was joined before a fork and belongs to the parent; join again"
    )]
    Forked {
        /// The segment.
        segment: String,
    },
    /// The descriptor is not that of a participant that was handed over.
    #[error("{segment}: no participant can be adopted by this descriptor: {why}")]
    NotHandedOver {
        /// The segment.
        segment: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A participant died inside, and nobody has repaired the data since. The lock is not held.
    #[error(
        "{segment}: {death}; the data may be half-written: repair it (`Participant::lock_or_repair`)"
    )]
    OwnerDied {
        /// The segment.
        segment: String,
        /// Who died, and when.
        death: Death,
    },
    /// A participant of a lock that cannot be recovered died inside or on its way in.
    #[error(
        "{segment}: process {} ({}) died in slot {}, and nobody can recover a {kind} lock; remove it when nobody uses it",
        death.pid, death.command, death.slot.index()
    )]
    Unrecoverable {
        /// The segment.
        segment: String,
        /// The algorithm.
        kind: Kind,
        /// Who died, and when. Its token is 0 if it was not inside.
        death: Death,
    },
    /// The operating system refused.
    #[error("{segment}: cannot {doing}: {source}")]
    Io {
        /// The segment, file or directory.
        segment: String,
        /// What was to be done.
        doing: &'static str,
        /// Its answer.
        source: io::Error,
    },
}

fn range(least: u32, most: u32) -> String {
    if least == most { format!("{least} and no others") } else { format!("{least} to {most}") }
}

impl Error {
    /// For short forms: that the waiting came to its end first is no error there.
    pub(super) fn none_if_late<T>(self) -> Result<Option<T>, Self> {
        match self {
            Self::TimedOut { .. } | Self::Cancelled { .. } => Ok(None),
            error => Err(error),
        }
    }

    /// For `map_err`: the operating system would not do this to that.
    pub(crate) fn io<E: Into<io::Error>>(
        segment: impl Into<String>,
        doing: &'static str,
    ) -> impl FnOnce(E) -> Self {
        let segment = segment.into();
        move |source| Self::Io { segment, doing, source: source.into() }
    }
}

/// The error is kept as the source. The kind is that of the operating system's answer, where there was
/// one; [`WouldBlock`](io::ErrorKind::WouldBlock) if there was no free slot;
/// [`ResourceBusy`](io::ErrorKind::ResourceBusy) if somebody uses or removes the segment.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::new(error.kind(), error)
    }
}

impl Error {
    fn kind(&self) -> io::ErrorKind {
        use io::ErrorKind;

        match self {
            Self::Io { source, .. } => source.kind(),
            Self::NotFound { .. } | Self::Removed { .. } => ErrorKind::NotFound,
            Self::Exists { .. } => ErrorKind::AlreadyExists,
            Self::InUse { .. } | Self::BeingRemoved { .. } | Self::RemovedInUse { .. } => {
                ErrorKind::ResourceBusy
            }

            Self::Full { .. } => ErrorKind::WouldBlock,
            Self::Foreign { .. } | Self::Exposed { .. } | Self::WrongAccess { .. } => {
                ErrorKind::PermissionDenied
            }
            Self::Unsupported { .. } | Self::NetworkFileSystem { .. } => ErrorKind::Unsupported,
            Self::BadName { .. }
            | Self::BadSlots { .. }
            | Self::Symlink { .. }
            | Self::NotAFile { .. }
            | Self::NotSealed { .. }
            | Self::NotHandedOver { .. }
            | Self::WrongType { .. }
            | Self::WrongKind { .. }
            | Self::WrongSlots { .. }
            | Self::WrongPoisoning { .. }
            | Self::Forked { .. } => ErrorKind::InvalidInput,
            Self::NotASegment { .. }
            | Self::WrongLength { .. }
            | Self::WrongVersion { .. }
            | Self::WrongByteOrder { .. }
            | Self::Damaged { .. }
            | Self::Corrupt { .. } => ErrorKind::InvalidData,
            Self::TimedOut { .. } => ErrorKind::TimedOut,
            // Called off is not `Interrupted`, after which one tries again.
            Self::Cancelled { .. } | Self::OwnerDied { .. } | Self::Unrecoverable { .. } => {
                ErrorKind::Other
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::io::ErrorKind;

    use super::*;

    #[test]
    fn one_that_meets_another_segment_than_it_wants_is_told_what_to_ask_for() {
        let (segment, type_name) = (|| "here".to_owned(), |name: &str| name.to_owned());
        let (found, wanted) = (Kind::Ticket, Kind::Bakery);
        let (one, two) = (type_name("one"), type_name("two"));
        for (error, advice) in [
            (
                Error::WrongKind { segment: segment(), found, wanted },
                "ask for ticket, or for no kind",
            ),
            (
                Error::WrongSlots { segment: segment(), found: 4, wanted: 8 },
                "ask for 4, or for no number",
            ),
            (
                Error::WrongType { segment: segment(), found: one, wanted: two },
                "`Options::data_name`",
            ),
        ] {
            let said = error.to_string();
            assert!(said.starts_with("here: ") && said.contains(advice), "{said}");
            assert!(said.contains("`Options::remove` it when nobody uses it"), "{said}");
        }
    }

    #[test]
    fn as_an_error_of_input_and_output_it_has_a_fitting_kind_and_is_the_source() {
        let segment = || "here".to_owned();
        let full = io::Error::from_raw_os_error(libc::ENOSPC);
        for (error, kind) in [
            (Error::NotFound { segment: segment() }, ErrorKind::NotFound),
            (Error::Exists { segment: segment() }, ErrorKind::AlreadyExists),
            (Error::InUse { segment: segment() }, ErrorKind::ResourceBusy),
            (Error::Full { segment: segment(), slots: 2 }, ErrorKind::WouldBlock),
            (Error::Foreign { segment: segment(), owner: 1, user: 2 }, ErrorKind::PermissionDenied),
            (Error::TimedOut { segment: segment() }, ErrorKind::TimedOut),
            (Error::Damaged { segment: segment() }, ErrorKind::InvalidData),
            (Error::BadName { name: segment(), why: "so" }, ErrorKind::InvalidInput),
            (Error::io(segment(), "do it")(full), ErrorKind::StorageFull),
        ] {
            let text = error.to_string();
            let turned = io::Error::from(error);
            assert_eq!((turned.kind(), turned.to_string()), (kind, text));
            let kept = turned.get_ref().and_then(|kept| kept.downcast_ref::<Error>()).unwrap();
            assert_eq!(kept.source().is_some(), kind == ErrorKind::StorageFull);
        }
    }
}
