//! A shared secret, as administrators have it in a file.
//!
//! ```text
//!   key "dkimgate" { algorithm hmac-sha256; secret "c2VjcmV0…"; };      BIND (tsig-keygen)
//!   hmac-sha256:dkimgate:c2VjcmV0…                                      nsupdate -y, knsupdate -y; or name first
//!   key:                                                                Knot DNS (keymgr -t)
//!     - id: dkimgate
//!       algorithm: hmac-sha256
//!       secret: c2VjcmV0…
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hickory_proto::rr::Name;
use hickory_proto::rr::rdata::tsig::TsigAlgorithm;
use std::fmt;
use thiserror::Error;
use zeroize::Zeroizing;

/// A name, an algorithm and a secret, which is wiped when it is dropped and never shown.
pub struct TsigKey {
    name: Name,
    algorithm: TsigAlgorithm,
    secret: Zeroizing<Vec<u8>>,
}

/// Why a text is no such key. Nothing of the text is in it but an algorithm's name.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum TsigKeyError {
    /// It has none of the forms.
    #[error(
        "no TSIG key; expected key \"NAME\" {{ algorithm hmac-sha256; secret \"BASE64\"; }}; or hmac-sha256:NAME:BASE64"
    )]
    Form,
    /// There are several, and nobody says which counts.
    #[error("several TSIG keys; keep one in this file")]
    Several,
    /// The algorithm is not one of those that are worth using.
    #[error(
        "algorithm `{0}`: only hmac-sha256, hmac-sha384 and hmac-sha512 are known; make a new key with `tsig-keygen -a hmac-sha256`"
    )]
    Algorithm(String),
    /// The name cannot be one.
    #[error("the name of the TSIG key is no domain name")]
    Name,
    /// The secret is no base64, or empty.
    #[error("the secret of the TSIG key is not base64, or empty")]
    Secret,
}

impl TsigKey {
    /// Reads a key in one of the forms.
    pub fn parse(text: &str) -> Result<Self, TsigKeyError> {
        let words = words(text);
        let parts = match words.as_slice() {
            [line] => of_line(line)?,
            _ => of_statement(&words)?,
        };
        let algorithm = algorithm(parts.algorithm)?;
        let mut name = Name::from_ascii(parts.name).map_err(|_| TsigKeyError::Name)?;
        name.set_fqdn(true);
        let secret = STANDARD.decode(parts.secret).map(Zeroizing::new).map_err(|_| TsigKeyError::Secret)?;
        if secret.is_empty() { Err(TsigKeyError::Secret) } else { Ok(Self { name, algorithm, secret }) }
    }

    /// What the server knows it by.
    pub(super) fn name(&self) -> &Name {
        &self.name
    }

    pub(super) fn algorithm(&self) -> &TsigAlgorithm {
        &self.algorithm
    }

    pub(super) fn secret(&self) -> &[u8] {
        &self.secret
    }
}

impl fmt::Display for TsigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name.to_ascii().trim_end_matches('.'), self.algorithm)
    }
}

impl fmt::Debug for TsigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TsigKey({self})")
    }
}

/// What a key is made of.
struct Parts<'a> {
    name: &'a str,
    algorithm: &'a str,
    secret: &'a str,
}

/// Three parts with colons, of which either of the first two is the algorithm.
fn of_line(line: &str) -> Result<Parts<'_>, TsigKeyError> {
    let parts: Vec<&str> = line.split(':').collect();
    let &[first, second, secret] = parts.as_slice() else { return Err(TsigKeyError::Form) };
    match (is_algorithm(first), is_algorithm(second)) {
        (true, _) => Ok(Parts { algorithm: first, name: second, secret }),
        (false, true) => Ok(Parts { name: first, algorithm: second, secret }),
        (false, false) => Err(TsigKeyError::Form),
    }
}

fn is_algorithm(word: &str) -> bool {
    word.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("hmac-"))
}

/// Words behind each of which its value stands.
fn of_statement<'a>(words: &[&'a str]) -> Result<Parts<'a>, TsigKeyError> {
    let one = |names: [&str; 2]| {
        let mut values = words.windows(2).filter(|pair| names.contains(&pair[0])).map(|pair| pair[1]);
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            (None, _) => Err(TsigKeyError::Form),
            (Some(_), Some(_)) => Err(TsigKeyError::Several),
        }
    };
    // Knot's list of keys is called what each of BIND's is.
    let is_knot = words.contains(&"id:");
    let name = one(if is_knot { ["id:", "id:"] } else { ["key", "key"] })?;
    Ok(Parts { name, algorithm: one(["algorithm", "algorithm:"])?, secret: one(["secret", "secret:"])? })
}

fn algorithm(name: &str) -> Result<TsigAlgorithm, TsigKeyError> {
    let lower = name.trim_end_matches('.').to_ascii_lowercase();
    [TsigAlgorithm::HmacSha256, TsigAlgorithm::HmacSha384, TsigAlgorithm::HmacSha512]
        .into_iter()
        .find(|known| known.to_string().trim_end_matches('.') == lower)
        .ok_or(TsigKeyError::Algorithm(lower))
}

/// The words of a text without its comments, blanks and braces; what stands in quotation marks is one.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = if let Some(quoted) = rest.strip_prefix('"') {
            quoted.split_once('"').unwrap_or((quoted, ""))
        } else if rest.starts_with("/*") {
            ("", rest.split_once("*/").map_or("", |(_, after)| after))
        } else if first == '#' || rest.starts_with("//") {
            ("", rest.split_once('\n').map_or("", |(_, after)| after))
        } else if matches!(first, '{' | '}' | ';') {
            ("", &rest[1..])
        } else {
            let end = |c: char| c.is_whitespace() || matches!(c, '{' | '}' | ';' | '"');
            rest.split_at(rest.find(end).unwrap_or(rest.len()))
        };
        if !word.is_empty() {
            words.push(word);
        }
        rest = after.trim_start();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_in_every_form_that_administrators_have() {
        for text in [
            "key \"dkim.example\" {\n\talgorithm hmac-sha256;\n\tsecret \"c2VjcmV0//8=\";\n};\n",
            "// ours\n# ours\n/* key \"x\" */ key dkim.example. { secret c2VjcmV0//8=; algorithm HMAC-SHA256; };",
            "hmac-sha256:dkim.example:c2VjcmV0//8=\n",
            "dkim.example:hmac-sha256:c2VjcmV0//8=",
            "# hmac-sha256:dkim.example:c2VjcmV0//8=\nkey:\n  - id: dkim.example.\n    algorithm: hmac-sha256\n    secret: c2VjcmV0//8=\n",
        ] {
            let key = TsigKey::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"));
            assert_eq!(key.name.to_ascii(), "dkim.example.");
            assert_eq!((&key.algorithm, key.secret()), (&TsigAlgorithm::HmacSha256, &b"secret\xff\xff"[..]));
        }
    }

    #[test]
    fn a_secret_is_never_shown() {
        let key = TsigKey::parse("hmac-sha512:k:c2VjcmV0").unwrap();
        assert_eq!(
            (format!("{key}"), format!("{key:?}")),
            ("k (hmac-sha512)".into(), "TsigKey(k (hmac-sha512))".into())
        );
    }

    #[test]
    fn what_is_no_key_says_why() {
        for (text, expected) in [
            ("", TsigKeyError::Form),
            ("secret", TsigKeyError::Form),
            ("k:c2VjcmV0", TsigKeyError::Form),
            ("-----BEGIN PRIVATE KEY-----\nMIIE\n", TsigKeyError::Form),
            ("key k { algorithm hmac-sha256; };", TsigKeyError::Form),
            ("hmac-md5:k:c2VjcmV0", TsigKeyError::Algorithm("hmac-md5".into())),
            ("hmac-sha256:k:c2Vj cmV0", TsigKeyError::Form),
            ("hmac-sha256:k:c2Vjcm", TsigKeyError::Secret),
            ("hmac-sha256:k:", TsigKeyError::Secret),
            ("hmac-sha256:a..b:c2VjcmV0", TsigKeyError::Name),
            (
                "key a { algorithm hmac-sha256; secret \"c2VjcmV0\"; }; key b { algorithm hmac-sha256; secret \"c2VjcmV0\"; };",
                TsigKeyError::Several,
            ),
        ] {
            assert_eq!(TsigKey::parse(text).err(), Some(expected), "{text}");
        }
    }
}
