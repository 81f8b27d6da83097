//! Connections that wait for their next message, and what the next hop was last heard to offer.

use super::{Connection, Fault, connect};
use crate::settings::{Kept, Settings};
use smtp::extension::Offer;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tracing::info;

/// How often a next hop that was not there is looked for, and how long.
const LOOK: Duration = Duration::from_secs(5);

/// The kept connections of one listener.
#[derive(Debug)]
pub(crate) struct Pool {
    /// `None` once no message will take one any more.
    kept: Mutex<Option<Vec<Connection>>>,
    limits: Kept,
    offer: Mutex<Option<Offer>>,
    /// Where we listen ourselves.
    own: Option<SocketAddr>,
    /// When it was last tried in vain to connect, since when nobody has succeeded.
    down: Mutex<Option<Instant>>,
}

impl Pool {
    pub(crate) fn new(limits: Kept, own: Option<SocketAddr>) -> Self {
        let kept = Mutex::new(Some(Vec::new()));
        Self { kept, limits, offer: Mutex::default(), own, down: Mutex::default() }
    }

    /// Takes the place of another pool, and goes on looking for the next hop if that one did. What it offers is known
    /// if it `is_same`.
    pub(crate) fn follows(&self, before: &Self, is_same: bool) {
        *lock(&self.down) = *lock(&before.down);
        *lock(&self.offer) = lock(&before.offer).filter(|_| is_same);
    }

    /// What the next hop last offered, if it was ever heard.
    pub(crate) fn offer(&self) -> Option<Offer> {
        *lock(&self.offer)
    }

    /// The connection that was used last, since the others may then grow old and go.
    pub(crate) fn take(&self) -> Option<Connection> {
        loop {
            let mut connection = lock(&self.kept).as_mut()?.pop()?;
            if !self.is_worn(&connection) && connection.is_of_use() {
                return Some(connection);
            }
            connection.quit();
        }
    }

    /// A new connection.
    pub(crate) async fn connect(&self, settings: &Settings) -> Result<Connection, Fault> {
        let connection = Box::pin(connect::connect(settings, self.own)).await;
        settings.observer.next_hop_tried(connection.is_ok());
        *lock(&self.down) = connection.is_err().then(Instant::now);
        let connection = connection?;
        *lock(&self.offer) = Some(*connection.offer());
        Ok(connection)
    }

    /// Whether it is time to look for a next hop that was not there: whoever waits for it to come back (a balancer
    /// that sends no mail meanwhile) would wait for ever. Whoever asks has to look.
    pub(crate) fn must_look(&self) -> bool {
        let mut down = lock(&self.down);
        let due = down.is_some_and(|tried| tried.elapsed() >= LOOK);
        if due {
            *down = Some(Instant::now());
        }
        due
    }

    /// Looks whether the next hop is there again, and keeps the connection if it is.
    pub(crate) async fn look(&self, settings: &Settings) {
        // Still down needs no word: that was said when it first failed.
        if let Ok(Ok(connection)) = timeout(LOOK, self.connect(settings)).await {
            info!(listener = settings.name, "next hop is there again");
            self.give(connection, false);
        }
    }

    /// Keeps a connection between messages. `under_way` says that a message is to be forgotten first.
    pub(crate) fn give(&self, mut connection: Connection, under_way: bool) {
        if under_way && !connection.reset() {
            return;
        }
        connection.uses += 1;
        connection.idle_since = Instant::now();
        connection.shrink();
        if let Some(kept) = lock(&self.kept).as_mut()
            && kept.len() < self.limits.number
            && connection.uses < self.limits.uses
        {
            return kept.push(connection);
        }
        connection.quit();
    }

    /// Says goodbye to those that have waited too long.
    pub(crate) fn sweep(&self) {
        let mut worn = Vec::new();
        if let Some(kept) = lock(&self.kept).as_mut() {
            worn.extend(kept.extract_if(.., |connection| self.is_worn(connection)));
        }
        worn.into_iter().for_each(Connection::quit);
    }

    /// Says goodbye to all, and to those that come back later.
    pub(crate) fn close(&self) {
        let kept = lock(&self.kept).take();
        kept.into_iter().flatten().for_each(Connection::quit);
    }

    fn is_worn(&self, connection: &Connection) -> bool {
        connection.idle_since.elapsed() > self.limits.idle || connection.since.elapsed() > self.limits.age
    }
}

/// What the lock guards is whole between any two statements, whoever panicked meanwhile.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
