//! What a forked child inherits, and what it does not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use std::{fs, io, process};

use bakery_lock::shared::{Error, Kind, Mutex};

use crate::child::{Child, sleep, until};
use crate::data::{Ledger, Shared, attach};

fn forked_children_have_no_hold_on_the_lock(kind: Kind) {
    let shared = Shared::<Ledger>::new(kind, 2);
    Child::start("forks", &[shared.path()]).finish();
    assert_eq!(shared.peek(|ledger| ledger.left), 6);
}

each_kind!(forked_children_have_no_hold_on_the_lock);

/// Until this process's other threads have nothing to do.
fn until_others_sleep() {
    // SAFETY: takes nothing and touches nothing.
    let me = unsafe { libc::gettid() }.to_string();
    until(|| sleep(process::id(), |thread| thread != me));
}

/// Whether a forked child, which runs this and no more, has done so without a panic.
#[must_use]
pub fn in_forked_child(run: impl FnOnce()) -> bool {
    until_others_sleep();
    // SAFETY: of the other threads the test harness's sleeps until this one ends, and that of the bells
    // for ever. So the child, which does not have them, finds nothing half done by them.
    let child = unsafe { libc::fork() };
    match child {
        -1 => panic!("{}", io::Error::last_os_error()),
        0 => {
            let outcome = catch_unwind(AssertUnwindSafe(run));
            // SAFETY: ends this process at once: what is left to do at its end is the parent's.
            unsafe { libc::_exit(i32::from(outcome.is_err())) }
        }
        child => {
            let mut status = -1;
            // SAFETY: waits for the child just made, and `status` is there to be written.
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
            status == 0
        }
    }
}

fn is_forked<T>(outcome: &Result<T, Error>, path: &str) -> bool {
    matches!(outcome, Err(Error::Forked { segment }) if segment == path)
}

pub fn forks(arguments: &[&str]) {
    let path = arguments[0];
    let mutex: Mutex<Ledger> = attach(path);
    let mut me = mutex.join().unwrap();
    let mut other = mutex.join().unwrap();
    let has_tries = mutex.kind() != Kind::FastUnrecoverable;
    let full = || matches!(mutex.join(), Err(Error::Full { .. }));
    assert!(full());

    // Whatever of this participant's a child drops, not a byte of the segment is another for it.
    let leaves_alone = |run: &dyn Fn()| {
        until_others_sleep();
        let before = fs::read(path).unwrap();
        in_forked_child(run) && fs::read(path).unwrap() == before
    };

    // SAFETY (here and below): the child ends without returning, so each of the two has its own
    // copy, to be dropped once.
    let copy = &raw mut me;
    assert!(leaves_alone(&|| {
        // SAFETY: as said above.
        let mut me = unsafe { copy.read() };
        assert!(is_forked(&me.lock(), path));
        assert!(is_forked(&me.enter(), path));
        if has_tries {
            assert!(is_forked(&me.try_lock(), path));
            assert!(is_forked(&me.lock_for(Duration::from_secs(1)), path));
        }
        drop(me);
    }));
    // The slot is the parent's still. (Who asks for one writes to the segment.)
    assert!(full());
    me.lock().unwrap().add();
    other.lock().unwrap().add();

    let mut guard = me.lock().unwrap();
    guard.add();
    let copy = &raw mut guard;
    assert!(leaves_alone(&|| {
        // SAFETY: as said above.
        drop(unsafe { copy.read() });
    }));
    if has_tries {
        assert!(other.try_lock().unwrap().is_none());
    }
    guard.add();
    drop(guard);
    other.lock().unwrap().add();

    let waiting = me.enter().unwrap();
    let copy = &raw const waiting;
    assert!(leaves_alone(&|| {
        // SAFETY: as said above.
        drop(unsafe { copy.read() });
    }));
    assert!(leaves_alone(&|| {
        // SAFETY: as said above.
        assert!(is_forked(&unsafe { copy.read() }.wait(), path));
    }));
    if has_tries {
        assert!(other.try_lock().unwrap().is_none());
    }
    drop(waiting);
    drop(other);

    // A child that joins for itself is a participant like any other.
    assert!(in_forked_child(|| {
        let mut mine = mutex.join().unwrap();
        mine.lock().unwrap().add();
        assert!(full());
    }));
    assert!(!full());

    // A child that lives on, and has the descriptors, keeps none of its parent's slots.
    let both = [mutex.join().unwrap(), me];
    // SAFETY: the child does nothing but wait for a signal.
    let child = unsafe { libc::fork() };
    if child == 0 {
        loop {
            // SAFETY: takes nothing.
            unsafe { libc::pause() };
        }
    }
    assert_ne!(child, -1, "{}", io::Error::last_os_error());
    drop(both);
    let again = [mutex.join().is_ok(), mutex.join().is_ok()];
    // SAFETY: the child just made, which is waited for once.
    unsafe {
        libc::kill(child, libc::SIGKILL);
        libc::waitpid(child, std::ptr::null_mut(), 0);
    }
    assert_eq!(again, [true, true]);
}
