//! Whose files and directories are: settled when they are made, checked before they are used.

use std::os::fd::AsFd;

use rustix::fs::{Gid, Mode, Stat, fchmod, fchown};
use rustix::io::Errno;
use rustix::process::{getegid, geteuid, getgroups};

use crate::shared::{Access, Error};

/// Everybody but the owner.
const OTHERS: u32 = 0o077;
const STICKY: u32 = 0o1000;

/// What is made, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    File,
    Directory,
}

/// The permission bits of what is for these users.
fn mode(made: Made, access: Access) -> u32 {
    match (made, access) {
        (Made::File, Access::User) => 0o600,
        (Made::File, Access::Group(_)) => 0o660,
        (Made::File, Access::Everybody) => 0o666,
        (Made::Directory, Access::User) => 0o700,
        (Made::Directory, Access::Group(_)) => 0o770,
        // Sticky: nobody takes away what another has put there, but for the directory's owner.
        (Made::Directory, Access::Everybody) => STICKY | 0o777,
    }
}

/// Gives what this process has just made to those whom it is for, whatever the umask has left of its
/// mode.
pub(crate) fn give(
    file: impl AsFd,
    made: Made,
    access: Access,
    segment: &str,
) -> Result<(), Error> {
    if let Access::Group(group) = access {
        // -1 would mean: as it is.
        let is_id = group != u32::MAX;
        is_id
            .then(|| Gid::from_raw(group))
            .ok_or(Errno::INVAL)
            .and_then(|group| fchown(&file, None, Some(group)))
            .map_err(Error::io(
                segment,
                "give it to the group that is asked for, which this process has to be a member of",
            ))?;
    }
    // Last: a change of group may take bits away.
    fchmod(file, Mode::from_raw_mode(mode(made, access)))
        .map_err(Error::io(segment, "set its mode"))
}

/// Refuses a directory that is not for these users.
pub(crate) fn check_directory(stat: &Stat, access: Access, segment: &str) -> Result<(), Error> {
    let is_right = match access {
        Access::User => return check_user(stat, segment),
        Access::Group(group) => stat.st_gid == group && stat.st_mode & 0o077 == 0o070,
        Access::Everybody => stat.st_mode & (STICKY | 0o007) == STICKY | 0o007,
    };
    if is_right { Ok(()) } else { Err(wrong(stat, access, segment)) }
}

/// Refuses a file that is not for these users.
///
/// `None`: for whoever looks on, or removes it. That may be anybody who may use it in one of the
/// ways that there are; and the superuser, who may look at everybody's.
pub(crate) fn check_file(stat: &Stat, access: Option<Access>, segment: &str) -> Result<(), Error> {
    match access {
        Some(Access::User) => check_user(stat, segment),
        Some(access) if self::access(stat) == Some(access) => Ok(()),
        Some(access) => Err(wrong(stat, access, segment)),
        None if geteuid().is_root() => Ok(()),
        None => match self::access(stat) {
            Some(Access::Everybody) => Ok(()),
            Some(Access::Group(group)) if is_member(group) => Ok(()),
            _ => check_user(stat, segment),
        },
    }
}

/// Whom a file is for. `None`: for others than a segment is ever for.
fn access(stat: &Stat) -> Option<Access> {
    [Access::User, Access::Group(stat.st_gid), Access::Everybody]
        .into_iter()
        .find(|access| stat.st_mode & 0o777 == mode(Made::File, *access))
}

fn is_member(group: u32) -> bool {
    getegid().as_raw() == group
        || getgroups().is_ok_and(|groups| groups.iter().any(|of| of.as_raw() == group))
}

/// Refuses what another user owns, or what others may use.
fn check_user(stat: &Stat, segment: &str) -> Result<(), Error> {
    let user = geteuid().as_raw();
    if stat.st_uid != user {
        return Err(Error::Foreign { segment: segment.to_owned(), owner: stat.st_uid, user });
    }
    if stat.st_mode & OTHERS != 0 {
        return Err(Error::Exposed { segment: segment.to_owned(), mode: stat.st_mode & 0o777 });
    }
    Ok(())
}

fn wrong(stat: &Stat, wanted: Access, segment: &str) -> Error {
    Error::WrongAccess {
        segment: segment.to_owned(),
        owner: stat.st_uid,
        group: stat.st_gid,
        mode: stat.st_mode & 0o7777,
        wanted,
    }
}
