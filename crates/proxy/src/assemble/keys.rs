//! The private keys that a file names: read, judged, and made where it says so.

use crate::key::file::{self, KeyFileError};
use crate::key::generate;
use crate::key::record::Publication;
use config::{Fault, Key, Keys, Outbound, Place, in_parallel};
use dkim::{Algorithm, KeyKind, PrivateKey, PublicKey};
use policy::outbound::KeyName;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use tracing::info;

/// A shorter RSA key is refused (RFC 8301 §3.2).
const LEAST_BITS: u32 = 1024;
/// A shorter RSA key is warned of. RFC 8301 §3.2: "Signers SHOULD use RSA keys of at least 2048 bits."
const GOOD_BITS: u32 = 2048;

/// So many keys are read at the start, so that what is wrong with them shows at once; the others when they are first
/// used. `check` looks at all of them.
pub const MOST_AT_START: usize = 1000;

/// So many at least are read for one more thread. To read an RSA key takes a fifth of a millisecond.
const LEAST_EACH: usize = 16;

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
    let signings: Vec<&Key> = outbound.rules().flat_map(|rule| &rule.keys).take(MOST_AT_START).collect();
    let mut seen = HashSet::new();
    let different: Vec<&Key> =
        signings.iter().copied().filter(|signing| seen.insert(signing.keyfile.value.as_os_str())).collect();
    let found = in_parallel(&different, LEAST_EACH, |signing| key(signing, missing));
    for (signing, found) in different.into_iter().zip(found) {
        match found {
            Ok(Some(Found { key, new })) => {
                let public = key.public_key();
                faults.extend(weakness(signing.keyfile.place, &public));
                if new {
                    let new = publications(signing, &public);
                    new.iter().for_each(announce);
                    made.extend(new);
                }
                keys.insert(key_name(signing), key);
            }
            Ok(None) => {}
            Err(fault) => faults.push(fault),
        }
    }
    for signing in signings {
        if let Some(key) = keys.get(&key_name(signing)) {
            faults.extend(mismatch(signing.keyfile.place, signing.algorithm, &key.public_key()));
        }
    }
    (keys, made)
}

/// The name of a signature's key: its path.
pub fn key_name(signing: &Key) -> KeyName {
    KeyName::new(&signing.keyfile.value.to_string_lossy())
}

/// A key that is there.
struct Found {
    key: Arc<dyn PrivateKey>,
    new: bool,
}

/// The key of a signature; `None` if it is left for later.
fn key(signing: &Key, missing: Missing) -> Result<Option<Found>, Fault> {
    let path = &signing.keyfile.value;
    let unusable = |error: KeyFileError| Fault::unusable(signing.keyfile.place, &error, remedy(&error));
    if signing.generate && path.symlink_metadata().is_err() {
        if missing == Missing::Leave {
            return Ok(None);
        }
        let kind = signing.algorithm.map_or(KeyKind::Rsa, Algorithm::key_kind);
        let key = generate::make(path, kind, GOOD_BITS, None).map_err(unusable)?;
        return Ok(Some(Found { key: Arc::new(key), new: true }));
    }
    let key = file::read_guarded(path).map_err(unusable)?;
    Ok(Some(Found { key: Arc::new(key), new: false }))
}

/// What is wrong with a key that is there, for a signature of this algorithm.
pub fn flaw(key: &PublicKey, wanted: Option<Algorithm>, place: Place) -> Option<Fault> {
    mismatch(place, wanted, key).or_else(|| weakness(place, key))
}

/// What to do about a key that cannot be read.
pub fn remedy(error: &KeyFileError) -> &'static str {
    match error {
        KeyFileError::Exposed { .. } => "take it from the others with `chmod 0600`",
        KeyFileError::Unusable { .. } => "name a file with an unencrypted RSA or Ed25519 private key in PEM",
        KeyFileError::Unreadable { .. } | KeyFileError::Unwritable { .. } => {
            "let the user that dkimgate runs as get there, or name another file"
        }
        KeyFileError::Exists(_) | KeyFileError::NotMade(_) | KeyFileError::Name(_) => {
            "make the key with `dkimgate key generate`"
        }
    }
}

fn weakness(place: Place, key: &PublicKey) -> Option<Fault> {
    let bits = key.bits();
    if key.kind() != KeyKind::Rsa || bits >= GOOD_BITS {
        return None;
    }
    let remedy = "make a key of 2048 bits with another selector, publish it, then name it here";
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

fn mismatch(place: Place, wanted: Option<Algorithm>, key: &PublicKey) -> Option<Fault> {
    let wanted = wanted?.key_kind();
    (wanted != key.kind()).then(|| {
        let problem =
            format!("the key is of type {}, and the algorithm needs {}", key.kind().name(), wanted.name());
        Fault::unusable(place, problem, "leave `algorithm` out, or name a key of its type")
    })
}

/// Says what to publish as soon as there is a key: whatever becomes of the rest, the next start finds the key there, and
/// has nothing to say of it.
fn announce(Made { path, record }: &Made) {
    info!(keyfile = %path.display(), publish = %record.zone_line(), "a new key was made; its record has to be published");
}

/// One record for each domain that signs with a new key.
fn publications(signing: &Key, key: &PublicKey) -> Vec<Made> {
    let record = |domain| Publication::new(domain, &signing.selector.value, key.clone()).ok();
    let records = signing.domains.iter().filter_map(record);
    records.map(|record| Made { path: signing.keyfile.value.clone(), record }).collect()
}
