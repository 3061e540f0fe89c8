//! What one participant of a case does, in a process of its own.

use std::mem;
use std::os::fd::AsFd;
use std::process;
use std::time::Duration;

use rustix::fs::fstat;

use super::board::{Board, Died, Event, Phase};
use super::case::{Memory, options};
use super::old_kernel::refuse_unnamed_files;
use super::wait::Brief;
use crate::atomic::crash_point;
use crate::crash;
use crate::process::moment;
use crate::shared::{self, Death, Error, Resumed};

/// What the lock protects: two words that are the same unless somebody is inside.
pub(super) type Data = [u64; 2];
pub(super) type Mutex = shared::Mutex<Data, Brief>;
type Guard<'p> = shared::Guard<'p, Data, Brief>;

/// Where a participant dies, if it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dies {
    Never,
    /// At its so-manieth crash point.
    At(u64),
    /// When it has joined.
    Joined,
    /// At its so-manieth crash point after that.
    InDoorway(u64),
    InLine,
    /// Between the two words.
    Inside,
}

/// What a file can be before it has its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Files {
    /// Without any.
    Unnamed,
    /// Under a hidden one only, as in some file systems.
    Hidden,
}

/// A participant's part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) dies: Dies,
    /// Inside, it waits until it is let go.
    pub(super) stays: bool,
    /// It does not wait longer than this.
    pub(super) patience: Option<Duration>,
    pub(super) files: Files,
    /// At last, it removes the segment.
    pub(super) removes: bool,
    /// It is handed over, and adopted, in line and inside.
    pub(super) changes_hands: bool,
    /// As many participants one after the other, all of them joined.
    pub(super) joins: u32,
}

/// Joins, locks, increments, unlocks, and is gone.
pub(super) const COMES_AND_GOES: Part = Part {
    dies: Dies::Never,
    stays: false,
    patience: None,
    files: Files::Unnamed,
    removes: false,
    changes_hands: false,
    joins: 1,
};

pub(super) fn play(board: &'static Board, number: usize, memory: &Memory, part: Part) {
    let player = board.player(number);
    player.is_process(process::id());
    if part.files == Files::Hidden {
        refuse_unnamed_files();
    }
    crash::begin(&player.trace);
    if let Dies::At(point) = part.dies {
        crash::arm(point);
    }
    let mutex = attach(memory).expect("a segment");
    player.is_at(fstat(&mutex).expect("its inode").st_ino);
    let mut participants: Vec<_> = (0..part.joins).map(|_| mutex.join().expect("a slot")).collect();
    player.comes_to(Phase::Joined);
    match part.dies {
        Dies::Joined => crash::die(),
        Dies::InDoorway(point) => crash::arm(point),
        _ => {}
    }
    if part.changes_hands {
        let participant = participants.pop().expect("one has joined");
        participants.extend(goes_from_hand_to_hand(board, number, &mutex, participant));
    }
    for participant in &mut participants {
        takes_its_turn(board, number, participant, part);
    }
    player.comes_to(Phase::Left);
    drop(participants);
    player.comes_to(Phase::Gone);
    if let (true, Memory::Named { directory, .. }) = (part.removes, memory) {
        drop(mutex);
        match shared::Options::remove_at(directory.path().join(FILE)) {
            Ok(()) | Err(Error::InUse { .. } | Error::NotFound { .. }) => {}
            Err(why) => panic!("{why}"),
        }
    }
}

pub(super) const FILE: &str = "segment";

fn attach(memory: &Memory) -> Result<Mutex, Error> {
    match memory {
        Memory::Anonymous { mutex, .. } => {
            options().attach_fd(mutex.as_fd().try_clone_to_owned().expect("a descriptor"))
        }
        Memory::Named { kind, slots, directory } => {
            let path = directory.path().join(FILE);
            options().kind(*kind).slots(*slots).open_at(path, [0; 2])
        }
    }
}

type Participant = shared::Participant<Data, Brief>;

fn takes_its_turn(board: &Board, number: usize, participant: &mut Participant, part: Part) {
    let player = board.player(number);
    board.note(number, Event::Begins);
    if let Some(death) = takes_it_unless_told(board, number, participant, part) {
        board.note(number, Event::Told(died(board, &death)));
        board.note(number, Event::Begins);
        let guard = participant.lock_or_repair(|data, death| {
            player.comes_to(Phase::Inside);
            board.note(number, Event::Repairs(died(board, death)));
            crash_point("about to repair");
            data[1] = data[0];
            crash_point("repaired");
        });
        is_inside(board, number, guard.expect("a turn"), part);
    }
    player.comes_to(Phase::Left);
}

/// A turn that it begins as one user, waits for as the next, and is done with as a third. Told of a death,
/// it leaves it at that, and is there for another turn.
fn goes_from_hand_to_hand(
    board: &Board,
    number: usize,
    mutex: &Mutex,
    mut participant: Participant,
) -> Option<Participant> {
    let player = board.player(number);
    let next = |participant: Participant| {
        let handle = participant.hand_over().expect("it is ours");
        crash_point("in no hands");
        mutex.adopt(handle).expect("it was handed over")
    };
    board.note(number, Event::Begins);
    let waiting = participant.enter().expect("a place in line");
    board.note(number, Event::Entered);
    player.comes_to(Phase::Entered);
    mem::forget(waiting);
    participant = next(participant);
    let Resumed::Waiting(waiting) = participant.resume().expect("it is ours") else {
        panic!("it was in line");
    };
    let death = match waiting.wait() {
        Ok(mut guard) => {
            player.comes_to(Phase::Inside);
            board.note(number, Event::Inside(guard.token()));
            if guard[0] != guard[1] {
                board.note(number, Event::Broken);
            }
            guard[0] += 1;
            crash_point("half written");
            mem::forget(guard);
            None
        }
        Err(Error::OwnerDied { death, .. }) => Some(death),
        Err(error) => panic!("{error}"),
    };
    if let Some(death) = death {
        board.note(number, Event::Told(died(board, &death)));
        return Some(participant);
    }
    participant = next(participant);
    let Resumed::Inside(mut guard) = participant.resume().expect("it is ours") else {
        panic!("it was inside");
    };
    guard[1] += 1;
    board.note(number, Event::Leaves);
    player.comes_to(Phase::Leaving);
    drop(guard);
    player.comes_to(Phase::Left);
    None
}

fn takes_it_unless_told(
    board: &Board,
    number: usize,
    participant: &mut Participant,
    part: Part,
) -> Option<Death> {
    let player = board.player(number);
    let outcome = match part.patience {
        None => participant.enter().and_then(|waiting| {
            player.comes_to(Phase::Entered);
            board.note(number, Event::Entered);
            if part.dies == Dies::InLine {
                crash::die();
            }
            waiting.wait().map(Some)
        }),
        Some(patience) => {
            player.comes_to(Phase::Entered);
            participant.lock_for(patience)
        }
    };
    match outcome {
        Ok(Some(guard)) => is_inside(board, number, guard, part),
        Ok(None) => {}
        Err(Error::OwnerDied { death, .. }) => return Some(death),
        Err(error) => panic!("{error}"),
    }
    None
}

fn died(board: &Board, death: &Death) -> Died {
    Died { who: board.find(death.pid), token: death.token }
}

fn is_inside(board: &Board, number: usize, mut guard: Guard, part: Part) {
    let player = board.player(number);
    player.comes_to(Phase::Inside);
    board.note(number, Event::Inside(guard.token()));
    crash_point("inside");
    if guard[0] != guard[1] {
        board.note(number, Event::Broken);
    }
    guard[0] += 1;
    crash_point("half written");
    if part.dies == Dies::Inside {
        crash::die();
    }
    guard[1] += 1;
    crash_point("written");
    while part.stays && !player.may_go() {
        moment();
    }
    board.note(number, Event::Leaves);
    player.comes_to(Phase::Leaving);
    drop(guard);
}
