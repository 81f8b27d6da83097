//! The same with very many things: every processor does a part of them.

use std::num::NonZero;
use std::thread::{ScopedJoinHandle, available_parallelism, scope};

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
        let parts: Vec<_> = items.chunks(each).map(|items| scope.spawn(move || part(items))).collect();
        let joined = parts.into_iter().map(ScopedJoinHandle::join);
        joined.flat_map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
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
}
