//! A YAML document as a tree of texts, each with its place.
//!
//! Every scalar stays the text that stands in the file, until the option that it belongs to reads it: a selector
//! `no`, `1025` or `1e3` is a name, not a boolean or a number. Keys may come twice here; whoever reads the mapping
//! says so, and goes on. So all faults of a document are found in one reading.

use crate::fault::{Cause, Fault, Place};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Location, MessageFormatter, Spanned, UserMessageFormatter};
use std::fmt;

/// The largest file that is read: a rule table of 100,000 domains has a tenth of this.
pub(crate) const LARGEST_FILE: usize = 64 << 20;

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

/// What a value looks like, whatever it means.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Nothing after the colon, or `~`.
    Nothing,
    /// A scalar, as it is written.
    Text(String),
    List(Vec<Node>),
    Mapping(Vec<(Key, Node)>),
}

/// The name in front of a colon.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) place: Place,
}

/// Reads one document.
pub(crate) fn parse(text: &str) -> Result<Node, Fault> {
    if text.len() > LARGEST_FILE {
        return Err(Fault::new(Place::START, Cause::TooLarge { limit: LARGEST_FILE }));
    }
    let tree: Raw =
        serde_saphyr::from_str_with_options(text, options()).map_err(|error| syntax(&error, text))?;
    Ok(tree.resolve(text))
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        // A table of 100,000 rules, each with a handful of options, has some million nodes.
        budget: serde_saphyr::budget! {
            max_events: 8_000_000,
            max_nodes: 4_000_000,
            max_depth: 16,
            max_aliases: 1_000,
            max_anchors: 1_000,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 100_000 },
        // The reader of each section names the key and goes on; the parser would stop here.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        // YAML 1.2: `no`, `on` and `y` are texts.
        strict_booleans: true,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        // We draw the snippet ourselves, in one form for all faults.
        with_snippet: false,
    }
}

fn syntax(error: &serde_saphyr::Error, text: &str) -> Fault {
    let place = error.location().map_or(Place::START, |location| character(text, location.span().offset()));
    if let serde_saphyr::Error::MultipleDocuments { .. } = error {
        let remedy = "a file is one listener: put what follows into a file of its own";
        return Fault::contradiction(place, "a second YAML document begins here", remedy);
    }
    let message = UserMessageFormatter.format_message(error).into_owned();
    Fault::new(place, Cause::Syntax { message })
}

fn place(location: &Location) -> Place {
    let span = location.span();
    let index = |position: Option<u64>| position.and_then(|at| usize::try_from(at).ok()).unwrap_or(0);
    Place { start: index(span.byte_offset()), length: index(span.byte_len()) }
}

/// Where the parser stopped: it counts in characters.
fn character(text: &str, index: u64) -> Place {
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    // At its end a file has no line to show; the last one that holds something has.
    let end = text.trim_end().char_indices().last();
    let at = text.trim_end().char_indices().nth(index).or(end);
    at.map_or(Place::START, |(start, char)| Place { start, length: char.len_utf8() })
}

/// What the deserializer can tell: for a number it knows the place, and the text is fetched from there.
struct Raw(Spanned<RawValue>);

enum RawValue {
    Nothing,
    Text(String),
    /// A number or boolean, whose text is in the source.
    Typed,
    List(Vec<Raw>),
    Mapping(Vec<(Spanned<String>, Raw)>),
}

impl Raw {
    fn resolve(self, text: &str) -> Node {
        let Spanned { value, referenced, defined } = self.0;
        let value = match value {
            RawValue::Nothing => Value::Nothing,
            RawValue::Text(text) => Value::Text(text),
            RawValue::Typed => Value::Text(place(&defined).text(text).trim().to_owned()),
            RawValue::List(items) => Value::List(items.into_iter().map(|item| item.resolve(text)).collect()),
            RawValue::Mapping(entries) => {
                Value::Mapping(entries.into_iter().map(|(key, value)| entry(key, value, text)).collect())
            }
        };
        Node { place: place(&referenced), value }
    }
}

fn entry(key: Spanned<String>, value: Raw, text: &str) -> (Key, Node) {
    let key = Key { name: key.value, place: place(&key.referenced) };
    (key, value.resolve(text))
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for RawValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = RawValue;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, a list or a mapping")
    }

    fn visit_unit<E: Error>(self) -> Result<RawValue, E> {
        Ok(RawValue::Nothing)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<RawValue, E> {
        Ok(RawValue::Text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<RawValue, E> {
        Ok(RawValue::Text(text))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<RawValue, E> {
        Ok(RawValue::Typed)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<RawValue, E> {
        Ok(RawValue::Typed)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<RawValue, E> {
        Ok(RawValue::Typed)
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<RawValue, E> {
        Ok(RawValue::Typed)
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<RawValue, E> {
        Ok(RawValue::Typed)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<RawValue, E> {
        Ok(RawValue::Typed)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<RawValue, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(RawValue::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<RawValue, A::Error> {
        let mut mapping = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            mapping.push(entry);
        }
        Ok(RawValue::Mapping(mapping))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        parse(text).err().map(|fault| fault.cause.to_string()).unwrap_or_default()
    }

    #[test]
    fn aliases_of_aliases_do_not_multiply() {
        let level = |level: usize| {
            let aliases = vec![format!("*a{level}"); 10].join(", ");
            format!("a{}: &a{} [{aliases}]\n", level + 1, level + 1)
        };
        let text = "a0: &a0 x\n".to_owned() + &(0..9).map(level).collect::<String>();
        assert!(refusal(&text).contains("not YAML"), "{}", refusal(&text));
    }

    #[test]
    fn nobody_nests_so_deep() {
        assert!(parse(&format!("{}{}", "[".repeat(10), "]".repeat(10))).is_ok());
        assert!(refusal(&format!("{}{}", "[".repeat(100), "]".repeat(100))).contains("not YAML"));
    }

    #[test]
    fn places_are_octets_also_behind_other_letters() {
        let text = "é: ü\nkey: value\n";
        let Value::Mapping(entries) = parse(text).unwrap().value else { panic!("a mapping") };
        let said: Vec<_> =
            entries.iter().map(|(key, node)| (key.place.text(text), node.place.text(text))).collect();
        assert_eq!(said, [("é", "ü"), ("key", "value")]);
        let Cause::Syntax { .. } = parse("é: [ü\n").unwrap_err().cause else { panic!("a syntax fault") };
        assert_eq!(parse("é: [ü\n").unwrap_err().place.text("é: [ü\n"), "[");
    }
}
