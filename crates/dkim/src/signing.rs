//! Making all signatures of a message: requests in, fields out.

use crate::algorithm::{Canonicalization, HashAlgorithm};
use crate::dkim::sign::{DkimSigning, DkimTemplate};
use crate::dkim::verify::body_form;
use crate::domainkeys::sign::{DomainKeysSigning, DomainKeysTemplate};
use crate::fields::FieldIndex;
use crate::hash::{Appetite, BodyHashSpec, BodyHasher, BodyHashes};
use crate::key::PrivateKeyError;
use crate::report::SignatureError;
use crate::request::SignatureRequest;
use crate::{dkim, domainkeys};
use mail::{Header, NewField};
use thiserror::Error;

/// RFC 8301 §3.2: "Signers MUST use RSA keys of at least 1024 bits for all keys."
pub(crate) const MIN_RSA_BITS: u32 = 1024;

/// Why a message is not signed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SignError {
    /// RFC 5322 §2.2.3: the first line would become a part of the signature above it.
    #[error("the message begins with a line that continues no field")]
    Folded,
    /// Without an author there is nothing to vouch for.
    #[error("the message has no From field")]
    NoFrom,
    /// Readers would not agree which one is meant.
    #[error("the message has more than one From field")]
    SeveralFrom,
    /// RFC 6376 §5.4
    #[error("the From field is not among the fields to sign")]
    FromNotSigned,
    /// RFC 8301 §3.1
    #[error("signing with rsa-sha1 is refused")]
    Sha1,
    /// RFC 8301 §3.2
    #[error("signing with an RSA key of {0} bits is refused, 1024 is the least")]
    KeyTooShort(u32),
    /// The algorithm needs a key of another type.
    #[error("the key is of another type than the algorithm")]
    KeyKind,
    /// RFC 6376 §3.5 on `i=`
    #[error("the identity is not within the signing domain")]
    IdentityOutside,
    /// `i=` is no address.
    #[error("the identity is not an address")]
    Identity,
    /// `i=` has no place in it where it may be folded (RFC 5322 §2.1.1).
    #[error("the identity is too long for a line")]
    IdentityTooLong,
    /// A name in `h=` that no field can bear.
    #[error("the name of a field to sign is malformed")]
    FieldName,
    /// RFC 6376 §3.5 on `h=`
    #[error("DKIM-Signature is named more often than the message has it, and no signature signs itself")]
    OwnField,
    /// RFC 6376 §3.5 on `d=`
    #[error("the signing domain has no dot in it")]
    Domain,
    /// RFC 6376 §3.5 on `t=` and `x=`
    #[error("the time of signing or expiry has more than twelve digits")]
    Time,
    /// `x=` without `t=`, or a lifetime of nothing.
    #[error("a signature expires some seconds after the time of signing, and needs both")]
    Lifetime,
    /// `l=` larger than the body.
    #[error("the body is shorter than the length to sign")]
    BodyTooShort,
    /// The template is no signature field.
    #[error("the template is not a DKIM-Signature or DomainKey-Signature field")]
    NoTemplate,
    /// The template is not what its grammar says.
    #[error("the template is malformed: {0}")]
    Template(#[from] SignatureError),
    /// `bh=` of the template is that of another body.
    #[error("the template has the hash of another body")]
    TemplateBody,
    /// The body came before the request, and was not hashed for it.
    #[error("the body has not been hashed for this signature")]
    BodyGone,
    /// DomainKeys: the sending address is not within `d=`, or cannot be read.
    #[error("the sender is not within the signing domain")]
    Sender,
    /// The key failed.
    #[error(transparent)]
    Key(#[from] PrivateKeyError),
}

/// A message on its way through the signer. It keeps a copy of the header, and nothing of the body.
pub struct Signing {
    header: Header,
    index: FieldIndex,
    pending: Vec<Pending>,
    body: BodyHasher,
}

/// One signature to be made.
enum Pending {
    Dkim(DkimSigning),
    DkimTemplate(DkimTemplate),
    DomainKeys(DomainKeysSigning),
    DomainKeysTemplate(DomainKeysTemplate),
}

/// What a request is read with.
pub(crate) struct Start<'a> {
    pub(crate) header: &'a Header,
    pub(crate) index: &'a FieldIndex,
    pub(crate) body: &'a mut BodyHasher,
}

/// What a signature is made of.
pub(crate) struct Material<'a> {
    pub(crate) header: &'a Header,
    pub(crate) index: &'a FieldIndex,
    pub(crate) hashes: &'a BodyHashes,
}

/// A body that comes in before it is known who signs: DKIM signatures over all of it can be made afterwards.
#[derive(Clone, Default)]
pub struct Prehash(BodyHasher);

impl Prehash {
    /// Readies it for signatures of this canonicalization; to be called before the body starts.
    pub fn expect(&mut self, canonicalization: Canonicalization) {
        // SHA-256 is all that DKIM signs with (RFC 8301 §3.1).
        self.0.request(BodyHashSpec::new(body_form(canonicalization.body), HashAlgorithm::Sha256));
    }

    /// Takes the next chunk of the body. A chunk may end anywhere.
    pub fn body(&mut self, chunk: &[u8]) -> Appetite {
        self.0.update(chunk)
    }
}

impl Signing {
    /// Starts on a header; refuses what would make no good signature.
    pub fn begin(header: &Header, requests: Vec<SignatureRequest>) -> Result<Self, SignError> {
        Self::start(header, requests, BodyHasher::default())
    }

    /// The same, after the body has come. What was not expected of it is refused.
    pub fn begin_late(
        header: &Header,
        requests: Vec<SignatureRequest>,
        Prehash(body): Prehash,
    ) -> Result<Self, SignError> {
        let expected = body.requests();
        let signing = Self::start(header, requests, body)?;
        if signing.body.requests() == expected { Ok(signing) } else { Err(SignError::BodyGone) }
    }

    fn start(
        header: &Header,
        requests: Vec<SignatureRequest>,
        mut body: BodyHasher,
    ) -> Result<Self, SignError> {
        if header.begins_folded() {
            return Err(SignError::Folded);
        }
        let index = FieldIndex::new(header);
        match index.places("From").len() {
            0 => return Err(SignError::NoFrom),
            1 => {}
            _ => return Err(SignError::SeveralFrom),
        }
        let mut start = Start { header, index: &index, body: &mut body };
        let pending = requests
            .into_iter()
            .map(|request| Pending::begin(request, &mut start))
            .collect::<Result<_, _>>()?;
        Ok(Self { header: header.clone(), index, pending, body })
    }

    /// Takes the next chunk of the body. A chunk may end anywhere.
    pub fn body(&mut self, chunk: &[u8]) -> Appetite {
        self.body.update(chunk)
    }

    /// Ends the message: one field for each request, in their order.
    pub fn finish(self) -> Result<Vec<NewField>, SignError> {
        self.finish_those(|_| true)
    }

    /// The same, without the requests that are no longer wanted. They are told apart by their place in the order.
    pub fn finish_those(self, wanted: impl Fn(usize) -> bool) -> Result<Vec<NewField>, SignError> {
        let hashes = self.body.finish();
        let material = Material { header: &self.header, index: &self.index, hashes: &hashes };
        let pending = self.pending.into_iter().enumerate().filter(|(at, _)| wanted(*at));
        pending.map(|(_, pending)| pending.finish(&material)).collect()
    }
}

impl Pending {
    fn begin(request: SignatureRequest, start: &mut Start<'_>) -> Result<Self, SignError> {
        match request {
            SignatureRequest::Dkim(request) => DkimSigning::begin(request, start).map(Self::Dkim),
            SignatureRequest::DomainKeys(request) => {
                DomainKeysSigning::begin(request, start).map(Self::DomainKeys)
            }
            SignatureRequest::Template(request) => {
                let header = Header::parse(with_line_end(request.field));
                let Some(field) = header.field(0).filter(|_| header.len() == 1) else {
                    return Err(SignError::NoTemplate);
                };
                if field.is(dkim::signature::NAME) {
                    DkimTemplate::begin(header, request.key, start).map(Self::DkimTemplate)
                } else if field.is(domainkeys::signature::NAME) {
                    DomainKeysTemplate::begin(header, request.key, start).map(Self::DomainKeysTemplate)
                } else {
                    Err(SignError::NoTemplate)
                }
            }
        }
    }

    fn finish(self, material: &Material<'_>) -> Result<NewField, SignError> {
        match self {
            Self::Dkim(pending) => pending.finish(material),
            Self::DkimTemplate(pending) => pending.finish(material),
            Self::DomainKeys(pending) => pending.finish(material),
            Self::DomainKeysTemplate(pending) => pending.finish(material),
        }
    }
}

fn with_line_end(mut field: Vec<u8>) -> Vec<u8> {
    if !field.ends_with(b"\r\n") {
        field.extend_from_slice(b"\r\n");
    }
    field
}
