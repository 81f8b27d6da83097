//! The one connection to a database: made when it is first needed, made anew when it has broken, and given up when no
//! answer comes.

use crate::open::Observer;
use crate::outage::{Change, Outage};
use crate::settings::Settings;
use crate::source::{Row, Source, SourceError};
use mail::Domain;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tracing::{info, warn};

/// A database with its connection.
pub(crate) struct Line<S: Source> {
    name: String,
    source: S,
    deadline: Duration,
    connection: Mutex<Option<Numbered<S::Connection>>>,
    outage: Outage,
    observer: Observer,
}

/// A connection, and the how manieth it is.
#[derive(Clone)]
struct Numbered<C>(u64, C);

impl<S: Source> Line<S> {
    pub(crate) fn new(source: S, settings: &Settings, observer: Observer) -> Self {
        let (name, deadline) = (settings.name.clone(), settings.deadline);
        Self { name, source, deadline, connection: Mutex::new(None), outage: Outage::default(), observer }
    }

    /// Asks for a domain. While the database is down this fails at once.
    pub(crate) async fn rows(&self, domain: &Domain) -> Result<Vec<Row>, SourceError> {
        if let Some(error) = self.outage.ongoing() {
            return Err(error);
        }
        let answer = timeout(self.deadline, self.ask(domain)).await.unwrap_or_else(|_| {
            self.give_up();
            Err(SourceError::TooSlow(self.deadline))
        });
        self.tell(&answer);
        answer
    }

    /// A connection that has been kept may have died unnoticed, so there is a second attempt with a new one.
    async fn ask(&self, domain: &Domain) -> Result<Vec<Row>, SourceError> {
        let Numbered(number, connection) = self.connected(None).await?;
        match self.source.rows(&connection, domain).await {
            Err(SourceError::Unreachable(_)) => {
                let Numbered(_, connection) = self.connected(Some(number)).await?;
                self.source.rows(&connection, domain).await
            }
            answer => answer,
        }
    }

    /// The connection, unless it is the `broken` one.
    async fn connected(&self, broken: Option<u64>) -> Result<Numbered<S::Connection>, SourceError> {
        let mut kept = self.connection.lock().await;
        let last = kept.as_ref().map_or(0, |Numbered(number, _)| *number);
        match &*kept {
            Some(known) if broken != Some(last) && !S::is_closed(&known.1) => Ok(known.clone()),
            _ => {
                *kept = None;
                let connection = Numbered(last + 1, self.source.connect().await?);
                *kept = Some(connection.clone());
                Ok(connection)
            }
        }
    }

    /// Leaves a connection on which no answer comes. If it is being made this moment, that will end by itself.
    fn give_up(&self) {
        if let Ok(mut kept) = self.connection.try_lock() {
            *kept = None;
        }
    }

    fn tell(&self, answer: &Result<Vec<Row>, SourceError>) {
        (self.observer)(answer.as_ref().err());
        match (self.outage.note(answer), answer) {
            (Change::Down, Err(error)) => {
                warn!(store = self.name, %error, "key store is down; keys that are known go on, other mail waits");
            }
            (Change::Back, _) => info!(store = self.name, "key store is back"),
            _ => {}
        }
    }
}
