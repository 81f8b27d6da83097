//! The engine that verifies.

use super::Engine;
use crate::host;
use auth::AuthservId;
use config::{DnsSource, Fault, Inbound, Listener, Placed};
use dkim::VerifyOptions;
use dns::{AnyResolver, Budget, SystemResolver, SystemSettings, Zone};
use policy::InboundSettings;
use std::path::PathBuf;
use std::sync::Arc;

/// Reads the zone or sets the resolver up.
pub fn engine(inbound: &Inbound, listener: &Listener, faults: &mut Vec<Fault>) -> Option<Engine> {
    let resolver = match &inbound.dns.source {
        DnsSource::Zone(zone) => read_zone(zone),
        DnsSource::System => ask(inbound, Vec::new(), listener),
        DnsSource::Servers(servers) => ask(inbound, servers.clone(), listener),
    };
    let resolver = resolver.map_err(|fault| faults.push(fault)).ok()?;
    Some(with_resolver(inbound, listener, resolver))
}

/// The engine over a resolver that is there already.
pub fn with_resolver(inbound: &Inbound, listener: &Listener, resolver: AnyResolver) -> Engine {
    let default = Budget::default();
    let settings = InboundSettings {
        verify: VerifyOptions {
            max_signatures: inbound.max_signatures.unwrap_or(VerifyOptions::default().max_signatures),
            ..VerifyOptions::default()
        },
        budget: Budget {
            queries: inbound.dns.queries.unwrap_or(default.queries),
            time: inbound.dns.time.unwrap_or(default.time),
        },
        reject_fail: inbound.reject_fail,
        reject_error: inbound.reject_error,
        ..InboundSettings::new(AuthservId::new(listener.hostname.as_str()))
    };
    Engine::Inbound(Arc::new(policy::Inbound::new(settings, resolver, Arc::new(host::now))))
}

fn read_zone(zone: &Placed<PathBuf>) -> Result<AnyResolver, Fault> {
    let path = zone.value.display();
    let unusable = |why: String| {
        Fault::unusable(zone.place, why, "mend that line, or leave `zone` out to ask real name servers")
    };
    let text =
        std::fs::read(&zone.value).map_err(|error| unusable(format!("`{path}` cannot be read: {error}")))?;
    let parsed = Zone::parse(&text).map_err(|error| unusable(format!("`{path}` is no zone: {error}")))?;
    Ok(parsed.into())
}

fn ask(
    inbound: &Inbound,
    servers: Vec<std::net::SocketAddr>,
    listener: &Listener,
) -> Result<AnyResolver, Fault> {
    let default = SystemSettings::default();
    let settings = SystemSettings {
        servers,
        timeout: inbound.dns.timeout.unwrap_or(default.timeout),
        attempts: inbound.dns.attempts.unwrap_or(default.attempts),
        cache_entries: inbound.dns.cache.map_or(default.cache_entries, |entries| entries as u64),
    };
    let place = listener.listen.first().map(|listen| listen.place).unwrap_or_default();
    let resolver = SystemResolver::new(&settings).map_err(|error| {
        let problem = format!("no look-ups are possible: {error}");
        Fault::unusable(place, problem, "mend /etc/resolv.conf, or name `servers:` under `dns:`")
    })?;
    Ok(resolver.into())
}
