use super::*;
use crate::key::KeyRecord;
use crate::{PrivateKey, SigningKey};
use std::sync::LazyLock;

static KEYS: LazyLock<[PublicKey; 2]> =
    LazyLock::new(|| [0, 1].map(|_| SigningKey::generate(KeyKind::Rsa, 2048).unwrap().public_key()));

fn base64(key: &PublicKey) -> String {
    crate::encoding::base64_encode(&key.to_octets())
}

fn found(records: &[String], key: &PublicKey) -> Vec<KeyFlaw> {
    let records: Vec<Vec<u8>> = records.iter().map(|text| text.clone().into_bytes()).collect();
    key_flaws(&records, key)
}

fn codes(records: &[String], key: &PublicKey) -> String {
    found(records, key).iter().map(KeyFlaw::code).collect::<Vec<_>>().join(" ")
}

/// What people do to one record, and what we call it. `P` stands for the base64 of the key.
#[test]
fn every_dress_of_one_record() {
    let key = &KEYS[0];
    let p = base64(key);
    for (text, expected) in [
        ("v=DKIM1; k=rsa; p=P", ""),
        ("v=DKIM1;p=P", ""),
        ("v=DKIM1; h=sha256; k=rsa; s=email; t=s; n=a note; p=P;", ""),
        ("k=rsa; p=P", "no-version"),
        ("p=P", "no-version"),
        ("v=DKIM1; k=rsa; t=y; p=P", "testing"),
        ("v=DKIM1; k=rsa; t=y:s; p=P", "testing"),
        ("v=DKIM1; k=rsa; h=sha1; p=P", "hash"),
        ("v=DKIM1; k=rsa; s=tlsrpt; p=P", "service"),
        ("v=DKIM1; k=ed25519; p=P", "other-type"),
        ("v=DKIM1; k=dsa; p=P", "unknown-type"),
        ("k=rsa; v=DKIM1; p=P", "version"),
        ("v=DKIM2; k=rsa; p=P", "version"),
        ("v=DKIM1 k=rsa; p=P", "version"),
        ("v=DKIM1; k=rsa; p=", "revoked"),
        ("v=DKIM1; k=rsa", "no-key"),
        ("v=DKIM1; k=rsa; P", "tag-list"),
        ("v=DKIM1; k=rsa; p=P; p=P", "tag-list"),
        ("", "tag-list"),
        ("\"v=DKIM1; k=rsa; p=P\"", "quotes"),
        ("“v=DKIM1; k=rsa; p=P”", "quotes"),
        ("\"v=DKIM1; k=rsa; \" \"p=P\"", "quotes"),
        ("v=DKIM1\\; k=rsa\\; p=P", "backslashes"),
        ("\"v=DKIM1\\; k=rsa\\; p=P\"", "quotes backslashes"),
        ("s1._domainkey IN TXT ( \"v=DKIM1; k=rsa; \" \"p=P\" )", "zone-line"),
        ("\"v=DKIM1; t=y; p=P\"", "quotes testing"),
        ("v=DKIM1; k=rsa; p=...", "placeholder"),
        ("v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQ...", "placeholder"),
        ("v=DKIM1; k=rsa; p=<your public key>", "placeholder"),
        ("v=DKIM1; k=rsa; p=YOUR_PUBLIC_KEY", "placeholder"),
        ("v=DKIM1; k=rsa; p=YourPublicKey", "placeholder"),
        ("v=DKIM1; k=rsa; p=[paste here]", "placeholder"),
        ("v=DKIM1; k=rsa; p=abcd", "not-a-key"),
        ("v=DKIM1; k=rsa; p=-----BEGIN PUBLIC KEY-----P-----END PUBLIC KEY-----", "armour"),
    ] {
        let text = text.replace('P', "\u{1}").replace("=\u{1}", &format!("={p}"));
        let text = text.replace("KEY-----\u{1}", &format!("KEY-----{p}")).replace('\u{1}', "P");
        assert_eq!(codes(std::slice::from_ref(&text), key), expected, "{text}");
    }
}

/// What happens to the base64 itself.
#[test]
fn every_wound_of_the_base64() {
    let [key, other] = &*KEYS;
    let p = base64(key);
    let damaged = KeyFlaw::Damaged;
    let with = |at: usize, c: &str| format!("{}{c}{}", &p[..at], &p[at + 1..]);
    let last = p.len();
    let letter = 1 + p.bytes().skip(99).position(|c| c.is_ascii_uppercase()).unwrap() + 99;
    for (text, expected) in [
        (p[..237].to_owned(), damaged(Difference::CutShort { have: 237, of: last })),
        (p[237..].to_owned(), damaged(Difference::PieceMissing { octet: 1, count: 237 })),
        (format!("{}{}", &p[..200], &p[300..]), damaged(Difference::PieceMissing { octet: 201, count: 100 })),
        (format!("{}{}", &p[237..], &p[..237]), damaged(Difference::Misordered { octet: last - 237 + 1 })),
        (with(199, if &p[199..200] == "A" { "B" } else { "A" }), damaged(Difference::Altered { octet: 200 })),
        (
            with(letter - 1, &p[letter - 1..letter].to_lowercase()),
            damaged(Difference::Altered { octet: letter }),
        ),
        (p.to_lowercase(), damaged(Difference::Case)),
        (with(199, "-"), KeyFlaw::Base64 { octet: 200, character: '-' }),
        (with(99, "\u{a0}"), KeyFlaw::Base64 { octet: 100, character: '\u{a0}' }),
        (with(99, "ü"), KeyFlaw::Base64 { octet: 100, character: 'ü' }),
        (format!("{} {}", &p[..100], &p[100..]), KeyFlaw::Blanks),
        (base64(other), KeyFlaw::OtherKey { bits: 2048 }),
    ] {
        let text = format!("v=DKIM1; k=rsa; p={text}");
        let mut flaws = found(std::slice::from_ref(&text), key);
        // Where the same character stands on both sides of the gap, it could begin a little earlier.
        if let [KeyFlaw::Damaged(Difference::PieceMissing { octet, .. })] = flaws.as_mut_slice()
            && let KeyFlaw::Damaged(Difference::PieceMissing { octet: wanted, .. }) = expected
            && octet.abs_diff(wanted) < 4
        {
            *octet = wanted;
        }
        assert_eq!(flaws, [expected], "{text}");
    }
    let twice = format!("v=DKIM1; p={}xxxx{}", &p[..120], &p[120..]);
    assert_eq!(codes(&[twice], key), "surplus");
}

/// Whatever is cut out of a key is noticed, and never taken for another key.
#[test]
fn every_cut_is_a_cut() {
    let key = &KEYS[0];
    let p = base64(key);
    for at in 50..p.len() {
        let cut = format!("v=DKIM1; p={}", &p[..at]);
        assert_eq!(codes(&[cut], key), "cut-short", "{at}");
        let gap = format!("v=DKIM1; p={}{}", &p[..at - 1], &p[at..]);
        let expected = if at == p.len() { "cut-short" } else { "piece-missing" };
        assert_eq!(codes(&[gap], key), expected, "{at}");
    }
}

#[test]
fn several_records() {
    let [key, other] = &*KEYS;
    let (ours, theirs) = (format!("v=DKIM1; p={}", base64(key)), format!("v=DKIM1; p={}", base64(other)));
    let spf = || "v=spf1 -all".to_owned();
    let (one, two, three) = (&ours[..100], &ours[100..300], &ours[300..]);
    let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
    for (records, expected) in [
        (vec![], "absent"),
        (vec![ours.clone(), ours.clone()], "several-records"),
        (vec![theirs.clone(), ours.clone()], "several-records"),
        (vec![theirs.clone(), theirs], "several-records other-key"),
        (vec![spf(), ours.clone()], "other-texts"),
        (vec![spf(), spf()], "absent other-texts"),
        (vec![spf()], "no-key"),
        (texts(&[one, two, three]), "in-pieces"),
        (texts(&[three, one, two]), "in-pieces"),
        (texts(&[two, one]), "cut-short other-texts"),
    ] {
        let found = codes(&records, key);
        let found = found.replace("no-version version", "version");
        if expected == "no-key" {
            assert!(found.contains("version") && found.contains("no-key"), "{found}");
        } else {
            assert_eq!(found, expected, "{records:?}");
        }
    }
}

#[test]
fn a_private_key_in_public_is_the_worst() {
    let private = SigningKey::generate(KeyKind::Rsa, 1024).unwrap();
    let pem = private.to_pem().unwrap();
    let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    assert_eq!(codes(&[format!("v=DKIM1; k=rsa; p={text}")], &KEYS[0]), "private-key");
}

#[test]
fn small_keys_and_other_types() {
    let small = SigningKey::generate(KeyKind::Rsa, 1024).unwrap().public_key();
    let ed25519 = SigningKey::from_seed(&[7; 32]).public_key();
    let record = |key: &PublicKey| KeyRecord::new(key.clone()).to_string();
    assert_eq!(found(&[record(&small)], &small), [KeyFlaw::Short(1024)]);
    assert!(!KeyFlaw::Short(1024).is_fatal() && KeyFlaw::Short(1023).is_fatal());
    assert_eq!(codes(&[record(&ed25519)], &ed25519), "");
    assert_eq!(codes(&[record(&ed25519)], &KEYS[0]), "other-type");
    assert_eq!(codes(&[record(&KEYS[0])], &ed25519), "other-type");
    let unmarked = record(&ed25519).replace("k=ed25519; ", "");
    assert_eq!(codes(&[unmarked], &ed25519), "other-type");
    let unpadded = record(&ed25519).trim_end_matches('=').to_owned();
    assert_eq!(codes(&[unpadded], &ed25519), "unpadded");
    // The SubjectPublicKeyInfo of 2048 bits has 24 octets in front of the RSAPublicKey.
    let bare = format!("v=DKIM1; p={}", crate::encoding::base64_encode(&KEYS[0].to_octets()[24..]));
    assert_eq!(codes(&[bare], &KEYS[0]), "bare");
}

/// A record without a fatal flaw is one that a verifier takes, and the other way round.
#[test]
fn what_is_called_sound_verifies() {
    let key = &KEYS[0];
    let record = KeyRecord::new(key.clone()).to_string();
    for at in 0..record.len() {
        for text in [
            format!("{}{}", &record[..at], &record[at + 1..]),
            format!("{} {}", &record[..at], &record[at..]),
            format!("{}\"{}", &record[..at], &record[at..]),
        ] {
            let sound = !found(std::slice::from_ref(&text), key).iter().any(KeyFlaw::is_fatal);
            let taken = KeyRecord::parse(text.as_bytes())
                .is_ok_and(|record| record.key.as_ref() == Some(key) && record.allows_mail());
            assert_eq!(sound, taken, "{text}");
        }
    }
}

#[test]
fn a_remedy_shows_the_right_record() {
    let remedy = KeyFlaw::Absent.remedy(&"s1._domainkey.example.org", &"v=DKIM1; p=abc");
    assert_eq!(remedy, "publish a TXT record at s1._domainkey.example.org: v=DKIM1; p=abc");
}
