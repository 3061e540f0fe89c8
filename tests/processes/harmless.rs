//! Participants whose death inside does no harm.

use std::mem;

use bakery_lock::shared::{Death, Error, Kind, Mutex, Options, Participant};

use crate::child::{Child, hear, say};
use crate::data::{Ledger, Shared, attach};
use crate::handed::{A_WHILE, is_told, servant};

/// It goes in, harmless, and does harm when it is told to.
pub fn is_harmless(arguments: &[&str]) {
    let mutex: Mutex<Ledger> = attach(arguments[0]);
    let mut me = mutex.join().unwrap();
    me.set_harmless(true).unwrap();
    mem::forget(me.lock().unwrap());
    say("in");
    while let Some(order) = hear() {
        me.set_harmless(order == "be harmless").unwrap();
        say("so be it");
    }
}

fn one_that_dies_harmlessly_is_not_told(kind: Kind) {
    let shared = Shared::<Ledger>::new(kind, 4);
    let one = Child::start("is harmless", &[shared.path()]);
    one.expect("in");
    let mut other = servant(&shared);
    assert_eq!(other.ask(A_WHILE), "no");
    other.tell("lock");
    one.kill();
    other.expect("in");
    assert_eq!(other.ask("leave"), "out");
    let status = shared.mutex.status().unwrap();
    assert_eq!((status.recoveries, status.poisoned), (1, None));
}

each_kind!(
    one_that_dies_harmlessly_is_not_told: bakery Bakery, black_white BlackWhite, peterson Peterson,
    filter Filter, tournament Tournament, ticket Ticket, bypass Bypass
);

#[test]
fn one_that_has_come_to_do_harm_is_told() {
    let shared = Shared::<Ledger>::new(Kind::Bakery, 4);
    let mut one = Child::start("is harmless", &[shared.path()]);
    one.expect("in");
    assert_eq!(one.ask("do harm"), "so be it");
    let mut other = servant(&shared);
    let pid = one.pid();
    one.kill();
    is_told(&mut other, &format!("process {pid} "));
}

#[test]
fn one_that_has_done_no_harm_yet_is_not_told() {
    let shared = Shared::<Ledger>::new(Kind::Bakery, 4);
    let mut one = Child::start("is harmless", &[shared.path()]);
    one.expect("in");
    assert_eq!(one.ask("do harm"), "so be it");
    assert_eq!(one.ask("be harmless"), "so be it");
    one.kill();
    assert_eq!(servant(&shared).ask("lock"), "in");
}

/// Nobody has its descriptor any more.
fn dies(me: Participant<u64>) {
    drop(me.hand_over().unwrap());
}

#[test]
fn it_stays_so_for_whoever_adopts_it_and_not_for_the_next_owner_of_its_slot() {
    let mutex = Options::new().anonymous(0_u64).unwrap();
    let mut me = mutex.join().unwrap();
    me.set_harmless(true).unwrap();
    let slot = me.slot();
    mem::forget(me.lock().unwrap());
    me.hold_by_descriptor().unwrap();
    let me = mutex.adopt(me.hand_over().unwrap()).unwrap();
    dies(me);
    assert_eq!(*mutex.lock().unwrap(), 0);
    assert_eq!(mutex.status().unwrap().recoveries, 1);
    let mut next = mutex.join().unwrap();
    assert_eq!(next.slot(), slot);
    mem::forget(next.lock().unwrap());
    dies(next);
    assert!(matches!(mutex.lock(), Err(Error::OwnerDied { .. })));
}

#[test]
fn what_it_has_been_told_is_left_for_the_next_one() {
    let mutex = Options::new().poisoning(false).anonymous(0_u64).unwrap();
    let dead = |harm: Option<bool>| {
        let mut me = mutex.join().unwrap();
        me.set_harmless(harm.is_some()).unwrap();
        let guard = me.lock().unwrap();
        let told = (guard.token(), guard.death().map(|death| death.token));
        mem::forget(guard);
        if harm == Some(true) {
            me.set_harmless(false).unwrap();
        }
        dies(me);
        told
    };
    let told = |death: Option<&Death>| death.map(|death| death.token);
    let (first, before) = dead(None);
    assert_eq!(before, None);
    // It is told, and so is the next one.
    assert_eq!(dead(Some(false)).1, Some(first));
    assert_eq!(dead(Some(false)).1, Some(first));
    // One that goes on to do harm takes it over.
    let (second, before) = dead(Some(true));
    assert_eq!(before, Some(first));
    assert_eq!(told(mutex.lock().unwrap().death()), Some(second));
    assert_eq!(told(mutex.lock().unwrap().death()), None);
    let (third, _) = dead(None);
    let mut me = mutex.join().unwrap();
    me.set_harmless(true).unwrap();
    let guard = me.lock().unwrap();
    assert_eq!(told(guard.death()), Some(third));
    mem::forget(guard);
    me.set_harmless(false).unwrap();
    drop(me);
    assert_eq!(told(mutex.lock().unwrap().death()), None);
    // One that leaves does not have to die for it.
    let (third, _) = dead(None);
    let mut me = mutex.join().unwrap();
    me.set_harmless(true).unwrap();
    assert_eq!(told(me.lock().unwrap().death()), Some(third));
    assert_eq!(told(mutex.lock().unwrap().death()), Some(third));
    assert_eq!(told(mutex.lock().unwrap().death()), None);
}
