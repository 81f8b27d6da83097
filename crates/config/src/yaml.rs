//! A YAML document as a tree of texts, each with its place.
//!
//! Every scalar stays the text that stands in the file, until the option that it belongs to reads it: a selector
//! `no`, `1025` or `1e3` is a name, not a boolean or a number. Keys may come twice here; whoever reads the mapping
//! says so, and goes on. So all faults of a document are found in one reading.
//!
//! A table of 100,000 rules is a tree of a million nodes. Texts are slices of the file wherever they stand there as
//! they are meant, and lists have no room to spare.

mod compose;

use crate::fault::{Cause, Fault, Place};
use compose::Composer;
use std::borrow::Cow;

/// The largest file that is read: a rule table of 100,000 domains has a tenth of this.
pub(crate) const LARGEST_FILE: usize = 64 << 20;

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node<'t> {
    pub(crate) place: Place,
    pub(crate) value: Value<'t>,
}

/// What a value looks like, whatever it means.
#[derive(Clone, Debug)]
pub(crate) enum Value<'t> {
    /// Nothing after the colon, or `~`.
    Nothing,
    /// A scalar, as it is written.
    Text(Cow<'t, str>),
    List(Box<[Node<'t>]>),
    Mapping(Box<[(Key<'t>, Node<'t>)]>),
}

/// The name in front of a colon.
#[derive(Clone, Debug)]
pub(crate) struct Key<'t> {
    pub(crate) name: Cow<'t, str>,
    pub(crate) place: Place,
}

/// Reads one document.
pub(crate) fn parse(text: &str) -> Result<Node<'_>, Fault> {
    if text.len() > LARGEST_FILE {
        return Err(Fault::new(Place::START, Cause::TooLarge { limit: LARGEST_FILE }));
    }
    Composer::new(text).document()
}

impl Node<'_> {
    /// Of how many nodes it consists, itself included.
    fn size(&self) -> usize {
        1 + match &self.value {
            Value::Nothing | Value::Text(_) => 0,
            Value::List(items) => items.iter().map(Self::size).sum(),
            Value::Mapping(entries) => entries.iter().map(|(_, value)| 1 + value.size()).sum(),
        }
    }

    /// The same as if all of it stood in one place.
    fn at(mut self, place: Place) -> Self {
        self.put(place);
        self
    }

    fn put(&mut self, place: Place) {
        self.place = place;
        match &mut self.value {
            Value::Nothing | Value::Text(_) => {}
            Value::List(items) => items.iter_mut().for_each(|item| item.put(place)),
            Value::Mapping(entries) => {
                for (key, value) in entries {
                    key.place = place;
                    value.put(place);
                }
            }
        }
    }
}

/// The character at this octet. At its end a file has no line to show; the last one that holds something has.
fn first_character(text: &str, start: usize) -> Place {
    let text = text.trim_end();
    let at = text.get(start..).and_then(|rest| rest.chars().next()).map(|char| (start, char));
    let at = at.or_else(|| text.char_indices().last());
    at.map_or(Place::START, |(start, char)| Place { start, length: char.len_utf8() })
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

    /// The keys and texts of a mapping.
    fn said(text: &str) -> Vec<(String, String)> {
        let Value::Mapping(entries) = parse(text).unwrap().value else { panic!("a mapping") };
        let words = |node: &Node<'_>| match &node.value {
            Value::Text(text) => text.to_string(),
            other => format!("{other:?}"),
        };
        entries.iter().map(|(key, node)| (key.name.to_string(), words(node))).collect()
    }

    #[test]
    fn a_scalar_is_the_text_that_stands_there() {
        for (text, value) in [
            ("no", "no"),
            ("1e3", "1e3"),
            ("017", "017"),
            ("'~'", "~"),
            ("\"\"", ""),
            ("\"a\\tb\"", "a\tb"),
            ("!!str ~", "~"),
            ("! null", "null"),
            ("!!int 5", "5"),
            ("~", "Nothing"),
            ("", "Nothing"),
            ("null", "Nothing"),
            ("!!null x", "Nothing"),
            ("|\n  a\n  b", "a\nb\n"),
        ] {
            assert_eq!(said(&format!("key: {text}\n")), [("key".to_owned(), value.to_owned())], "{text}");
        }
    }

    /// What a hundred thousand rules would take up a hundred thousand times.
    #[test]
    fn a_tree_is_small_and_copies_no_text() {
        let text = "- domain: a.example\n  selector: s1\n  keyfile: keys/a.example/s1.pem\n";
        let Value::List(rules) = parse(text).unwrap().value else { panic!("a list") };
        let Value::Mapping(entries) = &rules[0].value else { panic!("a mapping") };
        for (key, node) in entries {
            assert!(
                matches!(key.name, Cow::Borrowed(_)) && matches!(node.value, Value::Text(Cow::Borrowed(_)))
            );
        }
        assert!(size_of_val(&**entries) <= 3 * 80);
    }

    #[test]
    fn what_is_merged_yields_to_what_is_said() {
        let text = "a: &a {x: 1, y: 2}\nb: &b {x: 3, z: 4}\nc: {y: own, <<: [*a, *b]}\n";
        let Value::Mapping(entries) = parse(text).unwrap().value else { panic!("a mapping") };
        let Value::Mapping(merged) = &entries[2].1.value else { panic!("a mapping") };
        let merged: Vec<_> = merged.iter().map(|(key, node)| (&*key.name, node.place.text(text))).collect();
        assert_eq!(merged, [("y", "own"), ("x", "*a"), ("z", "*b")]);
        assert_eq!(said("'<<': 1\n"), [("<<".to_owned(), "1".to_owned())]);
    }

    #[test]
    fn what_is_no_tree_of_texts_is_refused_where_it_stands() {
        for (text, problem, place) in [
            ("a: !env HOME\n", "`!env` is a tag that means nothing here", "HOME"),
            ("a: !!binary aGVsbG8=\n", "`!!binary` is a tag that means nothing here", "aGVsbG8="),
            ("a: &a [*a]\n", "not YAML: an alias stands within what it stands for", "*a"),
            ("a: *b\n", "not YAML: while parsing node, found unknown anchor", "*"),
            ("? [a]\n: b\n", "not YAML: a key has to be a text", "["),
            ("~: b\n", "not YAML: a key has to be a text", "~"),
            ("a: {<<: 5}\n", "not YAML: `<<` takes a mapping, or a list of mappings", "5"),
            ("a: 1\n---\n", "a second YAML document begins here", "-"),
        ] {
            let fault = parse(text).unwrap_err();
            assert_eq!((&*fault.cause.to_string(), fault.place.text(text)), (problem, place), "{text}");
        }
        assert!(parse("a: 1\n...\n").is_ok());
    }

    #[test]
    fn anchors_and_aliases_are_bounded() {
        let many = |text: &str| -> String {
            (0..1_001).map(|n| format!("- {text}\n").replace('N', &n.to_string())).collect()
        };
        let anchors = "a:\n".to_owned() + &many("&aN x");
        assert!(refusal(&anchors).contains("too much has an anchor"));
        let aliases = "a: &a x\nb:\n".to_owned() + &many("*a");
        assert!(refusal(&aliases).contains("aliases stand for too much"));
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
