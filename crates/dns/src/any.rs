//! Whichever resolver the configuration asks for.

use crate::{LookupError, Resolver, SystemResolver, TxtAnswer, Zone};
use mail::Domain;
use std::net::IpAddr;
use std::sync::Arc;

/// A zone in memory or the name servers of the network.
#[derive(Clone, Debug)]
pub enum AnyResolver {
    /// Everything there is stands in memory.
    Zone(Arc<Zone>),
    /// Name servers are asked.
    System(SystemResolver),
}

/// A server of a zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NameServer {
    /// Its name.
    pub name: Domain,
    /// Where it can be asked; nowhere if its name has no address.
    pub addresses: Vec<IpAddr>,
}

impl AnyResolver {
    /// What a name is an alias of (CNAME), if it is one.
    pub async fn alias(&self, name: &Domain) -> Option<Domain> {
        match self {
            Self::Zone(zone) => zone.alias(name),
            Self::System(resolver) => resolver.alias(name).await,
        }
    }

    /// The servers of the zone that a name is in. A zone in memory has none.
    pub async fn name_servers(&self, name: &Domain) -> Result<Vec<NameServer>, LookupError> {
        match self {
            Self::Zone(_) => Ok(Vec::new()),
            Self::System(resolver) => resolver.name_servers(name).await,
        }
    }

    /// Whether the resolver vouches for the TXT records of a name with DNSSEC; `None` if nobody can tell.
    pub async fn is_authentic(&self, name: &Domain) -> Option<bool> {
        match self {
            Self::Zone(_) => None,
            Self::System(resolver) => resolver.is_authentic(name).await,
        }
    }
}

impl From<Zone> for AnyResolver {
    fn from(zone: Zone) -> Self {
        Self::Zone(Arc::new(zone))
    }
}

impl From<SystemResolver> for AnyResolver {
    fn from(resolver: SystemResolver) -> Self {
        Self::System(resolver)
    }
}

impl Resolver for AnyResolver {
    async fn txt(&self, name: &Domain) -> TxtAnswer {
        match self {
            Self::Zone(zone) => zone.txt(name).await,
            Self::System(resolver) => resolver.txt(name).await,
        }
    }
}
