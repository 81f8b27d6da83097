//! The engine that signs.

use super::Engine;
use super::keys::{self, Made, Missing};
use super::store::Keys;
use super::stores;
use super::watch::watch;
use crate::host;
use crate::metrics::Metrics;
use crate::watch::Watch;
use config::{Fault, Outbound, Rules};
use policy::OutboundSettings;
use policy::outbound::{Completion, DomainStore};
use std::sync::Arc;

/// Reads the keys that the file names, and lets the engine go by its rules.
pub fn engine(
    outbound: &Outbound,
    rules: Rules,
    (missing, metrics): (Missing, &Metrics),
    faults: &mut Vec<Fault>,
) -> (Engine, Vec<Made>, Option<Watch>) {
    let (mut loaded, made) = keys::load(outbound, missing, faults);
    let watch = watch(outbound, &loaded, metrics, faults);
    loaded.extend(rules.keys);
    let keys = Keys::new(loaded, outbound.key_cache);
    let settings = OutboundSettings { rules: rules.table, on_fault: outbound.on_fault };
    let completion = Completion {
        date: outbound.conformity.missing_date,
        message_id: outbound.conformity.missing_message_id,
        randomness: Arc::new(host::random),
    };
    let stores =
        stores::open(outbound, metrics, faults).into_iter().map(|store| store as Arc<dyn DomainStore>);
    let mut engine = policy::Outbound::new(settings, keys, Arc::new(host::now))
        .with_stores(stores.collect())
        .completing(completion);
    if let Some(watch) = &watch {
        engine = engine.asking(Arc::new(watch.clone()));
    }
    (Engine::Outbound(Arc::new(engine)), made, watch)
}
