//! The core alone, in this process: canonicalization, signing, verifying.

use crate::Run;
use crate::figures::{Bound, medians};
use crate::relay::message;
use dkim::{
    BodyForm, BodyHashSpec, BodyHasher, DkimRequest, HashAlgorithm, KeyAnswer, KeyKind, KeyRecord,
    PrivateKey, Report, Signing, SigningKey, Verification, VerifyOptions,
};
use mail::{Domain, Header};
use ring::digest::{Context, SHA256};
use scenarios::process::own_cpu;
use std::hint::black_box;
use std::sync::Arc;

/// What a chunk of a body usually measures.
const CHUNK: usize = 64 << 10;
const BODY: usize = 8 << 20;
/// Each of these takes milliseconds: more of them than of runs with a network.
const PAIRS: usize = 21;
/// RFC 8601 has no limit; a message of 64 KB may have so many.
const SIGNATURES: usize = 1009;

type Key = Arc<dyn PrivateKey>;

/// Every figure of the core.
pub fn core(run: &mut Run) {
    hashing(run);
    several_signatures(run);
    headers(run);
}

/// Canonicalization with hashing, as a share of the speed of the hash alone.
fn hashing(run: &mut Run) {
    for (name, form, text, bound) in [
        ("relaxed, text", BodyForm::Relaxed, text(), 0.60),
        ("relaxed, base64", BodyForm::Relaxed, base64(), 0.80),
        ("simple, text", BodyForm::Simple, text(), 0.95),
        ("simple, base64", BodyForm::Simple, base64(), 0.95),
    ] {
        let alone = || {
            let mut context = Context::new(&SHA256);
            text.chunks(CHUNK).for_each(|chunk| context.update(black_box(chunk)));
            black_box(context.finish());
        };
        let pairs = in_turns(alone, || hashed(&text, &[form]), megabytes_a_second(text.len()));
        let name = format!("{name}, MB/s; beside: SHA-256 alone");
        run.figures.ratio(&name, medians(&pairs), Bound::AtLeast(bound));
    }
    let text = text();
    let one = || hashed(&text, &[BodyForm::Relaxed]);
    let pairs = in_turns(one, || hashed(&text, &[BodyForm::Relaxed; 10]), milliseconds);
    run.figures.ratio("ten hashes of one form, 8 MB, ms; beside: one", medians(&pairs), Bound::AtMost(1.1));
}

fn hashed(text: &[u8], forms: &[BodyForm]) {
    let mut hasher = BodyHasher::default();
    for form in forms {
        hasher.request(BodyHashSpec::new(*form, HashAlgorithm::Sha256));
    }
    for chunk in text.chunks(CHUNK) {
        let _ = hasher.update(black_box(chunk));
    }
    black_box(hasher.finish());
}

fn several_signatures(run: &mut Run) {
    let key = |kind| -> Key { Arc::new(SigningKey::generate(kind, 2048).expect("a key can be made")) };
    let (rsa, ed25519) = (key(KeyKind::Rsa), key(KeyKind::Ed25519));
    let message = message(20_000_000);
    let (one, both) = ([Arc::clone(&rsa)], [rsa, ed25519]);
    let pairs = in_turns(|| drop(sign(&message, &one)), || drop(sign(&message, &both)), milliseconds);
    run.figures.ratio("RSA and Ed25519 over 20 MB, ms; beside: RSA", medians(&pairs), Bound::AtMost(1.1));
}

/// Headers of which there is too much.
fn headers(run: &mut Run) {
    let key: Key = Arc::new(SigningKey::generate(KeyKind::Ed25519, 0).expect("a key can be made"));
    let record = KeyRecord::new(key.public_key()).to_string().into_bytes();
    let mut verifying = |name: &str, once: Vec<u8>, twice: Vec<u8>| {
        let verified = |message: &[u8]| drop(black_box(verify(message, &record)));
        let pairs = in_turns(|| verified(&once), || verified(&twice), milliseconds);
        let (once, twice, ratio) = medians(&pairs);
        run.figures.value(&format!("{name}, ms"), once, Bound::AtMost(50.0));
        run.figures.ratio("  twice of it, ms; beside: once", (once, twice, ratio), Bound::AtMost(2.5));
    };
    let signed = |message: Vec<u8>| [sign(&message, &[Arc::clone(&key)]).concat(), message].concat();
    let fields =
        |count: usize| signed(["To: b@example.net\r\n".repeat(count).into_bytes(), message(2000)].concat());
    verifying("10,000 fields", fields(10_000), fields(20_000));
    let long = |size: usize| {
        signed(
            [format!("Subject: {}\r\n", "x y\r\n\t".repeat(size / 6) + "z").into_bytes(), message(2000)]
                .concat(),
        )
    };
    verifying("a field of 1 MB", long(1_000_000), long(2_000_000));
    let message = message(2000);
    let field = sign(&message, &[Arc::clone(&key)]).concat();
    let many = |count: usize| [field.repeat(count), message.clone()].concat();
    verifying("1,009 signatures", many(SIGNATURES), many(2 * SIGNATURES));
}

fn sign(message: &[u8], keys: &[Key]) -> Vec<Vec<u8>> {
    let (header, body) = Header::split(message);
    let name = |text| Domain::parse(text).expect("it is a name");
    let request = |key: &Key| DkimRequest::new(name("example.org"), name("s1"), Arc::clone(key)).into();
    let mut signing =
        Signing::begin(&header, keys.iter().map(request).collect()).expect("the message has an author");
    body.chunks(CHUNK).for_each(|chunk| _ = signing.body(chunk));
    signing.finish().expect("the keys sign").iter().map(|field| field.raw().to_vec()).collect()
}

/// At least one signature passes.
fn verify(message: &[u8], record: &[u8]) -> Vec<Report> {
    let (header, body) = Header::split(message);
    let mut verification = Verification::begin(&header, &VerifyOptions::default(), 1_700_000_000);
    body.chunks(CHUNK).for_each(|chunk| _ = verification.body(chunk));
    let reports = verification.finish(|_| KeyAnswer::Records(vec![record.to_vec()]));
    assert!(reports.iter().any(|report| report.outcome.is_ok()), "{:?}", reports.first());
    reports
}

/// Does both in turns, so that other work on the machine falls on both; gives pairs of what `unit` makes of the
/// microseconds of processor time.
fn in_turns(first: impl Fn(), second: impl Fn(), unit: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    let timed = |work: &dyn Fn()| {
        let before = own_cpu();
        work();
        unit(own_cpu() - before)
    };
    (0..PAIRS).map(|_| (timed(&first), timed(&second))).collect()
}

fn milliseconds(microseconds: f64) -> f64 {
    microseconds / 1000.0
}

fn megabytes_a_second(octets: usize) -> impl Fn(f64) -> f64 {
    let octets = crate::source::count(octets);
    move |microseconds| octets / microseconds
}

/// Plain text without a header.
fn text() -> Vec<u8> {
    message(BODY)
}

fn base64() -> Vec<u8> {
    const LINE: &[u8] = b"TWFuIGlzIGRpc3Rpbmd1aXNoZWQsIG5vdCBvbmx5IGJ5IGhpcyByZWFzb24sIGJ1dCBieSB0aGlz\r\n";
    LINE.iter().copied().cycle().take(BODY).collect()
}
