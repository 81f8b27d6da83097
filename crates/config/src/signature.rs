//! The words that describe one signature.

use crate::text::{FromText, Problem, one_of};
use mail::Domain;

/// `algorithm`: how to sign. Without it the key decides.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Algorithm {
    /// RFC 6376 §3.3.2.
    RsaSha256,
    /// RFC 8463.
    Ed25519Sha256,
}

impl FromText for Algorithm {
    const EXPECTED: &'static str = "`rsa-sha256` or `ed25519-sha256`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        let text = text.to_ascii_lowercase();
        if text == "rsa-sha1" {
            return Err(Problem::new("with which nothing may be signed any more (RFC 8301)"));
        }
        one_of(&text, &[("rsa-sha256", Self::RsaSha256), ("ed25519-sha256", Self::Ed25519Sha256)])
    }
}

/// One half of `canonicalization`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// As it stands (RFC 6376 §3.4.1, §3.4.3).
    Simple,
    /// With white space folded (RFC 6376 §3.4.2, §3.4.4).
    Relaxed,
}

/// `canonicalization`: the forms in which header and body are hashed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Canonicalization {
    /// The form of the header.
    pub header: Form,
    /// The form of the body.
    pub body: Form,
}

impl Form {
    fn from_word(word: &str) -> Result<Self, Problem> {
        one_of(word, &[("relaxed", Self::Relaxed), ("simple", Self::Simple)])
    }
}

impl FromText for Canonicalization {
    const EXPECTED: &'static str = "`relaxed/relaxed`, `relaxed/simple`, `simple/relaxed` or `simple/simple`: the header's form, then the body's";

    fn from_text(text: &str) -> Result<Self, Problem> {
        let Some((header, body)) = text.split_once('/') else {
            return Err(Problem::new("which leaves the form of the body open"));
        };
        Ok(Self { header: Form::from_word(header)?, body: Form::from_word(body)? })
    }
}

/// `oversign`: which fields are signed once more than they are there, so that none can be added.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Oversign {
    /// From only.
    From,
    /// From, and those present of the fields that a message has one of.
    Present,
    /// From, and all the fields that a message has one of, present or not.
    Always,
}

impl FromText for Oversign {
    const EXPECTED: &'static str = "`from`, `present` or `always`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        one_of(text, &[("from", Self::From), ("present", Self::Present), ("always", Self::Always)])
    }
}

/// A selector, whose labels stand in front of `._domainkey`.
#[derive(Clone, Debug)]
pub(crate) struct Selector(pub(crate) Domain);

impl FromText for Selector {
    const EXPECTED: &'static str =
        "a selector, such as `s1`: its key is published at `s1._domainkey.` and the domain";

    fn from_text(text: &str) -> Result<Self, Problem> {
        let selector =
            Domain::parse(text).map_err(|error| Problem::new(format!("which is no selector ({error})")))?;
        match selector.as_str().split_once("._domainkey") {
            Some((selector, _)) => {
                Err(Problem::new(format!("which is more than the selector: probably `{selector}`")))
            }
            None => Ok(Self(selector)),
        }
    }
}

/// The name of a header field.
#[derive(Clone, Debug)]
pub(crate) struct FieldName(pub(crate) String);

impl FromText for FieldName {
    const EXPECTED: &'static str = "names of header fields, such as `[From, To, Subject, Date]`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        // RFC 5322 §3.6.8, less the semicolon, which would end `h=`.
        if text.is_empty()
            || !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':' && byte != b';')
        {
            return Err(Problem::new("which is no name of a header field"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// `identity`: the agent or user on whose behalf is signed, `i=` (RFC 6376 §3.5).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    /// What stands before the `@`; usually nothing.
    pub local_part: String,
    /// What stands behind it: the signing domain or a subdomain of it.
    pub domain: Domain,
}

impl FromText for Identity {
    const EXPECTED: &'static str =
        "an address or the domain part of one, such as `\"@news.example.org\"`, in quotes";

    fn from_text(text: &str) -> Result<Self, Problem> {
        let (local_part, domain) = text.rsplit_once('@').ok_or_else(|| Problem::new("which has no `@`"))?;
        let domain = Domain::from_text(domain)?;
        if !local_part
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte))
        {
            return Err(Problem::new("whose local part has characters that need quoting"));
        }
        Ok(Self { local_part: local_part.to_owned(), domain })
    }
}

/// `signature`, as DKIMproxy has it: `dkim(c=relaxed/relaxed, a=rsa-sha256)`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct DkimproxySignature {
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) canonicalization: Option<Canonicalization>,
}

impl FromText for DkimproxySignature {
    const EXPECTED: &'static str = "`dkim` or `dkim(c=…, a=…)`, such as `dkim(c=relaxed/relaxed, a=rsa-sha256)`; for more than one write `signatures:`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        let (kind, options) = match text.split_once('(') {
            None => (text, ""),
            Some((kind, rest)) => {
                (kind, rest.strip_suffix(')').ok_or_else(|| Problem::new("which lacks its `)`"))?)
            }
        };
        match kind.trim() {
            "dkim" => {}
            "domainkeys" => return Err(Problem::new("which nobody verifies any more: DKIM took its place")),
            _ => return Err(Problem::new("which is no kind of signature")),
        }
        let mut signature = Self::default();
        for option in options.split(',').map(str::trim).filter(|option| !option.is_empty()) {
            signature.set(option)?;
        }
        Ok(signature)
    }
}

impl DkimproxySignature {
    fn set(&mut self, option: &str) -> Result<(), Problem> {
        let Some((tag, value)) = option.split_once('=') else {
            return Err(Problem::new(format!("whose `{option}` has no `=`")));
        };
        match (tag.trim(), value.trim()) {
            ("a", algorithm) => self.algorithm = Some(Algorithm::from_text(algorithm)?),
            // RFC 6376 §3.5: "If only one algorithm is named, that algorithm is used for the header"
            ("c", header) if !header.contains('/') => {
                self.canonicalization =
                    Some(Canonicalization { header: Form::from_word(header)?, body: Form::Simple });
            }
            ("c", both) => self.canonicalization = Some(Canonicalization::from_text(both)?),
            (tag, _) => {
                return Err(Problem::new(format!(
                    "whose `{tag}=` has a line of its own here: `domain`, `selector`, `keyfile` or `identity`"
                )));
            }
        }
        Ok(())
    }
}
