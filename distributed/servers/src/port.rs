//! Free ports.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

/// Ports below those that the kernel gives to whoever connects, so that none of them takes one while its
/// server is being restarted.
const FIRST: u16 = 18_000;
const COUNT: u16 = 14_000;

/// A port that nobody listened on just now.
pub fn free() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Processes that look at the same time begin at different places.
    let begin = std::process::id().wrapping_mul(61) % u32::from(COUNT);
    let begin = u16::try_from(begin).unwrap_or(0);
    loop {
        let next = NEXT.fetch_add(1, Relaxed);
        let port = FIRST + (begin + next % COUNT) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
