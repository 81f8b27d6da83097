//! Cross-signing both ways, with bodies from nothing to 20 MB.

use crate::foreign::{self, Job, Signer};
use crate::keys::Keys;
use crate::message::DOMAIN;
use crate::verdict::{self, Judgement};
use crate::{Random, message, ours, skip};
use dkim::{Canonicalization, DkimRequest, PrivateKey, SignatureRequest};
use mail::Domain;
use std::sync::Arc;

/// Lengths of bodies, in octets, and up to a line more.
const LENGTHS: [usize; 6] = [0, 1, 1_000, 65_536, 1_000_000, 20_000_000];

#[test]
fn others_pass_what_we_sign_of_any_size() {
    if skip::missing("oracle", verdict::oracle().exists()) {
        return;
    }
    let keys = Keys::new();
    let forms = [Canonicalization::RELAXED, Canonicalization::SIMPLE];
    let both = [("k0", &keys.rsa), ("ed", &keys.ed25519)];
    let requests = || -> Vec<SignatureRequest> {
        let all = forms.iter().flat_map(|&form| both.iter().map(move |(name, key)| request(name, key, form)));
        all.collect()
    };
    let signed = LENGTHS.map(|length| ours::sign(&message_of(length), requests()).expect("it has one From"));
    for (length, judgements) in LENGTHS.into_iter().zip(verdict::judges(&signed, &keys.zone())) {
        assert_eq!(judgements.len(), 4, "{length}");
        for Judgement { algorithm, said } in judgements {
            let passes = said.iter().filter(|(_, said)| said.word == "pass").map(|(judge, _)| judge.as_str());
            let passes: Vec<_> = passes.collect();
            // Debian's Mail::DKIM does not know Ed25519.
            let able = if algorithm == "ed25519-sha256" { 2 } else { 3 };
            assert_eq!(
                passes,
                ["dkimpy", "libopendkim", "mail_dkim"][..able],
                "{length} {algorithm} {said:?}"
            );
        }
    }
}

#[test]
fn we_pass_what_others_sign_of_any_size() {
    if skip::missing("oracle", verdict::oracle().exists()) {
        return;
    }
    let zone = Keys::new().zone();
    let forms = [("relaxed", "relaxed"), ("simple", "simple")];
    for length in LENGTHS {
        let jobs: Vec<_> = Signer::ALL
            .iter()
            .flat_map(|&signer| forms.map(|form| Job::new(signer, message_of(length)).with_forms(form)))
            .collect();
        for (job, signed) in jobs.iter().zip(foreign::sign(&jobs)) {
            let signed = signed.unwrap_or_else(|reason| panic!("{:?} of {length}: {reason}", job.signer));
            let reports = verdict::ours(&signed, &zone);
            let outcomes: Vec<_> = reports.into_iter().map(|report| report.outcome).collect();
            assert_eq!(outcomes, [Ok(())], "{:?} {} of {length}", job.signer, job.body);
        }
    }
}

fn request(selector: &str, key: &Arc<dyn PrivateKey>, form: Canonicalization) -> SignatureRequest {
    let name = |text| Domain::parse(text).expect("it is a name");
    let request = DkimRequest::new(name(DOMAIN), name(selector), Arc::clone(key));
    DkimRequest { canonicalization: form, ..request }.into()
}

/// A message whose body has `length` octets, filled up to the end of a line.
fn message_of(length: usize) -> Vec<u8> {
    let mut text = b"From: a@example.org\r\nTo: b@b.example\r\nSubject: any size\r\n\r\n".to_vec();
    let header = text.len();
    let mut random = Random::of_case(2, length);
    while text.len() - header < length {
        let lines = message::body(&mut random);
        // A CR at the end of these lines would become one of the line that follows.
        text.extend_from_slice(lines.trim_ascii_end());
        text.extend_from_slice(b" \r\n");
    }
    without_bare_cr(&text)
}

/// libopendkim changes a bare CR, see `known.rs`.
fn without_bare_cr(text: &[u8]) -> Vec<u8> {
    let next = text.iter().skip(1).chain(b"\n");
    text.iter()
        .zip(next)
        .filter(|&(&octet, &next)| octet != b'\r' || next == b'\n')
        .map(|(&octet, _)| octet)
        .collect()
}
