//! Looking at very many files: the system lets every processor do a part of it.

use std::num::NonZero;
use std::thread::{ScopedJoinHandle, available_parallelism, scope};

/// Of fewer items each thread would have nothing to do that is worth while to start it.
const LEAST_EACH: usize = 1000;

/// Does the same with each of them; what comes of it is in their order.
pub(crate) fn in_parallel<T: Sync, R: Send>(items: &[T], one: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let processors = available_parallelism().map_or(1, NonZero::get);
    let each = items.len().div_ceil(processors).max(LEAST_EACH);
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
        for count in [0, 1, LEAST_EACH, 10 * LEAST_EACH + 7] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(in_parallel(&items, |item| item * 2), items.iter().map(|n| n * 2).collect::<Vec<_>>());
        }
    }
}
