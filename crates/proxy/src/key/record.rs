//! The DNS record of a key, in the forms in which it is published.

use dkim::{KeyRecord, PublicKey};
use mail::{Domain, DomainError};
use std::fmt::Write;

/// RFC 1035 §3.3: a character-string has one octet for its length.
const LONGEST_STRING: usize = 255;

/// A key record and the name where it is published.
pub struct Publication {
    name: Domain,
    text: String,
}

impl Publication {
    /// The record of a key for a domain and a selector, unless both together are too long for a name.
    pub fn new(domain: &Domain, selector: &Domain, key: PublicKey) -> Result<Self, DomainError> {
        let name = Domain::parse(&format!("{selector}._domainkey.{domain}"))?;
        Ok(Self { name, text: KeyRecord::new(key).to_string() })
    }

    /// The name, without a final dot.
    pub fn name(&self) -> &Domain {
        &self.name
    }

    /// The record as one string.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// One line of a zone file, the text split where a string of the DNS must end.
    pub fn zone_line(&self) -> String {
        let mut line = format!("{}. IN TXT (", self.name);
        for string in self.text.as_bytes().chunks(LONGEST_STRING) {
            // A key record is ASCII without quotation marks or backslashes, so nothing needs escaping.
            let _ = write!(line, " \"{}\"", String::from_utf8_lossy(string));
        }
        line + " )"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dkim::{KeyKind, PrivateKey, SigningKey};

    #[test]
    fn a_long_record_is_split_at_255_octets_and_stays_the_same() {
        let domain = Domain::parse("example.org").unwrap();
        let selector = Domain::parse("s1").unwrap();
        let key = SigningKey::generate(KeyKind::Rsa, 2048).unwrap();
        let record = Publication::new(&domain, &selector, key.public_key()).unwrap();
        let line = record.zone_line();
        let strings: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
        assert!(strings.len() == 2 && strings.iter().all(|string| string.len() <= 255), "{line}");
        assert_eq!(strings.concat(), record.text());
        assert_eq!(KeyRecord::parse(record.text().as_bytes()).unwrap().key, Some(key.public_key()));
        assert!(line.starts_with("s1._domainkey.example.org. IN TXT ( \"v=DKIM1; k=rsa; p="), "{line}");
    }
}
