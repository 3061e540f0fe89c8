//! Who is inside, who waits, and what has happened so far.

use std::os::fd::AsFd;
use std::time::{Duration, SystemTime};

use crate::algorithm::{Slot, Standing};
use crate::shared::life::identity::{Hold, Process};
use crate::shared::life::liveness::is_dead;
use crate::shared::segment::Segment;
use crate::shared::segment::{clock, file_system};
use crate::shared::{Death, Error, Kind};

/// What a lock between processes is about.
///
/// A look from outside: each participant as it was at some moment while the look took place, all
/// together perhaps at none. It needs no slot, takes a number of steps that grows with the number of
/// slots that have been in use at once, and changes nothing. (A segment on a disk, which another run of
/// the machine has used last, is made ready for this one first.)
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Status {
    /// The segment's path, or that it is an anonymous one.
    pub segment: String,
    /// Its algorithm.
    #[cfg_attr(feature = "serde", serde(serialize_with = "kind_name"))]
    pub kind: Kind,
    /// How many participants there is room for.
    pub slots: u32,
    /// How many there are, dead ones included.
    pub joined: u32,
    /// Who is inside.
    pub holder: Option<Competitor>,
    /// Who waits, in the order in which they would go in now: first those in line, then those in
    /// the doorway.
    pub queue: Vec<Competitor>,
    /// Those of the participants that are dead and have not been cleared away yet: inside, in line,
    /// or outside, where nobody waits for them.
    pub dead: Vec<Competitor>,
    /// Who died inside, if nobody has repaired the data since.
    pub poisoned: Option<Death>,
    /// The last one who died inside, repaired or not, and also before a restart. Of two deaths at the
    /// moment of the look it may have a part of each.
    pub last_death: Option<Death>,
    /// How many acquisitions there have been, counting those that died before theirs was written
    /// down. This and the figures below begin anew when a segment is made ready after a restart
    /// ([`Origin::Restarted`](crate::shared::Origin::Restarted)).
    pub acquisitions: u64,
    /// How many dead participants have been cleared away.
    pub recoveries: u64,
    /// The greatest number of times that a participant was, for certain, passed by others that came
    /// later, among those that were kept waiting for longer than one look ([`look_every`]). 0 for
    /// locks that are first come first served.
    ///
    /// [`look_every`]: crate::shared::Options::look_every
    pub most_bypasses: u64,
    /// The longest that any participant waited before it was in, to a few milliseconds.
    pub longest_wait: Duration,
}

/// A participant, as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Competitor {
    /// Its slot.
    #[cfg_attr(feature = "serde", serde(serialize_with = "slot_number"))]
    pub slot: Slot,
    /// Its process's id, in the pid namespace of that process: the one that joined, or that adopted it
    /// last.
    pub pid: u32,
    /// Whether it lives as long as its descriptor is open in any process, and not as long as that one
    /// does: see [`Participant::hold_by_descriptor`](crate::shared::Participant::hold_by_descriptor).
    pub held_by_descriptor: bool,
    /// The name of its program, as far as the kernel keeps it: 15 bytes.
    pub command: String,
    /// The token with which it is inside; 0 while it is not.
    pub token: u64,
    /// Since when it is inside, or has been kept waiting, to a few milliseconds. `None`: neither, or
    /// only just.
    pub since: Option<SystemTime>,
}

impl Status {
    pub(crate) fn of(segment: &Segment) -> Result<Self, Error> {
        segment.check_length()?;
        let journal = segment.journal();
        let mut line: Vec<(Standing, Competitor)> = Vec::new();
        let (mut joined, mut holder, mut dead) = (0, None, Vec::new());
        let this = Process::this(file_system::number(segment, segment.name())?)
            .map_err(Error::io(segment.name(), "find out who this process is from /proc/self"))?;
        for slot in (0..segment.joined()).map(Slot::new) {
            let identity = &segment.identities()[slot.index()];
            let Some(owner) = identity.owner() else { continue };
            joined += 1;
            let is_dead = is_dead(segment.as_fd(), slot, &owner, &this)
                .map_err(Error::io(segment.name(), "find out whether a participant lives"))?;
            let standing = segment.registers().standing(slot);
            let conduct = segment.records()[slot.index()].read();
            if !identity.is_still(&owner) {
                // It has gone meanwhile.
                joined -= 1;
                continue;
            }
            let competitor = Competitor {
                slot,
                pid: owner.process.pid,
                held_by_descriptor: owner.hold != Hold::Process,
                command: owner.process.command(),
                token: conduct.token,
                since: (conduct.since != 0).then(|| clock::calendar(conduct.since)),
            };
            if is_dead {
                dead.push(competitor.clone());
            }
            if conduct.token != 0 {
                holder = Some(competitor);
            } else if standing != Standing::Outside {
                line.push((standing, competitor));
            }
        }
        // Those in line before those in the doorway.
        line.sort_by_key(|(standing, competitor)| {
            (*standing == Standing::Doorway, *standing, competitor.slot)
        });
        Ok(Self {
            segment: segment.name().to_owned(),
            kind: segment.kind(),
            slots: segment.slots(),
            joined,
            holder,
            queue: line.into_iter().map(|(_, competitor)| competitor).collect(),
            dead,
            poisoned: journal.is_poisoned().then(|| journal.obituary().into()),
            // A token is never 0; of one that died in line, where that has stopped a lock, it is.
            last_death: Some(journal.obituary())
                .filter(|death| death.conduct.token != 0)
                .map(Death::from),
            acquisitions: journal.acquisitions(),
            recoveries: journal.recoveries(),
            most_bypasses: journal.most_bypasses(),
            longest_wait: Duration::from_nanos(journal.longest_wait()),
        })
    }
}

#[cfg(feature = "serde")]
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
pub(crate) fn slot_number<S: serde::Serializer>(
    slot: &Slot,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_u32(slot.number())
}

#[cfg(feature = "serde")]
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn kind_name<S: serde::Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(kind)
}
