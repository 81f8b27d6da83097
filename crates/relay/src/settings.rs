//! Everything that can be set, with its default and the reason for it.

use crate::access::Networks;
use crate::observer::Observer;
use filter::Measure;
use smtp::content::Repairs;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// How one listener's relay works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The listener's name in envelopes and the log: its address as the configuration has it.
    pub name: String,
    /// Our name in the greeting, and in EHLO to the next hop.
    pub hostname: String,
    /// The next hops, tried in this order.
    pub relay: Vec<Target>,
    /// What is spoken with clients.
    pub protocol: Protocol,
    /// Whether each client is introduced by a PROXY header, of version 1 or 2. `clients` then lists the balancers.
    pub proxy_protocol: bool,
    /// Who may connect.
    pub clients: Networks,
    /// Whether 8BITMIME is offered where the next hop has it. A signer had better not: the client then converts
    /// before the signature is made, not after.
    pub offer_8bitmime: bool,
    /// Whether XCLIENT is offered.
    pub offer_xclient: bool,
    /// What is done about CR, LF and NUL out of place.
    pub repairs: Repairs,
    /// What is done about content that servers on the way would change.
    pub fitness: Fitness,
    /// How long each wait may take.
    pub deadlines: Deadlines,
    /// How much may come in.
    pub limits: Limits,
    /// How connections to the next hop are kept.
    pub kept: Kept,
    /// Where bodies too large for memory go, in files without a name.
    pub spool: Arc<Path>,
    /// How long running transactions may take when the relay is told to end.
    pub drain: Duration,
    /// Who hears what happens; nobody unless somebody counts.
    pub observer: Arc<dyn Observer>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: String::new(),
            hostname: "localhost".into(),
            relay: Vec::new(),
            protocol: Protocol::Smtp,
            proxy_protocol: false,
            clients: Networks::loopback(),
            offer_8bitmime: true,
            offer_xclient: false,
            repairs: Repairs::default(),
            fitness: Fitness::default(),
            deadlines: Deadlines::default(),
            limits: Limits::default(),
            kept: Kept::default(),
            spool: std::env::temp_dir().into(),
            drain: Duration::from_secs(10),
            observer: Arc::new(()),
        }
    }
}

/// What is spoken with clients.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Protocol {
    /// SMTP (RFC 5321).
    #[default]
    Smtp,
    /// LMTP (RFC 2033): one reply for each recipient after the content.
    Lmtp,
}

/// What is done about content that servers on the way would change, of messages that the filter vouches for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fitness {
    /// Lines of more than 998 octets. RFC 5321 §4.5.3.1.6: "The maximum total length of a text line including the
    /// <CRLF> is 1000 octets"
    pub long_lines: Measure,
    /// Octets above 127 in the body, where we or the next hop do not offer 8BITMIME.
    pub eight_bit: Measure,
    /// Octets of a body that is set right, which takes a few times as much memory. A larger one goes on as it is, and
    /// the log says so.
    pub largest: u64,
}

impl Default for Fitness {
    fn default() -> Self {
        Self { long_lines: Measure::Off, eight_bit: Measure::Off, largest: 16 << 20 }
    }
}

/// How long each wait may take. The floors are those of RFC 5321 §4.5.3.2.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Deadlines {
    /// For the next hop to take a connection. It is near: what takes longer is down.
    pub connect: Duration,
    /// For the next hop's greeting. Floor: 5 minutes (§4.5.3.2.1).
    pub greeting: Duration,
    /// For the next hop's reply to EHLO, MAIL, RCPT, RSET. Floor: 5 minutes (§4.5.3.2.2, §4.5.3.2.3).
    pub command: Duration,
    /// For the next hop's reply to DATA. Floor: 2 minutes (§4.5.3.2.4).
    pub data: Duration,
    /// For the next hop to take a block of content. Floor: 3 minutes (§4.5.3.2.5).
    pub content: Duration,
    /// For the next hop's reply to the final dot. Floor: 10 minutes (§4.5.3.2.6).
    pub r#final: Duration,
    /// For the client's next command or content. Floor: 5 minutes (§4.5.3.2.7).
    pub client: Duration,
    /// For the client to bring a whole message, from MAIL to the end of its content. Who sends an octet now and then
    /// keeps every other deadline; the RFC has nothing on this.
    pub message: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        const MINUTE: Duration = Duration::from_secs(60);
        Self {
            connect: Duration::from_secs(30),
            greeting: 5 * MINUTE,
            command: 5 * MINUTE,
            data: 2 * MINUTE,
            content: 3 * MINUTE,
            r#final: 10 * MINUTE,
            client: 5 * MINUTE,
            message: 60 * MINUTE,
        }
    }
}

impl Deadlines {
    /// Those that are below the RFC's floors, by name, each with its floor.
    #[must_use]
    pub fn below_floors(&self) -> Vec<(&'static str, Duration)> {
        let floors = Self::default();
        [
            ("greeting", self.greeting, floors.greeting),
            ("command", self.command, floors.command),
            ("data", self.data, floors.data),
            ("content", self.content, floors.content),
            ("final", self.r#final, floors.r#final),
            ("client", self.client, floors.client),
        ]
        .into_iter()
        .filter_map(|(name, set, floor)| (set < floor).then_some((name, floor)))
        .collect()
    }
}

/// How much may come in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Sessions in all. More hear 421 4.3.2; each takes a file descriptor, two with a message under way.
    pub sessions: usize,
    /// Sessions from one address, loopback aside. More hear 421 4.7.0.
    pub sessions_per_address: usize,
    /// Faults of the client's in one session. One more hears 421 4.7.0.
    pub errors: usize,
    /// Commands in one session. One more hears 421 4.7.0.
    pub commands: usize,
    /// Recipients of one message. More hear 452 4.5.3; RFC 5321 §4.5.3.1.8 asks for at least 100;
    /// a list's message after Postfix's queue may have thousands.
    pub recipients: usize,
    /// Octets of a command line. More hear 500 5.5.2; RFC 5321 §4.5.3.1.4 asks for 512, and parameters add to it.
    pub line: usize,
    /// Octets of a header section, which is held in memory. More hear 552 5.3.4.
    pub header: usize,
    /// Fields of a header section. More hear 554 5.6.0.
    pub fields: usize,
    /// Received fields, after which a message runs in a circle. More hear 554 5.4.6.
    pub hops: usize,
    /// Octets of a message. More hear 552 5.3.4; the next hop's SIZE counts where it is smaller.
    pub message: u64,
    /// Octets of a body that are held in memory; a larger one goes to a file. No reply: nobody notices.
    pub memory: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: 10_000,
            sessions_per_address: 100,
            errors: 50,
            commands: 1_000_000,
            recipients: 10_000,
            line: 4096,
            header: 4 << 20,
            fields: 50_000,
            hops: 100,
            message: 256 << 20,
            memory: 1 << 20,
        }
    }
}

/// How connections to the next hop are kept for later messages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Kept {
    /// How many may wait for their next message. Each occupies a process of Postfix.
    pub number: usize,
    /// How long one may wait. Long enough for a burst, too short for the next hop to miss its process.
    pub idle: Duration,
    /// How old one may get.
    pub age: Duration,
    /// How many messages one may carry. Postfix's own client stops at an age, others at a count.
    pub uses: usize,
}

impl Default for Kept {
    fn default() -> Self {
        Self { number: 100, idle: Duration::from_secs(10), age: Duration::from_secs(300), uses: 10_000 }
    }
}

/// A next hop.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Target {
    /// A host and a port. A name is looked up for each connection, and all its addresses are tried.
    Tcp(String, u16),
    /// A UNIX socket.
    Unix(PathBuf),
}

/// Not a next hop.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("expected host:port, [address]:port or unix:/path")]
pub struct TargetError;

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() { Err(TargetError) } else { Ok(Self::Unix(path.into())) };
        }
        let (host, port) = text.rsplit_once(':').ok_or(TargetError)?;
        let port = port.parse().ok().filter(|&port| port > 0).ok_or(TargetError)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = bare.unwrap_or(host);
        let plain = bare.is_some() || !host.contains([':', '[', ']']);
        let sound = plain && !host.is_empty() && !host.contains(char::is_whitespace);
        if sound { Ok(Self::Tcp(host.to_owned(), port)) } else { Err(TargetError) }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_as_they_are_written() {
        for text in ["127.0.0.1:10028", "[::1]:25", "mx.example:25", "unix:/run/lmtp.sock"] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
        for text in ["", "127.0.0.1", ":25", "::1:25", "a:0", "a:65536", "a b:25", "unix:"] {
            assert_eq!(text.parse::<Target>(), Err(TargetError), "{text}");
        }
    }

    #[test]
    fn deadlines_below_the_floors_are_named() {
        assert!(Deadlines::default().below_floors().is_empty());
        let hasty = Deadlines { data: Duration::from_secs(1), ..Deadlines::default() };
        assert_eq!(hasty.below_floors(), [("data", Duration::from_secs(120))]);
    }
}
