use super::*;
use dkim::{PrivateKey, SigningKey};
use dns::Zone;

fn domain(name: &str) -> Domain {
    Domain::parse(name).unwrap()
}

fn subject() -> Subject {
    let key = Some(SigningKey::from_seed(&[7; 32]).public_key());
    Subject { domain: domain("example.org"), selector: domain("s1"), path: "s1.pem".into(), key }
}

fn record() -> String {
    dkim::KeyRecord::new(subject().key.unwrap()).to_string()
}

async fn found(zone: &str) -> Finding {
    let zone = Zone::parse(zone.as_bytes()).unwrap();
    inspect(&zone.into(), subject()).await.unwrap()
}

#[tokio::test]
async fn a_sound_record_is_called_so() {
    let finding = found(&format!("s1._domainkey.example.org. TXT \"{}\"", record())).await;
    assert_eq!(finding.state, State::Published(vec![]));
    assert_eq!(finding.json()["status"], "ok");
    assert!(finding.to_string().starts_with(
        "s1._domainkey.example.org (ed25519, 256 bits, s1.pem): published, and equal to the key\n    DNSSEC: not known"
    ), "{finding}");
}

#[tokio::test]
async fn an_alias_is_followed_and_named() {
    let zone =
        format!("s1._domainkey.example.org. CNAME key.example.net.\nkey.example.net. TXT \"{}\"", record());
    let finding = found(&zone).await;
    assert_eq!((finding.state, finding.alias), (State::Published(vec![]), Some(domain("key.example.net"))));
}

#[tokio::test]
async fn a_record_with_a_slip_in_its_name_is_found() {
    for slip in [
        "s1._domainkey.example.org.example.org.",
        "s1.example.org.",
        "s1.domainkey.example.org.",
        "_domainkey.example.org.",
    ] {
        let finding = found(&format!("{slip} TXT \"{}\"", record())).await;
        assert_eq!(finding.state, State::Published(vec![KeyFlaw::Absent]));
        assert_eq!(finding.misplaced, Some(domain(slip)));
        assert!(finding.to_string().contains("the record stands at"), "{finding}");
    }
    assert_eq!(found("").await.misplaced, None);
}

#[tokio::test]
async fn what_nobody_can_tell_is_not_called_wrong() {
    let finding = found(r#"{"s1._domainkey.example.org": {"error": "servfail"}}"#).await;
    assert!(finding.is_unknown() && !finding.is_fatal());
    assert_eq!(
        (&finding.json()["status"], &finding.json()["trouble"]),
        (&"unavailable".into(), &"DNS server failure".into())
    );
}

#[tokio::test]
async fn many_findings_keep_their_order() {
    let subjects: Vec<Subject> =
        (0..100).map(|n| Subject { selector: domain(&format!("s{n}")), ..subject() }).collect();
    let zone = Zone::parse(format!("s42._domainkey.example.org. TXT \"{}\"", record()).as_bytes()).unwrap();
    let findings = inspect_all(&zone.into(), subjects).await;
    let sound: Vec<usize> =
        (0..100).filter(|&n| findings[n].as_ref().is_ok_and(|finding| !finding.is_fatal())).collect();
    assert_eq!((findings.len(), sound), (100, vec![42]));
}
