//! Whatever a lock or a file is called.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::support::{Place, shell};

#[test]
fn names_are_what_they_are() {
    let place = Place::new();
    let long = "n".repeat(255);
    for name in ["two words", "two\nlines", "naïve", "-", "a=b:c%", "*", "$HOME", "'", &long] {
        let _held = place.inside(name, &[], "held");
        assert!(place.is_busy(name, &[]), "{name:?}");
        std::fs::remove_file(place.path("up.held")).unwrap();
        let (status, out, _) = place.outcome(&mut place.run(name, &["-n", "-v"], "exit 3"));
        assert_eq!((status, &*out), (75, ""));
    }
    // One that begins like an option.
    let mut dashes = place.bakery(["run", "--", "--name", "sh", "-c", "echo \"$BAKERY_LOCK\""]);
    assert_eq!(place.outcome(&mut dashes), (0, "--name\n".to_owned(), String::new()));
}

#[test]
fn a_file_may_be_of_any_bytes() {
    let place = Place::new();
    for name in [&b"\xff\xfe"[..], b"two words", b"two\nlines", b"-n"] {
        let path = OsString::from(OsStr::from_bytes(&[b"./", name].concat()));
        let mut command = place.bakery([OsStr::new("run"), &path]);
        command.args(shell("\"$BAKERY\" flock -n \"$BAKERY_LOCK\" true; echo $?"));
        assert_eq!(place.outcome(&mut command), (0, "1\n".to_owned(), String::new()));
        assert!(place.path(OsStr::from_bytes(name)).exists());
    }
    let mut bytes =
        place.bakery([OsStr::new("run"), OsStr::from_bytes(b"\xff"), OsStr::new("true")]);
    let (status, _, said) = place.outcome(&mut bytes);
    assert!(status == 64 && said.contains("\\xff") && said.contains("UTF-8"), "{said}");
}

/// Whatever is thrown at it, it ends with a status of its own, and says one line at the most.
#[test]
fn no_arguments_make_it_panic() {
    let place = Place::new();
    let words: [&[u8]; 20] = [
        b"run",
        b"flock",
        b"-",
        b"--",
        b"---",
        b"-w",
        b"-w1",
        b"-E",
        b"-n",
        b"-s",
        b"-j",
        b"2",
        b"lock",
        b"./f",
        b"--w",
        b"--wait=",
        b"=",
        b"\xff",
        b"",
        b"-nsxoFvqV",
    ];
    let mut random = 1_u32;
    let mut roll = |sides: usize| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 16) as usize % sides
    };
    for _ in 0..300 {
        let arguments: Vec<&OsStr> =
            (0..roll(6)).map(|_| OsStr::from_bytes(words[roll(words.len())])).collect();
        let (status, _, said) = place.outcome(&mut place.bakery(&arguments));
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
        assert!(
            [0, 1, 64, 65, 66, 69, 73, 75, 126, 127].contains(&status),
            "{arguments:?}: {status} {said}"
        );
    }
}
