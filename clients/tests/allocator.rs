//! talc, behind a lock of ours, allocates for this program: by `lock_api` 0.4.

use std::sync::mpsc::channel;
use std::thread;

use bakery_lock::RawTicket;
use bakery_lock::lock_api_04::RawMutex;
use talc::TalcLock;
use talc::source::Claim;

const ARENA: usize = 32 << 20;

static mut MEMORY: [u8; ARENA] = [0; ARENA];

#[global_allocator]
static ALLOCATOR: TalcLock<RawTicket, Claim> = TalcLock::new(
    // SAFETY: nothing else has this memory.
    unsafe { Claim::array(&raw mut MEMORY) },
);

/// What one thread allocates another gives back, while all of them do both.
#[test]
fn threads_allocate_and_free() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 500;

    let (give, given) = channel();
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let give = give.clone();
            thread::spawn(move || {
                for round in 0..ROUNDS {
                    let length = 1 + (thread * 31 + round * 17) % 900;
                    let mark = u8::try_from(round % 251).expect("it is less than 251");
                    let mut block = vec![mark; length];
                    block.reserve(round % 64);
                    give.send((mark, length, block)).expect("somebody receives");
                }
            })
        })
        .collect();
    drop(give);
    let mut blocks = 0;
    for (mark, length, block) in given {
        assert!(block.len() == length && block.iter().all(|&byte| byte == mark), "two had it");
        blocks += 1;
    }
    for thread in threads {
        thread.join().expect("it ended well");
    }
    assert_eq!(blocks, THREADS * ROUNDS);
    let start = (&raw const MEMORY).addr();
    let here = (&raw const *Box::new(0_u64)).addr();
    assert!((start..start + ARENA).contains(&here), "another allocator has allocated this");
}

#[test]
fn the_lock_excludes() {
    let raw = <RawTicket as RawMutex>::INIT;
    RawMutex::lock(&raw);
    assert!(!RawMutex::try_lock(&raw) && RawMutex::is_locked(&raw));
    // SAFETY: locked above.
    unsafe { RawMutex::unlock(&raw) };
    assert!(RawMutex::try_lock(&raw));
}
