//! Which clients may connect.

use filter::Network;
use std::net::IpAddr;

/// The networks whose clients may connect. Clients on a UNIX socket are held by its mode.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Networks(Vec<Network>);

impl Networks {
    /// This host alone.
    #[must_use]
    pub fn loopback() -> Self {
        Self(Network::LOOPBACK.to_vec())
    }

    /// Whether a client may connect from `address`.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

impl FromIterator<Network> for Networks {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_the_networks_is_enough() {
        let networks: Networks =
            ["10.0.0.0/8", "::1"].map(|text| text.parse().unwrap()).into_iter().collect();
        for (address, expected) in [("10.1.2.3", true), ("::1", true), ("11.1.2.3", false)] {
            assert_eq!(networks.contains(address.parse().unwrap()), expected, "{address}");
        }
        assert!(Networks::loopback().contains("127.1.2.3".parse().unwrap()));
        assert!(!Networks::default().contains("127.0.0.1".parse().unwrap()));
    }
}
