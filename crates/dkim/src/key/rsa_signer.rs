//! RSA signing by the fastest backend that takes the key.

use super::public::padding;
use crate::algorithm::HashAlgorithm;
#[cfg(feature = "aws-lc")]
use aws_lc_rs::{rand::SystemRandom, rsa::KeyPair, signature::RSA_PKCS1_SHA256};
#[cfg(not(feature = "aws-lc"))]
use ring::{rand::SystemRandom, rsa::KeyPair, signature::RSA_PKCS1_SHA256};
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::rand_core::OsRng;
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, RsaPrivateKey};
use std::sync::OnceLock;

/// From here on, and with the usual exponent, the backends take a key.
const FAST_MIN_BITS: usize = 2048;
const USUAL_EXPONENT: u32 = 65_537;

/// An RSA key with what signs.
pub(super) struct RsaSigner {
    key: Box<RsaPrivateKey>,
    /// Made when it first signs, since the backend examines a key for half a millisecond.
    fast: OnceLock<Option<KeyPair>>,
}

impl RsaSigner {
    pub(super) fn new(key: RsaPrivateKey) -> Self {
        Self { key: Box::new(key), fast: OnceLock::new() }
    }

    pub(super) fn key(&self) -> &RsaPrivateKey {
        &self.key
    }

    /// Signs a text under SHA-256.
    pub(super) fn sign(&self, text: &[u8]) -> Result<Vec<u8>, rsa::Error> {
        let Some(fast) = self.fast.get_or_init(|| fast_key(&self.key)) else {
            return self.sign_digest(HashAlgorithm::Sha256, &HashAlgorithm::Sha256.digest(text));
        };
        let mut signature = vec![0; self.key.size()];
        // The randomness is for blinding only: the signature is the same whatever it is.
        fast.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature)
            .map_err(|_| rsa::Error::Internal)?;
        Ok(signature)
    }

    /// Signs a digest, slowly.
    ///
    /// Only what the backends cannot do comes here: RUSTSEC-2023-0071 is about the time that this takes, and blinding
    /// is the only answer there is.
    pub(super) fn sign_digest(&self, hash: HashAlgorithm, digest: &[u8]) -> Result<Vec<u8>, rsa::Error> {
        self.key.sign_with_rng(&mut OsRng, padding(hash), digest)
    }
}

/// The key as the backend holds it, if it takes it.
fn fast_key(key: &RsaPrivateKey) -> Option<KeyPair> {
    if key.n().bits() < FAST_MIN_BITS || *key.e() != BigUint::from(USUAL_EXPONENT) {
        return None;
    }
    let der = key.to_pkcs1_der().ok()?;
    KeyPair::from_der(der.as_bytes()).ok()
}

/// Makes a new key. `bits` is at least 1024.
pub(super) fn generate(bits: u32) -> Result<RsaPrivateKey, rsa::Error> {
    match generate_fast(bits) {
        Some(key) => Ok(key),
        None => RsaPrivateKey::new(&mut OsRng, bits as usize),
    }
}

#[cfg(feature = "aws-lc")]
fn generate_fast(bits: u32) -> Option<RsaPrivateKey> {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::rsa::KeySize;
    use rsa::pkcs8::DecodePrivateKey;
    let size = match bits {
        2048 => KeySize::Rsa2048,
        3072 => KeySize::Rsa3072,
        4096 => KeySize::Rsa4096,
        8192 => KeySize::Rsa8192,
        _ => return None,
    };
    let der: Pkcs8V1Der<'static> = KeyPair::generate(size).ok()?.as_der().ok()?;
    RsaPrivateKey::from_pkcs8_der(der.as_ref()).ok()
}

#[cfg(not(feature = "aws-lc"))]
fn generate_fast(_bits: u32) -> Option<RsaPrivateKey> {
    None
}
