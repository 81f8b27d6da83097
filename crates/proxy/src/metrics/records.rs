//! What is known of the records of our keys, put together when somebody wants to see it.

use crate::watch::{State, Watch};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// So many keys have a line of their own; all of them are counted by their state.
const MOST_NAMED: usize = 1000;

/// The watches of all files.
#[derive(Debug, Default)]
pub(super) struct Records(Mutex<Vec<Watch>>);

impl Records {
    pub(super) fn are_of(&self, watches: Vec<Watch>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = watches;
    }
}

impl Collector for Records {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let watches = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let keys: BTreeMap<(String, String), State> = watches.iter().flat_map(Watch::states).collect();
        let help = "Keys by what is known of their records";
        let mut counted = encoder.encode_descriptor("keys", help, None, MetricType::Gauge)?;
        for state in State::ALL {
            let count = keys.values().filter(|found| **found == state).count();
            let count = ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX));
            count.encode(counted.encode_family(&[("state", state.word())])?)?;
        }
        let help = "Whether the record of a key is there as it should be, as far as anybody knows";
        let mut named = encoder.encode_descriptor("key_published", help, None, MetricType::Gauge)?;
        for ((domain, selector), state) in keys.iter().take(MOST_NAMED) {
            let Some(published) = state.is_published() else { continue };
            let labels = [("domain", domain.as_str()), ("selector", selector.as_str())];
            ConstGauge::new(i64::from(published)).encode(named.encode_family(&labels)?)?;
        }
        let help = "When all records were last looked at (seconds since 1970)";
        let looked =
            encoder.encode_descriptor("keys_checked_timestamp_seconds", help, None, MetricType::Gauge)?;
        if let Some(last) = watches.iter().filter_map(Watch::last_round).min() {
            let last = ConstGauge::new(i64::try_from(last).unwrap_or(i64::MAX));
            last.encode(looked)?;
        }
        Ok(())
    }
}
