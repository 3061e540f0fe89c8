//! Deaths in locks that have nothing to repair.

use std::time::Duration;

use bakery_lock::shared::{Error, Kind, Mutex, Options};

use crate::child::{Child, hear, say};
use crate::data::{Ledger, Shared, attach};
use crate::obey::servants;

pub fn dies_inside(arguments: &[&str]) {
    let mutex: Mutex<()> = attach(arguments[0]);
    let _guard = mutex.lock().unwrap();
    say("in");
    assert_eq!(hear(), None);
}

/// The next one goes in and is told, in whatever form it asks; those after it are not.
fn who_comes_next_is_told_and_goes_in(kind: Kind) {
    let shared = Shared::<()>::with(&Options::new().kind(kind));
    assert!(!shared.mutex.poisoning());
    let mut me = shared.mutex.join().unwrap();
    for form in 0..5 {
        let dead = Child::start("dies inside", &[shared.path()]);
        dead.expect("in");
        let pid = dead.pid();
        dead.kill();
        let never = |(): &mut (), _: &_| panic!("there is nothing to repair");
        let told = match form {
            0 => me.lock().unwrap().death().cloned(),
            1 => me.try_lock().unwrap().unwrap().death().cloned(),
            2 => me.lock_for(Duration::from_mins(1)).unwrap().unwrap().death().cloned(),
            3 => me.lock_or_repair(never).unwrap().death().cloned(),
            _ => me.enter().unwrap().wait().unwrap().death().cloned(),
        };
        assert_eq!(told.map(|death| death.pid), Some(pid), "form {form}");
        assert_eq!(me.lock().unwrap().death(), None);
        assert_eq!(shared.mutex.lock().unwrap().death(), None);
        assert_eq!(shared.mutex.status().unwrap().poisoned, None);
    }
}

each_kind!(
    who_comes_next_is_told_and_goes_in: bakery Bakery, black_white BlackWhite, peterson Peterson, filter Filter,
    tournament Tournament, ticket Ticket, bypass Bypass
);

/// The same for a type with bytes, if it was made so.
#[test]
fn any_type_can_do_without() {
    let shared = Shared::<Ledger>::with(&Options::new().poisoning(false));
    let mut one = servants(&shared, "park", 1).pop().unwrap();
    assert_eq!(one.ask("lock"), "in");
    assert_eq!(one.ask("tear"), "torn");
    let token = one.ask("token");
    one.kill();
    let guard = shared.mutex.lock().unwrap();
    assert_eq!((guard.left, guard.right), (2, 1));
    assert_eq!(guard.death().unwrap().token.to_string(), token);
}

/// As often as it likes, and nobody else's data are the better for it.
#[test]
fn whoever_goes_in_even_if_poisoned_leaves_it_poisoned() {
    let shared = Shared::<()>::with(&Options::new().poisoning(true));
    let dead = Child::start("dies inside", &[shared.path()]);
    dead.expect("in");
    let pid = dead.pid();
    dead.kill();
    for _ in 0..2 {
        let guard = shared.mutex.request().even_if_poisoned().lock().unwrap();
        assert_eq!(guard.death().unwrap().pid, pid);
        drop(guard);
        let tried = shared.mutex.request().even_if_poisoned().try_lock().unwrap();
        assert_eq!(tried.unwrap().death().unwrap().pid, pid);
        assert!(matches!(shared.mutex.lock(), Err(Error::OwnerDied { .. })));
    }
    let repaired = shared.mutex.request().even_if_poisoned().repair(|(), _| {}).lock().unwrap();
    assert_eq!(repaired.death().unwrap().pid, pid);
    drop(repaired);
    assert!(shared.mutex.lock().unwrap().death().is_none());
}

/// And one without bytes can have it.
#[test]
fn nothing_can_be_poisoned_as_well() {
    let shared = Shared::<()>::with(&Options::new().poisoning(true));
    let dead = Child::start("dies inside", &[shared.path()]);
    dead.expect("in");
    dead.kill();
    assert!(matches!(shared.mutex.lock(), Err(Error::OwnerDied { .. })));
}

/// It is the segment's, so that all agree.
#[test]
fn whoever_asks_for_another_is_refused() {
    let with = Shared::<Ledger>::new(Kind::Bakery, 4);
    let without = Shared::<Ledger>::with(&Options::new().poisoning(false));
    for (shared, made) in [(&with, true), (&without, false)] {
        assert_eq!(shared.mutex.poisoning(), made);
        let attach = |options: Options| options.attach_at::<Ledger>(shared.path());
        assert_eq!(attach(Options::new()).unwrap().poisoning(), made);
        assert_eq!(attach(Options::new().poisoning(made)).unwrap().poisoning(), made);
        let error = attach(Options::new().poisoning(!made)).unwrap_err();
        assert!(matches!(&error, Error::WrongPoisoning { wanted, .. } if *wanted != made));
        assert!(error.to_string().contains("`Options::poisoning`"), "{error}");
    }
}

/// A lock that nobody can recover ends with a death, whatever was asked for.
#[test]
fn a_fast_lock_ends_all_the_same() {
    let shared = Shared::<()>::with(&Options::new().kind(Kind::FastUnrecoverable).poisoning(false));
    assert!(!shared.mutex.poisoning());
    let dead = Child::start("dies inside", &[shared.path()]);
    dead.expect("in");
    dead.kill();
    assert!(matches!(shared.mutex.lock(), Err(Error::Unrecoverable { .. })));
}
