//! Making one DomainKey-Signature field (RFC 4870 §3.3, §3.4).

use super::signature::{NAME, Signature};
use super::verify::sender;
use crate::algorithm::{HashAlgorithm, KeyKind};
use crate::dkim::sign::{check_key, check_names};
use crate::dkim::signature::Hashes;
use crate::encoding::base64_encode;
use crate::fill::fill_tag;
use crate::hash::{BodyHashId, BodyHashSpec};
use crate::key::PrivateKey;
use crate::request::DomainKeysRequest;
use crate::signing::{Material, SignError, Start};
use mail::{FieldWriter, Header, NewField};
use std::sync::Arc;

/// A signature to be made from a request.
pub(crate) struct DomainKeysSigning {
    writer: FieldWriter,
    key: Arc<dyn PrivateKey>,
    message: BodyHashId,
}

/// A field given whole, to be filled.
pub(crate) struct DomainKeysTemplate {
    template: Header,
    signature: Signature,
    key: Arc<dyn PrivateKey>,
    message: BodyHashId,
}

impl DomainKeysSigning {
    pub(crate) fn begin(request: DomainKeysRequest, start: &mut Start<'_>) -> Result<Self, SignError> {
        if let Some(names) = &request.fields {
            check_names(names)?;
            if names.is_empty() {
                return Err(SignError::FromNotSigned);
            }
        }
        let writer = write(&request);
        let unsigned = Header::parse(writer.clone().finish().raw().to_vec());
        let value = unsigned.field(0).map_or(&[][..], |field| field.value());
        let signature = Signature::parse(value, Hashes::Open)?;
        let message = request_hash(&signature, &*request.key, start)?;
        Ok(Self { writer, key: request.key, message })
    }

    pub(crate) fn finish(mut self, material: &Material<'_>) -> Result<NewField, SignError> {
        let signature = self.key.sign_sha1_digest(&material.hashes[self.message].digest)?;
        self.writer.run(&base64_encode(&signature));
        Ok(self.writer.finish())
    }
}

impl DomainKeysTemplate {
    pub(crate) fn begin(
        template: Header,
        key: Arc<dyn PrivateKey>,
        start: &mut Start<'_>,
    ) -> Result<Self, SignError> {
        let value = template.field(0).map_or(&[][..], |field| field.value());
        let signature = Signature::parse(value, Hashes::Open)?;
        let message = request_hash(&signature, &*key, start)?;
        Ok(Self { template, signature, key, message })
    }

    pub(crate) fn finish(self, material: &Material<'_>) -> Result<NewField, SignError> {
        let signature = self.key.sign_sha1_digest(&material.hashes[self.message].digest)?;
        fill_tag(&self.template, &self.signature.b_span, &base64_encode(&signature))
    }
}

/// The field up to `b=`.
fn write(request: &DomainKeysRequest) -> FieldWriter {
    let mut writer = FieldWriter::new(NAME);
    writer.word("a=rsa-sha1;").word("q=dns;").word(&format!("c={};", request.form.name()));
    writer.word(&format!("d={};", request.domain)).word(&format!("s={};", request.selector));
    let names = request.fields.as_deref().unwrap_or_default();
    for (at, name) in names.iter().enumerate() {
        let end = if at + 1 < names.len() { ":" } else { ";" };
        match at {
            0 => writer.word(&format!("h={name}{end}")),
            _ => writer.piece(&format!("{name}{end}")),
        };
    }
    writer.word("b=");
    writer
}

/// Checks what can be checked, and asks for the hash of the message.
fn request_hash(
    signature: &Signature,
    key: &dyn PrivateKey,
    start: &mut Start<'_>,
) -> Result<BodyHashId, SignError> {
    check_key(key)?;
    if key.public_key().kind() != KeyKind::Rsa {
        return Err(SignError::KeyKind);
    }
    let (source, sender) = sender(start.header, 0).ok_or(SignError::Sender)?;
    if !sender.domain.is_within(&signature.domain) {
        return Err(SignError::Sender);
    }
    let names = |fields: &Vec<String>| fields.iter().any(|name| name.eq_ignore_ascii_case(source));
    if !signature.fields.as_ref().is_none_or(names) {
        return Err(SignError::FromNotSigned);
    }
    let header = signature.signed_header(start.header, 0);
    let spec = BodyHashSpec::new(signature.form.body(), HashAlgorithm::Sha1);
    Ok(start.body.request_after(&header, spec))
}
