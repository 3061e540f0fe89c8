//! What a loss of power leaves.

use std::fs;
use std::path::Path;

use bakery_lock::shared::{Error, Kind, Mutex, Options, Origin};

use crate::child::{Child, command, hear, say};
use crate::forgery::{Forgery, in_memory, on_a_disk, write_anew};
use crate::mounts::unshared;
use crate::removal::remove;

#[test]
fn what_was_never_durable_counts_as_never_made() {
    let Some(disk) = on_a_disk() else { return };
    let forgery = Forgery::new_in(disk, Kind::Bakery, 8);
    let options = Options::new();
    for zeros in [0, forgery.genuine.len(), forgery.genuine.len() + 100_000] {
        let bytes = vec![0; zeros];
        write_anew(&forgery.path, &bytes);
        let attached = options.attach_at(&forgery.path);
        assert_refused!(attached, Error::NotFound { .. }, "attach, {zeros}");
        let seen = Options::status_at(&forgery.path);
        assert!(matches!(&seen, Err(Error::NotFound { .. })), "{zeros}: {seen:?}");
        assert_eq!(fs::read(&forgery.path).unwrap(), bytes);
        for create in [false, true] {
            write_anew(&forgery.path, &bytes);
            let mutex: Mutex<u64> = if create {
                options.create_at(&forgery.path, 8).unwrap()
            } else {
                options.open_at(&forgery.path, 8).unwrap()
            };
            assert_eq!((mutex.origin(), *mutex.join().unwrap().lock().unwrap()), (Origin::Made, 8));
        }
        write_anew(&forgery.path, &bytes);
        remove(&forgery.path);
    }
    assert_eq!(fs::read_dir(forgery.path.parent().unwrap()).unwrap().count(), 0);
}

#[test]
fn what_has_something_in_it_or_is_too_short_is_somebody_elses() {
    let Some(disk) = on_a_disk() else { return };
    let forgery = Forgery::new_in(disk, Kind::Bakery, 8);
    let length = forgery.genuine.len();
    for one in [8, 255, 256, 5000.min(length - 2), length - 1] {
        let mut bytes = vec![0; length];
        bytes[one] = 1;
        stays(&forgery, &bytes);
    }
    stays(&forgery, &[0; 1]);
    stays(&forgery, &[0; 1000]);
}

/// Where files are memory, nothing is lost by a loss of power but everything.
#[test]
fn in_memory_zeros_are_somebody_elses() {
    let forgery = Forgery::new_in(in_memory(), Kind::Bakery, 8);
    stays(&forgery, b"");
    stays(&forgery, &vec![0; forgery.genuine.len()]);
}

fn stays(forgery: &Forgery, bytes: &[u8]) {
    write_anew(&forgery.path, bytes);
    for _ in 0..2 {
        assert_refused!(
            Options::new().open_at(&forgery.path, 8),
            Error::NotASegment { .. },
            "open"
        );
        let outcome = Options::remove_at(&forgery.path);
        assert!(matches!(&outcome, Err(Error::NotASegment { .. })), "{outcome:?}");
        assert_eq!(fs::read(&forgery.path).unwrap(), bytes);
    }
}

/// On a file system of its own, whose disk is copied while it is used, as it stands when power fails.
#[test]
fn a_segment_is_durable_when_it_has_been_opened() {
    let Some(disk) = on_a_disk() else { return };
    let directory = tempfile::tempdir_in(disk).unwrap();
    let part = command("loses power", &[directory.path().to_str().unwrap()]);
    let script = r#"
        cd "$1" && shift
        mkdir before after
        truncate -s 16M before.img
        mkfs.ext4 -q before.img || { echo '>> skipped'; exit; }
        mount -o loop before.img before || { echo '>> skipped'; exit; }
        exec "$@"
    "#;
    let arguments = [directory.path().to_str().unwrap()];
    let Some(mut command) = unshared(script, &arguments, &part) else { return };
    let child = Child::spawn(&mut command);
    if child.hear() == "skipped" {
        println!("SKIPPED: no mkfs.ext4, or no loop devices");
    }
    child.finish();
}

pub fn loses_power(arguments: &[&str]) {
    say("mounted");
    let at = |name: &str| Path::new(arguments[0]).join(name);
    let names = ["opened", "removed", "anew"];
    let open = |place: &str, name: &str| -> Mutex<u64> {
        Options::new().open_at(at(place).join(name), 5).unwrap()
    };
    let mutex = open("before", "opened");
    drop(open("before", "removed"));
    Options::remove_at(at("before/removed")).unwrap();
    write_anew(&at("before/anew"), b"");
    let token = open("before", "anew").join().unwrap().lock().unwrap().token();
    // Nobody has synchronized anything.
    fs::copy(at("before.img"), at("after.img")).unwrap();
    let mount = process(&[
        "mount",
        "-o",
        "loop",
        at("after.img").to_str().unwrap(),
        at("after").to_str().unwrap(),
    ]);
    assert!(mount.success());
    drop(mutex);
    let found: Vec<_> = names.map(|name| fs::exists(at("after").join(name)).unwrap()).into();
    assert_eq!(found, [true, false, true]);
    let again = open("after", "opened");
    assert_eq!((again.origin(), *again.join().unwrap().lock().unwrap()), (Origin::Found, 5));
    let anew = open("after", "anew");
    assert_eq!(anew.origin(), Origin::Found);
    assert!(anew.join().unwrap().lock().unwrap().token() > token - 1);
    assert_eq!(hear(), None);
}

fn process(words: &[&str]) -> std::process::ExitStatus {
    std::process::Command::new(words[0]).args(&words[1..]).status().unwrap()
}
