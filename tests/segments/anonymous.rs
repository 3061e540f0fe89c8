//! Segments without a name.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::Stdio;

use bakery_lock::shared::{Error, Kind, Mutex, Options};
use rustix::fs::{
    MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, ftruncate, memfd_create,
};

use crate::child::{self, Child};
use crate::forgery::{Forgery, HEADER};
use crate::outcome::Opened;

const ROUNDS: u64 = 200;

fn adds(mutex: &Mutex<[u64; 2]>) {
    let mut me = mutex.join().unwrap();
    for _ in 0..ROUNDS {
        let mut counts = me.lock().unwrap();
        counts[0] += 1;
        std::hint::black_box(&mut *counts);
        counts[1] += 1;
        assert_eq!(counts[0], counts[1]);
    }
}

#[test]
fn a_parent_passes_one_on_as_standard_input() {
    for kind in Kind::ALL {
        let mutex: Mutex<[u64; 2]> = Options::new().kind(kind).anonymous([0; 2]).unwrap();
        let input = Stdio::from(mutex.as_fd().try_clone_to_owned().unwrap());
        let child = Child::spawn(child::command("adopts", &[]).stdin(input));
        adds(&mutex);
        child.finish();
        let counts = *mutex.join().unwrap().lock().unwrap();
        assert_eq!(counts, [2 * ROUNDS; 2], "{kind}");
    }
}

pub fn adopts(_: &[&str]) {
    let input = io::stdin().as_fd().try_clone_to_owned().unwrap();
    adds(&Options::new().attach_fd(input).unwrap());
}

/// A memory file with this in it.
fn memory(bytes: &[u8], seals: SealFlags) -> OwnedFd {
    let mut file = File::from(memfd_create("test", MemfdFlags::ALLOW_SEALING).unwrap());
    file.write_all(bytes).unwrap();
    fcntl_add_seals(&file, seals).unwrap();
    file.into()
}

#[test]
fn what_could_be_cut_off_is_refused() {
    let forgery = Forgery::new(Kind::Bakery, 8);
    let genuine = &forgery.genuine;
    let file = |path: &str| File::options().read(true).write(true).open(path).unwrap();
    let cases: [(&str, OwnedFd); 7] = [
        ("no seals", memory(genuine, SealFlags::empty())),
        ("a seal against growing", memory(genuine, SealFlags::GROW | SealFlags::SEAL)),
        ("a memory file that cannot be sealed", memfd_create("test", MemfdFlags::empty()).unwrap()),
        ("a pipe", io::pipe().unwrap().0.into()),
        ("a segment with a name", file(forgery.name()).into()),
        ("a device", file("/dev/null").into()),
        ("a directory", File::open("/").unwrap().into()),
    ];
    for (what, fd) in cases {
        assert_refused!(Options::new().attach_fd(fd), Error::NotSealed { .. }, "{what}");
    }
    // It was for no other reason.
    let sealed: Opened = Options::new().attach_fd(memory(genuine, SealFlags::SHRINK));
    assert_eq!(*sealed.unwrap().join().unwrap().lock().unwrap(), 7);
}

#[test]
fn one_that_is_damaged_is_refused() {
    let forgery = Forgery::new(Kind::Bakery, 8);
    let attach =
        |bytes: &[u8]| -> Opened { Options::new().attach_fd(memory(bytes, SealFlags::SHRINK)) };
    assert_refused!(attach(&[]), Error::NotASegment { .. }, "empty");
    assert_refused!(
        attach(&forgery.genuine[..HEADER]),
        Error::WrongLength { found: 200, .. },
        "a header"
    );
    assert_refused!(
        attach(&forgery.with(|bytes| bytes[100] ^= 1)),
        Error::Damaged { .. },
        "a flip"
    );
    assert_refused!(attach(&vec![0; 10_000]), Error::NotASegment { segment } if segment == "an anonymous segment", "zeros");
}

#[test]
fn nobody_cuts_one_off() {
    let mutex: Mutex<u64> = Options::new().anonymous(5).unwrap();
    let seals = fcntl_get_seals(&mutex).unwrap();
    assert!(seals.contains(SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL), "{seals:?}");
    assert!(ftruncate(&mutex, 0).is_err());
    assert_eq!(*mutex.join().unwrap().lock().unwrap(), 5);
}

/// Attaching has nothing to do with where the descriptor has been read to.
#[test]
fn the_position_in_the_file_does_not_matter() {
    let mutex: Mutex<u64> = Options::new().anonymous(5).unwrap();
    let fd = mutex.as_fd().try_clone_to_owned().unwrap();
    File::from(fd.try_clone().unwrap()).read_to_end(&mut Vec::new()).unwrap();
    let again: Mutex<u64> = Options::new().attach_fd(fd).unwrap();
    *again.join().unwrap().lock().unwrap() += 1;
    assert_eq!(*mutex.join().unwrap().lock().unwrap(), 6);
    drop(mutex);
    assert_eq!(*again.join().unwrap().lock().unwrap(), 6);
    assert!(fs::exists("/proc/self/fd").unwrap());
}
