//! The engine that verifies.

use super::Engine;
use super::dns::resolver;
use crate::host;
use crate::metrics::{Metered, Metrics, Purpose};
use auth::AuthservId;
use config::{Fault, Inbound, Listener};
use dkim::VerifyOptions;
use dns::{AnyResolver, Budget, SystemSettings};
use policy::InboundSettings;
use std::sync::Arc;

/// Reads the zone or sets the resolver up.
pub fn engine(
    inbound: &Inbound,
    listener: &Listener,
    metrics: &Metrics,
    faults: &mut Vec<Fault>,
) -> Option<Engine> {
    let cache = inbound.cache.map_or(SystemSettings::default().cache_entries, |entries| entries as u64);
    let resolver = resolver(&inbound.dns, cache).map_err(|fault| faults.push(fault)).ok()?;
    Some(with_resolver(inbound, listener, metrics.metered(resolver, Purpose::Verifying)))
}

/// The engine over a resolver that is there already.
pub fn with_resolver(inbound: &Inbound, listener: &Listener, resolver: Metered<AnyResolver>) -> Engine {
    let default = Budget::default();
    let settings = InboundSettings {
        verify: VerifyOptions {
            max_signatures: inbound.max_signatures.unwrap_or(VerifyOptions::default().max_signatures),
            ..VerifyOptions::default()
        },
        budget: Budget {
            queries: inbound.queries.unwrap_or(default.queries),
            time: inbound.dns.time.unwrap_or(default.time),
        },
        reject_fail: inbound.reject_fail,
        reject_error: inbound.reject_error,
        ..InboundSettings::new(AuthservId::new(listener.hostname.as_str()))
    };
    Engine::Inbound(Arc::new(policy::Inbound::new(settings, resolver, Arc::new(host::now))))
}
