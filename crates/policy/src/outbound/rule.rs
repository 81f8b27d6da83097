//! Rules: whose mail gets which signatures.

use super::pattern::{AddressPattern, Glob};
use super::template::SignatureTemplate;
use filter::{Client, Envelope, Network, Refusal};
use mail::{Domain, Header, Mailbox, parse_mailboxes};

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
    pub agreement: Option<Agreement>,
    /// The table that it comes from, by number. Of the rules of one table, which stand together, only the first that
    /// fits counts.
    pub table: Option<u32>,
    /// Whether to sign although the message has a signature of this domain and selector already.
    pub sign_again: bool,
    /// What then.
    pub action: Action,
}

/// What a rule does with a message that it fits.
#[derive(Clone, Debug)]
pub enum Action {
    /// These signatures.
    Sign(Vec<SignatureTemplate>),
    /// None, for the reason given.
    Leave(String),
    /// The client hears no.
    Refuse(Refusal),
}

/// When a rule fits: every list that is not empty must have an entry that does.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Conditions {
    /// The author, the one of the From field.
    pub author: Vec<AddressPattern>,
    /// The reverse-path.
    pub reverse_path: Vec<ReversePathPattern>,
    /// The identifier of a mailing list (RFC 2919).
    pub list_id: Vec<Glob>,
    /// The address of the client.
    pub client: Vec<Network>,
    /// What the MTA says of the client.
    pub attributes: Vec<(Attribute, Glob)>,
    /// The listener that the message came in by.
    pub listener: Vec<String>,
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

/// An identity besides the author that must be the same, or no signature is made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Agreement {
    /// Whose.
    pub with: Witness,
    /// How far they must be the same.
    pub extent: Extent,
    /// Whether the message is refused if they are not; else it goes through unsigned.
    pub refuse: bool,
}

/// Who has to agree with the author.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Witness {
    /// The reverse-path. A bounce has none, and so never disagrees.
    ReversePath,
    /// Whoever logged in (XCLIENT LOGIN).
    Login,
}

/// How far two addresses must be the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Extent {
    /// The whole address.
    Address,
    /// The domain, or one of them within the other.
    Domain,
}

/// What the conditions of a rule are held against.
pub(super) struct Subject<'a> {
    pub(super) author: &'a Mailbox,
    pub(super) reverse_path: Option<Mailbox>,
    pub(super) list_id: Option<String>,
    pub(super) envelope: &'a Envelope,
}

impl<'a> Subject<'a> {
    pub(super) fn new(author: &'a Mailbox, header: &Header, envelope: &'a Envelope) -> Self {
        let list_id = header.named("List-Id").next().map(|(_, field)| list_id(field.value()));
        Self { author, reverse_path: address(&envelope.reverse_path), list_id, envelope }
    }
}

/// Which condition does not fit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Misfit {
    Author,
    ReversePath,
    ListId,
    Client,
    Attribute(Attribute),
    Listener,
}

impl Misfit {
    /// The words of it, to follow the name of the rule.
    pub(super) fn words(self) -> String {
        match self {
            Self::Author => "is for other authors".to_owned(),
            Self::ReversePath => "is for other envelope senders".to_owned(),
            Self::ListId => "is for other mailing lists".to_owned(),
            Self::Client => "is for other clients".to_owned(),
            Self::Attribute(attribute) => format!("is for another {}", attribute.name()),
            Self::Listener => "is for another listener".to_owned(),
        }
    }
}

impl Conditions {
    /// Whether all conditions fit; else the first that does not.
    pub(super) fn fit(&self, subject: &Subject<'_>) -> Result<(), Misfit> {
        let client = &subject.envelope.client;
        let has =
            |attribute: Attribute, glob: &Glob| attribute.of(client).is_some_and(|value| glob.fits(value));
        if !any(&self.author, |pattern| pattern.fits(subject.author)) {
            return Err(Misfit::Author);
        }
        if !any(&self.reverse_path, |pattern| pattern.fits(subject)) {
            return Err(Misfit::ReversePath);
        }
        if !any(&self.list_id, |glob| subject.list_id.as_deref().is_some_and(|id| glob.fits(id))) {
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

impl ReversePathPattern {
    fn fits(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::Null => subject.envelope.reverse_path.is_empty(),
            Self::Address(pattern) => subject.reverse_path.as_ref().is_some_and(|path| pattern.fits(path)),
        }
    }
}

/// The one address that a text is.
fn address(text: &str) -> Option<Mailbox> {
    let mut mailboxes = parse_mailboxes(text.as_bytes()).ok()?;
    if mailboxes.len() == 1 { mailboxes.pop() } else { None }
}

/// What stands in the last angle brackets (RFC 2919 §3), or all of it if there are none.
fn list_id(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    let inner = text.rsplit_once('<').map_or(&*text, |(_, inner)| inner.split('>').next().unwrap_or(inner));
    inner.trim().to_owned()
}

/// Whether something in a list fits; an empty list asks for nothing.
fn any<T>(list: &[T], fits: impl FnMut(&T) -> bool) -> bool {
    list.is_empty() || list.iter().any(fits)
}

impl Agreement {
    /// Whether the witness agrees.
    pub(super) fn holds(self, subject: &Subject<'_>) -> bool {
        let author = subject.author;
        match self.with {
            Witness::ReversePath if subject.envelope.reverse_path.is_empty() => true,
            Witness::ReversePath => {
                subject.reverse_path.as_ref().is_some_and(|path| self.extent.covers(author, path))
            }
            Witness::Login => {
                let login = subject.envelope.client.login.as_deref().and_then(address);
                login.is_some_and(|login| self.extent.covers(author, &login))
            }
        }
    }
}

impl Extent {
    fn covers(self, author: &Mailbox, witness: &Mailbox) -> bool {
        match self {
            Self::Address => {
                author.domain == witness.domain && author.local_part.eq_ignore_ascii_case(&witness.local_part)
            }
            Self::Domain => {
                author.domain.is_within(&witness.domain) || witness.domain.is_within(&author.domain)
            }
        }
    }
}
