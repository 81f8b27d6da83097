//! Which fields of a header a signature means (RFC 6376 §5.4.2).

use mail::Header;
use std::collections::HashMap;

/// Where the fields of each name stand.
///
/// Made once for a message, so that the work for a signature grows with its `h=` and not with the header.
#[derive(Clone, Debug, Default)]
pub(crate) struct FieldIndex {
    places: HashMap<Vec<u8>, Vec<usize>>,
}

impl FieldIndex {
    pub(crate) fn new(header: &Header) -> Self {
        let mut places: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
        for (at, field) in header.fields().enumerate().filter(|(_, field)| !field.name().is_empty()) {
            places.entry(field.name().to_ascii_lowercase()).or_default().push(at);
        }
        Self { places }
    }

    /// The places of the fields of one name, from top to bottom.
    pub(crate) fn places(&self, name: &str) -> &[usize] {
        self.places.get(name.to_ascii_lowercase().as_bytes()).map_or(&[], Vec::as_slice)
    }

    /// The places of the fields that a list of names means, in its order; `own` is the signature itself.
    pub(crate) fn select<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
        own: Option<usize>,
    ) -> Vec<usize> {
        let mut unused: HashMap<Vec<u8>, std::slice::Iter<'_, usize>> = HashMap::new();
        let mut selected = Vec::new();
        for name in names {
            let name = name.to_ascii_lowercase().into_bytes();
            let Some(places) = self.places.get(&name) else { continue };
            let places = unused.entry(name).or_insert_with(|| places.iter());
            // RFC 6376 §5.4.2: "in order from the bottom of the header field block to the top"
            let place = places.by_ref().rev().copied().find(|&place| Some(place) != own);
            selected.extend(place);
        }
        selected
    }
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
