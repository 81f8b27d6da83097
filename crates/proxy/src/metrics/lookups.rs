//! Look-ups in the DNS, counted and timed.

use dns::{LookupError, Resolver, TxtAnswer, Unavailable};
use mail::Domain;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::time::Instant;

/// From an answer that was remembered to two attempts in vain.
const SECONDS: [f64; 9] = [0.000_1, 0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 5.0, 10.0];

/// What for a name is looked up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// The signature of somebody else is verified.
    Verifying,
    /// The record of a key of ours is looked at.
    OwnKeys,
}

impl Purpose {
    const ALL: [Self; 2] = [Self::Verifying, Self::OwnKeys];

    fn word(self) -> &'static str {
        match self {
            Self::Verifying => "verifying",
            Self::OwnKeys => "own_keys",
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct LookupFamilies {
    lookups: Family<Answered, Counter>,
    seconds: Family<For, Histogram, fn() -> Histogram>,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Answered {
    purpose: &'static str,
    answer: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct For {
    purpose: &'static str,
}

const ANSWERS: [&str; 5] = ["records", "none", "timeout", "servfail", "failure"];

impl LookupFamilies {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let families = Self {
            lookups: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
        };
        for purpose in Purpose::ALL.map(Purpose::word) {
            let _ = families.seconds.get_or_create(&For { purpose });
            for answer in ANSWERS {
                let _ = families.lookups.get_or_create(&Answered { purpose, answer });
            }
        }
        registry.register("dns_lookups", "Names looked up, and what was answered", families.lookups.clone());
        registry.register(
            "dns_lookup_seconds",
            "How long the answers took, those that were remembered included",
            families.seconds.clone(),
        );
        families
    }

    pub(super) fn metered<R>(&self, resolver: R, purpose: Purpose) -> Metered<R> {
        let purpose = purpose.word();
        let seconds = self.seconds.get_or_create_owned(&For { purpose });
        Metered { resolver, purpose, lookups: self.lookups.clone(), seconds }
    }
}

/// A resolver whose answers are counted and timed.
#[derive(Clone, Debug)]
pub struct Metered<R> {
    resolver: R,
    purpose: &'static str,
    lookups: Family<Answered, Counter>,
    seconds: Histogram,
}

impl<R: Resolver> Resolver for Metered<R> {
    async fn txt(&self, name: &Domain) -> TxtAnswer {
        let begun = Instant::now();
        let answer = self.resolver.txt(name).await;
        self.seconds.observe(begun.elapsed().as_secs_f64());
        let labels = Answered { purpose: self.purpose, answer: word(&answer) };
        self.lookups.get_or_create(&labels).inc();
        answer
    }
}

fn word(answer: &TxtAnswer) -> &'static str {
    match answer {
        Ok(_) => "records",
        Err(LookupError::NoName | LookupError::NoData) => "none",
        Err(LookupError::Unavailable(Unavailable::Timeout)) => "timeout",
        Err(LookupError::Unavailable(Unavailable::ServFail)) => "servfail",
        Err(LookupError::Unavailable(Unavailable::OverBudget | Unavailable::Other(_))) => "failure",
    }
}
