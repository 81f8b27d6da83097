//! The engine that signs.

use super::Engine;
use super::keys::{self, Made, Missing};
use crate::host;
use config::{Fault, Outbound};
use policy::OutboundSettings;
use policy::outbound::{Completion, RuleTable};
use std::sync::Arc;

/// Reads the keys and lays out the rules.
pub fn engine(
    outbound: &Outbound,
    missing: Missing,
    faults: &mut Vec<Fault>,
) -> (Option<Engine>, Vec<Made>) {
    let (keys, made) = keys::load(outbound, missing, faults);
    let rules = outbound.rules().map(|rule| rule.rule.clone()).collect();
    let settings = OutboundSettings {
        rules: RuleTable::new(outbound.matching, rules),
        on_fault: outbound.on_fault,
    };
    let completion = Completion {
        date: outbound.conformity.missing_date,
        message_id: outbound.conformity.missing_message_id,
        randomness: Arc::new(host::random),
    };
    let engine = policy::Outbound::new(settings, keys, Arc::new(host::now)).completing(completion);
    (Some(Engine::Outbound(Arc::new(engine))), made)
}
