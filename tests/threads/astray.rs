//! Moves in any order on registers with anything in them, as somebody may have made them who writes
//! to a segment. No lock then keeps its promises, but each move comes back, and does not panic.
//!
//! Also compiled into `fuzz/`.

use std::ptr;

use bakery_lock::Fixed;
use bakery_lock::algorithm::{Intent, NobodySleeps, Slot, Turn};

/// Overwrites the registers, from this byte on and from the beginning again.
pub fn overwrite<A: Fixed>(lock: &mut A, from: usize, bytes: &[u8]) {
    let registers = ptr::from_mut(lock).cast::<u8>();
    for (offset, byte) in (from..).zip(bytes) {
        // SAFETY: it is within `lock`, which is nobody else's, and an algorithm consists of atomics
        // only, for which every value is valid, and of what is between them.
        unsafe { registers.add(offset % size_of::<A>()).write(*byte) };
    }
}

/// Makes the moves that these bytes say, four for each.
pub fn go_astray<A: Fixed>(registers: &[u8], moves: &[u8]) {
    let mut lock = A::INIT;
    let wake = NobodySleeps;
    overwrite(&mut lock, 0, registers);
    let capacity = lock.capacity();
    let mut blocked = None;
    for step in moves.chunks_exact(4) {
        let me = Slot::new(u32::from(step[1]) % u32::try_from(capacity).expect("it is small"));
        let intent = if step[2] % 2 == 0 { Intent::Stay } else { Intent::MayWithdraw };
        match step[0] % 10 {
            0 => lock.join(me),
            1 | 2 => drop(lock.enter(me, intent, &wake)),
            3 | 4 => {
                if let Turn::Blocked(by) = lock.poll(me, &wake) {
                    assert!(by.on.is_none_or(|slot| slot.index() < capacity), "{by:?}");
                    blocked = Some(by);
                }
            }
            5 => drop(blocked.map(|by| lock.is_blocked(me, by))),
            6 => lock.leave(me, &wake),
            7 => drop(lock.withdraw(me, &wake)),
            8 => _ = lock.standing(me),
            _ => {
                let from = 128 * usize::from(step[1]) + usize::from(step[2]);
                overwrite(&mut lock, from, &[step[3]; 4]);
            }
        }
    }
}
