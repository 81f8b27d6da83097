//! The time that the core takes for one message, for `tests/bench-peers`.
//!
//! `peers make OCTETS KEY.pem FILE` writes a signed message whose body has so many octets, and prints the record of its
//! key. `peers time FILE KEY.pem RECORD SECONDS` prints `sign MICROSECONDS` and `verify MICROSECONDS`, medians.

#![allow(clippy::disallowed_methods, reason = "a benchmark asks the clock")]

use dkim::{DkimRequest, KeyAnswer, KeyRecord, PrivateKey, Signing, SigningKey, Verification, VerifyOptions};
use mail::{Domain, Header, NewField};
use std::sync::Arc;
use std::time::{Duration, Instant};

const HEADER: &str = "From: Author <a@bench.example>\r\nTo: b@b.example\r\nSubject: A message to be measured\r\n\
                      Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <1@bench.example>\r\n\
                      MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n";
const TEXT: &[u8] = b"Lorem ipsum dolor sit amet, consectetur adipiscing elit. Sed do eiusmod tempor\r\n\
      incididunt ut labore et dolore magna aliqua.  Ut enim ad minim veniam, quis nos-\r\n\
      trud exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat.\r\n\r\n";
/// As much as the relay hands over at a time.
const CHUNK: usize = 64 * 1024;
const FEWEST: usize = 3;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["make", octets, key, file] => make(octets.parse().expect("a number"), &load(key), file),
        ["time", file, key, record, seconds] => {
            let budget = Duration::from_secs_f64(seconds.parse().expect("a number"));
            time(&std::fs::read(file).expect("the message can be read"), &load(key), record, budget);
        }
        _ => panic!("usage: peers make OCTETS KEY FILE | peers time FILE KEY RECORD SECONDS"),
    }
}

fn load(file: &str) -> Arc<dyn PrivateKey> {
    let pem = std::fs::read(file).expect("the key can be read");
    Arc::new(SigningKey::from_pem(&pem).expect("a private key in PEM"))
}

fn make(octets: usize, key: &Arc<dyn PrivateKey>, file: &str) {
    let body: Vec<u8> = TEXT.iter().copied().cycle().take(octets.saturating_sub(2)).chain(*b"\r\n").collect();
    let message = [HEADER.as_bytes(), b"\r\n", &body].concat();
    let field = sign(&message, key);
    std::fs::write(file, [field.raw(), &message].concat()).expect("the file can be written");
    println!("{}", KeyRecord::new(key.public_key()));
}

fn time(signed: &[u8], key: &Arc<dyn PrivateKey>, record: &str, budget: Duration) {
    let (header, _) = Header::split(signed);
    let own = header.field(0).expect("it is signed").raw().len();
    let message = &signed[own..];
    println!("sign {:.1}", median(budget, || drop(sign(message, key))));
    println!("verify {:.1}", median(budget, || verify(signed, record)));
}

fn sign(message: &[u8], key: &Arc<dyn PrivateKey>) -> NewField {
    let (header, body) = Header::split(message);
    let name = |text| Domain::parse(text).expect("it is a name");
    let request = DkimRequest::new(name("bench.example"), name("s1"), Arc::clone(key));
    let mut signing = Signing::begin(&header, vec![request.into()]).expect("the message has one author");
    for chunk in body.chunks(CHUNK) {
        let _ = signing.body(chunk);
    }
    signing.finish().expect("the key signs").remove(0)
}

fn verify(signed: &[u8], record: &str) {
    let (header, body) = Header::split(signed);
    let mut verification = Verification::begin(&header, &VerifyOptions::default(), 1_700_000_000);
    for chunk in body.chunks(CHUNK) {
        let _ = verification.body(chunk);
    }
    let answer = KeyAnswer::Records(vec![record.as_bytes().to_vec()]);
    let reports = verification.finish(|_| answer.clone());
    assert!(reports.len() == 1 && reports[0].outcome.is_ok(), "{reports:?}");
}

/// In microseconds.
fn median(budget: Duration, work: impl Fn()) -> f64 {
    work();
    let mut times = Vec::new();
    let end = Instant::now() + budget;
    while times.len() < FEWEST || Instant::now() < end {
        let start = Instant::now();
        work();
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2] * 1e6
}
