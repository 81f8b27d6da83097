//! What is told once, however often it happens in a row.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// After so long without it, it is news again.
const QUIET: Duration = Duration::from_secs(1);

/// Something that comes in bursts: refusals under pressure.
#[derive(Debug, Default)]
pub(crate) struct Burst(Mutex<Option<Instant>>);

impl Burst {
    /// Notes that it happens; whether it is the first of its burst.
    pub(crate) fn begins(&self) -> bool {
        self.begins_at(Instant::now())
    }

    fn begins_at(&self, now: Instant) -> bool {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(now);
        last.is_none_or(|last| now.duration_since(last) > QUIET)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_lasts_until_it_has_been_quiet() {
        let (burst, start) = (Burst::default(), Instant::now());
        let begins = |milliseconds| burst.begins_at(start + Duration::from_millis(milliseconds));
        assert!(begins(0));
        assert!((1..50).all(|n| !begins(n * 500)));
        assert!(begins(26_000));
        assert!(!begins(26_001));
    }
}
