//! Private keys that stand in OpenDKIM's `KeyTable` itself (opendkim.conf(5): "either a private key or a path").
//!
//! A table is shown where it has a fault, and is remembered as long as the program serves. So the keys are taken out of
//! its text before anything else is done with it, and with them whatever might be a piece of one.

use crate::secret::{BEGIN, END, HIDDEN, SHORTEST_KEY};
use mail::Domain;
use std::collections::HashMap;
use zeroize::Zeroizing;

/// A key table, and what stood in it.
#[derive(Default)]
pub(crate) struct Parted {
    /// Its text without keys and comments, line for line.
    pub(crate) text: String,
    /// The keys, by the number of the line in which they begin, counted from 1.
    pub(crate) keys: HashMap<usize, Zeroizing<String>>,
}

impl Parted {
    /// Takes the keys out of a table.
    pub(crate) fn of(text: &str) -> Self {
        let mut parted = Self::default();
        // Of a key in PEM that goes on in the next line.
        let mut begun = None;
        for (number, raw) in (1..).zip(text.split_inclusive('\n')) {
            let line = raw.split('#').next().unwrap_or_default().trim_end();
            let (key_at, key) = match begun {
                Some(start) => (start, Some(line)),
                None => (number, parted.show(line)),
            };
            if let Some(key) = key {
                let whole = extended(parted.keys.remove(&key_at), key);
                begun = (whole.contains(BEGIN) && !whole.contains(END)).then_some(key_at);
                parted.keys.insert(key_at, whole);
            }
            parted.text.extend(raw.ends_with('\n').then_some('\n'));
        }
        parted
    }

    /// Takes a line over, and gives the key in it.
    fn show<'a>(&mut self, line: &'a str) -> Option<&'a str> {
        let content = line.trim_start();
        if content.starts_with(BEGIN) {
            self.text.push_str(HIDDEN);
            return Some(content);
        }
        let name = content.split(char::is_whitespace).next().unwrap_or_default();
        let value = content[name.len()..].trim_start();
        self.text.push_str(if value.is_empty() && is_secret(name) {
            HIDDEN
        } else {
            &line[..line.len() - value.len()]
        });
        let mut key = None;
        for (at, column) in value.splitn(3, ':').enumerate() {
            self.text.push_str(if at == 0 { "" } else { ":" });
            let trimmed = column.trim();
            let third = at == 2 && !trimmed.is_empty() && !is_path(trimmed);
            let stands_for_key = third || trimmed.contains(BEGIN);
            key = key.or(stands_for_key.then_some(trimmed));
            self.text.push_str(if stands_for_key || is_secret(trimmed) { HIDDEN } else { column });
        }
        key
    }
}

/// Whether a text in the wrong place may be a key. A shorter one that is no domain is a slip of the pen, and shown.
fn is_secret(text: &str) -> bool {
    text.len() >= SHORTEST_KEY && !is_path(text) && Domain::parse(text).is_err()
}

/// opendkim.conf(5): "If the third value starts with a slash ("/") character, or "./" or "../", then it is presumed to
/// refer to a file".
fn is_path(text: &str) -> bool {
    ["/", "./", "../"].iter().any(|start| text.starts_with(start))
}

/// A key with one more line; nothing of it stays behind in memory.
fn extended(before: Option<Zeroizing<String>>, line: &str) -> Zeroizing<String> {
    let before = before.unwrap_or_default();
    let mut whole = Zeroizing::new(String::with_capacity(before.len() + line.len() + 1));
    whole.push_str(&before);
    whole.push_str(line);
    whole.push('\n');
    whole
}

/// A key with the line ends that PEM asks for; a line of a table has none, or has them as `\n`.
pub(super) fn unfolded(key: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(2 * key.len()));
    // -----BEGIN x-----, what it holds, -----END x-----
    for (at, piece) in key.split("-----").enumerate() {
        let is_label = at % 2 == 1;
        text.push_str(if is_label { "\n-----" } else { "" });
        for word in piece.split("\\n") {
            text.push_str(word);
            text.push_str(if is_label { "" } else { "\n" });
        }
        text.push_str(if is_label { "-----\n" } else { "" });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use dkim::SigningKey;

    #[test]
    fn keys_are_taken_out_and_the_rest_stays_where_it_was() {
        let secret = "SECRET".repeat(20);
        let text = format!(
            "a a.example:s1:/k # {secret}\n\n  b  %:s2: {secret} \r\n#{secret}\nc c.example:{secret}\n{secret}\n\
             d {secret}\ne e.example:s:-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----\nf f.example:s:../k\n\
             g g.example:-----BEGIN PRIVATE KEY-----\nc2Vj\n-----END PRIVATE KEY-----\n\
             -----BEGIN PRIVATE KEY-----\nc2Vj\n-----END PRIVATE KEY-----\nh h.example:s:/k"
        );
        let Parted { text: shown, keys } = Parted::of(&text);
        assert_eq!(
            shown,
            "a a.example:s1:/k\n\n  b  %:s2:[key]\n\nc c.example:[key]\n[key]\nd [key]\ne e.example:s:[key]\n\n\nf f.example:s:../k\n\
             g g.example:[key]\n\n\n[key]\n\n\nh h.example:s:/k"
        );
        // Those in the wrong place are only kept from sight.
        let right = keys.iter().filter(|(line, _)| **line < 12);
        let mut found: Vec<_> = right.map(|(line, key)| (*line, key.as_str().trim_end())).collect();
        found.sort_unstable();
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----");
        assert_eq!(found, [(3, secret.as_str()), (8, &pem)]);
    }

    #[test]
    fn a_key_may_stand_in_one_line() {
        let der = "MC4CAQAwBQYDK2VwBCIEIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB";
        let (begin, end) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
        for key in [
            der.to_owned(),
            format!("{begin}{der}{end}"),
            format!("{begin} {der} {end}"),
            format!("{begin}\\n{}\\n{}\\n{end}\\n", &der[..32], &der[32..]),
            format!("{begin}\n{der}\n{end}\n"),
        ] {
            assert!(SigningKey::from_pem(unfolded(&key).as_bytes()).is_ok(), "{key}");
        }
    }
}
