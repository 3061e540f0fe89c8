//! Links the locks without std, without an allocator, and with nothing to unwind to.
//!
//! It is enough that this builds. With std there would be two panic handlers; with alloc there
//! would be no global allocator. With `--cfg bakery_lock_no_rmw`, only what needs no
//! read-modify-write.
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(not(bakery_lock_no_rmw))]
mod join;

use core::panic::PanicInfo;

use bakery_lock::algorithm::{
    Bakery, BlackWhite, Fast, Fenced, Filter, Peterson, Tournament, Withdraw,
};
use bakery_lock::wait::Spin;
use bakery_lock::{Fixed, Half, Left, Lock, Participant, Right};

/// Goes in by every way that there is; how often it got in.
#[unsafe(no_mangle)]
pub extern "C" fn lock_all() -> u32 {
    let count = in_line::<Bakery<4>>()
        + in_line::<BlackWhite<4>>()
        + in_line::<Fast<4>>()
        + in_line::<Peterson<Fenced>>()
        + in_line::<Filter<4>>()
        + in_line::<Tournament<4>>()
        + trying::<Bakery<4>>()
        + trying::<BlackWhite<4>>()
        + trying::<Peterson<Fenced>>()
        + trying::<Filter<4>>()
        + trying::<Tournament<4>>()
        + halves();
    #[cfg(not(bakery_lock_no_rmw))]
    let count = count + join::lock_all();
    count
}

fn wait_in_line<A: Fixed>(mut me: Participant<'_, A, u32, Spin>) {
    *me.lock() += 1;
    drop(me.enter());
    *me.enter().wait() += 1;
}

fn try_once<A: Fixed + Withdraw>(mut me: Participant<'_, A, u32, Spin>) {
    if let Some(mut inside) = me.try_lock() {
        *inside += 1;
    }
}

fn in_line<A: Fixed>() -> u32 {
    let mut lock: Lock<A, u32, Spin> = Lock::new(0);
    lock.split().for_each(wait_in_line);
    lock.into_inner()
}

fn trying<A: Fixed + Withdraw>() -> u32 {
    let mut lock: Lock<A, u32, Spin> = Lock::new(0);
    lock.split().for_each(try_once);
    lock.into_inner()
}

fn halves() -> u32 {
    fn lock<Role>(mut half: Half<'_, Role, Fenced, u32>) {
        *half.lock() += 1;
    }

    let mut two: Lock<Peterson, u32> = Lock::new(0);
    let (left, right) = two.halves();
    lock::<Left>(left);
    lock::<Right>(right);
    two.into_inner()
}

/// Needs an allocator, which there is none.
#[cfg(feature = "alloc")]
#[unsafe(no_mangle)]
pub extern "C" fn allocate(value: u32) -> u32 {
    *core::hint::black_box(alloc::boxed::Box::new(value))
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
