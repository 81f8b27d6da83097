//! The engine that signs.

use super::Engine;
use super::keys::{self, Made, Missing};
use super::store::Keys;
use crate::host;
use config::{Fault, Outbound};
use policy::OutboundSettings;
use policy::outbound::{Completion, RuleTable};
use std::sync::Arc;

/// Reads the keys that the file names, and lets the engine go by its rules.
pub fn engine(
    outbound: &Outbound,
    rules: RuleTable,
    missing: Missing,
    faults: &mut Vec<Fault>,
) -> (Engine, Vec<Made>) {
    let (loaded, made) = keys::load(outbound, missing, faults);
    let keys = Keys::new(loaded, outbound.key_cache);
    let settings = OutboundSettings { rules, on_fault: outbound.on_fault };
    let completion = Completion {
        date: outbound.conformity.missing_date,
        message_id: outbound.conformity.missing_message_id,
        randomness: Arc::new(host::random),
    };
    let engine = policy::Outbound::new(settings, keys, Arc::new(host::now)).completing(completion);
    (Engine::Outbound(Arc::new(engine)), made)
}
