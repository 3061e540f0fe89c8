//! Directories that somebody empties while what is in them is used, as log-in managers do.

use std::fs;
use std::os::unix::fs::chroot;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{self, Command};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use std::{panic, thread};

use bakery_lock::shared::{Error, Kind, Mutex, Options, Origin};
use rustix::process::geteuid;

use crate::child::{Child, command, hear, say, until};
use crate::forgery::{Forgery, in_memory, on_a_disk, write_anew};

/// What waits longer is not told.
const LIMIT: Duration = Duration::from_secs(20);

/// What becomes of a file.
type Goes = (&'static str, fn(&Forgery));

const GOES: [Goes; 6] = [
    ("it is removed", |it| fs::remove_file(&it.path).unwrap()),
    ("it is moved", |it| fs::rename(&it.path, it.path.with_extension("away")).unwrap()),
    ("another is put in its place", |it| write_anew(&it.path, &it.genuine)),
    ("its directory is removed", |it| fs::remove_dir_all(parent(it)).unwrap()),
    ("its directory is made anew", |it| {
        fs::remove_dir_all(parent(it)).unwrap();
        fs::create_dir(parent(it)).unwrap();
    }),
    ("its directory is moved", |it| {
        fs::rename(parent(it), parent(it).with_extension("away")).unwrap();
        fs::create_dir(parent(it)).unwrap();
    }),
];

fn parent(forgery: &Forgery) -> &Path {
    forgery.path.parent().unwrap()
}

/// Cleared away, as the name does not lead there any more.
struct Away(std::path::PathBuf);

impl Drop for Away {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn those_who_use_what_is_gone_are_told_and_who_opens_it_meanwhile_too() {
    for disk in [Some(in_memory()), on_a_disk()].into_iter().flatten() {
        for (what, goes) in GOES {
            let forgery = Forgery::new_in(disk, Kind::Bakery, 4);
            let _away = Away(parent(&forgery).with_extension("away"));
            let user: Mutex<u64> = Options::new().attach_at(&forgery.path).unwrap();
            let (mut one, mut other) = (user.join().unwrap(), user.join().unwrap());
            let guard = one.lock().unwrap();
            let waiting = Child::start("waits", &[forgery.name()]);
            until(|| user.status().unwrap().queue.len() == 1);
            goes(&forgery);
            let told = waiting.hear();
            assert!(told.contains("drop this mutex and open it again"), "{what}: {told}");
            waiting.finish();
            assert_removed(user.join(), &forgery, what);
            // It has left the line, and the one inside goes on.
            assert_eq!(user.status().unwrap().queue, [], "{what}");
            let token = guard.token();
            drop(guard);
            assert!(other.try_lock().unwrap().is_some(), "{what}");

            if fs::exists(parent(&forgery)).unwrap() {
                let opened = Options::new().open_at(&forgery.path, 9);
                assert_refused!(opened, Error::RemovedInUse { segment } if segment == forgery.name(), "{what}");
            } else {
                fs::create_dir(parent(&forgery)).unwrap();
            }
            drop((one, other));
            drop(user);
            let anew: Mutex<u64> = Options::new().open_at(&forgery.path, 9).unwrap();
            assert!(
                anew.join().unwrap().lock().unwrap().token() > token || what.contains("another")
            );
        }
    }
}

/// Whoever is forked off meanwhile has the descriptors of an attempt that failed, until it becomes another
/// program: it is no user.
#[test]
fn one_that_starts_processes_while_it_opens_what_has_users_elsewhere_is_told() {
    let forgery = Forgery::new_in(in_memory(), Kind::Bakery, 4);
    let user: Mutex<u64> = Options::new().attach_at(&forgery.path).unwrap();
    write_anew(&forgery.path, &forgery.genuine);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Relaxed) {
                // What is to be done in the child has it forked off, and not be there at once.
                let mut command = Command::new("true");
                // SAFETY: it sleeps only.
                unsafe {
                    command.pre_exec(|| {
                        libc::usleep(2_000);
                        Ok(())
                    });
                }
                command.status().unwrap();
            }
        });
        let opened = Options::new().open_at(&forgery.path, 9);
        over.store(true, Relaxed);
        assert_refused!(opened, Error::RemovedInUse { .. }, "another is in its place");
    });
    drop(user);
}

/// Who opens it by the same path is in another one, and does not see them.
#[test]
fn those_whose_whole_path_leads_to_another_by_now_are_told() {
    let directory = tempfile::tempdir_in(in_memory()).unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir_all(at("a/b")).unwrap();
    let user: Mutex<u64> = Options::new().open_at(at("a/b/segment"), 1).unwrap();
    fs::rename(at("a"), at("away")).unwrap();
    // It is nowhere, and nobody can be in another.
    user.join().unwrap();
    fs::create_dir_all(at("a/b")).unwrap();
    let other: Mutex<u64> = Options::new().open_at(at("a/b/segment"), 2).unwrap();
    assert_eq!(other.origin(), Origin::Made);
    assert!(matches!(user.join(), Err(Error::Removed { .. })));
    other.join().unwrap();
    // As it was.
    fs::remove_dir_all(at("a")).unwrap();
    fs::rename(at("away"), at("a")).unwrap();
    user.join().unwrap();
    assert!(matches!(other.join(), Err(Error::Removed { .. })));
}

/// Without an end, should it not be told.
pub fn waits(arguments: &[&str]) {
    let mutex: Mutex<u64> = Options::new().attach_at(arguments[0]).unwrap();
    let mut me = mutex.join().unwrap();
    say(&me.lock().map_or_else(|error| error.to_string(), |_| "in".to_owned()));
}

#[track_caller]
fn assert_removed<T>(outcome: Result<T, Error>, forgery: &Forgery, what: &str) {
    let error = outcome.err();
    let is_told = matches!(&error, Some(Error::Removed { segment }) if segment == forgery.name());
    assert!(is_told, "{what}: {error:?}");
}

/// Also one that has not looked while it waited.
#[test]
fn whoever_has_waited_is_told_before_it_is_let_in() {
    // That one waits in its doorway, and looks.
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::FastUnrecoverable) {
        let forgery = Forgery::new_in(in_memory(), kind, 2);
        let seldom = Options::new().look_every(Duration::from_hours(1));
        let user: Mutex<u64> = seldom.attach_at(&forgery.path).unwrap();
        let (mut one, mut other) = (user.join().unwrap(), user.join().unwrap());
        let guard = one.lock().unwrap();
        let told = thread::scope(|scope| {
            let waiting = scope.spawn(|| other.lock_for(LIMIT).map(|guard| guard.is_some()));
            // Longer than the clock's tick.
            let waits = || {
                let queue = user.status().unwrap().queue;
                queue.first().and_then(|first| first.since).is_some_and(|since| {
                    since.elapsed().is_ok_and(|time| time > Duration::from_millis(50))
                })
            };
            until(waits);
            fs::remove_file(&forgery.path).unwrap();
            drop(guard);
            waiting.join().unwrap()
        });
        assert_removed(told, &forgery, "lock");
        // It does not hold the lock.
        drop(one.lock().unwrap());
        drop(other.lock().unwrap());
        assert!(user.status().unwrap().holder.is_none());
    }
}

/// Those who do not wait look too, now and then, when they do not get in.
#[test]
fn whoever_does_not_get_in_is_told() {
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::FastUnrecoverable) {
        let forgery = Forgery::new_in(in_memory(), kind, 2);
        let often = Options::new().look_every(Duration::ZERO);
        let user: Mutex<u64> = often.attach_at(&forgery.path).unwrap();
        let (mut one, mut other) = (user.join().unwrap(), user.join().unwrap());
        let guard = one.lock().unwrap();
        assert!(other.try_lock().unwrap().is_none());
        fs::remove_file(&forgery.path).unwrap();
        assert_removed(other.try_lock(), &forgery, "try");
        assert_removed(other.lock_for(Duration::ZERO), &forgery, "for no time");
        drop(guard);
        assert!(one.try_lock().unwrap().is_some());
    }
}

/// Whoever uses what is gone is killed: then there is nobody to be met.
#[test]
fn a_name_whose_users_are_gone_is_made_anew() {
    let forgery = Forgery::new_in(in_memory(), Kind::Bakery, 4);
    for ends in [Child::kill, Child::finish] {
        write_anew(&forgery.path, &forgery.genuine);
        let child = Child::start("uses one", &[forgery.name()]);
        child.expect("7");
        fs::remove_file(&forgery.path).unwrap();
        let options = Options::new();
        assert_refused!(options.open_at(&forgery.path, 9), Error::RemovedInUse { .. }, "open");
        assert_refused!(options.create_at(&forgery.path, 9), Error::RemovedInUse { .. }, "create");
        assert_refused!(options.attach_at(&forgery.path), Error::NotFound { .. }, "attach");
        ends(child);
        let anew: Mutex<u64> = options.open_at(&forgery.path, 9).unwrap();
        assert_eq!((anew.origin(), *anew.join().unwrap().lock().unwrap()), (Origin::Made, 9));
        fs::remove_file(&forgery.path).unwrap();
    }
}

/// With a name: the whole directory goes, as at a user's last log-out.
#[test]
fn a_directory_of_names_that_is_emptied_is_found_out() {
    let parent = tempfile::tempdir_in(in_memory()).unwrap();
    let directory = parent.path().join("bakery-lock-1000");
    let play = |role| {
        let mut command = command(role, &["count"]);
        Child::spawn(command.env("BAKERY_LOCK_DIR", &directory))
    };
    let mut user = play("uses a name");
    user.expect("in");
    for _ in 0..2 {
        fs::remove_dir_all(&directory).unwrap();
        let second = play("uses a name");
        assert!(second.hear().contains("removed or replaced while it was in use"));
        second.finish();
    }
    assert!(user.ask("join").contains("drop this mutex and open it again"));
    // It opens it anew, and so does the other.
    assert_eq!(user.ask("again"), "in");
    let second = play("uses a name");
    second.expect("in");
}

pub fn uses_a_name(arguments: &[&str]) {
    let mut mutex: Mutex<u64>;
    loop {
        match Mutex::open(arguments[0], 0) {
            Ok(opened) => mutex = opened,
            Err(error) => return say(&error.to_string()),
        }
        *mutex.join().unwrap().lock().unwrap() += 1;
        say("in");
        loop {
            match hear().as_deref() {
                Some("join") => {
                    say(&mutex.join().err().map_or("joined".to_owned(), |error| error.to_string()));
                }
                Some(_) => break,
                None => return,
            }
        }
        drop(mutex);
    }
}

/// A segment that has no name cannot lose it; and one that is elsewhere by now is not told so.
#[test]
fn nobody_is_told_for_nothing() {
    let mutex: Mutex<u64> = Options::new().look_every(Duration::ZERO).anonymous(0).unwrap();
    waits_long(&mutex);
    let child = Child::start("goes elsewhere", &[]);
    child.expect("waited");
    child.finish();
}

/// One that waits, with many looks.
fn waits_long(mutex: &Mutex<u64>) {
    let (mut one, mut other) = (mutex.join().unwrap(), mutex.join().unwrap());
    let guard = one.lock().unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| other.lock_for(LIMIT).map(|guard| guard.is_some()));
        until(|| mutex.status().unwrap().queue.len() == 1);
        thread::sleep(Duration::from_millis(50));
        drop(guard);
        assert!(waiting.join().unwrap().unwrap());
    });
}

pub fn goes_elsewhere(_: &[&str]) {
    let directory = tempfile::tempdir_in(in_memory()).unwrap();
    let other = tempfile::tempdir().unwrap();
    std::env::set_current_dir(directory.path()).unwrap();
    let options = Options::new().look_every(Duration::ZERO);
    let mutex: Mutex<u64> = options.open_at("segment", 0).unwrap();
    std::env::set_current_dir("/").unwrap();
    waits_long(&mutex);
    if !geteuid().is_root() {
        println!("another root directory is skipped: only the superuser may have one");
        return say("waited");
    }
    let (mut one, mut two) = (mutex.join().unwrap(), mutex.join().unwrap());
    chroot(other.path()).unwrap();
    let guard = one.lock().unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| two.lock_for(LIMIT).map(|guard| guard.is_some()));
        thread::sleep(Duration::from_millis(50));
        drop(guard);
        assert!(waiting.join().unwrap().unwrap());
    });
    say("waited");
}

/// Somebody removes the file again and again: whoever is inside is alone in it, in whichever.
#[test]
fn no_two_are_inside_while_somebody_empties_the_directory() {
    let directory = tempfile::tempdir_in(in_memory()).unwrap();
    let (path, witness) = (directory.path().join("a/segment"), directory.path().join("witness"));
    fs::create_dir(path.parent().unwrap()).unwrap();
    let mut children: Vec<_> = (0..4)
        .map(|_| {
            let arguments = [path.to_str().unwrap(), witness.to_str().unwrap()];
            Child::start("comes again and again", &arguments)
        })
        .collect();
    let end = Instant::now() + Duration::from_secs(3);
    let mut removals = 0;
    while Instant::now() < end || removals < 100 {
        removals += u32::from(fs::remove_file(&path).is_ok());
        thread::sleep(Duration::from_micros(500));
    }
    for child in &mut children {
        child.tell("stop");
    }
    let rounds: Vec<u64> = children.iter().map(|child| child.hear().parse().unwrap()).collect();
    println!("{removals} removals, rounds: {rounds:?}");
    assert!(rounds.iter().all(|rounds| *rounds > 0), "{rounds:?}");
    children.into_iter().for_each(Child::finish);
}

pub fn comes_again_and_again(arguments: &[&str]) {
    let [path, witness] = arguments else { panic!("PATH WITNESS") };
    panic::set_hook(Box::new(|panic| {
        eprintln!("{panic}");
        process::abort();
    }));
    let done = AtomicBool::new(false);
    let rounds = thread::scope(|scope| {
        let coming = scope.spawn(|| {
            let mut rounds = 0_u64;
            while !done.load(Relaxed) {
                rounds += u64::from(comes(path, Path::new(witness)));
            }
            rounds
        });
        assert_eq!(hear().as_deref(), Some("stop"));
        done.store(true, Relaxed);
        coming.join().unwrap()
    });
    say(&rounds.to_string());
}

/// Whether it was in.
fn comes(path: &str, witness: &Path) -> bool {
    let mutex: Mutex<u64> = match Options::new().slots(8).open_at(path, 0) {
        Ok(mutex) => mutex,
        Err(Error::RemovedInUse { .. } | Error::BeingRemoved { .. }) => return false,
        Err(error) => panic!("{error}"),
    };
    let mut me = match mutex.join() {
        Ok(me) => me,
        Err(Error::Removed { .. }) => return false,
        Err(error) => panic!("{error}"),
    };
    for _ in 0..5 {
        match me.lock() {
            Ok(guard) => {
                fs::File::create_new(witness).expect("nobody else is inside");
                thread::yield_now();
                fs::remove_file(witness).unwrap();
                drop(guard);
            }
            Err(Error::Removed { .. }) => return false,
            Err(error) => panic!("{error}"),
        }
    }
    true
}
