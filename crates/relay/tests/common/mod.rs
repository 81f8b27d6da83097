//! A scripted next hop, a client that says and hears, and a filter that adds one field.
#![allow(dead_code, unused_imports, unreachable_pub, clippy::unwrap_used)] // Each test file uses its part; a test may panic.
#![allow(missing_docs)]

mod client;
mod next_hop;

pub use client::Client;
pub use next_hop::{Act, At, NextHop, Script};

use filter::{Account, Appetite, Decision, Edits, Envelope, Filter, Pass, Refusal, Verdict};
use mail::{Header, NewField};
use relay::{Deadlines, Listener, Relay, Settings};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The longest that any single step of a test may take.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The field that [`Stamp`] adds.
pub const FIELD: &str = "X-Stamp: seen\r\n";

/// A filter that adds one field, or refuses where the subject says so.
#[derive(Clone, Debug, Default)]
pub struct Stamp {
    pub seen: Arc<Mutex<Vec<Envelope>>>,
}

pub struct StampPass {
    verdict: Option<Verdict>,
}

impl Filter for Stamp {
    type Pass = StampPass;

    fn open(&self, envelope: Arc<Envelope>) -> StampPass {
        self.seen.lock().unwrap().push(Envelope::clone(&envelope));
        StampPass { verdict: None }
    }
}

impl Pass for StampPass {
    type Answers = ();

    fn header(&mut self, header: &Header) -> impl Future<Output = ()> + Send + use<> {
        let field = NewField::from_raw(FIELD.as_bytes().to_vec()).unwrap();
        let subject = header.named("Subject").next().map(|(_, field)| field.value().to_vec());
        self.verdict = Some(match subject.as_deref() {
            Some(b" refuse") => {
                Verdict::Refuse(Refusal { code: 550, enhanced: "5.7.20", text: "not this one".into() })
            }
            Some(b" discard") => Verdict::Discard,
            _ => Verdict::Forward(Edits { remove: vec![], prepend: vec![field] }),
        });
        async { tokio::task::yield_now().await }
    }

    fn body(&mut self, _: &[u8]) -> Appetite {
        Appetite::Hungry
    }

    fn finish(self, (): ()) -> Decision {
        let account = Account { action: "stamped", ..Account::default() };
        Decision { verdict: self.verdict.expect("the header came first"), account }
    }
}

/// A relay that serves on a free port.
pub struct Serving {
    pub address: SocketAddr,
    pub relay: Relay<Stamp>,
    pub filter: Stamp,
    pub shutdown: CancellationToken,
    pub served: JoinHandle<()>,
}

impl Serving {
    /// Starts with what a test wants otherwise than by default.
    pub fn start(next_hop: &NextHop, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings {
            name: "test".into(),
            hostname: "proxy.example".into(),
            relay: vec![next_hop.target()],
            deadlines: Deadlines { connect: PATIENCE, ..Deadlines::default() },
            ..Settings::default()
        };
        change(&mut settings);
        Self::serve(settings, Listener::tcp("127.0.0.1:0".parse().unwrap()).unwrap())
    }

    pub fn serve(settings: Settings, listener: Listener) -> Self {
        let address = listener.address().unwrap_or_else(|| "127.0.0.1:0".parse().unwrap());
        let (filter, shutdown) = (Stamp::default(), CancellationToken::new());
        let relay = Relay::new(settings, filter.clone(), &listener);
        let served = tokio::spawn(relay.clone().serve(listener, shutdown.clone()));
        Self { address, relay, filter, shutdown, served }
    }

    pub async fn connect(&self) -> Client {
        Client::connect(self.address).await
    }

    /// A client that has been greeted and has said EHLO.
    pub async fn ready(&self) -> Client {
        let mut client = self.connect().await;
        client.hears("220").await;
        client.says("EHLO client.example").await.hears("250").await;
        client
    }

    /// Ends the relay, and waits until it has ended.
    pub async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.served).await.expect("the relay ends").unwrap();
    }
}
