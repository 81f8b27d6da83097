//! Tag lists, signatures, key records, canonical bodies, and whole messages.

use super::pieces;
use dkim::{
    BodyCanonicalizer, BodyForm, HashAlgorithm, KeyAnswer, KeyRecord, Kind, Report, ResultWord, TagList,
    Verification, VerifyOptions,
};
use mail::Header;

/// A time at which nothing of the seeds has expired.
const NOW: u64 = 1_700_000_000;

/// What is written is read again, and what can be saved of a sound list is all of it.
pub fn tag_list(input: &[u8]) {
    let saved = TagList::salvage(input);
    let Ok(list) = TagList::parse(input) else { return };
    assert_eq!(saved, list);
    let written = list.to_string();
    assert_eq!(TagList::parse(written.as_bytes()), Ok(list.clone()));
    let text = std::str::from_utf8(input).expect("it was read");
    for tag in &list {
        assert_eq!(text[tag.span.clone()].trim(), tag.value.trim(), "{}", tag.name);
    }
}

/// What a key record says is written and read again.
pub fn key_record(input: &[u8]) {
    let Ok(record) = KeyRecord::parse(input) else { return };
    let written = record.to_string();
    assert_eq!(KeyRecord::parse(written.as_bytes()), Ok(record.clone()), "{written}");
    assert_eq!(
        record.allows_mail(),
        KeyRecord::parse(written.as_bytes()).is_ok_and(|again| again.allows_mail())
    );
    let _ = record.allows_hash(HashAlgorithm::Sha256);
}

/// A field of any text is judged, the same below another field, and never passes.
pub fn signature(input: &[u8]) {
    let value: Vec<u8> = input.iter().copied().filter(|octet| !matches!(octet, b'\r' | b'\n')).collect();
    let field = [b"DKIM-Signature: ", &value[..], b"\r\n"].concat();
    let rest = b"From: a@a.example\r\n\r\nbody\r\n";
    let reports = verify(&[&field[..], rest].concat(), None);
    let [report] = &reports[..] else { panic!("one signature, {} reports", reports.len()) };
    check(report);
    let below = verify(&[b"Received: by b.example\r\n", &field[..], rest].concat(), None);
    assert_eq!((below[0].word(), &below[0].domain), (report.word(), &report.domain));
    assert_ne!(report.word(), ResultWord::Pass, "nobody signed this");
}

/// Cuts do not matter to a canonical form, and the form is one: done again, nothing changes.
pub fn canonical_body(input: &[u8]) {
    let (body, pieces) = pieces(input);
    for form in [BodyForm::Simple, BodyForm::Relaxed, BodyForm::OldSimple, BodyForm::Nofws] {
        let whole = canonical(form, &[body]);
        assert_eq!(canonical(form, &pieces), whole, "{form:?}");
        assert_eq!(canonical(form, &[&whole]), whole, "{form:?} of itself");
        assert!(whole.is_empty() || whole.ends_with(b"\r\n"), "{form:?}");
        assert!(whole == b"\r\n" || !whole.ends_with(b"\r\n\r\n"), "{form:?}");
    }
}

fn canonical(form: BodyForm, pieces: &[&[u8]]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut machine = BodyCanonicalizer::new(form);
    for piece in pieces {
        machine.update(piece, |out| text.extend_from_slice(out));
    }
    machine.finish(|out| text.extend_from_slice(out));
    text
}

/// A whole message under any key record: one report for each signature, whatever the cuts of the body.
pub fn verifier(input: &[u8]) {
    let (text, _) = pieces(input);
    // A record for every name, then the message.
    let (record, message) =
        text.split_at(text.iter().position(|&octet| octet == b'\n').map_or(0, |at| at + 1));
    let reports = verify(message, Some(record));
    let (header, _) = Header::split(message);
    let fields = |name| header.named(name).map(|(at, _)| at).collect::<Vec<_>>();
    let mut expected = [fields("DKIM-Signature"), fields("DomainKey-Signature")].concat();
    expected.sort_unstable();
    assert_eq!(reports.iter().map(|report| report.field).collect::<Vec<_>>(), expected);
    reports.iter().for_each(check);
    let (_, cuts) = pieces(input);
    let lengths: Vec<_> = cuts.iter().map(|piece| piece.len()).collect();
    assert_eq!(verify_in_pieces(message, Some(record), &lengths), reports);
}

fn verify(message: &[u8], record: Option<&[u8]>) -> Vec<Report> {
    verify_in_pieces(message, record, &[])
}

fn verify_in_pieces(message: &[u8], record: Option<&[u8]>, lengths: &[usize]) -> Vec<Report> {
    let (header, mut body) = Header::split(message);
    let options = VerifyOptions { allow_legacy: true, ..VerifyOptions::default() };
    let mut verification = Verification::begin(&header, &options, NOW);
    for &length in lengths {
        let (piece, rest) = body.split_at(length.min(body.len()));
        let _ = verification.body(piece);
        body = rest;
    }
    let _ = verification.body(body);
    verification
        .finish(|_| record.map_or(KeyAnswer::Absent, |record| KeyAnswer::Records(vec![record.to_vec()])))
}

/// What holds for any report.
fn check(report: &Report) {
    assert!(!report.b.contains(|c: char| c.is_whitespace() || c.is_control()), "{}", report.b);
    assert_ne!(report.word(), ResultWord::None);
    if report.outcome.is_ok() {
        assert!(report.domain.is_some() && report.selector.is_some() && report.key.is_some());
        assert!(report.kind == Kind::DomainKeys || report.canonicalization.is_some());
    }
    if let Err(failure) = &report.outcome {
        assert!(!failure.to_string().contains(['\r', '\n', '\0']));
    }
}
