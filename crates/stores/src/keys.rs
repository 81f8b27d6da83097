//! From what a database has to keys that sign.

use crate::source::Row;
use dkim::SigningKey;
use mail::Domain;
use policy::outbound::{StoreFault, StoredKey};
use std::collections::HashSet;
use std::sync::Arc;

/// So many keys may a domain have: each makes a signature on each of its messages.
pub(crate) const MOST_KEYS: usize = 10;
/// A longer text is no key: PEM of 8192 bits, the most that RSA keys may have here, takes 6,500 octets.
pub(crate) const LARGEST_KEY: usize = 16 * 1024;

/// Reads the keys of a domain. What is wrong with one is told by its selector.
pub(crate) fn keys(domain: &Domain, rows: &[Row]) -> Result<Arc<[StoredKey]>, StoreFault> {
    if rows.len() > MOST_KEYS {
        return Err(unusable(format!("more than {MOST_KEYS} keys")));
    }
    let mut seen = HashSet::new();
    let mut keys = Vec::with_capacity(rows.len());
    for row in rows {
        let key = key(domain, row)?;
        if !seen.insert(key.selector.clone()) {
            return Err(unusable(format!("selector {} twice", key.selector)));
        }
        keys.push(key);
    }
    Ok(keys.into())
}

fn key(domain: &Domain, row: &Row) -> Result<StoredKey, StoreFault> {
    // A text that is no selector may be anything, also a key in the wrong column.
    let selector = Domain::parse(&row.selector)
        .ok()
        .filter(|selector| Domain::parse(&format!("{selector}._domainkey.{domain}")).is_ok())
        .ok_or_else(|| unusable("a selector that is none".to_owned()))?;
    if row.key.len() > LARGEST_KEY {
        return Err(unusable(format!("selector {selector}: more than {LARGEST_KEY} octets for a key")));
    }
    let key =
        SigningKey::from_pem(&row.key).map_err(|error| unusable(format!("selector {selector}: {error}")))?;
    Ok(StoredKey { selector, key: Arc::new(key) })
}

fn unusable(what: String) -> StoreFault {
    StoreFault::Unusable(what.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    /// Base64 of the 32 octets of an Ed25519 key.
    const KEY: &str = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=";

    fn row(selector: &str, key: &str) -> Row {
        Row { selector: selector.to_owned(), key: Zeroizing::new(key.as_bytes().to_vec()) }
    }

    fn read(rows: &[Row]) -> Result<Vec<String>, String> {
        let domain = Domain::parse("example.org").unwrap();
        let keys = keys(&domain, rows).map_err(|fault| fault.to_string())?;
        Ok(keys.iter().map(|key| key.selector.to_string()).collect())
    }

    #[test]
    fn each_row_is_a_key() {
        assert_eq!(read(&[row("s1", KEY), row("S2", KEY)]), Ok(vec!["s1".to_owned(), "s2".to_owned()]));
        assert_eq!(read(&[]), Ok(Vec::new()));
    }

    #[test]
    fn what_is_wrong_is_told_without_a_key() {
        let long = "x".repeat(LARGEST_KEY + 1);
        let many: Vec<Row> = (0..=MOST_KEYS).map(|number| row(&format!("s{number}"), KEY)).collect();
        for (rows, problem) in [
            (vec![row("s1", KEY), row("s2", "a secret")], "selector s2: no private key in PEM found"),
            (vec![row("s1", "")], "selector s1: no private key in PEM found"),
            (vec![row("s1", KEY), row("S1", KEY)], "selector s1 twice"),
            (vec![row(KEY, "s1")], "a selector that is none"),
            (vec![row("", KEY)], "a selector that is none"),
            (vec![row("s1", &long)], "selector s1: more than 16384 octets for a key"),
            (many, "more than 10 keys"),
        ] {
            assert_eq!(read(&rows), Err(problem.to_owned()));
        }
    }
}
