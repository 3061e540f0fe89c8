//! What the participants of a case tell: where each of them is, and who was inside in which order.
//!
//! In plain shared memory, so it is known of the dead as well.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

use crate::crash::Trace;

/// How many there may be in a case.
pub(super) const PLAYERS: usize = 16;
const LOG: usize = 256;

/// Where a participant is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub(super) enum Phase {
    #[default]
    Nowhere,
    /// Has a slot; from here on it goes through the doorway.
    Joined,
    /// Is past the doorway. From here on it may get its turn.
    Entered,
    /// Knows that it is inside.
    Inside,
    /// Has begun to leave.
    Leaving,
    /// Has left.
    Left,
    /// Has given its slot back.
    Gone,
}

impl Phase {
    const ALL: [Self; 7] = [
        Self::Nowhere,
        Self::Joined,
        Self::Entered,
        Self::Inside,
        Self::Leaving,
        Self::Left,
        Self::Gone,
    ];
}

/// One participant.
#[derive(Debug)]
pub(super) struct Player {
    pub(super) trace: Trace,
    pid: AtomicU32,
    segment: AtomicU64,
    phase: AtomicU32,
    go: AtomicU32,
}

/// What has happened, with the number of the one to whom it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// It goes to the doorway.
    Begins,
    /// It is past the doorway.
    Entered,
    /// It had its turn, was told that an owner had died, and was not inside any more.
    Told(Died),
    /// It was told, inside, that an owner had died, and began to repair.
    Repairs(Died),
    /// It was inside, with this token.
    Inside(u64),
    /// It began to leave.
    Leaves,
    /// The data was half-written, and nobody had told it.
    Broken,
}

/// Who was said to have died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Died {
    /// `None`: none of the case's participants.
    pub(super) who: Option<usize>,
    pub(super) token: u64,
}

const NOBODY: u64 = 0xff;

impl Event {
    /// In one word: four bits for which, eight for the player, eight for who died. Never 0.
    fn pack(self, player: usize) -> u64 {
        let died = |died: Died| died.who.map_or(NOBODY, |who| who as u64) << 12;
        let (which, more) = match self {
            Self::Entered => (1, 0),
            Self::Told(it) => (2, died(it)),
            Self::Repairs(it) => (3, died(it)),
            Self::Inside(_) => (4, 0),
            Self::Leaves => (5, 0),
            Self::Broken => (6, 0),
            Self::Begins => (7, 0),
        };
        more | (player as u64) << 4 | which
    }

    fn token(self) -> u64 {
        match self {
            Self::Told(Died { token, .. })
            | Self::Repairs(Died { token, .. })
            | Self::Inside(token) => token,
            Self::Begins | Self::Entered | Self::Leaves | Self::Broken => 0,
        }
    }

    fn unpack(word: u64, token: u64) -> Option<(usize, Self)> {
        let who = word >> 12 & 0xff;
        let died = Died { who: (who != NOBODY).then_some(who as usize), token };
        let event = match word & 0xf {
            1 => Self::Entered,
            2 => Self::Told(died),
            3 => Self::Repairs(died),
            4 => Self::Inside(token),
            5 => Self::Leaves,
            6 => Self::Broken,
            7 => Self::Begins,
            _ => return None,
        };
        Some(((word >> 4 & 0xff) as usize, event))
    }
}

/// The board itself.
#[derive(Debug)]
pub(super) struct Board {
    players: [Player; PLAYERS],
    length: AtomicU32,
    log: [AtomicU64; LOG],
    /// Of each event, written before it.
    tokens: [AtomicU64; LOG],
}

impl Board {
    pub(super) fn player(&self, which: usize) -> &Player {
        &self.players[which]
    }

    /// Wipes it, when all of a case are gone.
    pub(super) fn wipe(&self) {
        for player in &self.players {
            player.pid.store(0, SeqCst);
            player.segment.store(0, SeqCst);
            player.phase.store(0, SeqCst);
            player.go.store(0, SeqCst);
            player.trace.wipe();
        }
        self.length.store(0, SeqCst);
        self.log.iter().for_each(|event| event.store(0, SeqCst));
    }

    pub(super) fn note(&self, player: usize, event: Event) {
        let place = self.length.fetch_add(1, SeqCst) as usize;
        self.tokens[place].store(event.token(), SeqCst);
        self.log[place].store(event.pack(player), SeqCst);
    }

    /// Everything that was noted. (Somebody who died between the two steps of that left a gap.)
    pub(super) fn log(&self) -> Vec<(usize, Event)> {
        let both = self.log.iter().zip(&self.tokens);
        both.filter_map(|(event, token)| Event::unpack(event.load(SeqCst), token.load(SeqCst)))
            .collect()
    }

    /// Which participant has this pid.
    pub(super) fn find(&self, pid: u32) -> Option<usize> {
        self.players.iter().position(|player| player.pid.load(SeqCst) == pid)
    }
}

impl Player {
    pub(super) fn is_process(&self, pid: u32) {
        self.pid.store(pid, SeqCst);
    }

    /// To be called before anything else is noted of it.
    pub(super) fn is_at(&self, segment: u64) {
        self.segment.store(segment, SeqCst);
    }

    /// The inode of the segment it is at, or was at.
    pub(super) fn segment(&self) -> u64 {
        self.segment.load(SeqCst)
    }

    pub(super) fn comes_to(&self, phase: Phase) {
        self.phase.store(phase as u32, SeqCst);
    }

    pub(super) fn phase(&self) -> Phase {
        Phase::ALL[self.phase.load(SeqCst) as usize]
    }

    pub(super) fn let_go(&self) {
        self.go.store(1, SeqCst);
    }

    pub(super) fn may_go(&self) -> bool {
        self.go.load(SeqCst) == 1
    }
}
