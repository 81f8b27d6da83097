//! Networks of clients: who may connect, and which rule is for whom.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use thiserror::Error;

/// A network of clients, such as `10.0.0.0/8`. A single address is a network of its full length.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Why a text is no network; to follow the text.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum NetworkError {
    /// What stands before the slash.
    #[error("which is no IP address")]
    Address,
    /// What stands behind it; the address has so many bits.
    #[error("whose prefix is not between 0 and {0}")]
    Prefix(u8),
    /// An address within the network stands for the network, and one cannot know which of the two is meant.
    #[error("which has bits beyond its prefix: probably `{0}`")]
    Beyond(Network),
}

impl Network {
    /// This host.
    pub const LOOPBACK: [Self; 2] = [
        Self { address: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), prefix: 8 },
        Self { address: IpAddr::V6(Ipv6Addr::LOCALHOST), prefix: 128 },
    ];

    /// The network of `prefix` bits that an address is in. More bits than the address has are all of them.
    #[must_use]
    pub fn around(address: IpAddr, prefix: u8) -> Self {
        let prefix = prefix.min(bits(address));
        let address = match address {
            IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() & mask_v4(prefix)).into(),
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & mask_v6(prefix)).into(),
        };
        Self { address, prefix }
    }

    /// Whether an address is in it. An IPv4 address mapped into IPv6 is taken as what it is.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4()
            && Self::around(address, self.prefix).address == self.address
    }

    /// Whether all of another network is in it.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.prefix <= other.prefix && self.contains(other.address)
    }

    /// Whether it is all the addresses there are.
    #[must_use]
    pub fn is_everyone(&self) -> bool {
        self.prefix == 0
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn mask_v4(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

fn mask_v6(prefix: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0)
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Address)?;
        let bits = bits(address);
        let prefix = match prefix.map(str::parse) {
            None => bits,
            Some(Ok(prefix)) if prefix <= bits => prefix,
            Some(_) => return Err(NetworkError::Prefix(bits)),
        };
        let network = Self::around(address, prefix);
        if network.address == address { Ok(network) } else { Err(NetworkError::Beyond(network)) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_holds_what_its_prefix_says() {
        for (text, address, inside) in [
            ("127.0.0.0/8", "127.9.9.9", true),
            ("127.0.0.0/8", "::ffff:127.0.0.1", true),
            ("127.0.0.0/8", "128.0.0.1", false),
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("0.0.0.0/0", "203.0.113.7", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "2001:db8::1", true),
            ("2001:db8::/33", "2001:db8:8000::1", false),
            ("2001:db8::/32", "2001:db8:8000::1", true),
            ("fd00::/8", "fdff::1", true),
            ("fd00::/8", "fe80::1", false),
            ("::1", "::1", true),
        ] {
            assert_eq!(network(text).contains(address.parse().unwrap()), inside, "{text} {address}");
        }
        assert_eq!(Network::LOOPBACK, [network("127.0.0.0/8"), network("::1")]);
        assert_eq!(Network::around("192.0.2.7".parse().unwrap(), 24), network("192.0.2.0/24"));
        assert_eq!(Network::around("::1".parse().unwrap(), 200), network("::1"));
    }

    #[test]
    fn a_malformed_network_says_why() {
        for (text, problem) in [
            ("", "which is no IP address"),
            ("example.org", "which is no IP address"),
            ("10.0.0/8", "which is no IP address"),
            ("10.0.0.0/33", "whose prefix is not between 0 and 32"),
            ("::/129", "whose prefix is not between 0 and 128"),
            ("10.0.0.0/", "whose prefix is not between 0 and 32"),
            ("10.1.2.3/8", "which has bits beyond its prefix: probably `10.0.0.0/8`"),
        ] {
            assert_eq!(text.parse::<Network>().unwrap_err().to_string(), problem, "{text}");
        }
    }

    #[test]
    fn a_network_covers_those_within_it() {
        for (outer, inner, covers) in [
            ("10.0.0.0/8", "10.1.0.0/16", true),
            ("10.0.0.0/8", "10.0.0.0/8", true),
            ("10.1.0.0/16", "10.0.0.0/8", false),
            ("10.0.0.0/8", "11.0.0.0/16", false),
            ("0.0.0.0/0", "::/0", false),
        ] {
            assert_eq!(network(outer).covers(&network(inner)), covers, "{outer} {inner}");
        }
    }
}
