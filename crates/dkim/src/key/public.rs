//! Public keys, and verifying with them (RFC 6376 §3.3, RFC 8301, RFC 8463).

use super::der::{self, RsaNumbers, Wrapped};
use crate::algorithm::{Algorithm, HashAlgorithm, KeyKind};
use ed25519_dalek::{Signature, VerifyingKey};
use ring::signature::{
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
    RsaPublicKeyComponents,
};
use rsa::{BigUint, Pkcs1v15Sign, RsaPublicKey};
use std::sync::Arc;
use thiserror::Error;

/// Below this, ring does not verify.
const RING_MIN_BITS: u32 = 1024;
/// No RSA key is larger: verifying with one of 16,384 bits takes milliseconds.
const MAX_BITS: u32 = 8192;

/// A public key that can be verified with. Clones share it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicKey(Inner);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Inner {
    Rsa { modulus: Arc<[u8]>, exponent: Arc<[u8]> },
    Ed25519(VerifyingKey),
}

/// Why octets are no public key.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// Neither `SubjectPublicKeyInfo` nor `RSAPublicKey`.
    #[error("not an RSA public key")]
    Rsa,
    /// Neither 32 octets nor `SubjectPublicKeyInfo`, or no point of the curve.
    #[error("not an Ed25519 public key")]
    Ed25519,
    /// A sound key of the other type.
    #[error("key of another type than its record says")]
    OtherKind,
}

impl PublicKey {
    /// Reads the content of `p=`.
    pub fn parse(kind: KeyKind, octets: &[u8]) -> Result<Self, PublicKeyError> {
        match (kind, der::subject_public_key(octets)) {
            (KeyKind::Rsa, Some(Wrapped::Rsa(key))) => Self::rsa(key),
            (KeyKind::Ed25519, Some(Wrapped::Ed25519(key))) => Self::ed25519(key),
            (_, Some(_)) => Err(PublicKeyError::OtherKind),
            // RFC 6376 §3.6.1 says RSAPublicKey, and the example in its appendix C has SubjectPublicKeyInfo; both are out there.
            (KeyKind::Rsa, None) => Self::rsa(octets),
            // RFC 8463 §4.2: "The p= value in the key record is the Ed25519 public key encoded in"
            (KeyKind::Ed25519, None) => Self::ed25519(octets),
        }
    }

    fn rsa(der: &[u8]) -> Result<Self, PublicKeyError> {
        let RsaNumbers { modulus, exponent } = der::rsa_public_key(der).ok_or(PublicKeyError::Rsa)?;
        let odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
        // What ring wants as well; an exponent of one would let every signature pass.
        let usable = odd(modulus) && odd(exponent) && (2..=33).contains(&der::bits(exponent));
        if !usable {
            return Err(PublicKeyError::Rsa);
        }
        Ok(Self(Inner::Rsa { modulus: modulus.into(), exponent: exponent.into() }))
    }

    pub(super) fn of_ed25519(key: VerifyingKey) -> Self {
        Self(Inner::Ed25519(key))
    }

    fn ed25519(octets: &[u8]) -> Result<Self, PublicKeyError> {
        let octets = octets.try_into().map_err(|_| PublicKeyError::Ed25519)?;
        VerifyingKey::from_bytes(octets).map(Self::of_ed25519).map_err(|_| PublicKeyError::Ed25519)
    }

    /// Its type.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        match self.0 {
            Inner::Rsa { .. } => KeyKind::Rsa,
            Inner::Ed25519(_) => KeyKind::Ed25519,
        }
    }

    /// Its size in bits: of the modulus for RSA.
    #[must_use]
    pub fn bits(&self) -> u32 {
        match &self.0 {
            Inner::Rsa { modulus, .. } => der::bits(modulus),
            Inner::Ed25519(_) => 256,
        }
    }

    /// The content of `p=`: a `SubjectPublicKeyInfo` for RSA, the bare 32 octets for Ed25519.
    #[must_use]
    pub fn to_octets(&self) -> Vec<u8> {
        match &self.0 {
            Inner::Rsa { modulus, exponent } => {
                der::wrap_rsa(&der::write_rsa_public_key(RsaNumbers { modulus, exponent }))
            }
            Inner::Ed25519(key) => key.as_bytes().to_vec(),
        }
    }

    /// Whether `signature` is one of this key for `text`.
    #[must_use]
    pub fn verify(&self, algorithm: Algorithm, text: &[u8], signature: &[u8]) -> bool {
        match (&self.0, algorithm) {
            (Inner::Rsa { modulus, exponent }, Algorithm::RsaSha1 | Algorithm::RsaSha256) => {
                let hash = algorithm.hash();
                if self.bits() < RING_MIN_BITS {
                    return self.verify_digest(hash, &hash.digest(text), signature);
                }
                let parameters = match hash {
                    HashAlgorithm::Sha1 => &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
                    HashAlgorithm::Sha256 => &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
                };
                RsaPublicKeyComponents { n: modulus, e: exponent }.verify(parameters, text, signature).is_ok()
            }
            // RFC 8463 §3: "The Ed25519-SHA256 signing algorithm computes a message hash as defined in"
            (Inner::Ed25519(key), Algorithm::Ed25519Sha256) => Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(&algorithm.hash().digest(text), &signature).is_ok()),
            (Inner::Rsa { .. }, Algorithm::Ed25519Sha256)
            | (Inner::Ed25519(_), Algorithm::RsaSha1 | Algorithm::RsaSha256) => false,
        }
    }

    /// Whether this key made `signature`, over whatever text; `None` if that cannot be told, as with Ed25519.
    pub(crate) fn made(&self, signature: &[u8]) -> Option<bool> {
        let Inner::Rsa { modulus, exponent } = &self.0 else { return None };
        let number = BigUint::from_bytes_be;
        let padded = number(signature).modpow(&number(exponent), &number(modulus)).to_bytes_be();
        // RFC 8017 §9.2: 0x00 0x01, then 0xff; the leading zero is none of the number.
        Some(padded.len() + 1 == modulus.len() && padded.starts_with(&[0x01, 0xff, 0xff, 0xff, 0xff]))
    }

    /// Whether `signature` is one of this RSA key for a text that has been hashed already.
    #[must_use]
    pub fn verify_digest(&self, hash: HashAlgorithm, digest: &[u8], signature: &[u8]) -> bool {
        let Inner::Rsa { modulus, exponent } = &self.0 else { return false };
        let number = BigUint::from_bytes_be;
        let key = RsaPublicKey::new_with_max_size(number(modulus), number(exponent), MAX_BITS as usize);
        key.is_ok_and(|key| key.verify(padding(hash), digest, signature).is_ok())
    }
}

/// The padding scheme of PKCS #1 v1.5 for one hash function.
pub(super) fn padding(hash: HashAlgorithm) -> Pkcs1v15Sign {
    match hash {
        HashAlgorithm::Sha1 => Pkcs1v15Sign::new::<sha1::Sha1>(),
        HashAlgorithm::Sha256 => Pkcs1v15Sign::new::<sha2::Sha256>(),
    }
}
