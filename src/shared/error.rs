//! What can go wrong with a lock between processes, and what to do about it.

use std::io;

use crate::shared::{Death, Kind};

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
    #[error("{segment}: belongs to user {owner}, not to user {user}; it is not trusted")]
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
        "{segment}: others may use it (mode {mode:03o}); take their permissions away (chmod go=)"
    )]
    Exposed {
        /// The file or directory.
        segment: String,
        /// Its permission bits.
        mode: u32,
    },
    /// The file system spans machines, or lives in another process.
    #[error(
        "{segment}: is on a network file system, where memory is not shared; use a local one, as /dev/shm"
    )]
    NetworkFileSystem {
        /// The segment.
        segment: String,
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
    #[error("{segment}: holds {found}, not {wanted}")]
    WrongType {
        /// The segment.
        segment: String,
        /// The name, size and alignment of what it holds.
        found: String,
        /// Those of what was asked for.
        wanted: String,
    },
    /// The segment has another algorithm than the one asked for.
    #[error("{segment}: is a {found} lock, not a {wanted} lock")]
    WrongKind {
        /// The segment.
        segment: String,
        /// Its algorithm.
        found: Kind,
        /// The one asked for.
        wanted: Kind,
    },
    /// The segment has another number of slots than the one asked for.
    #[error("{segment}: has {found} slots, not {wanted}")]
    WrongSlots {
        /// The segment.
        segment: String,
        /// How many slots it has.
        found: u32,
        /// How many were asked for.
        wanted: u32,
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
        "{segment}: all {slots} slots are taken; drop a participant, or make the segment with more slots"
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
    /// For `map_err`: the operating system would not do this to that.
    pub(crate) fn io<E: Into<io::Error>>(
        segment: impl Into<String>,
        doing: &'static str,
    ) -> impl FnOnce(E) -> Self {
        let segment = segment.into();
        move |source| Self::Io { segment, doing, source: source.into() }
    }
}
