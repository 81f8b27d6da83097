//! A relay that changes nothing, to measure what the relay alone costs.
//!
//! `cargo run --release -p dkimgate-relay --example pass -- 127.0.0.1:10025 127.0.0.1:10026`

use filter::{Account, Appetite, Decision, Edits, Envelope, Filter, Pass, Verdict};
use mail::Header;
use relay::{Listener, Relay, Settings};
use std::error::Error;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

struct Nothing;
struct NothingPass;

impl Filter for Nothing {
    type Pass = NothingPass;

    fn open(&self, _: Arc<Envelope>) -> NothingPass {
        NothingPass
    }
}

impl Pass for NothingPass {
    type Answers = ();

    fn header(&mut self, _: &Header) -> impl Future<Output = ()> + Send + use<> {
        std::future::ready(())
    }

    fn body(&mut self, _: &[u8]) -> Appetite {
        Appetite::Sated
    }

    fn finish(self, (): ()) -> Decision {
        Decision { verdict: Verdict::Forward(Edits::default()), account: Account::default() }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments.next().ok_or("expected LISTEN RELAY")?.parse()?;
    let next_hop = arguments.next().ok_or("expected LISTEN RELAY")?.parse()?;
    let settings = Settings { name: "pass".into(), relay: vec![next_hop], ..Settings::default() };
    let listener = Listener::tcp(listen)?;
    let shutdown = CancellationToken::new();
    let relay = Relay::new(settings, Nothing, &listener);
    tokio::spawn(relay.serve(listener, shutdown.clone())).await?;
    Ok(())
}
