//! How much a message may ask of the DNS.
//!
//! A sender chooses the names that we look up, so their number and the time for all of them have to be ours.

use crate::{LookupError, Resolver, TxtAnswer, Unavailable};
use mail::Domain;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

/// What one message may spend on look-ups.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Budget {
    /// How many names may be asked for.
    pub queries: usize,
    /// How long all the answers together may take.
    pub time: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        // Ten signatures are tried by default, each with a key of its own; DomainKeys may add a few. Twenty seconds
        // are two rounds of a resolver's own time-out and far below the ten minutes that a client waits for the
        // reply to its content (RFC 5321 §4.5.3.2.6).
        Self { queries: 20, time: Duration::from_secs(20) }
    }
}

/// Asks for the TXT records of all the names at once. The answers stand in the order of the names.
///
/// Names beyond the budget are answered with [`Unavailable::OverBudget`], and what has not come in time with
/// [`Unavailable::Timeout`].
pub async fn txt_within<R: Resolver>(resolver: &R, names: &[Domain], budget: Budget) -> Vec<TxtAnswer> {
    let mut answers: Vec<TxtAnswer> = (0..names.len())
        .map(|at| if at < budget.queries { Unavailable::Timeout } else { Unavailable::OverBudget })
        .map(|trouble| Err(LookupError::from(trouble)))
        .collect();
    let mut waiting: Vec<_> = names
        .iter()
        .take(budget.queries)
        .enumerate()
        .map(|(at, name)| (at, Box::pin(resolver.txt(name))))
        .collect();
    let all = poll_fn(|context| {
        waiting.retain_mut(|(at, lookup)| match lookup.as_mut().poll(context) {
            Poll::Ready(answer) => {
                answers[*at] = answer;
                false
            }
            Poll::Pending => true,
        });
        if waiting.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    });
    let mut all = pin!(all);
    // A zone in memory and a cache answer at once: no timer then, and no runtime needed.
    if !is_ready_at_once(all.as_mut()).await {
        // What is missing when the time is over has its answer already: a time-out.
        let _ = tokio::time::timeout(budget.time, all).await;
    }
    answers
}

async fn is_ready_at_once(mut future: Pin<&mut impl Future<Output = ()>>) -> bool {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers names that start with an `a`, and never any other.
    struct Selective;

    impl Resolver for Selective {
        async fn txt(&self, name: &Domain) -> TxtAnswer {
            if name.as_str().starts_with('a') {
                return Ok(vec![name.as_str().into()]);
            }
            std::future::pending().await
        }
    }

    fn names(texts: &[&str]) -> Vec<Domain> {
        texts.iter().map(|text| Domain::parse(text).unwrap()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_come_in_time_is_a_time_out() {
        let budget = Budget { queries: 3, time: Duration::from_secs(20) };
        let answers = txt_within(&Selective, &names(&["b", "a1", "a2", "a3"]), budget).await;
        assert_eq!(
            answers,
            [
                Err(Unavailable::Timeout.into()),
                Ok(vec![b"a1".to_vec()]),
                Ok(vec![b"a2".to_vec()]),
                Err(Unavailable::OverBudget.into()),
            ]
        );
    }

    #[test]
    fn what_is_known_at_once_needs_no_runtime() {
        let names = names(&["a"]);
        let mut asked = pin!(txt_within(&Selective, &names, Budget::default()));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert_eq!(asked.as_mut().poll(&mut context), Poll::Ready(vec![Ok(vec![b"a".to_vec()])]));
    }
}
