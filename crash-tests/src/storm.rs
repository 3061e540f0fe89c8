//! Death at any time: processes that lock as fast as they can, while one after the other is killed
//! and started anew, or stopped for a while.
//!
//! Each owner looks whether anybody else has been inside since it went in (a stopped owner is never
//! robbed), whether the data is whole unless it is told otherwise, whether the one that it is told
//! of has been killed, and whether tokens grow. Again and again everybody is left in peace until all
//! have got in.
//!
//! In a second storm half of the participants are held by their descriptors, which a child of each has
//! too. One that is killed lives as long as its child does: nobody is told of its death before.

use std::os::fd::AsFd;
use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use bakery_lock::shared::{self, Death, Error, Guard, Kind};
use rustix::process::Signal;

use crate::keeper::{Keeper, Kept, adopt_orphans, clear_orphans, wait_for_orphans};
use crate::mortal_kinds;
use crate::options::{Options, Random};
use crate::process::{Child, End, moment, shared_memory, until};

const PROCESSES: usize = 8;

/// Two words that are the same unless somebody is inside, the last token, and who is inside.
type Data = [u64; 4];
const TOKEN: usize = 2;
const WITNESS: usize = 3;

type Mutex = shared::Mutex<Data>;

/// What the processes tell.
struct Board {
    over: AtomicU32,
    violations: AtomicU64,
    told: AtomicU64,
    kept: Kept,
    players: [Player; PROCESSES],
}

struct Player {
    pid: AtomicU32,
    /// Whether the kill of this process is on its way.
    condemned: AtomicU32,
    inside: AtomicU32,
    /// Of its keeper, if it has one.
    let_go: AtomicU32,
    acquisitions: AtomicU64,
}

/// What participants live as long as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holding {
    Processes,
    /// Every other one as its descriptor.
    Descriptors,
}

/// A storm over each lock that is wanted. Whether all is well.
pub(crate) fn run(options: &Options) -> bool {
    // SAFETY: atomics only, for which zeros are values.
    let board: &'static Board = unsafe { shared_memory() };
    adopt_orphans();
    let mut outcomes = Vec::new();
    for kind in mortal_kinds() {
        for (holding, name) in [(Holding::Processes, ""), (Holding::Descriptors, " held")] {
            if options.want(&format!("{kind}{name}")) {
                outcomes.push(storm(board, kind, holding, options));
            }
        }
    }
    !outcomes.is_empty() && outcomes.iter().all(|good| *good)
}

/// What the one who kills does.
struct Storm<'a> {
    board: &'static Board,
    mutex: &'a Mutex,
    holding: Holding,
    random: Random,
    processes: Vec<Child>,
    /// Until when each is stopped.
    stopped: Vec<Option<Instant>>,
    limit: Duration,
    kills: u64,
    inside: u64,
    stops: u64,
    stops_inside: u64,
    failures: u64,
}

fn storm(board: &'static Board, kind: Kind, holding: Holding, options: &Options) -> bool {
    const PEACE_EVERY: Duration = Duration::from_secs(1);

    let number = PROCESSES.min(kind.slots().1 as usize);
    let slots = u32::try_from(number).expect("few");
    // As many slots as processes: whoever is started anew needs that of a dead one.
    let mutex: Mutex = shared::Options::new()
        .kind(kind)
        .slots(slots)
        .look_every(Duration::from_millis(1))
        .anonymous([0; 4])
        .expect("a segment");
    board.wipe();
    let mut storm = Storm {
        board,
        mutex: &mutex,
        holding,
        random: Random::new(options.seed),
        processes: Vec::new(),
        stopped: vec![None; number],
        limit: options.limit,
        kills: 0,
        inside: 0,
        stops: 0,
        stops_inside: 0,
        failures: 0,
    };
    for who in 0..number {
        let process = storm.start(who);
        storm.processes.push(process);
    }
    let end = Instant::now() + Duration::from_secs(options.number_or(10));
    let mut peace = Instant::now() + PEACE_EVERY;
    let mut good = true;
    while good && Instant::now() < end {
        std::thread::sleep(Duration::from_micros(storm.random.below(2_000)));
        storm.strike();
        storm.wake(Instant::now());
        clear_orphans(|pid| storm.processes.iter().any(|process| process.pid() == pid));
        if Instant::now() > peace {
            good = storm.peace();
            peace = Instant::now() + PEACE_EVERY;
        }
    }
    good = good && storm.peace();
    storm.end(kind, good, options)
}

impl Storm<'_> {
    fn start(&mut self, who: usize) -> Child {
        let (board, mutex, seed) = (self.board, self.mutex, self.random.below(u64::MAX));
        let player = &board.players[who];
        let is_held = self.holding == Holding::Descriptors && who % 2 == 1;
        // In this order: see `has_been_killed`.
        player.pid.store(0, SeqCst);
        player.condemned.store(0, SeqCst);
        player.inside.store(0, SeqCst);
        Child::fork(|| plays(board, who, mutex, seed, is_held))
    }

    /// Kills one and starts another in its place, or stops one.
    fn strike(&mut self) {
        let (any, at_owner) =
            (self.random.below(self.processes.len() as u64), self.random.below(3));
        #[expect(clippy::cast_possible_truncation, reason = "the number of a process")]
        let any = any as usize;
        // Not as if by chance: owners are inside for a short time only.
        let owner = self.board.players.iter().position(|it| it.inside.load(SeqCst) != 0);
        let who = owner.filter(|_| at_owner == 0).unwrap_or(any);
        let player = &self.board.players[who];
        if self.random.below(10) < 6 {
            player.condemned.store(1, SeqCst);
            if !self.processes[who].kill() {
                self.failures += 1;
            }
            self.kills += 1;
            self.inside += u64::from(player.inside.swap(0, SeqCst) != 0);
            self.stopped[who] = None;
            self.processes[who] = self.start(who);
        } else if self.stopped.iter().flatten().count() < 2 && self.stopped[who].is_none() {
            self.processes[who].signal(Signal::STOP);
            self.stops += 1;
            self.stops_inside += u64::from(player.inside.load(SeqCst) != 0);
            let time = Duration::from_micros(self.random.below(10_000));
            self.stopped[who] = Some(Instant::now() + time);
        }
    }

    /// Lets those go on who have been stopped for long enough.
    fn wake(&mut self, now: Instant) {
        for (stopped, process) in self.stopped.iter_mut().zip(&self.processes) {
            if stopped.is_some_and(|until| until <= now) {
                process.signal(Signal::CONT);
                *stopped = None;
            }
        }
    }

    /// Waits until everybody has got in once more. Whether that came to be.
    fn peace(&mut self) -> bool {
        for (stopped, process) in self.stopped.iter_mut().zip(&self.processes) {
            process.signal(Signal::CONT);
            *stopped = None;
        }
        let players = &self.board.players[..self.processes.len()];
        let count = |player: &Player| player.acquisitions.load(SeqCst);
        let before: Vec<_> = players.iter().map(count).collect();
        let all = until(self.limit, || {
            players.iter().zip(&before).all(|(player, before)| count(player) > *before)
        });
        if !all {
            println!("STUCK: {:?}", self.mutex.status());
        }
        all
    }

    fn end(mut self, kind: Kind, mut good: bool, options: &Options) -> bool {
        let Board { over, violations, told, kept, players } = self.board;
        over.store(1, SeqCst);
        for process in &mut self.processes {
            if process.end_within(self.limit) != Some(End::Done) {
                self.failures += 1;
            }
        }
        wait_for_orphans();
        let status = self.mutex.status().expect("a segment");
        let violations = violations.load(SeqCst);
        let acquisitions: u64 = players.iter().map(|it| it.acquisitions.load(SeqCst)).sum();
        good &= self.failures == 0 && violations == 0 && status.poisoned.is_none();
        let Self { kills, inside, stops, stops_inside, failures, .. } = self;
        println!(
            "{kind}: seed {}, kills {kills} ({inside} inside, {} kept alive), stops {stops} ({stops_inside} inside), \
             acquisitions {acquisitions}, told {}, recoveries {}, last token {}, violations \
             {violations}, stuck or failed {failures}: {}",
            options.seed,
            kept.outlived(),
            told.load(SeqCst),
            status.recoveries,
            status.acquisitions,
            if good { "good" } else { "FAILED" }
        );
        good
    }
}

impl Board {
    fn wipe(&self) {
        self.over.store(0, SeqCst);
        for word in [&self.violations, &self.told] {
            word.store(0, SeqCst);
        }
        self.kept.wipe();
        for Player { pid, condemned, inside, let_go, acquisitions } in &self.players {
            for word in [pid, condemned, inside, let_go] {
                word.store(0, SeqCst);
            }
            acquisitions.store(0, SeqCst);
        }
    }

    fn check(&self, is_so: bool, what: &str) {
        if !is_so {
            self.violations.fetch_add(1, SeqCst);
            eprintln!("VIOLATION: {what} (process {})", std::process::id());
        }
    }
}

/// One process: joins, locks in one way or another, and leaves, until it is over.
fn plays(board: &Board, who: usize, mutex: &Mutex, seed: u64, is_held: bool) {
    let (player, mut random) = (&board.players[who], Random::new(seed));
    player.pid.store(std::process::id(), SeqCst);
    let memory = mutex.as_fd().try_clone_to_owned().expect("a descriptor");
    let options = shared::Options::new().look_every(Duration::from_millis(1));
    let mutex: Mutex = options.attach_fd(memory).expect("a segment");
    while board.over.load(SeqCst) == 0 {
        let Some(mut participant) = joins(board, &mutex) else { return };
        let keeper = is_held.then(|| {
            participant.hold_by_descriptor().expect("it is ours");
            let later = Duration::from_micros(random.below(5_000));
            Keeper::fork(&board.kept, &player.let_go, later)
        });
        for _ in 0..random.below(1_000) {
            if board.over.load(SeqCst) == 0 {
                takes_a_turn(board, player, &mut participant, &mut random);
            }
        }
        // Before this one leaves: whoever comes in its place may not be kept.
        keeper.into_iter().for_each(Keeper::let_go);
    }
}

fn takes_a_turn(
    board: &Board,
    player: &Player,
    participant: &mut shared::Participant<Data>,
    random: &mut Random,
) {
    match locks(participant, random) {
        Ok(guard) => {
            if let Some(guard) = guard {
                is_inside(board, player, guard, random);
            }
            return;
        }
        Err(Error::OwnerDied { death, .. }) => has_been_killed(board, &death),
        Err(why) => panic!("{why}"),
    }
    let repair = |data: &mut Data, death: &Death| repairs(board, player, data, death);
    let guard = participant.lock_or_repair(repair).expect("a turn");
    is_inside(board, player, guard, random);
}

type Locked<'p> = Result<Option<Guard<'p, Data>>, Error>;

fn locks<'p>(participant: &'p mut shared::Participant<Data>, random: &mut Random) -> Locked<'p> {
    match random.below(10) {
        0 | 1 => participant.try_lock(),
        2 | 3 => participant.lock_for(Duration::from_micros(random.below(3_000))),
        _ => participant.lock().map(Some),
    }
}

/// All slots may be taken for a moment, while the dead ones' are being recovered.
fn joins(board: &Board, mutex: &Mutex) -> Option<shared::Participant<Data>> {
    let start = Instant::now();
    loop {
        match mutex.join() {
            Ok(participant) => return Some(participant),
            Err(Error::Full { .. }) if start.elapsed() < Duration::from_secs(10) => moment(),
            Err(why) => panic!("{why}"),
        }
        if board.over.load(SeqCst) != 0 {
            return None;
        }
    }
}

fn has_been_killed(board: &Board, death: &Death) {
    // In this order, the opposite of that in `Storm::start`: one that was killed, and in whose place
    // another is being started, is never found with its own pid and yet not condemned.
    let lives = |player: &Player| {
        player.condemned.load(SeqCst) == 0 && player.pid.load(SeqCst) == death.pid
    };
    // Whoever is not there any more has been killed, and another started in its place.
    let killed = !board.players.iter().any(lives);
    board.check(killed, "a false death");
    board.check(!board.kept.has(death.pid), "a death of one that is kept alive");
}

fn repairs(board: &Board, player: &Player, data: &mut Data, death: &Death) {
    player.inside.store(1, SeqCst);
    has_been_killed(board, death);
    board.check(death.token >= data[TOKEN], "the dead one's token is an old one");
    data[1] = data[0];
    data[WITNESS] = 0;
    board.told.fetch_add(1, SeqCst);
}

fn is_inside(board: &Board, player: &Player, mut guard: Guard<'_, Data>, random: &mut Random) {
    player.inside.store(1, SeqCst);
    let me = u64::from(std::process::id());
    let token = guard.token();
    board.check(guard[WITNESS] == 0, "another is inside, or has died there, untold");
    board.check(guard[0] == guard[1], "half-written, untold");
    board.check(token > guard[TOKEN], "a token that does not grow");
    let data: &mut Data = &mut guard;
    let write = |word: &mut u64, value| {
        // SAFETY: a reference; written where the program says so, since a kill may come between.
        unsafe { ptr::write_volatile(word, value) }
    };
    write(&mut data[WITNESS], me);
    write(&mut data[TOKEN], token);
    let value = data[0] + 1;
    write(&mut data[0], value);
    match random.below(20) {
        0 => std::thread::sleep(Duration::from_micros(random.below(500))),
        1 => std::thread::yield_now(),
        _ => {}
    }
    // SAFETY: as above; another that should not be inside may have written it.
    let witness = unsafe { ptr::read_volatile(&raw const data[WITNESS]) };
    board.check(witness == me, "robbed");
    write(&mut data[1], value);
    write(&mut data[WITNESS], 0);
    player.inside.store(0, SeqCst);
    drop(guard);
    player.acquisitions.fetch_add(1, SeqCst);
}
