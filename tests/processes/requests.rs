//! Requests: deadlines, flags that call off, and repairs, in combination.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use bakery_lock::shared::{Death, Error, Guard, Kind, Options, Participant};

use crate::child::{Child, until};
use crate::data::{Ledger, Shared};
use crate::obey::{servants, two};

/// Longer than anything here takes; whoever waits so long hangs.
const LONG: Duration = Duration::from_mins(1);
const SHORT: Duration = Duration::from_millis(5);

fn mend(ledger: &mut Ledger, _: &Death) {
    ledger.right = ledger.left;
}

/// All of it at once, in a function that returns the guard.
fn everything<'p>(
    me: &'p mut Participant<Ledger>,
    flag: &AtomicBool,
) -> Result<Guard<'p, Ledger>, Error> {
    me.request().until(Instant::now() + LONG).unless(flag).repair(mend).lock()
}

/// Somebody is killed inside; a request that may wait, be called off and repair does all of it.
fn one_request_waits_and_repairs(kind: Kind) {
    let (shared, mut one, other) = two(kind);
    drop(other);
    assert_eq!(one.ask("lock"), "in");
    assert_eq!(one.ask("tear"), "torn");
    let (pid, token) = (one.pid(), one.ask("token"));
    let mut me = shared.mutex.join().unwrap();
    let never = AtomicBool::new(false);
    thread::scope(|scope| {
        let waits = scope.spawn(|| {
            let mut guard = everything(&mut me, &never).unwrap();
            guard.add();
            guard.death().map(|death| (death.pid, death.token.to_string()))
        });
        until(|| shared.mutex.status().unwrap().queue.len() == 1);
        one.kill();
        assert_eq!(waits.join().unwrap(), Some((pid, token)));
    });
    // It is repaired for good, and nobody else is told.
    let guard = everything(&mut me, &never).unwrap();
    assert_eq!((guard.left, guard.right, guard.death()), (3, 3, None));
}

each_kind!(
    one_request_waits_and_repairs: bakery Bakery, black_white BlackWhite, peterson Peterson, filter Filter,
    tournament Tournament, ticket Ticket, bypass Bypass
);

/// While another repairs, whoever would do so too waits no longer than it wants to.
#[test]
fn a_repair_has_a_deadline() {
    let (shared, mut one, mut other) = two(Kind::Bakery);
    assert_eq!(one.ask("lock"), "in");
    let token: u64 = one.ask("token").parse().unwrap();
    one.kill();
    assert_eq!(other.ask("repair"), format!("repaired after {token}"));
    other.expect("in");
    let mut me = shared.mutex.join().unwrap();
    let untouched = |_: &mut Ledger, _: &Death| panic!("it is not this one's turn");
    let error = me.request().within(SHORT).repair(untouched).lock().unwrap_err();
    assert!(matches!(&error, Error::TimedOut { segment } if segment == shared.path()), "{error}");
    assert!(me.request().repair(untouched).try_lock().unwrap().is_none());
    // It is out of the line.
    assert_eq!(shared.mutex.status().unwrap().queue.len(), 0);
    other.kill();
    // A short form and a repair, in their natural form.
    let guard = match shared.mutex.lock_for(LONG) {
        Ok(guard) => guard.expect("there was time"),
        Err(Error::OwnerDied { death, .. }) => {
            assert_eq!(death.token, token + 1);
            let guard = shared.mutex.request().within(LONG).repair(mend).lock().unwrap();
            assert_eq!(guard.death().unwrap().token, token + 1);
            guard
        }
        Err(error) => panic!("{error}"),
    };
    assert_eq!(guard.token(), token + 2);
}

/// Nothing is repaired that nobody has torn, and a repair that panics is none.
#[test]
fn a_repair_that_panics_is_none() {
    let (shared, mut one, _other) = two(Kind::Ticket);
    let mut me = shared.mutex.join().unwrap();
    drop(me.request().repair(|_, _| panic!("nobody died")).lock().unwrap());
    assert_eq!(one.ask("lock"), "in");
    one.kill();
    let panics = thread::scope(|scope| {
        let mut other = shared.mutex.join().unwrap();
        scope
            .spawn(move || drop(other.request().repair(|_, _| panic!("as told")).lock()))
            .join()
            .is_err()
    });
    assert!(panics);
    assert!(matches!(me.lock(), Err(Error::OwnerDied { .. })));
    assert_eq!(me.request().repair(mend).try_lock().unwrap().expect("it is free").left, 1);
}

#[test]
fn what_ended_the_wait_is_said() {
    let (shared, mut one, _other) = two(Kind::Bakery);
    assert_eq!(one.ask("lock"), "in");
    let mut me = shared.mutex.join().unwrap();
    let flag = AtomicBool::new(true);
    let error = me.request().unless(&flag).within(LONG).lock().unwrap_err();
    assert!(matches!(&error, Error::Cancelled { segment } if segment == shared.path()), "{error}");
    flag.store(false, Relaxed);
    let error = me.request().unless(&flag).within(SHORT).lock().unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    assert!(me.lock_unless(&AtomicBool::new(true)).unwrap().is_none());
    assert!(me.lock_for(Duration::ZERO).unwrap().is_none());
    assert_eq!(one.ask("leave"), "out");
    // A free lock is taken, however late it is.
    flag.store(true, Relaxed);
    drop(me.request().unless(&flag).within(Duration::ZERO).lock().unwrap());
}

static CALLED_OFF: AtomicBool = AtomicBool::new(false);

extern "C" fn call_off(_: libc::c_int) {
    CALLED_OFF.store(true, Relaxed);
}

/// Whoever has nobody wake it to ask hears of a signal all the same.
#[test]
fn a_signal_ends_a_wait_in_which_nobody_asks() {
    // SAFETY: all zeros is such a struct, without flags; the handler stores to an atomic.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = call_off as *const () as libc::sighandler_t;
        assert_eq!(libc::sigaction(libc::SIGUSR2, &raw const action, std::ptr::null_mut()), 0);
    }
    let shared = Shared::<Ledger>::with(&Options::new().look_every(Duration::from_hours(1)));
    let guard = shared.mutex.lock().unwrap();
    let (told, waits) = std::sync::mpsc::channel();
    let waiter = thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            // SAFETY: takes nothing.
            told.send(unsafe { libc::pthread_self() }).unwrap();
            shared.mutex.request().unless_interrupted(&CALLED_OFF).lock().map(drop)
        });
        let thread = waits.recv().unwrap();
        until(|| {
            // SAFETY: it has not been joined yet.
            unsafe { libc::pthread_kill(thread, libc::SIGUSR2) };
            waiter.is_finished()
        });
        waiter.join().unwrap()
    });
    assert!(matches!(waiter, Err(Error::Cancelled { .. })), "{waiter:?}");
    drop(guard);
}

/// One in line that gives up, by a deadline or since it is not its turn, is out of it.
fn one_in_line_can_give_up(kind: Kind) {
    let shared = Shared::<Ledger>::new(kind, 4);
    let [mut one] = <[Child; 1]>::try_from(servants(&shared, "park", 1)).ok().unwrap();
    let mut me = shared.mutex.join().unwrap();
    assert_eq!(one.ask("lock"), "in");
    let token: u64 = one.ask("token").parse().unwrap();
    let error = me.enter().unwrap().request().within(SHORT).lock().unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    assert!(me.enter().unwrap().request().try_lock().unwrap().is_none());
    assert_eq!(shared.mutex.status().unwrap().queue.len(), 0);
    let waiting = me.enter().unwrap();
    assert_eq!(one.ask("leave"), "out");
    assert_eq!(waiting.request().within(LONG).lock().unwrap().token(), token + 1);
    assert_eq!(me.enter().unwrap().request().try_lock().unwrap().unwrap().token(), token + 2);
    assert_eq!(one.ask("lock"), "in");
}

each_kind!(
    one_in_line_can_give_up: bakery Bakery, black_white BlackWhite, peterson Peterson, filter Filter,
    tournament Tournament, ticket Ticket, bypass Bypass
);

#[test]
fn a_fast_lock_has_no_deadlines() {
    let shared = Shared::<Ledger>::new(Kind::FastUnrecoverable, 4);
    let mut me = shared.mutex.join().unwrap();
    let is_refused = |error| matches!(error, Error::Unsupported { what: "timeouts", .. });
    assert!(is_refused(me.request().within(LONG).lock().unwrap_err()));
    assert!(is_refused(me.enter().unwrap().request().within(LONG).lock().unwrap_err()));
    assert!(is_refused(shared.mutex.request().within(LONG).lock().unwrap_err()));
    // Whoever was in line is out of it.
    drop(me.lock().unwrap());
}
