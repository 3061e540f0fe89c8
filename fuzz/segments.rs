//! Attaching to memory that may hold anything, and using it if it passes for a segment: there is an
//! answer to each call, in time, and no panic.
#![no_main]

use std::fs::File;
use std::io::Write;
use std::mem::forget;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use bakery_lock::shared::{Error, Guard, Kind, Mutex, Options, Participant};
use bakery_lock::wait::Wait;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

const HEADER: usize = 200;
const CHECKSUM: usize = HEADER - 8;
const FIELDS: [usize; 5] = [16, 24, 28, 32, 40];
/// Behind the header: the journal first, then the bells, then the registers.
const JOURNAL: u64 = 256;
const BELLS: u64 = 384;
const MOST_CALLS: usize = 12;

#[derive(Arbitrary, Debug)]
enum Memory<'a> {
    /// Just these bytes.
    Raw(&'a [u8]),
    /// A segment of which some bytes of the header are changed and those after it overwritten.
    Forged {
        kind: u8,
        slots: u8,
        changes: Vec<Change>,
        /// With a checksum to match.
        sealed: bool,
        longer: Option<i8>,
        registers: &'a [u8],
    },
}

#[derive(Arbitrary, Debug)]
enum Change {
    Flip {
        at: u8,
        bits: u8,
    },
    /// The length, kind, slots, data's size or its alignment.
    Field {
        which: u8,
        value: u16,
    },
}

#[derive(Arbitrary, Debug)]
enum Call {
    Join,
    Part(u8),
    TryLock {
        who: u8,
        leaks: bool,
    },
    LockFor {
        who: u8,
        leaks: bool,
    },
    /// Into the line and out again.
    StepOut(u8),
    Status,
    /// Somebody writes into the segment.
    Scribble {
        at: u16,
        word: u64,
    },
}

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    memory: Memory<'a>,
    sleeps: bool,
    calls: Vec<Call>,
}

/// FNV-1a.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// What is in the memory of a new segment.
fn genuine(kind: Kind, slots: u32) -> Vec<u8> {
    let mutex: Mutex<u64> = Options::new().kind(kind).slots(slots).anonymous(7).unwrap();
    let file = File::from(mutex.as_fd().try_clone_to_owned().unwrap());
    let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

fn bytes(memory: &Memory) -> Vec<u8> {
    match memory {
        Memory::Raw(bytes) => bytes.to_vec(),
        Memory::Forged { kind, slots, changes, sealed, longer, registers } => {
            let kind = Kind::ALL[usize::from(*kind) % Kind::ALL.len()];
            let (least, most) = kind.slots();
            let mut bytes = genuine(kind, (least + u32::from(*slots % 8)).min(most));
            for change in changes {
                match change {
                    Change::Flip { at, bits } => bytes[usize::from(*at) % HEADER] ^= bits,
                    Change::Field { which, value } => {
                        let at = FIELDS[usize::from(*which) % FIELDS.len()];
                        bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
                    }
                }
            }
            let after = bytes.iter_mut().skip(usize::try_from(BELLS).unwrap());
            after.zip(*registers).for_each(|(byte, other)| *byte = *other);
            if *sealed {
                let sum = hash(&bytes[..CHECKSUM]);
                bytes[CHECKSUM..HEADER].copy_from_slice(&sum.to_ne_bytes());
            }
            let longer = longer.unwrap_or(0).into();
            bytes.resize(bytes.len().saturating_add_signed(longer), 0);
            bytes
        }
    }
}

/// What an error about registers may be.
fn check(kind: Kind, error: &Error) {
    match error {
        Error::Unsupported { .. } if kind == Kind::FastUnrecoverable => {}
        Error::Corrupt { .. } => {}
        // What a journal says is believed.
        Error::OwnerDied { .. } => {}
        Error::Unrecoverable { .. } if kind == Kind::FastUnrecoverable => {}
        _ => panic!("{error}"),
    }
}

fn touch<W: Wait>(kind: Kind, outcome: Result<Option<Guard<'_, u64, W>>, Error>, leaks: bool) {
    match outcome {
        Ok(Some(mut guard)) => {
            *guard = guard.wrapping_add(1);
            if leaks {
                forget(guard);
            }
        }
        Ok(None) => {}
        Err(error) => check(kind, &error),
    }
}

fn step_out<W: Wait>(kind: Kind, me: &mut Participant<u64, W>, file: &File, length: usize) {
    match me.enter() {
        Ok(waiting) => {
            if matches!(kind, Kind::FastUnrecoverable | Kind::Ticket | Kind::Bypass) {
                // These may wait for the line to move on, and here nobody else would move it.
                file.write_all_at(&vec![0; length - 256], JOURNAL).unwrap();
            }
            drop(waiting);
        }
        Err(error) => check(kind, &error),
    }
}

fn run<W: Wait>(file: &File, calls: &[Call]) {
    let options = Options::new().waiting::<W>();
    let attached = options.attach_fd(file.as_fd().try_clone_to_owned().unwrap());
    let mutex: Mutex<u64, W> = match attached {
        Ok(mutex) => mutex,
        Err(error) => {
            assert!(error.to_string().contains("anonymous"));
            return;
        }
    };
    let (kind, slots) = (mutex.kind(), mutex.slots());
    let (least, most) = kind.slots();
    assert!((least..=most).contains(&slots));
    assert!(format!("{mutex:?}").contains("anonymous"));
    let length = usize::try_from(file.metadata().unwrap().len()).unwrap();

    let mut all: Vec<Participant<u64, W>> = Vec::new();
    for call in calls.iter().take(MOST_CALLS) {
        let pick = |who: &u8, all: &[_]| usize::from(*who).checked_rem(all.len());
        match call {
            Call::Join => match mutex.join() {
                Ok(me) => {
                    assert!(me.slot().index() < slots as usize && !format!("{me:?}").is_empty());
                    all.push(me);
                }
                Err(error) => assert!(matches!(error, Error::Full { .. }), "{error}"),
            },
            Call::Part(who) => {
                if let Some(index) = pick(who, &all) {
                    drop(all.swap_remove(index));
                }
            }
            Call::TryLock { who, leaks } => {
                if let Some(index) = pick(who, &all) {
                    touch(kind, all[index].try_lock(), *leaks);
                }
            }
            Call::LockFor { who, leaks } => {
                if let Some(index) = pick(who, &all) {
                    touch(kind, all[index].lock_for(Duration::from_millis(1)), *leaks);
                }
            }
            Call::StepOut(who) => {
                if let Some(index) = pick(who, &all) {
                    step_out(kind, &mut all[index], file, length);
                }
            }
            Call::Status => {
                let status = mutex.status().unwrap();
                assert!(status.queue.len() + status.dead.len() <= 2 * slots as usize);
            }
            Call::Scribble { at, word } => {
                let room = length - 256 - size_of_val(word);
                let at = JOURNAL + (usize::from(*at) % room) as u64;
                file.write_all_at(&word.to_ne_bytes(), at).unwrap();
            }
        }
    }
}

fuzz_target!(|input: Input| {
    let mut file = File::from(memfd_create("fuzz", MemfdFlags::ALLOW_SEALING).unwrap());
    file.write_all(&bytes(&input.memory)).unwrap();
    fcntl_add_seals(&file, SealFlags::SHRINK).unwrap();
    if input.sleeps {
        run::<bakery_lock::wait::Park>(&file, &input.calls);
    } else {
        run::<bakery_lock::wait::SpinYield>(&file, &input.calls);
    }
});
