//! What both roles have in common: who may connect, where the mail goes, limits, deadlines, repairs.
//!
//! A limit or deadline that the file does not name is `None`: its default stands with whoever keeps it.

use crate::fault::{Fault, Placed};
use crate::listen::{Listen, Protocol, Socket};
use crate::metrics::Metrics;
use crate::network::NextHop;
use crate::section::Section;
use crate::text::{Count, FromText, Problem, Size, one_of};
use filter::Network;
use mail::Domain;
use smtp::content::{Repair, Repairs};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The SMTP side of a configuration file.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Where clients connect.
    pub listen: Vec<Placed<Listen>>,
    /// Who may connect to those that are UNIX sockets.
    pub socket: Socket,
    /// What is spoken with clients.
    pub protocol: Protocol,
    /// Whether a PROXY header introduces each client.
    pub proxy_protocol: bool,
    /// Whether XCLIENT is offered.
    pub xclient: bool,
    /// Where the mail goes: to the first of these that answers.
    pub relay: Vec<Placed<NextHop>>,
    /// What we call ourselves: in the greeting, in EHLO to the next hop, and as authserv-id.
    pub hostname: Domain,
    /// Who may connect.
    pub clients: Vec<Network>,
    /// Whether 8BITMIME is offered, if the next hop offers it.
    pub eightbitmime: bool,
    /// How much of anything is taken.
    pub limits: Limits,
    /// How long anything is waited for.
    pub deadlines: Deadlines,
    /// How connections to the next hop are kept for later messages.
    pub kept: Kept,
    /// Where bodies too large for memory go; without it the system's folder for temporary files.
    pub spool: Option<Placed<PathBuf>>,
    /// How long running transactions may take after SIGTERM.
    pub drain: Option<Duration>,
    /// What becomes of octets that no mail should have.
    pub repairs: Repairs,
    /// Where metrics can be fetched, if anywhere.
    pub metrics: Option<Metrics>,
}

/// `limits:`; sizes in octets.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Limits {
    /// Sessions at a time.
    pub sessions: Option<usize>,
    /// Sessions at a time from one address that is not loopback.
    pub sessions_per_address: Option<usize>,
    /// Recipients of a message.
    pub recipients: Option<usize>,
    /// The header section.
    pub header: Option<u64>,
    /// The whole message.
    pub message: Option<u64>,
    /// A command line.
    pub line: Option<u64>,
    /// Commands refused in a session before it is ended.
    pub errors: Option<usize>,
    /// Commands in a session.
    pub commands: Option<usize>,
    /// Fields of a header section.
    pub fields: Option<usize>,
    /// Received fields in a message, by which a mail loop is known.
    pub hops: Option<usize>,
    /// A body that is kept in memory; a larger one goes to an unlinked file.
    pub memory: Option<u64>,
}

/// `deadlines:`, each for one step.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Deadlines {
    /// Until the next hop takes the connection.
    pub connect: Option<Duration>,
    /// Until the next hop greets.
    pub greeting: Option<Duration>,
    /// Until the next hop answers EHLO, MAIL, RCPT or RSET.
    pub command: Option<Duration>,
    /// Until the next hop answers DATA.
    pub data: Option<Duration>,
    /// Until the next hop takes more of the content.
    pub content: Option<Duration>,
    /// Until the next hop answers the final dot.
    pub r#final: Option<Duration>,
    /// Until the client says something more.
    pub client: Option<Duration>,
    /// Until the client has brought a whole message.
    pub message: Option<Duration>,
}

/// `kept:`, connections to the next hop.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Kept {
    /// How many may wait for their next message.
    pub number: Option<usize>,
    /// How long one may wait.
    pub idle: Option<Duration>,
    /// How old one may get.
    pub age: Option<Duration>,
    /// How many messages one may carry.
    pub uses: Option<usize>,
}

impl FromText for Repair {
    const EXPECTED: &'static str = "`fix`, `refuse` or `pass`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        one_of(text, &[("fix", Self::Fix), ("refuse", Self::Refuse), ("pass", Self::Pass)])
    }
}

/// What is not said in the listener's own options, and yet decides some of their defaults.
pub(crate) struct Circumstances<'a> {
    /// What relative paths are relative to.
    pub(crate) folder: &'a Path,
    pub(crate) system_hostname: &'a str,
    pub(crate) inbound: bool,
}

impl Listener {
    pub(crate) fn read(file: &mut Section<'_>, circumstances: &Circumstances<'_>) -> Option<Self> {
        file.require("listen", Listen::EXPECTED);
        file.require("relay", NextHop::EXPECTED);
        let listen = file.values("listen");
        let (socket, protocol) = (file.section("socket", Socket::read), file.value("protocol"));
        let (proxy_protocol, xclient) = (file.value("proxy_protocol"), file.value("xclient"));
        let relay = file.values("relay");
        let hostname = hostname(file, circumstances);
        let clients = clients(file, listen.as_deref().unwrap_or_default());
        // RFC 6152: the outbound side does not offer 8BITMIME, so that the MTA converts before we sign and not after.
        // The inbound side offers it: a conversion before we verify would break the signature.
        let eightbitmime = file.value("eightbitmime").unwrap_or(circumstances.inbound);
        let limits = file.section("limits", Limits::read);
        let deadlines = file.section("deadlines", Deadlines::read);
        let kept = file.section("kept", Kept::read);
        let spool = file.placed::<PathBuf>("spool");
        let spool = spool.map(|spool| Placed { value: circumstances.folder.join(spool.value), ..spool });
        let drain = file.value("drain");
        let repairs = Repairs {
            bare_cr: file.value("bare_cr").unwrap_or_default(),
            bare_lf: file.value("bare_lf").unwrap_or_default(),
            nul: file.value("nul").unwrap_or_default(),
        };
        let metrics = Metrics::read(file);
        let (listen, relay) = (listen?, relay?);
        refuse_a_loop(file, &listen, &relay);
        let hostname = hostname?;
        Some(Self {
            listen,
            socket,
            protocol: protocol.unwrap_or_default(),
            proxy_protocol: proxy_protocol.unwrap_or_default(),
            xclient: xclient.unwrap_or_default(),
            relay,
            hostname,
            clients,
            eightbitmime,
            limits,
            deadlines,
            kept,
            spool,
            drain,
            repairs,
            metrics,
        })
    }
}

fn hostname(file: &mut Section<'_>, circumstances: &Circumstances<'_>) -> Option<Domain> {
    if file.has("hostname") {
        return file.value("hostname");
    }
    let system = circumstances.system_hostname;
    let hostname = Domain::parse(system);
    let remedy = "add `hostname:` with the full name of this host, such as `mx.example.org`";
    match &hostname {
        Err(error) => {
            let problem = format!("`hostname` is missing, and this system calls itself `{system}` ({error})");
            file.complain(Fault::contradiction(file.place(), problem, remedy));
        }
        // RFC 8601 §2.5 wants an authserv-id that is unique among those who share a mailbox; `mail` is not.
        Ok(name) if circumstances.inbound && name.parent().is_none() => {
            let problem = format!(
                "`hostname` is missing, and `{system}`, as this system calls itself, is no full name"
            );
            file.complain(Fault::doubtful(file.place(), problem, remedy));
        }
        Ok(_) => {}
    }
    hostname.ok()
}

fn clients(file: &mut Section<'_>, listen: &[Placed<Listen>]) -> Vec<Network> {
    let Some(clients) = file.values::<Network>("clients") else {
        if !file.has("clients") {
            listen.iter().filter_map(open_to_the_world).for_each(|fault| file.complain(fault));
        }
        return Network::LOOPBACK.to_vec();
    };
    for network in clients.iter().filter(|network| network.value.is_everyone()) {
        let problem =
            format!("`clients` is `{}`: everybody may send mail through this listener", network.value);
        file.complain(Fault::doubtful(network.place, problem, "name the networks of your own MTAs only"));
    }
    clients.into_iter().map(|network| network.value).collect()
}

/// Complains of an address that others than this host can reach. Clients of a UNIX socket are held by its mode.
fn open_to_the_world(listen: &Placed<Listen>) -> Option<Fault> {
    let Listen::Address(address) = listen.value else { return None };
    if address.ip().to_canonical().is_loopback() {
        return None;
    }
    let problem = format!(
        "`listen` is open to the world: `{address}` is not loopback, and nothing says who may connect"
    );
    let remedy = format!(
        "add `clients:` with the addresses of your MTAs, such as `clients: [192.0.2.10, 10.0.0.0/8]`, or listen on \
         `127.0.0.1:{}`",
        address.port()
    );
    Some(Fault::contradiction(listen.place, problem, remedy))
}

fn refuse_a_loop(file: &mut Section<'_>, listen: &[Placed<Listen>], relay: &[Placed<NextHop>]) {
    for hop in relay {
        if listen.iter().any(|listen| listen.value.hears(&hop.value)) {
            let problem = format!("`relay` is `{}`, where this file itself listens: a mail loop", hop.value);
            let remedy = "name the port where your MTA takes the mail back, such as `127.0.0.1:10026`";
            file.complain(Fault::contradiction(hop.place, problem, remedy));
        }
    }
}

impl Limits {
    fn read(section: &mut Section<'_>) -> Self {
        let octets = |section: &mut Section<'_>, key| section.value(key).map(|Size(octets)| octets);
        Self {
            sessions: section.value("sessions"),
            sessions_per_address: section.value("sessions_per_address"),
            recipients: section.value("recipients"),
            header: octets(section, "header"),
            message: octets(section, "message"),
            line: octets(section, "line"),
            errors: section.value("errors"),
            commands: section.value("commands"),
            fields: section.value("fields"),
            hops: section.value("hops"),
            memory: octets(section, "memory"),
        }
    }
}

impl Kept {
    fn read(section: &mut Section<'_>) -> Self {
        Self {
            number: section.value("number").map(|Count(number)| number),
            idle: section.value("idle"),
            age: section.value("age"),
            uses: section.value("uses"),
        }
    }
}

const MINUTE: Duration = Duration::from_secs(60);

impl Deadlines {
    fn read(section: &mut Section<'_>) -> Self {
        Self {
            connect: section.value("connect"),
            // RFC 5321 §4.5.3.2.1 and the sections that follow it.
            greeting: at_least(section, "greeting", 5 * MINUTE, "4.5.3.2.1"),
            command: at_least(section, "command", 5 * MINUTE, "4.5.3.2.2"),
            data: at_least(section, "data", 2 * MINUTE, "4.5.3.2.4"),
            content: at_least(section, "content", 3 * MINUTE, "4.5.3.2.5"),
            r#final: at_least(section, "final", 10 * MINUTE, "4.5.3.2.6"),
            client: at_least(section, "client", 5 * MINUTE, "4.5.3.2.7"),
            message: section.value("message"),
        }
    }
}

fn at_least(section: &mut Section<'_>, key: &'static str, floor: Duration, rfc: &str) -> Option<Duration> {
    let deadline = section.placed::<Duration>(key)?;
    if deadline.value < floor {
        let minutes = floor.as_secs() / 60;
        let problem = format!("`{key}` is shorter than the {minutes} minutes of RFC 5321 §{rfc}");
        let remedy =
            format!("a slow peer will be given up early; `{minutes}m` or more is what the RFC asks for");
        section.complain(Fault::doubtful(deadline.place, problem, remedy));
    }
    Some(deadline.value)
}
