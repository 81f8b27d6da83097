//! The words that describe one signature.

use crate::text::{FromText, Problem, one_of};
use dkim::{Algorithm, Canonicalization, Form, Oversign};
use mail::Domain;
use policy::outbound::Identity;

impl FromText for Algorithm {
    const EXPECTED: &'static str = "`rsa-sha256` or `ed25519-sha256`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        match Self::parse(text) {
            Some(Self::RsaSha1) => Err(Problem::new("with which nothing may be signed any more (RFC 8301)")),
            Some(algorithm) => Ok(algorithm),
            None => one_of(
                &text.to_ascii_lowercase(),
                &[Self::RsaSha256, Self::Ed25519Sha256].map(|algorithm| (algorithm.name(), algorithm)),
            ),
        }
    }
}

impl FromText for Canonicalization {
    const EXPECTED: &'static str = "`relaxed/relaxed`, `relaxed/simple`, `simple/relaxed` or `simple/simple`: the header's form, then the body's";

    fn from_text(text: &str) -> Result<Self, Problem> {
        let Some((header, body)) = text.split_once('/') else {
            return Err(Problem::new("which leaves the form of the body open"));
        };
        Ok(Self { header: form(header)?, body: form(body)? })
    }
}

fn form(word: &str) -> Result<Form, Problem> {
    one_of(word, &[Form::Relaxed, Form::Simple].map(|form| (form.name(), form)))
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

/// The agent or user on whose behalf is signed, `i=` (RFC 6376 §3.5).
impl FromText for Identity {
    const EXPECTED: &'static str = "`author`, an address or the domain part of one, such as `\"@news.example.org\"`, in quotes; `$senderdomain` is the author's";

    fn from_text(text: &str) -> Result<Self, Problem> {
        if text == "author" || text == "$sender" {
            return Ok(Self::Author);
        }
        let (local_part, domain) = text.rsplit_once('@').ok_or_else(|| Problem::new("which has no `@`"))?;
        if !local_part
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte))
        {
            return Err(Problem::new("whose local part has characters that need quoting"));
        }
        if domain == "$senderdomain" {
            return Ok(Self::AtAuthorDomain(local_part.to_owned()));
        }
        let domain = Domain::from_text(domain)?;
        Ok(Self::Fixed(format!("{local_part}@{domain}")))
    }
}

/// The domain that an identity must share with the signature, where it is said.
pub(crate) fn identity_domain(identity: &Identity) -> Option<Domain> {
    match identity {
        Identity::Fixed(text) => Domain::parse(text.rsplit_once('@')?.1).ok(),
        Identity::Unsaid | Identity::Author | Identity::AtAuthorDomain(_) => None,
    }
}
