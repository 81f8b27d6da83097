//! Waiting that costs little. Nearly every wait of a relay ends long before its deadline, and nearly none because the
//! relay ends, so neither must cost anything while nothing happens.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// The deadline came first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Elapsed;

/// A timer for one wait after another.
///
/// It is set anew only for a deadline before the one it is set for. If it rings too early, it is set for what is left.
#[derive(Debug, Default)]
pub(crate) struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Waits for `work` until `deadline`.
    pub(crate) async fn within<T>(
        &mut self,
        deadline: Instant,
        work: impl Future<Output = T>,
    ) -> Result<T, Elapsed> {
        let mut work = pin!(work);
        poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Ok(done)),
            Poll::Pending => self.poll_until(deadline, cx).map(|()| Err(Elapsed)),
        })
        .await
    }

    fn poll_until(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

/// That something is over, for one who looks often.
///
/// A cancellation token takes a lock that all share whenever it is looked at. This looks at it only after it has called.
#[derive(Debug)]
pub(crate) struct Signal(FuturesUnordered<WaitForCancellationFutureOwned>);

impl Signal {
    pub(crate) fn of(token: &CancellationToken) -> Self {
        Self(FuturesUnordered::from_iter([token.clone().cancelled_owned()]))
    }

    /// Waits until it is over.
    pub(crate) async fn come(&mut self) {
        // Behind the one future there is nothing, at once: it stays over.
        self.0.next().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn each_wait_ends_at_its_own_deadline() {
        let mut timer = Timer::default();
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        for (deadline, ends) in [(10, 10), (5, 10), (30, 30), (31, 31), (100, 100), (40, 100)] {
            assert_eq!(timer.within(at(deadline), pending::<()>()).await, Err(Elapsed));
            assert_eq!(Instant::now().duration_since(begun).as_secs(), ends, "until {deadline}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_ends_early_leaves_the_next_its_time() {
        let mut timer = Timer::default();
        let begun = Instant::now();
        let soon = || tokio::time::sleep(Duration::from_secs(1));
        assert_eq!(timer.within(begun + Duration::from_secs(300), soon()).await, Ok(()));
        assert_eq!(timer.within(begun + Duration::from_secs(3), pending::<()>()).await, Err(Elapsed));
        assert_eq!(begun.elapsed().as_secs(), 3);
        assert_eq!(timer.within(begun, ready(7)).await, Ok(7));
        assert_eq!(timer.within(begun, pending::<()>()).await, Err(Elapsed));
    }

    #[tokio::test]
    async fn what_is_over_stays_over() {
        let token = CancellationToken::new();
        let mut signal = Signal::of(&token);
        assert!(!matches!(futures_util::poll!(pin!(signal.come())), Poll::Ready(())));
        token.cancel();
        signal.come().await;
        signal.come().await;
    }
}
