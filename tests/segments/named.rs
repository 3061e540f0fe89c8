//! Where segments with a name live.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::id;

use bakery_lock::shared::{Error, Mutex, Options};
use rustix::fs::Mode;
use rustix::process::{geteuid, umask};

use crate::child::{Child, command, say};
use crate::forgery::on_a_disk;
use crate::mounts::unshared;
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
fn unless_asked_otherwise_it_is_in_memory() {
    let name = format!("test-{}", id());
    let path = Options::path_of(&name).unwrap();
    let user = geteuid().as_raw();
    let places =
        ["/run/lock", "/dev/shm"].map(|at| PathBuf::from(format!("{at}/bakery-lock-{user}")));
    assert!(places.contains(&path.parent().unwrap().to_owned()), "{}", path.display());
    is_shared_at(None, &name, &path);
}

/// The place depends on what `/run/lock` is, and on nothing else.
#[test]
fn names_are_where_no_log_out_removes_them_if_everybody_may_make_files_there() {
    let cases = [
        ("mode=1777,size=5m", "/run/lock"),
        ("mode=1777", "/run/lock"),
        ("mode=755", "/dev/shm"),
        ("mode=777", "/dev/shm"),
        ("mode=1775", "/dev/shm"),
    ];
    let mut part = command("says its place", &["count"]);
    part.env_remove(DIRECTORY);
    for (options, expected) in cases {
        for runtime in ["/run/user/0", "/nowhere"] {
            part.env("XDG_RUNTIME_DIR", runtime).env("TMPDIR", runtime);
            let script = r#"
                mount -t tmpfs tmpfs /dev/shm
                mkdir -p /run/lock && mount -t tmpfs -o "$1" tmpfs /run/lock && shift && exec "$@"
            "#;
            let Some(mut command) = unshared(script, &[options], &part) else { return };
            let child = Child::spawn(&mut command);
            let said = child.hear();
            assert!(said.starts_with(&format!("{expected}/bakery-lock-")), "{options}: {said}");
            child.finish();
        }
    }
    // On a disk it would outlive the machine.
    let disk =
        r#"mount -t tmpfs tmpfs /dev/shm; mount --bind "$1" /run/lock && shift && exec "$@""#;
    let Some(parent) = on_a_disk() else { return };
    let directory = tempfile::tempdir_in(parent).unwrap();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o1777)).unwrap();
    let at = directory.path().to_str().unwrap();
    let child = Child::spawn(&mut unshared(disk, &[at], &part).unwrap());
    assert!(child.hear().starts_with("/dev/shm/bakery-lock-"));
    child.finish();
}

pub fn says_its_place(arguments: &[&str]) {
    let path = Options::path_of(arguments[0]).unwrap();
    let mutex: Mutex<u64> = Mutex::open(arguments[0], 40).unwrap();
    assert_eq!(*mutex.join().unwrap().lock().unwrap(), 40);
    assert!(path.exists());
    say(path.to_str().unwrap());
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
