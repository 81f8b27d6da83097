//! `dns:`, where names are looked up. Each role adds what its own look-ups may cost.

use crate::fault::{Fault, Placed};
use crate::network::NameServer;
use crate::section::Section;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How names are looked up. What the file does not name is `None`: its default stands with the resolver.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Dns {
    /// Whom to ask.
    pub source: DnsSource,
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// How many attempts there are, the first included.
    pub attempts: Option<usize>,
    /// How long all the answers for one message may take together.
    pub time: Option<Duration>,
}

/// Where DNS answers come from.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum DnsSource {
    /// The name servers of the system.
    #[default]
    System,
    /// These name servers.
    Servers(Vec<SocketAddr>),
    /// A DNS in a file.
    Zone(Placed<PathBuf>),
}

impl Dns {
    /// `folder` is what relative paths are relative to.
    pub(crate) fn read(section: &mut Section<'_>, folder: &Path) -> Self {
        let zone = section.placed::<PathBuf>("zone");
        let servers = section.values::<NameServer>("servers");
        if let (Some(zone), Some(_)) = (&zone, &servers) {
            let problem = "`zone` and `servers` exclude each other: a zone replaces the network";
            section.complain(Fault::contradiction(zone.place, problem, "keep one of them"));
        }
        let source = match (zone, servers) {
            (Some(zone), _) => DnsSource::Zone(Placed { value: folder.join(zone.value), place: zone.place }),
            (None, Some(servers)) => {
                DnsSource::Servers(servers.iter().map(|server| server.value.0).collect())
            }
            (None, None) => DnsSource::System,
        };
        Self {
            source,
            timeout: section.value("timeout"),
            attempts: section.value("attempts"),
            time: section.value("time"),
        }
    }
}
