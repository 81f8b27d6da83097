//! Reading a mapping key by key: whatever is wrong is written down, and reading goes on.

use crate::fault::{Cause, Fault, Place, Placed};
use crate::nearest::nearest;
use crate::parallel::in_parallel;
use crate::secret::{is_key, quoted, shown};
use crate::text::FromText;
use crate::yaml::{Key, Node, Value};
use std::collections::HashSet;

const EMPTY_LIST: &str = "an empty list";
/// A rule is asked for some forty keys, and there may be a hundred thousand of them.
const USUALLY_ASKED: usize = 64;
/// So many mappings of a list are read by one thread in one go.
const PART: usize = 1000;

/// A mapping while it is read. Each question names a key; [`Section::close`] complains of the keys nobody asked for.
pub(crate) struct Section<'a> {
    /// As it stands in messages: `the file`, `` `limits` ``, `` rule 2 of `sign` ``.
    name: String,
    /// Where to point when something is not there.
    place: Place,
    entries: &'a [(Key<'a>, Node<'a>)],
    /// Whether it is a mapping at all; if not, there is nothing more to complain of.
    readable: bool,
    /// The keys that were asked for, some more than once.
    known: Vec<&'static str>,
    faults: &'a mut Vec<Fault>,
}

impl<'a> Section<'a> {
    /// Opens a node as a mapping. Nothing at all is a mapping without keys: all its options may be commented out.
    pub(crate) fn open(name: String, place: Place, node: &'a Node<'a>, faults: &'a mut Vec<Fault>) -> Self {
        let (readable, entries) = match &node.value {
            Value::Mapping(entries) => (true, &**entries),
            Value::Nothing => (true, &[][..]),
            Value::Text(_) | Value::List(_) => {
                let problem = format!("{name} is {}, not a mapping", describe(node));
                let remedy = match &node.value {
                    Value::Text(text) if is_key(text) => "name the file that names the key",
                    _ => "write lines of the form `key: value`",
                };
                faults.push(Fault::contradiction(node.place, problem, remedy));
                (false, &[][..])
            }
        };
        Self { name, place, entries, readable, known: Vec::with_capacity(USUALLY_ASKED), faults }
    }

    /// Complains of a key that is needed and not there.
    pub(crate) fn require(&mut self, key: &'static str, expected: &'static str) {
        if self.entry(key).is_none() && self.readable {
            let cause = Cause::Missing { key, section: self.name.clone(), expected };
            self.faults.push(Fault::new(self.place, cause));
        }
    }

    /// Whether the key is there, well or ill.
    pub(crate) fn has(&mut self, key: &'static str) -> bool {
        self.entry(key).is_some()
    }

    /// Whether a mapping stands there.
    pub(crate) fn is_mapping(&mut self, key: &'static str) -> bool {
        self.entry(key).is_some_and(|node| matches!(node.value, Value::Mapping(_)))
    }

    /// The same as [`Self::has`], of a key that need not belong here.
    pub(crate) fn contains(&self, key: &str) -> bool {
        self.entries.iter().any(|(known, _)| known.name == key)
    }

    /// Whether the key is there and has keys of its own.
    pub(crate) fn holds_mapping(&self, key: &str) -> bool {
        self.entries.iter().any(|(known, node)| known.name == key && matches!(node.value, Value::Mapping(_)))
    }

    /// Writes a fault down.
    pub(crate) fn complain(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Where the section stands, for faults that concern all of it.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// A single value.
    pub(crate) fn value<T: FromText>(&mut self, key: &'static str) -> Option<T> {
        self.placed(key).map(|placed| placed.value)
    }

    /// A single value and its place.
    pub(crate) fn placed<T: FromText>(&mut self, key: &'static str) -> Option<Placed<T>> {
        let node = self.entry(key)?;
        self.read(key, node)
    }

    /// A value, or a list of such values; nothing unless all of them are well.
    pub(crate) fn values<T: FromText>(&mut self, key: &'static str) -> Option<Vec<Placed<T>>> {
        let node = self.entry(key)?;
        let Value::List(items) = &node.value else {
            return self.read(key, node).map(|value| vec![value]);
        };
        if items.is_empty() {
            self.wrong(key, node, EMPTY_LIST.to_owned(), T::EXPECTED);
            return None;
        }
        let read: Vec<_> = items.iter().map(|item| self.read(key, item)).collect();
        read.into_iter().collect()
    }

    /// A mapping within this one; without the key, an empty one.
    pub(crate) fn section<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Section<'_>) -> T) -> T {
        let absent = Node { place: self.place, value: Value::Nothing };
        let place = self.key_place(key);
        let node = self.entry(key).unwrap_or(&absent);
        let mut section = Section::open(format!("`{key}`"), place, node, self.faults);
        let value = read(&mut section);
        section.close();
        value
    }

    /// A list of mappings; without the key, an empty one. `item` names one of them in messages.
    pub(crate) fn sections<T>(
        &mut self,
        key: &'static str,
        item: &str,
        mut read: impl FnMut(&mut Section<'_>) -> T,
    ) -> Vec<T> {
        let items = self.items(key);
        (1..)
            .zip(items)
            .map(|(number, node)| entry_of_list((item, number), node, self.faults, &mut read))
            .collect()
    }

    /// The same with very many mappings: every processor reads a part of them. What reads a part begins with what `start`
    /// makes, and learns the number of each mapping.
    pub(crate) fn many_sections<T: Send, S>(
        &mut self,
        key: &'static str,
        item: &str,
        start: impl Fn() -> S + Sync,
        read: impl Fn(&mut Section<'_>, &mut S, usize) -> T + Sync,
    ) -> Vec<T> {
        let parts: Vec<_> = (0..).step_by(PART).zip(self.items(key).chunks(PART)).collect();
        let parts = in_parallel(&parts, 1, |(before, part)| {
            let (mut faults, mut state) = (Vec::new(), start());
            let numbered = (before + 1..).zip(*part);
            let values: Vec<T> = numbered
                .map(|(number, node)| {
                    entry_of_list((item, number), node, &mut faults, |section| {
                        read(section, &mut state, number)
                    })
                })
                .collect();
            (values, faults)
        });
        let (values, faults): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        self.faults.extend(faults.into_iter().flatten());
        values.into_iter().flatten().collect()
    }

    /// The entries of a list; without the key, none.
    fn items(&mut self, key: &'static str) -> &'a [Node<'a>] {
        let Some(node) = self.entry(key) else { return &[] };
        let Value::List(items) = &node.value else {
            self.wrong(key, node, describe(node), "a list: each entry begins with `- `, indented below it");
            return &[];
        };
        if items.is_empty() {
            self.wrong(key, node, EMPTY_LIST.to_owned(), "at least one entry, which begins with `- `");
        }
        items
    }

    /// Ends the reading: names the keys that nobody asked for, and those that stand twice.
    pub(crate) fn close(self) {
        let mut seen = HashSet::new();
        for (key, _) in self.entries {
            if !seen.insert(&*key.name) {
                let cause = Cause::Twice { key: shown(&key.name), section: self.name.clone() };
                self.faults.push(Fault::new(key.place, cause));
            } else if !self.known.contains(&&*key.name) {
                let mut asked = HashSet::new();
                let allowed: Vec<_> = self.known.iter().copied().filter(|key| asked.insert(*key)).collect();
                let cause = Cause::UnknownKey {
                    key: shown(&key.name),
                    section: self.name.clone(),
                    nearest: nearest(&key.name, &allowed),
                    allowed,
                };
                self.faults.push(Fault::new(key.place, cause));
            }
        }
    }

    fn entry(&mut self, key: &'static str) -> Option<&'a Node<'a>> {
        self.known.push(key);
        self.entries.iter().find(|(known, _)| known.name == key).map(|(_, node)| node)
    }

    fn key_place(&self, key: &str) -> Place {
        self.entries.iter().find(|(known, _)| known.name == key).map_or(self.place, |(known, _)| known.place)
    }

    fn read<T: FromText>(&mut self, key: &'static str, node: &Node<'_>) -> Option<Placed<T>> {
        let found = match &node.value {
            Value::Text(text) => match T::from_text(text) {
                Ok(value) => return Some(Placed { value, place: node.place }),
                Err(problem) => format!("{}, {problem}", describe(node)),
            },
            Value::Nothing | Value::List(_) | Value::Mapping(_) => describe(node),
        };
        self.wrong(key, node, found, T::EXPECTED);
        None
    }

    fn wrong(&mut self, key: &'static str, node: &Node<'_>, found: String, expected: &str) {
        // An empty value has no place of its own that one could point to.
        let place = if matches!(node.value, Value::Nothing) { self.key_place(key) } else { node.place };
        let cause = Cause::Wrong { key: key.to_owned(), found, expected: expected.to_owned() };
        self.faults.push(Fault::new(place, cause));
    }
}

/// Reads one entry of a list.
fn entry_of_list<T>(
    (item, number): (&str, usize),
    node: &Node<'_>,
    faults: &mut Vec<Fault>,
    read: impl FnOnce(&mut Section<'_>) -> T,
) -> T {
    let mut section = Section::open(format!("{item} {number}"), first_place(node), node, faults);
    let value = read(&mut section);
    section.close();
    value
}

fn describe(node: &Node<'_>) -> String {
    match &node.value {
        Value::Nothing => "empty".to_owned(),
        Value::Text(text) => quoted(text),
        Value::List(_) => "a list".to_owned(),
        Value::Mapping(_) => "a mapping".to_owned(),
    }
}

/// The first key of a mapping: what a reader sees of an entry of a list.
fn first_place(node: &Node<'_>) -> Place {
    match &node.value {
        Value::Mapping(entries) => entries.first().map_or(node.place, |(key, _)| key.place),
        _ => node.place,
    }
}
