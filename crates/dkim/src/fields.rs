//! Which fields of a header a signature means (RFC 6376 §5.4.2).

use mail::Header;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Where the fields of each name stand.
///
/// Made once for a message, so that the work for a signature grows with its `h=` and not with the header.
#[derive(Clone, Debug, Default)]
pub(crate) struct FieldIndex {
    /// In the order of the names, which are in lower case, each with its places from top to bottom.
    names: Vec<(Vec<u8>, Vec<usize>)>,
}

impl FieldIndex {
    pub(crate) fn new(header: &Header) -> Self {
        let fields = header.fields().enumerate().filter(|(_, field)| !field.name().is_empty());
        let mut fields: Vec<_> = fields.map(|(at, field)| (field.name().to_ascii_lowercase(), at)).collect();
        fields.sort_unstable();
        let mut names: Vec<(Vec<u8>, Vec<usize>)> = Vec::new();
        for (name, at) in fields {
            match names.last_mut() {
                Some((last, places)) if *last == name => places.push(at),
                _ => names.push((name, vec![at])),
            }
        }
        Self { names }
    }

    /// The places of the fields of one name, from top to bottom.
    pub(crate) fn places(&self, name: &str) -> &[usize] {
        self.find(name).map_or(&[], |at| &self.names[at].1)
    }

    /// The places of the fields that a list of names means, in its order; `own` is the signature itself.
    pub(crate) fn select<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
        own: Option<usize>,
    ) -> Vec<usize> {
        let mut unused: BTreeMap<usize, std::slice::Iter<'_, usize>> = BTreeMap::new();
        let mut selected = Vec::new();
        for found in names.into_iter().filter_map(|name| self.find(name)) {
            let places = unused.entry(found).or_insert_with(|| self.names[found].1.iter());
            // RFC 6376 §5.4.2: "in order from the bottom of the header field block to the top"
            let place = places.by_ref().rev().copied().find(|&place| Some(place) != own);
            selected.extend(place);
        }
        selected
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.names.binary_search_by(|(known, _)| in_lower_case(known, name.as_bytes())).ok()
    }
}

/// How a name in lower case stands to one in any case.
fn in_lower_case(known: &[u8], name: &[u8]) -> Ordering {
    known.iter().copied().cmp(name.iter().map(u8::to_ascii_lowercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_names_are_taken_from_the_bottom() {
        let header = Header::parse(b"A: 0\r\nB: 1\r\na : 2\r\nno field\r\nA: 4\r\n".to_vec());
        let index = FieldIndex::new(&header);
        for (names, own, expected) in [
            ("a:b", None, vec![4, 1]),
            ("a:a:a:a", None, vec![4, 2, 0]),
            ("A:x:B:a", None, vec![4, 1, 2]),
            ("a:a:a", Some(2), vec![4, 0]),
            ("x", None, vec![]),
        ] {
            assert_eq!(index.select(names.split(':'), own), expected, "{names}");
        }
        assert_eq!(index.places("A"), [0, 2, 4]);
    }
}
