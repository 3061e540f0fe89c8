//! Who owns a slot: published before the slot's first attempt, cleared after its last.

use crate::atomic::{
    Acquire, AtomicU32, Register32, Register64, Relaxed, Release, array, const_fn, fence,
};

/// Set in the state of a slot that has an owner.
const JOINED: u32 = 1;
/// What is added to the state of a free slot by whoever takes it.
const TAKEN: u32 = 2;

/// A slot's owner, in the segment.
///
/// Taken by whoever holds the lock on the slot's byte ([`crate::shared::life::ofd`]), and joined from when the
/// whole owner stands here until it is cleared. A slot that is joined while nobody holds its byte
/// belonged to a process that died; that of one that died before is still free.
///
/// The lock on the byte is relied on to say whether its holder lives, and for one order: what a
/// process did before it died comes before what the byte's next holder does. The living order
/// themselves by updates of `state`, each of which gives it a value that it has not had before (in
/// 2^30 changes of owner).
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
}

/// Who owns a slot, and since which change of owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) process: Process,
    state: u32,
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
        let taken = free.wrapping_add(TAKEN);
        // Acquire: takes over the slot's registers as its last owner left them.
        if self.state.compare_exchange(free, taken, Acquire, Relaxed).is_err() {
            return false;
        }
        // Orders the new state before the fields: whoever has read one of them finds the state
        // changed.
        fence(Release);
        self.pid.store(owner.pid, Relaxed);
        self.start_time.store(owner.start_time, Relaxed);
        self.pid_namespace.store(owner.pid_namespace, Relaxed);
        self.time_namespace.store(owner.time_namespace, Relaxed);
        self.locks.store(owner.locks, Relaxed);
        for (register, word) in self.command.iter().zip(owner.command) {
            register.store(word, Relaxed);
        }
        // Release: whoever sees the slot joined sees by whom.
        self.state.compare_exchange(taken, taken | JOINED, Release, Relaxed).is_ok()
    }

    /// Leaves the slot to others. To be called by its owner; or, once that is dead, by the one who
    /// has the lock on the slot's recovery byte.
    pub(crate) fn clear(&self) {
        // Release: hands the slot's registers to its next owner.
        self.state.fetch_add(JOINED, Release);
    }

    /// Who owns the slot, for whoever looks on. `None`: nobody, or it changed hands meanwhile.
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
        // Orders the fields before the second look at the state: if any is a later owner's, the
        // state is another.
        fence(Acquire);
        let owner = Owner { process, state };
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
