//! Waits, each with a deadline. A scenario waits for a condition, never for time to pass.

use std::future::Future;
use std::time::Duration;

/// How long a single step of a conversation may take on a busy machine.
pub const STEP: Duration = Duration::from_secs(30);

/// How long a run of a thousand messages, or a retry of Postfix's, may take.
pub const LONG: Duration = Duration::from_secs(120);

/// How often a condition that nothing announces (a file, a port) is looked at again.
const LOOK: Duration = Duration::from_millis(20);

/// What `future` gives, or a panic that says `what` was awaited in vain for [`STEP`].
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(STEP, future).await;
    waited.unwrap_or_else(|_| panic!("waited {} s in vain for {what}", STEP.as_secs()))
}

/// The first `Some` of `look`, or a panic that says `what` was awaited in vain for `limit`.
pub async fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    let waited = tokio::time::timeout(limit, looking).await;
    waited.unwrap_or_else(|_| panic!("waited {} s in vain for {what}", limit.as_secs()))
}
