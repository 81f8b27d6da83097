//! Accepting clients, overload, reload and drain.

use crate::listener::Listener;
use crate::next_hop::Pool;
use crate::session::Session;
use crate::settings::Settings;
use crate::stream::Stream;
use filter::Filter;
use smtp::reply::Reply;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use tokio::time::{interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

const DENIED: &[u8] = b"554 5.7.1 Access denied\r\n";
const CROWDED: &[u8] = b"421 4.3.2 Too many sessions, try again later\r\n";
const CROWDED_ADDRESS: &[u8] = b"421 4.7.0 Too many sessions from your address\r\n";
/// Beyond the limit of sessions, so many of this host's are still taken: the queue's own must get in.
const RESERVED: usize = 64;
/// How long to wait when the system has no more descriptors.
const BREATH: Duration = Duration::from_millis(50);
/// How often kept connections are looked through.
const SWEEP: Duration = Duration::from_secs(1);

/// One listener's relay: takes messages, shows them to a filter, passes them on.
///
/// Clones are the same relay; one of them serves while another one reloads.
#[derive(Debug)]
pub struct Relay<F>(pub(crate) Arc<Shared<F>>);

impl<F> Clone for Relay<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// What all sessions of a relay share.
#[derive(Debug)]
pub(crate) struct Shared<F> {
    engine: RwLock<Arc<Engine<F>>>,
    /// Sessions end when it is convenient.
    pub(crate) stopping: CancellationToken,
    /// Sessions end now.
    pub(crate) halted: CancellationToken,
    sessions: AtomicUsize,
    per_address: Mutex<HashMap<IpAddr, usize>>,
    /// Whether it was logged already that there is no room.
    crowded: AtomicBool,
    own: Option<SocketAddr>,
    named: u64,
    count: AtomicU64,
}

/// What a transaction works with from its beginning to its end.
#[derive(Debug)]
pub(crate) struct Engine<F> {
    pub(crate) settings: Settings,
    pub(crate) filter: F,
    pub(crate) pool: Pool,
}

impl<F: Filter> Relay<F> {
    /// A relay for what comes in by `listener`.
    #[must_use]
    pub fn new(settings: Settings, filter: F, listener: &Listener) -> Self {
        let own = listener.address();
        let pool = Pool::new(settings.kept, own);
        let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self(Arc::new(Shared {
            engine: RwLock::new(Arc::new(Engine { settings, filter, pool })),
            stopping: CancellationToken::new(),
            halted: CancellationToken::new(),
            sessions: AtomicUsize::new(0),
            per_address: Mutex::default(),
            crowded: AtomicBool::new(false),
            own,
            named: started.as_secs(),
            count: AtomicU64::new(0),
        }))
    }

    /// Puts other settings and another filter in place, for every transaction that begins from now on. Sessions
    /// go on; connections to the next hop are made anew.
    pub fn reload(&self, settings: Settings, filter: F) {
        let pool = Pool::new(settings.kept, self.0.own);
        let engine = Arc::new(Engine { settings, filter, pool });
        let before =
            std::mem::replace(&mut *self.0.engine.write().unwrap_or_else(PoisonError::into_inner), engine);
        before.pool.sweep(true);
    }

    /// Serves until `shutdown`, then lets what has begun come to its end, bounded by the setting `drain`.
    pub async fn serve(self, listener: Listener, shutdown: CancellationToken) {
        let tracker = TaskTracker::new();
        let mut sweep = interval(SWEEP);
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => self.admit(stream, peer, &tracker),
                    Err(error) => self.cannot_accept(&error).await,
                },
                _ = sweep.tick() => self.0.engine().pool.sweep(false),
                () = shutdown.cancelled() => break,
            }
        }
        drop(listener);
        self.drain(tracker).await;
    }

    async fn drain(&self, tracker: TaskTracker) {
        let engine = self.0.engine();
        tracker.close();
        self.0.stopping.cancel();
        info!(listener = engine.settings.name, sessions = tracker.len(), "draining");
        if timeout(engine.settings.drain, tracker.wait()).await.is_err() {
            warn!(listener = engine.settings.name, sessions = tracker.len(), "drain is over");
            self.0.halted.cancel();
            tracker.wait().await;
        }
        engine.pool.sweep(true);
    }

    /// Takes a client in, or tells it why not.
    fn admit(&self, stream: Stream, peer: Option<IpAddr>, tracker: &TaskTracker) {
        let engine = self.0.engine();
        let refusal = match peer {
            Some(peer) if !engine.settings.clients.contains(peer) => {
                warn!(listener = engine.settings.name, client = %peer, "client is not listed");
                Some(DENIED)
            }
            _ => None,
        };
        let place = refusal.map_or_else(|| self.place(&engine.settings, peer), Err);
        match place {
            Ok(place) => {
                let count = self.0.count.fetch_add(1, Ordering::Relaxed);
                let name = format!("{:x}-{count:x}", self.0.named);
                let session = Session::new(Arc::clone(&self.0), engine, (stream, peer), name);
                tracker.spawn(async move {
                    session.run().await;
                    drop(place);
                });
            }
            // A client that does not read at once what fits in any socket buffer need not know.
            Err(reply) => drop(stream.try_write(reply)),
        }
    }

    /// A place among the sessions.
    fn place(&self, settings: &Settings, peer: Option<IpAddr>) -> Result<Place<F>, &'static [u8]> {
        let limits = settings.limits;
        let local = peer.is_none_or(|peer| peer.is_loopback());
        let room = limits.sessions + if local { RESERVED } else { 0 };
        let place = Place { shared: Arc::clone(&self.0), peer: peer.filter(|_| !local) };
        let before = self.0.sessions.fetch_add(1, Ordering::Relaxed);
        let mut from_there = 0;
        if let Some(peer) = place.peer {
            let mut all = self.0.per_address.lock().unwrap_or_else(PoisonError::into_inner);
            let count = all.entry(peer).or_default();
            *count += 1;
            from_there = *count;
        }
        let refusal = match () {
            () if before >= room => Some(CROWDED),
            () if from_there > limits.sessions_per_address => Some(CROWDED_ADDRESS),
            () => None,
        };
        let Some(refusal) = refusal else {
            self.0.crowded.store(false, Ordering::Relaxed);
            return Ok(place);
        };
        if !self.0.crowded.swap(true, Ordering::Relaxed) {
            warn!(listener = settings.name, sessions = before, client = ?peer, "no room for more sessions");
        }
        Err(refusal)
    }

    /// Without a descriptor nothing can be said to the client: wait for one to come free.
    async fn cannot_accept(&self, error: &std::io::Error) {
        if !self.0.crowded.swap(true, Ordering::Relaxed) {
            error!(%error, "cannot accept a connection");
        }
        sleep(BREATH).await;
    }
}

impl<F> Shared<F> {
    /// What a transaction that begins now works with.
    pub(crate) fn engine(&self) -> Arc<Engine<F>> {
        Arc::clone(&self.engine.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A place among the sessions, given back when dropped.
struct Place<F> {
    shared: Arc<Shared<F>>,
    /// The address that it counts for.
    peer: Option<IpAddr>,
}

impl<F> Drop for Place<F> {
    fn drop(&mut self) {
        self.shared.sessions.fetch_sub(1, Ordering::Relaxed);
        let Some(peer) = self.peer else { return };
        let mut all = self.shared.per_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&peer) {
            *count -= 1;
            if *count == 0 {
                all.remove(&peer);
            }
        }
    }
}

/// What a client hears when the relay ends.
pub(crate) const SHUTTING_DOWN: Reply = Reply::fixed(b"421 4.3.2 Service shutting down\r\n");
