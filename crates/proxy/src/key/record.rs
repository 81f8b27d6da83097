//! The DNS record of a key: its name and its text. `form` has the dresses in which it is entered.

use dkim::{KeyRecord, PublicKey};
use mail::{Domain, DomainError};

/// RFC 1035 §3.3: a character-string has one octet for its length.
const LONGEST_STRING: usize = 255;

/// A key record and the name where it is published.
#[derive(Debug)]
pub struct Publication {
    name: Domain,
    /// The name within the zone of its domain.
    relative: String,
    text: String,
}

impl Publication {
    /// The record of a key for a domain and a selector, unless both together are too long for a name.
    pub fn new(domain: &Domain, selector: &Domain, key: PublicKey) -> Result<Self, DomainError> {
        Self::of(domain, selector, &KeyRecord::new(key))
    }

    /// The record that revokes the key of a selector.
    pub fn revoked(domain: &Domain, selector: &Domain) -> Result<Self, DomainError> {
        // RFC 6376 §3.6.1: "An empty value means that this public key has been revoked."
        Self::of(domain, selector, &KeyRecord::default())
    }

    fn of(domain: &Domain, selector: &Domain, record: &KeyRecord) -> Result<Self, DomainError> {
        let relative = format!("{selector}._domainkey");
        let name = Domain::parse(&format!("{relative}.{domain}"))?;
        Ok(Self { name, relative, text: record.to_string() })
    }

    /// The name, without a final dot.
    pub fn name(&self) -> &Domain {
        &self.name
    }

    /// The name as it stands in the zone of its domain.
    pub fn relative_name(&self) -> &str {
        &self.relative
    }

    /// The record as one string.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text in quotation marks, split where a string of the DNS must end.
    pub fn strings(&self) -> String {
        // A key record is ASCII without quotation marks or backslashes, so nothing needs escaping.
        let strings = self.text.as_bytes().chunks(LONGEST_STRING);
        let quoted: Vec<_> =
            strings.map(|string| format!("\"{}\"", String::from_utf8_lossy(string))).collect();
        quoted.join(" ")
    }

    /// One line of a zone file.
    pub fn zone_line(&self) -> String {
        format!("{}. IN TXT ( {} )", self.name, self.strings())
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

    #[test]
    fn a_revoked_key_has_an_empty_p() {
        let [domain, selector] = ["example.org", "s1"].map(|name| Domain::parse(name).unwrap());
        let record = Publication::revoked(&domain, &selector).unwrap();
        assert_eq!(KeyRecord::parse(record.text().as_bytes()).unwrap().key, None);
        assert_eq!(record.text(), "v=DKIM1; k=rsa; p=");
    }
}
