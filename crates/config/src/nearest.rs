//! The word that was probably meant.

/// Words of the predecessors and of the RFCs, beside ours.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("a", "algorithm"),
    ("authserv_id", "hostname"),
    ("c", "canonicalization"),
    ("d", "domain"),
    ("headers", "fields"),
    ("i", "identity"),
    ("key", "keyfile"),
    ("method", "canonicalization"),
    ("next_hop", "relay"),
    ("oversign_headers", "oversign"),
    ("private_key", "keyfile"),
    ("resolvers", "servers"),
    ("s", "selector"),
    ("signing", "sign"),
    ("trusted", "clients"),
    ("x", "expire"),
];

/// The one of `known` that `word` was probably meant to be.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_ascii_lowercase().replace('-', "_");
    let other = OTHER_WORDS.iter().find(|(other, _)| *other == word).map(|(_, ours)| *ours);
    if let Some(ours) = other.and_then(|ours| known.iter().find(|known| **known == ours)) {
        return Some(ours);
    }
    let near = known.iter().map(|known| (distance(&word, known), *known)).min()?;
    // One slip in three letters, and at least one.
    (near.0 <= (word.len() / 3).max(1)).then_some(near.1)
}

/// How many letters must be added, dropped, changed or swapped with a neighbour.
fn distance(from: &str, to: &str) -> usize {
    let (from, to) = (from.as_bytes(), to.as_bytes());
    let mut rows = vec![(0..=to.len()).collect::<Vec<_>>()];
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let change = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut least = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted() {
        for (from, to, slips) in
            [("", "", 0), ("", "ab", 2), ("relay", "rleay", 1), ("selctor", "selector", 1), ("abc", "xyz", 3)]
        {
            assert_eq!(distance(from, to), slips, "{from} {to}");
            assert_eq!(distance(to, from), slips, "{to} {from}");
        }
    }

    #[test]
    fn a_word_that_is_like_none_has_no_nearest() {
        let known = ["listen", "relay", "keyfile", "hostname"];
        assert_eq!(nearest("liten", &known), Some("listen"));
        assert_eq!(nearest("Key-File", &known), Some("keyfile"));
        assert_eq!(nearest("authserv-id", &known), Some("hostname"));
        assert_eq!(nearest("wombat", &known), None);
        assert_eq!(nearest("key", &["sign"]), None);
    }
}
