//! The same with very many things: every processor does a part of them.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::thread::{Builder, ScopedJoinHandle, available_parallelism, scope};

/// So many files at least are looked at for one more thread.
pub(crate) const FILES: usize = 1000;

/// Does the same with each of them; what comes of it is in their order. To start a thread for fewer than `least` is not
/// worth while.
pub fn in_parallel<T: Sync, R: Send>(items: &[T], least: usize, one: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let processors = available_parallelism().map_or(1, NonZero::get);
    let each = items.len().div_ceil(processors).max(least);
    if items.len() <= each {
        return items.iter().map(one).collect();
    }
    let one = &one;
    let part = |part: &[T]| -> Vec<R> { part.iter().map(one).collect() };
    scope(|scope| {
        let begin = |items| Builder::new().spawn_scoped(scope, move || part(items)).map_err(|_| items);
        let parts: Vec<_> = items.chunks(each).map(begin).collect();
        let end = |begun: Result<_, _>| match begun {
            Ok(thread) => ScopedJoinHandle::join(thread).unwrap_or_else(|panic| resume_unwind(panic)),
            // The system has no more threads for us.
            Err(items) => part(items),
        };
        parts.into_iter().flat_map(end).collect()
    })
}

/// Does two things at the same time, as far as the system has a thread for the first.
pub fn both<A: Send, B>(first: impl Fn() -> A + Sync, second: impl FnOnce() -> B) -> (A, B) {
    scope(|scope| {
        let begun = Builder::new().spawn_scoped(scope, &first);
        let done = second();
        (
            begun.map_or_else(
                |_| first(),
                |thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            ),
            done,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_stays() {
        const LEAST: usize = 10;
        for count in [0, 1, LEAST, 10 * LEAST + 7] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(
                in_parallel(&items, LEAST, |item| item * 2),
                items.iter().map(|n| n * 2).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn both_are_done() {
        let text = String::from("text");
        assert_eq!(both(|| text.len(), || text.to_uppercase()), (4, "TEXT".to_owned()));
    }
}
