//! The relay, the signer and the verifier between smtp-source and smtp-sink.

use crate::figures::{Bound, median, medians};
use crate::source::{Load, count};
use crate::stage::{Gate, Listener};
use crate::{Run, name_server};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use scenarios::process::{own_cpu, sink};
use scenarios::{Keys, keys, ports};
use std::path::Path;

const BARE_SIGNATURES: u32 = 500;
const MEGABYTE: usize = 1_000_000;

/// What the relay costs without a signature.
pub fn pass(run: &mut Run) {
    let (hop, keys) = (ports::free(), Keys::of("example.org"));
    let _sink = sink(hop);
    let gate = Listener::unsigned(&keys).start(hop);
    let messages = run.messages;
    compare(run, "50 sessions, new connections", Load::new(50, false, messages), (hop, &gate), 0.85);
    compare(run, "50 sessions, kept", Load::new(50, true, messages), (hop, &gate), 0.85);
    let cost = compare(run, "one session, kept", Load::new(1, true, messages / 5), (hop, &gate), 0.50);
    run.figures.value("processor time of such a message, µs", cost, Bound::None);
}

/// Beside smtp-source straight into smtp-sink, in turns; gives the processor time of a message.
fn compare(run: &mut Run, name: &str, load: Load, (hop, gate): (u16, &Gate), bound: f64) -> f64 {
    let (mut rates, mut costs) = (Vec::new(), Vec::new());
    for _ in 0..run.rounds {
        let direct = load.rate(hop);
        let before = gate.process.cpu();
        rates.push((direct, load.rate(gate.port)));
        costs.push((gate.process.cpu() - before) / count(load.messages));
    }
    let cost = median(costs);
    run.figures.ratio(&format!("{name}, messages/s"), medians(&rates), Bound::AtLeast(bound));
    if load.sessions > 1 {
        run.figures.value("  processor time of a message, µs", cost, Bound::AtMost(130.0));
    }
    cost
}

/// What signing costs, beside the bare signature.
pub fn signed(run: &mut Run) {
    let (hop, keys) = (ports::free(), Keys::of("example.org"));
    let _sink = sink(hop);
    let gate = Listener::signing(&keys, &[keys::RSA]).start(hop);
    let load = Load::new(50, true, run.messages / 5);
    let mut pairs = Vec::new();
    for _ in 0..run.rounds {
        let bare = bare_signature(&keys.file(keys::RSA));
        pairs.push((bare, cost_of(&gate, load.messages, || load.rate(gate.port))));
    }
    gate.assert_said("signed", load.messages * run.rounds);
    let (bare, cost, ratio) = medians(&pairs);
    run.figures.ratio(
        "10 KB, RSA-2048, µs; beside: the bare signature",
        (bare, cost, ratio),
        Bound::AtMost(1.5),
    );
    run.figures.value("  what is not the signature, µs", cost - bare, Bound::None);
    let load = Load { size: MEGABYTE, ..Load::new(4, true, run.messages / 50) };
    let costs = (0..run.rounds).map(|_| cost_of(&gate, load.messages, || load.rate(gate.port)));
    run.figures.value("1 MB, RSA-2048, µs", median(costs.collect()), Bound::AtMost(2500.0));
}

/// What verifying costs once the key is cached.
pub fn verified(run: &mut Run) {
    let (hop, keys) = (ports::free(), Keys::of("example.org"));
    let _sink = sink(hop);
    let gate = Listener::verifying(name_server::start(&keys.zone())).start(hop);
    for (name, size, messages, bound) in
        [("10 KB", 10_240, run.messages / 2, 200.0), ("1 MB", MEGABYTE, run.messages / 50, 2500.0)]
    {
        let content = keys.sign(&message(size));
        let load = Load::new(if size < MEGABYTE { 20 } else { 4 }, true, messages);
        let costs = (0..run.rounds).map(|_| cost_of(&gate, messages, || load.rate_of(gate.port, &content)));
        let cost = median(costs.collect());
        run.figures.value(&format!("{name}, key cached, processor time, µs"), cost, Bound::AtMost(bound));
    }
    gate.assert_said("dkim=pass", run.rounds * (run.messages / 2 + run.messages / 50));
}

/// The processor time of a message in a run of so many, in microseconds.
fn cost_of(gate: &Gate, messages: usize, send: impl FnOnce() -> f64) -> f64 {
    let before = gate.process.cpu();
    send();
    (gate.process.cpu() - before) / count(messages)
}

/// The processor time of one RSA signature and nothing else, in microseconds. The library is the one that dkimgate uses.
fn bare_signature(file: &Path) -> f64 {
    let pem = std::fs::read(file).expect("the key can be read");
    let der = PrivatePkcs8KeyDer::from_pem_slice(&pem).expect("a PKCS#8 key in PEM");
    let key = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).expect("an RSA key");
    let mut signature = vec![0; key.public_modulus_len()];
    let random = SystemRandom::new();
    let before = own_cpu();
    for number in 0..BARE_SIGNATURES {
        let text = number.to_be_bytes();
        key.sign(&RSA_PKCS1_SHA256, &random, &text, &mut signature).expect("the buffer fits the key");
    }
    (own_cpu() - before) / f64::from(BARE_SIGNATURES)
}

/// A message of about `size` octets of plain text, to be signed.
pub fn message(size: usize) -> Vec<u8> {
    const HEADER: &[u8] = b"Received: from a.example (a.example [192.0.2.1])\r\n\tby b.example (Postfix) with ESMTPS id 4XYZ1\r\n\
        \tfor <bob@example.net>; Tue, 14 Nov 2023 22:13:20 +0000\r\nFrom: Alice <alice@example.org>\r\n\
        To: bob@example.net\r\nSubject: A message to be measured\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n\
        Message-ID: <1@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n";
    const TEXT: &[u8] = b"Lorem ipsum dolor sit amet, consectetur adipiscing elit. Sed do eiusmod tempor\r\n\
        incididunt ut labore et dolore magna aliqua.  Ut enim ad minim veniam, quis nos-\r\n\
        trud exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat.\r\n\r\n";
    HEADER.iter().chain(TEXT.iter().cycle()).copied().take(size.saturating_sub(2)).chain(*b"\r\n").collect()
}
