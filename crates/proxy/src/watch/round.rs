//! Looking at all records, at the start and every so often.

use super::Watch;
use super::record::State;
use crate::host;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch::Receiver;
use tokio::time::sleep;
use tracing::{debug, info, warn};

/// So many records are looked up at a time: name servers turn away those who ask for hundreds at once.
const AT_A_TIME: usize = 16;

impl Watch {
    /// Looks at all records now and every so often, for ever; does nothing if that is off.
    pub async fn run(self) {
        let Some(every) = self.0.settings.every else { return };
        loop {
            self.round().await;
            sleep(jittered(every)).await;
        }
    }

    pub(super) async fn round(&self) {
        self.0.warned.store(0, Ordering::Relaxed);
        let names: Vec<String> = self.records().watched.keys().cloned().collect();
        let mut under_way: VecDeque<Receiver<()>> = VecDeque::new();
        for name in names {
            if under_way.len() >= AT_A_TIME
                && let Some(first) = under_way.pop_front()
            {
                over(first).await;
            }
            under_way.extend(self.look(&name));
        }
        for looking in under_way {
            over(looking).await;
        }
        self.0.last_round.store(host::now(), Ordering::Relaxed);
        self.summarize();
    }

    /// Says what a round has found: at the start, and when the DNS falls silent or speaks again.
    fn summarize(&self) {
        let (states, troubled) = {
            let records = self.records();
            let states: Vec<State> = records.watched.values().map(super::Record::state).collect();
            (states, records.watched.values().filter(|record| record.is_troubled()).count())
        };
        let count = |wanted| states.iter().filter(|state| **state == wanted).count();
        let (published, unpublished) =
            (count(State::Published) + count(State::Doubtful), count(State::Unpublished));
        let was_troubled = self.0.troubled.swap(troubled > 0, Ordering::Relaxed);
        if troubled > 0 && !was_troubled {
            warn!(
                published,
                unpublished,
                no_answer = troubled,
                "the DNS does not tell of all keys; what was known stands"
            );
        } else if was_troubled && troubled == 0 {
            info!(published, unpublished, "the DNS tells of all keys again");
        } else if self.0.rounds.fetch_add(1, Ordering::Relaxed) == 0 && !states.is_empty() {
            info!(published, unpublished, no_answer = troubled, "the records of the keys were looked at");
        } else {
            debug!(published, unpublished, no_answer = troubled, "the records of the keys were looked at");
        }
    }
}

/// Waits until a look is over.
pub(super) async fn over(mut looking: Receiver<()>) {
    // Nothing is ever sent: whoever looks drops the other end.
    while looking.changed().await.is_ok() {}
}

/// A tenth more or less, so that many hosts do not ask at the same moment.
fn jittered(every: Duration) -> Duration {
    let draw = u32::try_from(host::random() % 201).unwrap_or_default();
    every / 1000 * (900 + draw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_between_rounds_varies_by_a_tenth() {
        let drawn: Vec<Duration> = (0..1000).map(|_| jittered(Duration::from_secs(3600))).collect();
        assert!(drawn.iter().all(|time| (3240..=3960).contains(&time.as_secs())));
        assert!(
            drawn.iter().any(|time| time.as_secs() < 3400) && drawn.iter().any(|time| time.as_secs() > 3800)
        );
    }
}
