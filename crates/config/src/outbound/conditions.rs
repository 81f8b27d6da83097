//! When a rule fits.

use crate::fault::{Fault, Placed};
use crate::listen::Listen;
use crate::pattern::{address_glob, domain_glob};
use crate::section::Section;
use crate::text::{FromText, Problem, one_of};
use filter::Network;
use mail::{Domain, parse_mailboxes};
use policy::outbound::{
    AddressPattern, Agreement, Attribute, Conditions, Extent, Glob, RecipientPatterns, ReversePathPattern,
    Witness,
};

/// Reads all conditions but the author.
pub(super) fn read(section: &mut Section<'_>, author: Vec<AddressPattern>, wider: Wider) -> Conditions {
    let reverse_path = values(section.values::<MailFrom>("mail_from"));
    let list_id = values(section.values::<ListId>("list_id"));
    let recipients = values(section.values("rcpt"));
    let every = section.placed::<Every>("rcpt_match");
    if let Some(every) = every.as_ref().filter(|_| !section.contains("rcpt")) {
        let problem = "`rcpt_match` says how `rcpt` is meant, and there is none";
        section.complain(Fault::contradiction(every.place, problem, "add `rcpt`, or take it out"));
    }
    Conditions {
        author,
        reverse_path: reverse_path.into_iter().map(|MailFrom(pattern)| wider.reverse_path(pattern)).collect(),
        recipients: RecipientPatterns {
            patterns: recipients,
            every: every.is_some_and(|every| every.value.0),
        },
        list_id: list_id.into_iter().map(|ListId(glob)| glob).collect(),
        client: values(section.values::<Network>("client")),
        attributes: section.section("xforward", attributes),
        listener: values(section.values::<Listen>("listener")).iter().map(ToString::to_string).collect(),
    }
}

pub(super) fn values<T>(placed: Option<Vec<Placed<T>>>) -> Vec<T> {
    placed.into_iter().flatten().map(|placed| placed.value).collect()
}

fn attributes(section: &mut Section<'_>) -> Vec<(Attribute, Glob)> {
    const WORDS: [(&str, Attribute); 6] = [
        ("name", Attribute::Name),
        ("helo", Attribute::Helo),
        ("ident", Attribute::Ident),
        ("proto", Attribute::Protocol),
        ("source", Attribute::Source),
        ("login", Attribute::Login),
    ];
    let glob = |(word, attribute)| section.value(word).map(|Text(text)| (attribute, Glob::new(&text)));
    WORDS.into_iter().filter_map(glob).collect()
}

/// What a domain or an address stands for beside itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wider {
    pub(super) subdomains: bool,
    pub(super) extensions: bool,
}

impl Wider {
    pub(super) fn pattern(self, pattern: AddressPattern) -> AddressPattern {
        match pattern {
            AddressPattern::Domain(domain) if self.subdomains => AddressPattern::Within(domain),
            AddressPattern::Address(mailbox) if self.extensions => AddressPattern::Extended(mailbox),
            other => other,
        }
    }

    fn reverse_path(self, pattern: ReversePathPattern) -> ReversePathPattern {
        match pattern {
            ReversePathPattern::Address(pattern) => ReversePathPattern::Address(self.pattern(pattern)),
            ReversePathPattern::Null => ReversePathPattern::Null,
        }
    }
}

impl FromText for AddressPattern {
    const EXPECTED: &'static str = "an address, a domain, or a text with `*` for anything, such as `joe@example.org`, `example.org` or `\"*-news@example.org\"`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        if text.contains(['*', '?']) {
            let whole_domain = text.strip_prefix("*@").and_then(|domain| Domain::parse(domain).ok());
            return whole_domain
                .map_or_else(|| address_glob(text).map(Self::Glob), |domain| Ok(Self::Domain(domain)));
        }
        if !text.contains('@') {
            return Domain::from_text(text).map(Self::Domain);
        }
        let mut mailboxes = parse_mailboxes(text.as_bytes())
            .map_err(|error| Problem::new(format!("which is no address ({error})")))?;
        match mailboxes.pop() {
            Some(mailbox) if mailboxes.is_empty() => Ok(Self::Address(mailbox)),
            _ => Err(Problem::new("which is no address")),
        }
    }
}

struct MailFrom(ReversePathPattern);

impl FromText for MailFrom {
    const EXPECTED: &'static str = "`<>` for a bounce, or a pattern as in `author`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        if text == "<>" {
            return Ok(Self(ReversePathPattern::Null));
        }
        AddressPattern::from_text(text).map(|pattern| Self(ReversePathPattern::Address(pattern)))
    }
}

/// The identifier of a mailing list, without its angle brackets.
struct ListId(Glob);

impl FromText for ListId {
    const EXPECTED: &'static str = "the identifier of a mailing list, such as `announce.example.org`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        if text.is_empty() || text.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>')) {
            return Err(Problem::new("which is more or less than what stands between the angle brackets"));
        }
        // One that is no domain is compared as it stands.
        Ok(Self(Glob::new(&domain_glob(text).unwrap_or_else(|_| text.to_owned()))))
    }
}

/// A text for people.
pub(super) struct Text(pub(super) String);

impl FromText for Text {
    const EXPECTED: &'static str = "a text of one line";

    fn from_text(text: &str) -> Result<Self, Problem> {
        if text.trim().is_empty() || text.contains(char::is_control) {
            return Err(Problem::new("which is not one line of text"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Reads `agree:`.
pub(super) fn agreement(section: &mut Section<'_>) -> Option<Agreement> {
    if !section.has("agree") {
        return None;
    }
    section.section("agree", |inner| {
        inner.require("with", WitnessWord::EXPECTED);
        let with: Option<WitnessWord> = inner.value("with");
        let extent = inner.value("in").unwrap_or(Extent::Domain);
        let realm = inner.value("realm");
        let by = inner.placed::<Domain>("by");
        if let Some(by) = by.as_ref().filter(|_| with.is_some_and(|with| with != WitnessWord::Received)) {
            let problem = "`by` is how your MTA calls itself in Received, and `with` is something else";
            inner.complain(Fault::contradiction(by.place, problem, "say `with: received`, or take `by` out"));
        }
        let with = with?.with(by.map(|by| by.value));
        let Otherwise { refuse } = inner.value("otherwise").unwrap_or(Otherwise { refuse: false });
        Some(Agreement { with, extent, realm, refuse })
    })
}

#[derive(Clone, Copy, PartialEq)]
enum WitnessWord {
    MailFrom,
    Login,
    Ident,
    Received,
}

impl WitnessWord {
    fn with(self, by: Option<Domain>) -> Witness {
        match self {
            Self::MailFrom => Witness::ReversePath,
            Self::Login => Witness::Login,
            Self::Ident => Witness::Ident,
            Self::Received => Witness::Received { by },
        }
    }
}

impl FromText for WitnessWord {
    const EXPECTED: &'static str = "`mail_from`, `login`, `received` or `ident`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        let words = [
            ("mail_from", Self::MailFrom),
            ("login", Self::Login),
            ("received", Self::Received),
            ("ident", Self::Ident),
        ];
        one_of(text, &words)
    }
}

/// `rcpt_match:`
struct Every(bool);

impl FromText for Every {
    const EXPECTED: &'static str = "`any` (one recipient is enough) or `all`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        one_of(text, &[("any", false), ("all", true)]).map(Self)
    }
}

impl FromText for Extent {
    const EXPECTED: &'static str = "`domain` or `address`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        one_of(text, &[("domain", Self::Domain), ("address", Self::Address)])
    }
}

#[derive(Clone, Copy)]
struct Otherwise {
    refuse: bool,
}

impl FromText for Otherwise {
    const EXPECTED: &'static str = "`unsigned` or `refuse`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        one_of(text, &[("unsigned", Self { refuse: false }), ("refuse", Self { refuse: true })])
    }
}
