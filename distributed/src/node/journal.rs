//! The file by which a node goes on after a death.
//!
//! Blocks, one behind the other: a length (4 bytes, the highest first, and so are all numbers), a checksum of
//! it (CRC-32, 4 bytes), a checksum of the rest (4 bytes), and records: how many (4 bytes), and each. The first
//! block says whose it is. What was being written when the machine died is at the end, and is dropped: nothing
//! had been said by it. Anything else that does not hold together is an error, and the file stays as it is.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Error, ErrorKind, Read as _, Result, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::memory::Memory;
use crate::algorithm::Id;
use crate::transport::{Wire as _, decode, encode};

/// Of a block: its length, and two checksums.
const HEAD: usize = 12;
const MAGIC: u64 = u64::from_be_bytes(*b"bakery\x01\x01");

/// What a node remembers, and the file that has it.
#[derive(Debug)]
pub(super) struct Journal<M> {
    memory: M,
    file: Option<File>,
}

impl<M: Memory> Journal<M> {
    /// For one that forgets.
    pub(super) fn none() -> Self {
        Self { memory: M::default(), file: None }
    }

    /// Opens the file, or begins it. No other process may have it open.
    pub(super) fn open(path: &Path, name: &str, nodes: Id, me: Id) -> Result<Self> {
        let mut file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Error::other("another process has it open"),
            TryLockError::Error(error) => error,
        })?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let (owner, mut memory, mut rest) =
            (encode(&(MAGIC, (name.to_owned(), (nodes, me)))), M::default(), &bytes[..]);
        let first = next(&mut rest)?;
        if first.is_some_and(|first| first != owner) {
            return Err(bad("it is another node's, or no journal"));
        }
        while let Some(block) = next(&mut rest)? {
            let records: Option<Vec<M::Record>> = decode(block);
            for record in records.ok_or_else(|| bad("what is in it means nothing"))? {
                memory.take(record).ok_or_else(|| bad("something is missing in it"))?;
            }
        }
        let end = u64::try_from(bytes.len() - rest.len()).map_err(Error::other)?;
        file.set_len(end)?;
        file.seek(SeekFrom::Start(end))?;
        if first.is_none() {
            file.write_all(&block(&owner))?;
        }
        file.sync_all()?;
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(Self { memory, file: Some(file) })
    }

    /// What was remembered last.
    pub(super) fn memory(&self) -> M {
        self.memory.clone()
    }

    /// Remembers this from now on, whatever happens to the process or the machine.
    pub(super) fn remember(&mut self, now: M) -> Result<()> {
        let records = self.memory.become_this(now);
        if let Some(file) = &mut self.file
            && !records.is_empty()
        {
            file.write_all(&block(&encode(&records)))?;
            file.sync_data()?;
        }
        Ok(())
    }
}

fn bad(why: &str) -> Error {
    Error::new(ErrorKind::InvalidData, why)
}

fn block(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut block = length.to_vec();
    crc32fast::hash(&length).write(&mut block);
    crc32fast::hash(bytes).write(&mut block);
    block.extend(bytes);
    block
}

/// The next block, if all of it is there.
fn next<'b>(bytes: &mut &'b [u8]) -> Result<Option<&'b [u8]>> {
    // A file may have been made longer before what is in it was written.
    if bytes.len() < HEAD || bytes.iter().all(|&byte| byte == 0) {
        return Ok(None);
    }
    let (mut head, rest) = bytes.split_at(HEAD);
    let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
    let (is_length, checksum) = (crc32fast::hash(&head[..4]), &head[8..]);
    head = &head[4..8];
    if is_length.to_be_bytes() != head {
        return Err(bad("a length in it is damaged"));
    }
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let Some((block, rest)) = rest.split_at_checked(length) else { return Ok(None) };
    if crc32fast::hash(block).to_be_bytes() != checksum {
        // The last one may have been written in part.
        return if rest.is_empty() { Ok(None) } else { Err(bad("a block in it is damaged")) };
    }
    *bytes = rest;
    Ok(Some(block))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Journal;
    use crate::algorithm::replicated_lock::Stored;

    const BLOCKS: u64 = 5;

    /// A journal of so many states, of which each has asked once more.
    fn written() -> (tempfile::TempDir, std::path::PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        let mut journal = Journal::<Stored>::open(&path, "name", 3, 1).unwrap();
        for asked in 1..=BLOCKS {
            journal.remember(Stored { asked, ..Stored::default() }).unwrap();
        }
        (directory, path)
    }

    fn asked(path: &std::path::Path) -> std::io::Result<u64> {
        Ok(Journal::<Stored>::open(path, "name", 3, 1)?.memory().asked)
    }

    #[test]
    fn what_was_remembered_is_there_wherever_the_last_write_ended() {
        let (_directory, path) = written();
        let whole = fs::read(&path).unwrap();
        let mut last = 0;
        for end in 0..=whole.len() {
            fs::write(&path, &whole[..end]).unwrap();
            let found = asked(&path).unwrap();
            assert!(found >= last, "{found} after {last}");
            last = found;
            // What was written in part is gone, and it goes on behind what is whole.
            fs::write(&path, [&whole[..end], &[0; 100]].concat()).ok();
            let mut journal = match Journal::<Stored>::open(&path, "name", 3, 1) {
                Ok(journal) => journal,
                // A head that was written in part: it is safe to refuse.
                Err(error) => {
                    assert!(error.to_string().contains("damaged"), "{error}");
                    continue;
                }
            };
            journal.remember(Stored { asked: 99, ..Stored::default() }).unwrap();
            drop(journal);
            assert_eq!(asked(&path).unwrap(), 99);
        }
        assert_eq!(last, BLOCKS);
    }

    #[test]
    fn a_damaged_byte_before_the_last_block_is_an_error_and_the_file_stays() {
        let (_directory, path) = written();
        let whole = fs::read(&path).unwrap();
        let last = (whole.len() - 70) / usize::try_from(BLOCKS).unwrap();
        for byte in 0..whole.len() - last {
            let mut damaged = whole.clone();
            damaged[byte] ^= 0x10;
            fs::write(&path, &damaged).unwrap();
            assert!(asked(&path).is_err(), "byte {byte}");
            assert_eq!(fs::read(&path).unwrap(), damaged);
        }
    }

    #[test]
    fn it_is_one_nodes_and_one_process_has_it() {
        let (_directory, path) = written();
        let open = |name, nodes, me| Journal::<Stored>::open(&path, name, nodes, me);
        assert!(open("another", 3, 1).is_err());
        assert!(open("name", 5, 1).is_err());
        assert!(open("name", 3, 2).is_err());
        let opened = open("name", 3, 1).unwrap();
        let error = open("name", 3, 1).unwrap_err();
        assert!(error.to_string().contains("another process"), "{error}");
        drop(opened);
        assert_eq!(asked(&path).unwrap(), BLOCKS);
    }
}
