//! Private keys, and signing with them.

use super::pem::{self, Found};
use super::public::PublicKey;
use super::rsa_signer::{self, RsaSigner};
use crate::algorithm::{HashAlgorithm, KeyKind};
use ed25519_dalek::Signer;
use ed25519_dalek::pkcs8::KeypairBytes;
use rsa::RsaPrivateKey;
use rsa::pkcs1::{DecodeRsaPrivateKey, EncodeRsaPublicKey};
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding, ObjectIdentifier, PrivateKeyInfo};
use rsa::rand_core::{OsRng, RngCore};
use std::fmt;
use thiserror::Error;
use zeroize::Zeroizing;

/// rsaEncryption (RFC 8017 §A.1)
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// id-Ed25519 (RFC 8410 §3)
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// A private key, wherever it is kept.
pub trait PrivateKey: fmt::Debug + Send + Sync {
    /// The public half; it also tells type and size.
    fn public_key(&self) -> PublicKey;

    /// Signs the canonical header of a message under SHA-256.
    ///
    /// # Errors
    ///
    /// If the key cannot be used, for whatever reason.
    fn sign(&self, text: &[u8]) -> Result<Vec<u8>, PrivateKeyError>;

    /// Signs the SHA-1 digest of a message, for DomainKeys.
    ///
    /// # Errors
    ///
    /// If the key cannot do that; most keys should not.
    fn sign_sha1_digest(&self, digest: &[u8]) -> Result<Vec<u8>, PrivateKeyError> {
        let _ = digest;
        Err(PrivateKeyError::Unsupported)
    }
}

/// A private key could not be read or used. The texts hold nothing of the key.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PrivateKeyError {
    /// Neither PEM nor base64.
    #[error("no private key in PEM found")]
    Pem,
    /// PEM, but of a public key.
    #[error("this is a public key")]
    Public,
    /// PKCS #8 or the older form, with a passphrase.
    #[error("the private key is encrypted")]
    Encrypted,
    /// Some other type of key.
    #[error("neither an RSA nor an Ed25519 private key")]
    Kind,
    /// The content of the PEM is broken.
    #[error("malformed private key")]
    Malformed,
    /// A size that RSA keys cannot have here.
    #[error("an RSA key has 1024 to 8192 bits")]
    Size,
    /// The key cannot sign in the way asked for.
    #[error("the private key cannot sign in this way")]
    Unsupported,
    /// Signing failed.
    #[error("signing failed")]
    Signing(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A private key held in memory, which is wiped when it is dropped.
pub struct SigningKey {
    private: Private,
    public: PublicKey,
}

enum Private {
    Rsa(RsaSigner),
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

impl SigningKey {
    /// Reads a key file: PEM of PKCS #8 or PKCS #1, or bare base64 of either, or of the 32 octets of an Ed25519 key.
    pub fn from_pem(file: &[u8]) -> Result<Self, PrivateKeyError> {
        match pem::find(file)? {
            Found::Pkcs8(der) => Self::from_pkcs8(&der),
            Found::Pkcs1(der) => {
                Self::rsa(RsaPrivateKey::from_pkcs1_der(&der).map_err(|_| PrivateKeyError::Malformed)?)
            }
            Found::Seed(seed) => Ok(Self::from_seed(&seed)),
        }
    }

    /// Reads PKCS #8, version 1 or 2.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, PrivateKeyError> {
        let malformed = |_| PrivateKeyError::Malformed;
        let algorithm = PrivateKeyInfo::try_from(der).map_err(malformed)?.algorithm.oid;
        match algorithm {
            RSA => Self::rsa(RsaPrivateKey::from_pkcs8_der(der).map_err(malformed)?),
            ED25519 => {
                let key = ed25519_dalek::SigningKey::from_pkcs8_der(der).map_err(malformed)?;
                Ok(Self::ed25519(key))
            }
            _ => Err(PrivateKeyError::Kind),
        }
    }

    /// The Ed25519 key of these 32 octets.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self::ed25519(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// Makes a new key out of the randomness of the operating system. `bits` counts for RSA only.
    pub fn generate(kind: KeyKind, bits: u32) -> Result<Self, PrivateKeyError> {
        match kind {
            KeyKind::Ed25519 => {
                let mut seed = Zeroizing::new([0; 32]);
                OsRng
                    .try_fill_bytes(seed.as_mut())
                    .map_err(|error| PrivateKeyError::Signing(Box::new(error)))?;
                Ok(Self::from_seed(&seed))
            }
            KeyKind::Rsa if !(1024..=8192).contains(&bits) => Err(PrivateKeyError::Size),
            KeyKind::Rsa => Self::rsa(rsa_signer::generate(bits).map_err(signing_failed)?),
        }
    }

    /// The key as PEM of PKCS #8.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, PrivateKeyError> {
        match &self.private {
            Private::Rsa(signer) => signer.key().to_pkcs8_pem(LineEnding::LF),
            // Without the public half, which makes it version 2: OpenSSL reads only version 1.
            Private::Ed25519(key) => {
                KeypairBytes { secret_key: key.to_bytes(), public_key: None }.to_pkcs8_pem(LineEnding::LF)
            }
        }
        .map_err(|_| PrivateKeyError::Malformed)
    }

    fn rsa(key: RsaPrivateKey) -> Result<Self, PrivateKeyError> {
        let der = key.to_public_key().to_pkcs1_der().map_err(|_| PrivateKeyError::Malformed)?;
        let public =
            PublicKey::parse(KeyKind::Rsa, der.as_bytes()).map_err(|_| PrivateKeyError::Malformed)?;
        Ok(Self { private: Private::Rsa(RsaSigner::new(key)), public })
    }

    fn ed25519(key: ed25519_dalek::SigningKey) -> Self {
        let public = PublicKey::of_ed25519(key.verifying_key());
        Self { private: Private::Ed25519(Box::new(key)), public }
    }
}

impl PrivateKey for SigningKey {
    fn public_key(&self) -> PublicKey {
        self.public.clone()
    }

    fn sign(&self, text: &[u8]) -> Result<Vec<u8>, PrivateKeyError> {
        match &self.private {
            Private::Rsa(signer) => signer.sign(text).map_err(signing_failed),
            Private::Ed25519(key) => Ok(key.sign(&HashAlgorithm::Sha256.digest(text)).to_bytes().to_vec()),
        }
    }

    fn sign_sha1_digest(&self, digest: &[u8]) -> Result<Vec<u8>, PrivateKeyError> {
        match &self.private {
            Private::Rsa(signer) => signer.sign_digest(HashAlgorithm::Sha1, digest).map_err(signing_failed),
            Private::Ed25519(_) => Err(PrivateKeyError::Unsupported),
        }
    }
}

impl fmt::Debug for SigningKey {
    /// Says nothing of the private half.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} {} bits)", self.public.kind().name(), self.public.bits())
    }
}

fn signing_failed(error: rsa::Error) -> PrivateKeyError {
    PrivateKeyError::Signing(Box::new(error))
}
