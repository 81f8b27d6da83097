//! Free loopback ports, below the range from which the system serves outgoing connections.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

const FIRST: u16 = 12_000;
const COUNT: u16 = 18_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port on 127.0.0.1 that was free a moment ago, and that no other scenario of this process is given.
pub fn free() -> u16 {
    // Two test programs at a time start at different places.
    let start = u16::try_from(std::process::id() % 90).expect("below 90") * 200;
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        let port = FIRST + (start + step) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port between {FIRST} and {}", FIRST + COUNT)
}

/// The ports of a mail host with dkimgate on both sides, named after what arrives there.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// Port 25 of the documentation: mail from elsewhere.
    pub smtp: u16,
    /// Port 587 of the documentation: mail of the users.
    pub submission: u16,
    /// 10025: dkimgate's inbound listener.
    pub to_verify: u16,
    /// 10026: Postfix takes verified mail back.
    pub verified: u16,
    /// 10027: dkimgate's outbound listener.
    pub to_sign: u16,
    /// 10028: Postfix takes signed mail back.
    pub signed: u16,
}

impl Ports {
    /// Six free ports.
    pub fn free() -> Ports {
        Ports {
            smtp: free(),
            submission: free(),
            to_verify: free(),
            verified: free(),
            to_sign: free(),
            signed: free(),
        }
    }
}
