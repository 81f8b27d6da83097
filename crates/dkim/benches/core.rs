//! Canonicalization with hashing beside SHA-256 alone, signing and verifying.
//!
//! `cargo bench -p dkimgate-dkim`; the ratio of two lines of one run says more than either alone.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use dkim::{
    BodyForm, BodyHashSpec, BodyHasher, DkimRequest, HashAlgorithm, KeyAnswer, KeyKind, KeyRecord,
    PrivateKey, Signing, SigningKey, Verification, VerifyOptions,
};
use mail::{Domain, Header};
use std::sync::Arc;

/// What a chunk of a body usually measures.
const CHUNK: usize = 64 * 1024;
const SIZE: usize = 8 * 1024 * 1024;

fn main() {
    divan::main();
}

/// A body of one sort.
fn body(sort: &str) -> Vec<u8> {
    let line: &[u8] = match sort {
        "text" => {
            b"Lorem ipsum dolor sit amet, consectetur adipiscing elit. Sed do eiusmod tempor\r\n\
            incididunt ut labore et dolore magna aliqua.  Ut enim ad minim veniam, quis nos-\r\n\
            trud exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat.\r\n\r\n"
        }
        "flowed" => {
            b"> Lorem ipsum dolor sit amet, consectetur adipiscing elit. Sed do eiusmod \r\n\
            > incididunt ut labore et dolore magna aliqua.  Ut enim ad minim veniam, \r\n"
        }
        "tabs" => b"\t\t\tif (x)  {\r\n\t\t\t\treturn  y;\r\n\t\t\t}\r\n",
        _ => b"TWFuIGlzIGRpc3Rpbmd1aXNoZWQsIG5vdCBvbmx5IGJ5IGhpcyByZWFzb24sIGJ1dCBieSB0aGlz\r\n",
    };
    line.iter().copied().cycle().take(SIZE).collect()
}

#[divan::bench(args = ["text", "base64"])]
fn sha256_alone(bencher: Bencher<'_, '_>, sort: &str) {
    let body = body(sort);
    bencher.counter(BytesCount::new(SIZE)).bench(|| {
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        body.chunks(CHUNK).for_each(|chunk| context.update(black_box(chunk)));
        context.finish()
    });
}

fn hashed(bencher: Bencher<'_, '_>, sort: &str, forms: &[BodyForm]) {
    let body = body(sort);
    bencher.counter(BytesCount::new(SIZE)).bench(|| {
        let mut hasher = BodyHasher::default();
        for form in forms {
            hasher.request(BodyHashSpec::new(*form, HashAlgorithm::Sha256));
        }
        for chunk in body.chunks(CHUNK) {
            let _ = hasher.update(black_box(chunk));
        }
        hasher.finish()
    });
}

#[divan::bench(args = ["text", "base64", "flowed", "tabs"])]
fn relaxed(bencher: Bencher<'_, '_>, sort: &str) {
    hashed(bencher, sort, &[BodyForm::Relaxed]);
}

#[divan::bench(args = ["text", "base64"])]
fn simple(bencher: Bencher<'_, '_>, sort: &str) {
    hashed(bencher, sort, &[BodyForm::Simple]);
}

#[divan::bench(args = ["text", "base64"])]
fn nofws(bencher: Bencher<'_, '_>, sort: &str) {
    hashed(bencher, sort, &[BodyForm::Nofws]);
}

#[divan::bench(args = ["text", "base64"])]
fn ten_relaxed_signatures(bencher: Bencher<'_, '_>, sort: &str) {
    hashed(bencher, sort, &[BodyForm::Relaxed; 10]);
}

fn message(size: usize) -> Vec<u8> {
    let head = b"Received: from a.example by b.example; Mon, 1 Jan 2024 00:00:00 +0000\r\n\
        From: Joe <joe@a.example>\r\nTo: Suzie <suzie@b.example>\r\nSubject: Is dinner ready?\r\n\
        Date: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <1@a.example>\r\nMIME-Version: 1.0\r\n\
        Content-Type: text/plain; charset=utf-8\r\n\r\n";
    head.iter().copied().chain(body("text").into_iter().cycle().take(size)).collect()
}

fn key(kind: KeyKind) -> Arc<dyn PrivateKey> {
    Arc::new(SigningKey::generate(kind, 2048).unwrap())
}

fn sign(message: &[u8], key: &Arc<dyn PrivateKey>) -> Vec<u8> {
    let (header, body) = Header::split(message);
    let name = |name: &str| Domain::parse(name).unwrap();
    let request = DkimRequest::new(name("a.example"), name("s"), key.clone());
    let mut signing = Signing::begin(&header, vec![request.into()]).unwrap();
    let _ = signing.body(body);
    signing.finish().unwrap()[0].raw().to_vec()
}

const SIZES: [usize; 4] = [1_000, 10_000, 1_000_000, 20_000_000];

#[divan::bench(args = SIZES)]
fn sign_rsa_2048(bencher: Bencher<'_, '_>, size: usize) {
    let (message, key) = (message(size), key(KeyKind::Rsa));
    bencher.bench(|| sign(black_box(&message), &key));
}

#[divan::bench(args = SIZES)]
fn sign_ed25519(bencher: Bencher<'_, '_>, size: usize) {
    let (message, key) = (message(size), key(KeyKind::Ed25519));
    bencher.bench(|| sign(black_box(&message), &key));
}

/// The signature of RSA alone, without any of DKIM.
#[divan::bench]
fn bare_rsa_2048(bencher: Bencher<'_, '_>) {
    let key = key(KeyKind::Rsa);
    bencher.bench(|| key.sign(black_box(b"text")).unwrap());
}

fn verify(bencher: Bencher<'_, '_>, size: usize, kind: KeyKind) {
    let (message, key) = (message(size), key(kind));
    let signed = [sign(&message, &key), message].concat();
    let record = KeyRecord::new(key.public_key()).to_string().into_bytes();
    bencher.bench(|| {
        let (header, body) = Header::split(black_box(&signed));
        let mut verification = Verification::begin(&header, &VerifyOptions::default(), 0);
        let _ = verification.body(body);
        let reports = verification.finish(|_| KeyAnswer::Records(vec![record.clone()]));
        assert_eq!(reports[0].outcome, Ok(()));
    });
}

#[divan::bench(args = SIZES)]
fn verify_rsa_2048(bencher: Bencher<'_, '_>, size: usize) {
    verify(bencher, size, KeyKind::Rsa);
}

#[divan::bench(args = SIZES)]
fn verify_ed25519(bencher: Bencher<'_, '_>, size: usize) {
    verify(bencher, size, KeyKind::Ed25519);
}
