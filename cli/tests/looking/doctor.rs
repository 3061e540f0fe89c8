//! `bakery doctor`.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::process::Command;

use bakery_lock::shared::Options;
use serde_json::Value;

use crate::support::{Place, SLEEP, exists, held_with, is_free, kill, words};

fn findings(place: &Place, arguments: &[&str]) -> (Option<i32>, String) {
    let output = place.output([&["doctor"], arguments].concat());
    (output.status.code(), String::from_utf8(output.stdout).unwrap().replace("\n      ", " "))
}

#[test]
fn all_is_well_where_it_is() {
    let place = Place::in_memory();
    let _holder = place.start(words(&["run", "x"], &SLEEP));
    place.until("x", held_with(0));
    let _waiter = place.start(words(&["run", "x"], &["--", "true"]));
    place.until("x", held_with(1));
    let (status, said) = findings(&place, &[]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("on tmpfs"), "{said}");
    assert_eq!(said.matches("warn").count(), 0, "{said}");
    // What it made to try the place is gone.
    assert_eq!(fs::read_dir(place.locks()).unwrap().count(), 1);
    let json = place.text(["doctor", "x", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["v"], &json["findings"][0]["level"]), (&1.into(), &"ok".into()));
    assert_eq!(findings(&place, &["none"]).0, Some(0));
}

#[test]
fn a_lock_kept_by_a_descriptor_is_told_of_with_whom_to_kill() {
    let place = Place::in_memory();
    let mut holder = place.start(words(&["run", "x"], &SLEEP));
    let command = place.until("x", held_with(0))["holders"][0]["pid"].clone();
    holder.kill_it_alone();
    let (status, said) = findings(&place, &["x"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains(&format!("kill {command}")), "{said}");
    kill(&command);
    place.until("x", is_free);
    let (status, said) = findings(&place, &[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains(&format!("dead participant: {}", holder.id())), "{said}");
    place.text(["run", "x", "--", "true"]);
    assert_eq!(findings(&place, &[]).0, Some(0));
}

#[test]
fn locks_taken_in_opposite_orders_are_a_deadlock() {
    let place = Place::in_memory();
    let bakery = env!("CARGO_BIN_EXE_bakery");
    let start = |first: &str, second: &str| {
        let inner = format!("until [ -e go ]; do sleep .01; done; {bakery} run {second} -- true");
        place.start(["run", first, "--", "sh", "-c", &inner])
    };
    let _processes = [start("a", "b"), start("b", "a")];
    place.until("a", held_with(0));
    place.until("b", held_with(0));
    assert_eq!(findings(&place, &[]).0, Some(0));
    fs::write(place.path("go"), "").unwrap();
    let pid = |name: &str| place.until(name, held_with(1))["queue"][0]["pid"].clone();
    let (for_a, for_b) = (pid("a"), pid("b"));
    for arguments in [&[][..], &["a"]] {
        let (status, said) = findings(&place, arguments);
        assert_eq!(status, Some(1), "{said}");
        assert_eq!(said.matches("deadlock").count(), 1, "{said}");
        for part in [
            format!("{for_a} has b and waits for a"),
            format!("{for_b} has a and waits for b"),
            "one of them: kill".to_owned(),
        ] {
            assert!(said.contains(&part), "{part}: {said}");
        }
    }
}

#[test]
fn what_is_damaged_exposed_or_cleaned_away_is_told_of() {
    let place = Place::in_memory();
    place.text(["run", "x", "--", "true"]);
    fs::write(place.locks().join("junk"), "not a lock at all").unwrap();
    fs::set_permissions(place.locks().join("junk"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(place.locks().join(".bakery-lock-1-2"), "").unwrap();
    let (status, said) = findings(&place, &[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("junk") && said.contains("left behind"), "{said}");
    let above = place.path("above");
    fs::create_dir(&above).unwrap();
    fs::set_permissions(&above, fs::Permissions::from_mode(0o777)).unwrap();
    let below = above.join("locks");
    let (status, said) = findings(&place, &["--dir", below.to_str().unwrap()]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("others may write to") && said.contains("chmod go-w"), "{said}");
    fs::set_permissions(place.locks(), fs::Permissions::from_mode(0o755)).unwrap();
    let (status, said) = findings(&place, &[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("chmod go="), "{said}");
    let (status, said) = findings(&place, &["--dir", "/nowhere/at/all"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("BAKERY_LOCK_DIR"), "{said}");
    let (status, said) = findings(&Place::new(), &[]);
    assert!(status == Some(1) && said.contains("cleaned away"), "{said}");
}

#[test]
fn a_value_that_may_be_half_written_is_told_of() {
    let place = Place::in_memory();
    fs::create_dir(place.locks()).unwrap();
    fs::set_permissions(place.locks(), fs::Permissions::from_mode(0o700)).unwrap();
    let mutex = Options::new().open_at(place.locks().join("table"), 0_u64).unwrap();
    let mut holder = place.start(words(&["run", "table", "-o"], &SLEEP));
    place.until("table", held_with(0));
    holder.kill_it_alone();
    let mut me = mutex.join().unwrap();
    assert!(me.lock().is_err());
    let (status, said) = findings(&place, &["table"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("may be half-written"), "{said}");
}

/// What `doctor` says in mounts of its own, which end with it; with the place's directory as `$PLACE`.
/// `None` if there can be none here.
fn among_mounts(place: &Place, mounts: &str) -> Option<(Option<i32>, String)> {
    // SAFETY: takes no pointers.
    let options = if unsafe { libc::geteuid() } == 0 { "-m" } else { "-Urm" };
    let can = Command::new("unshare").args([options, "true"]).status();
    if !can.is_ok_and(|status| status.success()) {
        eprintln!("no mounts can be made here, and none was tried");
        return None;
    }
    let script = format!("set -e\n{mounts}\nexec \"$BAKERY\" doctor");
    let mut command = place.command([""; 0]);
    let bakery = command.get_program().to_owned();
    command = Command::new("unshare");
    command.args([options, "sh", "-c", &script]).current_dir("/");
    command.env("BAKERY", bakery).env("PLACE", place.path("")).env_remove("BAKERY_LOCK_DIR");
    let output = command.output().unwrap();
    assert!(output.stderr.is_empty(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap().replace("\n      ", " ");
    Some((output.status.code(), said))
}

/// Where names are if nothing else is said: whichever of the two is used.
const BOTH: &str = "for at in /run/lock /dev/shm; do mount -t tmpfs -o mode=1777";

#[test]
fn memory_that_is_full_or_read_only_is_told_of() {
    let place = Place::in_memory();
    let full =
        format!("{BOTH},size=64k none $at; head -c 64k /dev/zero >$at/all || :; done 2>/dev/null");
    let read_only =
        format!("{BOTH} none $at; mkdir -m 700 $at/bakery-lock-0; mount -o remount,ro $at; done");
    for (mounts, what, cure) in [
        (full, "is full: ", "bakery rm --unused"),
        (read_only, "no lock can be made in ", "ReadWritePaths="),
    ] {
        let Some((status, said)) = among_mounts(&place, &mounts) else { return };
        assert_eq!(status, Some(1), "{said}");
        assert!(said.contains(what) && said.contains(cure), "{said}");
    }
    let well = format!("{BOTH} none $at; done");
    let (status, said) = among_mounts(&place, &well).unwrap();
    assert!(status == Some(0) && said.contains("on tmpfs"), "{said}");
}

#[test]
fn memory_that_is_not_there_is_told_of() {
    let place = Place::in_memory();
    let mounts = "mount -t tmpfs -o mode=755 none /run/lock\nmount -t tmpfs none /dev";
    let Some((status, said)) = among_mounts(&place, mounts) else { return };
    assert_eq!(status, Some(1), "{said}");
    assert!(
        said.contains("/dev/shm/bakery-lock-") && said.contains("Mount a tmpfs on /dev/shm"),
        "{said}"
    );
}

#[test]
fn file_systems_on_which_locks_are_not_one_are_told_of() {
    let place = Place::in_memory();
    let overlay = "cd $PLACE; mkdir low up work over\n\
        mount -t overlay -o lowerdir=low,upperdir=up,workdir=work none over\n\
        export BAKERY_LOCK_DIR=$PLACE/over/locks";
    let Some((status, said)) = among_mounts(&place, overlay) else { return };
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("overlay file system") && said.contains("Mount a tmpfs there"), "{said}");
    // As good as one of another machine: implemented by another process.
    let mounts = "cd $PLACE; mkdir here there; bindfs here there; mkdir -m 700 there/locks\n\
        export BAKERY_LOCK_DIR=$PLACE/there/locks";
    if !exists("/usr/bin/bindfs") || !exists("/dev/fuse") {
        eprintln!("bindfs is not here, and no such file system was tried");
        return;
    }
    let (status, said) = among_mounts(&place, mounts).unwrap();
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("FUSE") && said.contains("directory on a local file system"), "{said}");
}

#[test]
fn another_users_directory_is_told_of() {
    let place = Place::in_memory();
    place.text(["run", "x", "--", "true"]);
    if std::os::unix::fs::chown(place.locks(), Some(65534), None).is_err() {
        eprintln!("nothing can be given away here, and nothing was");
        return;
    }
    let (status, said) = findings(&place, &[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("65534") && said.contains("Ask its owner"), "{said}");
}

#[test]
fn a_lock_of_another_version_is_told_of() {
    let place = Place::in_memory();
    place.text(["run", "old", "--", "true"]);
    let file = File::options().write(true).open(place.locks().join("old")).unwrap();
    // Behind the eight letters that each begins with.
    file.write_all_at(&1_u32.to_ne_bytes(), 8).unwrap();
    let (status, said) = findings(&place, &[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("has format 1") && said.contains("bakery rm old removes it"), "{said}");
    place.text(["rm", "old"]);
    assert_eq!(findings(&place, &[]).0, Some(0));
}

#[test]
fn a_lock_without_a_free_slot_is_told_of() {
    let place = Place::in_memory();
    let _holder = place.start(words(&["run", "x", "--slots", "2"], &SLEEP));
    place.until("x", held_with(0));
    assert_eq!(findings(&place, &[]).0, Some(0));
    let _waiter = place.start(words(&["run", "x"], &["--", "true"]));
    place.until("x", held_with(1));
    let (status, said) = findings(&place, &[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("all 2 slots of x are taken") && said.contains("--slots"), "{said}");
}

/// For whom logind removes all files there when the last session ends.
#[test]
fn memory_that_is_emptied_at_the_last_log_out_is_told_of() {
    // SAFETY: takes no pointers.
    if unsafe { libc::geteuid() } != 0 {
        eprintln!("nobody else can be looked at for, and nobody was");
        return;
    }
    let place = Place::in_memory();
    let as_a_user = |configuration: &str| {
        format!(
            "mount -t tmpfs -o mode=755 none /run; mkdir -p /run/systemd/seats /run/etc/systemd\n\
             cp $BAKERY /run/bakery; echo '{configuration}' >/run/etc/systemd/logind.conf\n\
             mount --bind /run/etc /etc; mount -t tmpfs -o mode=1777 none /dev/shm\n\
             exec setpriv --reuid=4321 --regid=4321 --clear-groups /run/bakery doctor"
        )
    };
    let Some((status, said)) = among_mounts(&place, &as_a_user("[Login]")) else { return };
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("emptied by systemd-logind") && said.contains("enable-linger"), "{said}");
    let (status, said) = among_mounts(&place, &as_a_user("RemoveIPC=no")).unwrap();
    assert_eq!(status, Some(0), "{said}");
}
