//! Which of the records at a name can be used for a signature (RFC 6376 §6.1.2).

use super::{KeyRecord, KeyRecordError, PublicKey};
use crate::algorithm::{Algorithm, KeyKind};
use crate::options::{KeyAnswer, VerifyOptions};
use crate::report::{Failure, KeyFacts};

/// More records at one name are not looked at: each may cost an RSA operation.
const MAX_RECORDS: usize = 10;
/// The smallest RSA key that passes for archives and tests (RFC 6376 §3.3.3).
const LEGACY_MIN_BITS: u32 = 512;

/// What a signature asks of its key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand<'a> {
    pub(crate) algorithm: Algorithm,
    /// `i=` names a subdomain of `d=`.
    pub(crate) subdomain: bool,
    /// The local part that `g=` must allow; DKIM does not ask.
    pub(crate) sender: Option<&'a str>,
    pub(crate) options: &'a VerifyOptions,
}

/// A key that can be used.
#[derive(Clone, Debug)]
pub(crate) struct Usable {
    pub(crate) key: PublicKey,
    pub(crate) facts: KeyFacts,
}

/// Why none can be used, and what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Unusable {
    pub(crate) facts: Option<KeyFacts>,
    pub(crate) failure: Failure,
}

impl From<KeyRecordError> for Unusable {
    fn from(error: KeyRecordError) -> Self {
        Failure::KeyRecord(error).into()
    }
}

impl From<Failure> for Unusable {
    fn from(failure: Failure) -> Self {
        Self { facts: None, failure }
    }
}

impl Demand<'_> {
    /// The keys in an answer that this signature may be verified with; at least one.
    pub(crate) fn choose(&self, answer: KeyAnswer) -> Result<Vec<Usable>, Unusable> {
        let records = match answer {
            KeyAnswer::Records(records) => records,
            KeyAnswer::Absent => return Err(Failure::NoKey.into()),
            KeyAnswer::Unavailable(reason) => return Err(Failure::KeyUnavailable(reason).into()),
        };
        let mut usable = Vec::new();
        let mut unusable: Option<Unusable> = None;
        for record in records.iter().take(MAX_RECORDS) {
            match self.check(record) {
                Ok(key) => usable.push(key),
                // A wildcard may have put other texts beside the key record: what is nearest to one counts.
                Err(other) if unusable.as_ref().is_none_or(|one| nearness(one) < nearness(&other)) => {
                    unusable = Some(other);
                }
                Err(_) => {}
            }
        }
        match unusable {
            _ if !usable.is_empty() => Ok(usable),
            Some(unusable) => Err(unusable),
            None => Err(Failure::NoKey.into()),
        }
    }

    /// The steps of RFC 6376 §6.1.2 for one record.
    fn check(&self, record: &[u8]) -> Result<Usable, Unusable> {
        let record = KeyRecord::parse(record)?;
        let facts = record.key.as_ref().map(|key| KeyFacts {
            kind: key.kind(),
            bits: key.bits(),
            testing: record.is_testing(),
            strict: record.is_strict(),
        });
        if let Err(failure) = self.check_terms(&record) {
            return Err(Unusable { facts, failure });
        }
        // RFC 6376 §6.1.2: "If the public-key data (the "p=" tag) is empty, then this key has been revoked"
        let (Some(key), Some(facts)) = (record.key, facts) else { return Err(Failure::KeyRevoked.into()) };
        match self.check_key(&key) {
            Ok(()) => Ok(Usable { key, facts }),
            Err(failure) => Err(Unusable { facts: Some(facts), failure }),
        }
    }

    /// What the record says of its use.
    fn check_terms(&self, record: &KeyRecord) -> Result<(), Failure> {
        // RFC 6376 §3.6.1: "Verifiers for a given service type MUST ignore this record if the appropriate type is not listed."
        if !record.allows_mail() {
            return Err(Failure::KeyService);
        }
        if !record.allows_hash(self.algorithm.hash()) {
            return Err(Failure::KeyHash);
        }
        // RFC 6376 §3.6.1: "the "i=" domain MUST NOT be a subdomain of "d=""
        if self.subdomain && record.is_strict() {
            return Err(Failure::KeyStrict);
        }
        if let (Some(sender), Some(pattern)) = (self.sender, &record.granularity)
            && !matches(pattern, sender)
        {
            return Err(Failure::KeyGranularity);
        }
        Ok(())
    }

    /// Type and size.
    fn check_key(&self, key: &PublicKey) -> Result<(), Failure> {
        if key.kind() != self.algorithm.key_kind() {
            return Err(Failure::KeyKind);
        }
        let VerifyOptions { min_rsa_bits, max_rsa_bits, allow_legacy, .. } = *self.options;
        let min = if allow_legacy { LEGACY_MIN_BITS } else { min_rsa_bits };
        match key.kind() {
            KeyKind::Rsa if key.bits() < min => Err(Failure::KeyTooShort(key.bits())),
            KeyKind::Rsa if key.bits() > max_rsa_bits => Err(Failure::KeyTooLong(key.bits())),
            KeyKind::Rsa | KeyKind::Ed25519 => Ok(()),
        }
    }
}

/// How near a record came to being used.
fn nearness(unusable: &Unusable) -> u8 {
    match unusable.failure {
        Failure::KeyRecord(
            KeyRecordError::TagList(_) | KeyRecordError::Version | KeyRecordError::Missing,
        ) => 0,
        Failure::KeyRecord(_) => 1,
        _ => 2,
    }
}

/// Whether a local part is what `g=` says: any if there is nothing, else with one `*` for any characters.
fn matches(pattern: &str, local_part: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern.is_empty() || pattern == local_part,
        Some((begin, end)) => {
            local_part.len() >= begin.len() + end.len()
                && local_part.starts_with(begin)
                && local_part.ends_with(end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn granularity_has_one_wildcard() {
        for (pattern, local_part, expected) in [
            ("", "joe", true),
            ("*", "joe", true),
            ("joe", "joe", true),
            ("joe", "jo", false),
            ("jo*e", "joe", true),
            ("joe*joe", "joe", false),
            ("*-offer", "new-offer", true),
            ("*-offer", "offer", false),
        ] {
            assert_eq!(matches(pattern, local_part), expected, "{pattern} {local_part}");
        }
    }
}
