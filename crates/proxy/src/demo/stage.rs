//! Both listeners and both return ports of the demo.

use super::DemoError;
use super::return_port::ReturnPort;
use crate::assemble::{self, Assembly, Missing};
use crate::metrics::{Metrics, Purpose};
use crate::service::Service;
use config::{Config, Engine, KeyFolders, NextHop, Placed, Report, Source};
use dns::Zone;
use relay::Listener;
use std::net::{Ipv4Addr, SocketAddr};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The shipped files; the program carries its own copy, so that the demo runs in an empty folder.
const OUTBOUND: (&str, &str) = ("proxy-out.yaml", include_str!("../../../../proxy-out.yaml"));
const INBOUND: (&str, &str) = ("proxy-in.yaml", include_str!("../../../../proxy-in.yaml"));

/// Where the demo plays.
pub struct Stage {
    /// Where the outbound listener is.
    pub outbound: SocketAddr,
    /// Where the inbound listener is.
    pub inbound: SocketAddr,
    /// Where signed mail arrives.
    pub signed: ReturnPort,
    /// Where verified mail arrives.
    pub verified: ReturnPort,
    /// The DNS record of the new key, as a line of a zone file.
    pub record: String,
    /// Holds the key; removed with all that is in it.
    folder: TempDir,
    shutdown: CancellationToken,
    serving: TaskTracker,
}

impl Stage {
    /// Makes the key and the zone, and starts everything.
    pub async fn set() -> Result<Self, DemoError> {
        let folder = TempDir::with_prefix("dkimgate-demo-")?;
        let (signed, verified) = (ReturnPort::open().await?, ReturnPort::open().await?);
        let signing = signer(&folder, signed.address)?;
        let mut zone = Zone::default();
        let mut record = String::new();
        for made in &signing.made {
            zone.add_txt(made.record.name(), made.record.text());
            record = made.record.zone_line();
        }
        let verifying = verifier(verified.address, zone)?;
        let (shutdown, serving) = (CancellationToken::new(), TaskTracker::new());
        let serve = |assembly: &Assembly| {
            let listener = Listener::tcp((Ipv4Addr::LOCALHOST, 0).into())?;
            let address = listener.address().ok_or(std::io::ErrorKind::AddrNotAvailable)?;
            let tally = Metrics::default().listener(&listener.to_string(), assembly.role());
            Service::start(assembly, listener, tally, (&serving, &shutdown));
            Ok::<_, std::io::Error>(address)
        };
        let (outbound, inbound) = (serve(&signing)?, serve(&verifying)?);
        Ok(Self { outbound, inbound, signed, verified, record, folder, shutdown, serving })
    }

    /// Ends everything, and leaves nothing behind.
    pub async fn clear(self) {
        self.shutdown.cancel();
        self.serving.close();
        self.serving.wait().await;
        if let Err(error) = self.folder.close() {
            eprintln!("dkimgate: a temporary folder could not be removed: {error}");
        }
    }
}

/// What signs, with its key in `folder`.
fn signer(folder: &TempDir, next_hop: SocketAddr) -> Result<Assembly, DemoError> {
    // The file lies in the folder, so to speak, and so do the keys that it names.
    let name = folder.path().join(OUTBOUND.0).display().to_string();
    let config = shipped(Source { name, text: OUTBOUND.1.to_owned() }, next_hop)?;
    let mut reports = Vec::new();
    let assembly = assemble::one(config, (Missing::Make, &Metrics::default()), &mut reports);
    assembly.ok_or_else(|| faults(&reports))
}

/// What verifies, with `zone` for a DNS.
fn verifier(next_hop: SocketAddr, zone: Zone) -> Result<Assembly, DemoError> {
    let source = Source { name: INBOUND.0.to_owned(), text: INBOUND.1.to_owned() };
    let config = shipped(source, next_hop)?;
    let Engine::Inbound(inbound) = &config.engine else {
        return Err(DemoError::Unexpected("the inbound file is none".to_owned()));
    };
    let resolver = Metrics::default().metered(zone.into(), Purpose::Verifying);
    let engine = assemble::inbound::with_resolver(inbound, &config.listener, resolver);
    let settings = assemble::settings::settings(&config);
    Ok(Assembly { engine, settings, config, made: Vec::new(), watch: None, folders: KeyFolders::default() })
}

/// A shipped file that hands its mail to `next_hop`.
fn shipped(source: Source, next_hop: SocketAddr) -> Result<Config, DemoError> {
    let mut config = config::read(source, "mx.reader.example").map_err(DemoError::Files)?;
    for hop in &mut config.listener.relay {
        *hop = Placed { value: NextHop::Address(next_hop), place: hop.place };
    }
    Ok(config)
}

fn faults(reports: &[Report]) -> DemoError {
    let texts: Vec<String> = reports.iter().map(ToString::to_string).collect();
    DemoError::Unexpected(texts.join("\n"))
}
