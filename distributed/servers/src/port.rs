//! Free ports.

use std::mem::forget;
use std::net::TcpListener;
use std::ops::Range;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// Ports below those that the kernel gives to whoever connects, so that none of them takes one while its
/// server is being restarted.
const FIRST: u16 = 18_000;
/// How many of them a process is given at once.
const BLOCK: u16 = 50;
const BLOCKS: u16 = 280;

/// A port that nobody listens on, and that no other process is given as long as this one lives: a server may
/// take seconds to take it.
pub fn free() -> u16 {
    static OURS: Mutex<Range<u16>> = Mutex::new(0..0);
    let mut ours = OURS.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if ours.is_empty() {
            *ours = block();
        }
        if let Some(port) = ours.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()) {
            return port;
        }
    }
}

/// The next ports that no other process has.
fn block() -> Range<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Processes that look at the same time begin at different places.
    let begin = u16::try_from(std::process::id() % u32::from(BLOCKS)).unwrap_or(0);
    for _ in 0..BLOCKS {
        let block = (begin + NEXT.fetch_add(1, Relaxed) % BLOCKS) % BLOCKS;
        if let Some(claim) = claim(block) {
            forget(claim);
            let first = FIRST + block * BLOCK;
            return first..first + BLOCK;
        }
    }
    panic!("all ports from {FIRST} on have been given away")
}

/// A name that the kernel gives to one socket at a time, and takes back with the process.
fn claim(block: u16) -> Option<UnixDatagram> {
    let name = SocketAddr::from_abstract_name(format!("bakery-servers-ports-{block}")).ok()?;
    UnixDatagram::bind_addr(&name).ok()
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, FIRST, claim, free};

    #[test]
    fn a_port_is_given_once() {
        let port = free();
        assert!(claim((port - FIRST) / BLOCK).is_none());
        assert_ne!(free(), port);
    }
}
