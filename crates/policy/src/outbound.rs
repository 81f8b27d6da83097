//! The outbound engine: signs what goes out.
//!
//! Rules say which author's mail gets which signatures. The author is the one of the one From field; without one
//! that every reader reads alike nothing is signed, and the log says why. [`RuleTable::explain`] walks the rules
//! aloud and touches no key; the engine walks the same way.
//!
//! `pattern`, `agreement` and `rule` are what rules are made of, `received` reads who logged in, `table` finds those for
//! a domain, `decide` walks them, `cover` finds those that never fit, `template` is what signatures look like, `keys`
//! where private keys come from, `store` where they have to be waited for, `publication` who
//! knows whether their records are there, `verdict` what comes of it all.

mod agreement;
mod completion;
mod cover;
mod decide;
mod keys;
mod pattern;
mod publication;
mod received;
mod recent;
mod rule;
mod store;
mod table;
mod template;
mod verdict;

pub use agreement::{Agreement, Extent, Witness};
pub use completion::Completion;
pub use decide::{Explanation, Outcome, Step, Unsigned};
pub use keys::{KeyCache, KeyFault, KeyName, KeyStore};
pub use pattern::{AddressPattern, Glob};
pub use publication::{Awaited, Publications, Standing};
pub use recent::Recent;
pub use rule::{Action, Attribute, Conditions, Matching, RecipientPatterns, ReversePathPattern, Rule};
pub use store::{DomainStore, Question, StoreAnswer, StoreFault, StoreFuture, StoreTemplate, StoredKey};
pub use table::RuleTable;
pub use template::{
    ChosenKey, ChosenSignature, DkimStyle, Identity, KeyChoice, SignatureTemplate, SigningDomain, Style,
};

pub use verdict::OUTCOMES;

use crate::Clock;
use completion::Completed;
use dkim::{Prehash, PrivateKey, Signing};
use filter::{Appetite, Decision, Envelope, Filter, Pass};
use mail::{Header, Mailbox};
use std::sync::Arc;
use store::Answered;
use verdict::{Course, Fault, Making, Omitted, Refused, Unanswered};

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
    stores: Arc<[Arc<dyn DomainStore>]>,
    completion: Option<Arc<Completion>>,
    publications: Option<Arc<dyn Publications>>,
}

struct Shared {
    settings: OutboundSettings,
    keys: Box<dyn KeyStore>,
    clock: Arc<dyn Clock>,
}

/// What a message has waited for.
pub struct Answers {
    /// The header, and what becomes of it now that stores have answered; nothing where none had to be asked.
    decided: Option<(Header, Explanation)>,
    /// What is known of the records of the signatures that are being made, in their order; nothing if nobody asks.
    standings: Vec<Standing>,
}

impl Outbound {
    /// An engine that takes its private keys from `keys`.
    #[must_use]
    pub fn new(settings: OutboundSettings, keys: impl KeyStore, clock: Arc<dyn Clock>) -> Self {
        let shared = Arc::new(Shared { settings, keys: Box::new(keys), clock });
        Self { shared, stores: Arc::new([]), completion: None, publications: None }
    }

    /// Asks these stores where a rule says so, which calls them by their number here.
    #[must_use]
    pub fn with_stores(self, stores: Vec<Arc<dyn DomainStore>>) -> Self {
        Self { stores: stores.into(), ..self }
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

    /// The same, after asking the stores that decide about it.
    pub async fn explain_asking(&self, header: &Header, envelope: &Envelope) -> Explanation {
        let rules = &self.shared.settings.rules;
        inquire(&self.stores, |answered| rules.explain_with(header, envelope, answered)).await
    }
}

/// Walks the rules, and asks the store whose answer is missing, until none is.
async fn inquire(stores: &[Arc<dyn DomainStore>], walk: impl Fn(&Answered) -> Explanation) -> Explanation {
    let mut answered = Answered::default();
    loop {
        let explanation = walk(&answered);
        let Outcome::Ask(question) = &explanation.outcome else { return explanation };
        let answer = match stores.get(question.store) {
            Some(store) => store.keys(&question.domain).await,
            None => Err(StoreFault::Unavailable("there is no such store".into())),
        };
        answered.add(question.clone(), answer);
    }
}

impl Filter for Outbound {
    type Pass = OutboundPass;

    fn open(&self, envelope: Arc<Envelope>) -> OutboundPass {
        OutboundPass {
            shared: Arc::clone(&self.shared),
            stores: Arc::clone(&self.stores),
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
    stores: Arc<[Arc<dyn DomainStore>]>,
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
    type Answers = Answers;

    fn header(&mut self, header: &Header) -> impl Future<Output = Answers> + Send + use<> {
        let explanation = self.shared.settings.rules.decide(header, &self.envelope, &Answered::default());
        let asks = matches!(explanation.outcome, Outcome::Ask(_));
        self.course = if asks {
            Course::Ask(Box::new(self.shared.expected(&explanation)))
        } else {
            self.decided(header, explanation, None)
        };
        let asking = asks.then(|| (header.clone(), Arc::clone(&self.envelope)));
        let (shared, stores) = (Arc::clone(&self.shared), Arc::clone(&self.stores));
        let publications = self.publications.clone();
        let mut awaited = std::mem::take(&mut self.awaited);
        async move {
            let mut decided = None;
            if let Some((header, envelope)) = asking {
                let rules = &shared.settings.rules;
                let explanation =
                    inquire(&stores, |answered| rules.decide(&header, &envelope, answered)).await;
                awaited = shared.standings(&explanation.outcome, publications.as_deref());
                decided = Some((header, explanation));
            }
            let mut standings = Vec::with_capacity(awaited.len());
            for standing in awaited {
                standings.push(standing.await);
            }
            Answers { decided, standings }
        }
    }

    fn body(&mut self, chunk: &[u8]) -> Appetite {
        let appetite = match &mut self.course {
            Course::Sign(making) => making.signing.body(chunk),
            Course::Ask(body) => body.body(chunk),
            _ => return Appetite::Sated,
        };
        match appetite {
            dkim::Appetite::Hungry => Appetite::Hungry,
            dkim::Appetite::Sated => Appetite::Sated,
        }
    }

    fn finish(mut self, Answers { decided, standings }: Answers) -> Decision {
        let course = match (std::mem::replace(&mut self.course, Course::Unread), decided) {
            (Course::Ask(body), Some((header, explanation))) => {
                self.decided(&header, explanation, Some(*body))
            }
            (course, _) => course,
        };
        let mut decision = course.end(self.shared.settings.on_fault, self.author, standings);
        self.completed.add_to(&mut decision);
        decision
    }
}

impl OutboundPass {
    /// Sets out on what the rules say. The body may have come before.
    fn decided(&mut self, header: &Header, explanation: Explanation, body: Option<Prehash>) -> Course {
        let Explanation { author, outcome, .. } = explanation;
        let course = match (outcome, &author) {
            (Outcome::Sign(chosen), Ok(author)) => self.begin(header, author, chosen, body),
            // Without an author nothing is ever chosen.
            (Outcome::Sign(_), Err(error)) => Course::Leave((*error).into()),
            (Outcome::Leave(reason), _) => Course::Leave(reason),
            (Outcome::Refuse(refusal, reason), _) => {
                Course::Refuse(Refused { refusal, sort: "rule", reason })
            }
            (Outcome::Unanswered { rule, domain, fault }, _) => {
                Course::Unanswered(Unanswered { rule, domain, fault })
            }
            (Outcome::Ask(_), _) => unreachable!("whoever asks waits for the answer"),
        };
        self.author = author.ok();
        course
    }

    /// Begins to sign the message, with the fields that it did not have.
    fn begin(
        &mut self,
        header: &Header,
        author: &Mailbox,
        chosen: Vec<ChosenSignature>,
        body: Option<Prehash>,
    ) -> Course {
        if let Some(completion) = &self.completion {
            match completion.complete(header, author, self.shared.clock.now()) {
                Ok(completed) => self.completed = completed,
                Err((refusal, reason)) => {
                    return Course::Refuse(Refused { refusal, sort: "incomplete", reason });
                }
            }
        }
        let header = self.completed.header(header);
        self.make(&header, author, chosen, body)
    }

    /// Begins to make the signatures whose keys are there.
    fn make(
        &mut self,
        header: &Header,
        author: &Mailbox,
        all: Vec<ChosenSignature>,
        body: Option<Prehash>,
    ) -> Course {
        // Where stores were asked, what stands of the records has been asked with them.
        let publications = self.publications.as_deref().filter(|_| body.is_none());
        let Shared { settings, clock, .. } = &*self.shared;
        let now = clock.now();
        let (mut chosen, mut requests, mut omitted) = (Vec::new(), Vec::new(), Vec::new());
        for signature in all {
            match self.shared.key(&signature) {
                Ok(key) => {
                    let ask = |known: &dyn Publications| known.standing(&signature, &key.public_key());
                    self.awaited.extend(publications.map(ask));
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
        let signing = match body {
            None => Signing::begin(header, requests),
            Some(body) => Signing::begin_late(header, requests, body),
        };
        match signing {
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
        let key = match &signature.key {
            ChosenKey::Named(name) => self.keys.key(name)?,
            ChosenKey::Stored(key) => Arc::clone(key),
        };
        if signature.accepts(&*key) { Ok(key) } else { Err(Fault::KeyKind(signature.key_name())) }
    }

    /// What stands of the records of these signatures, in the order in which they are made.
    fn standings(&self, outcome: &Outcome, publications: Option<&dyn Publications>) -> Vec<Awaited> {
        let (Outcome::Sign(chosen), Some(publications)) = (outcome, publications) else { return Vec::new() };
        let standing = |signature: &ChosenSignature| {
            let key = self.key(signature).ok()?;
            Some(publications.standing(signature, &key.public_key()))
        };
        chosen.iter().filter_map(standing).collect()
    }

    /// The hashes of the body that any rule for this author may ask for.
    fn expected(&self, explanation: &Explanation) -> Prehash {
        let mut body = Prehash::default();
        let rules =
            explanation.author.iter().flat_map(|author| self.settings.rules.candidates(&author.domain));
        for canonicalization in rules.flat_map(|rule| rule.action.canonicalizations()) {
            body.expect(canonicalization);
        }
        body
    }
}

#[cfg(test)]
mod tests;
