//! Machines and processes that are not as usual: without `/proc` or a part of it, without
//! `/dev/shm`, with a strict umask, with a limit on the length of files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::{Pid, Signal, geteuid, kill_process};

use crate::child::{Child, command};
use crate::servant::{directory, directory_in, elsewhere, may_be_others, servant};

/// Each hides another part of `/proc`.
const HIDDEN_IN_PART: [&str; 3] = [
    "mount -t proc -o subset=pid proc /proc",
    "mount -t proc -o hidepid=invisible proc /proc",
    "mount -t proc -o hidepid=ptraceable proc /proc",
];
const NO_PROC: &str = "mount -t tmpfs none /proc";

/// Nobody in particular, and not the superuser.
const SOMEBODY: u32 = 12_001;

fn at(directory: &Path) -> String {
    format!("at={}", directory.join("segment").display())
}

#[track_caller]
fn says(child: &Child, all: &[&str]) {
    let said = child.hear();
    for words in all {
        assert!(said.contains(words), "{said:?} has not {words:?}");
    }
}

/// What each of these makes, and uses: the superuser, and somebody else if that is possible.
fn users() -> Vec<Option<String>> {
    let somebody = geteuid().is_root().then(|| Some(format!("uid={SOMEBODY}")));
    [None].into_iter().chain(somebody).collect()
}

#[test]
fn a_segment_works_where_a_part_of_proc_is_hidden() {
    for script in HIDDEN_IN_PART {
        for user in users() {
            let directory = directory_of(user.as_deref());
            let user = user.unwrap_or_default();
            for place in [at(directory.path()), "memory".to_owned()] {
                let Some(mut child) = elsewhere(script, &[&place, &user]) else { continue };
                child.expect("joined");
                assert_eq!(child.ask("lock"), "1");
                assert_eq!(child.ask("leave"), "out");
                assert_eq!(child.ask("status"), "1 false");
                child.finish();
            }
        }
    }
}

fn directory_of(user: Option<&str>) -> tempfile::TempDir {
    let user = user.map_or(geteuid().as_raw(), |_| SOMEBODY);
    directory(user, rustix::process::getegid().as_raw(), 0o700)
}

/// Those who see it and those who do not share one segment.
#[test]
fn a_segment_with_a_name_works_without_proc() {
    for user in users() {
        let directory = directory_of(user.as_deref());
        let user = user.unwrap_or_default();
        let place = at(directory.path());
        let Some(mut maker) = elsewhere(NO_PROC, &[&place, &user]) else { return };
        maker.expect("joined");
        let Some(mut blind) = elsewhere(NO_PROC, &[&place, &user]) else { return };
        blind.expect("joined");
        let mut seeing = servant(&[&place, &user]);
        seeing.expect("joined");
        for (count, child) in [&mut maker, &mut blind, &mut seeing].into_iter().enumerate() {
            assert_eq!(child.ask("lock"), (count + 1).to_string());
            assert_eq!(child.ask("status"), "what?");
            assert_eq!(child.ask("leave"), "out");
            assert_eq!(child.ask("status"), "3 false");
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        [maker, blind, seeing].into_iter().for_each(Child::finish);
    }
}

#[test]
fn a_death_is_found_without_proc() {
    let directory = directory_of(None);
    let place = at(directory.path());
    for keeps_its_descriptors in [false, true] {
        let mut others = Vec::new();
        let Some(mut dies) = elsewhere(NO_PROC, &[&place]) else { return };
        dies.expect("joined");
        for script in [NO_PROC, "true"] {
            let Some(other) = elsewhere(script, &[&place]) else { return };
            other.expect("joined");
            others.push(other);
        }
        dies.tell("lock");
        dies.hear();
        let child = keeps_its_descriptors.then(|| dies.ask("leave a child"));
        for other in &mut others {
            other.tell("lock");
        }
        if child.is_some() && !tells_pid_namespaces() {
            println!("SKIPPED: this kernel tells its pid namespaces in /proc only");
            return;
        }
        dies.kill();
        for other in &others {
            says(other, &["OwnerDied", "died inside"]);
        }
        assert_ne!(others[0].ask("repair"), "");
        assert_eq!(others[0].ask("leave"), "out");
        others.into_iter().for_each(Child::finish);
        if let Some(child) = child {
            let child = Pid::from_raw(child.parse().unwrap()).unwrap();
            kill_process(child, Signal::KILL).unwrap();
        }
    }
}

/// Since Linux 6.11.
fn tells_pid_namespaces() -> bool {
    let version = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = version.split(['.', '-']).map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap(), numbers.next().unwrap()) >= (6, 11)
}

#[test]
fn what_needs_proc_says_what_of_it_and_what_to_do() {
    let disk = tempfile::tempdir().unwrap();
    let kinds_of_proc = [NO_PROC, "mount -t proc -o subset=pid proc /proc"];
    let on_a_disk = !is_in_memory(disk.path());
    for script in kinds_of_proc.into_iter().filter(|_| on_a_disk) {
        let place = at(disk.path());
        let Some(child) = elsewhere(script, &[&place]) else { return };
        says(&child, &["Io", &place[3..], "/proc/sys/kernel/random/boot_id", "mount", "tmpfs"]);
        assert_eq!(fs::read_dir(disk.path()).unwrap().count(), 0);
    }
    let Some(child) = elsewhere(NO_PROC, &["memory"]) else { return };
    says(&child, &["Io", "an anonymous segment", "/proc/self/fd", "mount", "with a name"]);
}

fn is_in_memory(path: &Path) -> bool {
    rustix::fs::statfs(path).unwrap().f_type == 0x0102_1994
}

#[test]
fn without_the_directory_of_names_one_is_told_how_to_have_another() {
    let parent = directory_of(None);
    let other = parent.path().join("names");
    for script in [
        "mount -t tmpfs -o ro none /dev/shm",
        "mount -t tmpfs none /dev",
        "mount -t tmpfs none /dev/shm; mkdir -m 700 /dev/shm/bakery-lock-$(id -u); mount -o remount,ro /dev/shm",
    ] {
        // Where names may be besides.
        let script = format!("mount -t tmpfs none /run; {script}");
        let Some(child) = elsewhere(&script, &["name=count"]) else { return };
        says(&child, &["Io", "/dev/shm/bakery-lock-", "BAKERY_LOCK_DIR"]);
    }
    let settings = ["name=count", "umask=077"];
    let mut elsewhere = command("serves", &settings);
    let child = Child::spawn(elsewhere.env("BAKERY_LOCK_DIR", &other));
    child.expect("joined");
    child.finish();
}

#[test]
fn of_a_foreign_directory_one_is_told_whose_it_is() {
    if !may_be_others() {
        return;
    }
    let parent = directory(0, 0, 0o755);
    for mode in [0o700, 0o755, 0] {
        let foreign = directory_in(parent.path(), SOMEBODY + 1, 0, mode);
        let user = format!("uid={SOMEBODY}");
        let mut command = command("serves", &["name=count", &user]);
        let child = Child::spawn(command.env("BAKERY_LOCK_DIR", foreign.path()));
        says(&child, &["Foreign", "user 12002", "user 12001", "BAKERY_LOCK_DIR"]);
        fs::set_permissions(foreign.path(), fs::Permissions::from_mode(0o700)).unwrap();
    }
}

#[test]
fn of_a_foreign_file_one_is_told_whose_it_is() {
    if !may_be_others() {
        return;
    }
    let directory = directory(0, 0, 0o777);
    let place = at(directory.path());
    let owner = servant(&[&place, "uid=12002"]);
    owner.expect("joined");
    let child = servant(&[&place, &format!("uid={SOMEBODY}")]);
    says(&child, &["Foreign", "user 12002", "user 12001"]);
    owner.finish();
}

#[test]
fn those_who_make_a_directory_at_once_find_one_finished() {
    let parent = tempfile::tempdir().unwrap();
    for (number, access) in ["access=everybody", ""].into_iter().enumerate() {
        let names = parent.path().join(number.to_string());
        let start = |_| {
            let mut command = command("serves", &["name=count", "umask=0777", access]);
            Child::spawn(command.env("BAKERY_LOCK_DIR", names.join("made")))
        };
        fs::create_dir_all(&names).unwrap();
        let all: Vec<_> = (0..8).map(start).collect();
        for child in &all {
            child.expect("joined");
        }
        assert_eq!(fs::read_dir(names.join("made")).unwrap().count(), 1);
        all.into_iter().for_each(Child::finish);
        fs::remove_dir_all(names.join("made")).unwrap();
        assert_eq!(fs::read_dir(&names).unwrap().count(), 0);
    }
}

/// Its own user can use it again, and nobody else can.
#[test]
fn a_strict_umask_takes_nothing_away_that_is_needed() {
    let user = if geteuid().is_root() { SOMEBODY } else { geteuid().as_raw() };
    let parent = directory(user, user, 0o700);
    for mask in ["0777", "0177", "0277", "0477", "0577", "0077", "0000"] {
        let names = parent.path().join(mask);
        for (count, mask) in [("1", mask), ("2", "0022")] {
            // The superuser may open everything.
            let user = if geteuid().is_root() { &format!("uid={user}") } else { "" };
            let mut command = command("serves", &["name=count", user, &format!("umask={mask}")]);
            let mut child = Child::spawn(command.env("BAKERY_LOCK_DIR", &names));
            child.expect("joined");
            assert_eq!(child.ask("lock"), count, "{mask}");
            child.finish();
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode(&names), mode(&names.join("count"))), (0o700, 0o600), "{mask}");
    }
    // No directory that was not finished.
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 7);
}

#[test]
fn a_limit_on_the_length_of_files_is_an_error_and_no_end() {
    let (memory, disk) = (directory_of(None), tempfile::tempdir().unwrap());
    for place in [at(memory.path()), at(disk.path()), "memory".to_owned()] {
        for limit in ["limit=0", "limit=1", "limit=4096"] {
            let child = servant(&[&place, limit]);
            says(&child, &["Io", "code: 27", "RLIMIT_FSIZE", "ulimit -f"]);
            child.finish();
        }
        let child = servant(&[&place, "limit=1000000000"]);
        child.expect("joined");
        child.finish();
    }
    for directory in [memory, disk] {
        let path = directory.path().join("segment");
        // Whoever uses what is there makes nothing longer.
        let mut child = servant(&[&at(directory.path()), "limit=0"]);
        child.expect("joined");
        assert_eq!(child.ask("lock"), "1");
        child.finish();
        fs::remove_file(&path).unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}

#[test]
fn one_that_has_become_another_user_is_told_to_join_before() {
    if !may_be_others() {
        return;
    }
    let directory = directory(0, 0, 0o755);
    let child = servant(&[&at(directory.path()), "uid-once-open=12001"]);
    says(&child, &["Io", "join before `setuid`", "Options::access"]);
    // What is for everybody is for that one too.
    let place = format!("at={}", directory.path().join("other").display());
    let child = servant(&[&place, "access=everybody", "uid-once-open=12001"]);
    child.expect("joined");
    child.finish();
    // As is memory without a name, of which it has the descriptor.
    let child = servant(&["memory", "uid-once-open=12001"]);
    child.expect("joined");
    child.finish();
}

#[test]
fn on_an_overlay_mount_a_segment_works_for_those_who_use_that_mount() {
    let (directory, script) = overlay();
    for count in ["1", "2", "3"] {
        let place = at(&directory.path().join("merged"));
        let Some(mut child) = elsewhere(&script, &[&place]) else { return };
        child.expect("joined");
        assert_eq!(child.ask("lock"), count);
        assert_eq!(child.ask("leave"), "out");
        child.finish();
    }
}

/// Through the mount and through its upper directory one has the same memory, and other locks.
#[test]
fn whoever_comes_by_an_overlay_mounts_upper_directory_takes_nobody_for_dead() {
    let (directory, script) = overlay();
    let [merged, upper] = ["merged", "upper"].map(|name| at(&directory.path().join(name)));
    for ends in [Child::finish, Child::kill] {
        let Some(mut inside) = elsewhere(&script, &[&merged]) else { return };
        inside.expect("joined");
        assert!(inside.ask("lock").parse::<u64>().is_ok());
        let mut other = servant(&[&upper]);
        other.expect("joined");
        assert_eq!(other.ask("status"), "2 true");
        other.tell("lock");
        other.until_asleep();
        // Many looks.
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert_eq!(inside.ask("leave"), "out");
        assert!(other.hear().parse::<u64>().is_ok());
        assert_eq!(other.ask("leave"), "out");
        ends(inside);
        other.finish();
    }
}

/// As when a container is stopped and started again: the mount is another one.
#[test]
fn a_death_is_found_after_an_overlay_has_been_mounted_anew() {
    let (directory, script) = overlay();
    let place = at(&directory.path().join("merged"));
    let Some(mut dies) = elsewhere(&script, &[&place]) else { return };
    dies.expect("joined");
    assert_eq!(dies.ask("lock"), "1");
    dies.kill();
    let Some(mut next) = elsewhere(&script, &[&place]) else { return };
    next.expect("joined");
    assert!(next.ask("lock").contains("OwnerDied"));
    assert_eq!(next.ask("repair"), "2");
    assert_eq!(next.ask("leave"), "out");
    next.finish();
}

/// The directory, and what mounts `merged` in it.
fn overlay() -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    for name in ["lower", "upper", "work", "merged"] {
        fs::create_dir(directory.path().join(name)).unwrap();
    }
    let script = format!(
        "cd {}; mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work none merged",
        directory.path().display()
    );
    (directory, script)
}
