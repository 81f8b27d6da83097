//! Making one DKIM-Signature field (RFC 6376 §5).

use super::signature::{Hashes, NAME, Signature};
use super::verify::body_form;
use super::{coverage, identity};
use crate::algorithm::{Algorithm, Canonicalization, KeyKind};
use crate::canonical::HeaderForm;
use crate::encoding::{base64_encode, quoted_printable_encode};
use crate::fields::FieldIndex;
use crate::fill::fill_tag;
use crate::hash::{BodyHash, BodyHashId, BodyHashSpec};
use crate::key::PrivateKey;
use crate::request::{BodyLength, DkimRequest};
use crate::signing::{MIN_RSA_BITS, Material, SignError, Start};
use mail::{Domain, Field, FieldWriter, Header, NewField};
use std::ops::Range;
use std::sync::Arc;

/// RFC 6376 §3.5 gives `t=` and `x=` twelve digits.
const LATEST: u64 = 999_999_999_999;

/// A signature to be made from a request.
pub(crate) struct DkimSigning {
    request: DkimRequest,
    /// `i=` as it is written.
    identity: Option<String>,
    names: Vec<String>,
    body: BodyHashId,
}

impl DkimSigning {
    pub(crate) fn begin(request: DkimRequest, start: &mut Start<'_>) -> Result<Self, SignError> {
        check_key(&*request.key)?;
        let identity = request.identity.as_deref();
        let identity = identity.map(|text| identity::encoded(text, &request.domain)).transpose()?;
        check_domain(&request.domain)?;
        check_times(&request)?;
        let names = coverage::names(&request.fields, start.index);
        check_names(&names)?;
        check_coverage(&names, start.index)?;
        let limit = match request.body_length {
            BodyLength::Unsaid | BodyLength::Whole => None,
            BodyLength::Octets(octets) => Some(octets),
        };
        let hash = Algorithm::from(request.key.public_key().kind()).hash();
        let spec =
            BodyHashSpec { limit, ..BodyHashSpec::new(body_form(request.canonicalization.body), hash) };
        Ok(Self { names, identity, body: start.body.request(spec), request })
    }

    pub(crate) fn finish(self, material: &Material<'_>) -> Result<NewField, SignError> {
        let mut writer = self.write(&material.hashes[self.body], material)?;
        let unsigned = Header::parse(writer.clone().finish().raw().to_vec());
        let own = unsigned.field(0).expect("the writer made one field");
        let form = self.request.canonicalization;
        let text = signed_text(form, &self.names, material, (own, None));
        let signature = self.request.key.sign(&text)?;
        Ok(writer.run(&base64_encode(&signature)).clone().finish())
    }

    /// The field up to `b=`.
    fn write(&self, body: &BodyHash, material: &Material<'_>) -> Result<FieldWriter, SignError> {
        let request = &self.request;
        let mut writer = FieldWriter::new(NAME);
        let algorithm = Algorithm::from(request.key.public_key().kind());
        writer
            .word("v=1;")
            .word(&format!("a={algorithm};"))
            .word(&format!("c={};", request.canonicalization));
        writer.word(&format!("d={};", request.domain)).word(&format!("s={};", request.selector));
        if let Some(identity) = &self.identity {
            writer.word(&format!("i={identity};"));
        }
        if let Some(length) = self.body_length(body)? {
            writer.word(&format!("l={length};"));
        }
        if request.say_query {
            writer.word("q=dns/txt;");
        }
        if request.ask_for_reports {
            writer.word("r=y;");
        }
        if let Some(signed_at) = request.signed_at {
            writer.word(&format!("t={signed_at};"));
            if let Some(lifetime) = request.lifetime {
                writer.word(&format!("x={};", signed_at.saturating_add(lifetime)));
            }
        }
        self.put_names(&mut writer);
        if request.copy_fields {
            self.put_copies(&mut writer, material);
        }
        writer.word(&format!("bh={};", base64_encode(&body.digest))).word("b=");
        Ok(writer)
    }

    fn body_length(&self, body: &BodyHash) -> Result<Option<u64>, SignError> {
        match self.request.body_length {
            BodyLength::Unsaid => Ok(None),
            BodyLength::Whole => Ok(Some(body.length)),
            BodyLength::Octets(octets) if octets > body.length => Err(SignError::BodyTooShort),
            BodyLength::Octets(octets) => Ok(Some(octets)),
        }
    }

    fn put_names(&self, writer: &mut FieldWriter) {
        for (at, name) in self.names.iter().enumerate() {
            let end = if at + 1 < self.names.len() { ":" } else { ";" };
            match at {
                0 => writer.word(&format!("h={name}{end}")),
                _ => writer.piece(&format!("{name}{end}")),
            };
        }
    }

    /// RFC 6376 §3.5 on `z=`.
    fn put_copies(&self, writer: &mut FieldWriter, material: &Material<'_>) {
        let places = material.index.select(self.names.iter().map(String::as_str), None);
        let fields = places.into_iter().filter_map(|place| material.header.field(place));
        for (at, field) in fields.enumerate() {
            let name = String::from_utf8_lossy(field.name());
            match at {
                0 => writer.word(&format!("z={name}:")),
                _ => writer.glue("|").piece(&format!("{name}:")),
            };
            put_encoded(writer, &quoted_printable_encode(field.value(), b"|"));
        }
        writer.glue(";");
    }
}

/// Adds quoted-printable text, cut where it may be cut.
fn put_encoded(writer: &mut FieldWriter, encoded: &str) {
    let mut rest = encoded;
    while let Some(first) = rest.chars().next() {
        let (unit, tail) = rest.split_at(if first == '=' { 3 } else { first.len_utf8() });
        writer.piece(unit);
        rest = tail;
    }
}

/// A field given whole, to be filled.
pub(crate) struct DkimTemplate {
    template: Header,
    signature: Signature,
    key: Arc<dyn PrivateKey>,
    body: BodyHashId,
}

impl DkimTemplate {
    pub(crate) fn begin(
        template: Header,
        key: Arc<dyn PrivateKey>,
        start: &mut Start<'_>,
    ) -> Result<Self, SignError> {
        let value = template.field(0).map_or(&[][..], |field| field.value());
        let signature = Signature::parse(value, Hashes::Open)?;
        if signature.algorithm == Algorithm::RsaSha1 {
            return Err(SignError::Sha1);
        }
        if signature.algorithm.key_kind() != key.public_key().kind() {
            return Err(SignError::KeyKind);
        }
        check_key(&*key)?;
        if !signature.identity.is_within(&signature.domain) {
            return Err(SignError::IdentityOutside);
        }
        check_coverage(&signature.fields, start.index)?;
        let form = body_form(signature.canonicalization.body);
        let spec = BodyHashSpec {
            limit: signature.body_length,
            ..BodyHashSpec::new(form, signature.algorithm.hash())
        };
        Ok(Self { body: start.body.request(spec), template, signature, key })
    }

    pub(crate) fn finish(self, material: &Material<'_>) -> Result<NewField, SignError> {
        let body = &material.hashes[self.body];
        if self.signature.body_length.is_some_and(|length| length > body.length) {
            return Err(SignError::BodyTooShort);
        }
        let template = self.with_body_hash(body)?;
        let own = template.field(0).ok_or(SignError::NoTemplate)?;
        // Filling bh= may have moved b=.
        let signature = Signature::parse(own.value(), Hashes::Open)?;
        let own = (own, Some(signature.b_span.clone()));
        let text = signed_text(signature.canonicalization, &signature.fields, material, own);
        let b = base64_encode(&self.key.sign(&text)?);
        fill_tag(&template, &signature.b_span, &b)
    }

    /// The template with `bh=` filled.
    fn with_body_hash(&self, body: &BodyHash) -> Result<Header, SignError> {
        if self.signature.bh.is_empty() {
            let filled = fill_tag(&self.template, &self.signature.bh_span, &base64_encode(&body.digest))?;
            return Ok(Header::parse(filled.raw().to_vec()));
        }
        if self.signature.bh == body.digest {
            Ok(self.template.clone())
        } else {
            Err(SignError::TemplateBody)
        }
    }
}

/// What is signed: the fields that `names` means, then our own field, cut where `b=` has a value.
fn signed_text(
    form: Canonicalization,
    names: &[String],
    material: &Material<'_>,
    (own, cut): (Field<'_>, Option<Range<usize>>),
) -> Vec<u8> {
    let form = HeaderForm::from(form.header);
    let mut text = Vec::new();
    for place in material.index.select(names.iter().map(String::as_str), None) {
        if let Some(field) = material.header.field(place) {
            form.put(field, &mut text);
        }
    }
    form.put_cut(own, cut, &mut text);
    text
}

/// RFC 8301 §3.2
pub(crate) fn check_key(key: &dyn PrivateKey) -> Result<(), SignError> {
    let public = key.public_key();
    match public.kind() {
        KeyKind::Rsa if public.bits() < MIN_RSA_BITS => Err(SignError::KeyTooShort(public.bits())),
        KeyKind::Rsa | KeyKind::Ed25519 => Ok(()),
    }
}

fn check_domain(domain: &Domain) -> Result<(), SignError> {
    // RFC 6376 §3.5: "domain-name     = sub-domain 1*("." sub-domain)"
    if domain.as_str().contains('.') { Ok(()) } else { Err(SignError::Domain) }
}

fn check_times(request: &DkimRequest) -> Result<(), SignError> {
    let latest = match (request.signed_at, request.lifetime) {
        (signed_at, None) => signed_at.unwrap_or(0),
        (Some(signed_at), Some(lifetime)) if lifetime > 0 => signed_at.saturating_add(lifetime),
        (_, Some(_)) => return Err(SignError::Lifetime),
    };
    if latest <= LATEST { Ok(()) } else { Err(SignError::Time) }
}

/// Whether fields can bear these names, and `h=` can hold them.
pub(crate) fn check_names(names: &[String]) -> Result<(), SignError> {
    let sound = |name: &String| {
        !name.is_empty()
            && name.bytes().all(|octet| matches!(octet, b'!'..=b'~') && !matches!(octet, b':' | b';'))
    };
    if names.iter().all(sound) { Ok(()) } else { Err(SignError::FieldName) }
}

/// Whether `h=` has From, and does not mean the field that it stands in.
fn check_coverage(names: &[String], index: &FieldIndex) -> Result<(), SignError> {
    let count = |wanted: &str| names.iter().filter(|name| name.eq_ignore_ascii_case(wanted)).count();
    // RFC 6376 §3.5: "The field MUST NOT include the DKIM-Signature header field that is being created or verified but may include others."
    if count(NAME) > index.places(NAME).len() {
        return Err(SignError::OwnField);
    }
    // RFC 6376 §5.4: "The From header field MUST be signed (that is, included in the "h=" tag of the resulting DKIM-Signature header field)."
    if count("From") > 0 { Ok(()) } else { Err(SignError::FromNotSigned) }
}
