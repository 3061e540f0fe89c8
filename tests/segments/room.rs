//! File systems that are full.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bakery_lock::shared::{Error, Mutex, Options};
use rustix::fs::statvfs;

use crate::child::{Child, command};
use crate::outcome::Opened;

/// A program, in a user namespace with a mount namespace of its own: there everybody may mount.
fn unshared() -> Command {
    let mut command = Command::new("unshare");
    command.args(["-Urm", "--"]);
    command
}

#[test]
fn a_full_file_system_is_an_error_and_nothing_is_left_there() {
    let permitted = unshared().arg("true").stderr(Stdio::null()).status();
    if !permitted.is_ok_and(|status| status.success()) {
        println!("skipped: no user namespaces here, or no unshare(1)");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let part = command("fills up", &[directory.path().to_str().unwrap()]);
    let mount = r#"mount -t tmpfs -o size=64k,mode=700 tmpfs "$1" && shift && exec "$@""#;
    let mut command = unshared();
    command.args(["sh", "-c", mount, "sh"]).arg(directory.path());
    command.arg(part.get_program()).args(part.get_args());
    command.envs(part.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Child::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped())).finish();
}

const LARGE: usize = 100_000;

#[expect(clippy::large_stack_arrays, reason = "the initial value is passed by value")]
pub fn fills_up(arguments: &[&str]) {
    let directory = Path::new(arguments[0]);
    let free = || statvfs(directory).unwrap().f_bfree;
    let files = || fs::read_dir(directory).unwrap().count();
    let path = |number: usize| -> PathBuf { directory.join(number.to_string()) };
    assert!(statvfs(directory).unwrap().f_blocks <= 16);
    let is_full = |outcome: Error, path: &Path| {
        let message = outcome.to_string();
        assert!(matches!(outcome, Error::Io { .. }), "{message}");
        assert!(message.starts_with(path.to_str().unwrap()), "{message}");
        assert!(message.contains("No space left"), "{message}");
    };

    let before = free();
    let large: Opened<[u8; LARGE]> = Options::new().open_at(path(0), [0; LARGE]);
    is_full(large.unwrap_err(), &path(0));
    assert_eq!((free(), files()), (before, 0));

    // One after the other, all in use.
    let mut all: Vec<Mutex<[u8; 5000]>> = Vec::new();
    let error = loop {
        let before = free();
        // With so many slots there are pages in the middle that nobody has written to yet.
        match Options::new().slots(32).open_at(path(all.len()), [1; 5000]) {
            Ok(mutex) => all.push(mutex),
            Err(error) => {
                assert_eq!(free(), before);
                break error;
            }
        }
        assert!(all.len() <= 16);
    };
    is_full(error, &path(all.len()));
    assert!(all.len() > 1);
    assert_eq!(files(), all.len());

    // Not one byte is left, and what is there has all its memory.
    fs::write(directory.join("filler"), vec![0; LARGE]).unwrap_err();
    assert_eq!(free(), 0);
    for mutex in &all {
        let mut me = mutex.join().unwrap();
        let mut data = me.lock().unwrap();
        assert!(data.iter().all(|byte| *byte == 1));
        data.fill(2);
    }
    let count = all.len();
    drop(all);
    (0..count).for_each(|number| Options::remove_at(path(number)).unwrap());
    fs::remove_file(directory.join("filler")).unwrap();
    assert_eq!((free(), files()), (before, 0));
}
