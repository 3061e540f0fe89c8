//! Segments that have outlived a restart of the machine, or are said to have.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use bakery_lock::shared::{Error, Kind, Mutex, Options, Origin};

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::child::{Child, command, hear, say};
use crate::forgery::{
    BELLS, BOOT_ID, Forgery, JOURNAL, REGISTERS, in_memory, on_a_disk, parts, reseal, write,
    write_anew,
};
use crate::mounts::unshared;
use crate::outcome::Opened;
use crate::servant::servant;

/// The same bytes, as another run of the machine has left them.
pub fn of_another_run(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[BOOT_ID..BOOT_ID + 16].copy_from_slice(b"the run before!!");
    reseal(&mut bytes);
    bytes
}

fn last_token(bytes: &[u8]) -> u64 {
    u64::from_ne_bytes(bytes[JOURNAL..JOURNAL + 8].try_into().unwrap())
}

/// What is in a file after a restart, once somebody has locked it this often.
fn after_a_restart(forgery: &Forgery, locked: u64) -> Vec<u8> {
    write_anew(&forgery.path, &forgery.genuine);
    let mutex: Mutex<u64> = Options::new().attach_at(&forgery.path).unwrap();
    let mut me = mutex.join().unwrap();
    (0..locked).for_each(|_| *me.lock().unwrap() += 1);
    drop(me);
    drop(mutex);
    let bytes = of_another_run(fs::read(&forgery.path).unwrap());
    write_anew(&forgery.path, &bytes);
    bytes
}

#[test]
fn on_a_disk_the_value_is_kept_and_tokens_go_on() {
    type Find = fn(&Options, &Path) -> Opened;
    const FINDS: [Find; 2] =
        [|options, path| options.open_at(path, 0), |options, path| options.attach_at(path)];
    let Some(directory) = on_a_disk() else { return };
    for kind in Kind::ALL {
        let forgery = Forgery::new_in(directory, kind, 2);
        for find in FINDS {
            let last = last_token(&after_a_restart(&forgery, 3));
            let before = fs::metadata(&forgery.path).unwrap().ino();
            let mutex = find(&Options::new().kind(kind).slots(2), &forgery.path).unwrap();
            assert_eq!(mutex.origin(), Origin::Restarted, "{kind}");
            let same: Mutex<u64> = Options::new().attach_at(&forgery.path).unwrap();
            assert_eq!(same.origin(), Origin::Found);
            assert_eq!(mutex.status().unwrap().acquisitions, 0);
            let mut me = same.join().unwrap();
            let guard = me.lock().unwrap();
            assert_eq!(*guard, 10);
            assert!(guard.token() > last, "{} after {last}", guard.token());
            drop(guard);
            assert_eq!(mutex.status().unwrap().acquisitions, 1);
            assert_eq!(fs::metadata(&forgery.path).unwrap().ino(), before);
        }
    }
}

/// To look on is no reason to refuse, and it is left ready.
#[test]
fn whoever_looks_on_finds_one_that_is_ready() {
    let Some(directory) = on_a_disk() else { return };
    let forgery = Forgery::new_in(directory, Kind::Bakery, 2);
    after_a_restart(&forgery, 1);
    let status = Options::status_at(&forgery.path).unwrap();
    assert_eq!((status.joined, status.acquisitions, status.poisoned), (0, 0, None));
    let mutex: Mutex<u64> = Options::new().attach_at(&forgery.path).unwrap();
    assert_eq!((mutex.origin(), *mutex.join().unwrap().lock().unwrap()), (Origin::Found, 8));
}

/// The last token on the disk may be an old one; the greatest one counts.
#[test]
fn tokens_go_on_from_the_clock_or_from_the_last_whichever_is_later() {
    let Some(directory) = on_a_disk() else { return };
    let forgery = Forgery::new_in(directory, Kind::Bakery, 2);
    let now = || {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        u64::try_from(since.as_nanos()).unwrap()
    };
    let later = now() + (1 << 60);
    for (last, least) in [(1, now()), (later, later + 1), (1 << 63, now()), (u64::MAX, now())] {
        for slots in [2, 3] {
            let mut bytes = of_another_run(forgery.genuine.clone());
            bytes[JOURNAL..JOURNAL + 8].copy_from_slice(&last.to_ne_bytes());
            write_anew(&forgery.path, &bytes);
            let mutex: Mutex<u64> = Options::new().slots(slots).open_at(&forgery.path, 8).unwrap();
            let expected = if slots == 2 { Origin::Restarted } else { Origin::MadeAnew };
            assert_eq!(mutex.origin(), expected);
            let token = mutex.join().unwrap().lock().unwrap().token();
            let most = least + (1 << 59);
            assert!((least..most).contains(&token), "{token} after {last}, from {least}");
        }
    }
}

/// In line, in the doorway, asleep: nobody is left of those, and nobody waits for them.
#[test]
fn what_was_in_the_registers_is_gone() {
    let Some(directory) = on_a_disk() else { return };
    for kind in Kind::ALL {
        let forgery = Forgery::new_in(directory, kind, 2);
        let (participants, data) = parts(forgery.genuine.len(), 2);
        for noise in [0x00, 0x01, 0x55, 0xff] {
            let mut bytes = of_another_run(forgery.genuine.clone());
            bytes[BELLS..data].fill(noise);
            write_anew(&forgery.path, &bytes);
            let mutex: Mutex<u64> = Options::new().open_at(&forgery.path, 8).unwrap();
            let (mut one, mut other) = (mutex.join().unwrap(), mutex.join().unwrap());
            // The records are full of tokens: somebody was inside.
            if noise != 0 {
                let error = one.lock().unwrap_err();
                assert!(matches!(error, Error::OwnerDied { .. }), "{kind} {noise}: {error}");
                drop(one.lock_or_repair(|_, _| ()).unwrap());
            }
            assert_eq!(*one.lock().unwrap(), 7);
            assert_eq!(*other.lock().unwrap(), 7, "{kind} {noise} {participants}");
        }
    }
}

/// Where the journal says when the clock of the run began.
const CLOCK_BEGAN: usize = JOURNAL + 16;

/// Inside, until it is killed.
pub fn stays_inside(arguments: &[&str]) {
    let mutex: Mutex<u64> = Options::new().attach_at(arguments[0]).unwrap();
    let mut me = mutex.join().unwrap();
    let mut guard = me.lock().unwrap();
    *guard = 100;
    say(&guard.token().to_string());
    while hear().is_some() {}
    drop(guard);
}

#[test]
fn who_was_inside_when_the_machine_stopped_is_told_as_after_any_death() {
    let Some(directory) = on_a_disk() else { return };
    for kind in Kind::ALL {
        let forgery = Forgery::new_in(directory, kind, 2);
        let child = Child::start("stays inside", &[forgery.name()]);
        let token: u64 = child.hear().parse().unwrap();
        let pid = child.pid();
        child.kill();
        let mut bytes = of_another_run(fs::read(&forgery.path).unwrap());
        // That run began when the calendar said so; and the one after it, which does not matter.
        let began = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
        let up = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic).tv_sec;
        let up = Duration::from_secs(up.unsigned_abs() + 1);
        for nanoseconds in [1_600_000_000_000_000_000_u64, 1] {
            bytes[CLOCK_BEGAN..CLOCK_BEGAN + 8].copy_from_slice(&nanoseconds.to_ne_bytes());
            write_anew(&forgery.path, &bytes);
            let mutex: Mutex<u64> = Options::new().open_at(&forgery.path, 8).unwrap();
            assert_eq!(mutex.origin(), Origin::Restarted);
            let mut me = mutex.join().unwrap();
            let error = me.lock().unwrap_err();
            let Error::OwnerDied { death, .. } = error else { panic!("{kind}: {error}") };
            assert_eq!((death.pid, death.token, death.slot.index()), (pid, token, 0));
            assert!((began..began + up).contains(&death.since), "{death:?}");
            drop(me);
            drop(mutex);
            bytes = of_another_run(fs::read(&forgery.path).unwrap());
        }
        write_anew(&forgery.path, &bytes);
        let mutex: Mutex<u64> = Options::new().open_at(&forgery.path, 8).unwrap();
        let mut me = mutex.join().unwrap();
        let guard = me.lock_or_repair(|value, death| *value += death.token).unwrap();
        assert_eq!(*guard, 100 + token);
        drop(guard);
        assert_eq!(*me.lock().unwrap(), 100 + token);
    }
}

/// One that has died in the doorway, or between it and the critical section, as the registers of a
/// fast lock say.
fn dies_in_the_doorway(forgery: &Forgery) -> u32 {
    const Y: usize = REGISTERS + 4;
    const FLAG: usize = REGISTERS + 128;

    let child = servant(&[&format!("at={}", forgery.name())]);
    child.expect("joined");
    let pid = child.pid();
    child.kill();
    for at in [Y, FLAG] {
        write(&forgery.path, at, &1_u32.to_ne_bytes());
    }
    pid
}

/// A death has put an end to the lock that nobody can recover.
#[track_caller]
fn is_stopped_by(forgery: &Forgery, dead: u32, was_inside: bool) {
    for _ in 0..2 {
        let error = forgery.find().lock().unwrap_err();
        let told = matches!(&error, Error::Unrecoverable { death, .. }
            if death.pid == dead && (death.token != 0) == was_inside);
        assert!(told, "{error:?}");
    }
}

fn restarts(forgery: &Forgery) {
    let bytes = of_another_run(fs::read(&forgery.path).unwrap());
    write_anew(&forgery.path, &bytes);
}

/// No longer than the machine runs: its registers go with a restart.
#[test]
fn a_lock_that_a_death_has_put_an_end_to_works_after_a_restart() {
    let Some(directory) = on_a_disk() else { return };
    let forgery = Forgery::new_in(directory, Kind::FastUnrecoverable, 2);
    let dead = dies_in_the_doorway(&forgery);
    is_stopped_by(&forgery, dead, false);
    restarts(&forgery);
    let mutex = forgery.find();
    assert_eq!(mutex.origin(), Origin::Restarted);
    assert_eq!(mutex.status().unwrap().poisoned, None);
    let guard = mutex.lock().unwrap();
    assert_eq!((*guard, guard.death()), (7, None));
    drop(guard);
    drop(mutex);

    // The data is what somebody who was inside has left.
    let child = Child::start("stays inside", &[forgery.name()]);
    let token: u64 = child.hear().parse().unwrap();
    let inside = child.pid();
    child.kill();
    is_stopped_by(&forgery, inside, true);
    restarts(&forgery);
    let is_told = || {
        let error = forgery.find().lock().unwrap_err();
        let told = matches!(&error, Error::OwnerDied { death, .. } if death.token == token);
        assert!(told, "{error:?}");
    };
    is_told();
    // As long as nobody has repaired it, whoever dies without having been inside.
    dies_in_the_doorway(&forgery);
    is_stopped_by(&forgery, inside, true);
    restarts(&forgery);
    is_told();
    drop(forgery.find().request().repair(|value, _| *value += 1).lock().unwrap());
    assert_eq!(*forgery.find().lock().unwrap(), 101);
}

/// Where there is nothing to be repaired, whoever comes first goes in, and is told.
#[test]
fn a_lock_without_poisoning_works_after_a_restart_whoever_was_inside() {
    let Some(directory) = on_a_disk() else { return };
    for kind in Kind::ALL {
        let directory = tempfile::tempdir_in(directory).unwrap();
        let path = directory.path().join("segment");
        let options = Options::new().kind(kind).slots(2).poisoning(false);
        drop::<Mutex<u64>>(options.create_at(&path, 7).unwrap());
        let child = Child::start("stays inside", &[path.to_str().unwrap()]);
        let token: u64 = child.hear().parse().unwrap();
        child.kill();
        write_anew(&path, &of_another_run(fs::read(&path).unwrap()));
        let mutex: Mutex<u64> = options.open_at(&path, 0).unwrap();
        assert_eq!((mutex.origin(), mutex.poisoning()), (Origin::Restarted, false), "{kind}");
        for told in [Some(token), None] {
            let guard = mutex.lock().unwrap();
            assert_eq!(*guard, 100, "{kind}");
            assert_eq!(guard.death().map(|death| death.token), told, "{kind}");
        }
    }
}

/// Whoever makes one ready may die on the way, or the power may fail, after any step.
#[test]
fn one_that_was_half_made_ready_is_made_ready_again() {
    let Some(directory) = on_a_disk() else { return };
    let forgery = Forgery::new_in(directory, Kind::Bakery, 2);
    let child = Child::start("stays inside", &[forgery.name()]);
    let token: u64 = child.hear().parse().unwrap();
    child.kill();
    let before = of_another_run(fs::read(&forgery.path).unwrap());
    write_anew(&forgery.path, &before);
    drop::<Mutex<u64>>(Options::new().attach_at(&forgery.path).unwrap());
    let after = fs::read(&forgery.path).unwrap();
    let (_, data) = parts(before.len(), 2);
    let journal = JOURNAL..JOURNAL + 128;
    // From the front of each part, and then of the next, as they are written.
    let mut so_far = before;
    for part in [journal, BELLS..data] {
        for at in part.clone().step_by(8).chain([part.end]) {
            so_far[part.start..at].copy_from_slice(&after[part.start..at]);
            write_anew(&forgery.path, &so_far);
            let mutex: Mutex<u64> = Options::new().attach_at(&forgery.path).unwrap();
            assert_eq!(mutex.origin(), Origin::Restarted);
            let error = mutex.join().unwrap().lock().unwrap_err();
            let told = matches!(&error, Error::OwnerDied { death, .. } if death.token == token);
            assert!(told, "{at}: {error}");
        }
    }
}

#[test]
fn what_is_not_like_the_new_one_is_made_anew_and_that_is_told() {
    type Make = fn(&Options, &Forgery) -> Opened;
    const MAKES: [Make; 2] = [
        |options, forgery| options.open_at(&forgery.path, 8),
        |options, forgery| options.create_at(&forgery.path, 8),
    ];
    let Some(directory) = on_a_disk() else { return };
    let forgery = Forgery::new_in(directory, Kind::Bakery, 2);
    let put = |at: usize, bytes: &[u8]| {
        let mut all = forgery.genuine.clone();
        all[at..at + bytes.len()].copy_from_slice(bytes);
        of_another_run(all)
    };
    let future = forgery.genuine.len() as u64 + (1 << 61);
    let later = || {
        let mut all = put(8, &8_u32.to_ne_bytes());
        all[JOURNAL..JOURNAL + 8].copy_from_slice(&future.to_ne_bytes());
        all
    };
    let cases = [
        ("another kind", put(0, b""), Options::new().kind(Kind::Ticket), 0),
        ("other slots", put(0, b""), Options::new().slots(3), 0),
        ("another type", put(0, b""), Options::new().data_name("other"), 0),
        ("an impossible shape", put(28, &[0; 4]), Options::new(), 0),
        ("an older version", put(8, &5_u32.to_ne_bytes()), Options::new(), 0),
        ("a later version", later(), Options::new(), future),
        ("cut off", put(0, b"")[..600].to_vec(), Options::new(), 0),
        ("too long", [put(0, b""), vec![0; 8]].concat(), Options::new(), 0),
    ];
    for (what, bytes, options, at_least) in cases {
        for make in MAKES {
            write_anew(&forgery.path, &bytes);
            let attached: Opened = options.attach_at(&forgery.path);
            let error = attached.expect_err(what);
            assert!(!matches!(error, Error::NotASegment { .. }), "{what}: {error}");
            assert_eq!(fs::read(&forgery.path).unwrap(), bytes);
            let mutex = make(&options, &forgery).expect(what);
            assert_eq!(mutex.origin(), Origin::MadeAnew, "{what}");
            let mut me = mutex.join().unwrap();
            let guard = me.lock().unwrap();
            assert_eq!(*guard, 8, "{what}");
            assert!(guard.token() > at_least.max(last_token(&forgery.genuine)), "{what}");
            drop(guard);
            let same: Opened = options.open_at(&forgery.path, 9);
            assert_eq!(same.unwrap().origin(), Origin::Found);
            let parent = forgery.path.parent().unwrap();
            assert_eq!(fs::read_dir(parent).unwrap().count(), 1);
        }
    }
}

/// It has a value, so it is there.
#[test]
fn one_that_is_kept_is_not_created() {
    let Some(directory) = on_a_disk() else { return };
    let forgery = Forgery::new_in(directory, Kind::Bakery, 2);
    after_a_restart(&forgery, 1);
    let created = Options::new().create_at(&forgery.path, 0);
    assert_refused!(created, Error::Exists { .. }, "create");
    assert_eq!(*forgery.find().join().unwrap().lock().unwrap(), 8);
}

/// Where files are memory nothing outlives a restart, so whoever says so is wrong.
#[test]
fn in_memory_nobody_asks_for_the_boot_id() {
    let forgery = Forgery::new_in(in_memory(), Kind::Bakery, 2);
    let last = last_token(&after_a_restart(&forgery, 2));
    let mutex: Mutex<u64> = Options::new().open_at(&forgery.path, 0).unwrap();
    assert_eq!(mutex.origin(), Origin::Found);
    let mut me = mutex.join().unwrap();
    let guard = me.lock().unwrap();
    assert_eq!((*guard, guard.token()), (9, last + 1));
    drop(guard);
    drop(me);
    drop(mutex);
    // Also one of another version.
    let mut bytes = of_another_run(forgery.genuine.clone());
    bytes[8..12].copy_from_slice(&5_u32.to_ne_bytes());
    write_anew(&forgery.path, &bytes);
    let outcome = Options::new().open_at(&forgery.path, 8);
    assert_refused!(outcome, Error::WrongVersion { found: 5, known: 7, .. }, "open");
    assert_eq!(fs::read(&forgery.path).unwrap(), bytes);
    Options::remove_at(&forgery.path).unwrap();
}

/// Whoever uses it lives, so it is no other run of the machine, whatever the header says.
#[test]
fn one_that_somebody_uses_is_used_by_all() {
    let Some(directory) = on_a_disk() else { return };
    let forgery = Forgery::new_in(directory, Kind::Bakery, 8);
    let user: Mutex<u64> = Options::new().attach_at(&forgery.path).unwrap();
    let (mut one, mut waiting) = (user.join().unwrap(), user.join().unwrap());
    let guard = one.lock().unwrap();
    let in_line = waiting.enter().unwrap();
    write(&forgery.path, 0, &of_another_run(forgery.genuine.clone())[..200]);
    let number = fs::metadata(&forgery.path).unwrap().ino();
    let status = Options::status_at(&forgery.path).unwrap();
    assert_eq!((status.joined, status.holder.unwrap().token), (2, guard.token()));
    let same: Mutex<u64> = Options::new().open_at(&forgery.path, 8).unwrap();
    assert_eq!((same.origin(), same.status().unwrap().queue.len()), (Origin::Found, 1));
    assert_refused!(
        Options::new().kind(Kind::Ticket).open_at(&forgery.path, 8),
        Error::WrongKind { .. },
        "another kind"
    );
    assert!(same.join().unwrap().try_lock().unwrap().is_none());
    drop(guard);
    *in_line.wait().unwrap() += 1;
    assert_eq!(*same.join().unwrap().lock().unwrap(), 8);
    assert_eq!(fs::metadata(&forgery.path).unwrap().ino(), number);
}

/// Only what holds together can be known to be from before.
#[test]
fn one_that_is_damaged_is_not_made_anew() {
    let Some(directory) = on_a_disk() else { return };
    let forgery = Forgery::new_in(directory, Kind::Bakery, 8);
    let bytes = forgery.with(|bytes| bytes[BOOT_ID] ^= 1);
    assert_refused!(forgery.attach(&bytes), Error::Damaged { .. }, "attach");
    assert_refused!(Options::new().open_at(&forgery.path, 8), Error::Damaged { .. }, "open");
    assert_refused!(Options::new().create_at(&forgery.path, 8), Error::Exists { .. }, "create");
    assert_eq!(fs::read(&forgery.path).unwrap(), bytes);
}

/// A container that has a boot id of its own, as container managers make it, shares a segment with the
/// machine that it runs on.
#[test]
fn a_container_with_a_boot_id_of_its_own_shares_the_segment() {
    let id = tempfile::NamedTempFile::new().unwrap();
    fs::write(&id, "01234567-89ab-cdef-0123-456789abcdef\n").unwrap();
    let id = id.path().to_str().unwrap();
    let mount = r#"mount --bind "$1" /proc/sys/kernel/random/boot_id && shift && exec "$@""#;
    let contain = |path: &str| {
        let part = command("counts in a container", &[path]);
        unshared(mount, &[id], &part).map(|mut command| Child::spawn(&mut command))
    };
    for directory in [Some(in_memory()), on_a_disk()].into_iter().flatten() {
        let forgery = Forgery::new_in(directory, Kind::Bakery, 4);
        let last = last_token(&forgery.genuine);
        // Nobody uses it meanwhile.
        let Some(child) = contain(forgery.name()) else { return };
        let token: u64 = child.hear().parse().unwrap();
        child.expect("8");
        child.finish();
        assert!(token > last, "{token} after {last}");
        // And somebody does, waiting for it.
        let mutex: Mutex<u64> = Options::new().open_at(&forgery.path, 0).unwrap();
        let mut me = mutex.join().unwrap();
        let guard = me.lock().unwrap();
        assert!(*guard == 8 && guard.token() > token);
        let token = guard.token();
        let child = contain(forgery.name()).unwrap();
        crate::child::until(|| mutex.status().unwrap().queue.len() == 1);
        drop(guard);
        child.expect(&(token + 1).to_string());
        child.expect("9");
        child.finish();
        let guard = me.lock().unwrap();
        assert_eq!((*guard, guard.token()), (9, token + 2));
    }
}

pub fn counts_in_a_container(arguments: &[&str]) {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    assert!(id.starts_with("01234567"), "{id}");
    let mutex: Mutex<u64> = Options::new().open_at(arguments[0], 0).unwrap();
    let mut me = mutex.join().unwrap();
    let mut guard = me.lock().unwrap();
    *guard += 1;
    say(&guard.token().to_string());
    say(&guard.to_string());
}

/// Told of the limit, and not ended by it; whoever has a higher one goes on.
#[test]
fn a_limit_on_the_length_of_files_is_an_error_after_a_restart_too() {
    let Some(directory) = on_a_disk() else { return };
    let forgery = Forgery::new_in(directory, Kind::Bakery, 2);
    after_a_restart(&forgery, 3);
    let child = Child::start("attaches within a limit", &[forgery.path.to_str().unwrap()]);
    let said = child.hear();
    assert!(said.contains("`ulimit -f`"), "{said}");
    child.finish();
    let mutex: Mutex<u64> = Options::new().attach_at(&forgery.path).unwrap();
    assert_eq!((mutex.origin(), *mutex.lock().unwrap()), (Origin::Restarted, 10));
}

pub fn attaches_within_a_limit(arguments: &[&str]) {
    let limit = Rlimit { current: Some(512), maximum: Some(512) };
    setrlimit(Resource::Fsize, limit).unwrap();
    let error = Options::new().attach_at::<u64>(arguments[0]).unwrap_err();
    say(&error.to_string());
}
