//! Files that are no segments, and names that are no files'.

use std::fs::{self, File, Permissions};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use bakery_lock::shared::{Error, Kind, Mutex, Options};
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use rustix::process::geteuid;

use crate::child::Child;
use crate::forgery::Forgery;
use crate::outcome::Opened;

#[test]
fn a_missing_segment_is_said_to_be_missing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("segment");
    let name = path.to_str().unwrap();
    let outcome = Options::new().attach_at(&path);
    assert_refused!(outcome, Error::NotFound { segment } if segment == name, "no file");
    let outcome = Options::new().open_at(path.join("segment"), 0);
    assert_refused!(outcome, Error::Io { .. }, "no directory");
    assert!(fs::read_dir(directory.path()).unwrap().next().is_none());
}

#[test]
fn what_exists_is_not_created() {
    let forgery = Forgery::new(Kind::Bakery, 8);
    let create = || Options::new().create_at(&forgery.path, 8);
    assert_refused!(create(), Error::Exists { segment } if segment == forgery.name(), "a segment");
    let mutex: Mutex<u64> = Options::new().open_at(&forgery.path, 8).unwrap();
    assert_eq!(*mutex.join().unwrap().lock().unwrap(), 7);
    fs::write(&forgery.path, "something else").unwrap();
    assert_refused!(create(), Error::Exists { .. }, "another file");
    assert_eq!(fs::read(&forgery.path).unwrap(), b"something else");
    fs::remove_file(&forgery.path).unwrap();
    symlink("nowhere", &forgery.path).unwrap();
    assert_refused!(create(), Error::Exists { .. }, "a link to nowhere");
}

/// A creator that is refused, or that dies, leaves nothing half done: there is one file, or none.
#[test]
fn nothing_else_is_left_in_the_directory() {
    let forgery = Forgery::new(Kind::Bakery, 8);
    let refused: Opened = Options::new().create_at(&forgery.path, 8);
    assert!(refused.is_err());
    let directory = forgery.path.parent().unwrap();
    assert_eq!(fs::read_dir(directory).unwrap().count(), 1);
}

/// Something that is no regular file, made at a path.
type Make = fn(&Path);

fn device(path: &Path, major: u32, minor: u32) {
    let (mode, device) = (Mode::RUSR | Mode::WUSR, makedev(major, minor));
    if mknodat(CWD, path, FileType::CharacterDevice, mode, device).is_err() {
        println!("device {major}:{minor} is skipped: only the superuser may make one");
    }
}

#[test]
fn what_is_no_regular_file_is_refused_and_left_alone() {
    let cases: [(&str, Make); 5] = [
        ("a directory", |path| fs::create_dir(path).unwrap()),
        ("a named pipe", |path| {
            mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        }),
        ("a socket", |path| drop(UnixListener::bind(path).unwrap())),
        ("a device", |path| device(path, 1, 5)),
        ("a device without a driver", |path| device(path, 4000, 1)),
    ];
    for (what, make) in cases {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("segment");
        make(&path);
        if !path.exists() {
            continue;
        }
        let options = Options::new();
        let name = path.to_str().unwrap();
        for outcome in [options.attach_at(&path), options.open_at(&path, 0)] {
            assert_refused!(outcome, Error::NotAFile { segment } if segment == name, "{what}");
        }
        assert_refused!(options.create_at(&path, 0), Error::Exists { .. }, "{what}");
    }
    assert_refused!(Options::new().attach_at("/dev/null"), Error::NotAFile { .. }, "/dev/null");
}

#[test]
fn links_are_not_followed() {
    let forgery = Forgery::new(Kind::Bakery, 8);
    let directory = forgery.path.parent().unwrap();
    for target in
        [forgery.path.as_path(), Path::new("segment"), Path::new("nowhere"), Path::new("link")]
    {
        let link = directory.join("link");
        symlink(target, &link).unwrap();
        for outcome in [Options::new().attach_at(&link), Options::new().open_at(&link, 0)] {
            assert_refused!(outcome, Error::Symlink { segment } if segment == link.to_str().unwrap(), "{}", target.display());
        }
        fs::remove_file(link).unwrap();
    }
    assert!(!directory.join("nowhere").exists());
}

#[test]
fn a_file_that_others_may_use_is_refused() {
    let forgery = Forgery::new(Kind::Bakery, 8);
    let mode = || fs::metadata(&forgery.path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(), 0o600);
    for bit in 0..6 {
        fs::set_permissions(&forgery.path, Permissions::from_mode(0o600 | 1 << bit)).unwrap();
        let outcome = Options::new().attach_at(&forgery.path);
        assert_refused!(outcome, Error::Exposed { mode: found, .. } if *found == mode(), "{:o}", mode());
    }
}

#[test]
fn a_file_of_another_user_is_refused() {
    if !geteuid().is_root() {
        println!("skipped: only the superuser may give files away");
        return;
    }
    let forgery = Forgery::new(Kind::Bakery, 8);
    for uid in [1, 65534, u32::MAX - 1] {
        chown(&forgery.path, Some(uid), None).unwrap();
        for outcome in
            [Options::new().attach_at(&forgery.path), Options::new().open_at(&forgery.path, 0)]
        {
            assert_refused!(outcome, Error::Foreign { owner, user: 0, .. } if *owner == uid, "{uid}");
        }
    }
}

#[test]
fn names_that_cannot_be_files_are_refused() {
    let long = "n".repeat(256);
    for name in ["", ".", "..", ".hidden", "a/b", "/", "/dev/shm/a", "a/", "a\0b", "\0", &long] {
        let options = Options::new();
        for outcome in [
            options.open(name, 0),
            options.create(name, 0),
            options.attach(name),
            Mutex::open(name, 0),
        ] {
            assert_refused!(outcome, Error::BadName { name: found, .. } if found == name, "{name:?}");
        }
    }
}

#[test]
fn paths_that_cannot_be_files_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let at = |end: &str| format!("{}/{end}", directory.path().display());
    for path in [
        at("a\0b"),
        at("a\0"),
        at("segment/"),
        at(""),
        at(".."),
        "/".to_owned(),
        String::new(),
        "..".to_owned(),
    ] {
        let options = Options::new();
        for outcome in
            [options.open_at(&path, 0), options.create_at(&path, 0), options.attach_at(&path)]
        {
            assert_refused!(outcome, Error::BadName { name, .. } if *name == path, "{path:?}");
        }
    }
    let long: Opened = Options::new().open_at(at(&"n".repeat(256)), 0);
    assert_refused!(long, Error::Io { .. }, "a name of 256 bytes");
    let longest: Opened = Options::new().open_at(at(&"n".repeat(255)), 0);
    assert!(longest.is_ok(), "{longest:?}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

/// Memory that is promised and not there would end whoever touches it.
#[test]
fn a_segment_has_all_the_memory_of_those_who_have_joined() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("segment");
    let named: Mutex<u64> = Options::new().slots(200).create_at(&path, 0).unwrap();
    let nameless: Mutex<u64> = Options::new().slots(200).anonymous(0).unwrap();
    for mutex in [named, nameless] {
        let participants: Vec<_> = (0..200).map(|_| mutex.join().unwrap()).collect();
        assert_eq!(participants.len(), 200);
        let metadata = File::from(mutex.as_fd().try_clone_to_owned().unwrap()).metadata().unwrap();
        assert!(metadata.blocks() * 512 >= metadata.len(), "{metadata:?}");
    }
}

/// In a process of its own, which would be killed for touching what is gone.
#[test]
fn a_segment_that_is_cut_off_under_its_users_is_not_joined() {
    let forgery = Forgery::new(Kind::Bakery, 8);
    Child::start("is cut off", &[forgery.name()]).finish();
}

pub fn is_cut_off(arguments: &[&str]) {
    let file = File::options().write(true).open(arguments[0]).unwrap();
    let whole = file.metadata().unwrap().len();
    let mutex: Mutex<u64> = Options::new().attach_at(arguments[0]).unwrap();
    for length in [0, 1, 200, whole - 1, whole + 1] {
        file.set_len(length).unwrap();
        for error in [mutex.join().err(), mutex.status().err()] {
            let is_told = matches!(
                &error,
                Some(Error::WrongLength { segment, expected, found })
                    if segment == arguments[0] && [*expected, *found] == [whole, length]
            );
            assert!(is_told, "{length}: {error:?}");
        }
    }
}

/// A process that may not write cannot take part.
#[test]
fn a_read_only_descriptor_is_refused() {
    let mutex: Mutex<u64> = Options::new().anonymous(0).unwrap();
    let path = format!("/proc/self/fd/{}", mutex.as_fd().as_raw_fd());
    let outcome = Options::new().attach_fd(File::open(path).unwrap());
    assert_refused!(outcome, Error::Io { .. }, "a descriptor for reading");
}
