//! The inbound role: how signatures are verified.

use crate::fault::{Fault, Placed};
use crate::network::NameServer;
use crate::section::Section;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What an inbound listener does with a message.
#[derive(Clone, Debug)]
pub struct Inbound {
    /// How keys are looked up.
    pub dns: Dns,
    /// `verify.max_signatures`: how many signatures of a message are tried.
    pub max_signatures: Option<usize>,
    /// Whether a message is refused if it has signatures, and none of them verifies.
    pub reject_fail: bool,
    /// Whether a message is sent back to the queue of the client if DNS was unavailable.
    pub reject_error: bool,
}

/// `dns:`. What the file does not name is `None`: its default stands with the resolver.
#[derive(Clone, Debug)]
pub struct Dns {
    /// Whom to ask.
    pub source: DnsSource,
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// How many attempts there are, the first included.
    pub attempts: Option<usize>,
    /// How many answers are remembered.
    pub cache: Option<usize>,
    /// How many names are asked for on behalf of one message.
    pub queries: Option<usize>,
    /// How long all the answers for one message may take together.
    pub time: Option<Duration>,
}

/// Where DNS answers come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DnsSource {
    /// The name servers of the system.
    System,
    /// These name servers.
    Servers(Vec<SocketAddr>),
    /// A DNS in a file.
    Zone(Placed<PathBuf>),
}

impl Inbound {
    /// `folder` is what relative paths are relative to.
    pub(crate) fn read(file: &mut Section<'_>, folder: &Path) -> Self {
        Self {
            dns: file.section("dns", |section| Dns::read(section, folder)),
            max_signatures: file.section("verify", |section| section.value("max_signatures")),
            reject_fail: file.value("reject_fail").unwrap_or(false),
            reject_error: file.value("reject_error").unwrap_or(false),
        }
    }
}

impl Dns {
    fn read(section: &mut Section<'_>, folder: &Path) -> Self {
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
            cache: section.value("cache"),
            queries: section.value("queries"),
            time: section.value("time"),
        }
    }
}
