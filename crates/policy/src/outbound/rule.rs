//! Rules: whose mail gets which signatures.

use super::agreement::{Agreement, address};
use super::pattern::{AddressPattern, Glob};
use super::store::StoreTemplate;
use super::template::SignatureTemplate;
use dkim::Canonicalization;
use filter::{Client, Envelope, Network, Refusal};
use mail::{Author, Domain, Header, Mailbox};
use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;

/// Which of the rules that fit a message count.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Matching {
    /// The first one in the order of the file.
    First,
    /// All of them; the first one that does not sign ends it.
    #[default]
    All,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// How the log and `explain` call it, such as `rule 3`.
    pub name: String,
    /// When it fits.
    pub conditions: Conditions,
    /// Who else must agree that the author may be signed for.
    pub agreement: Option<Arc<Agreement>>,
    /// The table that it comes from, by number. Of the rules of one table, which stand together, only the first that
    /// fits counts.
    pub table: Option<u32>,
    /// Whether to sign although the message has a signature of this domain and selector already.
    pub sign_again: bool,
    /// For a message to one of these, only the first of the signatures is made.
    pub single_for: Vec<AddressPattern>,
    /// What then.
    pub action: Action,
}

impl Rule {
    /// A rule that asks for nothing else. Of a hundred thousand, the lists that each of them has leave no room to spare.
    #[must_use]
    pub fn new(name: String, mut conditions: Conditions, mut action: Action) -> Self {
        conditions.author.shrink_to_fit();
        if let Action::Sign(templates) = &mut action {
            templates.shrink_to_fit();
        }
        let (sign_again, single_for) = (false, Vec::new());
        Self { name, conditions, agreement: None, table: None, sign_again, single_for, action }
    }
}

/// What a rule does with a message that it fits.
#[derive(Clone, Debug)]
pub enum Action {
    /// These signatures.
    Sign(Vec<SignatureTemplate>),
    /// Those of the keys that a store has for the author's domain. Where it has none, the rule does not fit.
    Ask(StoreTemplate),
    /// None, for the reason given.
    Leave(String),
    /// The client hears no.
    Refuse(Refusal),
}

impl Action {
    /// The canonicalizations of the DKIM signatures that it makes.
    pub(super) fn canonicalizations(&self) -> Vec<Canonicalization> {
        match self {
            Self::Sign(templates) => {
                templates.iter().filter_map(|template| template.style.canonicalization()).collect()
            }
            Self::Ask(template) => template.style.canonicalization().into_iter().collect(),
            Self::Leave(_) | Self::Refuse(_) => Vec::new(),
        }
    }
}

/// When a rule fits: every list that is not empty must have an entry that does.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Conditions {
    /// The author, the one of the From field. Of several, all must fit for a signature, and one for all else.
    pub author: Vec<AddressPattern>,
    /// The reverse-path.
    pub reverse_path: Vec<ReversePathPattern>,
    /// The recipients.
    pub recipients: RecipientPatterns,
    /// The identifier of a mailing list (RFC 2919).
    pub list_id: Vec<Glob>,
    /// The address of the client.
    pub client: Vec<Network>,
    /// What the MTA says of the client.
    pub attributes: Vec<(Attribute, Glob)>,
    /// The listener that the message came in by.
    pub listener: Vec<String>,
}

/// Patterns for the recipients of a message, of which it may have several.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RecipientPatterns {
    /// For one recipient.
    pub patterns: Vec<AddressPattern>,
    /// Whether each recipient must fit; else one is enough, so that an exception holds for all who need it.
    pub every: bool,
}

/// A pattern for the reverse-path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ReversePathPattern {
    /// The null reverse-path of a bounce.
    Null,
    /// An address.
    Address(AddressPattern),
}

/// Something that XFORWARD or XCLIENT says of a client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Attribute {
    /// `NAME`
    Name,
    /// `HELO`
    Helo,
    /// `IDENT`
    Ident,
    /// `PROTO`
    Protocol,
    /// `SOURCE`
    Source,
    /// `LOGIN`
    Login,
}

impl Attribute {
    /// The attribute's own word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "NAME",
            Self::Helo => "HELO",
            Self::Ident => "IDENT",
            Self::Protocol => "PROTO",
            Self::Source => "SOURCE",
            Self::Login => "LOGIN",
        }
    }

    pub(super) fn of(self, client: &Client) -> Option<&str> {
        match self {
            Self::Name => client.name.as_deref(),
            Self::Helo => client.helo.as_deref(),
            Self::Ident => client.ident.as_deref(),
            Self::Protocol => client.protocol.as_deref(),
            Self::Source => client.source.as_deref(),
            Self::Login => client.login.as_deref(),
        }
    }
}

/// What the conditions of a rule are held against.
pub(super) struct Subject<'a> {
    /// The first of the authors.
    pub(super) author: &'a Mailbox,
    pub(super) authors: &'a [Mailbox],
    /// The reverse-path as an address, read when a rule first asks for it.
    reverse_path: OnceCell<Option<Mailbox>>,
    /// The identifiers of the mailing lists that it is said to come by.
    list_ids: Vec<String>,
    pub(super) header: &'a Header,
    pub(super) envelope: &'a Envelope,
}

impl<'a> Subject<'a> {
    pub(super) fn new(author: &'a Author, header: &'a Header, envelope: &'a Envelope) -> Self {
        let list_ids = header.named("List-Id").map(|(_, field)| list_id(field.value())).collect();
        Self {
            author: author.mailbox(),
            authors: author.mailboxes(),
            reverse_path: OnceCell::new(),
            list_ids,
            header,
            envelope,
        }
    }

    fn reverse_path(&self) -> Option<&Mailbox> {
        self.reverse_path.get_or_init(|| address(&self.envelope.reverse_path)).as_ref()
    }

    /// The first recipient that one of the patterns fits.
    pub(super) fn recipient(&self, patterns: &[AddressPattern]) -> Option<&'a str> {
        if patterns.is_empty() {
            return None;
        }
        let mut recipients = self.envelope.recipients.iter().map(String::as_str);
        recipients.find(|recipient| fits_recipient(patterns, recipient))
    }
}

fn fits_recipient(patterns: &[AddressPattern], recipient: &str) -> bool {
    address(recipient).is_some_and(|recipient| patterns.iter().any(|pattern| pattern.fits(&recipient)))
}

/// Which condition does not fit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Misfit {
    Author,
    ReversePath,
    Recipients,
    ListId,
    Client,
    Attribute(Attribute),
    Listener,
}

impl Misfit {
    /// The words of it, to follow the name of the rule.
    pub(super) fn words(self, conditions: &Conditions, subject: &Subject<'_>) -> String {
        match self {
            Self::Author => format!("is for other authors: {}", list(&conditions.author)),
            Self::ReversePath => format!("is for other envelope senders: {}", list(&conditions.reverse_path)),
            Self::Recipients if conditions.recipients.every => {
                format!("is for messages that go only to: {}", list(&conditions.recipients.patterns))
            }
            Self::Recipients => format!("is for other recipients: {}", list(&conditions.recipients.patterns)),
            Self::ListId => format!("is for other mailing lists: {}", list(&conditions.list_id)),
            Self::Client => format!("is for other clients: {}", list(&conditions.client)),
            Self::Attribute(attribute) => {
                let wanted = conditions.attributes.iter().filter(|(name, _)| *name == attribute);
                let wanted: Vec<&Glob> = wanted.map(|(_, glob)| glob).collect();
                let said = attribute.of(&subject.envelope.client).map(str::escape_debug);
                let said = said.map_or_else(|| "which is not known".to_owned(), |said| format!("not {said}"));
                format!("is for another {}: {}, {said}", attribute.name(), list(&wanted))
            }
            Self::Listener => format!("is for another listener: {}", list(&conditions.listener)),
        }
    }
}

/// Some of many, for people to read.
fn list<T: fmt::Display>(all: &[T]) -> String {
    const MOST: usize = 5;
    let words: Vec<String> = all.iter().take(MOST).map(ToString::to_string).collect();
    let more = if all.len() > MOST { ", …" } else { "" };
    format!("{}{more}", words.join(", "))
}

impl fmt::Display for ReversePathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("<>"),
            Self::Address(pattern) => pattern.fmt(f),
        }
    }
}

impl Conditions {
    /// Whether all conditions fit a message for which this is done; else the first that does not.
    pub(super) fn fit(&self, action: &Action, subject: &Subject<'_>) -> Result<(), Misfit> {
        let client = &subject.envelope.client;
        let has =
            |attribute: Attribute, glob: &Glob| attribute.of(client).is_some_and(|value| glob.fits(value));
        let is_of = |author: &Mailbox| any(&self.author, |pattern| pattern.fits(author));
        // RFC 5322 §3.6.2: each of the mailboxes in From is an author. A signature speaks for all of them, and what is
        // forbidden to one is not allowed by the company of others.
        let fits = match action {
            Action::Sign(_) | Action::Ask(_) => subject.authors.iter().all(is_of),
            Action::Leave(_) | Action::Refuse(_) => subject.authors.iter().any(is_of),
        };
        if !fits {
            return Err(Misfit::Author);
        }
        if !any(&self.reverse_path, |pattern| pattern.fits(subject)) {
            return Err(Misfit::ReversePath);
        }
        if !self.recipients.fit(subject) {
            return Err(Misfit::Recipients);
        }
        if !any(&self.list_id, |glob| subject.list_ids.iter().any(|id| glob.fits(id))) {
            return Err(Misfit::ListId);
        }
        if !any(&self.client, |network| client.address.is_some_and(|address| network.contains(address))) {
            return Err(Misfit::Client);
        }
        if let Some((attribute, _)) = self.attributes.iter().find(|(attribute, glob)| !has(*attribute, glob))
        {
            return Err(Misfit::Attribute(*attribute));
        }
        if !any(&self.listener, |listener| *listener == subject.envelope.listener) {
            return Err(Misfit::Listener);
        }
        Ok(())
    }

    /// The domain by which an author fits: that of the pattern, which may be a parent of the author's own.
    pub(super) fn matched_domain(&self, author: &Mailbox) -> Domain {
        let fitting = self.author.iter().find(|pattern| pattern.fits(author));
        fitting.and_then(AddressPattern::domain).unwrap_or(&author.domain).clone()
    }
}

impl RecipientPatterns {
    fn fit(&self, subject: &Subject<'_>) -> bool {
        let recipients = &subject.envelope.recipients;
        let fits = |recipient: &String| fits_recipient(&self.patterns, recipient);
        match (self.patterns.is_empty(), self.every) {
            (true, _) => true,
            (false, true) => !recipients.is_empty() && recipients.iter().all(fits),
            (false, false) => recipients.iter().any(fits),
        }
    }
}

impl ReversePathPattern {
    fn fits(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::Null => subject.envelope.reverse_path.is_empty(),
            Self::Address(pattern) => subject.reverse_path().is_some_and(|path| pattern.fits(path)),
        }
    }
}

/// What stands in angle brackets (RFC 2919 §3), or all of it if there are none. Comments and what is quoted are left out.
fn list_id(value: &[u8]) -> String {
    let mut text = String::new();
    let (mut comments, mut quoted) = (0_usize, false);
    let value = String::from_utf8_lossy(value);
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' if comments > 0 || quoted => drop(characters.next()),
            '"' if comments == 0 => quoted = !quoted,
            '(' if !quoted => comments += 1,
            ')' if !quoted => comments = comments.saturating_sub(1),
            _ if comments == 0 && !quoted => text.push(character),
            _ => {}
        }
    }
    let inner = text.rsplit_once('<').map_or(&*text, |(_, inner)| inner.split('>').next().unwrap_or(inner));
    inner.trim().to_owned()
}

/// Whether something in a list fits; an empty list asks for nothing.
fn any<T>(list: &[T], fits: impl FnMut(&T) -> bool) -> bool {
    list.is_empty() || list.iter().any(fits)
}
