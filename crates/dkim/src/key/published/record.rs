//! One record held against a key.

use super::super::{KeyRecord, PublicKey};
use super::{Difference, KeyFlaw};
use crate::algorithm::{HashAlgorithm, KeyKind};
use crate::encoding::{base64_decode_unpadded, base64_encode, without_blanks};
use crate::key::SigningKey;
use crate::tags::{TagList, items};
use rsa::RsaPrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey;

/// What quotation marks look like once a word processor had them in its hands.
const MARKS: [char; 5] = ['"', '“', '”', '„', '″'];
/// What manuals put where the key should stand; base64 has none of it.
const BRACKETS: &[char] = &['<', '>', '[', ']', '{', '}', '$', '%', '…', '_', '*'];
/// Words of manuals that happen to be base64.
const WORDS: [&str; 6] = ["yourpublickey", "yourkey", "publickey", "pubkey", "insert", "xxxxx"];

/// Whether a text is meant as a key record, well or ill.
pub(super) fn looks_like_one(text: &[u8]) -> bool {
    let tags = TagList::salvage(text);
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    tags.value("p").is_some() || text.contains("v=dkim1") || text.contains("k=rsa")
}

/// Everything that is wrong with one record.
pub(super) fn flaws(text: &[u8], key: &PublicKey) -> Vec<KeyFlaw> {
    let (text, mut flaws) = undressed(&String::from_utf8_lossy(text));
    let tags = match TagList::parse(text.as_bytes()) {
        Ok(tags) => tags,
        Err(error) => {
            flaws.push(KeyFlaw::TagList(error));
            return flaws;
        }
    };
    flaws.extend(version(&tags));
    match tags.value("p") {
        None => flaws.push(KeyFlaw::NoKey),
        Some("") => flaws.push(KeyFlaw::Revoked),
        Some(value) => flaws.extend(content(&tags, value, key)),
    }
    flaws.extend(terms(&tags));
    flaws
}

/// The text without what belongs to a zone file only, and what of that was there.
fn undressed(text: &str) -> (String, Vec<KeyFlaw>) {
    let mut flaws = Vec::new();
    let mut text = text.to_owned();
    let start = text.to_ascii_lowercase().find("v=dkim1");
    if let Some(start) = start.filter(|&start| text[..start].contains("TXT")) {
        flaws.push(KeyFlaw::ZoneLine);
        text = text[start..].trim_end_matches([')', ' ', '\t']).to_owned();
    }
    if text.contains(MARKS) {
        // A word of a zone file is always quoted; then the marks are no second flaw.
        if flaws.is_empty() {
            flaws.push(KeyFlaw::Quotes);
        }
        text = without_marks(&text);
    }
    if text.contains('\\') {
        flaws.push(KeyFlaw::Backslashes);
        text = text.replace('\\', "");
    }
    (text, flaws)
}

/// Leaves out the marks, and the blanks between two strings.
fn without_marks(text: &str) -> String {
    let strings = text.split(MARKS).enumerate();
    // Strings and what stands between them take turns.
    strings.filter(|(at, part)| at % 2 == 1 || !part.trim().is_empty()).map(|(_, part)| part).collect()
}

fn version(tags: &TagList<'_>) -> Option<KeyFlaw> {
    let first = tags.iter().next().map(|tag| tag.name);
    match tags.value("v") {
        // RFC 6376 §3.6.1: "Version of the DKIM key record (plain-text; RECOMMENDED, default is "DKIM1")."
        None => Some(KeyFlaw::NoVersion),
        Some("DKIM1") if first == Some("v") => None,
        Some(version) => Some(KeyFlaw::Version(version.to_owned())),
    }
}

/// What `s=`, `h=` and `t=` say.
fn terms(tags: &TagList<'_>) -> Vec<KeyFlaw> {
    let list = |name| -> Vec<String> {
        tags.value(name).map(|value| items(value).map(String::from).collect()).unwrap_or_default()
    };
    let record =
        KeyRecord { services: list("s"), hashes: list("h"), flags: list("t"), ..KeyRecord::default() };
    let mut flaws = Vec::new();
    flaws.extend((!record.allows_mail()).then_some(KeyFlaw::Service));
    flaws.extend((!record.allows_hash(HashAlgorithm::Sha256)).then_some(KeyFlaw::Hash));
    flaws.extend(record.is_testing().then_some(KeyFlaw::Testing));
    flaws
}

/// What is wrong with `p=`, and with `k=`.
fn content(tags: &TagList<'_>, value: &str, key: &PublicKey) -> Vec<KeyFlaw> {
    let mut flaws = Vec::new();
    let published = match kind(tags) {
        Ok(kind) => kind,
        Err(flaw) => return vec![flaw],
    };
    let text = without_blanks(value.as_bytes());
    let ours = base64_encode(&key.to_octets());
    if text == ours.as_bytes() {
        flaws.extend((text.len() != value.len()).then_some(KeyFlaw::Blanks));
        // The type is wrong although the key is right.
        flaws.extend((published != key.kind()).then_some(KeyFlaw::OtherKind { published, ours: key.kind() }));
        return flaws;
    }
    let same = base64_decode_unpadded(&text)
        .filter(|octets| PublicKey::parse(published, octets).as_ref() == Ok(key));
    flaws.push(match same {
        Some(octets) if octets == key.to_octets() => KeyFlaw::Unpadded,
        Some(_) => KeyFlaw::Bare,
        None => broken(&text)
            .or_else(|| Difference::between(ours.as_bytes(), &text).map(KeyFlaw::Damaged))
            .unwrap_or_else(|| another(&text, published, key)),
    });
    flaws
}

fn kind(tags: &TagList<'_>) -> Result<KeyKind, KeyFlaw> {
    // RFC 6376 §3.6.1: "OPTIONAL, default is "rsa""
    let name = tags.value("k").unwrap_or("rsa");
    let mut kinds = [KeyKind::Rsa, KeyKind::Ed25519].into_iter();
    kinds
        .find(|kind| kind.name().eq_ignore_ascii_case(name))
        .ok_or_else(|| KeyFlaw::UnknownKind(name.to_owned()))
}

/// Why a text cannot be base64 of any key.
fn broken(text: &[u8]) -> Option<KeyFlaw> {
    let text = String::from_utf8_lossy(text);
    let bare = text.to_ascii_lowercase().replace(['_', '-'], "");
    if text.contains("-----") || bare.contains("beginpublic") {
        return Some(KeyFlaw::Armour);
    }
    let is_example =
        text.contains("..") || text.contains(BRACKETS) || WORDS.iter().any(|word| bare.contains(word));
    if is_example && text.len() < 100 {
        return Some(KeyFlaw::Placeholder(text.into_owned()));
    }
    let body = text.trim_end_matches('=');
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
    let (at, character) = body.char_indices().find(|(_, c)| !is_base64(*c))?;
    Some(KeyFlaw::Base64 { octet: at + 1, character })
}

/// What there is in the place of our key.
fn another(text: &[u8], published: KeyKind, key: &PublicKey) -> KeyFlaw {
    let ours = key.kind();
    let Some(octets) = base64_decode_unpadded(text) else { return KeyFlaw::NotAKey(published) };
    if SigningKey::from_pkcs8(&octets).is_ok() || RsaPrivateKey::from_pkcs1_der(&octets).is_ok() {
        return KeyFlaw::PrivateKey;
    }
    match PublicKey::parse(published, &octets) {
        Ok(other) if published == ours => KeyFlaw::OtherKey { bits: other.bits() },
        Ok(_) => KeyFlaw::OtherKind { published, ours },
        Err(_) => KeyFlaw::NotAKey(published),
    }
}
