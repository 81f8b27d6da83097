//! What can go wrong with the next hop, and what the client hears of it.

use smtp::client::{ConversationFault, Stage};
use smtp::extension::Extension;
use smtp::reply::Reply;
use std::io;
use thiserror::Error;

/// The next hop did not do its part.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    /// It cannot be reached.
    #[error("no connection to {target}")]
    Unreachable {
        target: String,
        #[source]
        source: io::Error,
    },
    /// It answered the connection or EHLO with a refusal.
    #[error("refused to talk: {0}")]
    Refused(Reply),
    /// It was reached, but did not get as far as an answer to EHLO.
    #[error("no conversation")]
    NoStart(#[source] Box<Fault>),
    /// It refused the content before it had all of it.
    #[error("refused early: {0}")]
    Early(Reply),
    /// It closed the connection, or the connection broke.
    #[error("lost while {0:?} was awaited")]
    Lost(Option<Stage>, #[source] io::Error),
    /// It said 421.
    #[error("closing: {0}")]
    Closing(Reply),
    /// It did not answer in time.
    #[error("silent while {0:?} was awaited")]
    Silent(Option<Stage>),
    /// What it said is no answer.
    #[error("broke the protocol")]
    Protocol(#[from] ConversationFault),
    /// It refuses for a repeated envelope what it took before, or keeps what was told of another client.
    #[error("takes back what it said: {0}")]
    Inconstant(Reply),
    /// The client was offered an extension, when it was not known or otherwise, that the next hop does not take.
    #[error("does not offer {}", .0.keyword())]
    Lacks(Extension),
    /// It is ourselves.
    #[error("{0} is our own address")]
    Loop(String),
    /// A body that was stored could not be read back.
    #[error("cannot read the stored body")]
    Store(#[source] io::Error),
}

impl Fault {
    /// Whether the connection may have died of its age, or lost step with an earlier message, so that another one
    /// may do better.
    pub(crate) const fn is_death(&self) -> bool {
        matches!(self, Self::Lost(..) | Self::Closing(_) | Self::Inconstant(_) | Self::Protocol(_))
    }

    /// What the client hears. `committed` says that the content was sent to its end.
    pub(crate) fn to_client(&self, committed: bool) -> Reply {
        const IN_DOUBT: Reply =
            Reply::fixed(b"451 4.4.2 No answer from the next hop, which may have the message\r\n");
        const DOWN: Reply = Reply::fixed(b"451 4.4.1 The next hop is not available\r\n");
        const LOST: Reply = Reply::fixed(b"451 4.4.2 Lost the next hop\r\n");
        match self {
            Self::Closing(reply) => reply.recoded(451),
            Self::Early(reply) => reply.clone(),
            Self::Unreachable { .. } | Self::Refused(_) | Self::NoStart(_) => DOWN,
            _ if committed => IN_DOUBT,
            Self::Lost(..) | Self::Silent(_) => LOST,
            Self::Protocol(_) | Self::Inconstant(_) => {
                Reply::fixed(b"451 4.5.0 The next hop cannot be understood\r\n")
            }
            // With the next EHLO it is not offered.
            Self::Lacks(_) => {
                Reply::fixed(b"451 4.3.3 The next hop does not take that; begin a new session\r\n")
            }
            Self::Loop(_) => Reply::fixed(b"554 5.4.6 Mail loops back to this host\r\n"),
            Self::Store(_) => Reply::fixed(b"451 4.3.1 Local storage failed\r\n"),
        }
    }

    /// The word for it, for counting.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Refused(_) => "refused",
            Self::NoStart(_) => "no_conversation",
            Self::Early(_) => "refused_early",
            Self::Lost(..) => "lost",
            Self::Closing(_) => "closing",
            Self::Silent(_) => "silent",
            Self::Protocol(_) => "protocol",
            Self::Inconstant(_) => "inconstant",
            Self::Lacks(_) => "lacks",
            Self::Loop(_) => "loop",
            Self::Store(_) => "storage",
        }
    }

    /// The fault and its cause, for the log.
    pub(crate) fn explain(&self) -> String {
        match std::error::Error::source(self) {
            Some(source) => format!("{self}: {source}"),
            None => self.to_string(),
        }
    }
}
