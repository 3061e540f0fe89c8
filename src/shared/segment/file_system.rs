//! What a file system does to memory that is mapped from it.

use std::os::fd::AsFd;

use rustix::fs::{StatFs, fstatfs};

use crate::shared::Error;

/// File systems whose files several machines may have mapped, none of which sees the others'
/// writes; and those that another process, or the host of a virtual machine, implements.
const REFUSED: [(u32, &str); 27] = [
    (0x0000_6969, "NFS"),
    (0x0000_517b, "SMB"),
    (0xfe53_4d42, "SMB 2"),
    (0xff53_4d42, "CIFS"),
    (0x0000_564c, "NCP"),
    (0x0102_1997, "9P"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "kAFS"),
    (0x00c3_6400, "Ceph"),
    (0x7375_7245, "Coda"),
    (0x0116_1970, "GFS 2"),
    (0x7461_636f, "OCFS 2"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x1983_0326, "BeeGFS"),
    (0x2003_0528, "OrangeFS"),
    (0xaad7_aaea, "PanFS"),
    (0xbeef_dead, "StorNext"),
    (0x0131_11a8, "IBRIX"),
    (0x6163_6673, "ACFS"),
    (0xa501_fcf5, "VxFS"),
    (0x5346_314d, "M1FS"),
    (0x6573_5546, "FUSE, virtiofs"),
    (0x00c0_ffee, "hostfs"),
    (0x786f_4256, "vboxsf"),
    (0xbacb_acbc, "vmhgfs"),
    (0x7c7c_6673, "prl_fs"),
];

/// File systems that live in memory, so that nothing on them outlives a restart.
const IN_MEMORY: [u32; 3] = [
    0x0102_1994, // tmpfs, and memory files
    0x8584_58f6, // ramfs
    0x9584_58f6, // hugetlbfs
];

/// The kernel's number for this kind.
pub(crate) fn number(file: impl AsFd, segment: &str) -> Result<u32, Error> {
    let StatFs { f_type, .. } =
        fstatfs(file).map_err(Error::io(segment, "inspect the file system"))?;
    // The kernel's numbers have 32 bits; the field that holds them may be signed, and wider.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as said above")]
    Ok(f_type as u32)
}

/// Refuses one on which memory is not shared by all who map it.
pub(crate) fn check(file: impl AsFd, segment: &str) -> Result<(), Error> {
    match refused(number(file, segment)?) {
        Some(file_system) => {
            Err(Error::NetworkFileSystem { segment: segment.to_owned(), file_system })
        }
        None => Ok(()),
    }
}

fn refused(number: u32) -> Option<&'static str> {
    REFUSED.iter().find(|(refused, _)| *refused == number).map(|(_, name)| *name)
}

/// Whether what is on it is gone when the machine restarts.
pub(crate) fn is_in_memory(file: impl AsFd, segment: &str) -> Result<bool, Error> {
    Ok(IN_MEMORY.contains(&number(file, segment)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_env = "gnu")]
    fn those_that_span_machines_are_refused_by_the_numbers_that_the_c_library_knows() {
        for (number, name) in [
            (libc::NFS_SUPER_MAGIC, "NFS"),
            (libc::SMB_SUPER_MAGIC, "SMB"),
            (libc::NCP_SUPER_MAGIC, "NCP"),
            (libc::AFS_SUPER_MAGIC, "AFS"),
            (libc::CODA_SUPER_MAGIC, "Coda"),
            (libc::OCFS2_SUPER_MAGIC, "OCFS 2"),
            (libc::FUSE_SUPER_MAGIC, "FUSE, virtiofs"),
            (libc::HOSTFS_SUPER_MAGIC, "hostfs"),
        ] {
            assert_eq!(refused(u32::try_from(number).unwrap()), Some(name));
        }
        for number in [
            libc::TMPFS_MAGIC,
            libc::EXT4_SUPER_MAGIC,
            libc::BTRFS_SUPER_MAGIC,
            libc::OVERLAYFS_SUPER_MAGIC,
        ] {
            assert_eq!(refused(u32::try_from(number).unwrap()), None);
        }
        for number in [libc::TMPFS_MAGIC, libc::HUGETLBFS_MAGIC] {
            assert!(IN_MEMORY.contains(&u32::try_from(number).unwrap()));
        }
    }

    #[test]
    fn no_number_is_there_twice() {
        for (index, (number, name)) in REFUSED.iter().enumerate() {
            assert!(REFUSED[..index].iter().all(|(other, _)| other != number), "{name}");
        }
    }
}
