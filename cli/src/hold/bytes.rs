//! Those who are inside together: each holds a byte of the segment's file, behind those of the library,
//! by a description that its command inherits. Whoever takes one has been through the line, and leaves it
//! then. Whoever wants to be alone stays at the head of the line, where nobody else takes one, and waits
//! until none is held.
//!
//! The kernel lets go of a byte with the last descriptor, so a killed wrapper keeps it until its command
//! has ended.

use std::io;
use std::os::fd::BorrowedFd;
use std::thread;
use std::time::Duration;

use crate::hold::kernel::{self, Bytes, Extent, Mode};
use crate::hold::{Patience, Taken, is_interrupted};

/// What a hold of `--shared` is: one byte, for reading.
const SHARED: i64 = 1 << 44;
/// The first of those of `--jobs`, each for writing.
const FIRST_JOB: i64 = SHARED + 1;
/// The most at a time.
pub const MOST_JOBS: u32 = 4096;
/// All of them.
const ALL: Bytes = Bytes { start: SHARED, length: 1 + MOST_JOBS as i64 };

/// How often whoever is at the head looks again. Nobody but the head of a line does.
const FIRST_LOOK: Duration = Duration::from_micros(200);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Who is let in beside whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Together {
    /// With others who share.
    Shared,
    /// So many at a time.
    Jobs(u32),
}

/// Takes a byte, if there is one.
fn try_take(file: BorrowedFd<'_>, together: Together) -> io::Result<bool> {
    match together {
        Together::Shared => kernel::try_lock(file, byte(SHARED), Mode::Shared),
        Together::Jobs(number) => {
            for job in 0..i64::from(number) {
                if kernel::try_lock(file, byte(FIRST_JOB + job), Mode::Exclusive)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}

/// Takes a byte. To be called at the head of the line.
pub fn take(file: BorrowedFd<'_>, together: Together, patience: Patience) -> io::Result<Taken<()>> {
    wait(patience, || try_take(file, together))
}

/// Waits until nobody holds one. To be called at the head of the line.
pub fn wait_until_free(file: BorrowedFd<'_>, patience: Patience) -> io::Result<Taken<()>> {
    wait(patience, || Ok(!are_held(file)?))
}

/// Whether any is held, but through this description.
pub fn are_held(file: BorrowedFd<'_>) -> io::Result<bool> {
    kernel::are_locked(file, ALL)
}

/// How many of so many jobs are inside.
pub fn jobs_inside(file: BorrowedFd<'_>, number: u32) -> io::Result<u32> {
    let mut inside = 0;
    for job in 0..i64::from(number) {
        let byte = Bytes { start: FIRST_JOB + job, length: 1 };
        inside += u32::from(kernel::are_locked(file, byte)?);
    }
    Ok(inside)
}

/// Lets go, whoever has the description besides.
pub fn let_go(file: BorrowedFd<'_>) {
    // Taking locks away does not fail.
    let _ = kernel::unlock(file, Extent::Bytes(ALL));
}

fn byte(start: i64) -> Extent {
    Extent::Bytes(Bytes { start, length: 1 })
}

fn wait(
    patience: Patience,
    mut attempt: impl FnMut() -> io::Result<bool>,
) -> io::Result<Taken<()>> {
    let mut pause = FIRST_LOOK;
    loop {
        if attempt()? {
            return Ok(Taken::In(()));
        }
        if is_interrupted() {
            return Ok(Taken::Interrupted);
        }
        if patience.is_over() {
            return Ok(Taken::Busy);
        }
        thread::sleep(patience.left().map_or(pause, |left| left.min(pause)));
        pause = (pause * 2).min(LOOK_EVERY);
    }
}
