//! Questions to databases with keys, counted by what they came to.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use stores::{Observer, SourceError};

const ANSWERS: [&str; 5] = ["answered", "unreachable", "timeout", "refused", "unusable"];

#[derive(Clone, Debug, Default)]
pub(super) struct StoreFamilies(Family<Asked, Counter>);

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Asked {
    store: String,
    answer: &'static str,
}

impl StoreFamilies {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let families = Self::default();
        registry.register(
            "store_queries",
            "Questions to databases with keys, and what they came to",
            families.0.clone(),
        );
        families
    }

    /// What counts the questions to the store of this name.
    pub(super) fn of(&self, name: &str) -> Observer {
        let counters =
            ANSWERS.map(|answer| self.0.get_or_create_owned(&Asked { store: name.to_owned(), answer }));
        Arc::new(move |error| {
            let word = word(error);
            if let Some(at) = ANSWERS.iter().position(|answer| *answer == word) {
                counters[at].inc();
            }
        })
    }
}

fn word(error: Option<&SourceError>) -> &'static str {
    match error {
        None => "answered",
        Some(SourceError::Unreachable(_)) => "unreachable",
        Some(SourceError::TooSlow(_)) => "timeout",
        Some(SourceError::Refused(_)) => "refused",
        Some(SourceError::Ourselves(_) | SourceError::Shape(_)) => "unusable",
    }
}
