//! Where private keys come from.
//!
//! [`KeyStore`] fetches a key by its name; whoever implements it does the I/O. [`KeyCache`] stands before a store
//! that is slow, so that a site with a hundred thousand domains holds the keys in memory that it uses.

use super::recent::Recent;
use dkim::PrivateKey;
use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use thiserror::Error;

/// The name of a private key: what its store finds it by, such as the path of a file.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyName(Arc<str>);

impl KeyName {
    /// Takes a name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why there is no key. The texts are for the log and hold nothing of the key.
#[derive(Debug, Error)]
pub enum KeyFault {
    /// There is none of this name.
    #[error("key {0} does not exist")]
    Missing(KeyName),
    /// It is there, but it cannot be read or must not be used.
    #[error("key {0} is unusable: {1}")]
    Unusable(KeyName, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store does not answer; asking again later may help.
    #[error("key {0} is unavailable: {1}")]
    Unavailable(KeyName, #[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Fetches private keys.
pub trait KeyStore: Send + Sync + 'static {
    /// The key of a name.
    fn key(&self, name: &KeyName) -> Result<Arc<dyn PrivateKey>, KeyFault>;
}

impl<S: KeyStore + ?Sized> KeyStore for Arc<S> {
    fn key(&self, name: &KeyName) -> Result<Arc<dyn PrivateKey>, KeyFault> {
        S::key(self, name)
    }
}

/// Keys that are all in memory.
impl<H: BuildHasher + Send + Sync + 'static> KeyStore for HashMap<KeyName, Arc<dyn PrivateKey>, H> {
    fn key(&self, name: &KeyName) -> Result<Arc<dyn PrivateKey>, KeyFault> {
        self.get(name).cloned().ok_or_else(|| KeyFault::Missing(name.clone()))
    }
}

/// Remembers the keys used last. What is forgotten wipes itself once no message needs it any more.
pub struct KeyCache<S> {
    store: S,
    keys: Mutex<Recent<KeyName, Arc<dyn PrivateKey>>>,
}

impl<S: KeyStore> KeyCache<S> {
    /// Remembers up to `capacity` keys of a store, and one at least.
    #[must_use]
    pub fn new(store: S, capacity: usize) -> Self {
        Self { store, keys: Mutex::new(Recent::new(capacity)) }
    }

    fn known(&self) -> MutexGuard<'_, Recent<KeyName, Arc<dyn PrivateKey>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: KeyStore> KeyStore for KeyCache<S> {
    fn key(&self, name: &KeyName) -> Result<Arc<dyn PrivateKey>, KeyFault> {
        if let Some(key) = self.known().get(name) {
            return Ok(Arc::clone(key));
        }
        // Without the lock: a slow store holds up nobody whose key is known.
        let key = self.store.key(name)?;
        self.known().insert(name.clone(), Arc::clone(&key));
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dkim::SigningKey;
    use std::sync::Weak;

    /// Makes a key for every name, and writes down what it was asked for.
    #[derive(Clone, Default)]
    struct Making(Arc<Mutex<Vec<String>>>);

    impl KeyStore for Making {
        fn key(&self, name: &KeyName) -> Result<Arc<dyn PrivateKey>, KeyFault> {
            self.0.lock().unwrap().push(name.to_string());
            Ok(Arc::new(SigningKey::from_seed(&[7; 32])))
        }
    }

    #[test]
    fn the_keys_used_last_are_remembered_and_the_others_dropped() {
        let store = Making::default();
        let cache = KeyCache::new(store.clone(), 2);
        let mut weak: HashMap<&str, Weak<dyn PrivateKey>> = HashMap::new();
        for name in ["a", "b", "a", "c", "a", "b"] {
            weak.insert(name, Arc::downgrade(&cache.key(&KeyName::new(name)).unwrap()));
        }
        assert_eq!(*store.0.lock().unwrap(), ["a", "b", "c", "b"]);
        assert!(weak["a"].upgrade().is_some() && weak["b"].upgrade().is_some());
        assert!(weak["c"].upgrade().is_none(), "a key that is forgotten is gone");
    }

    #[test]
    fn a_fault_is_not_remembered() {
        let keys: HashMap<KeyName, Arc<dyn PrivateKey>> = HashMap::new();
        let cache = KeyCache::new(keys, 2);
        let fault = cache.key(&KeyName::new("x")).unwrap_err();
        assert_eq!(fault.to_string(), "key x does not exist");
        assert!(cache.known().get(&KeyName::new("x")).is_none());
    }
}
