//! How a place-holder and those who come again speak: by packets over a Unix socket, which has a name that
//! is no file's (an abstract one), so nothing is left behind.

use std::ffi::OsStr;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType, recvmsg, sendmsg,
};

use crate::hold::bytes::Together;
use crate::hold::death::Death;
use crate::verbs::run::wanted::Wanted;

/// The longest packet: a message for people is cut off.
const LONGEST: usize = 4096;

/// How many may come at a time before they are looked at.
const BACKLOG: i32 = 64;

/// What is said.
#[derive(Debug)]
pub enum Packet {
    /// Of the place-holder: the place is yours; and it is another's.
    Yours,
    Anothers,
    /// You are in: by this descriptor, with this token, after this death.
    In {
        hold: OwnedFd,
        token: Option<u64>,
        death: Option<Death>,
    },
    /// There is no waiting for this lock: a status, and why.
    Failed {
        status: u8,
        why: String,
    },
    /// Of the one that waits: keep the place. The answer: it is kept; or it is not, and given up.
    Keep,
    Kept,
    NotKept,
}

/// The name of the place-holder of whoever has this user, lock and key.
pub fn name(wanted: &Wanted, lock: &[u8]) -> Vec<u8> {
    let mut parts = vec![lock];
    let sort = match wanted.together {
        None => String::new(),
        Some(Together::Shared) => "s".to_owned(),
        Some(Together::Jobs(jobs)) => format!("j{jobs}"),
    };
    parts.push(sort.as_bytes());
    let key = wanted.keep_place.as_ref().map_or(OsStr::new(""), |place| &place.key);
    if key.is_empty() {
        parts.push(b"command");
        parts.extend(wanted.words.iter().map(|word| word.as_bytes()));
    } else {
        parts.extend([b"key", key.as_bytes()]);
    }
    let user = rustix::process::geteuid().as_raw();
    format!("bakery-place-{user}-{:032x}", hash(&parts)).into_bytes()
}

/// FNV-1a, 128 bits wide, of parts that have no byte 0.
fn hash(parts: &[&[u8]]) -> u128 {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let bytes = parts.iter().flat_map(|part| part.iter().chain(&[0]));
    bytes.fold(BASIS, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME))
}

fn socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?)
}

/// Both ends of a connection.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?)
}

/// Listens under this name, unless another process does.
pub fn listen(name: &[u8]) -> io::Result<OwnedFd> {
    let socket = socket()?;
    rustix::net::bind(&socket, &SocketAddrUnix::new_abstract_name(name)?)?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(socket)
}

/// One that has come, if it is of this user.
pub fn accept(listener: &OwnedFd) -> io::Result<Option<OwnedFd>> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::accept_with(listener, flags)?;
    Ok(process_of(&socket)?.map(|_| socket))
}

/// Who listens under this name, and as which process. `None`: nobody of this user.
pub fn connect(name: &[u8]) -> io::Result<Option<(OwnedFd, u32)>> {
    let socket = socket()?;
    match rustix::net::connect(&socket, &SocketAddrUnix::new_abstract_name(name)?) {
        Ok(()) => Ok(process_of(&socket)?.map(|pid| (socket, pid))),
        Err(Errno::CONNREFUSED) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The process at the other end, if it is of this user.
fn process_of(socket: &OwnedFd) -> io::Result<Option<u32>> {
    let peer = rustix::net::sockopt::socket_peercred(socket)?;
    let is_ours = peer.uid == rustix::process::geteuid();
    Ok(is_ours.then(|| peer.pid.as_raw_pid().unsigned_abs()))
}

/// Waits until one of these can be read, or the time is over; or a signal has come.
pub fn wait(descriptors: &mut [PollFd<'_>], time: Option<Duration>) -> io::Result<()> {
    let time = time.and_then(|time| Timespec::try_from(time).ok());
    match poll(descriptors, time.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

pub fn reading(descriptor: &impl AsFd) -> PollFd<'_> {
    PollFd::new(descriptor, PollFlags::IN)
}

/// What the other end says next, within a time. `None`: nothing, or there is none any more.
pub fn answer(socket: &OwnedFd, time: Duration) -> io::Result<Option<Packet>> {
    let end = Instant::now() + time;
    loop {
        match receive(socket) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            received => return received,
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        wait(&mut [reading(socket)], Some(left))?;
    }
}

/// The next packet. `None`: there is nobody at the other end any more.
///
/// # Errors
///
/// `WouldBlock` if it has not come yet.
pub fn receive(socket: &OwnedFd) -> io::Result<Option<Packet>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = [0; LONGEST];
    let flags = RecvFlags::CMSG_CLOEXEC;
    let length = loop {
        match recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut ancillary, flags) {
            Ok(message) => break message.bytes,
            // The other end is gone, and has not read all. It is said once, and before what it has sent.
            Err(Errno::CONNRESET | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    };
    let sent = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    let Some((tag, rest)) = bytes[..length].split_first() else { return Ok(None) };
    let text = String::from_utf8_lossy(rest).into_owned();
    let packet = match (tag, sent) {
        (b'y', _) => Packet::Yours,
        (b'a', _) => Packet::Anothers,
        (b'k', _) => Packet::Keep,
        (b'K', _) => Packet::Kept,
        (b'N', _) => Packet::NotKept,
        (b'f', _) => {
            let (status, why) = text.split_once(' ').unwrap_or_default();
            let status = status.parse().unwrap_or(crate::exit::status::SYSTEM);
            Packet::Failed { status, why: why.to_owned() }
        }
        (b'i', Some(hold)) => {
            let (token, death) = text.split_once(' ').unwrap_or_default();
            Packet::In { hold, token: token.parse().ok(), death: Death::read(death) }
        }
        // Of another version of this program.
        _ => return Err(io::ErrorKind::InvalidData.into()),
    };
    Ok(Some(packet))
}

/// Sends a packet. A descriptor that is in it is closed here.
pub fn send(socket: &OwnedFd, packet: &Packet) -> io::Result<()> {
    let (tag, text, hold) = match packet {
        Packet::Yours => ('y', String::new(), None),
        Packet::Anothers => ('a', String::new(), None),
        Packet::Keep => ('k', String::new(), None),
        Packet::Kept => ('K', String::new(), None),
        Packet::NotKept => ('N', String::new(), None),
        Packet::Failed { status, why } => ('f', format!("{status} {why}"), None),
        Packet::In { hold, token, death } => {
            let token = token.map(|token| token.to_string()).unwrap_or_default();
            let death = death.as_ref().map(Death::write).unwrap_or_default();
            ('i', format!("{token} {death}"), Some(hold.as_fd()))
        }
    };
    let bytes = format!("{tag}{text}").into_bytes();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let descriptors: Vec<BorrowedFd<'_>> = hold.into_iter().collect();
    if !descriptors.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
    }
    let bytes = &bytes[..bytes.len().min(LONGEST)];
    sendmsg(socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_fnvs() {
        // Its authors' own values, of "" and of "foobar" with a zero behind it.
        assert_eq!(hash(&[]), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_ne!(hash(&[b"a", b"b"]), hash(&[b"ab"]));
        assert_ne!(hash(&[b"a", b""]), hash(&[b"a"]));
    }

    #[test]
    fn what_is_sent_is_received() {
        let (one, other) = pair().unwrap();
        let pending = receive(&other).unwrap_err();
        assert_eq!(pending.kind(), io::ErrorKind::WouldBlock);
        let why = "x ".repeat(LONGEST);
        send(&one, &Packet::Failed { status: 66, why }).unwrap();
        assert!(
            matches!(receive(&other).unwrap(), Some(Packet::Failed { status: 66, why }) if why.starts_with("x x "))
        );
        let hold = std::fs::File::open("/dev/null").unwrap().into();
        send(&one, &Packet::In { hold, token: Some(u64::MAX), death: None }).unwrap();
        assert!(matches!(
            receive(&other).unwrap(),
            Some(Packet::In { token: Some(u64::MAX), death: None, .. })
        ));
        drop(one);
        assert!(matches!(receive(&other), Ok(None)));
    }

    /// The turn has come in the moment in which the time was over.
    #[test]
    fn what_was_sent_is_received_of_one_that_is_gone_and_has_not_listened() {
        let (one, other) = pair().unwrap();
        let hold = std::fs::File::open("/dev/null").unwrap().into();
        send(&one, &Packet::In { hold, token: Some(7), death: None }).unwrap();
        send(&other, &Packet::Keep).unwrap();
        drop(one);
        let answer = answer(&other, Duration::from_mins(1)).unwrap();
        assert!(matches!(answer, Some(Packet::In { token: Some(7), .. })), "{answer:?}");
    }
}
