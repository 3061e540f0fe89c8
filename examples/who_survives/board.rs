//! What the processes count together, in memory next to the lock's and not under it.

use std::fs::File;
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use anyhow::{Context, Result};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::time::{ClockId, clock_gettime};

/// Memory that processes share, of a type that is valid when all its bytes are 0.
pub struct Mapping<T>(NonNull<T>);

impl<T> Mapping<T> {
    /// Makes room for it.
    pub fn create(name: &str) -> Result<OwnedFd> {
        let file = memfd_create(name, MemfdFlags::CLOEXEC).context("cannot make memory")?;
        ftruncate(&file, size_of::<T>() as u64).context("cannot make memory")?;
        Ok(file)
    }

    pub fn map(file: impl AsFd) -> Result<Self> {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice.
        let start =
            unsafe { mmap(ptr::null_mut(), size_of::<T>(), access, MapFlags::SHARED, file, 0) };
        Ok(Self(NonNull::new(start.context("cannot map memory")?.cast()).context("mapped at 0")?))
    }

    pub fn get(&self) -> *mut T {
        self.0.as_ptr()
    }
}

impl<T> Drop for Mapping<T> {
    fn drop(&mut self) {
        // SAFETY: the mapping is this one's, and nothing borrows from it any more. If it cannot be
        // taken away, it stays until the process ends.
        let _ = unsafe { munmap(self.0.as_ptr().cast(), size_of::<T>()) };
    }
}

#[derive(Default)]
#[repr(C)]
pub struct Counts {
    /// How many have been in and said so. Only who is inside adds to it.
    entries: AtomicU64,
    /// How often somebody has tried for the lock in a loop.
    tries: AtomicU64,
}

pub struct Board {
    counts: Mapping<Counts>,
    file: OwnedFd,
}

impl Board {
    pub fn create() -> Result<Self> {
        let file = Mapping::<Counts>::create("who_survives")?;
        Ok(Self { counts: Mapping::map(&file)?, file })
    }

    pub fn attach(file: File) -> Result<Self> {
        Ok(Self { counts: Mapping::map(&file)?, file: file.into() })
    }

    pub fn entries(&self) -> u64 {
        self.entries.load(SeqCst)
    }

    pub fn tries(&self) -> u64 {
        self.tries.load(SeqCst)
    }

    /// Counts one try.
    pub fn tried(&self) {
        self.tries.fetch_add(1, SeqCst);
    }

    /// Counts an entry, and says how many there were before.
    pub fn enter(&self) -> u64 {
        self.entries.fetch_add(1, SeqCst)
    }
}

impl Deref for Board {
    type Target = Counts;

    fn deref(&self) -> &Counts {
        // SAFETY: mapped as long as `self`, and nothing but atomics.
        unsafe { &*self.counts.get() }
    }
}

impl AsFd for Board {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Where other processes find this process's descriptor.
pub fn path_of(file: impl AsFd) -> PathBuf {
    format!("/proc/{}/fd/{}", std::process::id(), file.as_fd().as_raw_fd()).into()
}

/// In nanoseconds of a clock that all processes of the machine share.
pub fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let part = |part: i64| u64::try_from(part).expect("the clock starts at 0");
    part(time.tv_sec) * 1_000_000_000 + part(time.tv_nsec)
}
