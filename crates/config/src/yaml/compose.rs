//! From the events of the parser to a tree (YAML 1.2 §3.1.2, composing).

use super::{Key, Node, Value, first_character};
use crate::fault::{Cause, Fault, Place};
use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// A table of 100,000 rules, each with a handful of options, has some million nodes.
const MOST_NODES: usize = 4_000_000;
/// Nobody nests so deep.
const DEEPEST: usize = 16;
/// So many anchors, and so many aliases for what they name.
const MOST_ANCHORS: usize = 1_000;
/// So many nodes are copied for all anchors and aliases together: aliases of aliases would multiply.
const MOST_COPIES: usize = 100_000;

/// What the parser met, and where.
type Met<'t> = (Event<'t>, Place);

/// Puts the nodes of one document together.
pub(super) struct Composer<'t> {
    text: &'t str,
    events: Parser<'t, StrInput<'t>>,
    /// What anchors name, by their number.
    named: HashMap<usize, Node<'t>>,
    nodes: usize,
    aliases: usize,
    copies: usize,
}

impl<'t> Composer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let mut options = Options::default();
        options.set_emit_comments(false);
        let events = Parser::new_from_str_with_options(text, options);
        Self { text, events, named: HashMap::new(), nodes: 0, aliases: 0, copies: 0 }
    }

    /// The one document of the text.
    pub(super) fn document(mut self) -> Result<Node<'t>, Fault> {
        let Some(met) = self.root()? else { return Ok(Node { place: Place::START, value: Value::Nothing }) };
        let root = self.node(met, 0)?;
        match self.root()? {
            None => Ok(root),
            Some((_, second)) => {
                let place = first_character(self.text, second.start);
                let remedy = "a file is one listener: put what follows into a file of its own";
                Err(Fault::contradiction(place, "a second YAML document begins here", remedy))
            }
        }
    }

    /// Where the next document begins; nothing at the end of the text.
    fn root(&mut self) -> Result<Option<Met<'t>>, Fault> {
        loop {
            match self.next()? {
                (Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd, _) => {}
                (Event::StreamEnd, _) => return Ok(None),
                met => return Ok(Some(met)),
            }
        }
    }

    fn next(&mut self) -> Result<Met<'t>, Fault> {
        match self.events.next() {
            Some(Ok((event, span))) => Ok((event, place(&span))),
            Some(Err(error)) => Err(self.syntax(&error)),
            None => Ok((Event::StreamEnd, Place { start: self.text.len(), length: 0 })),
        }
    }

    fn node(&mut self, (event, place): Met<'t>, depth: usize) -> Result<Node<'t>, Fault> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(beyond(place, format!("more than {MOST_NODES} values")));
        }
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (scalar(text, style, plain_meaning(tag.as_deref(), place)?), anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                plain_meaning(tag.as_deref(), place)?;
                (Value::List(self.list(self.deeper(depth, place)?)?), anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                plain_meaning(tag.as_deref(), place)?;
                (Value::Mapping(self.mapping(self.deeper(depth, place)?)?), anchor)
            }
            Event::Alias(anchor) => return self.alias(anchor, place),
            // The parser puts a node in every place that has to have one.
            _ => return Err(beyond(place, "a value is missing")),
        };
        let node = Node { place, value };
        if anchor > 0 {
            self.name(anchor, &node)?;
        }
        Ok(node)
    }

    fn deeper(&self, depth: usize, place: Place) -> Result<usize, Fault> {
        if depth == DEEPEST {
            let place = first_character(self.text, place.start);
            return Err(beyond(place, format!("nested more than {DEEPEST} levels deep")));
        }
        Ok(depth + 1)
    }

    fn list(&mut self, depth: usize) -> Result<Box<[Node<'t>]>, Fault> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items.into()),
                met => items.push(self.node(met, depth)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Box<[(Key<'t>, Node<'t>)]>, Fault> {
        let (mut entries, mut merged) = (Vec::new(), Vec::new());
        loop {
            let met = self.next()?;
            if met.0 == Event::MappingEnd {
                break;
            }
            let is_merge = matches!(&met.0, Event::Scalar(text, ScalarStyle::Plain, ..) if text == "<<");
            let key = self.node(met, depth)?;
            let met = self.next()?;
            let value = self.node(met, depth)?;
            if is_merge {
                merge(value, &mut merged)?;
            } else {
                entries.push((self.key(key)?, value));
            }
        }
        if !merged.is_empty() {
            let mut own: HashSet<Cow<'t, str>> = entries.iter().map(|(key, _)| key.name.clone()).collect();
            entries.extend(merged.into_iter().filter(|(key, _)| own.insert(key.name.clone())));
        }
        Ok(entries.into())
    }

    fn key(&self, Node { place, value }: Node<'t>) -> Result<Key<'t>, Fault> {
        match value {
            Value::Text(name) => Ok(Key { name, place }),
            Value::Nothing | Value::List(_) | Value::Mapping(_) => {
                Err(beyond(first_character(self.text, place.start), "a key has to be a text"))
            }
        }
    }

    /// Keeps what an anchor names.
    fn name(&mut self, anchor: usize, node: &Node<'t>) -> Result<(), Fault> {
        self.copies += node.size();
        if self.named.len() == MOST_ANCHORS || self.copies > MOST_COPIES {
            return Err(beyond(node.place, "too much has an anchor"));
        }
        self.named.insert(anchor, node.clone());
        Ok(())
    }

    /// What an alias stands for, with the place of the alias.
    fn alias(&mut self, anchor: usize, place: Place) -> Result<Node<'t>, Fault> {
        let Some(node) = self.named.get(&anchor) else {
            return Err(beyond(place, "an alias stands within what it stands for"));
        };
        self.aliases += 1;
        self.copies += node.size();
        if self.aliases > MOST_ANCHORS || self.copies > MOST_COPIES {
            return Err(beyond(place, "aliases stand for too much"));
        }
        Ok(node.clone().at(place))
    }

    /// What the parser says.
    fn syntax(&self, error: &ScanError) -> Fault {
        let start = error.marker().byte_offset().unwrap_or(self.text.len());
        beyond(first_character(self.text, start), error.info())
    }
}

/// Adds the entries of what `<<` names, a mapping or a list of them.
fn merge<'t>(Node { place, value }: Node<'t>, merged: &mut Vec<(Key<'t>, Node<'t>)>) -> Result<(), Fault> {
    match value {
        Value::Mapping(entries) => merged.extend(entries),
        Value::List(sources) => {
            for source in sources {
                merge(source, merged)?;
            }
        }
        Value::Nothing | Value::Text(_) => {
            return Err(beyond(place, "`<<` takes a mapping, or a list of mappings"));
        }
    }
    Ok(())
}

/// What a scalar says. Unless it is in quotes, there are words for nothing at all (YAML 1.2 §10.3.2).
fn scalar(text: Cow<'_, str>, style: ScalarStyle, meaning: Option<Meaning>) -> Value<'_> {
    let is_nothing = match meaning {
        Some(meaning) => meaning == Meaning::Nothing,
        None => style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL"),
    };
    if is_nothing { Value::Nothing } else { Value::Text(text) }
}

/// What a tag makes of a scalar.
#[derive(Clone, Copy, PartialEq)]
enum Meaning {
    Nothing,
    Text,
}

/// What a tag means, if it is one of YAML's own. Others would ask for something that is not done here.
fn plain_meaning(tag: Option<&Tag>, place: Place) -> Result<Option<Meaning>, Fault> {
    let Some(tag) = tag else { return Ok(None) };
    match tag.core_suffix() {
        Some("null") => Ok(Some(Meaning::Nothing)),
        Some(_) => Ok(Some(Meaning::Text)),
        None if tag.original() == "!" => Ok(Some(Meaning::Text)),
        None => {
            let problem = format!("`{}` is a tag that means nothing here", tag.original());
            Err(Fault::contradiction(place, problem, "write the value without it"))
        }
    }
}

fn place(span: &Span) -> Place {
    let octets = span.byte_range().unwrap_or_default();
    Place { start: octets.start, length: octets.len() }
}

/// A fault after which nothing is read any more.
fn beyond(place: Place, message: impl Into<String>) -> Fault {
    Fault::new(place, Cause::Syntax { message: message.into() })
}
