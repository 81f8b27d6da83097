//! Finds the private key in the octets of a key file.

use super::private::PrivateKeyError;
use crate::encoding::without_blanks;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rsa::pkcs1;
use rustls_pki_types::pem::{PemObject, SectionKind};
use zeroize::Zeroizing;

/// What some editors put in front of text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What a key file holds, still as DER.
pub(super) enum Found {
    /// `PRIVATE KEY` (RFC 5208, RFC 5958)
    Pkcs8(Zeroizing<Vec<u8>>),
    /// `RSA PRIVATE KEY` (RFC 8017 §A.1.2)
    Pkcs1(Zeroizing<Vec<u8>>),
    /// The 32 octets of an Ed25519 key (RFC 8032 §5.1.5)
    Seed(Zeroizing<[u8; 32]>),
}

/// Takes a PEM file, or a file of bare base64, as some tools write for Ed25519 and OpenDKIM's tables may hold.
pub(super) fn find(file: &[u8]) -> Result<Found, PrivateKeyError> {
    let file = file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(file);
    let mut other = None;
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(file) {
        let Ok((kind, der)) = section else {
            // RFC 1421 §4.6.1.1: such a section has fields of its own above the base64.
            let encrypted = contains(file, b"Proc-Type: 4,ENCRYPTED");
            return Err(if encrypted { PrivateKeyError::Encrypted } else { PrivateKeyError::Pem });
        };
        let der = Zeroizing::new(der);
        match kind {
            SectionKind::PrivateKey => return Ok(Found::Pkcs8(der)),
            SectionKind::RsaPrivateKey => return Ok(Found::Pkcs1(der)),
            kind => other = Some(kind),
        }
    }
    match other {
        Some(SectionKind::PublicKey) => Err(PrivateKeyError::Public),
        Some(_) => Err(PrivateKeyError::Kind),
        None if contains(file, b"ENCRYPTED PRIVATE KEY") => Err(PrivateKeyError::Encrypted),
        None if contains(file, b"-----BEGIN ") => Err(PrivateKeyError::Kind),
        None => bare(file),
    }
}

fn bare(file: &[u8]) -> Result<Found, PrivateKeyError> {
    let text = Zeroizing::new(without_blanks(file));
    let octets = Zeroizing::new(STANDARD.decode(&*text).map_err(|_| PrivateKeyError::Pem)?);
    match <[u8; 32]>::try_from(octets.as_slice()) {
        Ok(seed) => Ok(Found::Seed(Zeroizing::new(seed))),
        Err(_) if octets.is_empty() => Err(PrivateKeyError::Pem),
        Err(_) if pkcs1::RsaPrivateKey::try_from(octets.as_slice()).is_ok() => Ok(Found::Pkcs1(octets)),
        Err(_) => Ok(Found::Pkcs8(octets)),
    }
}

fn contains(file: &[u8], text: &[u8]) -> bool {
    memchr::memmem::find(file, text).is_some()
}
