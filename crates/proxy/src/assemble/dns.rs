//! The resolver that a file names under `dns:`.

use config::{Dns, DnsSource, Fault, Placed};
use dns::{AnyResolver, SystemResolver, SystemSettings, Zone};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Reads the zone, or sets a resolver up that remembers as many answers.
pub fn resolver(dns: &Dns, cache: u64) -> Result<AnyResolver, Fault> {
    match &dns.source {
        DnsSource::Zone(zone) => read_zone(zone),
        DnsSource::System => ask(dns, &[], cache),
        DnsSource::Servers(servers) => ask(dns, servers, cache),
    }
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

fn ask(dns: &Dns, servers: &[SocketAddr], cache_entries: u64) -> Result<AnyResolver, Fault> {
    let default = SystemSettings::default();
    let settings = SystemSettings {
        servers: servers.to_vec(),
        timeout: dns.timeout.unwrap_or(default.timeout),
        attempts: dns.attempts.unwrap_or(default.attempts),
        cache_entries,
    };
    let resolver = SystemResolver::new(&settings).map_err(|error| {
        let problem = format!("no look-ups are possible: {error}");
        let remedy = "mend /etc/resolv.conf, or name `servers:` under `dns:`";
        Fault::unusable(config::Place::START, problem, remedy)
    })?;
    Ok(resolver.into())
}
