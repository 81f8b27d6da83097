//! `metrics:`, where the program tells over HTTP how it does.

use crate::fault::{Fault, Placed};
use crate::section::Section;
use crate::text::{FromText, Problem};
use filter::Network;
use std::net::SocketAddr;

/// Where metrics can be fetched, and by whom.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Metrics {
    /// The address that is listened on.
    pub listen: Placed<SocketAddr>,
    /// Who may connect.
    pub clients: Vec<Network>,
}

/// `off`, or where to listen.
struct At(Option<SocketAddr>);

impl FromText for At {
    const EXPECTED: &'static str =
        "`off`, an IP address and a port such as `127.0.0.1:9127`, or a mapping of `listen` and `clients`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        match text {
            "off" => Ok(Self(None)),
            address => SocketAddr::from_text(address).map(|address| Self(Some(address))),
        }
    }
}

impl Metrics {
    /// Reads `metrics:` of a file; nothing if it is off.
    pub(crate) fn read(file: &mut Section<'_>) -> Option<Self> {
        if file.is_mapping("metrics") {
            return file.section("metrics", Self::read_mapping);
        }
        let at: Placed<At> = file.placed("metrics")?;
        let listen = Placed { value: at.value.0?, place: at.place };
        refuse_the_world(file, &listen);
        Some(Self { listen, clients: Network::LOOPBACK.to_vec() })
    }

    fn read_mapping(section: &mut Section<'_>) -> Option<Self> {
        section.require("listen", SocketAddr::EXPECTED);
        let listen = section.placed::<SocketAddr>("listen");
        let Some(clients) = section.values::<Network>("clients") else {
            if let Some(listen) = listen.as_ref().filter(|_| !section.has("clients")) {
                refuse_the_world(section, listen);
            }
            return Some(Self { listen: listen?, clients: Network::LOOPBACK.to_vec() });
        };
        for network in clients.iter().filter(|network| network.value.is_everyone()) {
            let problem = format!("`clients` is `{}`: everybody may read the metrics", network.value);
            let remedy = "name the networks of your own monitoring only";
            section.complain(Fault::doubtful(network.place, problem, remedy));
        }
        Some(Self { listen: listen?, clients: clients.into_iter().map(|network| network.value).collect() })
    }
}

/// Complains of an address that others than this host can reach, where nothing says who may.
fn refuse_the_world(section: &mut Section<'_>, listen: &Placed<SocketAddr>) {
    let address = listen.value;
    if address.ip().to_canonical().is_loopback() {
        return;
    }
    let problem = format!(
        "`metrics` is open to the world: `{address}` is not loopback, and nothing says who may connect"
    );
    let remedy = format!(
        "write `metrics: {{listen: \"{address}\", clients: [192.0.2.10]}}` with the addresses of your monitoring, or \
         listen on `127.0.0.1:{}`",
        address.port()
    );
    section.complain(Fault::contradiction(listen.place, problem, remedy));
}
