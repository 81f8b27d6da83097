//! Properties that hold for whatever comes in, tried with seeded random input.

mod support;

use dkim::{
    BodyForm, BodyHashSpec, BodyHasher, Canonicalization, DkimRequest, FieldNames, FieldSelection, Form,
    HashAlgorithm, KeyAnswer, KeyRecord, Oversign, Report, TagList, Verification, VerifyOptions,
};
use mail::{Domain, Header};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use support::{NOW, Zone, ed25519, record, signed, verify};

const NAME: &str = "s._domainkey.a.example";

/// The same cases in every run.
fn seeded(cases: u32) -> Config {
    Config { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(6376), ..Config::default() }
}

fn zone() -> Zone {
    Zone::default().with(NAME, &record(&*ed25519()))
}

/// Text made of the pieces that canonicalization looks at.
fn text(pieces: usize) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[ -~]{0,40}".prop_map(String::into_bytes),
        2 => Just(b"\r\n".to_vec()),
        1 => "[ \t]{1,70}".prop_map(String::into_bytes),
        1 => Just(b"\r".to_vec()),
        1 => Just(b"\n".to_vec()),
        1 => Just(b".\r\n".to_vec()),
        1 => "[äß€😀]{1,3}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..20),
    ];
    proptest::collection::vec(piece, 0..pieces).prop_map(|pieces| pieces.concat())
}

/// A field of one of some names, oddly spaced and folded.
fn field() -> impl Strategy<Value = String> {
    let name = prop_oneof![Just("To"), Just("subject"), Just("X-A"), Just("Received"), Just("SUBJECT")];
    (name, "[ \t]{0,2}", "([ -~äß]{0,20}(\r\n[ \t]{1,3})?){0,4}")
        .prop_map(|(name, blank, value)| format!("{name}{blank}:{value}\r\n"))
}

/// A header with one From field among others.
fn header() -> impl Strategy<Value = Vec<u8>> {
    (proptest::collection::vec(field(), 0..6), any::<prop::sample::Index>()).prop_map(|(mut fields, at)| {
        fields.insert(at.index(fields.len() + 1), "From: Joe <joe@a.example>\r\n".to_owned());
        fields.concat().into_bytes()
    })
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    (header(), text(30)).prop_map(|(header, body)| [&header[..], b"\r\n", &body].concat())
}

fn form() -> impl Strategy<Value = Form> {
    prop_oneof![Just(Form::Simple), Just(Form::Relaxed)]
}

fn request() -> impl Strategy<Value = DkimRequest> {
    let names = proptest::collection::vec(
        prop_oneof![Just("to"), Just("Subject"), Just("received"), Just("x-none")],
        0..6,
    );
    (form(), form(), names, any::<bool>()).prop_map(|(header, body, names, copy_fields)| {
        let name = |name: &str| Domain::parse(name).expect("a name");
        let names = ["From"].into_iter().chain(names).map(String::from).collect();
        DkimRequest {
            canonicalization: Canonicalization { header, body },
            fields: FieldSelection { names: FieldNames::Exactly(names), oversign: Oversign::From },
            copy_fields,
            ..DkimRequest::new(name("a.example"), name("s"), ed25519())
        }
    })
}

/// Verifies a message whose body comes in pieces.
fn verify_in_pieces(message: &[u8], pieces: usize) -> Vec<Report> {
    let (header, body) = Header::split(message);
    let mut verification = Verification::begin(&header, &VerifyOptions::default(), NOW);
    for piece in body.chunks(pieces) {
        let _ = verification.body(piece);
    }
    verification.finish(|_| KeyAnswer::Records(vec![record(&*ed25519()).into_bytes()]))
}

proptest! {
    #![proptest_config(seeded(400))]

    #[test]
    fn what_we_sign_verifies(message in message(), request in request(), pieces in 1..50_usize) {
        let message = signed(&message, vec![request.into()]);
        let reports = verify_in_pieces(&message, pieces);
        prop_assert_eq!(&reports[0].outcome, &Ok(()));
        prop_assert_eq!(verify_in_pieces(&message, usize::MAX), reports);
    }

    /// Whatever is done to a signed message, there is one report for each signature field, and nothing panics.
    #[test]
    fn a_mangled_message_is_judged(
        message in message(),
        request in request(),
        at in any::<prop::sample::Index>(),
        removed in 0..8_usize,
        inserted in proptest::collection::vec(any::<u8>(), 0..4),
    ) {
        let mut message = signed(&message, vec![request.into()]);
        let at = at.index(message.len());
        message.splice(at..(at + removed).min(message.len()), inserted);
        let (header, _) = Header::split(&message);
        let reports = verify(&message, &zone(), &VerifyOptions::default(), NOW);
        prop_assert_eq!(reports.len(), header.named("DKIM-Signature").count());
    }

    #[test]
    fn any_octets_are_judged(tags in text(20), body in text(10)) {
        let message = [b"From: a@a.example\r\nDKIM-Signature: v=1; ", &tags[..], b"\r\n\r\n", &body].concat();
        for report in verify(&message, &zone(), &VerifyOptions::default(), NOW) {
            prop_assert!(report.outcome.is_err());
        }
    }

    #[test]
    fn any_answer_is_judged(records in proptest::collection::vec(text(10), 0..4)) {
        let name = |name: &str| Domain::parse(name).expect("a name");
        let request = DkimRequest::new(name("a.example"), name("s"), ed25519());
        let message = signed(b"From: a@a.example\r\n\r\nx\r\n", vec![request.into()]);
        let zone = Zone::default().with_answer(NAME, KeyAnswer::Records(records));
        prop_assert!(verify(&message, &zone, &VerifyOptions::default(), NOW)[0].outcome.is_err());
    }

    #[test]
    fn cuts_do_not_matter_to_a_hash(body in text(60), pieces in 1..100_usize, limit in proptest::option::of(0..400_u64)) {
        for form in [BodyForm::Simple, BodyForm::Relaxed, BodyForm::OldSimple, BodyForm::Nofws] {
            let hash = |pieces: usize| {
                let mut hasher = BodyHasher::default();
                let id = hasher.request(BodyHashSpec { limit, ..BodyHashSpec::new(form, HashAlgorithm::Sha256) });
                for piece in body.chunks(pieces) {
                    let _ = hasher.update(piece);
                }
                hasher.finish()[id].clone()
            };
            prop_assert_eq!(hash(pieces), hash(usize::MAX));
        }
    }

    #[test]
    fn tag_lists_go_both_ways(list in "([a-zA-Z_ ]{0,3}=?[ -~\t]{0,8};?){0,6}") {
        if let Ok(tags) = TagList::parse(list.as_bytes()) {
            let written = tags.to_string();
            prop_assert_eq!(TagList::parse(written.as_bytes()), Ok(tags));
        }
    }

    #[test]
    fn key_records_go_both_ways(
        hashes in proptest::collection::vec("sha(1|256)|[a-z][a-z-]{0,5}", 0..3),
        services in proptest::collection::vec("email|\\*|[a-z]{1,5}", 0..3),
        flags in proptest::collection::vec("y|s|[a-z]{1,5}", 0..3),
        note in proptest::option::of(".{0,20}"),
        granularity in proptest::option::of("[a-z*]{0,8}"),
        revoked in any::<bool>(),
    ) {
        let key = (!revoked).then(|| ed25519().public_key());
        let record = KeyRecord { key, hashes, services, flags, granularity, note: None };
        let record = note.map_or(record.clone(), |note| record.with_note(&note));
        prop_assert_eq!(KeyRecord::parse(record.to_string().as_bytes()), Ok(record));
    }
}
