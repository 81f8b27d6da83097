//! The outbound engine: signs what goes out.
//!
//! Rules say which author's mail gets which signatures. The author is the one of the one From field; without one
//! that every reader reads alike nothing is signed, and the log says why. [`RuleTable::explain`] walks the rules
//! aloud and touches no key; the engine walks the same way.
//!
//! `pattern`, `agreement` and `rule` are what rules are made of, `received` reads who logged in, `table` finds those for a domain, `decide` walks them, `cover`
//! finds those that never fit, `template` is what signatures look like, `keys` where private keys come from,
//! `publication` who knows whether their records are there, `verdict` what comes of it all.

mod agreement;
mod completion;
mod cover;
mod decide;
mod keys;
mod pattern;
mod publication;
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
pub use publication::{Awaited, Publications, Standing};
pub use rule::{Action, Attribute, Conditions, Matching, RecipientPatterns, ReversePathPattern, Rule};
pub use table::RuleTable;
pub use template::{
    ChosenSignature, DkimStyle, Identity, KeyChoice, SignatureTemplate, SigningDomain, Style,
};

pub use verdict::OUTCOMES;

use crate::Clock;
use completion::Completed;
use dkim::{PrivateKey, Signing};
use filter::{Appetite, Decision, Envelope, Filter, Pass};
use mail::{Header, Mailbox};
use std::sync::Arc;
use verdict::{Course, Fault, Making, Omitted, Refused};

/// What an outbound listener does.
#[derive(Debug, Default)]
pub struct OutboundSettings {
    /// Whose mail gets which signatures.
    pub rules: RuleTable,
    /// What is done if a signature cannot be made.
    pub on_fault: FaultMeasures,
}

/// What is done if a signature cannot be made, by what is wrong.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FaultMeasures {
    /// The key does not exist.
    pub missing: OnFault,
    /// The key cannot be read, must not be used, is of another type than the algorithm, or does not sign.
    pub unreadable: OnFault,
    /// No signature is left, since the records of all the keys are not published. Only where [`Publications`] say so.
    pub unpublished: OnFault,
}

impl From<OnFault> for FaultMeasures {
    fn from(all: OnFault) -> Self {
        Self { missing: all, unreadable: all, unpublished: all }
    }
}

/// What is done if a signature that a rule asks for cannot be made.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OnFault {
    /// The client hears 451 and keeps the message. Mail that is silently unsigned is the greater harm: receivers
    /// reject it for DMARC, and nobody on our side learns of it.
    #[default]
    Defer,
    /// The message goes through without the signature. Not if the key store or the DNS is out of reach: then the
    /// client hears 451 anyway.
    Leave,
}

/// The engine of an outbound listener.
pub struct Outbound {
    shared: Arc<Shared>,
    completion: Option<Arc<Completion>>,
    publications: Option<Arc<dyn Publications>>,
}

struct Shared {
    settings: OutboundSettings,
    keys: Box<dyn KeyStore>,
    clock: Arc<dyn Clock>,
}

/// What is known of the records of the signatures that are being made, in their order; nothing if nobody asks.
pub type Standings = Vec<Standing>;

impl Outbound {
    /// An engine that takes its private keys from `keys`.
    #[must_use]
    pub fn new(settings: OutboundSettings, keys: impl KeyStore, clock: Arc<dyn Clock>) -> Self {
        let shared = Arc::new(Shared { settings, keys: Box::new(keys), clock });
        Self { shared, completion: None, publications: None }
    }

    /// Looks after fields that a message should have and does not.
    #[must_use]
    pub fn completing(self, completion: Completion) -> Self {
        Self { completion: Some(Arc::new(completion)), ..self }
    }

    /// Makes no signature whose record is known not to be published.
    #[must_use]
    pub fn asking(self, publications: Arc<dyn Publications>) -> Self {
        Self { publications: Some(publications), ..self }
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
            publications: self.publications.clone(),
            completed: Completed::default(),
            envelope,
            author: None,
            course: Course::Unread,
            awaited: Vec::new(),
        }
    }
}

/// One message on its way through the outbound engine.
pub struct OutboundPass {
    shared: Arc<Shared>,
    completion: Option<Arc<Completion>>,
    publications: Option<Arc<dyn Publications>>,
    completed: Completed,
    envelope: Arc<Envelope>,
    author: Option<Mailbox>,
    course: Course,
    /// What the records of the signatures stand like, in the order of the signatures.
    awaited: Vec<Awaited>,
}

impl Pass for OutboundPass {
    type Answers = Standings;

    fn header(&mut self, header: &Header) -> impl Future<Output = Standings> + Send + use<> {
        let Explanation { author, outcome, .. } = self.shared.settings.rules.decide(header, &self.envelope);
        self.course = match (outcome, &author) {
            (Outcome::Sign(chosen), Ok(author)) => self.begin(header, author, chosen),
            // Without an author nothing is ever chosen.
            (Outcome::Sign(_), Err(error)) => Course::Leave((*error).into()),
            (Outcome::Leave(reason), _) => Course::Leave(reason),
            (Outcome::Refuse(refusal, reason), _) => {
                Course::Refuse(Refused { refusal, sort: "rule", reason })
            }
        };
        self.author = author.ok();
        let awaited = std::mem::take(&mut self.awaited);
        async move {
            let mut standings = Standings::with_capacity(awaited.len());
            for standing in awaited {
                standings.push(standing.await);
            }
            standings
        }
    }

    fn body(&mut self, chunk: &[u8]) -> Appetite {
        match &mut self.course {
            Course::Sign(making) => match making.signing.body(chunk) {
                dkim::Appetite::Hungry => Appetite::Hungry,
                dkim::Appetite::Sated => Appetite::Sated,
            },
            _ => Appetite::Sated,
        }
    }

    fn finish(self, standings: Standings) -> Decision {
        let mut decision = self.course.end(self.shared.settings.on_fault, self.author, standings);
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
                Err((refusal, reason)) => {
                    return Course::Refuse(Refused { refusal, sort: "incomplete", reason });
                }
            }
        }
        let header = self.completed.header(header);
        self.make(&header, author, chosen)
    }

    /// Begins to make the signatures whose keys are there.
    fn make(&mut self, header: &Header, author: &Mailbox, all: Vec<ChosenSignature>) -> Course {
        let Shared { settings, clock, .. } = &*self.shared;
        let now = clock.now();
        let (mut chosen, mut requests, mut omitted) = (Vec::new(), Vec::new(), Vec::new());
        for signature in all {
            match self.shared.key(&signature) {
                Ok(key) => {
                    let ask = |publications: &Arc<dyn Publications>| {
                        publications.standing(&signature, &key.public_key())
                    };
                    self.awaited.extend(self.publications.as_ref().map(ask));
                    requests.push(signature.request(key, author, now));
                    chosen.push(signature);
                }
                Err(fault) => omitted.push(Omitted { chosen: signature, fault }),
            }
        }
        let is_deferring = |omitted: &Omitted| omitted.fault.measure(settings.on_fault) == OnFault::Defer;
        if chosen.is_empty() || omitted.iter().any(is_deferring) {
            self.awaited.clear();
            return Course::Fault(omitted);
        }
        match Signing::begin(header, requests) {
            Ok(signing) => Course::Sign(Box::new(Making { signing, chosen, omitted })),
            Err(error) => {
                self.awaited.clear();
                Course::Fault(verdict::none_of(chosen, &error))
            }
        }
    }
}

impl Shared {
    /// The key of a signature, if it is one for it.
    fn key(&self, signature: &ChosenSignature) -> Result<Arc<dyn PrivateKey>, Fault> {
        let key = self.keys.key(&signature.key)?;
        if signature.accepts(&*key) { Ok(key) } else { Err(Fault::KeyKind(signature.key.clone())) }
    }
}

#[cfg(test)]
mod tests;
