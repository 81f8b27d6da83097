//! Whether a database is down, so that not each message waits for it anew.

use crate::source::SourceError;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// So long nobody asks after the first failure; twice as long after each that follows.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// But no longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Remembers failures: while one is young, questions fail at once.
#[derive(Debug, Default)]
pub(crate) struct Outage(Mutex<Option<Failure>>);

#[derive(Debug)]
struct Failure {
    error: SourceError,
    pause: Duration,
    until: Instant,
}

/// What has changed with an answer.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Change {
    /// Nothing that is worth a line in the log.
    None,
    /// It is down from now on.
    Down,
    /// It is there again.
    Back,
}

impl Outage {
    /// The failure because of which nobody asks now.
    pub(crate) fn ongoing(&self) -> Option<SourceError> {
        let failure = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failure.as_ref().filter(|failure| Instant::now() < failure.until).map(|failure| failure.error.clone())
    }

    /// Takes note of what a question came to.
    pub(crate) fn note<T>(&self, answer: &Result<T, SourceError>) -> Change {
        let mut failure = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (answer, failure.take()) {
            (Err(error), before) if error.is_outage() => {
                let now = Instant::now();
                // Several questions may have been under way when it went down: they are one failure.
                let pause = match &before {
                    None => FIRST_PAUSE,
                    Some(before) if now < before.until => before.pause,
                    Some(before) => (before.pause * 2).min(LONGEST_PAUSE),
                };
                let change = if before.is_none() { Change::Down } else { Change::None };
                *failure = Some(Failure { error: error.clone(), pause, until: now + pause });
                change
            }
            (_, Some(_)) => Change::Back,
            (_, None) => Change::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    fn down() -> Result<(), SourceError> {
        Err(SourceError::Unreachable("connection refused".into()))
    }

    #[tokio::test(start_paused = true)]
    async fn the_pause_grows_to_its_limit_and_ends_with_an_answer() {
        let outage = Outage::default();
        assert_eq!(outage.note(&Ok(())), Change::None);
        assert_eq!(outage.ongoing(), None);
        assert_eq!(outage.note(&down()), Change::Down);
        for seconds in [1, 2, 4, 8, 10, 10] {
            assert_eq!(outage.note(&down()), Change::None, "another that was under way");
            assert_eq!(outage.ongoing(), down().err());
            advance(Duration::from_millis(seconds * 1000 - 1)).await;
            assert!(outage.ongoing().is_some(), "{seconds}");
            advance(Duration::from_millis(1)).await;
            assert_eq!(outage.ongoing(), None);
            assert_eq!(outage.note(&down()), Change::None);
        }
        assert_eq!(outage.note(&Ok(())), Change::Back);
        assert_eq!(outage.ongoing(), None);
        assert_eq!(outage.note(&down()), Change::Down);
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_that_says_no_is_not_down() {
        let outage = Outage::default();
        let refused: Result<(), _> = Err(SourceError::Refused("no such table".into()));
        assert_eq!(outage.note(&refused), Change::None);
        assert_eq!(outage.ongoing(), None);
        outage.note(&down());
        assert_eq!(outage.note(&refused), Change::Back);
    }
}
