//! As much of DER (X.690) as public keys need.

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const NULL: &[u8] = &[0x05, 0x00];
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// rsaEncryption (RFC 8017 §A.1)
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// id-Ed25519 (RFC 8410 §3)
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// The two numbers of an RSA public key, without leading zeros.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct RsaNumbers<'a> {
    pub(super) modulus: &'a [u8],
    pub(super) exponent: &'a [u8],
}

/// What a `SubjectPublicKeyInfo` holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wrapped<'a> {
    Rsa(&'a [u8]),
    Ed25519(&'a [u8]),
}

/// Reads an `RSAPublicKey`.
pub(super) fn rsa_public_key(der: &[u8]) -> Option<RsaNumbers<'_>> {
    let numbers = alone(der, SEQUENCE)?;
    let (modulus, rest) = element(numbers, INTEGER)?;
    let exponent = alone(rest, INTEGER)?;
    Some(RsaNumbers { modulus: unsigned(modulus)?, exponent: unsigned(exponent)? })
}

/// Reads a `SubjectPublicKeyInfo`.
pub(super) fn subject_public_key(der: &[u8]) -> Option<Wrapped<'_>> {
    let (algorithm, rest) = element(alone(der, SEQUENCE)?, SEQUENCE)?;
    let (identifier, _parameters) = element(algorithm, OBJECT_IDENTIFIER)?;
    let [0, key @ ..] = alone(rest, BIT_STRING)? else { return None };
    match identifier {
        RSA => Some(Wrapped::Rsa(key)),
        ED25519 => Some(Wrapped::Ed25519(key)),
        _ => None,
    }
}

/// Writes an `RSAPublicKey` as `SubjectPublicKeyInfo`.
pub(super) fn wrap_rsa(rsa_public_key: &[u8]) -> Vec<u8> {
    let identifier = written(OBJECT_IDENTIFIER, &[RSA]);
    let algorithm = written(SEQUENCE, &[&identifier, NULL]);
    let key = written(BIT_STRING, &[&[0], rsa_public_key]);
    written(SEQUENCE, &[&algorithm, &key])
}

/// Writes an `RSAPublicKey`.
pub(super) fn write_rsa_public_key(numbers: RsaNumbers<'_>) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let sign: &[u8] = if number.first().is_some_and(|first| first & 0x80 != 0) { &[0] } else { &[] };
        written(INTEGER, &[sign, number])
    };
    written(SEQUENCE, &[&integer(numbers.modulus), &integer(numbers.exponent)])
}

/// How many bits a number without leading zeros has.
pub(super) fn bits(number: &[u8]) -> u32 {
    let octets = u32::try_from(number.len()).unwrap_or(u32::MAX / 8);
    number.first().map_or(0, |first| octets * 8 - first.leading_zeros())
}

/// One element of the tag wanted, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (octets, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (octets.iter().fold(0, |length, &octet| length << 8 | usize::from(octet)), rest)
        }
        _ => return None,
    };
    (found == tag).then(|| rest.split_at_checked(length))?
}

/// One element of the tag wanted, which nothing follows.
fn alone(der: &[u8], tag: u8) -> Option<&[u8]> {
    element(der, tag).filter(|(_, rest)| rest.is_empty()).map(|(content, _)| content)
}

/// The octets of a number that is not negative, without leading zeros.
fn unsigned(integer: &[u8]) -> Option<&[u8]> {
    let first = integer.first()?;
    let start = integer.iter().position(|&octet| octet != 0)?;
    (first & 0x80 == 0).then(|| &integer[start..])
}

fn written(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    let content = contents.concat();
    let length = content.len().to_be_bytes();
    let start = length.iter().position(|&octet| octet != 0).unwrap_or(length.len() - 1);
    let length = &length[start..];
    let mut der = vec![tag];
    if content.len() > 0x7f {
        der.push(0x80 | u8::try_from(length.len()).unwrap_or(u8::MAX));
    }
    der.extend_from_slice(length);
    der.extend(content);
    der
}
