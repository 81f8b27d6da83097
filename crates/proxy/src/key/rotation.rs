//! The life of a domain's keys, without I/O: the time and what the DNS shows are arguments.
//!
//! ```text
//!            made           shown by every server,      a later one          kept for the           the DNS shows
//!                           and settled                 takes its place      mail under way         it no more
//!   (nothing) ──► Next ───────────────────► Signing ──────────────► Retired ───────► Withdrawing ──────────► Withdrawn
//! ```
//!
//! A key on its way whose name turns out to be somebody else's is given up instead, and another one is made under
//! another name. At most one key is `Next` and at most one `Signing`. Nothing goes back: a selector is used once.

mod names;
mod outlook;

pub use names::Naming;

use mail::Domain;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use thiserror::Error;

/// A day, in seconds.
pub const DAY: u64 = 24 * 60 * 60;
/// After so many names in a row that are somebody else's it is probably a wildcard, and all others are too.
const MOST_OCCUPIED: usize = 3;
/// How long after a record is gone nobody has it any more: resolvers keep what they were told for a week at most,
/// unless somebody tells them otherwise.
const FORGOTTEN: u64 = 7 * DAY;

/// All keys of a domain, and how they are changed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// How keys are changed.
    pub plan: Plan,
    /// The keys, oldest first.
    pub keys: Vec<Kept>,
}

/// How keys are changed. Times are in seconds.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Whether keys are Ed25519 keys; else RSA.
    pub ed25519: bool,
    /// The size of RSA keys.
    pub bits: u32,
    /// How selectors are named.
    pub naming: Naming,
    /// What they begin with.
    pub prefix: String,
    /// How long a key signs.
    pub every: u64,
    /// How long every server has to show a key before it signs.
    pub settle: u64,
    /// How long the record of a key stays after its last signature.
    pub keep: u64,
    /// The settings by which records are entered by dynamic update.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<PathBuf>,
    /// Where private keys are published once nobody verifies with them any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disclose: Option<PathBuf>,
}

impl Default for Plan {
    fn default() -> Self {
        // Half a year is what M3AAWG's best practices ask for. A queue gives up after five days, and some readers
        // verify only when they open the message: two weeks. An hour is what resolvers commonly remember that there
        // was no record.
        let (every, settle, keep) = (180 * DAY, 60 * 60, 14 * DAY);
        let (naming, prefix) = (Naming::Date, "r".to_owned());
        Self { ed25519: false, bits: 2048, naming, prefix, every, settle, keep, update: None, disclose: None }
    }
}

/// One key.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// Its selector, which is also the name of its file.
    #[serde(with = "names::as_text")]
    pub selector: Domain,
    /// Where it is in its life.
    pub stage: Stage,
    /// Whether it was there before: then other domains may sign with it too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopted: bool,
}

/// Where a key is in its life. Times are seconds since 1970.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Stage {
    /// Made; its record is on its way into the DNS.
    Next {
        /// When it was made.
        since: u64,
        /// Since when every server shows it.
        shown: Option<u64>,
    },
    /// Signs.
    Signing {
        /// Since when.
        since: u64,
    },
    /// Signs no more, and is still needed to verify what is under way.
    Retired {
        /// Since when.
        since: u64,
        /// Until when its record stays.
        until: u64,
    },
    /// Its record has to go.
    Withdrawing {
        /// Since when.
        since: u64,
    },
    /// Its record is gone.
    Withdrawn {
        /// Since when.
        since: u64,
    },
    /// It never signed, since another record stands at its name.
    Abandoned {
        /// Since when.
        since: u64,
    },
}

/// What is to stand in the DNS at the name of a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Entry {
    /// The key.
    Key,
    /// That it is revoked.
    Revocation,
}

/// What the DNS shows of a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sight {
    /// Every server shows its record.
    Shown,
    /// Every server says that there is none, or that it is revoked.
    Gone,
    /// They do not agree, or show something else.
    Mixed,
    /// Those that show something show the record of another key.
    Foreign,
    /// One of them cannot be asked.
    Unknown,
}

/// What happened to a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// Every server shows the next key; it signs after a while.
    Shown(Domain),
    /// A key signs from now on.
    Signs(Domain),
    /// It was replaced.
    Retired(Domain),
    /// Its record is to be withdrawn now.
    Withdraw(Domain),
    /// Its record is gone.
    Withdrawn(Domain),
    /// The name of a key is somebody else's; it is given up.
    Abandoned(Domain),
    /// The key that signs, or one whose mail is under way, is not what every server shows.
    Endangered(Domain),
}

/// Why a key cannot be retired.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum RetireError {
    /// No such key.
    #[error("there is no key of this selector")]
    Unknown,
    /// Nothing could take its place.
    #[error(
        "this key signs, and no other is published to take its place: run `dkimgate key rotate --now` and publish the next one first"
    )]
    Alone,
    /// Too late.
    #[error("this key is retired and withdrawn already")]
    Withdrawn,
}

impl Rotation {
    /// A new rotation without any key.
    pub fn new(plan: Plan) -> Self {
        Self { plan, keys: Vec::new() }
    }

    /// Takes over a key that signs already.
    pub fn adopt(&mut self, selector: Domain, now: u64) {
        self.keys.push(Kept { selector, stage: Stage::Signing { since: now }, adopted: true });
    }

    /// The key that signs.
    pub fn signing(&self) -> Option<&Domain> {
        self.keys.iter().find(|key| matches!(key.stage, Stage::Signing { .. })).map(|key| &key.selector)
    }

    /// The keys whose records matter.
    pub fn watched(&self) -> impl Iterator<Item = &Domain> {
        let is_over = |key: &&Kept| matches!(key.stage, Stage::Withdrawn { .. } | Stage::Abandoned { .. });
        self.keys.iter().filter(move |key| !is_over(key)).map(|key| &key.selector)
    }

    /// The selector of a key that should be made now; with `hurry` even if the one that signs is not old. Files of these
    /// names are there already.
    pub fn wanted(&self, now: u64, hurry: bool, files: &[Domain]) -> Option<Domain> {
        let is_due = self.keys.iter().all(|key| match key.stage {
            Stage::Next { .. } => false,
            Stage::Signing { since } => hurry || now >= since.saturating_add(self.plan.every),
            Stage::Retired { .. }
            | Stage::Withdrawing { .. }
            | Stage::Withdrawn { .. }
            | Stage::Abandoned { .. } => true,
        });
        if is_due { self.plan.selector(now, &self.keys, files) } else { None }
    }

    /// A key is to be made.
    pub fn made(&mut self, selector: Domain, now: u64) {
        self.keys.push(Kept { selector, stage: Stage::Next { since: now, shown: None }, adopted: false });
    }

    /// The key that has to be made before anything else: it is on its way, and may have been cut off there.
    pub fn next(&self) -> Option<&Domain> {
        self.keys.iter().find(|key| matches!(key.stage, Stage::Next { .. })).map(|key| &key.selector)
    }

    /// Gives the next key up, because another record stands at its name; unless that has been so several times in a row.
    pub fn occupied(&mut self, now: u64) -> Option<Event> {
        let at = self.keys.iter().position(|key| matches!(key.stage, Stage::Next { .. }))?;
        let is_abandoned = |key: &&Kept| matches!(key.stage, Stage::Abandoned { .. });
        if self.keys[..at].iter().rev().take_while(is_abandoned).count() >= MOST_OCCUPIED {
            return None;
        }
        self.keys[at].stage = Stage::Abandoned { since: now };
        Some(Event::Abandoned(self.keys[at].selector.clone()))
    }

    /// What is to be entered into the DNS, and what to be revoked there.
    pub fn unpublished(&self) -> impl Iterator<Item = (&Domain, Entry)> {
        self.keys.iter().filter_map(|key| match key.stage {
            Stage::Next { shown: None, .. } => Some((&key.selector, Entry::Key)),
            Stage::Withdrawing { .. } => Some((&key.selector, Entry::Revocation)),
            _ => None,
        })
    }

    /// Keys with which nobody verifies any more, of which nobody else can have a use.
    pub fn forgotten(&self, now: u64) -> impl Iterator<Item = &Domain> {
        let is_forgotten = move |key: &&Kept| match key.stage {
            Stage::Withdrawn { since } => !key.adopted && now >= since.saturating_add(FORGOTTEN),
            _ => false,
        };
        self.keys.iter().filter(is_forgotten).map(|key| &key.selector)
    }

    /// Goes on as far as the time and the DNS allow.
    pub fn advance(&mut self, now: u64, sight: impl Fn(&Domain) -> Sight) -> Vec<Event> {
        let mut events = Vec::new();
        for at in 0..self.keys.len() {
            let Kept { selector, stage, .. } = &mut self.keys[at];
            let seen = sight(selector);
            match stage {
                Stage::Next { shown, .. } => match seen {
                    Sight::Shown => {
                        if shown.is_none() {
                            events.push(Event::Shown(selector.clone()));
                        }
                        let since = *shown.get_or_insert(now);
                        if now >= since.saturating_add(self.plan.settle) {
                            self.switch(at, now, &mut events);
                        }
                    }
                    Sight::Gone | Sight::Mixed | Sight::Foreign => *shown = None,
                    Sight::Unknown => {}
                },
                Stage::Retired { until, .. } if now >= *until => {
                    events.push(Event::Withdraw(selector.clone()));
                    *stage = Stage::Withdrawing { since: now };
                }
                Stage::Signing { .. } | Stage::Retired { .. } => events.extend(endangered(selector, seen)),
                Stage::Withdrawing { .. } if matches!(seen, Sight::Gone | Sight::Foreign) => {
                    events.push(Event::Withdrawn(selector.clone()));
                    *stage = Stage::Withdrawn { since: now };
                }
                Stage::Withdrawing { .. } | Stage::Withdrawn { .. } | Stage::Abandoned { .. } => {}
            }
        }
        events
    }

    /// Withdraws a key before its time: because somebody else may have it.
    pub fn retire(&mut self, selector: &Domain, now: u64) -> Result<Vec<Event>, RetireError> {
        let at = self.keys.iter().position(|key| key.selector == *selector).ok_or(RetireError::Unknown)?;
        let mut events = Vec::new();
        match self.keys[at].stage {
            Stage::Withdrawing { .. } | Stage::Withdrawn { .. } | Stage::Abandoned { .. } => {
                return Err(RetireError::Withdrawn);
            }
            Stage::Signing { .. } => {
                let is_shown = |key: &Kept| matches!(key.stage, Stage::Next { shown: Some(_), .. });
                let next = self.keys.iter().position(is_shown).ok_or(RetireError::Alone)?;
                self.switch(next, now, &mut events);
            }
            Stage::Next { .. } | Stage::Retired { .. } => {}
        }
        self.keys[at].stage = Stage::Withdrawing { since: now };
        events.push(Event::Withdraw(selector.clone()));
        Ok(events)
    }

    /// Lets a key sign in the place of the one that does.
    fn switch(&mut self, next: usize, now: u64, events: &mut Vec<Event>) {
        let until = now.saturating_add(self.plan.keep);
        for key in &mut self.keys {
            if matches!(key.stage, Stage::Signing { .. }) {
                key.stage = Stage::Retired { since: now, until };
                events.push(Event::Retired(key.selector.clone()));
            }
        }
        self.keys[next].stage = Stage::Signing { since: now };
        events.push(Event::Signs(self.keys[next].selector.clone()));
    }
}

fn endangered(selector: &Domain, seen: Sight) -> Option<Event> {
    matches!(seen, Sight::Gone | Sight::Mixed | Sight::Foreign).then(|| Event::Endangered(selector.clone()))
}

#[cfg(test)]
mod tests;
