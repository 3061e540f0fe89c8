//! What makers leave that die before a segment has its name, where no file can be without one.

use std::fs;
use std::path::Path;

use bakery_lock::shared::{Error, Mutex, Options};

use crate::child::{Child, hear, say};
use crate::forgery::in_memory;
use crate::old_kernel::refuse_unnamed_files;

/// Stops when it has made half of it; and joins.
pub fn makes_one_by_halves(arguments: &[&str]) {
    if !refuse_unnamed_files() {
        return say("is not permitted");
    }
    let mutex: Result<Mutex<u64>, Error> = Options::new().open_at_with(arguments[0], || {
        say("half made");
        hear();
        7
    });
    let value = mutex.and_then(|mutex| mutex.join()).and_then(|mut me| Ok(*me.lock()?));
    say(&format!("{value:?}"));
    hear();
}

/// A maker that has come to the half of it, if it can be had.
fn half_way(path: &Path) -> Option<Child> {
    let maker = Child::start("makes one by halves", &[path.to_str().unwrap()]);
    match maker.hear().as_str() {
        "half made" => Some(maker),
        _ => None,
    }
}

fn names(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn make(directory: &Path, name: &str) {
    let made: Mutex<u64> = Options::new().create_at(directory.join(name), 0).unwrap();
    drop(made);
}

#[test]
fn what_a_dead_maker_has_left_is_removed_by_the_next() {
    for same in [false, true] {
        let directory = tempfile::tempdir_in(in_memory()).unwrap();
        let Some(maker) = half_way(&directory.path().join("first")) else { return };
        let [hidden] = &names(directory.path())[..] else { panic!("one file under a hidden name") };
        assert!(hidden.starts_with(".bakery-lock-"), "{hidden}");
        maker.kill();
        let next = if same { "first" } else { "second" };
        make(directory.path(), next);
        assert_eq!(names(directory.path()), [next]);
    }
}

#[test]
fn what_a_living_maker_makes_stays_and_gets_its_name() {
    let directory = tempfile::tempdir_in(in_memory()).unwrap();
    let path = directory.path().join("first");
    let Some(mut maker) = half_way(&path) else { return };
    let hidden = names(directory.path());
    for name in ["second", "third"] {
        make(directory.path(), name);
        assert!(names(directory.path()).contains(&hidden[0]), "{name}");
    }
    // Nor does another that makes one by halves.
    let other = half_way(&directory.path().join("fourth")).expect("as before");
    assert!(names(directory.path()).contains(&hidden[0]));
    other.kill();
    maker.tell("go on");
    maker.expect("Ok(7)");
    let found: Mutex<u64> = Options::new().attach_at(&path).unwrap();
    drop(found);
    maker.finish();
    make(directory.path(), "fifth");
    assert_eq!(names(directory.path()), ["fifth", "first", "second", "third"]);
}
