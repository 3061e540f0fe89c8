//! Segments that somebody has changed, with the format as it is documented.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use bakery_lock::shared::{Kind, Mutex, Options};
use tempfile::TempDir;

use crate::outcome::Opened;

pub const HEADER: usize = 200;
const CHECKSUM: usize = HEADER - 8;

/// Where the boot id stands, in every format.
pub const BOOT_ID: usize = 56;
/// Where the journal begins, with the last token, in every format.
pub const JOURNAL: usize = 256;
/// Where the bells begin, and all else that is the participants'.
pub const BELLS: usize = 384;
/// Where the registers begin, with 16 slots at the most.
pub const REGISTERS: usize = 512;
/// To what every part is aligned.
const ALIGN: usize = 128;

/// The file of a segment that holds a `u64`, and nobody uses.
pub struct Forgery {
    _directory: TempDir,
    pub path: PathBuf,
    pub genuine: Vec<u8>,
    options: Options,
}

impl Forgery {
    pub fn new(kind: Kind, slots: u32) -> Self {
        Self::new_in(std::env::temp_dir(), kind, slots)
    }

    pub fn new_in(parent: impl AsRef<Path>, kind: Kind, slots: u32) -> Self {
        let directory = tempfile::tempdir_in(parent).unwrap();
        let path = directory.path().join("segment");
        let options = Options::new().kind(kind).slots(slots);
        let mutex: Mutex<u64> = options.create_at(&path, 7).unwrap();
        drop(mutex);
        let genuine = fs::read(&path).unwrap();
        Self { _directory: directory, path, genuine, options }
    }

    /// The segment, as it is.
    pub fn find(&self) -> Mutex<u64> {
        self.options.attach_at(&self.path).unwrap()
    }

    /// Whether the segment is taken for what it was, with these bytes in its file.
    pub fn attach(&self, bytes: &[u8]) -> Opened {
        fs::write(&self.path, bytes).unwrap();
        self.options.attach_at(&self.path)
    }

    pub fn name(&self) -> &str {
        self.path.to_str().unwrap()
    }

    /// The genuine bytes, with some of them changed.
    pub fn with(&self, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut bytes = self.genuine.clone();
        change(&mut bytes);
        bytes
    }

    /// The same, with a checksum to match.
    pub fn resealed(&self, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        self.with(|bytes| {
            change(bytes);
            reseal(bytes);
        })
    }
}

/// A directory on a disk. `None`, and it is said, if there is none.
pub fn on_a_disk() -> Option<&'static Path> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    if is_memory(directory) {
        println!("SKIPPED: the directory for tests is not on a disk");
        return None;
    }
    Some(directory)
}

/// A directory in memory.
pub fn in_memory() -> &'static Path {
    let directory = Path::new("/dev/shm");
    assert!(is_memory(directory));
    directory
}

fn is_memory(path: &Path) -> bool {
    const TMPFS: u64 = 0x0102_1994;
    u64::try_from(rustix::fs::statfs(path).unwrap().f_type) == Ok(TMPFS)
}

/// FNV-1a.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

pub fn reseal(bytes: &mut [u8]) {
    let sum = hash(&bytes[..CHECKSUM]);
    bytes[CHECKSUM..HEADER].copy_from_slice(&sum.to_ne_bytes());
}

/// What a part of a segment takes that has so many bytes a slot.
const fn part(slots: u32, size: usize) -> usize {
    (slots as usize * size).next_multiple_of(ALIGN)
}

/// Where the participants and the data of a segment with one `u64` in it begin.
pub fn parts(length: usize, slots: u32) -> (usize, usize) {
    let data = length - size_of::<u64>();
    let (channels, notice, room) = (data - part(slots, 4), 128, 128);
    let records = channels - notice - room - part(slots, 64);
    (records - part(slots, 64), data)
}

/// How long a segment is that has a bakery and one `u64` in it.
pub fn bakery_length(slots: u32) -> usize {
    let (bells, registers) = (part(slots, 8), 128 + part(slots, 128));
    let (participants, records, room, notice) = (part(slots, 64), part(slots, 64), 128, 128);
    let sleepers = room + notice + part(slots, 4);
    BELLS + bells + registers + participants + records + sleepers + size_of::<u64>()
}

/// In a file of its own, which nobody has used: processes that are just being started have for a
/// moment what this one had.
pub fn write_anew(path: &Path, bytes: &[u8]) {
    use std::os::unix::fs::OpenOptionsExt;

    let _ = fs::remove_file(path);
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

pub fn write(path: &Path, offset: usize, bytes: &[u8]) {
    use std::os::unix::fs::FileExt;

    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(bytes, offset as u64).unwrap();
}
