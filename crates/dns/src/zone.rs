//! A DNS in memory, read from a file.
//!
//! The file is a master file (RFC 1035 §5) or, if its first octet that is no blank is `{`, JSON:
//! `{"name": "txt" | ["txt", "txt"] | null | {"error": "timeout" | "servfail"}}`.

mod json;
mod master;

use crate::{LookupError, Resolver, TxtAnswer, Unavailable};
use mail::Domain;
use std::collections::HashMap;
use thiserror::Error;

/// How many aliases are followed. Longer chains are loops or mistakes; resolvers give up likewise.
const LONGEST_CHAIN: usize = 8;

/// All that the DNS knows, as far as anybody asks.
#[derive(Clone, Debug, Default)]
pub struct Zone {
    nodes: HashMap<Key, Node>,
}

/// A name as it is compared: as a [`Domain`] is written, or in lower case where it is none (`*.example.org`).
type Key = Box<str>;

/// What there is at a name.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Node {
    /// TXT records, each with its strings put together. None at all where only other types are.
    Txt(Vec<Vec<u8>>),
    /// The name is an alias of another one (CNAME).
    Alias(Key),
    /// Whoever asks learns that nobody can tell.
    Trouble(Unavailable),
}

/// Why a file is no zone.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("line {line}: {fault}")]
pub struct ZoneError {
    /// The line of the fault, from 1.
    pub line: usize,
    /// What is wrong there.
    pub fault: ZoneFault,
}

/// What is wrong with a zone file.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ZoneFault {
    /// A quoted string that its line does not end.
    #[error("quotation mark without its partner")]
    OpenQuote,
    /// Parentheses that do not pair.
    #[error("parenthesis without its partner")]
    Parenthesis,
    /// A backslash with nothing useful behind it.
    #[error("malformed escape, expected \\X or \\DDD with a number up to 255")]
    Escape,
    /// A record in front of which no name stands.
    #[error("record without a name")]
    NoOwner,
    /// There is no type where one has to be.
    #[error("expected a record type such as TXT, found {0:?}")]
    Type(String),
    /// The record has no data, or data of another form.
    #[error("malformed {0} record")]
    Data(&'static str),
    /// An alias has no other data (RFC 1034 §3.6.2).
    #[error("CNAME beside other records of the same name")]
    AliasWithData,
    /// `$INCLUDE` and whatever else begins with a dollar.
    #[error("unsupported directive {0}")]
    Directive(String),
    /// The JSON is none.
    #[error("malformed JSON: {0}")]
    Json(String),
    /// The JSON value of a name is none of the forms known.
    #[error("{0:?}: expected a text, a list of texts, null or {{\"error\": \"timeout\" or \"servfail\"}}")]
    JsonValue(String),
}

impl Zone {
    /// Reads a zone file.
    pub fn parse(text: &[u8]) -> Result<Self, ZoneError> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        match text.trim_ascii_start().first() {
            Some(b'{') => json::parse(text),
            _ => master::parse(text),
        }
    }

    /// Adds a TXT record.
    pub fn add_txt(&mut self, name: &Domain, text: impl Into<Vec<u8>>) {
        match self.nodes.entry(name.as_str().into()).or_insert(Node::Txt(Vec::new())) {
            Node::Txt(records) => records.push(text.into()),
            other => *other = Node::Txt(vec![text.into()]),
        }
    }

    /// Lets every look-up of a name fail.
    pub fn add_trouble(&mut self, name: &Domain, trouble: Unavailable) {
        self.nodes.insert(name.as_str().into(), Node::Trouble(trouble));
    }

    /// The TXT records of a name, aliases followed.
    pub fn lookup_txt(&self, name: &Domain) -> TxtAnswer {
        let mut name = name.as_str();
        for _ in 0..=LONGEST_CHAIN {
            match self.node(name).ok_or(LookupError::NoName)? {
                Node::Txt(records) if records.is_empty() => return Err(LookupError::NoData),
                Node::Txt(records) => return Ok(records.clone()),
                Node::Alias(target) => name = target,
                Node::Trouble(trouble) => return Err(trouble.clone().into()),
            }
        }
        Err(Unavailable::ServFail.into())
    }

    /// Every name with TXT records, and these; in no order.
    pub fn txt_records(&self) -> impl Iterator<Item = (&str, &[Vec<u8>])> {
        self.nodes.iter().filter_map(|(name, node)| match node {
            Node::Txt(records) if !records.is_empty() => Some((&**name, records.as_slice())),
            Node::Txt(_) | Node::Alias(_) | Node::Trouble(_) => None,
        })
    }

    /// What a name is an alias of (CNAME), if it is one.
    #[must_use]
    pub fn alias(&self, name: &Domain) -> Option<Domain> {
        match self.node(name.as_str())? {
            Node::Alias(target) => Domain::parse(target).ok(),
            Node::Txt(_) | Node::Trouble(_) => None,
        }
    }

    fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.get(name).or_else(|| self.wildcard(name))
    }

    /// The wildcard right below the closest ancestor that exists stands for the name (RFC 4592 §3.3.1).
    fn wildcard(&self, name: &str) -> Option<&Node> {
        let mut rest = name;
        while let Some((_, ancestor)) = rest.split_once('.') {
            let wildcard = self.nodes.get(format!("*.{ancestor}").as_str());
            if wildcard.is_some() || self.nodes.contains_key(ancestor) {
                return wildcard;
            }
            rest = ancestor;
        }
        None
    }
}

impl Resolver for Zone {
    fn txt(&self, name: &Domain) -> impl Future<Output = TxtAnswer> + Send {
        std::future::ready(self.lookup_txt(name))
    }
}

/// The form of a name that is compared.
fn key(name: &str) -> Key {
    match Domain::parse(name) {
        Ok(domain) => domain.as_str().into(),
        Err(_) => name.strip_suffix('.').unwrap_or(name).to_lowercase().into(),
    }
}

#[cfg(test)]
mod tests;
