//! Real name servers, by way of hickory-resolver: the only I/O of this crate.

mod inquiry;

use crate::{LookupError, Resolver, TxtAnswer, Unavailable};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use mail::Domain;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// How many look-ups may be under way on one connection. Hickory's own 32 are used up by a handful of messages
/// with ten signatures each, and the next one hears "busy".
const MOST_REQUESTS: usize = 1024;
/// A record that lives longer is asked for again every day, so that a revoked key is noticed.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// That a key is missing is forgotten after five minutes: it may just be on its way.
const LONGEST_ABSENCE: Duration = Duration::from_secs(5 * 60);

/// Whom to ask, and how patiently.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SystemSettings {
    /// The name servers; if there are none, those of the system (`/etc/resolv.conf`).
    pub servers: Vec<SocketAddr>,
    /// How long one attempt may take, all its servers together.
    pub timeout: Duration,
    /// How many attempts there are in all, the first included.
    pub attempts: usize,
    /// How many answers are remembered. An answer has at most 64 KiB, and usually less than one.
    pub cache_entries: u64,
}

impl Default for SystemSettings {
    fn default() -> Self {
        // Five seconds and two attempts are what resolv.conf(5) has. 4,096 answers hold the selectors that most mail
        // comes with, in a few megabytes; filled up by an ill-willed sender they are 256 MiB.
        Self { servers: Vec::new(), timeout: Duration::from_secs(5), attempts: 2, cache_entries: 4096 }
    }
}

/// A resolver could not be set up.
#[derive(Debug, Error)]
#[error("resolver cannot be set up")]
pub struct SystemError(#[source] NetError);

/// Asks name servers, and remembers their answers as long as these allow. Clones share the memory.
#[derive(Clone)]
pub struct SystemResolver {
    resolver: Arc<TokioResolver>,
    /// Whom it asks.
    servers: Arc<[SocketAddr]>,
}

impl SystemResolver {
    /// Sets a resolver up; nothing is sent yet.
    pub fn new(settings: &SystemSettings) -> Result<Self, SystemError> {
        let config = match settings.servers.as_slice() {
            [] => system_config()?,
            servers => ResolverConfig::from_name_servers(servers.iter().map(name_server).collect()),
        };
        let servers = config.name_servers().iter().filter_map(address).collect();
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        apply(settings, builder.options_mut());
        Ok(Self { resolver: Arc::new(builder.build().map_err(SystemError)?), servers })
    }
}

impl std::fmt::Debug for SystemResolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SystemResolver").finish_non_exhaustive()
    }
}

impl Resolver for SystemResolver {
    async fn txt(&self, name: &Domain) -> TxtAnswer {
        // What cannot be a name on the wire does not exist.
        let mut name = Name::from_ascii(name.as_str()).map_err(|_| LookupError::NoName)?;
        // Absolute: the search list of the system is for people's short names.
        name.set_fqdn(true);
        let lookup =
            self.resolver.lookup(name, RecordType::TXT).await.map_err(|error| lookup_error(&error))?;
        let records: Vec<Vec<u8>> = lookup
            .answers()
            .iter()
            .filter_map(|record| match &record.data {
                RData::TXT(txt) => Some(txt.txt_data.concat()),
                _ => None,
            })
            .collect();
        if records.is_empty() { Err(LookupError::NoData) } else { Ok(records) }
    }
}

/// The servers of the system. As resolv.conf(5) has it, without such a file the one on this machine is asked.
fn system_config() -> Result<ResolverConfig, SystemError> {
    match hickory_resolver::system_conf::read_system_conf() {
        Ok((config, _)) => Ok(config),
        Err(NetError::Io(_)) => {
            let local = NameServerConfig::udp_and_tcp(Ipv4Addr::LOCALHOST.into());
            Ok(ResolverConfig::from_name_servers(vec![local]))
        }
        Err(error) => Err(SystemError(error)),
    }
}

fn name_server(address: &SocketAddr) -> NameServerConfig {
    let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
    for connection in &mut connections {
        connection.port = address.port();
    }
    NameServerConfig::new(address.ip(), true, connections)
}

/// Where a name server takes its first kind of connection.
fn address(server: &NameServerConfig) -> Option<SocketAddr> {
    server.connections.first().map(|connection| SocketAddr::new(server.ip, connection.port))
}

fn apply(settings: &SystemSettings, options: &mut ResolverOpts) {
    options.timeout = settings.timeout;
    // Hickory counts the attempts after the first one.
    options.attempts = settings.attempts.saturating_sub(1);
    options.cache_size = settings.cache_entries;
    options.max_active_requests = MOST_REQUESTS;
    options.positive_max_ttl = Some(LONGEST_LIFE);
    options.negative_max_ttl = Some(LONGEST_ABSENCE);
    options.use_hosts_file = ResolveHosts::Never;
    options.edns0 = true;
}

fn lookup_error(error: &NetError) -> LookupError {
    match error {
        NetError::Timeout => Unavailable::Timeout.into(),
        NetError::Dns(
            DnsError::NoRecordsFound(NoRecords { response_code, .. }) | DnsError::ResponseCode(response_code),
        ) => match *response_code {
            ResponseCode::NXDomain => LookupError::NoName,
            ResponseCode::NoError => LookupError::NoData,
            ResponseCode::ServFail => Unavailable::ServFail.into(),
            code => Unavailable::Other(code.to_str().to_owned()).into(),
        },
        other => Unavailable::Other(other.to_string()).into(),
    }
}

#[cfg(test)]
mod tests;
