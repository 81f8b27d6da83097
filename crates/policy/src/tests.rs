//! What the tests of both engines need: messages, keys, zones, and a way through an engine without a socket.

use crate::outbound::*;
use dkim::{KeyKind, KeyRecord, PrivateKey, SigningKey};
use dns::Zone;
use filter::{Decision, Envelope, Filter, Pass, Verdict};
use mail::{Domain, Header};
use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

/// What time it is in every test.
pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) fn clock() -> Arc<dyn crate::Clock> {
    Arc::new(|| NOW)
}

pub(crate) fn domain(name: &str) -> Domain {
    Domain::parse(name).unwrap()
}

/// Hands a message to an engine, octet by octet, as the slowest front end would.
pub(crate) fn pass<F: Filter>(filter: &F, envelope: Envelope, message: &str) -> Decision {
    let (header, body) = Header::split(message.as_bytes());
    let mut pass = filter.open(Arc::new(envelope));
    let answers = pass.header(&header);
    for octet in body.chunks(1) {
        let _ = pass.body(octet);
    }
    let mut answers = pin!(answers);
    let Poll::Ready(answers) = answers.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("everything is in memory")
    };
    let decision = pass.finish(answers);
    let counted = (decision.account.action, decision.account.reason);
    let known = || crate::outbound::OUTCOMES.iter().chain(&crate::inbound::OUTCOMES);
    assert!(
        known().any(|outcome| *outcome == counted),
        "{counted:?} is not among the outcomes that are counted"
    );
    decision
}

/// The message as it is forwarded.
pub(crate) fn forwarded(decision: &Decision, message: &str) -> String {
    let Verdict::Forward(edits) = &decision.verdict else { panic!("{:?}", decision.verdict) };
    let (header, body) = Header::split(message.as_bytes());
    let header = edits.apply(&header).collect::<Vec<_>>().concat();
    String::from_utf8([header.as_slice(), b"\r\n", body].concat()).unwrap()
}

pub(crate) fn rsa() -> Arc<dyn PrivateKey> {
    static KEY: OnceLock<Arc<SigningKey>> = OnceLock::new();
    KEY.get_or_init(|| Arc::new(SigningKey::generate(KeyKind::Rsa, 1024).unwrap())).clone()
}

pub(crate) fn ed25519() -> Arc<dyn PrivateKey> {
    Arc::new(SigningKey::from_seed(&[9; 32]))
}

/// The keys that rules name, by the name of their type.
pub(crate) fn keys() -> HashMap<KeyName, Arc<dyn PrivateKey>> {
    HashMap::from([(KeyName::new("rsa"), rsa()), (KeyName::new("ed25519"), ed25519())])
}

/// A zone in which every domain publishes both keys, under their names as selectors.
pub(crate) fn zone(domains: &[&str]) -> Zone {
    let mut zone = Zone::default();
    for name in domains {
        for (selector, key) in [("rsa", rsa()), ("ed25519", ed25519())] {
            let record = KeyRecord::new(key.public_key()).to_string();
            zone.add_txt(&domain(&format!("{selector}._domainkey.{name}")), record);
        }
    }
    zone
}

/// A signature with the key of this name, which is its selector too.
pub(crate) fn template(key: &str) -> SignatureTemplate {
    SignatureTemplate {
        domain: SigningDomain::Matched,
        selector: domain(key),
        key: KeyName::new(key).into(),
        style: Arc::default(),
    }
}

/// A rule that signs.
pub(crate) fn rule(name: &str, author: AddressPattern, keys: &[&str]) -> Rule {
    let conditions = Conditions { author: vec![author], ..Conditions::default() };
    Rule::new(name.to_owned(), conditions, Action::Sign(keys.iter().map(|key| template(key)).collect()))
}

pub(crate) fn outbound(matching: Matching, rules: Vec<Rule>) -> Outbound {
    let settings =
        OutboundSettings { rules: RuleTable::new(matching, rules), on_fault: OnFault::Defer.into() };
    Outbound::new(settings, keys(), clock())
}
