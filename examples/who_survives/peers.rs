//! The locks to compare with: those of the C library, in shared memory, and those of the kernel, on
//! that memory's file.

use std::fs::{File, TryLockError};
use std::io::Error;
use std::os::fd::{AsRawFd, OwnedFd};

use anyhow::{Context, Result, bail};

use crate::board::Mapping;
use crate::contender::{Contender, Entry};

type Inside<'a> = &'a mut dyn FnMut(Entry) -> Result<()>;

/// All of them, of which one is used.
#[repr(C)]
struct Locks {
    robust: libc::pthread_mutex_t,
    plain: libc::pthread_mutex_t,
    semaphore: libc::sem_t,
}

pub fn create() -> Result<OwnedFd> {
    let file = Mapping::<Locks>::create("who_survives")?;
    let locks = Mapping::<Locks>::map(&file)?;
    // SAFETY: mapped until the end of this function, and nobody uses them yet.
    unsafe {
        for (mutex, robustness) in [
            (&raw mut (*locks.get()).robust, libc::PTHREAD_MUTEX_ROBUST),
            (&raw mut (*locks.get()).plain, libc::PTHREAD_MUTEX_STALLED),
        ] {
            let mut attributes = std::mem::zeroed();
            succeeds(libc::pthread_mutexattr_init(&raw mut attributes))?;
            let shared = libc::PTHREAD_PROCESS_SHARED;
            succeeds(libc::pthread_mutexattr_setpshared(&raw mut attributes, shared))?;
            succeeds(libc::pthread_mutexattr_setrobust(&raw mut attributes, robustness))?;
            succeeds(libc::pthread_mutex_init(mutex, &raw const attributes))?;
        }
        if libc::sem_init(&raw mut (*locks.get()).semaphore, 1, 1) != 0 {
            return Err(Error::last_os_error()).context("sem_init");
        }
    }
    Ok(file)
}

fn succeeds(error: i32) -> Result<()> {
    if error == 0 { Ok(()) } else { Err(Error::from_raw_os_error(error).into()) }
}

pub struct Pthread {
    locks: Mapping<Locks>,
    is_robust: bool,
}

impl Pthread {
    pub fn robust(memory: &File) -> Result<Self> {
        Ok(Self { locks: Mapping::map(memory)?, is_robust: true })
    }

    pub fn plain(memory: &File) -> Result<Self> {
        Ok(Self { locks: Mapping::map(memory)?, is_robust: false })
    }

    fn mutex(&self) -> *mut libc::pthread_mutex_t {
        // SAFETY: mapped as long as `self`.
        unsafe {
            if self.is_robust {
                &raw mut (*self.locks.get()).robust
            } else {
                &raw mut (*self.locks.get()).plain
            }
        }
    }

    /// Goes on from what taking it has answered.
    fn then(&self, answer: i32, inside: Inside) -> Result<()> {
        let entry = match answer {
            0 => Entry::Clean,
            libc::EOWNERDEAD => {
                // SAFETY: this thread has it, in need of being declared consistent.
                succeeds(unsafe { libc::pthread_mutex_consistent(self.mutex()) })?;
                Entry::OwnerDied
            }
            error => return succeeds(error).context("pthread_mutex_lock"),
        };
        let outcome = inside(entry);
        // SAFETY: this thread has it; in a forked child, which has not, it answers so or lets go of
        // its parent's, which is what is to be seen. That is no failure.
        unsafe { libc::pthread_mutex_unlock(self.mutex()) };
        outcome
    }
}

impl Contender for Pthread {
    fn lock(&mut self, inside: Inside) -> Result<()> {
        // SAFETY: `create` has initialised it.
        self.then(unsafe { libc::pthread_mutex_lock(self.mutex()) }, inside)
    }

    fn try_lock(&mut self, inside: Inside) -> Result<bool> {
        // SAFETY: `create` has initialised it.
        match unsafe { libc::pthread_mutex_trylock(self.mutex()) } {
            libc::EBUSY => Ok(false),
            answer => self.then(answer, inside).map(|()| true),
        }
    }
}

pub struct Semaphore(Mapping<Locks>);

impl Semaphore {
    pub fn attach(memory: &File) -> Result<Self> {
        Ok(Self(Mapping::map(memory)?))
    }

    fn semaphore(&self) -> *mut libc::sem_t {
        // SAFETY: mapped as long as `self`.
        unsafe { &raw mut (*self.0.get()).semaphore }
    }

    fn then(&self, inside: Inside) -> Result<()> {
        let outcome = inside(Entry::Clean);
        // SAFETY: `create` has initialised it.
        if unsafe { libc::sem_post(self.semaphore()) } != 0 {
            return Err(Error::last_os_error()).context("sem_post");
        }
        outcome
    }
}

impl Contender for Semaphore {
    fn lock(&mut self, inside: Inside) -> Result<()> {
        // SAFETY: `create` has initialised it.
        while unsafe { libc::sem_wait(self.semaphore()) } != 0 {
            match Error::last_os_error() {
                error if error.raw_os_error() == Some(libc::EINTR) => {}
                error => return Err(error).context("sem_wait"),
            }
        }
        self.then(inside)
    }

    fn try_lock(&mut self, inside: Inside) -> Result<bool> {
        // SAFETY: `create` has initialised it.
        if unsafe { libc::sem_trywait(self.semaphore()) } == 0 {
            return self.then(inside).map(|()| true);
        }
        match Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::EAGAIN) => Ok(false),
            error => Err(error).context("sem_trywait"),
        }
    }
}

/// `flock(2)`, which is what the standard library calls.
pub struct Flock(pub File);

impl Flock {
    fn then(&self, inside: Inside) -> Result<()> {
        let outcome = inside(Entry::Clean);
        self.0.unlock().context("flock")?;
        outcome
    }
}

impl Contender for Flock {
    fn lock(&mut self, inside: Inside) -> Result<()> {
        self.0.lock().context("flock")?;
        self.then(inside)
    }

    fn try_lock(&mut self, inside: Inside) -> Result<bool> {
        match self.0.try_lock() {
            Ok(()) => self.then(inside).map(|()| true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error).context("flock"),
        }
    }
}

/// A record lock on the whole file.
pub struct FileLock {
    file: File,
    wait: i32,
    no_wait: i32,
}

impl FileLock {
    pub fn of_the_process(file: File) -> Self {
        Self { file, wait: libc::F_SETLKW, no_wait: libc::F_SETLK }
    }

    pub fn of_the_description(file: File) -> Self {
        Self { file, wait: libc::F_OFD_SETLKW, no_wait: libc::F_OFD_SETLK }
    }

    /// Whether it is set so now: not if another has it, and nobody is to wait.
    fn set(&self, command: i32, to: i32) -> Result<bool> {
        // SAFETY: a C struct of integers; from the beginning (0) to the end (0), for no process.
        let mut lock: libc::flock = unsafe { std::mem::zeroed() };
        lock.l_type = i16::try_from(to)?;
        lock.l_whence = i16::try_from(libc::SEEK_SET)?;
        loop {
            // SAFETY: the descriptor is open, and the struct is there to be read.
            if unsafe { libc::fcntl(self.file.as_raw_fd(), command, &raw const lock) } == 0 {
                return Ok(true);
            }
            match Error::last_os_error().raw_os_error() {
                Some(libc::EINTR) => {}
                Some(libc::EAGAIN | libc::EACCES) if command == self.no_wait => return Ok(false),
                _ => bail!(Error::last_os_error()),
            }
        }
    }

    fn then(&self, inside: Inside) -> Result<()> {
        let outcome = inside(Entry::Clean);
        self.set(self.no_wait, libc::F_UNLCK)?;
        outcome
    }
}

impl Contender for FileLock {
    fn lock(&mut self, inside: Inside) -> Result<()> {
        self.set(self.wait, libc::F_WRLCK).context("fcntl")?;
        self.then(inside)
    }

    fn try_lock(&mut self, inside: Inside) -> Result<bool> {
        if self.set(self.no_wait, libc::F_WRLCK).context("fcntl")? {
            return self.then(inside).map(|()| true);
        }
        Ok(false)
    }
}
