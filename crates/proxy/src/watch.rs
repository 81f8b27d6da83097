//! The records of the keys that sign, looked at while the program runs.
//!
//! `dkimgate check --dns` judges them once; this goes on doing it: at the start and every so often for the keys that
//! the file itself names, and for those of tables from their first use on. What changes is said once, in one warning.
//! A DNS that does not answer is no answer: what was last known for sure stands.
//!
//! With `sign_only_if_published` the engine asks here before it signs ([`Publications`]). A record that was seen keeps
//! nobody waiting; one that was never looked for, or was not there a while ago, is looked up while the message waits.
//!
//! `record` is what is known of one key, `round` looks at all of them.

mod record;
mod round;

pub use record::State;

use crate::key::inspect::{self, Subject, misplaced};
use crate::key::record::Publication;
use crate::metrics::Metered;
use dkim::{KeyFlaw, PublicKey};
use dns::AnyResolver;
use mail::Domain;
use policy::outbound::{Awaited, ChosenSignature, Publications, Standing};
use record::{Judgement, Learned, Record, Seen, Words};
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::sync::watch::{self, Receiver};
use tokio::time::timeout;
use tracing::{info, warn};

/// So many keys are looked after; of more, those that were used last. Each takes about a thousand octets.
const MOST_RECORDS: usize = 10_000;
/// So many first uses are followed by a look-up at a time, where no message waits for it.
const AT_A_TIME: usize = 16;
/// So many changes are told one by one until the next round; of more, `dkimgate check --dns` tells.
const MOST_WARNINGS: usize = 20;

/// How keys are looked after.
#[derive(Clone, Debug)]
pub struct WatchSettings {
    /// How often all are looked at; `None` for never.
    pub every: Option<Duration>,
    /// Whether a signature waits for its record.
    pub strict: bool,
    /// How long a message waits for an answer.
    pub patience: Duration,
}

/// The keys of one file. Clones are the same.
#[derive(Clone)]
pub struct Watch(Arc<Shared>);

struct Shared {
    settings: WatchSettings,
    resolver: Metered<AnyResolver>,
    records: Mutex<Records>,
    /// Held by look-ups that no message waits for.
    room: Semaphore,
    /// How many changes were told since the last round began.
    warned: AtomicUsize,
    rounds: AtomicUsize,
    /// Whether the DNS did not answer for some key in the last round.
    troubled: AtomicBool,
    /// When all were last looked at, in seconds since 1970; 0 for never.
    last_round: AtomicU64,
}

#[derive(Default)]
struct Records {
    /// By the name of the record.
    watched: HashMap<String, Record>,
    /// What was known before the last reload of keys that have not been used since.
    remembered: HashMap<String, Record>,
    /// Counts the uses: the larger the number of a record, the later its key was used.
    uses: u64,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl Watch {
    /// Looks after the keys that a file names, and after others from their first use on.
    pub fn new(settings: WatchSettings, resolver: Metered<AnyResolver>, named: Vec<Subject>) -> Self {
        let mut records = Records::default();
        for subject in named.into_iter().take(MOST_RECORDS) {
            let name = name(&subject.domain, &subject.selector);
            records.watched.insert(name, Record::new(subject, true));
        }
        Self(Arc::new(Shared {
            settings,
            resolver,
            records: Mutex::new(records),
            room: Semaphore::new(AT_A_TIME),
            warned: AtomicUsize::new(0),
            rounds: AtomicUsize::new(0),
            troubled: AtomicBool::new(false),
            last_round: AtomicU64::new(0),
        }))
    }

    /// Goes on with what another watch knew of the same keys, whose place this one takes.
    pub fn follows(&self, before: &Self) {
        let known: Vec<(String, Record)> = {
            let records = before.records();
            let known = records.watched.iter().chain(&records.remembered);
            known.map(|(name, record)| (name.clone(), record.clone())).collect()
        };
        let mut records = self.records();
        for (name, known) in known {
            match records.watched.get_mut(&name) {
                Some(record) => record.learn_from(&known),
                None => _ = records.remembered.insert(name, known),
            }
        }
        self.0.last_round.store(before.0.last_round.load(Ordering::Relaxed), Ordering::Relaxed);
        self.0.troubled.store(before.0.troubled.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// What is known of each key, by domain and selector.
    pub fn states(&self) -> Vec<((String, String), State)> {
        let names = |subject: &Subject| (subject.domain.to_string(), subject.selector.to_string());
        self.records().watched.values().map(|record| (names(&record.subject), record.state())).collect()
    }

    /// When all records were last looked at, in seconds since 1970.
    pub fn last_round(&self) -> Option<u64> {
        Some(self.0.last_round.load(Ordering::Relaxed)).filter(|&last| last > 0)
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.0.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to look a record up, or joins whoever does. What is given is closed when that is over.
    fn look(&self, name: &str) -> Option<Receiver<()>> {
        let mut records = self.records();
        let record = records.watched.get_mut(name)?;
        let is_under_way = |looking: &&Receiver<()>| looking.has_changed().is_ok();
        if let Some(looking) = record.looking.as_ref().filter(is_under_way) {
            return Some(looking.clone());
        }
        let (done, looking) = watch::channel(());
        record.looking = Some(looking.clone());
        let (watch, name, subject) = (self.clone(), name.to_owned(), record.subject.clone());
        tokio::spawn(async move {
            watch.look_up(&name, subject).await;
            drop(done);
        });
        Some(looking)
    }

    async fn look_up(&self, name: &str, subject: Subject) {
        let Some(key) = subject.key.clone() else { return };
        let seen = match Publication::new(&subject.domain, &subject.selector, key.clone()) {
            Ok(record) => self.see(&record, &subject, &key).await,
            Err(error) => Seen::Surely(Judgement::Faulty(Words {
                problem: format!("its record has no name: {error}"),
                remedy: "choose a shorter selector".to_owned(),
            })),
        };
        let learned = {
            let mut records = self.records();
            // Another key may have come in its place meanwhile.
            match records.watched.get_mut(name).filter(|record| record.is_of(&key)) {
                Some(record) => record.learn(seen),
                None => return,
            }
        };
        self.tell(&subject, learned);
    }

    async fn see(&self, record: &Publication, subject: &Subject, key: &PublicKey) -> Seen {
        let state = inspect::state(&self.0.resolver, record.name(), key).await;
        let is_absent =
            matches!(&state, inspect::State::Published(flaws) if flaws.contains(&KeyFlaw::Absent));
        // Where it stands instead is asked once, not at every look.
        let is_news = is_absent && !self.is_known_to_fail(record.name().as_str());
        let elsewhere = if is_news { misplaced(&self.0.resolver, subject, key).await } else { None };
        Seen::of(&state, record, elsewhere.as_ref())
    }

    fn is_known_to_fail(&self, name: &str) -> bool {
        self.records().watched.get(name).is_some_and(|record| record.state() == State::Unpublished)
    }

    /// Says what has changed.
    fn tell(&self, subject: &Subject, learned: Learned) {
        let Subject { domain, selector, .. } = subject;
        if learned == Learned::Nothing {
            return;
        }
        match self.0.warned.fetch_add(1, Ordering::Relaxed) {
            ..MOST_WARNINGS => {}
            MOST_WARNINGS => {
                warn!("the records of more keys have changed; `dkimgate check --dns` names them");
                return;
            }
            _ => return,
        }
        match learned {
            Learned::Nothing => {}
            Learned::Mended => info!(%domain, %selector, "the record of the key is published"),
            Learned::Odd(Words { problem, remedy }) => {
                warn!(%domain, %selector, problem, remedy, "the record of the key is doubtful");
            }
            Learned::Broken(Words { problem, remedy }) => {
                warn!(%domain, %selector, problem, remedy, "the record of the key is not as it should be: signatures fail");
            }
        }
    }

    /// Notes that a key is used; whether nobody has looked at its record so far.
    fn is_used(&self, name: &str, signature: &ChosenSignature, key: &PublicKey) -> bool {
        let records = &mut *self.records();
        records.uses += 1;
        if let Some(record) = records.watched.get_mut(name).filter(|record| record.is_of(key)) {
            record.last_use = records.uses;
            return !record.was_looked_at();
        }
        let named = records.watched.remove(name).is_some_and(|record| record.named);
        let subject = Subject {
            domain: signature.domain.clone(),
            selector: signature.selector.clone(),
            path: signature.key.to_string().into(),
            key: Some(key.clone()),
        };
        let mut record = Record::new(subject, named);
        record.last_use = records.uses;
        if let Some(known) = records.remembered.remove(name) {
            record.learn_from(&known);
        }
        let is_new = !record.was_looked_at();
        records.make_room();
        records.watched.insert(name.to_owned(), record);
        is_new
    }

    /// Looks at a record that no message waits for.
    fn look_soon(&self, name: String) {
        let watch = self.clone();
        tokio::spawn(async move {
            // The room is never closed; without it nothing is looked up.
            let Ok(_place) = watch.0.room.acquire().await else { return };
            if let Some(looking) = watch.look(&name) {
                round::over(looking).await;
            }
        });
    }
}

impl Records {
    /// Forgets the key that was used the longest time ago, if there are too many.
    fn make_room(&mut self) {
        if self.watched.len() < MOST_RECORDS {
            return;
        }
        let oldest = self.watched.iter().min_by_key(|(_, record)| (record.named, record.last_use));
        if let Some(name) = oldest.map(|(name, _)| name.clone()) {
            self.watched.remove(&name);
        }
    }
}

impl Publications for Watch {
    fn standing(&self, signature: &ChosenSignature, key: &PublicKey) -> Awaited {
        let name = name(&signature.domain, &signature.selector);
        let is_new = self.is_used(&name, signature, key);
        if !self.0.settings.strict {
            if is_new {
                self.look_soon(name);
            }
            return Box::pin(std::future::ready(Standing::Published));
        }
        if let Some(standing) = self.records().watched.get(&name).and_then(Record::standing) {
            return Box::pin(std::future::ready(standing));
        }
        let (watch, looking) = (self.clone(), self.look(&name));
        Box::pin(async move {
            if let Some(looking) = looking {
                // Out of time: what is known counts.
                let _ = timeout(watch.0.settings.patience, round::over(looking)).await;
            }
            let records = watch.records();
            let standing = records.watched.get(&name).map(Record::standing_anyway);
            standing.unwrap_or_else(|| Standing::Unknown("too many keys are in use".to_owned()))
        })
    }
}

/// The name of a record.
fn name(domain: &Domain, selector: &Domain) -> String {
    format!("{selector}._domainkey.{domain}")
}

#[cfg(test)]
mod tests;
