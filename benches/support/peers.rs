//! The locks of the C library and of the kernel, as they are used between processes.

use std::cell::UnsafeCell;
use std::fs::File;
use std::os::fd::AsRawFd;

use super::Subject;

/// The C library's mutex: as it is by default, or robust and shared.
pub(crate) struct Pthread<const ROBUST: bool> {
    mutex: Box<UnsafeCell<libc::pthread_mutex_t>>,
    value: UnsafeCell<u64>,
}

// SAFETY: `value` is reached with `mutex` locked only.
unsafe impl<const ROBUST: bool> Sync for Pthread<ROBUST> {}

/// Initialises a mutex that processes share; a robust one outlives those who die with it.
///
/// # Safety
///
/// It is writable, and nobody uses it yet.
pub(crate) unsafe fn init_shared(mutex: *mut libc::pthread_mutex_t, robust: bool) {
    // SAFETY: the caller's promise; the attributes are initialised before they are used.
    unsafe {
        let mut attributes = std::mem::zeroed();
        libc::pthread_mutexattr_init(&raw mut attributes);
        libc::pthread_mutexattr_setpshared(&raw mut attributes, libc::PTHREAD_PROCESS_SHARED);
        if robust {
            libc::pthread_mutexattr_setrobust(&raw mut attributes, libc::PTHREAD_MUTEX_ROBUST);
        }
        libc::pthread_mutex_init(mutex, &raw const attributes);
    }
}

impl<const ROBUST: bool> Default for Pthread<ROBUST> {
    fn default() -> Self {
        let mutex = Box::new(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER));
        if ROBUST {
            // SAFETY: it is new.
            unsafe { init_shared(mutex.get(), true) };
        }
        Self { mutex, value: UnsafeCell::default() }
    }
}

impl<const ROBUST: bool> Subject for Pthread<ROBUST> {
    type Seat<'a> = ();

    fn sit(&self) {}

    #[inline]
    fn pass<R>(&self, (): &mut (), section: impl FnOnce(&mut u64) -> R) -> R {
        // SAFETY: the mutex is initialised and does not move; the value is this thread's in between.
        unsafe {
            libc::pthread_mutex_lock(self.mutex.get());
            let result = section(&mut *self.value.get());
            libc::pthread_mutex_unlock(self.mutex.get());
            result
        }
    }
}

/// A lock on a file, each participant with a description of its own.
pub(crate) struct FileLock<const RECORD: bool> {
    file: tempfile::NamedTempFile,
    value: UnsafeCell<u64>,
}

/// `flock`.
pub(crate) type Flock = FileLock<false>;
/// An open-file-description lock on a byte, as of `fcntl`.
pub(crate) type Fcntl = FileLock<true>;

// SAFETY: `value` is reached with the file locked only.
unsafe impl<const RECORD: bool> Sync for FileLock<RECORD> {}

impl<const RECORD: bool> Default for FileLock<RECORD> {
    fn default() -> Self {
        let file = tempfile::NamedTempFile::new().expect("a file can be made");
        Self { file, value: UnsafeCell::default() }
    }
}

fn record(file: &File, kind: libc::c_int) {
    // SAFETY: zeros are a valid record.
    let mut record: libc::flock = unsafe { std::mem::zeroed() };
    record.l_type = kind.try_into().expect("a small number");
    record.l_whence = libc::SEEK_SET.try_into().expect("a small number");
    record.l_len = 1;
    // SAFETY: the record outlives the call.
    let outcome = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLKW, &raw const record) };
    assert_eq!(outcome, 0, "{}", std::io::Error::last_os_error());
}

/// Runs the section with the file locked: by `fcntl`, or else by `flock`.
#[inline]
pub(crate) fn with_locked<const RECORD: bool, R>(file: &File, section: impl FnOnce() -> R) -> R {
    if RECORD {
        record(file, libc::F_WRLCK);
    } else {
        file.lock().expect("it can be locked");
    }
    let result = section();
    if RECORD {
        record(file, libc::F_UNLCK);
    } else {
        file.unlock().expect("it can be unlocked");
    }
    result
}

impl<const RECORD: bool> Subject for FileLock<RECORD> {
    type Seat<'a> = File;

    fn sit(&self) -> File {
        let file = File::options().read(true).write(true).open(self.file.path());
        file.expect("the file is there")
    }

    #[inline]
    fn pass<R>(&self, file: &mut File, section: impl FnOnce(&mut u64) -> R) -> R {
        // SAFETY: the file is locked.
        with_locked::<RECORD, _>(file, || section(unsafe { &mut *self.value.get() }))
    }
}
