//! Segments with a name: published finished, and validated before use.

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, StatFs, fstat, fstatfs, linkat, openat};
use rustix::io::Errno;

use crate::atomic::crash_point;
use crate::shared::Error;
use crate::shared::directory::{Place, check_owner};
use crate::shared::segment::{Plan, Segment};

/// How often to try again when the file comes and goes between two looks.
const ATTEMPTS: usize = 100;

/// Attaches to the segment at a place, or makes it.
pub(super) fn open(place: &Place, plan: &Plan, data: &[u8]) -> Result<Segment, Error> {
    let mut outcome = attach(place, plan);
    for _ in 0..ATTEMPTS {
        if !matches!(outcome, Err(Error::NotFound { .. })) {
            break;
        }
        match create(place, plan, data) {
            Err(Error::Exists { .. }) => outcome = attach(place, plan),
            created => return created,
        }
    }
    outcome
}

/// Makes the segment at a place where there is none.
///
/// The file gets its name when it is complete, in one step that does not replace. So nobody ever
/// sees half of it, whoever comes second finds the first one's, and a creator that dies leaves
/// nothing.
pub(super) fn create(place: &Place, plan: &Plan, data: &[u8]) -> Result<Segment, Error> {
    let name = place.name();
    check_file_system(&place.directory, &name)?;
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = openat(&place.directory, ".", flags, Mode::RUSR | Mode::WUSR)
        .map_err(Error::io(&name, "make a file without a name in that directory"))?;
    crash_point("a file without a name");
    let shape = Segment::write(&file, &name, plan, data)?;
    crash_point("a segment without a name");
    let unnamed = format!("/proc/self/fd/{}", file.as_raw_fd());
    match linkat(CWD, unnamed, &place.directory, &place.file, AtFlags::SYMLINK_FOLLOW) {
        Ok(()) => {
            crash_point("a segment with a name");
            Segment::map(file, name, shape)
        }
        Err(Errno::EXIST) => Err(Error::Exists { segment: name }),
        Err(error) => Err(Error::io(name, "name the file")(error)),
    }
}

/// Uses the segment at a place.
pub(super) fn attach(place: &Place, plan: &Plan) -> Result<Segment, Error> {
    let segment = place.name();
    // NONBLOCK: a named pipe would wait for a peer.
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = match openat(&place.directory, &place.file, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Err(Error::NotFound { segment }),
        Err(Errno::LOOP) => return Err(Error::Symlink { segment }),
        Err(Errno::ISDIR | Errno::NXIO | Errno::NODEV) => return Err(Error::NotAFile { segment }),
        Err(error) => return Err(Error::io(segment, "open the file")(error)),
    };
    let stat = fstat(&file).map_err(Error::io(&segment, "inspect the file"))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Error::NotAFile { segment });
    }
    check_owner(&stat, &segment)?;
    if stat.st_nlink == 0 {
        return Err(Error::NotFound { segment });
    }
    check_file_system(&file, &segment)?;
    let shape = Segment::check(&file, &segment, plan)?;
    Segment::map(file, segment, shape)
}

/// Uses the segment at a place, whatever is in it.
#[cfg_attr(not(test), expect(dead_code, reason = "for whoever looks on"))]
pub(super) fn inspect(place: &Place) -> Result<Segment, Error> {
    attach(place, &Plan::ANY)
}

/// File systems whose files several machines may have mapped, none of which sees the others'
/// writes; and those that another process implements.
fn check_file_system(file: &OwnedFd, segment: &str) -> Result<(), Error> {
    const NETWORK: [u32; 10] = [
        0x0000_6969, // NFS
        0x0000_517b, // SMB
        0xfe53_4d42, // SMB 2
        0xff53_4d42, // CIFS
        0x0102_1997, // 9P
        0x5346_414f, // AFS
        0x00c3_6400, // Ceph
        0x7375_7245, // Coda
        0x0116_1970, // GFS 2
        0x6573_5546, // FUSE, virtiofs
    ];
    let StatFs { f_type, .. } =
        fstatfs(file).map_err(Error::io(segment, "inspect the file system"))?;
    // The kernel's numbers have 32 bits; the field that holds them may be signed, and wider.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as said above")]
    if NETWORK.contains(&(f_type as u32)) {
        return Err(Error::NetworkFileSystem { segment: segment.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use tempfile::TempDir;

    use super::*;
    use crate::shared::Kind;
    use crate::shared::layout::DataType;

    fn make(kind: Kind, data: &[u8]) -> (TempDir, Place, Segment) {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::at(&directory.path().join("segment")).unwrap();
        let data_type = DataType { name: "some bytes".to_owned(), size: data.len(), align: 1 };
        let plan = Plan { kind: Some(kind), slots: Some(2), data: Some(data_type) };
        let segment = create(&place, &plan, data).unwrap();
        (directory, place, segment)
    }

    #[test]
    #[cfg_attr(miri, ignore = "maps files, which Miri does not")]
    fn whoever_looks_on_need_not_know_what_is_in_it() {
        for kind in Kind::ALL {
            let (_directory, place, made) = make(kind, b"abc");
            let seen = inspect(&place).unwrap();
            assert_eq!((seen.kind(), seen.slots()), (kind, 2));
            assert_eq!(seen.identities().len(), 2);
            // SAFETY: three bytes are there, which nobody writes.
            let data = unsafe { std::slice::from_raw_parts(seen.data().cast::<u8>(), 3) };
            assert_eq!(data, b"abc");
            drop(made);
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "maps files, which Miri does not")]
    fn a_file_that_is_cut_off_or_extended_under_its_users_is_found_out() {
        let (directory, _place, segment) = make(Kind::Bakery, b"abc");
        let file = File::options().write(true).open(directory.path().join("segment")).unwrap();
        let whole = file.metadata().unwrap().len();
        for length in [0, 1, whole - 1, whole, whole + 1, 1 << 40, whole] {
            file.set_len(length).unwrap();
            match segment.check_length() {
                Ok(()) => assert_eq!(length, whole),
                Err(Error::WrongLength { segment, expected, found }) => {
                    assert_eq!((expected, found), (whole, length));
                    assert!(length != whole && segment.ends_with("segment"));
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}
