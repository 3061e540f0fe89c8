//! Segments for several users, with real ones. All of this is for the superuser to try.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use bakery_lock::shared::{Access, Error, Mutex, Options};
use rustix::process::geteuid;

use crate::child::{Child, command, until};
use crate::outcome::Opened;
use crate::servant::{become_user, directory, elsewhere, may_be_others, servant};

/// Two members of a group, the first by its own group and the other by a further one, and a stranger.
const GROUP: u32 = 12_000;
const MEMBER: [&str; 3] = ["uid=12001", "gid=12000", "access=12000"];
const PEER: [&str; 4] = ["uid=12002", "gid=12002", "also=12000", "access=12000"];
const STRANGER: u32 = 12_003;

fn at(directory: &Path) -> String {
    format!("at={}", directory.join("segment").display())
}

#[track_caller]
fn joins<'a>(settings: &[&'a str], place: &'a str) -> Child {
    let child = servant(&[settings, &[place]].concat());
    child.expect("joined");
    child
}

#[track_caller]
fn is_told(settings: &[&str], all: &[&str]) {
    let child = servant(settings);
    let said = child.hear();
    for words in all {
        assert!(said.contains(words), "{said:?} has not {words:?}");
    }
    child.finish();
}

fn of(path: &Path) -> (u32, u32, u32) {
    let metadata = fs::metadata(path).unwrap();
    (metadata.uid(), metadata.gid(), metadata.permissions().mode() & 0o7777)
}

#[test]
fn the_members_of_a_group_share_a_segment() {
    if !may_be_others() {
        return;
    }
    // In a directory of another group, and in one that gives its group to what is in it.
    for (group, mode) in [(GROUP, 0o770), (0, 0o777), (0, 0o2777), (GROUP, 0o2770)] {
        let directory = directory(0, group, mode);
        let place = at(directory.path());
        let mut one = joins(&[&MEMBER[..], &["umask=0777"]].concat(), &place);
        assert_eq!(of(&directory.path().join("segment")), (12_001, GROUP, 0o660));
        let mut other = joins(&PEER, &place);
        assert_eq!(one.ask("lock"), "1");
        other.tell("lock");
        other.until_asleep();
        assert_eq!(one.ask("leave"), "out");
        other.expect("2");
        assert_eq!(other.ask("leave"), "out");
        assert_eq!(other.ask("status"), "2 false");
        [one, other].into_iter().for_each(Child::finish);
    }
}

#[test]
fn everybody_shares_a_segment_that_is_for_everybody() {
    if !may_be_others() {
        return;
    }
    let directory = directory(0, 0, 0o1777);
    let place = at(directory.path());
    let mut count = 0;
    let mut all = Vec::new();
    for user in ["uid=12001", "uid=12002", "uid=12003", "uid=65534", "uid=0"] {
        let mut child = joins(&[user, "access=everybody", "umask=0777"], &place);
        count += 1;
        assert_eq!(child.ask("lock"), count.to_string());
        assert_eq!(child.ask("leave"), "out");
        all.push(child);
    }
    assert_eq!(of(&directory.path().join("segment")).2, 0o666);
    all.into_iter().for_each(Child::finish);
}

#[test]
fn the_others_go_on_when_another_user_is_killed() {
    if !may_be_others() {
        return;
    }
    let directory = directory(0, GROUP, 0o770);
    let place = at(directory.path());
    let mut stays = joins(&MEMBER, &place);
    let mut root = joins(&["access=12000"], &place);

    // In line, behind one that is inside; another user is behind it.
    assert_eq!(stays.ask("lock"), "1");
    let mut dies = joins(&PEER, &place);
    assert_eq!(dies.ask("enter"), "in line");
    root.tell("lock");
    root.until_asleep();
    dies.kill();
    assert_eq!(stays.ask("leave"), "out");
    root.expect("2");

    // Asleep while it waits.
    let mut dies = joins(&PEER, &place);
    dies.tell("lock");
    dies.until_asleep();
    stays.tell("lock");
    stays.until_asleep();
    dies.kill();
    assert_eq!(root.ask("leave"), "out");
    stays.expect("3");
    assert_eq!(stays.ask("leave"), "out");

    // Inside: of an ordinary user, who is killed before another, and before the superuser.
    for _ in 0..2 {
        let mut dies = joins(&PEER, &place);
        dies.tell("lock");
        dies.hear();
        stays.tell("lock");
        stays.until_asleep();
        dies.kill();
        assert!(stays.hear().contains("OwnerDied"));
        assert!(root.ask("lock").contains("OwnerDied"));
        assert!(stays.ask("repair").parse::<u64>().is_ok());
        assert_eq!(stays.ask("leave"), "out");
    }
    // A child has kept all that the dead one had: it is the kernel that says that there is no such
    // process, to another user.
    let mut dies = joins(&PEER, &place);
    dies.tell("lock");
    dies.hear();
    let child = dies.ask("leave a child").parse().unwrap();
    dies.kill();
    assert!(stays.ask("lock").contains("OwnerDied"));
    crate::child::signal(child, rustix::process::Signal::KILL);
    assert!(stays.ask("repair").parse::<u64>().is_ok());
    assert_eq!(stays.ask("leave"), "out");
    // All are gone, but for the one whose byte its child had a moment longer.
    until(|| Options::status_at(directory.path().join("segment")).unwrap().dead.is_empty());
    [stays, root].into_iter().for_each(Child::finish);
}

/// Of another user's process one learns that it is there by not being permitted to signal it.
#[test]
fn a_living_participant_of_another_user_is_not_taken_for_dead() {
    if !may_be_others() {
        return;
    }
    let directory = directory(0, GROUP, 0o770);
    let place = at(directory.path());
    for script in ["true", "mount -t proc -o hidepid=invisible proc /proc"] {
        let mut holder = joins(&MEMBER, &place);
        assert!(holder.ask("lock").parse::<u64>().is_ok());
        let peer = elsewhere(script, &[&PEER[..], &[&place]].concat());
        let Some(mut peer) = peer else { return };
        peer.expect("joined");
        assert_eq!(peer.ask("status"), "2 true");
        peer.tell("lock");
        peer.until_asleep();
        holder.signal(rustix::process::Signal::STOP);
        holder.until_state('T');
        // Many looks.
        std::thread::sleep(std::time::Duration::from_millis(100));
        holder.signal(rustix::process::Signal::CONT);
        assert_eq!(holder.ask("leave"), "out");
        assert!(peer.hear().parse::<u64>().is_ok());
        [holder, peer].into_iter().for_each(Child::finish);
    }
}

#[test]
fn whoever_asks_for_other_users_than_those_that_it_is_for_is_refused() {
    if !may_be_others() {
        return;
    }
    let shared = directory(0, 0, 0o777);
    let place = |name: &str| format!("at={}", shared.path().join(name).display());
    let (ours, everybodys, mine) = (place("ours"), place("everybody's"), place("mine"));
    for settings in [
        &[&MEMBER[..], &[&ours]].concat()[..],
        &["uid=12001", "gid=12000", "access=everybody", &everybodys],
        &["uid=12001", "gid=12000", &mine],
    ] {
        joins(settings, "").finish();
    }
    let [member, peer, stranger] =
        ["uid=12001 gid=12000", "uid=12002 gid=12000", "uid=12003 gid=12003"];
    for (who, access, place, all) in [
        (member, "", &ours, ["Exposed", "660", "Options::access"]),
        (peer, "", &ours, ["Foreign", "user 12001", "Options::access"]),
        (peer, "access=everybody", &ours, ["WrongAccess", "mode 0660", "for everybody"]),
        (stranger, "access=everybody", &ours, ["WrongAccess", "group 12000", "Options::access"]),
        (stranger, "", &ours, ["Foreign", "user 12001", "user 12003"]),
        (stranger, "access=12000", &ours, ["Io", "PermissionDenied", "open the file"]),
        (stranger, "access=12003", &ours, ["WrongAccess", "group 12000", "for group 12003"]),
        (member, "access=12000", &everybodys, ["WrongAccess", "mode 0666", "for group 12000"]),
        (member, "", &everybodys, ["Exposed", "666", "Options::access"]),
        (member, "access=12000", &mine, ["WrongAccess", "mode 0600", "for group 12000"]),
        (peer, "access=12000", &mine, ["WrongAccess", "user 12001", "mode 0600"]),
        (peer, "access=everybody", &mine, ["WrongAccess", "user 12001", "mode 0600"]),
    ] {
        let settings: Vec<&str> = who.split(' ').chain([access, place.as_str()]).collect();
        is_told(&settings, &all);
    }
    // A group that one is not a member of cannot be given anything, and none has this number.
    let new = place("new");
    for access in ["access=12000", "access=4294967295"] {
        is_told(&["uid=12003", access, &new], &["Io", "be a member of"]);
    }
    assert_eq!(fs::read_dir(shared.path()).unwrap().count(), 3);
}

/// Others than those for whom it was made must not get hold of it by a change of its mode or owner.
#[test]
fn a_file_with_other_modes_than_such_a_segment_has_is_refused() {
    if !may_be_others() {
        return;
    }
    let directory = directory(0, 0, 0o777);
    let (path, place) = (directory.path().join("segment"), at(directory.path()));
    joins(&MEMBER, &place).finish();
    let settings = [&MEMBER[..], &[&place]].concat();
    for mode in [0o662, 0o664, 0o666, 0o640, 0o670, 0o760, 0o600] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        is_told(&settings, &["WrongAccess"]);
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o660)).unwrap();
    chown(&path, None, Some(GROUP + 1)).unwrap();
    is_told(&settings, &["WrongAccess", "group 12001"]);
    chown(&path, None, Some(GROUP)).unwrap();
    joins(&MEMBER, &place).finish();
}

#[test]
fn a_name_is_in_a_directory_of_those_users() {
    if !may_be_others() {
        return;
    }
    let parent = directory(0, 0, 0o1777);
    for (name, mode, accesses) in [
        ("ours", (12_001, GROUP, 0o770), ["access=12000"; 2]),
        ("everybody's", (12_001, 12_000, 0o1777), ["access=everybody"; 2]),
    ] {
        let names = parent.path().join(name);
        let start = |settings: &[&str]| {
            Child::spawn(command("serves", settings).env("BAKERY_LOCK_DIR", &names))
        };
        let one = start(&["uid=12001", "gid=12000", "umask=0777", "name=count", accesses[0]]);
        one.expect("joined");
        assert_eq!(of(&names), mode);
        let mut other = start(&["uid=12002", "gid=12002", "also=12000", "name=count", accesses[1]]);
        other.expect("joined");
        assert_eq!(other.ask("lock"), "1");
        assert_eq!(other.ask("leave"), "out");
        assert_eq!(other.ask("path"), names.join("count").display().to_string());
        [one, other].into_iter().for_each(Child::finish);
        // It is not one for whoever asks for less.
        for settings in
            [&["uid=12001", "name=count"][..], &["uid=12002", "name=count", "access=12002"]]
        {
            let child = start(settings);
            let said = child.hear();
            assert!(
                ["Exposed", "Foreign", "WrongAccess"].iter().any(|name| said.starts_with(name)),
                "{said}"
            );
        }
    }
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 2);
}

#[test]
fn unless_asked_otherwise_the_directories_are_in_shared_memory() {
    if !may_be_others() {
        return;
    }
    for (access, directory) in
        [("access=12000", "group-12000"), ("access=everybody", "everybody"), ("", "12001")]
    {
        let script = "mount -t tmpfs none /run; mount -t tmpfs -o mode=1777 none /dev/shm";
        let settings = ["uid=12001", "gid=12000", "name=count", access];
        let Some(mut child) = elsewhere(script, &settings) else { return };
        child.expect("joined");
        assert_eq!(child.ask("path"), format!("/dev/shm/bakery-lock-{directory}/count"));
        child.finish();
    }
}

#[test]
fn the_superuser_looks_at_anybodys_and_removes_it() {
    if !may_be_others() {
        return;
    }
    let directory = directory(0, 0, 0o1777);
    let (path, place) = (directory.path().join("segment"), at(directory.path()));
    for settings in [&["uid=12001"][..], &MEMBER, &["uid=12003", "access=everybody"]] {
        let mut child = joins(settings, &place);
        assert_eq!(child.ask("lock"), "1");
        let status = Options::status_at(&path).unwrap();
        assert_eq!(status.holder.unwrap().pid, child.pid());
        let removed = Options::remove_at(&path);
        assert!(matches!(removed, Err(Error::InUse { .. })), "{removed:?}");
        // It is not one of its own for all that.
        if settings.len() == 1 {
            let opened: Opened = Options::new().attach_at(&path);
            assert!(matches!(opened, Err(Error::Foreign { owner: 12_001, user: 0, .. })));
        }
        child.finish();
        crate::removal::remove(&path);
    }
}

#[test]
fn others_look_at_and_remove_what_they_may_use() {
    if !may_be_others() {
        return;
    }
    // In the second one, nobody takes away what is another's.
    for (mode, removed) in [(0o777, "removed"), (0o1777, "Io")] {
        let directory = directory(0, 0, mode);
        let (path, place) = (directory.path().join("segment"), at(directory.path()));
        for (settings, looker, outcomes) in [
            (&["uid=12001"][..], "12002", ["Foreign", "Foreign"]),
            (&["uid=12001"], "12001", ["looked", "removed"]),
            (&MEMBER, "12002", ["Foreign", "Foreign"]),
            (&MEMBER, "12002 also 12000", ["looked", removed]),
            (&MEMBER, "12002 of 12000", ["looked", removed]),
            (&["uid=12001", "access=everybody"], "12003", ["looked", removed]),
        ] {
            joins(settings, &place).finish();
            let child = Child::start("looks", &[path.to_str().unwrap(), looker]);
            for outcome in outcomes {
                let said = child.hear();
                assert!(said.starts_with(outcome), "{settings:?} {looker}: {said}");
            }
            child.finish();
            if path.exists() {
                crate::removal::remove(&path);
            }
        }
    }
    let directory = directory(STRANGER, 0, 0o700);
    let path = directory.path().join("segment");
    drop::<Mutex<u64>>(Options::new().open_at(&path, 0).unwrap());
    chown(&path, Some(STRANGER), None).unwrap();
    // Neither a segment for somebody else nor one for this user alone.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let child = Child::start("looks", &[path.to_str().unwrap(), &STRANGER.to_string()]);
    for _ in 0..2 {
        assert!(child.hear().starts_with("Exposed"));
    }
    child.finish();
}

pub fn looks(arguments: &[&str]) {
    let words: Vec<&str> = arguments[1].split(' ').collect();
    let numbers: Vec<u32> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let user = numbers[0];
    match words.get(1) {
        Some(&"of") => become_user(user, numbers[1], &[]),
        _ => become_user(user, user, &numbers[1..]),
    }
    let say = |outcome: Result<&str, Error>| match outcome {
        Ok(what) => crate::child::say(what),
        Err(error) => crate::child::say(&format!("{error:?}")),
    };
    say(Options::status_at(arguments[0]).map(|_| "looked"));
    say(Options::remove_at(arguments[0]).map(|()| "removed"));
}

/// Without other users: what is made is as it was asked for.
#[test]
fn a_segment_has_the_mode_that_was_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let group = directory.path().metadata().unwrap().gid();
    for (name, access, mode) in [
        ("one", Access::User, 0o600),
        ("two", Access::Group(group), 0o660),
        ("three", Access::Everybody, 0o666),
    ] {
        let path = directory.path().join(name);
        let options = Options::new().access(access);
        let mutex: Mutex<u64> = options.create_at(&path, 7).unwrap();
        assert_eq!(of(&path), (geteuid().as_raw(), group, mode));
        let again: Mutex<u64> = options.attach_at(&path).unwrap();
        assert_eq!(*again.join().unwrap().lock().unwrap(), 7);
        drop((mutex, again));
    }
}
