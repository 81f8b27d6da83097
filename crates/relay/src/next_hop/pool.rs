//! Connections that wait for their next message, and what the next hop was last heard to offer.

use super::{Connection, Fault, connect};
use crate::settings::{Kept, Settings};
use smtp::extension::Offer;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// The kept connections of one listener.
#[derive(Debug)]
pub(crate) struct Pool {
    kept: Mutex<Vec<Connection>>,
    limits: Kept,
    offer: Mutex<Option<Offer>>,
    /// Where we listen ourselves.
    own: Option<SocketAddr>,
}

impl Pool {
    pub(crate) fn new(limits: Kept, own: Option<SocketAddr>) -> Self {
        Self { kept: Mutex::default(), limits, offer: Mutex::default(), own }
    }

    /// What the next hop last offered, if it was ever heard.
    pub(crate) fn offer(&self) -> Option<Offer> {
        *lock(&self.offer)
    }

    /// The connection that was used last, since the others may then grow old and go.
    pub(crate) fn take(&self) -> Option<Connection> {
        loop {
            let mut connection = lock(&self.kept).pop()?;
            if !self.is_worn(&connection) && connection.is_of_use() {
                return Some(connection);
            }
            connection.quit();
        }
    }

    /// A new connection.
    pub(crate) async fn connect(&self, settings: &Settings) -> Result<Connection, Fault> {
        let connection = Box::pin(connect::connect(settings, self.own)).await?;
        *lock(&self.offer) = Some(*connection.offer());
        Ok(connection)
    }

    /// Keeps a connection between messages. `under_way` says that a message is to be forgotten first.
    pub(crate) fn give(&self, mut connection: Connection, under_way: bool) {
        if under_way && !connection.reset() {
            return;
        }
        connection.uses += 1;
        connection.idle_since = Instant::now();
        connection.shrink();
        let mut kept = lock(&self.kept);
        if kept.len() < self.limits.number && connection.uses < self.limits.uses {
            kept.push(connection);
        } else {
            drop(kept);
            connection.quit();
        }
    }

    /// Says goodbye to those that have waited too long; to all of them if `all`.
    pub(crate) fn sweep(&self, all: bool) {
        let (worn, sound) = std::mem::take(&mut *lock(&self.kept))
            .into_iter()
            .partition::<Vec<_>, _>(|connection| all || self.is_worn(connection));
        lock(&self.kept).splice(0..0, sound);
        worn.into_iter().for_each(Connection::quit);
    }

    fn is_worn(&self, connection: &Connection) -> bool {
        connection.idle_since.elapsed() > self.limits.idle || connection.since.elapsed() > self.limits.age
    }
}

/// What the lock guards is whole between any two statements, whoever panicked meanwhile.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
