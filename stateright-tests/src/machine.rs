//! One step of an algorithm at a time.
//!
//! A move (`enter`, `poll`, ...) is the library's own code, which knows nothing of steps. It is run
//! from its beginning for each step: what its earlier accesses to registers returned is kept in a
//! *log* and replayed, the next access is done, and the accesses after it are answered with zeros
//! and change nothing. So a participant in the middle of a move is its log, plain data that can be
//! hashed, compared and kept.
//!
//! An access that no other participant can see or influence (to a register of its own that nobody
//! else touches, or a look at one that nobody else writes) is not a step: it is done together with
//! the one before it. Whose registers are whose is [surveyed](Survey) beforehand, and an access that
//! contradicts the survey breaks the model.

use std::cell::RefCell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// A place in the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Register(usize);

impl Register {
    /// A new place in the memory that is being [built](build).
    pub(crate) fn new(value: u64) -> Self {
        CPU.with_borrow_mut(|cpu| cpu.memory.add(value))
    }
}

/// When a store becomes visible to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stores {
    /// At once: sequential consistency.
    AtOnce,
    /// Some time later, in the order in which they were made: total store order, as on x86.
    InOrder,
    /// Some time later, those to one register in order: partial store order. A release store waits
    /// for those before it.
    ByRegister,
}

/// A store that only the one who made it sees so far.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Pending {
    at: Register,
    value: u64,
    release: bool,
}

/// The registers, and each participant's stores that are on their way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Memory {
    values: Vec<u64>,
    pending: Vec<Vec<Pending>>,
}

impl Memory {
    /// One more register.
    pub(crate) fn add(&mut self, value: u64) -> Register {
        self.values.push(value);
        Register(self.values.len() - 1)
    }

    pub(crate) fn add_participants(&mut self, number: usize) {
        self.pending.resize(number, Vec::new());
    }

    /// Which of a participant's pending stores may become visible next.
    pub(crate) fn may_arrive(&self, who: usize, stores: Stores) -> impl Iterator<Item = usize> {
        let pending = &self.pending[who];
        (0..pending.len()).filter(move |&index| {
            let it = &pending[index];
            let of_its_register = || pending[..index].iter().all(|earlier| earlier.at != it.at);
            index == 0 || (stores == Stores::ByRegister && !it.release && of_its_register())
        })
    }

    pub(crate) fn arrive(&mut self, who: usize, index: usize) {
        let Pending { at, value, .. } = self.pending[who].remove(index);
        self.values[at.0] = value;
    }

    pub(crate) fn has_pending(&self, who: usize) -> bool {
        !self.pending[who].is_empty()
    }

    pub(crate) fn load(&self, who: usize, at: Register) -> u64 {
        let own = self.pending[who].iter().rfind(|pending| pending.at == at);
        own.map_or(self.values[at.0], |pending| pending.value)
    }

    pub(crate) fn store_later(&mut self, who: usize, at: Register, value: u64, release: bool) {
        self.pending[who].push(Pending { at, value, release });
    }

    /// Does an access whose effect everybody sees at once.
    fn apply(&mut self, access: &Access<'_>) -> u64 {
        match *access {
            Access::Fence => 0,
            Access::Load(at) => self.values[at.0],
            Access::Store { at, value, .. } => {
                self.values[at.0] = value;
                0
            }
            Access::Update { at, new } => {
                let old = self.values[at.0];
                self.values[at.0] = new(old);
                old
            }
        }
    }
}

/// Who reads and who writes each register, a bit for each participant.
#[derive(Debug)]
pub(crate) struct Survey {
    readers: Vec<AtomicU32>,
    writers: Vec<AtomicU32>,
}

impl Survey {
    pub(crate) fn new(memory: &Memory) -> Self {
        let none = || memory.values.iter().map(|_| AtomicU32::new(0)).collect();
        Self { readers: none(), writers: none() }
    }

    fn note(&self, who: usize, access: &Access<'_>) {
        let Some((at, reads, writes)) = access.touches() else { return };
        for (does, table) in [(reads, &self.readers), (writes, &self.writers)] {
            if does {
                table[at.0].fetch_or(1 << who, Relaxed);
            }
        }
    }

    fn knows(&self, who: usize, access: &Access<'_>) -> bool {
        access.touches().is_none_or(|(at, reads, writes)| {
            let noted = |table: &[AtomicU32]| table[at.0].load(Relaxed) & 1 << who != 0;
            (!reads || noted(&self.readers)) && (!writes || noted(&self.writers))
        })
    }

    /// Whether nobody else could tell when it is done, nor it what others do.
    fn is_private(&self, who: usize, access: &Access<'_>) -> bool {
        access.touches().is_some_and(|(at, _, writes)| {
            let others = |table: &[AtomicU32]| table[at.0].load(Relaxed) & !(1 << who) != 0;
            !others(&self.writers) && (!writes || !others(&self.readers))
        })
    }
}

/// What is done to a register.
#[derive(Clone, Copy)]
pub(crate) enum Access<'a> {
    Load(Register),
    Store { at: Register, value: u64, release: bool },
    Update { at: Register, new: &'a dyn Fn(u64) -> u64 },
    Fence,
}

impl Access<'_> {
    /// Which register, whether it is read, whether it is written.
    fn touches(&self) -> Option<(Register, bool, bool)> {
        match *self {
            Self::Load(at) => Some((at, true, false)),
            Self::Store { at, .. } => Some((at, false, true)),
            Self::Update { at, .. } => Some((at, true, true)),
            Self::Fence => None,
        }
    }
}

/// The rules of a run.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) stores: Stores,
    pub(crate) survey: Survey,
    /// Whether this run makes the survey: then every access is a step.
    pub(crate) surveying: bool,
}

/// What came of a step.
#[derive(Debug)]
pub(crate) enum Step<R> {
    /// Nothing can be done before a pending store has arrived.
    Stalled,
    /// The move goes on.
    Underway,
    /// The move is over.
    Done(R),
    Broken(String),
}

/// Makes registers, and the memory that they are in.
pub(crate) fn build<R>(make: impl FnOnce() -> R) -> (R, Memory) {
    CPU.with_borrow_mut(|cpu| *cpu = Cpu::default());
    let result = make();
    (result, CPU.take().memory)
}

/// Does something to the memory before anybody competes, or looks at it.
pub(crate) fn at_once<R>(memory: &mut Memory, what: impl FnOnce() -> R) -> R {
    let memory_now = mem::take(memory);
    CPU.with_borrow_mut(|cpu| {
        *cpu = Cpu { mode: Mode::AtOnce, memory: memory_now, ..Cpu::default() };
    });
    let result = what();
    *memory = CPU.take().memory;
    result
}

/// Takes a move one step further.
pub(crate) fn step<R>(
    memory: &mut Memory,
    log: &mut Vec<u64>,
    who: usize,
    rules: &Arc<Rules>,
    the_move: impl FnOnce() -> R,
) -> Step<R> {
    let cpu = Cpu {
        mode: Mode::Stepping(rules.clone()),
        memory: mem::take(memory),
        who,
        log: mem::take(log),
        ..Cpu::default()
    };
    CPU.with_borrow_mut(|old| *old = cpu);
    let outcome = catch_unwind(AssertUnwindSafe(the_move));
    let cpu = CPU.take();
    (*memory, *log) = (cpu.memory, cpu.log);
    match outcome {
        _ if cpu.contradiction => Step::Broken("an access that the survey did not see".to_owned()),
        _ if cpu.progress == Progress::Stalled => Step::Stalled,
        _ if cpu.progress == Progress::Over => Step::Underway,
        Ok(result) => {
            log.clear();
            Step::Done(result)
        }
        Err(panic) => Step::Broken(
            panic
                .downcast_ref::<String>()
                .map_or("a panic".to_owned(), |text| format!("a panic: {text}")),
        ),
    }
}

/// One access of the move that is running.
pub(crate) fn access(access: Access<'_>) -> u64 {
    CPU.with_borrow_mut(|cpu| cpu.access(&access))
}

#[derive(Default)]
enum Mode {
    #[default]
    Building,
    AtOnce,
    Stepping(Arc<Rules>),
}

#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Progress {
    /// The step is still to be done.
    #[default]
    Before,
    /// It is done; private accesses still belong to it.
    Done,
    /// Others may come next: from here on nothing counts.
    Over,
    Stalled,
}

/// Whoever is about to do something.
#[derive(Default)]
struct Cpu {
    mode: Mode,
    memory: Memory,
    who: usize,
    log: Vec<u64>,
    /// How many accesses of the log were replayed.
    replayed: usize,
    progress: Progress,
    /// Whether this step has done any access.
    acted: bool,
    contradiction: bool,
    /// How many accesses came after the step was over.
    unanswered: usize,
}

thread_local! {
    static CPU: RefCell<Cpu> = RefCell::default();
}

impl Cpu {
    fn access(&mut self, access: &Access<'_>) -> u64 {
        /// Each move is bounded, whatever it reads; a broken one may not be.
        const MOST_ACCESSES: usize = 100;

        let rules = match &self.mode {
            Mode::Building => unreachable!("registers are not used while they are made"),
            Mode::AtOnce => return self.memory.apply(access),
            Mode::Stepping(rules) => rules.clone(),
        };
        if let Some(result) = self.log.get(self.replayed) {
            self.replayed += 1;
            return *result;
        }
        if self.progress < Progress::Over {
            self.progress = self.next(access, &rules);
        }
        if self.progress >= Progress::Over {
            self.unanswered += 1;
            assert!(self.unanswered < MOST_ACCESSES, "a move that does not end");
            return 0;
        }
        assert!(self.log.len() < MOST_ACCESSES, "a move that does not end");
        let result = self.perform(access, &rules);
        self.acted = true;
        self.log.push(result);
        self.replayed += 1;
        result
    }

    /// How far the step is with this access.
    fn next(&mut self, access: &Access<'_>, rules: &Rules) -> Progress {
        let orders = matches!(access, Access::Fence | Access::Update { .. });
        if orders && self.memory.has_pending(self.who) {
            return if self.acted { Progress::Over } else { Progress::Stalled };
        }
        let touches = access.touches().is_some();
        let waits = rules.stores != Stores::AtOnce && matches!(access, Access::Store { .. });
        if rules.surveying {
            rules.survey.note(self.who, access);
        } else if !touches || waits || rules.survey.is_private(self.who, access) {
            self.contradiction |= !rules.survey.knows(self.who, access);
            return self.progress;
        }
        if self.progress == Progress::Done {
            return Progress::Over;
        }
        self.contradiction |= !rules.survey.knows(self.who, access);
        Progress::Done
    }

    fn perform(&mut self, access: &Access<'_>, rules: &Rules) -> u64 {
        match *access {
            Access::Load(at) => self.memory.load(self.who, at),
            Access::Store { at, value, release }
                if rules.stores != Stores::AtOnce && !rules.survey.is_private(self.who, access) =>
            {
                self.memory.store_later(self.who, at, value, release);
                0
            }
            _ => self.memory.apply(access),
        }
    }
}
