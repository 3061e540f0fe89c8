//! Who owns a slot: published before the slot's first attempt, cleared after its last.

use crate::atomic::{
    Acquire, AtomicU32, Register32, Register64, Relaxed, Release, array, const_fn, fence,
};
use crate::attempt::State;

/// Set in the state of a slot that has an owner.
const JOINED: u32 = 1;
/// Set besides while an owner changes who it is. (Without the other it means nothing.)
const CHANGING: u32 = 2;
/// The bits above count the changes: the state is never what it was before.
const CHANGE: u32 = 4;

/// Set in the hold of an owner whose death inside does no harm.
const HARMLESS: u32 = 8;

/// A slot's owner, in the segment.
///
/// Taken by whoever holds the lock on the slot's byte ([`crate::shared::life::ofd`]), and joined from when the
/// whole owner stands here until it is cleared. A slot that is joined while nobody holds its byte
/// belonged to a process that died; that of one that died before is still free.
///
/// The lock on the byte is relied on to say whether its holder lives, and for one order: what a
/// process did before it died comes before what the byte's next holder does. The living order
/// themselves by updates of `state`, each of which gives it a value that it has not had before (in
/// 2^30 changes).
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Identity {
    state: AtomicU32,
    pid: Register32,
    start_time: Register64,
    pid_namespace: Register64,
    time_namespace: Register64,
    locks: Register32,
    command: [Register64; 2],
    /// [`Hold::code`], and perhaps [`HARMLESS`].
    hold: Register32,
}

/// Who owns a slot, and since which change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) process: Process,
    pub(crate) hold: Hold,
    pub(crate) is_harmless: bool,
    state: u32,
}

/// What the life of a slot's owner hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// The process, and the descriptor that has the lock on the slot's byte.
    Process,
    /// That descriptor alone, whoever has it. The process uses the slot, or has died using it.
    Descriptor,
    /// The same, and nobody uses the slot: the process has handed it over, as it stood.
    HandedOver(State),
}

impl Hold {
    fn code(self) -> u32 {
        match self {
            Self::Process => 0,
            Self::Descriptor => 1,
            Self::HandedOver(State::Outside) => 2,
            Self::HandedOver(State::Waiting) => 3,
            Self::HandedOver(State::Inside) => 4,
        }
    }

    /// What is no code counts as one that nobody can adopt.
    fn from_code(code: u32) -> Self {
        match code & !HARMLESS {
            0 => Self::Process,
            2 => Self::HandedOver(State::Outside),
            3 => Self::HandedOver(State::Waiting),
            4 => Self::HandedOver(State::Inside),
            _ => Self::Descriptor,
        }
    }
}

/// A process, told from every other that this machine runs until it restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// In clock ticks since the machine started, from `/proc/PID/stat`: with the pid, the same
    /// process and no other. 0: not known.
    pub(crate) start_time: u64,
    /// The inode of the pid namespace in which `pid` means something. 0: not known.
    pub(crate) pid_namespace: u64,
    /// The inode of the time namespace in which `start_time` means something; 0 if there are none.
    pub(crate) time_namespace: u64,
    /// On what kind of file system its locks are, by the kernel's number. An overlay mount and its upper
    /// directory have one memory, and neither sees the other's locks. (Not on which device: a mount that
    /// goes and comes again is another one, and those who died before that are dead.)
    pub(crate) locks: u32,
    /// The program's name, as bytes, cut off or filled up with zeros: for messages.
    pub(crate) command: [u64; 2],
}

impl Process {
    /// For messages about one of whom nothing is known.
    #[allow(dead_code, reason = "the models know of all")]
    pub(crate) const UNKNOWN: Self = Self {
        pid: 0,
        start_time: 0,
        pid_namespace: 0,
        time_namespace: 0,
        locks: 0,
        command: [0; 2],
    };
}

impl Identity {
    const_fn! {
        #[cfg_attr(not(test), allow(dead_code, reason = "they are mapped; the models make some"))]
        pub(crate) const fn new() -> Self {
            Self {
                state: AtomicU32::new(0),
                pid: Register32::new(0),
                start_time: Register64::new(0),
                pid_namespace: Register64::new(0),
                time_namespace: Register64::new(0),
                locks: Register32::new(0),
                command: array![Register64::new(0); 2],
                hold: Register32::new(0),
            }
        }
    }

    /// Whether nobody owned the slot a moment ago.
    pub(crate) fn is_free(&self) -> bool {
        self.state.load(Relaxed) & JOINED == 0
    }

    /// Makes this process the slot's owner, unless it has one. To be called by whoever holds the
    /// lock on the slot's byte. Whether it is the owner now.
    pub(crate) fn publish(&self, owner: &Process) -> bool {
        let free = self.state.load(Relaxed);
        if free & JOINED != 0 {
            return false;
        }
        // Without flags.
        let taken = (free | (CHANGE - 1)).wrapping_add(1);
        // Acquire: takes over the slot's registers as its last owner left them.
        if self.state.compare_exchange(free, taken, Acquire, Relaxed).is_err() {
            return false;
        }
        self.write(owner, Hold::Process.code());
        // Release: whoever sees the slot joined sees by whom.
        self.state.compare_exchange(taken, taken | JOINED, Release, Relaxed).is_ok()
    }

    /// To be called behind the update that says that the fields are about to change.
    fn write(&self, owner: &Process, hold: u32) {
        // Orders that update before the fields: whoever has read one of them finds the state
        // changed.
        fence(Release);
        self.hold.store(hold, Relaxed);
        self.pid.store(owner.pid, Relaxed);
        self.start_time.store(owner.start_time, Relaxed);
        self.pid_namespace.store(owner.pid_namespace, Relaxed);
        self.time_namespace.store(owner.time_namespace, Relaxed);
        self.locks.store(owner.locks, Relaxed);
        for (register, word) in self.command.iter().zip(owner.command) {
            register.store(word, Relaxed);
        }
    }

    /// From here on the slot's owner lives as long as its descriptor does. To be called by the owner.
    pub(crate) fn hold_by_descriptor(&self) {
        // A change: whoever has seen it held by a process that dies later finds that out before it
        // acts.
        self.change(|code| Hold::Descriptor.code() | code & HARMLESS);
    }

    /// Says whether the owner's death inside does any harm. To be called by the owner.
    pub(crate) fn set_harmless(&self, is_harmless: bool) {
        self.change(|code| if is_harmless { code | HARMLESS } else { code & !HARMLESS });
    }

    /// Leaves the slot to whoever has its descriptor and adopts it. To be called by the owner, which is
    /// held by its descriptor, and does nothing more in the slot.
    pub(crate) fn hand_over(&self, state: State) {
        self.change(|code| Hold::HandedOver(state).code() | code & HARMLESS);
    }

    fn change(&self, changed: impl FnOnce(u32) -> u32) {
        // In two steps: what is seen of the change before it is complete is of no state that could be
        // adopted.
        self.state.fetch_add(CHANGING, Relaxed);
        // Orders the first step before the new value, as in `write`.
        fence(Release);
        self.hold.store(changed(self.hold.load(Relaxed)), Relaxed);
        // Release: what was done in this slot, and inside, happens before what is done by whoever
        // adopts it.
        self.state.fetch_add(CHANGE - CHANGING, Release);
    }

    /// Makes this process the user of a slot that was handed over, unless another one has been faster.
    /// To be called by one that has the slot's descriptor. Whether it is the user now.
    pub(crate) fn adopt(&self, from: &Owner, by: &Process) -> bool {
        if !matches!(from.hold, Hold::HandedOver(_)) {
            return false;
        }
        let changing = from.state.wrapping_add(CHANGING);
        // Relaxed: `owner` has read this state with Acquire, see `hand_over`.
        if self.state.compare_exchange(from.state, changing, Relaxed, Relaxed).is_err() {
            return false;
        }
        self.write(by, Hold::Descriptor.code() | if from.is_harmless { HARMLESS } else { 0 });
        // Release: whoever sees the change complete sees by whom.
        self.state.fetch_add(CHANGE - CHANGING, Release);
        true
    }

    /// Leaves the slot to others. To be called by its owner; or, once that is dead, by the one who
    /// has the lock on the slot's recovery byte.
    pub(crate) fn clear(&self) {
        // Whether it was changing when it died or not. Release: hands the slot's registers to its next
        // owner.
        self.state.fetch_add(JOINED, Release);
    }

    /// Who owns the slot, for whoever looks on. `None`: nobody, or it changed hands meanwhile. While
    /// somebody adopts the slot, `process` may be partly that one and partly the one before.
    pub(crate) fn owner(&self) -> Option<Owner> {
        // Acquire: the fields are this owner's, or a later one's.
        let state = self.state.load(Acquire);
        let process = Process {
            pid: self.pid.load(Relaxed),
            start_time: self.start_time.load(Relaxed),
            pid_namespace: self.pid_namespace.load(Relaxed),
            time_namespace: self.time_namespace.load(Relaxed),
            locks: self.locks.load(Relaxed),
            command: [self.command[0].load(Relaxed), self.command[1].load(Relaxed)],
        };
        let code = self.hold.load(Relaxed);
        let hold = match state & CHANGING {
            0 => Hold::from_code(code),
            // Nobody can adopt it now, and it is not its process's any more.
            _ => Hold::Descriptor,
        };
        // Orders the fields before the second look at the state: if any is a later owner's, the
        // state is another.
        fence(Acquire);
        let owner = Owner { process, hold, is_harmless: code & HARMLESS != 0, state };
        (state & JOINED != 0 && self.is_still(&owner)).then_some(owner)
    }

    /// Whether the slot has had no other owner since.
    pub(crate) fn is_still(&self, owner: &Owner) -> bool {
        self.state.load(Relaxed) == owner.state
    }

    /// The same, for certain, for whoever has the lock on the slot's recovery byte: if another has
    /// had it before and cleared the slot, it is seen, whether that lock lends an order or not.
    pub(crate) fn is_still_for_certain(&self, owner: &Owner) -> bool {
        // An update, which does not read an old value. Nothing is learned by it but the value.
        self.state.compare_exchange(owner.state, owner.state, Relaxed, Relaxed).is_ok()
    }
}
