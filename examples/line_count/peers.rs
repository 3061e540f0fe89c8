//! The locks to compare with, and none: a count in plain shared memory.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anyhow::{Context, Result};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap};

use crate::attempts::{Attempt, now};
use crate::lock::{Adder, Count, LockName};

/// What the processes share. The count's halves are atomics so that losing updates, which `none` is
/// to show, is defined; no more than that is asked of them.
#[repr(C)]
struct Memory {
    mutex: libc::pthread_mutex_t,
    lines: AtomicU64,
    chunks: AtomicU64,
}

/// The memory, mapped for the rest of the process's life, and a description of its own for `flock`.
pub struct Peer {
    lock: LockName,
    file: File,
    memory: NonNull<Memory>,
}

/// Makes the memory that peers share.
pub fn create() -> Result<OwnedFd> {
    let file = memfd_create("line_count", MemfdFlags::CLOEXEC).context("cannot make memory")?;
    ftruncate(&file, size_of::<Memory>() as u64).context("cannot make memory")?;
    let memory = map(&file)?;
    // SAFETY: the memory is mapped, is large enough, and nobody uses the mutex yet.
    unsafe {
        let mut attributes = std::mem::zeroed();
        libc::pthread_mutexattr_init(&raw mut attributes);
        libc::pthread_mutexattr_setpshared(&raw mut attributes, libc::PTHREAD_PROCESS_SHARED);
        libc::pthread_mutexattr_setrobust(&raw mut attributes, libc::PTHREAD_MUTEX_ROBUST);
        libc::pthread_mutex_init(&raw mut (*memory.as_ptr()).mutex, &raw const attributes);
    }
    Ok(file)
}

fn map(file: impl AsFd) -> Result<NonNull<Memory>> {
    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new mapping at an address of the kernel's choice.
    let start =
        unsafe { mmap(ptr::null_mut(), size_of::<Memory>(), access, MapFlags::SHARED, file, 0) };
    NonNull::new(start.context("cannot map memory")?.cast()).context("cannot map memory")
}

impl Peer {
    pub fn attach(lock: LockName, memory: &Path) -> Result<Self> {
        let file = File::options().read(true).write(true).open(memory);
        let file = file.with_context(|| format!("cannot open the memory {}", memory.display()))?;
        Ok(Self { lock, memory: map(&file)?, file })
    }

    pub fn count(&self) -> Count {
        // SAFETY: mapped until the process ends; atomics.
        let memory = unsafe {
            (&raw const (*self.memory.as_ptr()).lines, &raw const (*self.memory.as_ptr()).chunks)
        };
        // SAFETY: as above.
        unsafe { Count { lines: (*memory.0).load(Relaxed), chunks: (*memory.1).load(Relaxed) } }
    }

    fn set(&self, count: Count) {
        // SAFETY: mapped until the process ends; atomics.
        unsafe {
            (*self.memory.as_ptr()).lines.store(count.lines, Relaxed);
            (*self.memory.as_ptr()).chunks.store(count.chunks, Relaxed);
        }
    }

    fn mutex(&self) -> *mut libc::pthread_mutex_t {
        // SAFETY: mapped until the process ends.
        unsafe { &raw mut (*self.memory.as_ptr()).mutex }
    }

    fn lock(&self) -> Result<()> {
        match self.lock {
            // SAFETY: `create` has initialised it.
            LockName::Pthread => match unsafe { libc::pthread_mutex_lock(self.mutex()) } {
                0 => Ok(()),
                error => {
                    Err(std::io::Error::from_raw_os_error(error)).context("pthread_mutex_lock")
                }
            },
            LockName::Flock => self.file.lock().context("flock"),
            LockName::None | LockName::Ours(_) => Ok(()),
        }
    }

    fn unlock(&self) -> Result<()> {
        match self.lock {
            LockName::Pthread => {
                // SAFETY: this thread has locked it.
                unsafe { libc::pthread_mutex_unlock(self.mutex()) };
                Ok(())
            }
            LockName::Flock => self.file.unlock().context("flock"),
            LockName::None | LockName::Ours(_) => Ok(()),
        }
    }
}

impl Adder for Peer {
    fn add(&mut self, change: &mut dyn FnMut(&mut Count)) -> Result<Attempt> {
        let begun = now();
        self.lock()?;
        let entered = now();
        let mut count = self.count();
        change(&mut count);
        self.set(count);
        self.unlock()?;
        Ok(Attempt { begun, in_line: begun, entered })
    }
}

/// Where other processes, and threads that want a description of their own, find this process's
/// descriptor.
pub fn path_of(memory: impl AsFd) -> std::path::PathBuf {
    format!("/proc/{}/fd/{}", std::process::id(), memory.as_fd().as_raw_fd()).into()
}
