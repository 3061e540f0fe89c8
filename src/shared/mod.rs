//! Locks between the processes of one machine (Linux).
//!
//! A *segment* is memory that several processes map, with a lock and the value that it protects in
//! it. It has a name ([`Options::open`]), or none ([`Options::anonymous`]). The words are those of
//! the locks between threads: open, join, lock, guard.
//!
//! ```
//! use bakery_lock::shared::{Mutex, Options};
//!
//! # fn main() -> Result<(), bakery_lock::shared::Error> {
//! # let directory = tempfile::tempdir().unwrap();
//! # let path = directory.path().join("line-count");
//! // In each process; the first one makes it.
//! let lines: Mutex<u64> = Options::new().open_at(&path, 0)?;
//! let mut me = lines.join()?;
//! *me.lock()? += 20;
//! # assert_eq!(*me.lock()?, 20);
//! # Ok(())
//! # }
//! ```
//!
//! # When processes die
//!
//! ... at whatever instruction, the others go on, in their order. If one died inside, those who come
//! after are told so until somebody repairs the value:
//!
//! ```
//! use bakery_lock::shared::{Death, Mutex};
//! # use bakery_lock::shared::{Error, Options, Participant};
//! # fn main() -> Result<(), Error> {
//! # let directory = tempfile::tempdir().unwrap();
//! # let path = directory.path().join("both");
//! // Two counts that are to be the same.
//! let both: Mutex<[u64; 2]> = Options::new().open_at(&path, [0, 0])?;
//! let mut me = both.join()?;
//! let mut counts = me.lock_or_repair(|counts: &mut [u64; 2], death: &Death| {
//!     eprintln!("{death}");
//!     counts[1] = counts[0];
//! })?;
//! counts[0] += 1;
//! counts[1] += 1;
//! # Ok(())
//! # }
//! ```
//!
//! See [`Mutex`] for what counts as a death and what does not, [`Guard::token`] for a number that
//! only grows, [`Mutex::status`] for who is inside and who waits.
//!
//! # What is in a segment
//!
//! A header that says what it is; the algorithm's registers; who owns which slot, and what it is
//! about; a journal of tokens and deaths; the places where waiters sleep; and the value. Nothing in
//! it is a pointer. It is complete before it gets its name, and it is checked by whoever attaches.
//!
//! # What is trusted
//!
//! Whoever maps a segment can write to all of it. So a segment's file belongs to this process's
//! user and nobody else has access to it, unless [`Options::access`] asks for a group's or everybody's;
//! one that is not so is refused. Whatever bytes such a peer
//! writes, this library does not step outside the segment; a lock whose registers are overwritten
//! may let in two or nobody, and a file that is cut off under its users ends them with `SIGBUS` (an
//! anonymous segment is sealed against that). Writing to a segment by other means than its
//! [`Guard`]s is outside of what this library answers for, as writing to `/proc/self/mem` is
//! outside of what Rust does.
//!
//! # Which processes meet
//!
//! Those that have the same file mapped. One path is not always that: two mount namespaces (containers,
//! services with a `/tmp` or `/dev/shm` of their own) have a file each; an overlay mount and its upper
//! directory are one file with two sets of locks, so deaths are not seen from one to the other. File
//! systems that span machines are refused as far as they are known. Without `/proc`, or with a part of
//! it, segments with a name work on a tmpfs. `docs/between-processes.md` has the whole list.

// Who may know whom, from the top: what users see (`options`, `mutex`, `request`, `acquiring`,
// `participant`, `guard`, `handle`, `pool`, `status`); `waiting`; `dead`; `segment`; `life`; and the words
// for what can be said (`error`, `death`, `kind`, `access`, `origin`).

mod access;
mod acquiring;
mod dead;
mod death;
mod error;
mod guard;
mod handle;
mod kind;
mod life;
mod mutex;
mod options;
mod origin;
mod participant;
mod pool;
mod request;
mod segment;
mod status;
mod waiting;

pub use access::Access;
pub use acquiring::Acquiring;
pub use death::Death;
pub use error::Error;
pub use guard::{Guard, OwnedGuard};
pub use handle::Handle;
pub use kind::{Kind, UnknownKind};
pub use mutex::{Data, Mutex};
pub use options::Options;
pub use origin::Origin;
pub use participant::{Participant, Resumed, Waiting};
pub use request::{NoRepair, Request, Source};
pub use status::{Competitor, Status};
/// The crate whose traits say what a segment can hold, in the version used here: derive
/// [`FromBytes`](zerocopy::FromBytes) and [`IntoBytes`](zerocopy::IntoBytes) for your own types.
pub use zerocopy;
