//! Whether and how the records of a file's keys are looked at while it is served.

use super::dns::resolver;
use super::keys::key_name;
use crate::key::inspect::Subject;
use crate::metrics::{Metrics, Purpose};
use crate::watch::{Watch, WatchSettings};
use config::{CheckKeys, Fault, Keys, Outbound};
use dns::Budget;

/// So many keys are looked at from the start; the others from their first use on.
const MOST_FROM_THE_START: usize = 1000;

/// A watch over the keys that the file names; nothing if nobody wants one.
pub fn watch(outbound: &Outbound, keys: &Keys, metrics: &Metrics, faults: &mut Vec<Fault>) -> Option<Watch> {
    let every = match outbound.check_keys {
        CheckKeys::Off => None,
        CheckKeys::Every(time) => Some(time),
    };
    let strict = outbound.sign_only_if_published;
    if every.is_none() && !strict {
        return None;
    }
    // A watch remembers by itself what it was told, and wants to know what is there now.
    let resolver = match resolver(&outbound.dns, 0) {
        Ok(resolver) => resolver,
        Err(fault) if strict || fault.place != config::Place::START => {
            faults.push(fault);
            return None;
        }
        // Without a DNS mail is signed all the same.
        Err(fault) => {
            let problem = format!("the records of the keys are not looked at: {}", fault.cause);
            faults.push(Fault::doubtful(
                fault.place,
                problem,
                "mend /etc/resolv.conf, or say `check_keys: off`",
            ));
            return None;
        }
    };
    let patience = outbound.dns.time.unwrap_or(Budget::default().time);
    let settings = WatchSettings { every, strict, patience };
    let named = subjects(outbound, keys).take(MOST_FROM_THE_START).collect();
    Some(Watch::new(settings, metrics.metered(resolver, Purpose::OwnKeys), named))
}

/// The keys that rules of the file itself name, with each domain that signs with them.
fn subjects<'a>(outbound: &'a Outbound, keys: &'a Keys) -> impl Iterator<Item = Subject> {
    let signing = outbound.rules().flat_map(|rule| &rule.keys);
    let found = signing.filter_map(|signing| Some((signing, keys.get(&key_name(signing))?.public_key())));
    found.flat_map(|(signing, key)| {
        signing.domains.iter().map(move |domain| Subject {
            domain: domain.clone(),
            selector: signing.selector.value.clone(),
            path: signing.keyfile.value.clone(),
            key: Some(key.clone()),
        })
    })
}
