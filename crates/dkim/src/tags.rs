//! Tag lists: `name=value; name=value` (RFC 6376 §3.2).

use std::fmt;
use std::ops::Range;
use thiserror::Error;

/// White space of a tag list. A line end counts as such wherever it stands; signature fields have it only where a
/// blank follows, and records in real zones have it anywhere.
const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// A tag list, with its tags in the order in which they stand.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TagList<'a> {
    tags: Vec<Tag<'a>>,
}

/// One tag.
#[derive(Clone, Debug, Eq)]
pub struct Tag<'a> {
    /// The name, as written: names are case-sensitive.
    pub name: &'a str,
    /// The value without the white space around it.
    pub value: &'a str,
    /// Where the value stands in the list, with the white space around it.
    pub span: Range<usize>,
}

/// Why a text is no tag list.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum TagError {
    /// No tag at all.
    #[error("empty tag list")]
    Empty,
    /// Octets that are no UTF-8.
    #[error("malformed UTF-8 in tag list")]
    Utf8,
    /// A control character.
    #[error("control character in tag list")]
    Control,
    /// Nothing between two semicolons, or no equals sign.
    #[error("tag without a value")]
    NoValue,
    /// Something else than a letter, then letters, digits and underscores.
    #[error("malformed tag name")]
    Name,
    /// A name that stands there twice.
    #[error("tag given twice")]
    Duplicate,
}

impl<'a> TagList<'a> {
    /// Reads a tag list.
    pub fn parse(list: &'a [u8]) -> Result<Self, TagError> {
        let list = std::str::from_utf8(list).map_err(|_| TagError::Utf8)?;
        // RFC 6376 §3.2: "tag-list  =  tag-spec *( ";" tag-spec ) [ ";" ]"
        let specs = match list.rsplit_once(';') {
            Some((before, after)) if after.trim_matches(BLANKS).is_empty() => before,
            _ => list,
        };
        if specs.trim_matches(BLANKS).is_empty() {
            return Err(TagError::Empty);
        }
        let tags = scan(specs).collect::<Result<Vec<_>, _>>()?;
        let list = Self { tags };
        // RFC 6376 §3.2: "if a tag name does occur more than once, the entire tag-list is invalid."
        if list.has_duplicates() { Err(TagError::Duplicate) } else { Ok(list) }
    }

    /// Reads what can be read of a list that may be broken; of two tags of one name the first.
    #[must_use]
    pub fn salvage(list: &'a [u8]) -> Self {
        let list = std::str::from_utf8(list).unwrap_or_else(|error| {
            let (sound, _) = list.split_at(error.valid_up_to());
            std::str::from_utf8(sound).unwrap_or_default()
        });
        Self { tags: scan(list).flatten().collect() }
    }

    /// The value of a tag.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&'a str> {
        self.tag(name).map(|tag| tag.value)
    }

    /// A tag.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<&Tag<'a>> {
        self.tags.iter().find(|tag| tag.name == name)
    }

    /// All tags, in the order in which they stand.
    pub fn iter(&self) -> std::slice::Iter<'_, Tag<'a>> {
        self.tags.iter()
    }

    fn has_duplicates(&self) -> bool {
        // Sorted, since a list may hold a hundred thousand tags.
        let mut names: Vec<&str> = self.tags.iter().map(|tag| tag.name).collect();
        names.sort_unstable();
        names.windows(2).any(|pair| pair[0] == pair[1])
    }
}

impl<'a, 'b> IntoIterator for &'b TagList<'a> {
    type Item = &'b Tag<'a>;
    type IntoIter = std::slice::Iter<'b, Tag<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl PartialEq for Tag<'_> {
    /// Where a tag stands does not matter.
    fn eq(&self, other: &Self) -> bool {
        (self.name, self.value) == (other.name, other.value)
    }
}

impl fmt::Display for TagList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Tag { name, value, .. }) in self.tags.iter().enumerate() {
            let between = if at == 0 { "" } else { "; " };
            write!(f, "{between}{name}={value}")?;
        }
        Ok(())
    }
}

/// The tags of a list one by one.
fn scan(list: &str) -> impl Iterator<Item = Result<Tag<'_>, TagError>> {
    let mut start = 0;
    list.split(';').map(move |spec| {
        let at = start;
        start += spec.len() + 1;
        Tag::parse(spec, at)
    })
}

impl<'a> Tag<'a> {
    /// Reads one tag, which stands at `at` in its list.
    fn parse(spec: &'a str, at: usize) -> Result<Self, TagError> {
        let (name, value) = spec.split_once('=').ok_or(TagError::NoValue)?;
        let span = at + name.len() + 1..at + spec.len();
        let (name, value) = (name.trim_matches(BLANKS), value.trim_matches(BLANKS));
        let mut characters = name.chars();
        let well_begun = characters.next().is_some_and(|c| c.is_ascii_alphabetic());
        if !well_begun || !characters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(TagError::Name);
        }
        // Nearly all values are of these octets, which are looked at faster than characters.
        let plain = value.bytes().all(|octet| matches!(octet, b' '..=b'~' | b'\t' | b'\r' | b'\n'));
        if !plain && value.contains(|c: char| c.is_control() && !BLANKS.contains(&c)) {
            return Err(TagError::Control);
        }
        Ok(Self { name, value, span })
    }
}

/// The items of a list with colons between, without the white space around them.
pub(crate) fn items(value: &str) -> impl Iterator<Item = &str> {
    value.split(':').map(|item| item.trim_matches(BLANKS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &str) -> Result<Vec<(&str, &str)>, TagError> {
        TagList::parse(list.as_bytes())
            .map(|list| list.tags.iter().map(|tag| (tag.name, tag.value)).collect())
    }

    #[test]
    fn lists_of_all_sorts() {
        let ab = Ok(vec![("a", "1"), ("b", "2")]);
        for (list, expected) in [
            ("a=1;b=2", ab.clone()),
            ("a=1;b=2;", ab.clone()),
            (" \r\n\ta\t=\r\n 1 ; b = 2 ;\r\n ", ab),
            ("a=", Ok(vec![("a", "")])),
            ("a=b=c", Ok(vec![("a", "b=c")])),
            ("a=x y\r\n z", Ok(vec![("a", "x y\r\n z")])),
            ("A=1;a=2", Ok(vec![("A", "1"), ("a", "2")])),
            ("a_1=ü", Ok(vec![("a_1", "ü")])),
            ("", Err(TagError::Empty)),
            (" ; ", Err(TagError::Empty)),
            ("a=1;;b=2", Err(TagError::NoValue)),
            (";a=1", Err(TagError::NoValue)),
            ("a=1;;", Err(TagError::NoValue)),
            ("a", Err(TagError::NoValue)),
            ("=1", Err(TagError::Name)),
            ("1a=1", Err(TagError::Name)),
            ("a b=1", Err(TagError::Name)),
            ("ä=1", Err(TagError::Name)),
            ("a=1; b=2; a=1", Err(TagError::Duplicate)),
            ("a=1\0", Err(TagError::Control)),
            ("a=\u{7f}", Err(TagError::Control)),
            ("a=\u{85}", Err(TagError::Control)),
        ] {
            assert_eq!(pairs(list), expected, "{list:?}");
        }
        assert_eq!(TagList::parse(b"a=\xc3"), Err(TagError::Utf8));
    }

    #[test]
    fn a_span_covers_the_value_and_its_blanks() {
        let list = "v=1; b= ab\r\n c ; d=e";
        let tags = TagList::parse(list.as_bytes()).unwrap();
        assert_eq!(&list[tags.tag("b").unwrap().span.clone()], " ab\r\n c ");
        assert_eq!(&list[tags.tag("d").unwrap().span.clone()], "e");
    }

    #[test]
    fn what_is_sound_in_a_broken_list_can_be_read() {
        let tags = TagList::salvage(b"d=a.example;; s=x; 1=2; d=b.example; b=\xff; t=1");
        assert_eq!((tags.value("d"), tags.value("s"), tags.value("t")), (Some("a.example"), Some("x"), None));
    }

    /// Every text of up to six characters over those that matter: what is read can be written, and read again.
    #[test]
    fn what_is_written_is_read_again() {
        let alphabet = ['a', 'b', '=', ';', ' ', '\n'];
        for len in 0..=6_u32 {
            for n in 0..6_usize.pow(len) {
                let text: String = (0..len).map(|i| alphabet[n / 6_usize.pow(i) % 6]).collect();
                if let Ok(list) = TagList::parse(text.as_bytes()) {
                    let written = list.to_string();
                    assert_eq!(TagList::parse(written.as_bytes()), Ok(list), "{text:?} {written:?}");
                }
            }
        }
    }
}
