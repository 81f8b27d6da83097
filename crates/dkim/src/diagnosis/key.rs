//! What is wrong with a key record, where the right one is not known.

use super::finding::Finding;
use super::names::names_to_ask;
use crate::algorithm::{Algorithm, KeyKind};
use crate::encoding::base64_decode_unpadded;
use crate::key::PrivateKey;
use crate::key::{KeyFlaw, KeyRecord, PublicKey, SigningKey, key_flaws};
use crate::options::KeyAnswer;
use crate::report::{Failure, Report};
use crate::tags::TagList;
use mail::Domain;

/// Looks at the records at the name, or for records at names near by.
pub(super) fn findings(report: &Report, answer: &impl Fn(&Domain) -> KeyAnswer) -> Vec<Finding> {
    let names = names_to_ask(report);
    let Some((wanted, near)) = names.split_first() else { return Vec::new() };
    if report.outcome == Err(Failure::NoKey) {
        let found = near.iter().filter(|name| holds_key(&answer(name)));
        return found
            .map(|found| Finding::KeyElsewhere { wanted: wanted.clone(), found: found.clone() })
            .collect();
    }
    let KeyAnswer::Records(records) = answer(wanted) else { return Vec::new() };
    if let [first, second] = &records[..] {
        let whole = [[&first[..], second].concat(), [&second[..], first].concat()];
        if whole.iter().any(|text| KeyRecord::parse(text).is_ok_and(|record| record.key.is_some())) {
            return vec![Finding::KeyInPieces(records.len())];
        }
    }
    let mut findings: Vec<_> = records.iter().filter_map(|record| cut(record)).collect();
    findings.extend(records.iter().filter_map(|record| of_other_kind(record, report)));
    findings.extend(flaws(&records).into_iter().map(Finding::KeyFlaw));
    findings
}

fn holds_key(answer: &KeyAnswer) -> bool {
    let KeyAnswer::Records(records) = answer else { return false };
    records.iter().any(|record| KeyRecord::parse(record).is_ok_and(|record| record.key.is_some()))
}

/// The flaws that can be told without knowing which key should be there.
fn flaws(records: &[Vec<u8>]) -> Vec<KeyFlaw> {
    // A key that nobody has: what comes of comparing with it is left out.
    let nobodys = SigningKey::from_seed(&[0; 32]).public_key();
    let tells = |flaw: &KeyFlaw| {
        !matches!(
            flaw,
            KeyFlaw::OtherKind { .. }
                | KeyFlaw::OtherKey { .. }
                | KeyFlaw::Damaged(_)
                | KeyFlaw::Bare
                | KeyFlaw::Blanks
                | KeyFlaw::NoVersion
                | KeyFlaw::OtherTexts(_)
                | KeyFlaw::Testing
        )
    };
    key_flaws(records, &nobodys).into_iter().filter(tells).collect()
}

/// A sound key that the algorithm of the signature cannot use.
fn of_other_kind(record: &[u8], report: &Report) -> Option<Finding> {
    let published = KeyRecord::parse(record).ok()?.key?.kind();
    let wanted = Algorithm::parse(report.algorithm.as_deref()?)?.key_kind();
    (published != wanted).then_some(Finding::KeyOfOtherKind { published, wanted })
}

/// Whether `p=` is the beginning of an RSA key.
fn cut(record: &[u8]) -> Option<Finding> {
    let tags = TagList::salvage(record);
    let octets = base64_decode_unpadded(whole_quartets(tags.value("p")?))?;
    let [0x30, 0x82, high, low, ..] = octets[..] else { return None };
    let wanted = 4 + (usize::from(high) << 8 | usize::from(low));
    let is_broken = PublicKey::parse(KeyKind::Rsa, &octets).is_err() && octets.len() < wanted;
    is_broken.then_some(Finding::KeyCut { there: octets.len(), wanted })
}

/// The value without what is left over after the last four characters.
fn whole_quartets(value: &str) -> &[u8] {
    let value = value.as_bytes();
    &value[..value.len() - value.len() % 4]
}
