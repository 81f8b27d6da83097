//! The outbound engine: signs what goes out.
//!
//! Rules say which author's mail gets which signatures. The author is the one of the one From field; without one
//! that every reader reads alike nothing is signed, and the log says why. [`RuleTable::explain`] walks the rules
//! aloud and touches no key; the engine walks the same way.
//!
//! `pattern`, `agreement` and `rule` are what rules are made of, `received` reads who logged in, `table` finds those for a domain, `decide` walks them, `cover`
//! finds those that never fit, `template` is what signatures look like, `keys` where private keys come from,
//! `verdict` what comes of it all.

mod agreement;
mod completion;
mod cover;
mod decide;
mod keys;
mod pattern;
mod received;
mod rule;
mod table;
mod template;
mod verdict;

pub use agreement::{Agreement, Extent, Witness};
pub use completion::Completion;
pub use decide::{Explanation, Outcome, Step, Unsigned};
pub use keys::{KeyCache, KeyFault, KeyName, KeyStore};
pub use pattern::{AddressPattern, Glob};
pub use rule::{Action, Attribute, Conditions, Matching, RecipientPatterns, ReversePathPattern, Rule};
pub use table::RuleTable;
pub use template::{
    ChosenSignature, DkimStyle, Identity, KeyChoice, SignatureTemplate, SigningDomain, Style,
};

use crate::Clock;
use completion::Completed;
use dkim::Signing;
use filter::{Appetite, Decision, Envelope, Filter, Pass};
use mail::{Header, Mailbox};
use std::sync::Arc;
use verdict::{Course, Fault};

/// What an outbound listener does.
#[derive(Debug, Default)]
pub struct OutboundSettings {
    /// Whose mail gets which signatures.
    pub rules: RuleTable,
    /// What is done if a signature cannot be made.
    pub on_fault: OnFault,
}

/// What is done if a signature that a rule asks for cannot be made.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OnFault {
    /// The client hears 451 and keeps the message. Mail that is silently unsigned is the greater harm: receivers
    /// reject it for DMARC, and nobody on our side learns of it.
    #[default]
    Defer,
    /// The message goes through unsigned. Not if the key store is out of reach: then the client hears 451 anyway.
    Leave,
}

/// The engine of an outbound listener.
pub struct Outbound {
    shared: Arc<Shared>,
    completion: Option<Arc<Completion>>,
}

struct Shared {
    settings: OutboundSettings,
    keys: Box<dyn KeyStore>,
    clock: Arc<dyn Clock>,
}

impl Outbound {
    /// An engine that takes its private keys from `keys`.
    #[must_use]
    pub fn new(settings: OutboundSettings, keys: impl KeyStore, clock: Arc<dyn Clock>) -> Self {
        Self { shared: Arc::new(Shared { settings, keys: Box::new(keys), clock }), completion: None }
    }

    /// Looks after fields that a message should have and does not.
    #[must_use]
    pub fn completing(self, completion: Completion) -> Self {
        Self { completion: Some(Arc::new(completion)), ..self }
    }

    /// Why a message would be signed with what, or not at all.
    #[must_use]
    pub fn explain(&self, header: &Header, envelope: &Envelope) -> Explanation {
        self.shared.settings.rules.explain(header, envelope)
    }
}

impl Filter for Outbound {
    type Pass = OutboundPass;

    fn open(&self, envelope: Arc<Envelope>) -> OutboundPass {
        OutboundPass {
            shared: Arc::clone(&self.shared),
            completion: self.completion.clone(),
            completed: Completed::default(),
            envelope,
            author: None,
            course: Course::Unread,
        }
    }
}

/// One message on its way through the outbound engine.
pub struct OutboundPass {
    shared: Arc<Shared>,
    completion: Option<Arc<Completion>>,
    completed: Completed,
    envelope: Arc<Envelope>,
    author: Option<Mailbox>,
    course: Course,
}

impl Pass for OutboundPass {
    type Answers = ();

    fn header(&mut self, header: &Header) -> impl Future<Output = ()> + Send + use<> {
        let Explanation { author, outcome, .. } = self.shared.settings.rules.decide(header, &self.envelope);
        self.course = match (outcome, &author) {
            (Outcome::Sign(chosen), Ok(author)) => self.begin(header, author, chosen),
            // Without an author nothing is ever chosen.
            (Outcome::Sign(_), Err(error)) => Course::Leave((*error).into()),
            (Outcome::Leave(reason), _) => Course::Leave(reason),
            (Outcome::Refuse(refusal, reason), _) => Course::Refuse(refusal, reason),
        };
        self.author = author.ok();
        std::future::ready(())
    }

    fn body(&mut self, chunk: &[u8]) -> Appetite {
        match &mut self.course {
            Course::Sign(signing, _) => match signing.body(chunk) {
                dkim::Appetite::Hungry => Appetite::Hungry,
                dkim::Appetite::Sated => Appetite::Sated,
            },
            _ => Appetite::Sated,
        }
    }

    fn finish(self, (): ()) -> Decision {
        let mut decision = self.course.end(self.shared.settings.on_fault, self.author);
        self.completed.add_to(&mut decision);
        decision
    }
}

impl OutboundPass {
    /// Begins to sign the message, with the fields that it did not have.
    fn begin(&mut self, header: &Header, author: &Mailbox, chosen: Vec<ChosenSignature>) -> Course {
        if let Some(completion) = &self.completion {
            match completion.complete(header, author, self.shared.clock.now()) {
                Ok(completed) => self.completed = completed,
                Err((refusal, reason)) => return Course::Refuse(refusal, reason),
            }
        }
        let header = self.completed.header(header);
        self.shared.begin(&header, author, chosen)
    }
}

impl Shared {
    fn begin(&self, header: &Header, author: &Mailbox, chosen: Vec<ChosenSignature>) -> Course {
        let now = self.clock.now();
        let request = |chosen: &ChosenSignature| {
            let key = self.keys.key(&chosen.key)?;
            if !chosen.accepts(&*key) {
                return Err(Fault::KeyKind(chosen.key.clone()));
            }
            Ok(chosen.request(key, author, now))
        };
        let requests: Result<Vec<_>, Fault> = chosen.iter().map(request).collect();
        match requests.and_then(|requests| Signing::begin(header, requests).map_err(Fault::Sign)) {
            Ok(signing) => Course::Sign(Box::new(signing), chosen),
            Err(fault) => Course::Fault(fault, chosen),
        }
    }
}

#[cfg(test)]
mod tests;
