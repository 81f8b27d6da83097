//! Who else must agree that the author may be signed for.

use super::received;
use super::rule::Subject;
use mail::{Domain, Mailbox, parse_mailboxes};

/// An identity besides the author that must be the same, or no signature is made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Agreement {
    /// Whose.
    pub with: Witness,
    /// How far they must be the same.
    pub extent: Extent,
    /// The domain of a name without one, such as a login of `joe`.
    pub realm: Option<Domain>,
    /// Whether the message is refused if they are not; else it goes through unsigned.
    pub refuse: bool,
}

/// Who has to agree with the author.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Witness {
    /// The reverse-path. A bounce has none, and so never disagrees.
    ReversePath,
    /// Whoever logged in (XCLIENT LOGIN).
    Login,
    /// Whoever XFORWARD IDENT names, where a front end says the user there and not a queue id.
    Ident,
    /// Whoever logged in, as the Received field on top says.
    Received {
        /// How our own MTA calls itself there.
        by: Option<Domain>,
    },
}

/// How far two addresses must be the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Extent {
    /// The whole address.
    Address,
    /// The domain, or one of them within the other.
    Domain,
}

impl Agreement {
    /// Whether the witness agrees with all authors; else the words of it.
    pub(super) fn hold(&self, subject: &Subject<'_>) -> Result<(), String> {
        let client = &subject.envelope.client;
        let said = match &self.with {
            Witness::ReversePath if subject.envelope.reverse_path.is_empty() => return Ok(()),
            Witness::ReversePath => Some(subject.envelope.reverse_path.clone()),
            Witness::Login => client.login.clone(),
            Witness::Ident => client.ident.clone(),
            Witness::Received { by } => received::login(subject.header, client, by.as_ref()),
        };
        let witness = self.with.words();
        let said = said.ok_or_else(|| format!("nothing is known of the {witness}"))?;
        let agrees = self
            .mailbox(&said)
            .is_some_and(|mailbox| subject.authors.iter().all(|author| self.extent.covers(author, &mailbox)));
        if agrees { Ok(()) } else { Err(format!("author and {witness} disagree ({})", said.escape_debug())) }
    }

    fn mailbox(&self, said: &str) -> Option<Mailbox> {
        match &self.realm {
            Some(realm) if !said.contains('@') => address(&format!("{said}@{realm}")),
            _ => address(said),
        }
    }
}

impl Witness {
    fn words(&self) -> &'static str {
        match self {
            Self::ReversePath => "envelope sender",
            Self::Login => "login",
            Self::Ident => "XFORWARD IDENT",
            Self::Received { .. } => "login in Received",
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

/// The one address that a text is.
pub(super) fn address(text: &str) -> Option<Mailbox> {
    let mut mailboxes = parse_mailboxes(text.as_bytes()).ok()?;
    if mailboxes.len() == 1 { mailboxes.pop() } else { None }
}
