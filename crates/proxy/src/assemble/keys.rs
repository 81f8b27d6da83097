//! The private keys that a file names: read, judged, and made where it says so.

use crate::key::file::{self, KeyFileError};
use crate::key::generate;
use crate::key::record::Publication;
use config::{Fault, Outbound, Rule, Signature};
use dkim::{Algorithm, KeyKind, PrivateKey, PublicKey};
use policy::outbound::KeyName;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// A shorter RSA key is refused (RFC 8301 §3.2).
const LEAST_BITS: u32 = 1024;
/// A shorter RSA key is warned of. RFC 8301 §3.2: "Signers SHOULD use RSA keys of at least 2048 bits."
const GOOD_BITS: u32 = 2048;

/// Keys by name.
pub type Keys = HashMap<KeyName, Arc<dyn PrivateKey>>;

/// What is done about a key that does not exist although `generate: true` asks for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Missing {
    /// It is made.
    Make,
    /// It is left for later: nothing is written.
    Leave,
}

/// A key that was made.
pub struct Made {
    /// Where it is.
    pub path: PathBuf,
    /// What to publish.
    pub record: Publication,
}

/// All keys of a file, and which of them are new. What is wrong with the others is added to the faults.
pub fn load(outbound: &Outbound, missing: Missing, faults: &mut Vec<Fault>) -> (Keys, Vec<Made>) {
    let (mut keys, mut made) = (Keys::new(), Vec::new());
    for (rule, signature) in
        outbound.rules.iter().flat_map(|rule| rule.signatures.iter().map(move |one| (rule, one)))
    {
        let name = name(signature);
        if !keys.contains_key(&name) {
            match key(signature, missing, faults) {
                Ok(Some((key, new))) => {
                    if new {
                        made.extend(publications(rule, signature, &key.public_key()));
                    }
                    keys.insert(name.clone(), key);
                }
                Ok(None) => {}
                Err(fault) => faults.push(fault),
            }
        }
        if let Some(key) = keys.get(&name) {
            faults.extend(mismatch(signature, &key.public_key()));
        }
    }
    (keys, made)
}

/// The name of a signature's key: its path.
pub fn name(signature: &Signature) -> KeyName {
    KeyName::new(&signature.keyfile.value.to_string_lossy())
}

/// The key of a signature, and whether it is new; `None` if it is left for later.
fn key(
    signature: &Signature,
    missing: Missing,
    faults: &mut Vec<Fault>,
) -> Result<Option<(Arc<dyn PrivateKey>, bool)>, Fault> {
    let path = &signature.keyfile.value;
    let unusable = |error: KeyFileError| Fault::unusable(signature.keyfile.place, &error, remedy(&error));
    if signature.generate && path.symlink_metadata().is_err() {
        if missing == Missing::Leave {
            return Ok(None);
        }
        let kind = signature.algorithm.map_or(KeyKind::Rsa, kind);
        let key = generate::make(path, kind, GOOD_BITS).map_err(unusable)?;
        return Ok(Some((Arc::new(key), true)));
    }
    let key = file::read(path).map_err(unusable)?;
    faults.extend(weakness(signature, &key.public_key()));
    Ok(Some((Arc::new(key), false)))
}

fn remedy(error: &KeyFileError) -> &'static str {
    match error {
        KeyFileError::Unusable { .. } => "name a file with an unencrypted RSA or Ed25519 private key in PEM",
        KeyFileError::Unreadable { .. } | KeyFileError::Unwritable { .. } => {
            "let the user that dkimgate runs as get there, or name another file"
        }
        KeyFileError::Exists(_) | KeyFileError::NotMade(_) | KeyFileError::Name(_) => {
            "make the key with `dkimgate key generate`"
        }
    }
}

fn weakness(signature: &Signature, key: &PublicKey) -> Option<Fault> {
    let bits = key.bits();
    if key.kind() != KeyKind::Rsa || bits >= GOOD_BITS {
        return None;
    }
    let remedy = "make a key of 2048 bits with another selector, publish it, then name it here";
    let place = signature.keyfile.place;
    Some(if bits < LEAST_BITS {
        Fault::unusable(
            place,
            format!("the key has {bits} bits, and nobody accepts less than 1024 (RFC 8301)"),
            remedy,
        )
    } else {
        Fault::doubtful(place, format!("the key has {bits} bits; 2048 are usual by now (RFC 8301)"), remedy)
    })
}

fn mismatch(signature: &Signature, key: &PublicKey) -> Option<Fault> {
    let wanted = kind(signature.algorithm?);
    (wanted != key.kind()).then(|| {
        let problem =
            format!("the key is of type {}, and the algorithm needs {}", key.kind().name(), wanted.name());
        Fault::unusable(signature.keyfile.place, problem, "leave `algorithm` out, or name a key of its type")
    })
}

fn kind(algorithm: config::Algorithm) -> KeyKind {
    match algorithm {
        config::Algorithm::RsaSha256 => Algorithm::RsaSha256.key_kind(),
        config::Algorithm::Ed25519Sha256 => Algorithm::Ed25519Sha256.key_kind(),
    }
}

/// One record for each domain that signs with a new key.
fn publications(rule: &Rule, signature: &Signature, key: &PublicKey) -> Vec<Made> {
    let domains = signature.domain.as_ref().map_or(&rule.domains[..], std::slice::from_ref);
    let record =
        |domain: &mail::Domain| Publication::new(domain, &signature.selector.value, key.clone()).ok();
    let records = domains.iter().filter_map(|domain| record(&domain.value));
    records.map(|record| Made { path: signature.keyfile.value.clone(), record }).collect()
}
