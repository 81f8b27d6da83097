//! What was used last, up to a limit.

use std::collections::HashMap;
use std::hash::Hash;

/// Remembers values; beyond its capacity it forgets the one that was not used for the longest time.
pub struct Recent<K, V> {
    capacity: usize,
    values: HashMap<K, (V, u64)>,
    /// Counts the uses: the larger the number beside a value, the later it was used.
    uses: u64,
}

impl<K: Clone + Eq + Hash, V> Recent<K, V> {
    /// Remembers up to `capacity` values, and one at least.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), values: HashMap::new(), uses: 0 }
    }

    /// The value of a key, which is used by this.
    pub fn get(&mut self, key: &K) -> Option<&V> {
        let (value, last_use) = self.values.get_mut(key)?;
        self.uses += 1;
        *last_use = self.uses;
        Some(value)
    }

    /// Remembers a value.
    pub fn insert(&mut self, key: K, value: V) {
        self.uses += 1;
        self.values.insert(key, (value, self.uses));
        if self.values.len() > self.capacity {
            // Looking at all of them costs less than reading one key.
            let oldest = self.values.iter().min_by_key(|(_, (_, last_use))| *last_use);
            let oldest = oldest.map(|(key, _)| key.clone());
            oldest.map(|key| self.values.remove(&key));
        }
    }

    /// Forgets a value.
    pub fn remove(&mut self, key: &K) {
        self.values.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_the_longest_time_is_forgotten() {
        let left = |recent: &mut Recent<_, _>| ["a", "b", "c", "d"].map(|key| recent.get(&key).copied());
        let mut recent = Recent::new(2);
        recent.insert("a", 1);
        recent.insert("b", 2);
        assert_eq!(recent.get(&"a"), Some(&1));
        recent.insert("c", 3);
        assert_eq!(left(&mut recent), [Some(1), None, Some(3), None]);
        recent.remove(&"a");
        recent.insert("d", 4);
        assert_eq!(left(&mut recent), [None, None, Some(3), Some(4)]);
    }
}
