//! Memory: how much a segment takes, and file systems that are full.

use std::fs;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bakery_lock::shared::{Error, Kind, Mutex, Options};
use rustix::fs::{fstat, statvfs};

use crate::child::{Child, command};
use crate::old_kernel::refuse_unnamed_files;
use crate::outcome::Opened;

/// A program, in a user namespace with a mount namespace of its own: there everybody may mount.
fn unshared() -> Command {
    let mut command = Command::new("unshare");
    command.args(["-Urm", "--"]);
    command
}

/// A part played on a file system of its own, so large.
fn on_a_small_file_system(size: &str, role: &str) {
    let permitted = unshared().arg("true").stderr(Stdio::null()).status();
    if !permitted.is_ok_and(|status| status.success()) {
        println!("skipped: no user namespaces here, or no unshare(1)");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let part = command(role, &[directory.path().to_str().unwrap()]);
    let mount = r#"mount -t tmpfs -o size="$1",mode=700 tmpfs "$2" && shift 2 && exec "$@""#;
    let mut command = unshared();
    command.args(["sh", "-c", mount, "sh", size]).arg(directory.path());
    command.arg(part.get_program()).args(part.get_args());
    command.envs(part.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Child::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped())).finish();
}

#[test]
fn a_full_file_system_is_an_error_and_nothing_is_left_there() {
    on_a_small_file_system("64k", "fills up");
}

/// Nor where files cannot be without a name.
#[test]
fn a_full_file_system_keeps_nothing_under_a_hidden_name() {
    on_a_small_file_system("64k", "fills up under hidden names");
}

pub fn fills_up_under_hidden_names(arguments: &[&str]) {
    if refuse_unnamed_files() {
        fills_up(arguments);
    }
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

#[test]
fn a_full_file_system_keeps_out_who_comes_and_nobody_who_is_there() {
    on_a_small_file_system("64k", "fills up while it joins");
}

pub fn fills_up_while_it_joins(arguments: &[&str]) {
    let directory = Path::new(arguments[0]);
    // So many that the first ones' parts lie across the ends of pages, which are there as a whole.
    let options = Options::new().slots(1018);
    let mutex: Mutex<u64> = options.create_at(directory.join("segment"), 0).unwrap();
    let filler = directory.join("filler");
    fs::write(&filler, vec![0; LARGE]).unwrap_err();
    assert_eq!(statvfs(directory).unwrap().f_bfree, 0);
    let mut there = Vec::new();
    let error = loop {
        match mutex.join() {
            Ok(participant) => there.push(participant),
            Err(error) => break error,
        }
    };
    // For some there is always room.
    assert!((16..64).contains(&there.len()), "{}", there.len());
    assert!(matches!(error, Error::Io { .. }), "{error}");
    assert!(error.to_string().contains("No space left"), "{error}");
    for participant in &mut there {
        *participant.lock().unwrap() += 1;
    }
    let status = mutex.status().unwrap();
    assert_eq!((status.joined as usize, status.dead.len()), (there.len(), 0));
    // Whoever goes makes room for one; and when there is space again, so there is for others.
    there.pop();
    there.push(mutex.join().unwrap());
    mutex.join().unwrap_err();
    fs::remove_file(&filler).unwrap();
    let mut late = mutex.join().unwrap();
    *late.lock().unwrap() += 1;
    assert_eq!(*late.lock().unwrap(), status.acquisitions + 1);
}

/// In bytes.
fn memory(segment: impl AsFd) -> i64 {
    fstat(segment).unwrap().st_blocks * 512
}

const PAGE: i64 = 4096;

/// However many there is room for, those cost that come.
#[test]
fn a_segment_takes_as_much_memory_as_there_are_who_have_joined() {
    for kind in Kind::ALL {
        let mutex: Mutex<[u64; 8]> = Options::new().kind(kind).anonymous([0; 8]).unwrap();
        let fresh = memory(&mutex);
        assert!(fresh <= 8 * PAGE, "{kind}: {fresh}");
        let some = mutex.slots().min(16);
        let mut participants: Vec<_> = (0..some).map(|_| mutex.join().unwrap()).collect();
        for participant in &mut participants {
            participant.lock().unwrap()[0] += 1;
        }
        assert_eq!(mutex.status().unwrap().joined, some);
        assert_eq!(memory(&mutex), fresh, "{kind}");
        let most = mutex.slots().min(300);
        participants.extend((some..most).map(|_| mutex.join().unwrap()));
        for participant in &mut participants {
            participant.lock().unwrap()[0] += 1;
        }
        let grown = memory(&mutex) - fresh;
        assert!(grown <= i64::from(most) * 256 + 3 * PAGE, "{kind}: {grown}");
    }
}
