//! Where segments with a name live.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::id;

use bakery_lock::shared::{Error, Mutex, Options};
use rustix::fs::Mode;
use rustix::process::{geteuid, umask};

use crate::child::{Child, command, say};
use crate::outcome::Opened;

/// Where names live instead of in shared memory.
const DIRECTORY: &str = "BAKERY_LOCK_DIR";

/// Removed when dropped, as the segments themselves are not.
struct Leftover(PathBuf);

impl Drop for Leftover {
    fn drop(&mut self) {
        fs::remove_file(&self.0).unwrap();
    }
}

fn opens(directory: Option<&Path>, name: &str) -> Child {
    let mut command = command("opens by name", &[name]);
    match directory {
        Some(path) => command.env(DIRECTORY, path),
        None => command.env_remove(DIRECTORY),
    };
    Child::spawn(&mut command)
}

/// Opens it in every way, with all permissions left to the library.
pub fn opens_by_name(arguments: &[&str]) {
    let name = arguments[0];
    umask(Mode::empty());
    let missing: Opened = Options::new().attach(name);
    let mutex: Mutex<u64> = Mutex::open(name, 40).unwrap();
    assert_refused!(Options::new().create(name, 0), Error::Exists { .. }, "it is there");
    let again: Mutex<u64> = Options::new().attach(name).unwrap();
    *mutex.join().unwrap().lock().unwrap() += 1;
    let count = *again.join().unwrap().lock().unwrap();
    say(if matches!(missing, Err(Error::NotFound { .. })) { "made it" } else { "found it" });
    say(&count.to_string());
}

/// Two processes, one after the other, find the same segment there, and nobody else may.
fn is_shared_at(directory: Option<&Path>, name: &str, path: &Path) {
    let leftover = Leftover(path.to_owned());
    for (outcome, count) in [("made it", "41"), ("found it", "42")] {
        let child = opens(directory, name);
        child.expect(outcome);
        child.expect(count);
        child.finish();
    }
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&leftover.0), 0o600);
    assert_eq!(mode(leftover.0.parent().unwrap()), 0o700);
}

#[test]
fn a_name_is_in_the_directory_that_is_asked_for() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("bakery-lock");
    for name in ["count", "two words", "línea", "a\\b", &"n".repeat(255)] {
        is_shared_at(Some(&directory), name, &directory.join(name));
    }
}

#[test]
fn unless_asked_otherwise_it_is_in_shared_memory() {
    let name = format!("test-{}", id());
    let directory = PathBuf::from(format!("/dev/shm/bakery-lock-{}", geteuid().as_raw()));
    let path = directory.join(&name);
    is_shared_at(None, &name, &path);
    assert_eq!(Options::path_of(&name).unwrap(), path);
}

/// Something else in place of the user's directory, and the beginning of what is said about it.
type Obstacle = (&'static str, fn(&Path), &'static str);

#[test]
fn a_directory_that_others_may_use_is_refused() {
    const OBSTACLES: [Obstacle; 6] = [
        ("a link to a directory", |path| link_to(path, "elsewhere"), "Io"),
        ("a link to nowhere", |path| symlink("nowhere", path).unwrap(), "Io"),
        ("a file", |path| fs::write(path, "").unwrap(), "Io"),
        ("a directory for all", |path| directory(path, 0o777), "Exposed"),
        ("a directory for the group", |path| directory(path, 0o750), "Exposed"),
        ("a sticky directory", |path| directory(path, 0o1777), "Exposed"),
    ];
    let foreign: Obstacle = ("another user's directory", give_away, "Foreign");
    if !geteuid().is_root() {
        println!("{} is skipped: only the superuser may give it away", foreign.0);
    }
    let foreign = geteuid().is_root().then_some(foreign);
    for (what, make, expected) in OBSTACLES.into_iter().chain(foreign) {
        let runtime = tempfile::tempdir().unwrap();
        let directory = runtime.path().join("bakery-lock");
        make(&directory);
        let child =
            Child::spawn(command("is refused by name", &["count"]).env(DIRECTORY, &directory));
        for _ in 0..3 {
            let said = child.hear();
            assert!(said.starts_with(expected), "{what}: {said}");
        }
        child.finish();
        for place in ["bakery-lock", "elsewhere"] {
            assert!(!runtime.path().join(place).join("count").exists(), "{what}");
        }
    }
}

#[test]
fn a_directory_is_made_and_its_parents_are_not() {
    let parent = tempfile::tempdir().unwrap();
    let missing = parent.path().join("missing");
    for (directory, expected) in [
        (missing.join("bakery-lock").as_path(), "Io"),
        (Path::new("relative"), "BadName"),
        (Path::new(""), "BadName"),
    ] {
        let child =
            Child::spawn(command("is refused by name", &["count"]).env(DIRECTORY, directory));
        assert!(child.hear().starts_with(expected));
        child.finish();
    }
    assert!(!missing.exists());
}

fn directory(path: &Path, mode: u32) {
    fs::create_dir(path).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn link_to(path: &Path, name: &str) {
    directory(&path.with_file_name(name), 0o700);
    symlink(name, path).unwrap();
}

fn give_away(path: &Path) {
    directory(path, 0o700);
    chown(path, Some(1), None).unwrap();
}

pub fn is_refused_by_name(arguments: &[&str]) {
    let (name, options) = (arguments[0], Options::new());
    for outcome in [options.open(name, 0), options.create(name, 0), options.attach(name)] {
        let outcome: Opened = outcome;
        say(&format!("{:?}", outcome.unwrap_err()));
    }
}
