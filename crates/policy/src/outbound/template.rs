//! What a signature is to look like, before it is known for which message.

use super::keys::KeyName;
use super::rule::Rule;
use super::store::{StoreTemplate, StoredKey};
use dkim::{
    Algorithm, Canonicalization, DkimRequest, DomainKeysRequest, FieldSelection, Kind, OldForm, PrivateKey,
    SignatureRequest,
};
use mail::{Domain, Mailbox};
use std::fmt;
use std::sync::Arc;

/// One signature that a rule makes.
#[derive(Clone, Debug)]
pub struct SignatureTemplate {
    /// `d=`
    pub domain: SigningDomain,
    /// `s=`
    pub selector: Domain,
    /// The private key.
    pub key: KeyChoice,
    /// All the rest. A hundred thousand templates may share one.
    pub style: Arc<Style>,
}

/// Which domain signs.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum SigningDomain {
    /// The domain by which the rule fits, which may be a parent of the author's own.
    #[default]
    Matched,
    /// The author's own.
    Author,
    /// This one.
    Fixed(Domain),
}

/// Which key signs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyChoice {
    /// This one.
    Named(KeyName),
    /// The one whose name is these pieces with the author's domain between them.
    ByDomain(Box<[String]>),
}

impl From<KeyName> for KeyChoice {
    fn from(name: KeyName) -> Self {
        Self::Named(name)
    }
}

/// What signatures have in common, whoever signs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Style {
    /// A DKIM signature.
    Dkim(DkimStyle),
    /// A DomainKeys signature, for those who still want one.
    DomainKeys(OldForm),
}

/// What DKIM signatures have in common.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DkimStyle {
    /// `a=`, if the key must be of that type; else the key decides.
    pub algorithm: Option<Algorithm>,
    /// `c=`; relaxed/relaxed, the only form that most relays leave intact.
    pub canonicalization: Canonicalization,
    /// Which fields are signed.
    pub fields: FieldSelection,
    /// `i=`; not said, since what it promises of the user is seldom true.
    pub identity: Identity,
    /// `x=` as seconds after signing; not said, since mail may lie in queues for days.
    pub lifetime: Option<u64>,
}

/// What `i=` says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Identity {
    /// Nothing.
    #[default]
    Unsaid,
    /// This: an address, or only an `@` and a domain.
    Fixed(String),
    /// The author's address, where it is within the signing domain.
    Author,
    /// This local part at the author's domain, where that is within the signing domain.
    AtAuthorDomain(String),
}

impl Default for DkimStyle {
    fn default() -> Self {
        Self {
            algorithm: None,
            canonicalization: Canonicalization::RELAXED,
            fields: FieldSelection::default(),
            identity: Identity::Unsaid,
            lifetime: None,
        }
    }
}

impl Default for Style {
    fn default() -> Self {
        Self::Dkim(DkimStyle::default())
    }
}

/// One signature that a message is to get.
#[derive(Clone, Debug)]
pub struct ChosenSignature {
    /// The name of the rule that chose it.
    pub rule: String,
    /// The family.
    pub kind: Kind,
    /// `d=`
    pub domain: Domain,
    /// `s=`
    pub selector: Domain,
    /// The private key.
    pub key: ChosenKey,
    /// All the rest.
    pub style: Arc<Style>,
}

/// The private key of a signature.
#[derive(Clone, Debug)]
pub enum ChosenKey {
    /// The one of this name.
    Named(KeyName),
    /// This one, which came from a store.
    Stored(Arc<dyn PrivateKey>),
}

impl SignatureTemplate {
    /// What this rule makes for an author who fits by `matched`.
    pub(super) fn choose(&self, rule: &Rule, author: &Domain, matched: &Domain) -> ChosenSignature {
        ChosenSignature {
            rule: rule.name.clone(),
            kind: self.style.kind(),
            domain: match &self.domain {
                SigningDomain::Matched => matched.clone(),
                SigningDomain::Author => author.clone(),
                SigningDomain::Fixed(domain) => domain.clone(),
            },
            selector: self.selector.clone(),
            key: ChosenKey::Named(match &self.key {
                KeyChoice::Named(name) => name.clone(),
                KeyChoice::ByDomain(pieces) => KeyName::new(&pieces.join(author.as_str())),
            }),
            style: Arc::clone(&self.style),
        }
    }
}

impl StoreTemplate {
    /// What this rule makes with a key that its store has for `domain`.
    pub(super) fn choose(&self, rule: &Rule, domain: &Domain, stored: &StoredKey) -> ChosenSignature {
        ChosenSignature {
            rule: rule.name.clone(),
            kind: self.style.kind(),
            domain: domain.clone(),
            selector: stored.selector.clone(),
            key: ChosenKey::Stored(Arc::clone(&stored.key)),
            style: Arc::clone(&self.style),
        }
    }
}

impl Style {
    /// That of a DKIM signature.
    pub(super) fn canonicalization(&self) -> Option<Canonicalization> {
        match self {
            Self::Dkim(style) => Some(style.canonicalization),
            Self::DomainKeys(_) => None,
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Dkim(_) => Kind::Dkim,
            Self::DomainKeys(_) => Kind::DomainKeys,
        }
    }
}

impl ChosenSignature {
    /// How the log calls its key.
    pub(super) fn key_name(&self) -> KeyName {
        match &self.key {
            ChosenKey::Named(name) => name.clone(),
            ChosenKey::Stored(_) => KeyName::new(&format!("{} of {}", self.selector, self.domain)),
        }
    }

    /// Whether both would be verified with the same key record.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        self.kind == other.kind && self.domain == other.domain && self.selector == other.selector
    }

    /// Whether the style leaves the algorithm to this key, or names the one that the key is for.
    pub(super) fn accepts(&self, key: &dyn PrivateKey) -> bool {
        let wanted = match &*self.style {
            Style::Dkim(style) => style.algorithm,
            Style::DomainKeys(_) => Some(Algorithm::RsaSha1),
        };
        wanted.is_none_or(|algorithm| algorithm.key_kind() == key.public_key().kind())
    }

    pub(super) fn request(&self, key: Arc<dyn PrivateKey>, author: &Mailbox, now: u64) -> SignatureRequest {
        let (domain, selector) = (self.domain.clone(), self.selector.clone());
        match &*self.style {
            Style::Dkim(style) => {
                let mut request = DkimRequest::new(domain, selector, key);
                request.canonicalization = style.canonicalization;
                request.fields = style.fields.clone();
                request.identity = style.identity.text(author, &self.domain);
                request.signed_at = Some(now);
                request.lifetime = style.lifetime;
                request.into()
            }
            Style::DomainKeys(form) => {
                DomainKeysRequest { domain, selector, key, form: *form, fields: None }.into()
            }
        }
    }
}

impl Identity {
    fn text(&self, author: &Mailbox, domain: &Domain) -> Option<String> {
        match self {
            Self::Unsaid => None,
            Self::Fixed(text) => Some(text.clone()),
            // RFC 6376 §3.5 wants the domain of i= within that of d=.
            Self::Author => author.domain.is_within(domain).then(|| author.to_string()),
            Self::AtAuthorDomain(local_part) => {
                author.domain.is_within(domain).then(|| format!("{local_part}@{}", author.domain))
            }
        }
    }
}

impl fmt::Display for ChosenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.pad(name.as_str()),
            Self::Stored(_) => f.pad("stored"),
        }
    }
}

impl fmt::Display for ChosenSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind == Kind::DomainKeys {
            f.write_str("DomainKeys ")?;
        }
        write!(f, "d={} s={}", self.domain, self.selector)
    }
}
