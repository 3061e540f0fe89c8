//! Death at every instruction of the library as it is.
//!
//! A child is single-stepped (`ptrace`) from before `lock` to behind `unlock`, and killed after its
//! `n`th instruction, for every `n`. Then two others have to get in within the limit; the first is
//! told of an owner's death if one died inside, and of none otherwise; and the data is whole, or it
//! is told.
//!
//! - *uncontended*: nobody else is there.
//! - *contended*: another is inside, and leaves when the child sleeps. It is killed in its sleep
//!   too. The spinning before it, which looks at one word hundreds of times, is left out.
//! - *recovering*: another has died inside; the child finds that, recovers, repairs and goes on.
//! - *joining*: it joins before and gives its slot back after.
//!
//! The path is stepped through once, from which the place of each instruction is known. The victims
//! are let run to a breakpoint shortly before theirs, and stepped from there; those that, at full
//! speed, went another way (a sleep that ended sooner), and all of them where there are no
//! breakpoints, are stepped from the beginning. `every` is the stride that was asked for.

mod parts;
mod route;
mod trace;

use std::time::{Duration, Instant};

use bakery_lock::algorithm::Blocked;
use bakery_lock::shared::{self, Error, Kind};
use bakery_lock::wait::{Deadline, Lot, Park, Wait};

use crate::mortal_kinds;
use crate::options::Options;
use crate::process::{Child, End, shared_memory};
use parts::{Stage, Told};
use route::Route;
use trace::{Reached, Tracee, may_trace};

/// Two words that are the same unless somebody is inside.
type Data = [u64; 2];
type Mutex = shared::Mutex<Data, Brief>;

/// [`Park`], but for its spinning and yielding: the same steps, fewer times.
#[derive(Clone, Copy, Debug)]
pub struct Brief;

impl Wait for Brief {
    const SLEEPS: bool = Park::SLEEPS;

    fn wait<L: Lot>(
        lot: &L,
        by: Blocked,
        _: u32,
        still: impl Fn() -> bool,
        deadline: &impl Deadline,
    ) {
        while still() {
            let Some(left) = deadline.left() else { return };
            lot.sleep(by.channel, &still, left);
        }
    }

    fn pause() {
        Park::pause();
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    Uncontended,
    Contended,
    Recovering,
    Joining,
}

impl Path {
    const ALL: [Self; 4] = [Self::Uncontended, Self::Contended, Self::Recovering, Self::Joining];

    const fn name(self) -> &'static str {
        match self {
            Self::Uncontended => "uncontended",
            Self::Contended => "contended",
            Self::Recovering => "recovering",
            Self::Joining => "joining",
        }
    }
}

/// When a victim is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kill {
    /// After so many instructions.
    After(u64),
    /// When it sleeps for the first time.
    Asleep,
}

/// What came of one victim.
struct Outcome {
    killed: bool,
    told: bool,
}

#[derive(Default)]
struct Tally {
    kills: u64,
    told: u64,
    silent: u64,
    stuck: u64,
    wrong: u64,
}

/// Every path of every lock, as a table. Whether all is well.
pub(crate) fn run(options: &Options) -> bool {
    if !cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
        println!("SKIPPED: no single-stepping on this architecture");
        return true;
    }
    if !may_trace() {
        println!("SKIPPED: this system refuses ptrace");
        return true;
    }
    // SAFETY: atomics only, for which zeros are values.
    let stage: &'static Stage = unsafe { shared_memory() };
    warm_up().expect("a lock");
    let (start, mut tables, mut good) = (Instant::now(), 0, true);
    println!(
        "path         algorithm     instructions  every   kills    told  silent  stuck  wrong"
    );
    for path in Path::ALL {
        for kind in mortal_kinds() {
            if options.want(&format!("{} {kind}", path.name())) {
                good &= one_path(stage, path, kind, options);
                tables += 1;
            }
        }
    }
    println!("{tables} paths, {:.1} s", start.elapsed().as_secs_f64());
    good && tables > 0
}

fn one_path(stage: &'static Stage, path: Path, kind: Kind, options: &Options) -> bool {
    let mut tally = Tally::default();
    let mut failures = Vec::new();
    let mut route = Route::default();
    if let Err(why) = survey(stage, path, kind, &mut route, options) {
        println!("FAILED: {}, {kind}, without a kill: {why}", path.name());
        return false;
    }
    let (length, stride) = (route.length(), options.stride.unwrap_or(1).max(1));
    let asleep = if path == Path::Contended { 3 } else { 0 };
    let kills = (0..length).step_by(usize::try_from(stride).unwrap_or(usize::MAX)).map(Kill::After);
    for kill in kills.chain((0..asleep).map(|_| Kill::Asleep)) {
        match one_kill(stage, path, kind, kill, &route, options) {
            Ok(outcome) if outcome.killed => {
                tally.kills += 1;
                *(if outcome.told { &mut tally.told } else { &mut tally.silent }) += 1;
            }
            Ok(_) => {}
            Err(why) => {
                *(if why.contains("stuck") { &mut tally.stuck } else { &mut tally.wrong }) += 1;
                failures.push(format!("{kill:?}: {why}"));
                if failures.len() == 3 {
                    break;
                }
            }
        }
    }
    let Tally { kills, told, silent, stuck, wrong } = tally;
    println!(
        "{:<12} {kind:<12} {length:>13} {stride:>6} {kills:>7} {told:>7} {silent:>7} {stuck:>6} {wrong:>6}",
        path.name()
    );
    for failure in &failures {
        println!("FAILED: {}, {kind}, {failure}", path.name());
    }
    failures.is_empty() && kills > 0
}

fn options_of(path: Path) -> shared::Options<Brief> {
    // One that is stepped is slow: it would look again and again, and never sleep.
    let look_every = if path == Path::Contended { 60_000 } else { 1 };
    shared::Options::new().waiting().look_every(Duration::from_millis(look_every))
}

fn make(path: Path, kind: Kind) -> Result<Mutex, Error> {
    options_of(path).kind(kind).slots(kind.slots().1.min(4)).anonymous([0; 2])
}

/// What is found out once in a process (where the kernel keeps its clock) is known to the children:
/// otherwise it would be most of their path.
fn warm_up() -> Result<(), Error> {
    let mutex = make(Path::Uncontended, Kind::Bakery)?;
    let mut participant = mutex.join()?;
    let guard = participant.lock()?;
    mutex.status()?;
    drop(guard);
    Ok(())
}

/// Starts everybody on a path; the victim stops at its mark.
fn start(
    stage: &'static Stage,
    path: Path,
    kind: Kind,
    leave_when_asleep: bool,
    limit: Duration,
) -> Result<(Mutex, Option<Child>, Tracee), String> {
    stage.wipe();
    let mutex = make(path, kind).map_err(|why| why.to_string())?;
    let holder = (path == Path::Contended).then(|| Child::fork(|| parts::holds(stage, &mutex)));
    if holder.is_some() && !stage.until_held(limit) {
        return Err("stuck: nobody gets in at all".to_owned());
    }
    if path == Path::Recovering {
        Child::fork(|| parts::dies_inside(&mutex)).end_within(limit);
    }
    let victim = Tracee::start(|| parts::lives(stage, &mutex, path));
    stage.leave_when_asleep(&victim, leave_when_asleep);
    Ok((mutex, holder, victim))
}

/// Steps through the whole path, and writes it down.
fn survey(
    stage: &'static Stage,
    path: Path,
    kind: Kind,
    route: &mut Route,
    options: &Options,
) -> Result<(), String> {
    let (_mutex, _holder, mut victim) = start(stage, path, kind, true, options.limit)?;
    victim.step(u64::MAX, options.limit, |address| route.add(address))?;
    victim.finish(options.limit)
}

fn one_kill(
    stage: &'static Stage,
    path: Path,
    kind: Kind,
    kill: Kill,
    route: &Route,
    options: &Options,
) -> Result<Outcome, String> {
    let limit = options.limit;
    let (mut mutex, mut holder, mut victim) =
        start(stage, path, kind, kill != Kill::Asleep, limit)?;
    let mut killed = true;
    match kill {
        Kill::Asleep => victim.run_until_asleep(limit)?,
        Kill::After(number) => {
            if victim.go_along(route, number, limit)? != Reached::There {
                // At full speed it went another way.
                drop((victim, holder));
                (mutex, holder, victim) = start(stage, path, kind, true, limit)?;
                killed = victim.step(number, limit, |_| ())? == Reached::There;
                if !killed {
                    victim.finish(limit)?;
                }
            }
        }
    }
    if killed {
        victim.kill();
    }
    let must = stage.must_be_told(path == Path::Recovering, killed);
    let status = mutex.status().map_err(|why| why.to_string())?;
    let is_dead_inside =
        status.poisoned.is_some() || status.dead.iter().any(|dead| dead.token != 0);
    stage.let_go();
    if let Some(holder) = &mut holder
        && holder.end_within(options.limit) != Some(End::Done)
    {
        return Err("the holder is stuck, or has failed".to_owned());
    }
    for number in [1, 2] {
        let mut survivor = Child::fork(|| parts::comes_after(stage, &mutex));
        match survivor.end_within(options.limit) {
            Some(End::Done) => {}
            None => return Err(format!("survivor {number} is stuck; victim: {stage:?}")),
            Some(_) => return Err(format!("survivor {number} failed; victim: {stage:?}")),
        }
    }
    let told = match stage.told() {
        Told::Once => true,
        Told::Never => false,
        Told::Again => return Err("a death was told again after the repair".to_owned()),
    };
    if must.is_some_and(|must| must != told) || is_dead_inside != told {
        return Err(format!(
            "told: {told}; dead inside, as the segment says: {is_dead_inside}; victim: {stage:?}"
        ));
    }
    Ok(Outcome { killed, told })
}
