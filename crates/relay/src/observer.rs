//! Who hears what happens at a listener, to count it.

use filter::Account;
use smtp::reply::{Reply, Severity};
use std::fmt::Debug;
use std::time::Duration;

/// Hears what happens. It is told while mail is under way, so it must not wait.
pub trait Observer: Debug + Send + Sync + 'static {
    /// A client was taken in.
    fn session_began(&self) {}

    /// A client that was taken in is gone.
    fn session_ended(&self) {}

    /// A client was turned away.
    fn client_refused(&self, _: TurnedAway) {}

    /// A message whose content had begun is over.
    fn message(&self, _: &Observed<'_>) {}

    /// A connection to the next hop was tried; whether it came as far as an answer to EHLO.
    fn next_hop_tried(&self, _answers: bool) {}

    /// The next hop did not do its part in a transaction; the word for how.
    fn next_hop_failed(&self, _fault: &'static str) {}
}

/// Nobody.
impl Observer for () {}

/// Why a client was turned away.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TurnedAway {
    /// It is not among those who may connect.
    NotListed,
    /// There are too many sessions.
    Crowded,
    /// There are too many sessions from its address.
    CrowdedAddress,
}

impl TurnedAway {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::NotListed, Self::Crowded, Self::CrowdedAddress];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotListed => "not_listed",
            Self::Crowded => "sessions",
            Self::CrowdedAddress => "sessions_per_address",
        }
    }
}

/// A message that is over.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// What became of it.
    pub account: &'a Account,
    /// What the client heard.
    pub answer: Answer,
    /// Octets of its content, as far as they came.
    pub size: u64,
    /// From the beginning of its content.
    pub took: Duration,
    /// How long the filter took to decide once everything was there: to sign, or to verify.
    pub decided_in: Option<Duration>,
}

/// What the client heard at the end of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Answer {
    /// Nothing: it was gone.
    None,
    /// The message is taken.
    Taken,
    /// Not now.
    Deferred,
    /// Never.
    Refused,
}

impl Answer {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::None, Self::Taken, Self::Deferred, Self::Refused];

    pub(crate) fn of(reply: Option<&Reply>) -> Self {
        match reply.map(Reply::severity) {
            None => Self::None,
            Some(Severity::Completed | Severity::Intermediate) => Self::Taken,
            Some(Severity::Transient) => Self::Deferred,
            Some(Severity::Permanent) => Self::Refused,
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Taken => "2yz",
            Self::Deferred => "4yz",
            Self::Refused => "5yz",
        }
    }
}

/// What the relay itself does with messages, and for which sort of reason: action and reason of their accounts.
pub const OUTCOMES: [(&str, &str); 10] = [
    ("refused", "too_large"),
    ("refused", "malformed"),
    ("refused", "loop"),
    ("refused", "storage"),
    ("refused", "unfit"),
    ("abandoned", "client_quit"),
    ("abandoned", "client_lost"),
    ("abandoned", "client_silent"),
    ("abandoned", "in_doubt"),
    ("abandoned", "drained"),
];

/// The sort of reason for which the relay itself refuses a message with this reply.
pub(crate) fn sort(reply: &Reply) -> &'static str {
    let text = reply.to_string();
    match text.split(' ').nth(1) {
        Some("5.3.4") => "too_large",
        Some("5.4.6") => "loop",
        Some("4.3.1") => "storage",
        _ => "malformed",
    }
}

/// What can be wrong with the next hop, in the words that [`Observer::next_hop_failed`] hears.
pub const FAULTS: [&str; 12] = [
    "unreachable",
    "refused",
    "no_conversation",
    "refused_early",
    "lost",
    "closing",
    "silent",
    "protocol",
    "inconstant",
    "lacks",
    "loop",
    "storage",
];
