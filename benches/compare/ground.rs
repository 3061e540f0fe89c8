//! The same memory for all contestants of a round, and other memory in the next.
//!
//! How long a line takes from one core to another depends on its address: by up to a third on the
//! machine that docs/performance.md is about.

use std::mem::MaybeUninit;

/// Room for any lock.
#[repr(align(4096))]
struct Plot {
    _room: [u8; 32 * 1024],
}

/// A plot for each round.
pub(crate) struct Ground(Box<[MaybeUninit<Plot>]>);

impl Ground {
    pub(crate) fn new(rounds: usize) -> Self {
        Self(Box::new_uninit_slice(rounds))
    }

    pub(crate) fn rounds(&self) -> usize {
        self.0.len()
    }

    /// Runs something with a new `S` on a round's plot, at the same address whatever `S` is.
    pub(crate) fn with<S: Default, R>(&mut self, round: usize, run: impl FnOnce(&S) -> R) -> R {
        const { assert!(size_of::<S>() <= size_of::<Plot>() && align_of::<S>() <= align_of::<Plot>()) };
        let place = self.0[round].as_mut_ptr().cast::<S>();
        // SAFETY: the plot is aligned and large enough for an `S`, as asserted, and nobody else's, as
        // `self` is borrowed; what `run` answers cannot borrow from the `S`, which is dropped once.
        unsafe {
            place.write(S::default());
            let outcome = run(&*place);
            place.drop_in_place();
            outcome
        }
    }
}
