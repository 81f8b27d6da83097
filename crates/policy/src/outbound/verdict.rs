//! What becomes of a message, and what the log says of it.

use super::OnFault;
use super::decide::Unsigned;
use super::keys::{KeyFault, KeyName};
use super::template::ChosenSignature;
use dkim::{SignError, Signing};
use filter::{Account, Decision, Edits, Refusal, Verdict};
use mail::Mailbox;
use thiserror::Error;

/// What is being done with a message.
pub(super) enum Course {
    /// Its header has not come yet.
    Unread,
    /// These signatures are being made.
    Sign(Box<Signing>, Vec<ChosenSignature>),
    /// It goes through as it is.
    Leave(Unsigned),
    /// The client hears no, for the reason in the log.
    Refuse(Refusal, String),
    /// These signatures should have been made.
    Fault(Fault, Vec<ChosenSignature>),
}

/// Why a signature cannot be made.
#[derive(Debug, Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Key(#[from] KeyFault),
    #[error("key {0} is of another type than the algorithm")]
    KeyKind(KeyName),
    #[error(transparent)]
    Sign(SignError),
}

impl Course {
    pub(super) fn end(self, on_fault: OnFault, author: Option<Mailbox>) -> Decision {
        let (verdict, action, detail) = match self {
            Self::Unread => (unchanged(), "unsigned", "no header".to_owned()),
            Self::Leave(reason) => (unchanged(), "unsigned", reason.to_string()),
            Self::Refuse(refusal, reason) => (Verdict::Refuse(refusal), "refused", reason),
            Self::Fault(fault, chosen) => faulty(&fault, &chosen, on_fault),
            Self::Sign(signing, chosen) => match signing.finish() {
                Ok(fields) => {
                    let edits = Edits { remove: Vec::new(), prepend: fields };
                    (Verdict::Forward(edits), "signed", list(&chosen))
                }
                Err(error) => faulty(&Fault::Sign(error), &chosen, on_fault),
            },
        };
        let author = author.map(|author| author.to_string());
        Decision { verdict, account: Account { author, action, detail } }
    }
}

fn faulty(fault: &Fault, chosen: &[ChosenSignature], on_fault: OnFault) -> (Verdict, &'static str, String) {
    let detail = format!("{}: {fault}", list(chosen));
    // A store that is out of reach comes back; a message that went out unsigned does not.
    let is_passing = matches!(fault, Fault::Key(KeyFault::Unavailable(..)));
    match on_fault {
        OnFault::Leave if !is_passing => (unchanged(), "unsigned", detail),
        OnFault::Leave | OnFault::Defer => (Verdict::Refuse(not_now()), "deferred", detail),
    }
}

/// The code of a server that is not set up as it should be (RFC 3463 §3.4, X.3.5); the log says in what.
fn not_now() -> Refusal {
    Refusal { code: 451, enhanced: "4.3.5", text: "Message cannot be signed now, try again later".to_owned() }
}

fn unchanged() -> Verdict {
    Verdict::Forward(Edits::default())
}

/// The signatures, with the rules that chose them.
fn list(chosen: &[ChosenSignature]) -> String {
    let words: Vec<String> = chosen.iter().map(|chosen| format!("{chosen} ({})", chosen.rule)).collect();
    words.join(", ")
}
