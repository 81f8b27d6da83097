//! A store as the engine knows it.

use crate::keys::keys;
use crate::line::Line;
use crate::memory::{Memory, Remembered};
use crate::open::Observer;
use crate::settings::Settings;
use crate::source::{Source, SourceError};
use mail::Domain;
use policy::outbound::{DomainStore, StoreAnswer, StoreFault, StoreFuture};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// Keys in a database, and those of them that are remembered.
pub struct Store(Box<dyn Behind>);

impl Store {
    pub(crate) fn new<S: Source>(settings: &Settings, source: S, observer: Observer) -> Self {
        let inner = Inner {
            line: Line::new(source, settings, observer),
            memory: Memory::new(settings.refresh, settings.unknown, settings.capacity),
            flights: Mutex::default(),
        };
        Self(Box::new(Arc::new(inner)))
    }

    /// Asks for a domain that does not exist: whether the database can be reached, lets us in and understands us.
    pub async fn probe(&self) -> Result<(), SourceError> {
        // RFC 2606 §2: nobody ever has this domain.
        let Ok(nobody) = Domain::parse("dkimgate-check.invalid") else { return Ok(()) };
        self.0.probe(nobody).await
    }
}

impl DomainStore for Store {
    fn keys<'a>(&'a self, domain: &'a Domain) -> StoreFuture<'a> {
        self.0.keys(domain)
    }
}

/// A store, whatever database it is over.
trait Behind: Send + Sync {
    fn keys<'a>(&'a self, domain: &'a Domain) -> StoreFuture<'a>;
    fn probe(&self, nobody: Domain) -> Pin<Box<dyn Future<Output = Result<(), SourceError>> + Send + '_>>;
}

struct Inner<S: Source> {
    line: Line<S>,
    memory: Memory,
    /// The look-ups under way.
    flights: Mutex<HashMap<Domain, Flight>>,
}

/// A look-up under way; all who ask for its domain wait for its answer.
type Flight = watch::Receiver<Option<StoreAnswer>>;

impl<S: Source> Behind for Arc<Inner<S>> {
    fn keys<'a>(&'a self, domain: &'a Domain) -> StoreFuture<'a> {
        Box::pin(async move {
            let old = match self.memory.recall(domain) {
                Remembered::Fresh(keys) => return Ok(keys),
                Remembered::Old(keys) => Some(keys),
                Remembered::Nothing => None,
            };
            match (self.look_up(domain).await, old) {
                (Err(StoreFault::Unavailable(_)), Some(old)) => Ok(old),
                (answer, _) => answer,
            }
        })
    }

    fn probe(&self, nobody: Domain) -> Pin<Box<dyn Future<Output = Result<(), SourceError>> + Send + '_>> {
        Box::pin(async move { self.line.rows(&nobody).await.map(|_| ()) })
    }
}

impl<S: Source> Inner<S> {
    /// Joins the look-up of a domain, or begins it.
    async fn look_up(self: &Arc<Self>, domain: &Domain) -> StoreAnswer {
        let answer =
            self.flight(domain).wait_for(Option::is_some).await.ok().and_then(|answer| answer.clone());
        answer.unwrap_or_else(|| Err(StoreFault::Unavailable("the look-up broke off".into())))
    }

    fn flight(self: &Arc<Self>, domain: &Domain) -> Flight {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        // One that has ended without an answer does not count.
        if let Some(flight) = flights.get(domain).filter(|flight| flight.has_changed().is_ok()) {
            return flight.clone();
        }
        let (teller, flight) = watch::channel(None);
        flights.insert(domain.clone(), flight.clone());
        // By itself: it goes on if the client that asked first goes away.
        tokio::spawn(Arc::clone(self).fly(domain.clone(), teller));
        flight
    }

    async fn fly(self: Arc<Self>, domain: Domain, teller: watch::Sender<Option<StoreAnswer>>) {
        let answer = match self.line.rows(&domain).await {
            Ok(rows) => keys(&domain, &rows),
            Err(error) => Err(StoreFault::Unavailable(error.to_string().into())),
        };
        if let Ok(keys) = &answer {
            self.memory.learn(&domain, keys);
        }
        self.flights.lock().unwrap_or_else(PoisonError::into_inner).remove(&domain);
        teller.send_replace(Some(answer));
    }
}

#[cfg(test)]
mod tests;
