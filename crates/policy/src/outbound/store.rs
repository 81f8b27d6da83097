//! Stores that have keys by domain, and have to be waited for: a database that a site has already.
//!
//! A rule asks a store by its number. The walk through the rules stops where an answer is missing, and begins again
//! with it; so nothing is asked that does not decide. What has been answered holds for one message.

use super::template::Style;
use dkim::PrivateKey;
use mail::Domain;
use std::pin::Pin;
use std::sync::Arc;
use thiserror::Error;

/// So many parents of a domain are asked for at most: whoever writes a message chooses its author.
pub(super) const MOST_PARENTS: usize = 4;

/// Has the keys of domains. Whoever implements it does the I/O, remembers answers, and sets an end to waiting.
pub trait DomainStore: Send + Sync + 'static {
    /// The keys that sign as this domain; none if it is not known there.
    fn keys<'a>(&'a self, domain: &'a Domain) -> StoreFuture<'a>;
}

/// A store's answer to come.
pub type StoreFuture<'a> = Pin<Box<dyn Future<Output = StoreAnswer> + Send + 'a>>;

/// What a store has for a domain.
pub type StoreAnswer = Result<Arc<[StoredKey]>, StoreFault>;

/// A private key that a store has for a domain.
#[derive(Clone, Debug)]
pub struct StoredKey {
    /// `s=`
    pub selector: Domain,
    /// The key.
    pub key: Arc<dyn PrivateKey>,
}

/// Why a store has no answer. The texts are for the log, and hold nothing of a key or a password.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum StoreFault {
    /// It is out of reach, too slow, or does not understand us; asking again later may help.
    #[error("{0}")]
    Unavailable(Arc<str>),
    /// What it has for the domain cannot be used.
    #[error("{0}")]
    Unusable(Arc<str>),
}

/// The signatures of a store's keys.
#[derive(Clone, Debug)]
pub struct StoreTemplate {
    /// Which store, by its number among those of the engine.
    pub store: usize,
    /// The domain that is asked for whoever the author is; else it is the author's.
    pub domain: Option<Domain>,
    /// Whether the parents of a domain are asked for if the domain itself is not known.
    pub subdomains: bool,
    /// What the signatures look like.
    pub style: Arc<Style>,
}

impl StoreTemplate {
    /// The domains that are asked for, in this order.
    pub(super) fn domains(&self, author: &Domain) -> Vec<Domain> {
        let parent = |domain: &Domain| {
            let (_, parent) = domain.as_str().split_once('.')?;
            // Nobody signs as a top-level domain.
            parent.contains('.').then(|| Domain::parse(parent).ok()).flatten()
        };
        let parents = if self.subdomains { MOST_PARENTS } else { 0 };
        let first = self.domain.as_ref().unwrap_or(author);
        std::iter::successors(Some(first.clone()), parent).take(1 + parents).collect()
    }
}

/// What a store is to be asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Question {
    /// Which store.
    pub store: usize,
    /// The keys of which domain.
    pub domain: Domain,
}

/// The answers that a message has had so far.
#[derive(Default)]
pub(super) struct Answered(Vec<(Question, StoreAnswer)>);

impl Answered {
    pub(super) fn add(&mut self, question: Question, answer: StoreAnswer) {
        self.0.push((question, answer));
    }

    pub(super) fn to(&self, question: &Question) -> Option<&StoreAnswer> {
        self.0.iter().find(|(asked, _)| asked == question).map(|(_, answer)| answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::tests::verify;
    use crate::outbound::{
        Action, AddressPattern, Conditions, DkimStyle, Matching, OnFault, Outbound, OutboundSettings, Rule,
        RuleTable,
    };
    use crate::tests::{clock, domain, ed25519, forwarded, keys, pass, rsa, rule};
    use dkim::{Canonicalization, Form};
    use filter::{Decision, Envelope, Verdict};
    use mail::Header;
    use std::collections::HashMap;
    use std::sync::Mutex;

    /// Answers as it was told to, and writes down what it was asked for. What it was not told of, it does not know.
    #[derive(Clone, Default)]
    struct Scripted {
        answers: HashMap<&'static str, StoreAnswer>,
        asked: Arc<Mutex<Vec<String>>>,
    }

    impl Scripted {
        fn with(mut self, name: &'static str, answer: StoreAnswer) -> Self {
            self.answers.insert(name, answer);
            self
        }

        fn asked(&self) -> Vec<String> {
            std::mem::take(&mut self.asked.lock().unwrap())
        }
    }

    impl DomainStore for Scripted {
        fn keys<'a>(&'a self, domain: &'a Domain) -> StoreFuture<'a> {
            self.asked.lock().unwrap().push(domain.to_string());
            let answer = self.answers.get(domain.as_str()).cloned();
            Box::pin(std::future::ready(answer.unwrap_or_else(|| Ok(Arc::new([])))))
        }
    }

    fn both() -> Arc<[StoredKey]> {
        let key = |selector, key| StoredKey { selector: domain(selector), key };
        Arc::new([key("rsa", rsa()), key("ed25519", ed25519())])
    }

    fn down() -> StoreFault {
        StoreFault::Unavailable("out of reach".into())
    }

    fn asking(store: usize) -> Rule {
        let template = StoreTemplate { store, domain: None, subdomains: false, style: Arc::default() };
        Rule::new(format!("store {store}"), Conditions::default(), Action::Ask(template))
    }

    fn subdomains(mut rule: Rule) -> Rule {
        if let Action::Ask(template) = &mut rule.action {
            template.subdomains = true;
        }
        rule
    }

    fn engine(matching: Matching, rules: Vec<Rule>, stores: &[&Scripted]) -> Outbound {
        let settings =
            OutboundSettings { rules: RuleTable::new(matching, rules), on_fault: OnFault::Leave.into() };
        let stores = stores.iter().map(|store| Arc::new((*store).clone()) as Arc<dyn DomainStore>).collect();
        Outbound::new(settings, keys(), clock()).with_stores(stores)
    }

    const MESSAGE: &str =
        "From: joe@news.a.example\r\nTo: b@b.example\r\nSubject: Hi\r\n\r\nHello  you.\r\n\r\n";

    fn decided(engine: &Outbound, message: &str) -> Decision {
        pass(engine, Envelope::default(), message)
    }

    fn account(engine: &Outbound) -> String {
        let Decision { verdict, account } = decided(engine, MESSAGE);
        match verdict {
            Verdict::Refuse(refusal) => format!("{} {}: {}", refusal.code, account.action, account.detail),
            _ => format!("{}: {}", account.action, account.detail),
        }
    }

    #[test]
    fn all_keys_that_a_store_has_for_a_domain_sign() {
        let store = Scripted::default().with("news.a.example", Ok(both()));
        let engine = engine(Matching::All, vec![asking(0)], &[&store]);
        let decision = decided(&engine, MESSAGE);
        assert_eq!(
            decision.account.detail,
            "d=news.a.example s=rsa (store 0), d=news.a.example s=ed25519 (store 0)"
        );
        let reports = verify(&forwarded(&decision, MESSAGE));
        assert_eq!(reports.len(), 2);
        assert!(reports.iter().all(|report| report.outcome.is_ok()), "{reports:?}");
        assert_eq!(store.asked(), ["news.a.example"]);
    }

    #[test]
    fn the_body_is_hashed_in_every_form_that_may_be_asked_for() {
        let store = Scripted::default().with("news.a.example", Ok(both()));
        let mut simple = asking(0);
        if let Action::Ask(template) = &mut simple.action {
            let canonicalization = Canonicalization { header: Form::Relaxed, body: Form::Simple };
            template.style = Arc::new(Style::Dkim(DkimStyle { canonicalization, ..DkimStyle::default() }));
        }
        let relaxed = rule("rule 2", AddressPattern::Within(domain("a.example")), &["rsa"]);
        let engine = engine(Matching::All, vec![simple, relaxed], &[&store]);
        let signed = forwarded(&decided(&engine, MESSAGE), MESSAGE);
        assert!(signed.contains("c=relaxed/simple") && signed.contains("c=relaxed/relaxed"), "{signed}");
        let reports = verify(&signed);
        assert_eq!(reports.len(), 3);
        assert!(reports.iter().all(|report| report.outcome.is_ok()), "{reports:?}");
    }

    #[test]
    fn a_domain_that_no_store_knows_is_left_unsigned() {
        let (one, two) = (Scripted::default(), Scripted::default());
        let both = engine(Matching::All, vec![asking(0), asking(1)], &[&one, &two]);
        assert_eq!(account(&both), "unsigned: no keys of news.a.example in store 0, store 1");
    }

    #[test]
    fn without_an_answer_mail_waits_whatever_the_fault_setting_says() {
        let store = Scripted::default().with("news.a.example", Err(down()));
        let engine = engine(Matching::All, vec![asking(0)], &[&store]);
        assert_eq!(
            account(&engine),
            "451 deferred: store 0 does not tell the keys of news.a.example: out of reach"
        );
    }

    #[test]
    fn keys_that_cannot_be_used_are_a_fault_like_any_other() {
        let unusable = Err(StoreFault::Unusable("selector s1: malformed private key".into()));
        let store = Scripted::default().with("news.a.example", unusable);
        let engine = engine(Matching::All, vec![asking(0)], &[&store]);
        assert_eq!(
            account(&engine),
            "unsigned: store 0 does not tell the keys of news.a.example: selector s1: malformed private key"
        );
    }

    #[test]
    fn a_store_is_asked_only_where_its_answer_decides() {
        let store = Scripted::default().with("news.a.example", Err(down()));
        let ours = || rule("rule 1", AddressPattern::Within(domain("a.example")), &["rsa"]);
        let none = Rule { action: Action::Leave("no".into()), ..ours() };
        for (matching, rules, expected) in [
            (Matching::First, vec![ours(), asking(0)], "signed: d=a.example s=rsa (rule 1)"),
            (Matching::All, vec![none, asking(0)], "unsigned: rule 1: no"),
        ] {
            assert_eq!(account(&engine(matching, rules, &[&store])), expected);
            assert_eq!(store.asked(), [""; 0]);
        }
        let all = engine(Matching::All, vec![ours(), asking(0)], &[&store]);
        assert!(account(&all).starts_with("451 deferred"), "never only half of the signatures");
    }

    #[test]
    fn where_the_first_rule_counts_a_store_that_does_not_know_the_domain_is_passed_over() {
        let (first, second) = (Scripted::default(), Scripted::default().with("news.a.example", Ok(both())));
        let rules = || {
            vec![asking(0), asking(1), rule("rule 3", AddressPattern::Within(domain("a.example")), &["rsa"])]
        };
        let engine = engine(Matching::First, rules(), &[&first, &second]);
        assert_eq!(
            account(&engine),
            "signed: d=news.a.example s=rsa (store 1), d=news.a.example s=ed25519 (store 1)"
        );
        assert_eq!(RuleTable::new(Matching::First, rules()).unreachable(), []);
    }

    #[test]
    fn parents_are_asked_for_where_subdomains_count() {
        let store = Scripted::default().with("a.example", Ok(both()));
        let exact = engine(Matching::All, vec![asking(0)], &[&store]);
        assert_eq!(account(&exact), "unsigned: no keys of news.a.example in store 0");
        store.asked();
        let engine = engine(Matching::All, vec![subdomains(asking(0))], &[&store]);
        assert_eq!(account(&engine), "signed: d=a.example s=rsa (store 0), d=a.example s=ed25519 (store 0)");
        assert_eq!(store.asked(), ["news.a.example", "a.example"]);
        let deep = "From: joe@1.2.3.4.5.6.7.b.example\r\n\r\n";
        assert_eq!(decided(&engine, deep).account.action, "unsigned");
        assert_eq!(
            store.asked(),
            [
                "1.2.3.4.5.6.7.b.example",
                "2.3.4.5.6.7.b.example",
                "3.4.5.6.7.b.example",
                "4.5.6.7.b.example",
                "5.6.7.b.example"
            ]
        );
        assert_eq!(decided(&engine, "From: joe@b.example\r\n\r\n").account.action, "unsigned");
        assert_eq!(store.asked(), ["b.example"]);
    }

    #[test]
    fn stores_are_explained_before_and_after_they_are_asked() {
        let store = Scripted::default().with("a.example", Ok(both()));
        let engine = engine(Matching::All, vec![subdomains(asking(0))], &[&store]);
        let (header, _) = Header::split(MESSAGE.as_bytes());
        assert_eq!(
            engine.explain(&header, &Envelope::default()).to_string(),
            "author: joe@news.a.example\nstore 0 is asked for the keys of news.a.example\n\
             depends on what a store has for news.a.example"
        );
        let envelope = Envelope::default();
        let mut asked = std::pin::pin!(engine.explain_asking(&header, &envelope));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let std::task::Poll::Ready(explanation) = asked.as_mut().poll(&mut context) else {
            panic!("it is scripted")
        };
        assert_eq!(
            explanation.to_string(),
            "author: joe@news.a.example\nstore 0 has no keys of news.a.example\n\
             store 0 signs with d=a.example s=rsa\nstore 0 signs with d=a.example s=ed25519\n\
             signed: d=a.example s=rsa, d=a.example s=ed25519"
        );
    }
}
