//! What an administrator wants to know of a name beside its TXT records.

use super::{SystemResolver, lookup_error};
use crate::{LookupError, NameServer};
use hickory_resolver::proto::op::{Edns, Message, Query};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use mail::Domain;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// How long the one question about DNSSEC may take; it only adds to what is known.
const PATIENCE: Duration = Duration::from_secs(3);
/// RFC 9715 §3: what passes everywhere without fragments.
const LARGEST_DATAGRAM: u16 = 1400;
/// Zones have 13 name servers at most where anybody counted; more are not asked.
const MOST_SERVERS: usize = 16;

impl SystemResolver {
    /// What the name is an alias of (CNAME), if it is one.
    pub async fn alias(&self, name: &Domain) -> Option<Domain> {
        let lookup = self.resolver.lookup(absolute(name)?, RecordType::CNAME).await.ok()?;
        lookup.answers().iter().find_map(|record| match &record.data {
            RData::CNAME(target) => Domain::parse(&target.0.to_ascii()).ok(),
            _ => None,
        })
    }

    /// The name servers of the zone that a name is in, with their addresses.
    pub async fn name_servers(&self, name: &Domain) -> Result<Vec<NameServer>, LookupError> {
        let mut zone = Some(name.clone());
        while let Some(apex) = zone {
            let names = self.name_servers_at(&apex).await?;
            if !names.is_empty() {
                let mut servers = Vec::new();
                for name in names.into_iter().take(MOST_SERVERS) {
                    servers.push(self.name_server(name).await);
                }
                return Ok(servers);
            }
            zone = apex.parent();
        }
        Err(LookupError::NoData)
    }

    /// The names of the servers of a zone; none if no zone begins there.
    async fn name_servers_at(&self, apex: &Domain) -> Result<Vec<Domain>, LookupError> {
        let Some(absolute) = absolute(apex) else { return Ok(Vec::new()) };
        let lookup = match self
            .resolver
            .lookup(absolute, RecordType::NS)
            .await
            .map_err(|error| lookup_error(&error))
        {
            Ok(lookup) => lookup,
            Err(LookupError::NoName | LookupError::NoData) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let names = lookup.answers().iter().filter_map(|record| match &record.data {
            RData::NS(server) => Domain::parse(&server.0.to_ascii()).ok(),
            _ => None,
        });
        Ok(names.collect())
    }

    /// A server with all addresses that it has; without any, it cannot be asked.
    async fn name_server(&self, name: Domain) -> NameServer {
        let addresses = match absolute(&name) {
            Some(absolute) => self
                .resolver
                .lookup_ip(absolute)
                .await
                .map(|found| found.iter().collect())
                .unwrap_or_default(),
            None => Vec::new(),
        };
        NameServer { name, addresses }
    }

    /// Whether the resolver vouches for the TXT records of a name with DNSSEC; `None` if it does not answer.
    ///
    /// `Some(false)` says little: the zone may be unsigned, or the resolver may not look.
    pub async fn is_authentic(&self, name: &Domain) -> Option<bool> {
        let server = *self.servers.first()?;
        timeout(PATIENCE, authentic(server, absolute(name)?)).await.ok()?
    }
}

/// Asks for a name with the bit that says that we understand the answer's (RFC 6840 §5.7).
async fn authentic(server: SocketAddr, name: Name) -> Option<bool> {
    let any: SocketAddr =
        if server.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(any).await.ok()?;
    socket.connect(server).await.ok()?;
    let mut question = Message::query();
    question.metadata.recursion_desired = true;
    question.metadata.authentic_data = true;
    question.add_query(Query::query(name.clone(), RecordType::TXT));
    let mut edns = Edns::new();
    edns.set_max_payload(LARGEST_DATAGRAM);
    question.set_edns(edns);
    socket.send(&question.to_vec().ok()?).await.ok()?;
    let mut datagram = [0; 4096];
    loop {
        let length = socket.recv(&mut datagram).await.ok()?;
        let Ok(answer) = Message::from_vec(&datagram[..length]) else { continue };
        let is_ours = answer.metadata.id == question.metadata.id
            && answer.queries.iter().any(|query| *query.name() == name);
        if is_ours {
            return Some(answer.metadata.authentic_data);
        }
    }
}

/// A name as hickory wants it, without any search list.
fn absolute(name: &Domain) -> Option<Name> {
    let mut name = Name::from_ascii(name.as_str()).ok()?;
    name.set_fqdn(true);
    Some(name)
}
