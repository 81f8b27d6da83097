//! What has been looked up, in two memories: domains that have keys, and domains that the store does not know, which
//! can be any number, since senders choose them, and must not crowd the others out.

use mail::Domain;
use policy::outbound::{Recent, StoredKey};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The keys of domains, with their age.
pub(crate) struct Memory {
    refresh: Duration,
    unknown: Duration,
    domains: Mutex<Domains>,
}

struct Domains {
    known: Recent<Domain, (Arc<[StoredKey]>, Instant)>,
    unknown: Recent<Domain, Instant>,
}

/// What is remembered of a domain.
pub(crate) enum Remembered {
    /// This; none if the store does not know it.
    Fresh(Arc<[StoredKey]>),
    /// These, but they should be looked up again.
    Old(Arc<[StoredKey]>),
    /// Nothing.
    Nothing,
}

impl Memory {
    pub(crate) fn new(refresh: Duration, unknown: Duration, capacity: usize) -> Self {
        let domains = Domains { known: Recent::new(capacity), unknown: Recent::new(capacity) };
        Self { refresh, unknown, domains: Mutex::new(domains) }
    }

    pub(crate) fn recall(&self, domain: &Domain) -> Remembered {
        let domains = &mut *self.domains.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some((keys, since)) = domains.known.get(domain) {
            let keys = Arc::clone(keys);
            return if now < *since + self.refresh { Remembered::Fresh(keys) } else { Remembered::Old(keys) };
        }
        match domains.unknown.get(domain) {
            Some(since) if now < *since + self.unknown => Remembered::Fresh(Arc::new([])),
            _ => Remembered::Nothing,
        }
    }

    pub(crate) fn learn(&self, domain: &Domain, keys: &Arc<[StoredKey]>) {
        let domains = &mut *self.domains.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if keys.is_empty() {
            domains.known.remove(domain);
            domains.unknown.insert(domain.clone(), now);
        } else {
            domains.unknown.remove(domain);
            domains.known.insert(domain.clone(), (Arc::clone(keys), now));
        }
    }
}
