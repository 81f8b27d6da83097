//! What `dkimgate explain` has to say: in words, or as JSON.

use dkim::TagList;
use mail::{Header, NewField};
use policy::outbound::Explanation;
use serde_json::{Value, json};
use std::fmt;

/// What becomes of a message, and the way to it.
pub struct Account {
    /// The walk past the rules, if it came to that.
    pub explanation: Option<Explanation>,
    /// What was done, in the word of the log.
    pub action: &'static str,
    /// And why.
    pub detail: String,
    /// The fields that are added, from top to bottom.
    pub fields: Vec<NewField>,
}

/// A field that is added: a signature, by its tags, or another one.
enum Added<'a> {
    Signature(&'a str, TagList<'a>),
    Other(&'a str, &'a str),
}

impl Account {
    /// Of a message that is refused as it is.
    pub fn refused(explanation: Option<Explanation>, why: &str) -> Self {
        Self { explanation, action: "refused", detail: why.to_owned(), fields: Vec::new() }
    }

    /// As `docs/json.md` describes it.
    pub fn json(&self) -> Value {
        let author = self.explanation.as_ref().and_then(|walk| walk.author.as_ref().ok());
        let steps = self.explanation.iter().flat_map(|walk| &walk.steps);
        let rules = steps.map(|step| json!({"rule": step.rule, "fits": step.fits, "words": step.words}));
        let headers: Vec<Header> = self.headers().collect();
        json!({
            "author": author.map(ToString::to_string),
            "rules": rules.collect::<Vec<_>>(),
            "action": self.action,
            "detail": self.detail,
            "fields": headers.iter().filter_map(Added::of).map(|field| field.json()).collect::<Vec<_>>(),
        })
    }

    fn headers(&self) -> impl Iterator<Item = Header> {
        self.fields.iter().map(|field| Header::parse(field.raw().to_vec()))
    }
}

impl fmt::Display for Account {
    /// The walk, a blank line, and what comes of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(explanation) = &self.explanation {
            writeln!(f, "{explanation}\n")?;
        }
        writeln!(f, "{}: {}", self.action, self.detail)?;
        self.headers().try_for_each(|header| Added::of(&header).map_or(Ok(()), |field| field.fmt(f)))
    }
}

impl<'a> Added<'a> {
    fn of(header: &'a Header) -> Option<Self> {
        let field = header.field(0)?;
        let name = std::str::from_utf8(field.name()).ok()?;
        if field.is("DKIM-Signature") || field.is("DomainKey-Signature") {
            return Some(Self::Signature(name, TagList::salvage(field.value())));
        }
        Some(Self::Other(name, std::str::from_utf8(field.value()).ok()?.trim()))
    }

    fn json(&self) -> Value {
        match self {
            Self::Signature(name, tags) => json!({
                "name": name,
                "domain": tag(tags, "d"),
                "selector": tag(tags, "s"),
                "algorithm": tag(tags, "a"),
                "canonicalization": tag(tags, "c"),
                "signed": tag(tags, "h").map(|h| h.split(':').map(str::to_owned).collect::<Vec<_>>()),
                "identity": tag(tags, "i"),
                "expires": tag(tags, "x").and_then(|x| x.parse::<u64>().ok()),
            }),
            Self::Other(name, value) => json!({"name": name, "value": value}),
        }
    }
}

/// A tag without the folding in it, if it is there.
fn tag(tags: &TagList<'_>, name: &str) -> Option<String> {
    tags.value(name).map(|value| value.split_whitespace().collect())
}

impl fmt::Display for Added<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, tags) = match self {
            Self::Signature(name, tags) => (name, tags),
            Self::Other(name, value) => return writeln!(f, "  {name}: {value}"),
        };
        let value = |name| tag(tags, name).unwrap_or_default();
        writeln!(f, "  {name}: d={} s={} a={} c={}", value("d"), value("s"), value("a"), value("c"))?;
        for (name, what) in [("h", "fields"), ("i", "identity"), ("x", "expires")] {
            if let Some(value) = tag(tags, name) {
                writeln!(f, "    {what}: {value}")?;
            }
        }
        Ok(())
    }
}
