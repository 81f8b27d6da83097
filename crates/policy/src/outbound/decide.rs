//! Which signatures a message gets, and why.

use super::rule::{Action, Matching, Rule, Subject};
use super::table::RuleTable;
use super::template::{ChosenSignature, SignatureTemplate};
use dkim::{Kind, TagList};
use filter::{Envelope, Refusal};
use mail::{Author, AuthorError, Domain, Header, Mailbox, parse_mailboxes};
use std::fmt;
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
            Self::NoRule(_) => "no_rule",
            Self::Rule { .. } => "rule",
            Self::Disagreement { .. } => "disagreement",
            Self::SignedAlready => "signed_already",
        }
    }
}

impl RuleTable {
    /// Walks the rules for a message aloud, without touching a key.
    #[must_use]
    pub fn explain(&self, header: &Header, envelope: &Envelope) -> Explanation {
        let everything = self.rules().len() <= MOST_EXPLAINED;
        let rules = |domain: &Domain| {
            if everything { self.rules().iter().collect() } else { self.candidates(domain) }
        };
        explain(self.matching(), rules, Walk::aloud(header, envelope))
    }

    /// The same, with no more work than it takes.
    pub(super) fn decide(&self, header: &Header, envelope: &Envelope) -> Explanation {
        explain(self.matching(), |domain| self.candidates(domain), Walk::silent(header, envelope))
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
    Explanation { author: Ok(author.mailbox().clone()), steps: walk.steps.unwrap_or_default(), outcome }
}

/// A message on its way past the rules.
struct Walk<'a> {
    header: &'a Header,
    envelope: &'a Envelope,
    /// What came of the rules so far, if anybody wants to know.
    steps: Option<Vec<Step>>,
    chosen: Vec<ChosenSignature>,
    /// The table of the last rule that fits.
    table: Option<u32>,
    /// Whether a signature was left out since the message has it already.
    repeated: bool,
}

impl<'a> Walk<'a> {
    fn aloud(header: &'a Header, envelope: &'a Envelope) -> Self {
        Self { steps: Some(Vec::new()), ..Self::silent(header, envelope) }
    }

    fn silent(header: &'a Header, envelope: &'a Envelope) -> Self {
        Self { header, envelope, steps: None, chosen: Vec::new(), table: None, repeated: false }
    }

    fn rules(&mut self, matching: Matching, rules: Vec<&Rule>, author: &Author) -> Outcome {
        let subject = Subject::new(author, self.header, self.envelope);
        for rule in rules {
            if rule.table.is_some() && rule.table == self.table {
                continue;
            }
            if let Err(misfit) = rule.conditions.fit(&subject) {
                self.note(rule, false, || misfit.words(&rule.conditions, &subject));
                continue;
            }
            self.table = rule.table;
            if let Some(outcome) = self.apply(rule, &subject) {
                return outcome;
            }
            if matching == Matching::First {
                break;
            }
        }
        match std::mem::take(&mut self.chosen) {
            chosen if !chosen.is_empty() => Outcome::Sign(chosen),
            _ if self.repeated => Outcome::Leave(Unsigned::SignedAlready),
            _ => Outcome::Leave(Unsigned::NoRule(author.domain().clone())),
        }
    }

    /// Does what a rule that fits says. An outcome ends the walk.
    fn apply(&mut self, rule: &Rule, subject: &Subject<'_>) -> Option<Outcome> {
        if let Some(agreement) = &rule.agreement
            && let Err(words) = agreement.hold(subject)
        {
            self.note(rule, true, || format!("fits, but {words}"));
            let unsigned = Unsigned::Disagreement { rule: rule.name.clone(), words };
            if agreement.refuse {
                return Some(Outcome::Refuse(not_yours(), unsigned.to_string()));
            }
            return Some(Outcome::Leave(unsigned));
        }
        match &rule.action {
            Action::Sign(templates) => {
                let domain = rule.conditions.matched_domain(subject.author);
                for template in self.of_rule(rule, templates, subject) {
                    self.choose(rule, template.choose(rule, &subject.author.domain, &domain));
                }
                None
            }
            // What rules before it said stands.
            Action::Leave(_) if !self.chosen.is_empty() => {
                Some(Outcome::Sign(std::mem::take(&mut self.chosen)))
            }
            Action::Leave(reason) => {
                self.note(rule, true, || format!("leaves it unsigned: {reason}"));
                Some(Outcome::Leave(Unsigned::Rule { rule: rule.name.clone(), reason: reason.clone() }))
            }
            Action::Refuse(refusal) => {
                self.note(rule, true, || format!("refuses it: {}", refusal.text));
                Some(Outcome::Refuse(refusal.clone(), rule.name.clone()))
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

    fn choose(&mut self, rule: &Rule, chosen: ChosenSignature) {
        if self.chosen.iter().any(|other| other.is_same_as(&chosen)) {
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
        }
    }
}
