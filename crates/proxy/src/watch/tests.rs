use super::*;
use crate::metrics::{Metrics, Purpose};
use dkim::{KeyRecord, PrivateKey, SigningKey};
use dns::{Unavailable, Zone};
use policy::outbound::{ChosenKey, KeyName};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

fn domain(name: &str) -> Domain {
    Domain::parse(name).unwrap()
}

fn key() -> PublicKey {
    SigningKey::from_seed(&[7; 32]).public_key()
}

fn subject() -> Subject {
    Subject { domain: domain("a.example"), selector: domain("s1"), path: "s1.pem".into(), key: Some(key()) }
}

fn signature(name: &str) -> ChosenSignature {
    ChosenSignature {
        rule: "rule 1".to_owned(),
        kind: dkim::Kind::Dkim,
        domain: domain(name),
        selector: domain("s1"),
        key: ChosenKey::Named(KeyName::new("s1.pem")),
        style: Arc::default(),
    }
}

/// A zone in which these domains publish the key.
fn zone(domains: &[&str]) -> Zone {
    let mut zone = Zone::default();
    for name in domains {
        zone.add_txt(&domain(&format!("s1._domainkey.{name}")), KeyRecord::new(key()).to_string());
    }
    zone
}

fn silent() -> Zone {
    let mut zone = Zone::default();
    zone.add_trouble(&domain("s1._domainkey.a.example"), Unavailable::Timeout);
    zone
}

fn watch(zone: Zone, strict: bool) -> Watch {
    let settings =
        WatchSettings { every: Some(Duration::from_secs(60)), strict, patience: Duration::from_secs(20) };
    Watch::new(settings, Metrics::default().metered(zone.into(), Purpose::OwnKeys), vec![subject()])
}

/// The one state of a watch over one key.
fn state(watch: &Watch) -> State {
    let states = watch.states();
    assert_eq!(states.len(), 1, "{states:?}");
    states[0].1
}

/// What a signature is told at once; nothing if it has to wait.
fn at_once(watch: &Watch, name: &str) -> Option<Standing> {
    let mut standing = pin!(watch.standing(&signature(name), &key()));
    match standing.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(standing) => Some(standing),
        Poll::Pending => None,
    }
}

#[tokio::test]
async fn a_signature_waits_for_the_first_answer_and_never_again() {
    let watch = watch(zone(&["a.example"]), true);
    assert_eq!(watch.standing(&signature("a.example"), &key()).await, Standing::Published);
    assert_eq!(at_once(&watch, "a.example"), Some(Standing::Published));
    assert_eq!(state(&watch), State::Published);
}

#[tokio::test]
async fn an_absent_record_is_told_with_its_reason_and_not_looked_for_at_every_message() {
    let watch = watch(zone(&[]), true);
    let absent = Standing::Unpublished("no record is published".to_owned());
    assert_eq!(watch.standing(&signature("a.example"), &key()).await, absent);
    assert_eq!(at_once(&watch, "a.example"), Some(absent));
    assert_eq!(state(&watch), State::Unpublished);
}

#[tokio::test]
async fn a_record_that_stands_elsewhere_by_a_slip_is_found() {
    let mut zone = Zone::default();
    zone.add_txt(&domain("s1._domainkey.a.example.a.example"), KeyRecord::new(key()).to_string());
    let watch = watch(zone, true);
    let expected = "no record is published; it stands at s1._domainkey.a.example.a.example";
    assert_eq!(
        watch.standing(&signature("a.example"), &key()).await,
        Standing::Unpublished(expected.to_owned())
    );
}

#[tokio::test]
async fn a_silent_dns_is_no_answer_and_what_was_known_stands() {
    let first = watch(silent(), true);
    let unknown = Standing::Unknown("DNS time-out".to_owned());
    assert_eq!(first.standing(&signature("a.example"), &key()).await, unknown);
    assert_eq!(at_once(&first, "a.example"), Some(unknown), "not asked for every message");
    assert_eq!(state(&first), State::Unknown);

    let before = watch(zone(&["a.example"]), true);
    before.round().await;
    let after = watch(silent(), true);
    after.follows(&before);
    after.round().await;
    assert_eq!(state(&after), State::Published);
    assert_eq!(at_once(&after, "a.example"), Some(Standing::Published));
    assert_eq!(after.last_round().is_some(), before.last_round().is_some());
}

#[tokio::test]
async fn another_key_under_the_same_name_is_another_matter() {
    let watch = watch(zone(&["a.example"]), true);
    watch.round().await;
    let other = SigningKey::from_seed(&[8; 32]).public_key();
    let Standing::Unpublished(why) = watch.standing(&signature("a.example"), &other).await else {
        panic!("the old key is published")
    };
    assert_eq!(why, "another key is published, of 256 bits");
}

#[tokio::test]
async fn without_the_option_no_signature_waits_and_a_key_is_looked_at_once_it_is_used() {
    let watch = watch(zone(&["b.example"]), false);
    assert_eq!(at_once(&watch, "a.example"), Some(Standing::Published));
    assert_eq!(at_once(&watch, "b.example"), Some(Standing::Published));
    let looked = async {
        while watch.states().iter().any(|(_, state)| *state == State::Unknown) {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), looked).await.expect("both are looked at");
    let states: HashMap<_, _> =
        watch.states().into_iter().map(|((domain, _), state)| (domain, state)).collect();
    assert_eq!((states["a.example"], states["b.example"]), (State::Unpublished, State::Published));
}

#[test]
fn what_changes_is_told_once() {
    let seen = |zone: &Zone| {
        let records = zone.lookup_txt(&domain("s1._domainkey.a.example")).unwrap_or_default();
        let record = Publication::new(&domain("a.example"), &domain("s1"), key()).unwrap();
        let state = inspect::State::Published(dkim::key_flaws(&records, &key()));
        Seen::of(&state, &record, None)
    };
    let (there, gone) = (seen(&zone(&["a.example"])), seen(&zone(&[])));
    let trouble = || Seen::Nothing("DNS time-out".to_owned());
    let mut record = Record::new(subject(), true);
    assert_eq!(record.learn(there.clone()), Learned::Nothing, "as it should be from the beginning");
    assert_eq!(record.learn(trouble()), Learned::Nothing);
    let Learned::Broken(words) = record.learn(gone.clone()) else { panic!("it is gone") };
    assert_eq!(words.problem, "no record is published");
    assert!(
        words.remedy.starts_with("publish a TXT record at s1._domainkey.a.example: v=DKIM1;"),
        "{words:?}"
    );
    assert_eq!(record.learn(gone.clone()), Learned::Nothing, "said already");
    assert_eq!(record.learn(trouble()), Learned::Nothing);
    assert_eq!(record.state(), State::Unpublished);
    assert_eq!(record.learn(there), Learned::Mended);
    assert!(matches!(record.learn(gone), Learned::Broken(_)));
}

#[tokio::test]
async fn of_too_many_keys_those_used_last_are_looked_after() {
    let watch = watch(zone(&[]), false);
    for number in 0..MOST_RECORDS {
        watch.is_used(&format!("s1._domainkey.d{number}.example"), &signature("d.example"), &key());
    }
    let records = watch.records();
    assert_eq!(records.watched.len(), MOST_RECORDS);
    assert!(records.watched.contains_key("s1._domainkey.a.example"), "the file names it");
    assert!(!records.watched.contains_key("s1._domainkey.d0.example"), "it was used the longest time ago");
}
