//! What the tests' locks protect, and segments that hold it.

use std::hint::black_box;
use std::path::PathBuf;
use std::thread;

use bakery_lock::shared::{Kind, Mutex, Options};
use bakery_lock::wait::Wait;
use tempfile::TempDir;
use zerocopy::{FromBytes, IntoBytes};

/// Two counts that are equal whenever nobody is inside, and who was inside, in order.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes)]
#[repr(C)]
pub struct Ledger {
    pub left: u64,
    pub right: u64,
    pub length: u64,
    pub order: [u64; 16],
}

impl Ledger {
    /// Two plain reads and writes that others must not come between.
    pub fn add(&mut self) {
        assert_eq!(self.left, self.right, "somebody else is inside");
        self.left += 1;
        // Others see it halfway, should they be there.
        black_box(&mut *self);
        if self.left.is_multiple_of(8) {
            thread::yield_now();
        }
        black_box(&mut *self);
        self.right += 1;
        assert_eq!(self.left, self.right, "somebody else is inside");
    }

    pub fn sign(&mut self, number: u64) {
        self.order[usize::try_from(self.length).unwrap()] = number;
        self.length += 1;
    }

    pub fn signatures(&self) -> &[u64] {
        &self.order[..usize::try_from(self.length).unwrap()]
    }
}

/// A directory with a segment in it.
pub struct Shared<T> {
    directory: TempDir,
    pub path: PathBuf,
    pub mutex: Mutex<T>,
}

impl<T: FromBytes + IntoBytes + Send + 'static> Shared<T> {
    /// A segment of so many slots, or of two for Peterson's lock.
    pub fn new(kind: Kind, slots: u32) -> Self {
        Self::with(&Options::new().kind(kind).slots(slots.min(kind.slots().1)))
    }

    pub fn with(options: &Options) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("segment");
        let mutex = options.create_at(&path, T::new_zeroed()).expect("a new segment");
        Self { directory, path, mutex }
    }

    /// Does not use it any more, and leaves it where it is.
    pub fn into_directory(self) -> TempDir {
        self.directory
    }

    pub fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }

    pub fn peek<R>(&self, look: impl FnOnce(&mut T) -> R) -> R {
        look(&mut self.mutex.join().unwrap().lock().unwrap())
    }
}

/// In a child: the same segment.
pub fn attach<T: FromBytes + IntoBytes + Send + 'static, W: Wait>(path: &str) -> Mutex<T, W> {
    Options::new().waiting().attach_at(path).unwrap()
}
