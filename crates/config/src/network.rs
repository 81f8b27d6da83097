//! Networks and hosts: who may connect, and where the mail goes.

use crate::text::{FromText, Problem};
use filter::{Network, NetworkError};
use mail::Domain;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;
use std::path::PathBuf;

impl FromText for Network {
    const EXPECTED: &'static str =
        "an IP address or network, such as `192.0.2.10`, `10.0.0.0/8` or `fd00::/8`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        text.parse().map_err(|error: NetworkError| Problem::new(error.to_string()))
    }
}

/// A server that mail goes to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NextHop {
    /// An IP address and a port.
    Address(SocketAddr),
    /// A host name and a port; whoever connects looks it up.
    Host(Domain, u16),
    /// A UNIX socket.
    Unix(PathBuf),
}

impl fmt::Display for NextHop {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(formatter),
            Self::Host(host, port) => write!(formatter, "{host}:{port}"),
            Self::Unix(path) => write!(formatter, "unix:{}", path.display()),
        }
    }
}

impl FromText for NextHop {
    const EXPECTED: &'static str = "a host and a port or a UNIX socket, such as `127.0.0.1:10026`, `[::1]:10026`, `mta.example.org:10026` or `unix:/run/mta.sock`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        if let Some(path) = text.strip_prefix("unix:") {
            let absolute = path.starts_with('/').then(|| Self::Unix(path.into()));
            return absolute.ok_or_else(|| Problem::new("whose path does not begin with `/`"));
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            return match address.port() {
                0 => Err(Problem::new("which has no port")),
                _ => Ok(Self::Address(address)),
            };
        }
        let without_port = text.parse::<IpAddr>().is_ok() || !text.contains(':');
        if without_port && text.parse::<u16>().is_err() {
            return Err(Problem::new("which has no port"));
        }
        let (host, port) =
            text.rsplit_once(':').ok_or_else(|| Problem::new("which is a port without a host"))?;
        let port =
            port.parse::<NonZeroU16>().map_err(|_| Problem::new("whose port is not between 1 and 65535"))?;
        let host =
            Domain::parse(host).map_err(|error| Problem::new(format!("whose host is none ({error})")))?;
        Ok(Self::Host(host, port.get()))
    }
}

/// A name server: an address, and port 53 unless another is named.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NameServer(pub(crate) SocketAddr);

impl FromText for NameServer {
    const EXPECTED: &'static str =
        "an IP address, with a port if it is not 53, such as `9.9.9.9` or `127.0.0.1:5353`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        let with_port = text.parse().ok();
        let address = with_port.or_else(|| text.parse().ok().map(|address| SocketAddr::new(address, 53)));
        address.map(Self).ok_or_else(|| Problem::new("which is no IP address"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_next_hop_is_a_host_and_a_port() {
        for text in
            ["127.0.0.1:10026", "[::1]:10026", "mta.example.org:25", "localhost:10026", "unix:/run/mta.sock"]
        {
            assert_eq!(NextHop::from_text(text).unwrap().to_string(), text);
        }
        for (text, problem) in [
            ("10026", "which is a port without a host"),
            ("127.0.0.1", "which has no port"),
            ("::1", "which has no port"),
            ("127.0.0.1:0", "which has no port"),
            ("mta.example.org", "which has no port"),
            ("mta:0", "whose port is not between 1 and 65535"),
            ("mta:smtp", "whose port is not between 1 and 65535"),
            ("a b:25", "whose host is none (character ' ' in domain name)"),
            ("unix:run/mta.sock", "whose path does not begin with `/`"),
            (":25", "whose host is none (empty domain name)"),
        ] {
            assert_eq!(NextHop::from_text(text).unwrap_err().to_string(), problem, "{text}");
        }
    }
}
