//! What a signature is to say.

use crate::algorithm::Canonicalization;
use crate::domainkeys::signature::OldForm;
use crate::key::PrivateKey;
use mail::Domain;
use std::sync::{Arc, LazyLock};

/// One signature to be made.
#[derive(Clone, Debug)]
pub enum SignatureRequest {
    /// A DKIM signature.
    Dkim(DkimRequest),
    /// A DomainKeys signature.
    DomainKeys(DomainKeysRequest),
    /// A field given whole, with `b=` left empty.
    Template(TemplateRequest),
}

/// A DKIM signature to be made.
#[derive(Clone, Debug)]
pub struct DkimRequest {
    /// `d=`
    pub domain: Domain,
    /// `s=`
    pub selector: Domain,
    /// The key; it decides about `a=`.
    pub key: Arc<dyn PrivateKey>,
    /// `c=`; relaxed/relaxed.
    pub canonicalization: Canonicalization,
    /// `h=`; [`FieldSelection::default`].
    pub fields: FieldSelection,
    /// `i=`: `@domain` or `local@domain`, not encoded; none. A local part that needs quotation marks and has none gets
    /// them.
    pub identity: Option<String>,
    /// `t=`, in seconds since 1970; none.
    pub signed_at: Option<u64>,
    /// `x=` as seconds after `t=`; none.
    pub lifetime: Option<u64>,
    /// `l=`; none.
    pub body_length: BodyLength,
    /// Whether `z=` is to hold a copy of the signed fields; no.
    pub copy_fields: bool,
    /// Whether `q=dns/txt` is to be said; no.
    pub say_query: bool,
    /// Whether `r=y` asks for failure reports (RFC 6651); no.
    pub ask_for_reports: bool,
}

impl DkimRequest {
    /// A signature with the defaults named at each field.
    #[must_use]
    pub fn new(domain: Domain, selector: Domain, key: Arc<dyn PrivateKey>) -> Self {
        Self {
            domain,
            selector,
            key,
            canonicalization: Canonicalization::RELAXED,
            fields: FieldSelection::default(),
            identity: None,
            signed_at: None,
            lifetime: None,
            body_length: BodyLength::Unsaid,
            copy_fields: false,
            say_query: false,
            ask_for_reports: false,
        }
    }
}

impl From<DkimRequest> for SignatureRequest {
    fn from(request: DkimRequest) -> Self {
        Self::Dkim(request)
    }
}

/// What `l=` is to say. Anything but [`BodyLength::Unsaid`] lets others add text to a signed message.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum BodyLength {
    /// Nothing: the whole body is signed.
    #[default]
    Unsaid,
    /// The length of the canonical body.
    Whole,
    /// So many octets of the canonical body.
    Octets(u64),
}

/// A DomainKeys signature to be made; it is of rsa-sha1, the only algorithm there is.
#[derive(Clone, Debug)]
pub struct DomainKeysRequest {
    /// `d=`
    pub domain: Domain,
    /// `s=`
    pub selector: Domain,
    /// An RSA key.
    pub key: Arc<dyn PrivateKey>,
    /// `c=`
    pub form: OldForm,
    /// `h=`; without it every field is signed, and none can be added below.
    pub fields: Option<Vec<String>>,
}

impl From<DomainKeysRequest> for SignatureRequest {
    fn from(request: DomainKeysRequest) -> Self {
        Self::DomainKeys(request)
    }
}

/// A field given whole. `b=` is filled, and `bh=` if it is empty; all else stays octet for octet.
#[derive(Clone, Debug)]
pub struct TemplateRequest {
    /// A `DKIM-Signature` or `DomainKey-Signature` field, with or without its final CR LF.
    pub field: Vec<u8>,
    /// The key.
    pub key: Arc<dyn PrivateKey>,
}

impl From<TemplateRequest> for SignatureRequest {
    fn from(request: TemplateRequest) -> Self {
        Self::Template(request)
    }
}

/// Which fields are signed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FieldSelection {
    /// The names.
    pub names: FieldNames,
    /// Which names stand in `h=` once more than there are such fields, so that none can be added.
    pub oversign: Oversign,
}

impl Default for FieldSelection {
    fn default() -> Self {
        static NAMES: LazyLock<Arc<[String]>> =
            LazyLock::new(|| DEFAULT_FIELDS.iter().map(|name| (*name).to_owned()).collect());
        Self { names: FieldNames::Present(Arc::clone(&NAMES)), oversign: Oversign::Present }
    }
}

/// Names of fields, which many signatures share.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FieldNames {
    /// Exactly these, in this order, a name twice for one instance more.
    Exactly(Arc<[String]>),
    /// All fields that bear one of these names.
    Present(Arc<[String]>),
}

/// Which names stand in `h=` once more than there are such fields.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Oversign {
    /// From alone: nobody else's change of the header breaks the signature.
    From,
    /// From, and of [`OVERSIGNED`] those present: a second Subject breaks it; a Reply-To or Cc that a mailing list adds
    /// where there was none does not.
    Present,
    /// From and all of [`OVERSIGNED`], present or not: also such a Reply-To breaks it.
    Always,
    /// These, present or not. From is among them unless the names to sign are given exactly.
    Names(Vec<String>),
}

/// The fields that are signed if nothing else is said: those of RFC 6376 §5.4.1, what RFC 8058 §4 wants, Message-ID,
/// and those of MIME, without which a body could be shown as something else.
pub const DEFAULT_FIELDS: [&str; 29] = [
    "From",
    "Reply-To",
    "Subject",
    "Date",
    "To",
    "Cc",
    "Message-ID",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Content-ID",
    "Content-Description",
    "Content-Disposition",
    "Content-Language",
    "Content-Location",
    "Resent-Date",
    "Resent-From",
    "Resent-To",
    "Resent-Cc",
    "List-Id",
    "List-Help",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Subscribe",
    "List-Post",
    "List-Owner",
    "List-Archive",
];

/// The fields of which a message has one at most, and of which a second one would mislead a reader.
pub const OVERSIGNED: [&str; 8] =
    ["To", "Cc", "Subject", "Date", "Reply-To", "Message-ID", "Content-Type", "MIME-Version"];
