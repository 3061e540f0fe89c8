//! Waiting with as few steps as there are.

use crate::algorithm::Blocked;
use crate::wait::{Deadline, Lot, Park, Wait};

/// [`Park`], but for its spinning and yielding: the same steps, fewer times.
#[derive(Clone, Copy, Debug)]
pub struct Brief;

impl Wait for Brief {
    const SLEEPS: bool = Park::SLEEPS;

    fn wait<L: Lot>(
        lot: &L,
        by: Blocked,
        _: u32,
        still: impl Fn() -> bool,
        deadline: &impl Deadline,
    ) {
        while still() {
            let Some(left) = deadline.left() else { return };
            lot.sleep(by.channel, &still, left);
        }
    }

    fn pause() {
        Park::pause();
    }
}
