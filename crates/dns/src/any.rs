//! Whichever resolver the configuration asks for.

use crate::{Resolver, SystemResolver, TxtAnswer, Zone};
use mail::Domain;
use std::sync::Arc;

/// A zone in memory or the name servers of the network.
#[derive(Clone, Debug)]
pub enum AnyResolver {
    /// Everything there is stands in memory.
    Zone(Arc<Zone>),
    /// Name servers are asked.
    System(SystemResolver),
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
