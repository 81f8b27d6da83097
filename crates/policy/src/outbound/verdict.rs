//! What becomes of a message, and what the log says of it.

use super::decide::Unsigned;
use super::keys::{KeyFault, KeyName};
use super::publication::Standing;
use super::store::StoreFault;
use super::template::ChosenSignature;
use super::{FaultMeasures, OnFault};
use dkim::{Prehash, SignError, Signing};
use filter::{Account, Decision, Edits, Refusal, Verdict};
use mail::{Domain, Mailbox};
use thiserror::Error;

/// What is being done with a message.
pub(super) enum Course {
    /// Its header has not come yet.
    Unread,
    /// Stores are being asked who signs; the body comes in meanwhile.
    Ask(Box<Prehash>),
    /// A store had no answer.
    Unanswered(Unanswered),
    /// Signatures are being made.
    Sign(Box<Making>),
    /// It goes through as it is.
    Leave(Unsigned),
    /// The client hears no.
    Refuse(Refused),
    /// None of the signatures can be made that should be.
    Fault(Vec<Omitted>),
}

/// Signatures while they are made.
pub(super) struct Making {
    pub(super) signing: Signing,
    /// What it makes, in its order.
    pub(super) chosen: Vec<ChosenSignature>,
    /// What it does not make although a rule asks for it.
    pub(super) omitted: Vec<Omitted>,
}

/// A message that the client hears no to.
pub(super) struct Refused {
    pub(super) refusal: Refusal,
    /// The sort of reason, for counting.
    pub(super) sort: &'static str,
    /// The reason in words.
    pub(super) reason: String,
}

/// A store that had no answer, and so nobody knows which signatures are to be made.
pub(super) struct Unanswered {
    /// The rule that asks it.
    pub(super) rule: String,
    pub(super) domain: Domain,
    pub(super) fault: StoreFault,
}

/// A signature that a rule asks for and that is not made, and why.
pub(super) struct Omitted {
    pub(super) chosen: ChosenSignature,
    pub(super) fault: Fault,
}

/// Why a signature cannot be made.
#[derive(Debug, Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Key(#[from] KeyFault),
    #[error("key {0} is of another type than the algorithm")]
    KeyKind(KeyName),
    #[error("{0}")]
    Sign(String),
    #[error("waits for its record: {0}")]
    Unpublished(String),
    #[error("its record cannot be looked up: {0}")]
    Unknown(String),
}

/// What the engine does with messages, and for which sort of reason: action and reason of their accounts.
pub const OUTCOMES: [(&str, &str); 17] = [
    ("signed", "all"),
    ("signed", "some"),
    ("unsigned", "author"),
    ("unsigned", "no_rule"),
    ("unsigned", "rule"),
    ("unsigned", "disagreement"),
    ("unsigned", "signed_already"),
    ("unsigned", "key_missing"),
    ("unsigned", "key_unreadable"),
    ("unsigned", "unpublished"),
    ("deferred", "key_missing"),
    ("deferred", "key_unreadable"),
    ("deferred", "key_unavailable"),
    ("deferred", "unpublished"),
    ("deferred", "record_unknown"),
    ("refused", "rule"),
    ("refused", "incomplete"),
];

impl Fault {
    /// What is done about it.
    pub(super) fn measure(&self, measures: FaultMeasures) -> OnFault {
        match self {
            Self::Key(KeyFault::Missing(_)) => measures.missing,
            Self::Key(KeyFault::Unusable(..)) | Self::KeyKind(_) | Self::Sign(_) => measures.unreadable,
            Self::Unpublished(_) => measures.unpublished,
            // A store or a DNS that is out of reach comes back; a message that went out unsigned does not.
            Self::Key(KeyFault::Unavailable(..)) | Self::Unknown(_) => OnFault::Defer,
        }
    }

    /// The sort of reason, for counting.
    fn sort(&self) -> &'static str {
        match self {
            Self::Key(KeyFault::Missing(_)) => "key_missing",
            Self::Key(KeyFault::Unusable(..)) | Self::KeyKind(_) | Self::Sign(_) => "key_unreadable",
            Self::Key(KeyFault::Unavailable(..)) => "key_unavailable",
            Self::Unpublished(_) => "unpublished",
            Self::Unknown(_) => "record_unknown",
        }
    }
}

impl Course {
    /// `standings` are those of the signatures that are being made, in their order, if anybody asks.
    pub(super) fn end(
        self,
        measures: FaultMeasures,
        author: Option<Mailbox>,
        standings: Vec<Standing>,
    ) -> Decision {
        let (verdict, mut account) = match self {
            Self::Unread => (unchanged(), account("unsigned", "author", "no header".to_owned())),
            Self::Leave(reason) => (unchanged(), account("unsigned", reason.sort(), reason.to_string())),
            Self::Refuse(Refused { refusal, sort, reason }) => {
                (Verdict::Refuse(refusal), account("refused", sort, reason))
            }
            Self::Ask(_) => unreachable!("its answers are there when a message ends"),
            Self::Unanswered(unanswered) => unanswered.end(measures),
            Self::Fault(omitted) => faulty(&omitted, measures),
            Self::Sign(making) => making.end(measures, standings),
        };
        account.author = author.map(|author| author.to_string());
        Decision { verdict, account }
    }
}

impl Unanswered {
    fn end(self, measures: FaultMeasures) -> (Verdict, Account) {
        let Self { rule, domain, fault } = self;
        // A store that is out of reach comes back; a message that went out unsigned does not.
        let (measure, sort) = match fault {
            StoreFault::Unavailable(_) => (OnFault::Defer, "key_unavailable"),
            StoreFault::Unusable(_) => (measures.unreadable, "key_unreadable"),
        };
        let detail = format!("{rule} does not tell the keys of {domain}: {fault}");
        match measure {
            OnFault::Defer => (Verdict::Refuse(not_now()), account("deferred", sort, detail)),
            OnFault::Leave => (unchanged(), account("unsigned", sort, detail)),
        }
    }
}

impl Making {
    fn end(self, measures: FaultMeasures, standings: Vec<Standing>) -> (Verdict, Account) {
        let Self { signing, chosen, mut omitted } = self;
        let mut standings = standings.into_iter();
        let mut wanted = Vec::new();
        let mut made = Vec::new();
        for chosen in chosen {
            let fault = match standings.next().unwrap_or(Standing::Published) {
                Standing::Published => None,
                Standing::Unpublished(why) => Some(Fault::Unpublished(why)),
                Standing::Unknown(why) => Some(Fault::Unknown(why)),
            };
            wanted.push(fault.is_none());
            match fault {
                Some(fault) => omitted.push(Omitted { chosen, fault }),
                None => made.push(chosen),
            }
        }
        if made.is_empty() {
            return faulty(&omitted, measures);
        }
        match signing.finish_those(|at| wanted[at]) {
            Ok(fields) => signed(fields, &made, &omitted),
            Err(error) => {
                let fault = |chosen| Omitted { chosen, fault: Fault::Sign(error.to_string()) };
                omitted.extend(made.into_iter().map(fault));
                faulty(&omitted, measures)
            }
        }
    }
}

/// A signature that fails before the body has come concerns all of them.
pub(super) fn none_of(chosen: Vec<ChosenSignature>, error: &SignError) -> Vec<Omitted> {
    let omitted = |chosen| Omitted { chosen, fault: Fault::Sign(error.to_string()) };
    chosen.into_iter().map(omitted).collect()
}

fn signed(fields: Vec<mail::NewField>, made: &[ChosenSignature], omitted: &[Omitted]) -> (Verdict, Account) {
    let mut detail = list(made.iter().map(named));
    if !omitted.is_empty() {
        detail = format!("{detail}; without {}", list(omitted.iter().map(why)));
    }
    let verdict = Verdict::Forward(Edits { remove: Vec::new(), prepend: fields });
    (verdict, account("signed", if omitted.is_empty() { "all" } else { "some" }, detail))
}

/// The message without any of its signatures. One that asks for patience outweighs those that do not.
fn faulty(omitted: &[Omitted], measures: FaultMeasures) -> (Verdict, Account) {
    let detail = list(omitted.iter().map(why));
    let sort = |omitted: Option<&Omitted>| omitted.map_or("author", |omitted| omitted.fault.sort());
    let is_deferring = |omitted: &&Omitted| omitted.fault.measure(measures) == OnFault::Defer;
    match omitted.iter().find(is_deferring) {
        Some(reason) => (Verdict::Refuse(not_now()), account("deferred", sort(Some(reason)), detail)),
        None => (unchanged(), account("unsigned", sort(omitted.first()), detail)),
    }
}

/// The code of a server that is not set up as it should be (RFC 3463 §3.4, X.3.5); the log says in what.
fn not_now() -> Refusal {
    Refusal { code: 451, enhanced: "4.3.5", text: "Message cannot be signed now, try again later".to_owned() }
}

fn unchanged() -> Verdict {
    Verdict::Forward(Edits::default())
}

fn account(action: &'static str, reason: &'static str, detail: String) -> Account {
    Account { action, reason, detail, ..Account::default() }
}

/// A signature, with the rule that chose it.
fn named(chosen: &ChosenSignature) -> String {
    format!("{chosen} ({})", chosen.rule)
}

fn why(omitted: &Omitted) -> String {
    format!("{}: {}", named(&omitted.chosen), omitted.fault)
}

fn list(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(", ")
}
