//! Accepting clients, overload, reload and drain.

use crate::burst::Burst;
use crate::listener::Listener;
use crate::next_hop::Pool;
use crate::observer::{Observer, TurnedAway};
use crate::session::Session;
use crate::settings::Settings;
use crate::store::Shelf;
use crate::stream::Stream;
use filter::Filter;
use smtp::reply::Reply;
use std::collections::HashMap;
use std::fs::File;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};
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
/// How long clients wait for a descriptor to come free before they are told that there is none.
const STARVED: Duration = Duration::from_secs(1);
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
    per_address: Mutex<HashMap<IpAddr, Visitors>>,
    /// That there was no room for a session.
    crowded: Burst,
    /// That there was no descriptor for one.
    starved: Burst,
    own: Option<SocketAddr>,
    named: u64,
    count: AtomicU64,
}

/// The sessions from one address.
#[derive(Debug, Default)]
struct Visitors {
    sessions: usize,
    /// That there were too many.
    crowded: Burst,
}

/// What a transaction works with from its beginning to its end.
#[derive(Debug)]
pub(crate) struct Engine<F> {
    pub(crate) settings: Settings,
    pub(crate) filter: F,
    pub(crate) pool: Pool,
    pub(crate) shelf: Arc<Shelf>,
}

impl<F: Filter> Relay<F> {
    /// A relay for what comes in by `listener`.
    #[must_use]
    pub fn new(settings: Settings, filter: F, listener: &Listener) -> Self {
        let own = listener.address();
        let pool = Pool::new(settings.kept, own);
        let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self(Arc::new(Shared {
            engine: RwLock::new(Arc::new(Engine { settings, filter, pool, shelf: Arc::default() })),
            stopping: CancellationToken::new(),
            halted: CancellationToken::new(),
            sessions: AtomicUsize::new(0),
            per_address: Mutex::default(),
            crowded: Burst::default(),
            starved: Burst::default(),
            own,
            named: started.as_secs(),
            count: AtomicU64::new(0),
        }))
    }

    /// Puts other settings and another filter in place, for every transaction that begins from now on. Sessions
    /// go on; connections to the next hop are made anew.
    pub fn reload(&self, settings: Settings, filter: F) {
        let pool = Pool::new(settings.kept, self.0.own);
        let engine = Arc::new(Engine { settings, filter, pool, shelf: Arc::default() });
        let next = Arc::clone(&engine);
        let before =
            std::mem::replace(&mut *self.0.engine.write().unwrap_or_else(PoisonError::into_inner), engine);
        next.pool.follows(&before.pool, next.settings.relay == before.settings.relay);
        before.pool.close();
    }

    /// Serves until `shutdown`, then lets what has begun come to its end, bounded by the setting `drain`.
    pub async fn serve(self, listener: Listener, shutdown: CancellationToken) {
        let tracker = TaskTracker::new();
        let mut sweep = interval(SWEEP);
        let mut spare = Spare::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        spare.since = None;
                        self.admit(stream, peer, &tracker);
                    }
                    Err(error) => {
                        if self.0.starved.begins() {
                            error!(%error, "cannot accept a connection");
                        }
                        spare.spend(&listener).await;
                    }
                },
                _ = sweep.tick() => self.look_after(&tracker),
                () = shutdown.cancelled() => break,
            }
        }
        drop(listener);
        self.drain(tracker).await;
    }

    /// Closes connections that have waited too long, and looks for a next hop that was not there.
    fn look_after(&self, tracker: &TaskTracker) {
        let engine = self.0.engine();
        engine.pool.sweep();
        if engine.pool.must_look() {
            let stopping = self.0.stopping.clone();
            tracker.spawn(async move {
                stopping.run_until_cancelled(engine.pool.look(&engine.settings)).await;
            });
        }
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
        engine.pool.close();
    }

    /// Takes a client in, or tells it why not.
    fn admit(&self, stream: Stream, peer: Option<IpAddr>, tracker: &TaskTracker) {
        let engine = self.0.engine();
        let refusal = match peer {
            Some(peer) if !engine.settings.clients.contains(peer) => {
                warn!(listener = engine.settings.name, client = %peer, "client is not listed");
                engine.settings.observer.client_refused(TurnedAway::NotListed);
                Some(DENIED)
            }
            _ => None,
        };
        let place = refusal.map_or_else(|| Place::take(&self.0, &engine.settings, peer), Err);
        match place {
            Ok(place) => {
                let count = self.0.count.fetch_add(1, Ordering::Relaxed);
                let name = format!("{:x}-{count:x}", self.0.named);
                let session = Session::new(place, engine, (stream, peer), name);
                tracker.spawn(session.run());
            }
            // A client that does not read at once what fits in any socket buffer need not know.
            Err(reply) => drop(stream.try_write(reply)),
        }
    }
}

/// A descriptor that is kept back, to tell a client that there is none for it.
struct Spare {
    kept: Option<File>,
    /// Since when there is none to accept with.
    since: Option<Instant>,
}

impl Spare {
    fn new() -> Self {
        Self { kept: File::open("/dev/null").ok(), since: None }
    }

    /// Waits for a descriptor to come free. If that takes too long, turns one client away.
    async fn spend(&mut self, listener: &Listener) {
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() < STARVED || self.kept.take().is_none() {
            sleep(BREATH).await;
        } else if let Ok(Ok((stream, _))) = timeout(BREATH, listener.accept()).await {
            // A client that does not read at once what fits in any socket buffer need not know.
            let _ = stream.try_write(CROWDED);
        }
        if self.kept.is_none() {
            self.kept = File::open("/dev/null").ok();
        }
    }
}

impl<F> Shared<F> {
    /// What a transaction that begins now works with.
    pub(crate) fn engine(&self) -> Arc<Engine<F>> {
        Arc::clone(&self.engine.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A place among the sessions, given back when dropped.
pub(crate) struct Place<F> {
    pub(crate) shared: Arc<Shared<F>>,
    /// The address that it counts for.
    peer: Option<IpAddr>,
    /// Who was told of it, once it is sure.
    observer: Option<Arc<dyn Observer>>,
}

impl<F> Place<F> {
    /// Takes a place, if there is one for a client from there; else gives what the client hears.
    fn take(
        shared: &Arc<Shared<F>>,
        settings: &Settings,
        peer: Option<IpAddr>,
    ) -> Result<Self, &'static [u8]> {
        let room = settings.limits.sessions + if is_local(peer) { RESERVED } else { 0 };
        let mut place = Self { shared: Arc::clone(shared), peer: None, observer: None };
        if shared.sessions.fetch_add(1, Ordering::Relaxed) >= room {
            return Err(place.refuse(settings, peer, (TurnedAway::Crowded, shared.crowded.begins())));
        }
        // A balancer stands for many, and names each.
        if !settings.proxy_protocol {
            place.count_for(settings, peer)?;
        }
        settings.observer.session_began();
        place.observer = Some(Arc::clone(&settings.observer));
        Ok(place)
    }

    /// Counts the place for the client's address; if that has too many, gives what the client hears.
    pub(crate) fn count_for(
        &mut self,
        settings: &Settings,
        peer: Option<IpAddr>,
    ) -> Result<(), &'static [u8]> {
        let Some(address) = peer.filter(|_| !is_local(peer)) else { return Ok(()) };
        self.peer = Some(address);
        let mut all = self.shared.per_address.lock().unwrap_or_else(PoisonError::into_inner);
        let from_there = all.entry(address).or_default();
        from_there.sessions += 1;
        if from_there.sessions <= settings.limits.sessions_per_address {
            return Ok(());
        }
        Err(self.refuse(settings, peer, (TurnedAway::CrowdedAddress, from_there.crowded.begins())))
    }

    /// Says that there is no room if that is news.
    fn refuse(
        &self,
        settings: &Settings,
        peer: Option<IpAddr>,
        (why, is_news): (TurnedAway, bool),
    ) -> &'static [u8] {
        settings.observer.client_refused(why);
        if is_news {
            let sessions = self.shared.sessions.load(Ordering::Relaxed) - 1;
            warn!(listener = settings.name, sessions, client = ?peer, "no room for more sessions");
        }
        match why {
            TurnedAway::NotListed => DENIED,
            TurnedAway::Crowded => CROWDED,
            TurnedAway::CrowdedAddress => CROWDED_ADDRESS,
        }
    }
}

/// Whether a client is on this host: it is not counted by its address, and still gets in when others do not.
fn is_local(peer: Option<IpAddr>) -> bool {
    peer.is_none_or(|peer| peer.is_loopback())
}

impl<F> Drop for Place<F> {
    fn drop(&mut self) {
        self.shared.sessions.fetch_sub(1, Ordering::Relaxed);
        if let Some(observer) = &self.observer {
            observer.session_ended();
        }
        let Some(peer) = self.peer else { return };
        let mut all = self.shared.per_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(from_there) = all.get_mut(&peer) {
            from_there.sessions -= 1;
            if from_there.sessions == 0 {
                all.remove(&peer);
            }
        }
    }
}

/// What a client hears when the relay ends.
pub(crate) const SHUTTING_DOWN: Reply = Reply::fixed(b"421 4.3.2 Service shutting down\r\n");
