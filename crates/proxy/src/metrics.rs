//! What is counted while the program runs. `server` tells it over HTTP.
//!
//! Counting is an atomic addition; every family that an alarm may hang on is there from the beginning, at 0. Labels
//! are words of ours and names from the configuration, never anything of a sender's. [`Metrics`] lives as long as the
//! program, so that a reload sets nothing back.
//!
//! - `listener`: what happens at one listener;
//! - `lookups`: a resolver whose answers are counted;
//! - `stores`: databases with keys, whose answers are counted;
//! - `records`: what is known of the records of our keys, asked for when somebody wants to see it.

mod listener;
mod lookups;
mod records;
pub mod server;
mod stores;

pub use listener::Tally;
pub use lookups::{Metered, Purpose};

use crate::host;
use crate::watch::Watch;
use listener::ListenerFamilies;
use lookups::LookupFamilies;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use records::Records;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use stores::StoreFamilies;

/// All that is counted. Clones count for the same.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    registry: Registry,
    listeners: ListenerFamilies,
    lookups: LookupFamilies,
    stores: StoreFamilies,
    reloads: Family<Outcome, Counter>,
    loaded: Gauge,
    tallies: Mutex<Vec<Arc<Tally>>>,
    records: Arc<Records>,
    serving: AtomicBool,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Outcome {
    outcome: &'static str,
}

impl Default for Shared {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("dkimgate");
        registry.register(
            "build",
            "The version that runs",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        let listeners = ListenerFamilies::register(&mut registry);
        let lookups = LookupFamilies::register(&mut registry);
        let stores = StoreFamilies::register(&mut registry);
        let (reloads, loaded) = (Family::<Outcome, Counter>::default(), Gauge::default());
        for outcome in ["done", "refused"] {
            let _ = reloads.get_or_create(&Outcome { outcome });
        }
        registry.register(
            "reloads",
            "How often the files were read again, and what came of it",
            reloads.clone(),
        );
        registry.register(
            "config_loaded_timestamp_seconds",
            "When the configuration in force was read (seconds since 1970)",
            loaded.clone(),
        );
        let records = Arc::new(Records::default());
        registry.register_collector(Box::new(Arc::clone(&records)));
        let (tallies, serving) = (Mutex::default(), AtomicBool::new(false));
        Self { registry, listeners, lookups, stores, reloads, loaded, tallies, records, serving }
    }
}

impl Metrics {
    /// What is counted of a listener of this address and role.
    pub fn listener(&self, name: &str, role: &'static str) -> Arc<Tally> {
        let tally = Arc::new(self.0.listeners.of(name, role));
        self.0.tallies.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&tally));
        tally
    }

    /// A resolver whose answers are counted.
    pub fn metered<R>(&self, resolver: R, purpose: Purpose) -> Metered<R> {
        self.0.lookups.metered(resolver, purpose)
    }

    /// What counts the questions to the database of this name.
    pub fn store(&self, name: &str) -> ::stores::Observer {
        self.0.stores.of(name)
    }

    /// Whose keys are looked at from now on.
    pub fn watches(&self, watches: Vec<Watch>) {
        self.0.records.are_of(watches);
    }

    /// A configuration was read and is in force.
    pub fn loaded(&self) {
        self.0.loaded.set(i64::try_from(host::now()).unwrap_or(i64::MAX));
    }

    /// The files were read again, and are in force now, or not.
    pub fn reloaded(&self, done: bool) {
        let outcome = if done { "done" } else { "refused" };
        self.0.reloads.get_or_create(&Outcome { outcome }).inc();
    }

    /// Whether all listeners take clients. They do from `true` on, and no longer from `false` on.
    pub fn serve(&self, serving: bool) {
        self.0.serving.store(serving, Ordering::Relaxed);
    }

    /// Why no mail should be sent here now; nothing if it may.
    pub fn obstacles(&self) -> Vec<String> {
        if !self.0.serving.load(Ordering::Relaxed) {
            return vec!["not serving".to_owned()];
        }
        let tallies = self.0.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        let down = tallies.iter().filter(|tally| !tally.reaches_next_hop());
        down.map(|tally| format!("{}: the next hop does not answer", tally.name())).collect()
    }

    /// Everything, in the text form of `OpenMetrics`.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // A string takes everything, and no collector of ours fails.
        let _ = encode(&mut text, &self.0.registry);
        text
    }
}
