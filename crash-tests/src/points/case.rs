//! One case: participants that come, die, and go, in an order; and what is found of it.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::board::{Board, Event, PLAYERS, Phase, Player};
use super::judge::judge;
use super::player::{COMES_AND_GOES, Dies, FILE, Mutex, Part, play};
use super::scenario::Place;
use super::wait::Brief;
use crate::process::{Child, End, until};
use crate::shared::{Error, Kind, Options};

/// Soon enough for thousands of deaths.
const LOOK_EVERY: Duration = Duration::from_millis(1);

pub(super) fn options() -> Options<Brief> {
    Options::new().waiting().look_every(LOOK_EVERY)
}

/// What went wrong.
pub(super) type Failure = String;

/// A number for a participant of a case: in the order in which they were started.
pub(super) type Who = usize;

/// The segment of a case.
pub(super) enum Memory {
    Anonymous {
        mutex: Mutex,
    },
    /// A directory where the first who comes makes it.
    Named {
        kind: Kind,
        slots: u32,
        directory: TempDir,
    },
}

/// A segment, and those who have been started on it.
pub(super) struct Case {
    board: &'static Board,
    kind: Kind,
    slots: u32,
    memory: Memory,
    cast: Vec<Child>,
    limit: Duration,
    /// Whether the last to die was inside, as the segment says.
    inside: Option<(Who, bool)>,
}

/// Where this program is, which is on a disk.
fn on_a_disk() -> Result<PathBuf, Failure> {
    let program = env::current_exe().map_err(|why| why.to_string())?;
    Ok(program.parent().map(Path::to_owned).unwrap_or_default())
}

/// How a victim fared.
#[derive(Clone, Debug)]
pub(super) struct Fate {
    pub(super) died: bool,
    pub(super) phase: Phase,
    /// How many points it passed or died at, and where the last of them stands.
    pub(super) passed: u64,
    pub(super) place: String,
    /// Whether the next owner was told.
    pub(super) told: bool,
}

impl Case {
    pub(super) fn new(
        board: &'static Board,
        kind: Kind,
        slots: u32,
        place: Place,
        limit: Duration,
    ) -> Result<Self, Failure> {
        board.wipe();
        let named = |parent: &Path| {
            let directory = TempDir::new_in(parent).map_err(|why| why.to_string())?;
            Ok(Memory::Named { kind, slots, directory })
        };
        let memory = match place {
            Place::InMemory => named(Path::new("/dev/shm")),
            Place::OnADisk => named(on_a_disk()?.as_path()),
            Place::Nowhere => {
                let mutex = options().kind(kind).slots(slots).anonymous([0; 2]);
                mutex.map(|mutex| Memory::Anonymous { mutex }).map_err(|why| why.to_string())
            }
        }?;
        Ok(Self { board, kind, slots, memory, cast: Vec::new(), limit, inside: None })
    }

    pub(super) fn slots(&self) -> u32 {
        self.slots
    }

    /// Has the file hold something else, while nobody uses it.
    pub(super) fn change(&self, change: fn(&mut [u8])) -> Result<(), Failure> {
        let Memory::Named { directory, .. } = &self.memory else {
            return Err("a segment without a name cannot be changed".to_owned());
        };
        let path = directory.path().join(FILE);
        let mut bytes = fs::read(&path).map_err(|why| why.to_string())?;
        change(&mut bytes);
        // In place: it is the same file.
        let file = OpenOptions::new().write(true).open(path);
        file.and_then(|mut file| file.write_all(&bytes)).map_err(|why| why.to_string())
    }

    pub(super) fn start(&mut self, part: Part) -> Who {
        let (board, who) = (self.board, self.cast.len());
        assert!(who < PLAYERS, "there is no room for so many");
        let memory = &self.memory;
        self.cast.push(Child::fork(|| play(board, who, memory, part)));
        who
    }

    /// Waits until one is past a phase, or dead.
    pub(super) fn until(&mut self, who: Who, phase: Phase) -> Result<(), Failure> {
        let player = self.board.player(who);
        let child = &mut self.cast[who];
        if until(self.limit, || player.phase() >= phase || child.end().is_some()) {
            return Ok(());
        }
        Err(self.stuck(who))
    }

    /// Waits until one is no more. Whether it was killed.
    pub(super) fn gone(&mut self, who: Who) -> Result<bool, Failure> {
        match self.cast[who].end_within(self.limit) {
            None => Err(self.stuck(who)),
            Some(End::Failed) => Err(format!("participant {who} failed; it has said why")),
            Some(end) => Ok(end == End::Killed),
        }
    }

    /// Lets one out that stays inside.
    pub(super) fn let_go(&self, who: Who) {
        self.board.player(who).let_go();
    }

    fn stuck(&self, who: Who) -> Failure {
        let each: Vec<_> = (0..self.cast.len())
            .map(|other| {
                let (passed, place) = self.board.player(other).trace.read();
                let phase = self.board.player(other).phase();
                format!("{other}: {phase:?}, point {passed} at {place}")
            })
            .collect();
        format!("participant {who} is stuck ({})", each.join("; "))
    }

    /// Waits until a victim is no more, and looks whether it died inside, as far as the segment says.
    /// Only while nobody else is there who could recover it.
    pub(super) fn dies_alone(&mut self, who: Who) -> Result<bool, Failure> {
        let killed = self.gone(who)?;
        if let Memory::Anonymous { mutex } = &self.memory {
            let status = mutex.status().map_err(|why| why.to_string())?;
            let pid = self.cast[who].pid().as_raw_pid().unsigned_abs();
            let is_holder = status.holder.is_some_and(|holder| holder.pid == pid);
            let is_inside = is_holder || status.poisoned.is_some_and(|death| death.pid == pid);
            self.inside = Some((who, is_inside));
        }
        Ok(killed)
    }

    /// Waits for everybody's end, uses every slot once more, and looks whether all was as it has to
    /// be. What became of the victims.
    pub(super) fn close(mut self, victims: &[Who]) -> Result<Vec<Fate>, Failure> {
        let mut killed = Vec::new();
        for who in 0..self.cast.len() {
            killed.push(self.gone(who)?);
        }
        let all = self.start(Part { joins: self.slots, ..COMES_AND_GOES });
        self.gone(all).map_err(|why| format!("using every slot again: {why}"))?;
        killed.push(false);
        if let Memory::Named { directory, .. } = &self.memory {
            makes_another(directory.path()).map_err(|why| why.to_string())?;
            let files = directory.path().read_dir().map_err(|why| why.to_string())?.count();
            if files != 1 {
                return Err(format!("there are {files} files in the segment's directory"));
            }
        }
        let log = self.board.log();
        let players = || (0..killed.len()).map(|who| self.board.player(who));
        let phases: Vec<_> = players().map(Player::phase).collect();
        let segments: Vec<_> = players().map(Player::segment).collect();
        judge(self.kind, &segments, &log, &killed, &phases)?;
        let is_told = |victim| {
            log.iter().any(|(_, event)| match event {
                Event::Told(died) | Event::Repairs(died) => died.who == Some(victim),
                _ => false,
            })
        };
        let fate = |victim: &Who| {
            let (passed, place) = self.board.player(*victim).trace.read();
            let (died, phase, told) = (killed[*victim], phases[*victim], is_told(*victim));
            Fate { died, phase, passed, place, told }
        };
        if let Some((victim, is_inside)) = self.inside
            && killed[victim]
            && is_told(victim) != is_inside
        {
            let told = is_told(victim);
            return Err(format!(
                "the segment had {victim} inside: {is_inside}; told: {told}; {:?}; {log:?}",
                fate(&victim)
            ));
        }
        Ok(victims.iter().map(fate).collect())
    }
}

/// Whoever makes a segment removes what others have left that died before theirs had a name.
fn makes_another(directory: &Path) -> Result<(), Error> {
    let path = directory.join("another");
    drop(options().create_at(&path, 0_u64)?);
    Options::remove_at(path)
}

impl Part {
    pub(super) fn dying(dies: Dies) -> Self {
        Self { dies, ..COMES_AND_GOES }
    }

    pub(super) fn staying() -> Self {
        Self { stays: true, ..COMES_AND_GOES }
    }
}
