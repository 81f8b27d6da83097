//! Networks and hosts: who may connect, and where the mail goes.

use crate::text::{FromText, Problem};
use mail::Domain;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU16;
use std::path::PathBuf;

/// A network of clients, such as `10.0.0.0/8` or `::1`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// What `clients` is by default: this machine.
    pub const LOOPBACK: [Self; 2] = [
        Self { address: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), prefix: 8 },
        Self { address: IpAddr::V6(Ipv6Addr::LOCALHOST), prefix: 128 },
    ];

    /// Whether an address is in it. An IPv4 address mapped into IPv6 is taken as what it is.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                network.to_bits() == address.to_bits() & mask
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                network.to_bits() == address.to_bits() & mask
            }
            _ => false,
        }
    }

    /// Whether it is all the addresses there are.
    #[must_use]
    pub fn is_everyone(&self) -> bool {
        self.prefix == 0
    }

    /// The network of this size that an address is in.
    fn around(address: IpAddr, prefix: u8) -> Self {
        let address = match address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                Ipv4Addr::from_bits(address.to_bits() & mask).into()
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                Ipv6Addr::from_bits(address.to_bits() & mask).into()
            }
        };
        Self { address, prefix }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.address, self.prefix)
    }
}

impl FromText for Network {
    const EXPECTED: &'static str =
        "an IP address or network, such as `192.0.2.10`, `10.0.0.0/8` or `fd00::/8`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| Problem::new("which is no IP address"))?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix.map(str::parse) {
            None => bits,
            Some(Ok(prefix)) if prefix <= bits => prefix,
            Some(_) => return Err(Problem::new(format!("whose prefix is not between 0 and {bits}"))),
        };
        let network = Self::around(address, prefix);
        if network.address != address {
            return Err(Problem::new(format!("which has bits beyond its prefix: probably `{network}`")));
        }
        Ok(network)
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

    fn network(text: &str) -> Network {
        Network::from_text(text).unwrap()
    }

    #[test]
    fn a_network_holds_what_its_prefix_says() {
        for (text, address, inside) in [
            ("127.0.0.0/8", "127.9.9.9", true),
            ("127.0.0.0/8", "::ffff:127.0.0.1", true),
            ("127.0.0.0/8", "128.0.0.1", false),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("0.0.0.0/0", "203.0.113.7", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "2001:db8::1", true),
            ("fd00::/8", "fdff::1", true),
            ("fd00::/8", "fe80::1", false),
            ("::1", "::1", true),
        ] {
            assert_eq!(network(text).contains(address.parse().unwrap()), inside, "{text} {address}");
        }
        assert_eq!(Network::LOOPBACK, [network("127.0.0.0/8"), network("::1")]);
    }

    #[test]
    fn a_malformed_network_says_why() {
        for (text, problem) in [
            ("example.org", "which is no IP address"),
            ("10.0.0.0/33", "whose prefix is not between 0 and 32"),
            ("::/129", "whose prefix is not between 0 and 128"),
            ("10.0.0.0/", "whose prefix is not between 0 and 32"),
            ("10.1.2.3/8", "which has bits beyond its prefix: probably `10.0.0.0/8`"),
        ] {
            assert_eq!(Network::from_text(text).unwrap_err().to_string(), problem, "{text}");
        }
    }

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
