//! What is known of the record of one key.

use crate::key::inspect::{self, Subject};
use crate::key::record::Publication;
use dkim::{KeyFlaw, PublicKey};
use mail::Domain;
use policy::outbound::Standing;
use std::time::{Duration, Instant};
use tokio::sync::watch::Receiver;

/// A record that was not there is looked for again when a message needs it, but not more often than this.
const ABSENT: Duration = Duration::from_secs(30);
/// A DNS that did not answer is not asked again for every message.
const SILENT: Duration = Duration::from_secs(5);

/// What is known, in one word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// It is there, and as it should be.
    Published,
    /// It is there, and signatures pass, but something is odd.
    Doubtful,
    /// It is not there, or signatures fail with it.
    Unpublished,
    /// Nobody could tell so far.
    Unknown,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Published, Self::Doubtful, Self::Unpublished, Self::Unknown];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Doubtful => "doubtful",
            Self::Unpublished => "unpublished",
            Self::Unknown => "unknown",
        }
    }

    /// Whether signatures pass; nothing if nobody can tell.
    pub fn is_published(self) -> Option<bool> {
        match self {
            Self::Published | Self::Doubtful => Some(true),
            Self::Unpublished => Some(false),
            Self::Unknown => None,
        }
    }
}

/// A sure answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Judgement {
    Sound,
    Doubtful(Words),
    Faulty(Words),
}

/// What is wrong, and what to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Words {
    pub(super) problem: String,
    pub(super) remedy: String,
}

/// What an answer has changed.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Learned {
    /// All is as it was, or as it should be from the beginning.
    Nothing,
    /// It was wrong, and is right now.
    Mended,
    /// It is there, and something about it is odd.
    Odd(Words),
    /// It is wrong, and that was not known.
    Broken(Words),
}

/// What is known of the record of one key.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) subject: Subject,
    judgement: Option<Judgement>,
    /// Why the last look brought no sure answer.
    trouble: Option<String>,
    /// When the last look ended.
    looked: Option<Instant>,
    /// Set while somebody looks; closed when that is over.
    pub(super) looking: Option<Receiver<()>>,
    /// Whether the file itself names the key.
    pub(super) named: bool,
    pub(super) last_use: u64,
}

impl Record {
    pub(super) fn new(subject: Subject, named: bool) -> Self {
        Self { subject, judgement: None, trouble: None, looked: None, looking: None, named, last_use: 0 }
    }

    pub(super) fn is_of(&self, key: &PublicKey) -> bool {
        self.subject.key.as_ref() == Some(key)
    }

    pub(super) fn was_looked_at(&self) -> bool {
        self.looked.is_some() || self.looking.is_some()
    }

    pub(super) fn is_troubled(&self) -> bool {
        self.trouble.is_some()
    }

    pub(super) fn state(&self) -> State {
        match &self.judgement {
            None => State::Unknown,
            Some(Judgement::Sound) => State::Published,
            Some(Judgement::Doubtful(_)) => State::Doubtful,
            Some(Judgement::Faulty(_)) => State::Unpublished,
        }
    }

    /// Takes over what another record knows, if it is of the same key.
    pub(super) fn learn_from(&mut self, other: &Self) {
        if other.subject.key == self.subject.key {
            self.judgement.clone_from(&other.judgement);
            self.trouble.clone_from(&other.trouble);
            self.looked = other.looked;
        }
    }

    /// What a signature is told without asking anybody; nothing if the DNS should be asked.
    pub(super) fn standing(&self) -> Option<Standing> {
        let age = self.looked.map(|looked| looked.elapsed());
        match (&self.judgement, age) {
            (Some(Judgement::Sound | Judgement::Doubtful(_)), _) => Some(Standing::Published),
            (Some(Judgement::Faulty(_)), Some(age)) if age < ABSENT => Some(self.standing_anyway()),
            (None, Some(age)) if age < SILENT => Some(self.standing_anyway()),
            _ => None,
        }
    }

    /// The same, now that the DNS was asked.
    pub(super) fn standing_anyway(&self) -> Standing {
        match &self.judgement {
            Some(Judgement::Sound | Judgement::Doubtful(_)) => Standing::Published,
            Some(Judgement::Faulty(words)) => Standing::Unpublished(words.problem.clone()),
            None => Standing::Unknown(self.trouble.clone().unwrap_or_else(|| "no answer in time".to_owned())),
        }
    }

    /// Takes in what a look has brought.
    pub(super) fn learn(&mut self, seen: Seen) -> Learned {
        (self.looking, self.looked) = (None, Some(Instant::now()));
        let judgement = match seen {
            // What was known for sure stands.
            Seen::Nothing(trouble) => {
                self.trouble = Some(trouble);
                return Learned::Nothing;
            }
            Seen::Surely(judgement) => judgement,
        };
        self.trouble = None;
        let before = self.judgement.replace(judgement.clone());
        match (before, judgement) {
            (Some(before), judgement) if before == judgement => Learned::Nothing,
            (Some(Judgement::Faulty(_)), Judgement::Sound) => Learned::Mended,
            (_, Judgement::Sound) => Learned::Nothing,
            (_, Judgement::Doubtful(words)) => Learned::Odd(words),
            (_, Judgement::Faulty(words)) => Learned::Broken(words),
        }
    }
}

/// What a look has brought.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Seen {
    /// No answer, and why.
    Nothing(String),
    /// An answer.
    Surely(Judgement),
}

impl Seen {
    /// Judges what the DNS said of a key.
    pub(super) fn of(state: &inspect::State, record: &Publication, misplaced: Option<&Domain>) -> Self {
        let flaws = match state {
            inspect::State::Unmade => return Self::Nothing("there is no key yet".to_owned()),
            inspect::State::Unavailable(trouble) => return Self::Nothing(trouble.to_string()),
            inspect::State::Published(flaws) => flaws,
        };
        let words = |flaw: &KeyFlaw| {
            let place = misplaced.map_or_else(String::new, |name| format!("; it stands at {name}"));
            let remedy = flaw.remedy(record.name(), &record.text());
            Words { problem: format!("{flaw}{place}"), remedy }
        };
        let fatal = flaws.iter().find(|flaw| flaw.is_fatal());
        Self::Surely(match (fatal, flaws.first()) {
            (Some(flaw), _) => Judgement::Faulty(words(flaw)),
            (None, Some(flaw)) => Judgement::Doubtful(words(flaw)),
            (None, None) => Judgement::Sound,
        })
    }
}
