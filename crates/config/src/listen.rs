//! Where clients connect, and what is spoken there.

use crate::fault::{Fault, Placed};
use crate::network::NextHop;
use crate::section::Section;
use crate::text::{FromText, Problem, one_of};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

/// The mode of a UNIX socket that the file says nothing of: its owner and group connect.
const SOCKET_MODE: u32 = 0o660;

/// Where clients connect.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Listen {
    /// A TCP address.
    Address(SocketAddr),
    /// A UNIX socket.
    Unix(PathBuf),
    /// The sockets that the service manager has bound already: those of this name, or all of them.
    Inherited(Option<String>),
}

impl Listen {
    /// Whether what goes to `hop` comes in here.
    pub(crate) fn hears(&self, hop: &NextHop) -> bool {
        match (self, hop) {
            (Self::Address(own), NextHop::Address(address)) => is_same(*own, *address),
            (Self::Address(own), NextHop::Host(host, port)) if own.port() == *port => {
                let local = own.ip().is_unspecified() || own.ip().to_canonical().is_loopback();
                if host.as_str() == "localhost" { local } else { leads_to(*own, host.as_str()) }
            }
            (Self::Unix(own), NextHop::Unix(path)) => own == path,
            _ => false,
        }
    }
}

/// Whether the name of a host leads to a listener on `own`. It is looked up only where the port is the same: no start
/// waits for a DNS that has nothing to do with it.
fn leads_to(own: SocketAddr, host: &str) -> bool {
    let found = (host, own.port()).to_socket_addrs();
    found.is_ok_and(|mut addresses| addresses.any(|address| is_same(own, address)))
}

/// Whether a connection to `address` ends at a listener on `own`.
fn is_same(own: SocketAddr, address: SocketAddr) -> bool {
    // Who connects to 0.0.0.0 or :: comes to this host.
    let there = match address.ip().to_canonical() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let everywhere = own.ip().is_unspecified() && there.is_loopback();
    own.port() == address.port() && (everywhere || own.ip().to_canonical() == there)
}

impl fmt::Display for Listen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(formatter),
            Self::Unix(path) => write!(formatter, "unix:{}", path.display()),
            Self::Inherited(None) => formatter.write_str("systemd"),
            Self::Inherited(Some(name)) => write!(formatter, "systemd:{name}"),
        }
    }
}

impl FromText for Listen {
    const EXPECTED: &'static str = "an IP address and a port, such as `127.0.0.1:10025` or `[::1]:10025`, a UNIX socket such as `unix:/run/dkimgate/in.sock`, or `systemd`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        if let Some(path) = text.strip_prefix("unix:") {
            let absolute = path.starts_with('/').then(|| Self::Unix(path.into()));
            return absolute.ok_or_else(|| Problem::new("whose path does not begin with `/`"));
        }
        match text.strip_prefix("systemd") {
            Some("") => Ok(Self::Inherited(None)),
            Some(name) if name.starts_with(':') => match &name[1..] {
                "" => Err(Problem::new("which lacks the name of the socket")),
                name => Ok(Self::Inherited(Some(name.to_owned()))),
            },
            _ => SocketAddr::from_text(text).map(Self::Address),
        }
    }
}

/// What is spoken with clients.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Protocol {
    /// SMTP.
    #[default]
    Smtp,
    /// LMTP: one reply for each recipient after the content.
    Lmtp,
}

impl FromText for Protocol {
    const EXPECTED: &'static str = "`smtp` or `lmtp`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        one_of(text, &[("smtp", Self::Smtp), ("lmtp", Self::Lmtp)])
    }
}

/// `socket:`, who may connect to the UNIX sockets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Socket {
    /// Its mode; whoever may write to it may connect.
    pub mode: u32,
    /// The user it belongs to; without it, ours.
    pub owner: Option<Placed<String>>,
    /// The group it belongs to; without it, ours.
    pub group: Option<Placed<String>>,
}

impl Default for Socket {
    fn default() -> Self {
        Self { mode: SOCKET_MODE, owner: None, group: None }
    }
}

impl Socket {
    pub(crate) fn read(section: &mut Section<'_>) -> Self {
        let mode = section.placed("mode");
        if let Some(Placed { value: Mode(mode), place }) = mode
            && mode & 0o002 != 0
        {
            let problem = "every user of this system may connect to the socket, and send mail to anyone";
            let remedy = "say `mode: 0660`, and name your MTA's `group`";
            section.complain(Fault::doubtful(place, problem, remedy));
        }
        Self {
            mode: mode.map_or(SOCKET_MODE, |mode| mode.value.0),
            owner: section.placed("owner"),
            group: section.placed("group"),
        }
    }
}

/// The mode of a file.
struct Mode(u32);

impl FromText for Mode {
    const EXPECTED: &'static str = "a mode in octal digits, such as `0660`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        let octal = !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
        match u32::from_str_radix(text.strip_prefix("0o").unwrap_or(text), 8) {
            Ok(mode @ 0..=0o777) if octal || text.starts_with("0o") => Ok(Self(mode)),
            _ => Err(Problem::new("which is no mode")),
        }
    }
}

/// The name of a user or group.
impl FromText for String {
    const EXPECTED: &'static str = "a name, such as `postfix`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        if text.is_empty() { Err(Problem::new("which is no name")) } else { Ok(text.to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_are_read_as_they_are_written() {
        for text in ["127.0.0.1:10025", "[::1]:25", "0.0.0.0:0", "unix:/run/in.sock", "systemd", "systemd:in"]
        {
            assert_eq!(Listen::from_text(text).unwrap().to_string(), text);
        }
        for (text, expected) in [
            ("10025", "which is a port without an address"),
            ("unix:in.sock", "whose path does not begin with `/`"),
            ("unix:", "whose path does not begin with `/`"),
            ("systemd:", "which lacks the name of the socket"),
            ("systemdx", "which is no IP address with a port"),
        ] {
            assert_eq!(Listen::from_text(text).unwrap_err().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn a_listener_hears_what_goes_to_it_in_every_form() {
        for (listen, hop, expected) in [
            ("127.0.0.1:25", "127.0.0.1:25", true),
            ("127.0.0.1:25", "127.0.0.1:26", false),
            ("127.0.0.1:25", "127.0.0.2:25", false),
            ("0.0.0.0:25", "127.0.0.1:25", true),
            ("[::]:25", "127.0.0.1:25", true),
            ("[::]:25", "10.0.0.1:25", false),
            ("127.0.0.1:25", "[::ffff:127.0.0.1]:25", true),
            ("[::1]:25", "localhost:25", true),
            ("0.0.0.0:25", "localhost:25", true),
            ("10.0.0.1:25", "localhost:25", false),
            ("127.0.0.1:25", "mta.example.org:26", false),
            ("127.0.0.1:25", "0.0.0.0:25", true),
            ("[::]:25", "0.0.0.0:25", true),
            ("[::1]:25", "[::]:25", true),
            ("10.0.0.1:25", "0.0.0.0:25", false),
            ("unix:/run/a", "unix:/run/a", true),
            ("unix:/run/a", "unix:/run/b", false),
            ("systemd", "127.0.0.1:25", false),
        ] {
            let (own, to) = (Listen::from_text(listen).unwrap(), NextHop::from_text(hop).unwrap());
            assert_eq!(own.hears(&to), expected, "{listen} {hop}");
        }
    }

    #[test]
    fn modes_are_octal() {
        for (text, mode) in [("0660", 0o660), ("660", 0o660), ("0o600", 0o600), ("0", 0)] {
            assert_eq!(Mode::from_text(text).unwrap().0, mode, "{text}");
        }
        for text in ["", "0o", "0668", "rw", "-1", "+7", "01777"] {
            assert!(Mode::from_text(text).is_err(), "{text}");
        }
    }
}
