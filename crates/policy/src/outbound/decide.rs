//! Which signatures a message gets, and why.

use super::rule::{Action, Matching, Rule, Subject};
use super::store::{Answered, Question, StoreFault, StoreTemplate};
use super::table::RuleTable;
use super::template::{ChosenSignature, SignatureTemplate};
use dkim::{Kind, TagList};
use filter::{Envelope, Refusal};
use mail::{Author, AuthorError, Domain, Header, Mailbox, parse_mailboxes};
use std::fmt;
use std::ops::ControlFlow;
use thiserror::Error;

/// How many rules are explained one by one; of more, those that may fit the author's domain.
const MOST_EXPLAINED: usize = 100;

/// What becomes of a message as far as rules decide, and the way to it.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The author, or why there is none to sign for.
    pub author: Result<Mailbox, AuthorError>,
    /// The rules that were looked at, in their order, each with what came of it.
    pub steps: Vec<Step>,
    /// What comes of it.
    pub outcome: Outcome,
}

/// What came of one rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    /// The name of the rule.
    pub rule: String,
    /// Whether it fits.
    pub fits: bool,
    /// Why not, or what it does; to follow the name.
    pub words: String,
}

/// What the rules make of a message.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// These signatures; at least one.
    Sign(Vec<ChosenSignature>),
    /// None, for this reason.
    Leave(Unsigned),
    /// The client hears no, for this reason.
    Refuse(Refusal, String),
    /// That depends on what a store answers.
    Ask(Question),
    /// A store that had to be asked has no answer.
    Unanswered {
        /// The name of the rule that asks it, which is that of the store.
        rule: String,
        /// For which domain.
        domain: Domain,
        /// Why.
        fault: StoreFault,
    },
}

/// Why a message is not signed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Unsigned {
    /// There is no one author to sign for.
    #[error(transparent)]
    Author(#[from] AuthorError),
    /// No rule fits.
    #[error("no rule for {0}")]
    NoRule(Domain),
    /// No rule fits, and none of the stores that rules ask knows the domain.
    #[error("no keys of {domain} in {}", stores.join(", "))]
    Unknown {
        /// The names of the rules that ask them.
        stores: Vec<String>,
        /// The author's domain.
        domain: Domain,
    },
    /// A rule says so.
    #[error("{rule}: {reason}")]
    Rule {
        /// Its name.
        rule: String,
        /// Its reason.
        reason: String,
    },
    /// A rule wants the author to be somebody else as well.
    #[error("{rule}: {words}")]
    Disagreement {
        /// The name of the rule.
        rule: String,
        /// Who disagrees.
        words: String,
    },
    /// The message has all the signatures already that we would make.
    #[error("signed by us already")]
    SignedAlready,
}

impl Unsigned {
    /// The sort of reason, for counting.
    #[must_use]
    pub fn sort(&self) -> &'static str {
        match self {
            Self::Author(_) => "author",
            Self::NoRule(_) | Self::Unknown { .. } => "no_rule",
            Self::Rule { .. } => "rule",
            Self::Disagreement { .. } => "disagreement",
            Self::SignedAlready => "signed_already",
        }
    }
}

impl RuleTable {
    /// Walks the rules for a message aloud, without touching a key or a store.
    #[must_use]
    pub fn explain(&self, header: &Header, envelope: &Envelope) -> Explanation {
        self.explain_with(header, envelope, &Answered::default())
    }

    /// The same, with what stores have answered.
    pub(super) fn explain_with(
        &self,
        header: &Header,
        envelope: &Envelope,
        answered: &Answered,
    ) -> Explanation {
        let everything = self.rules().len() <= MOST_EXPLAINED;
        let rules = |domain: &Domain| {
            if everything {
                self.rules().iter().map(|rule| &**rule).collect()
            } else {
                self.candidates(domain)
            }
        };
        explain(self.matching(), rules, Walk::aloud(header, envelope, answered))
    }

    /// The same, with no more work than it takes.
    pub(super) fn decide(&self, header: &Header, envelope: &Envelope, answered: &Answered) -> Explanation {
        explain(self.matching(), |domain| self.candidates(domain), Walk::silent(header, envelope, answered))
    }
}

fn explain<'a>(
    matching: Matching,
    rules: impl FnOnce(&Domain) -> Vec<&'a Rule>,
    mut walk: Walk<'_>,
) -> Explanation {
    let author = match Author::of(walk.header) {
        Ok(author) => author,
        Err(error) => {
            return Explanation {
                author: Err(error),
                steps: Vec::new(),
                outcome: Outcome::Leave(error.into()),
            };
        }
    };
    let outcome = walk.rules(matching, rules(author.domain()), &author);
    Explanation { author: Ok(author.into_mailbox()), steps: walk.steps.unwrap_or_default(), outcome }
}

/// A message on its way past the rules.
struct Walk<'a> {
    header: &'a Header,
    envelope: &'a Envelope,
    answered: &'a Answered,
    /// What came of the rules so far, if anybody wants to know.
    steps: Option<Vec<Step>>,
    chosen: Vec<ChosenSignature>,
    /// The table of the last rule that fits.
    table: Option<u32>,
    /// Whether a signature was left out since the message has it already.
    repeated: bool,
    /// The rules whose stores do not know the domain.
    ignorant: Vec<String>,
}

impl<'a> Walk<'a> {
    fn aloud(header: &'a Header, envelope: &'a Envelope, answered: &'a Answered) -> Self {
        Self { steps: Some(Vec::new()), ..Self::silent(header, envelope, answered) }
    }

    fn silent(header: &'a Header, envelope: &'a Envelope, answered: &'a Answered) -> Self {
        Self {
            header,
            envelope,
            answered,
            steps: None,
            chosen: Vec::new(),
            table: None,
            repeated: false,
            ignorant: Vec::new(),
        }
    }

    fn rules(&mut self, matching: Matching, rules: Vec<&Rule>, author: &Author) -> Outcome {
        let subject = Subject::new(author, self.header, self.envelope);
        for rule in rules {
            if rule.table.is_some() && rule.table == self.table {
                continue;
            }
            if let Err(misfit) = rule.conditions.fit(&rule.action, &subject) {
                self.note(rule, false, || misfit.words(&rule.conditions, &subject));
                continue;
            }
            self.table = rule.table;
            match self.apply(rule, &subject) {
                ControlFlow::Break(outcome) => return outcome,
                ControlFlow::Continue(counts) if counts && matching == Matching::First => break,
                ControlFlow::Continue(_) => {}
            }
        }
        match std::mem::take(&mut self.chosen) {
            chosen if !chosen.is_empty() => Outcome::Sign(chosen),
            _ if self.repeated => Outcome::Leave(Unsigned::SignedAlready),
            _ if !self.ignorant.is_empty() => {
                let (stores, domain) = (std::mem::take(&mut self.ignorant), author.domain().clone());
                Outcome::Leave(Unsigned::Unknown { stores, domain })
            }
            _ => Outcome::Leave(Unsigned::NoRule(author.domain().clone())),
        }
    }

    /// Does what a rule that fits says. An outcome ends the walk; else it says whether the rule counts as one that
    /// fits.
    fn apply(&mut self, rule: &Rule, subject: &Subject<'_>) -> ControlFlow<Outcome, bool> {
        if let Some(agreement) = &rule.agreement
            && let Err(words) = agreement.hold(subject)
        {
            self.note(rule, true, || format!("fits, but {words}"));
            let unsigned = Unsigned::Disagreement { rule: rule.name.clone(), words };
            if agreement.refuse {
                return ControlFlow::Break(Outcome::Refuse(not_yours(), unsigned.to_string()));
            }
            return ControlFlow::Break(Outcome::Leave(unsigned));
        }
        match &rule.action {
            Action::Sign(templates) => {
                let domain = rule.conditions.matched_domain(subject.author);
                for template in self.of_rule(rule, templates, subject) {
                    self.choose(rule, template.choose(rule, &subject.author.domain, &domain));
                }
                ControlFlow::Continue(true)
            }
            Action::Ask(template) => self.ask(rule, template, &subject.author.domain),
            // What rules before it said stands.
            Action::Leave(_) if !self.chosen.is_empty() => {
                ControlFlow::Break(Outcome::Sign(std::mem::take(&mut self.chosen)))
            }
            Action::Leave(reason) => {
                self.note(rule, true, || format!("leaves it unsigned: {reason}"));
                let unsigned = Unsigned::Rule { rule: rule.name.clone(), reason: reason.clone() };
                ControlFlow::Break(Outcome::Leave(unsigned))
            }
            Action::Refuse(refusal) => {
                self.note(rule, true, || format!("refuses it: {}", refusal.text));
                ControlFlow::Break(Outcome::Refuse(refusal.clone(), rule.name.clone()))
            }
        }
    }

    /// The signatures of a rule, or the first alone for a recipient who takes no more.
    fn of_rule<'t>(
        &mut self,
        rule: &Rule,
        templates: &'t [SignatureTemplate],
        subject: &Subject<'_>,
    ) -> &'t [SignatureTemplate] {
        match (templates, subject.recipient(&rule.single_for)) {
            ([first, _, ..], Some(recipient)) => {
                self.note(rule, true, || format!("makes one signature only, for {recipient}"));
                std::slice::from_ref(first)
            }
            _ => templates,
        }
    }

    /// Chooses what a store has; the walk ends where its answer is not there yet.
    fn ask(&mut self, rule: &Rule, template: &StoreTemplate, author: &Domain) -> ControlFlow<Outcome, bool> {
        for domain in template.domains(author) {
            let question = Question { store: template.store, domain };
            let domain = &question.domain;
            match self.answered.to(&question) {
                None => {
                    self.note(rule, true, || format!("is asked for the keys of {domain}"));
                    return ControlFlow::Break(Outcome::Ask(question));
                }
                Some(Err(fault)) => {
                    let fault = fault.clone();
                    self.note(rule, true, || format!("does not tell the keys of {domain}: {fault}"));
                    let (rule, domain) = (rule.name.clone(), domain.clone());
                    return ControlFlow::Break(Outcome::Unanswered { rule, domain, fault });
                }
                Some(Ok(keys)) if keys.is_empty() => {
                    self.note(rule, false, || format!("has no keys of {domain}"));
                }
                Some(Ok(keys)) => {
                    for key in keys.iter() {
                        self.choose(rule, template.choose(rule, domain, key));
                    }
                    return ControlFlow::Continue(true);
                }
            }
        }
        self.ignorant.push(rule.name.clone());
        ControlFlow::Continue(false)
    }

    fn choose(&mut self, rule: &Rule, chosen: ChosenSignature) {
        if chosen.kind == Kind::Dkim && !chosen.domain.as_str().contains('.') {
            // RFC 6376 §3.5: "domain-name     = sub-domain 1*("." sub-domain)"
            self.note(rule, true, || format!("does not sign with {chosen}: d= needs two labels"));
        } else if self.chosen.iter().any(|other| other.is_same_as(&chosen)) {
            self.note(rule, true, || format!("signs with {chosen}, as a rule before it does"));
        } else if chosen.kind == Kind::DomainKeys && is_sent_by_another(self.header, &chosen.domain) {
            self.note(rule, true, || format!("does not sign with {chosen}: Sender is of another domain"));
        } else if !rule.sign_again && is_there_already(self.header, &chosen) {
            self.repeated = true;
            self.note(rule, true, || format!("signs with {chosen}, which is there already"));
        } else {
            self.note(rule, true, || format!("signs with {chosen}"));
            self.chosen.push(chosen);
        }
    }

    fn note(&mut self, rule: &Rule, fits: bool, words: impl FnOnce() -> String) {
        if let Some(steps) = &mut self.steps {
            steps.push(Step { rule: rule.name.clone(), fits, words: words() });
        }
    }
}

/// RFC 4870 §3.4.1 has the Sender field, where there is one, decide who may sign.
fn is_sent_by_another(header: &Header, domain: &Domain) -> bool {
    let is_within = |sender: &Mailbox| sender.domain.is_within(domain);
    let theirs =
        |value: &[u8]| !parse_mailboxes(value).is_ok_and(|senders| senders.first().is_some_and(is_within));
    header.named("Sender").any(|(_, field)| theirs(field.value()))
}

/// Whether the message has come by before. A signature is known by its key, which domain and selector name.
fn is_there_already(header: &Header, chosen: &ChosenSignature) -> bool {
    let name = match chosen.kind {
        Kind::Dkim => "DKIM-Signature",
        Kind::DomainKeys => "DomainKey-Signature",
    };
    header.named(name).any(|(_, field)| {
        let tags = TagList::salvage(field.value());
        let names =
            |tag, own: &Domain| tags.value(tag).is_some_and(|text| Domain::parse(text).as_ref() == Ok(own));
        names("d", &chosen.domain) && names("s", &chosen.selector)
    })
}

/// The code of a policy decision (RFC 3463 §3.8, X.7.1), in words that name no rule.
fn not_yours() -> Refusal {
    Refusal { code: 550, enhanced: "5.7.1", text: "Not authorized to send as this author".to_owned() }
}

impl fmt::Display for Explanation {
    /// One line for the author, one for each rule, and the outcome.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.author {
            Ok(author) => writeln!(f, "author: {author}")?,
            Err(error) => writeln!(f, "author: {error}")?,
        }
        for Step { rule, words, .. } in &self.steps {
            writeln!(f, "{rule} {words}")?;
        }
        write!(f, "{}", self.outcome)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sign(chosen) => {
                let chosen: Vec<String> = chosen.iter().map(ToString::to_string).collect();
                write!(f, "signed: {}", chosen.join(", "))
            }
            Self::Leave(reason) => write!(f, "unsigned: {reason}"),
            Self::Refuse(refusal, reason) => {
                write!(f, "refused: {} {} {} ({reason})", refusal.code, refusal.enhanced, refusal.text)
            }
            Self::Ask(Question { domain, .. }) => write!(f, "depends on what a store has for {domain}"),
            Self::Unanswered { rule, domain, fault } => {
                write!(f, "not signed: {rule} does not tell the keys of {domain}: {fault}")
            }
        }
    }
}
