//! One listener that serves, and that takes a new configuration while it does.

use crate::assemble::{Assembly, Engine};
use crate::metrics::{Metered, Tally};
use dns::AnyResolver;
use relay::{Listener, Observer, Relay, Settings};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A listener that serves. Dropping it changes nothing.
pub struct Service {
    /// The listener's address as it is bound.
    pub name: String,
    tally: Arc<Tally>,
    relay: AnyRelay,
}

enum AnyRelay {
    Outbound(Relay<Arc<policy::Outbound>>),
    Inbound(Relay<Arc<policy::Inbound<Metered<AnyResolver>>>>),
}

impl Service {
    /// Serves a listener in the background, until `shutdown`. What happens there is counted.
    pub fn start(
        assembly: &Assembly,
        listener: Listener,
        tally: Arc<Tally>,
        (serving, shutdown): (&TaskTracker, &CancellationToken),
    ) -> Self {
        let name = listener.to_string();
        let settings = settings(&tally, assembly);
        let shutdown = shutdown.clone();
        let relay = match &assembly.engine {
            Engine::Outbound(engine) => {
                let relay = Relay::new(settings, Arc::clone(engine), &listener);
                serving.spawn(relay.clone().serve(listener, shutdown));
                AnyRelay::Outbound(relay)
            }
            Engine::Inbound(engine) => {
                let relay = Relay::new(settings, Arc::clone(engine), &listener);
                serving.spawn(relay.clone().serve(listener, shutdown));
                AnyRelay::Inbound(relay)
            }
        };
        Self { name, tally, relay }
    }

    /// Whether the assembly is for the same role, so that [`Self::reload`] can take it.
    pub fn is_of(&self, assembly: &Assembly) -> bool {
        matches!(
            (&self.relay, &assembly.engine),
            (AnyRelay::Outbound(_), Engine::Outbound(_)) | (AnyRelay::Inbound(_), Engine::Inbound(_))
        )
    }

    /// Every transaction that begins from now on goes by this assembly.
    pub fn reload(&self, assembly: &Assembly) {
        let settings = settings(&self.tally, assembly);
        match (&self.relay, &assembly.engine) {
            (AnyRelay::Outbound(relay), Engine::Outbound(engine)) => {
                relay.reload(settings, Arc::clone(engine));
            }
            (AnyRelay::Inbound(relay), Engine::Inbound(engine)) => relay.reload(settings, Arc::clone(engine)),
            // Asked for by nobody: see `is_of`.
            (AnyRelay::Outbound(_), Engine::Inbound(_)) | (AnyRelay::Inbound(_), Engine::Outbound(_)) => {}
        }
    }
}

fn settings(tally: &Arc<Tally>, assembly: &Assembly) -> Settings {
    let observer = Arc::clone(tally) as Arc<dyn Observer>;
    Settings { name: tally.name().to_owned(), observer, ..assembly.settings.clone() }
}
