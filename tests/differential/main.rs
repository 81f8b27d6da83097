//! Differential tests: a seeded generator makes messages, several signers sign them, they are changed on their way,
//! and then our verdict must be that of at least two of three others, `Mail::DKIM`, dkimpy and libopendkim, or the
//! difference is one of `known.rs`.
//!
//! An ordinary run takes a few hundred messages. `DKIMGATE_DIFFERENTIAL=20000` asks for more, with
//! `DKIMGATE_DIFFERENTIAL_SEED=7` for others; the seed of an ordinary run is always the same.

// In a test, a panic with the reason in its text is how a failure is told.
#![allow(clippy::unwrap_used)]

mod foreign;
mod keys;
mod known;
mod message;
mod mutation;
mod naive;
mod odd;
mod ours;
mod random;
mod sizes;
mod verdict;

use foreign::Job;
use keys::Keys;
use known::Case;
use random::Random;
use scenarios::skip;
use std::collections::BTreeMap;
use verdict::Judgement;

/// How many messages each signer signs in an ordinary run.
const COUNT: usize = 150;
/// So many messages are judged at a time; more would only fill the disk.
const BATCH: usize = 500;

#[test]
fn what_we_signed_is_judged_alike() {
    run("ours", |messages, keys, randoms| {
        let signed = messages.into_iter().zip(randoms);
        signed.filter_map(|(message, random)| ours::signed(&message, keys, random)).collect()
    });
}

#[test]
fn what_is_signed_in_odd_words_is_judged_alike() {
    run("odd", |messages, keys, randoms| {
        let signed = messages.into_iter().zip(randoms);
        signed.map(|(message, random)| odd::signed(&message, keys, random)).collect()
    });
}

#[test]
fn what_others_signed_is_judged_alike() {
    run("foreign", |messages, _, randoms| {
        let jobs = messages.into_iter().zip(randoms);
        let jobs: Vec<_> = jobs.map(|(message, random)| Job::chosen(message, random)).collect();
        foreign::sign(&jobs).into_iter().flatten().collect()
    });
}

#[test]
fn what_is_signed_as_before_dkim_is_judged_alike() {
    run("old", |messages, keys, randoms| {
        let signed = messages.into_iter().zip(randoms);
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for (message, random) in signed {
            if random.chance(50) {
                ours.extend(ours::signed_old(&message, keys, random));
            } else {
                theirs.push(Job::old(message, random));
            }
        }
        ours.extend(foreign::sign(&theirs).into_iter().flatten());
        ours
    });
}

/// Signs a batch of messages.
type Sign = fn(Vec<Vec<u8>>, &Keys, &mut [Random]) -> Vec<Vec<u8>>;

fn run(name: &str, sign: Sign) {
    if skip::missing("oracle", verdict::oracle().exists()) {
        return;
    }
    let (count, seed) = (setting("DKIMGATE_DIFFERENTIAL", COUNT), setting("DKIMGATE_DIFFERENTIAL_SEED", 1));
    let mut tally = Tally::default();
    for start in (0..count).step_by(BATCH) {
        let mut randoms: Vec<_> =
            (start..count.min(start + BATCH)).map(|case| Random::of_case(seed as u64, case)).collect();
        tally.take(sign, &mut randoms);
    }
    let Tally { messages, signatures, passes, known, .. } = &tally;
    println!(
        "{name}: {messages} messages, {signatures} signatures, {passes} pass; known differences: {known:#?}"
    );
    let Tally { signatures, passes, unexplained, .. } = tally;
    assert!(unexplained.is_empty(), "{name}: {} differences:\n{}", unexplained.len(), unexplained.join("\n"));
    assert!(passes * 4 > signatures, "too few pass to say anything: {passes} of {signatures}");
}

fn setting(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().map_or(default, |value| value.parse().expect("a number"))
}

/// What came of a run.
#[derive(Debug, Default)]
struct Tally {
    messages: usize,
    signatures: usize,
    passes: usize,
    /// How often each known difference was met.
    known: BTreeMap<&'static str, usize>,
    unexplained: Vec<String>,
}

impl Tally {
    /// Makes a batch, and compares.
    fn take(&mut self, sign: Sign, randoms: &mut [Random]) {
        let keys = Keys::new();
        let zone = keys.zone();
        let messages = randoms.iter_mut().map(message::message).collect();
        let signed = sign(messages, &keys, randoms);
        let messages: Vec<_> = signed
            .into_iter()
            .zip(randoms)
            .map(|(message, random)| mutation::mutated(message, random))
            .collect();
        for (message, judgements) in messages.iter().zip(verdict::judges(&messages, &zone)) {
            self.messages += 1;
            let reports = verdict::ours(message, &zone);
            assert_eq!(reports.len(), judgements.len(), "signatures in:\n{}", message.escape_ascii());
            for (report, judgement) in reports.iter().zip(&judgements) {
                self.compare(&Case { message, report, judgement });
            }
        }
    }

    fn compare(&mut self, case: &Case<'_>) {
        self.signatures += 1;
        self.passes += usize::from(case.report.outcome.is_ok());
        let judges = case.judgement.said.keys().filter(|judge| case.differs(judge));
        let reasons: Vec<_> = judges.map(|judge| known::reason(case, judge)).collect();
        if reasons.iter().filter(|reason| reason.is_none()).count() > case.judgement.tolerance() {
            self.unexplained.push(told(case));
        } else if reasons.len() > case.judgement.tolerance() {
            reasons.into_iter().flatten().for_each(|reason| *self.known.entry(reason).or_default() += 1);
        }
    }
}

/// The difference in words, with the message kept for a closer look.
fn told(case: &Case<'_>) -> String {
    let Case { message, report, judgement: Judgement { said, .. } } = case;
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("differences");
    let name = format!("{:016x}.eml", digest(message));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(&name), message).unwrap();
    let outcome = report.outcome.as_ref().map_or_else(ToString::to_string, |()| "pass".to_owned());
    let said: Vec<_> =
        said.iter().map(|(judge, said)| format!("{judge}: {} ({})", said.word, said.detail)).collect();
    format!("{name} field {}: we say {outcome}; {}", report.field, said.join("; "))
}

fn digest(message: &[u8]) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    message.hash(&mut hasher);
    hasher.finish()
}
