//! `dkimgate sign`: one message, signed.

use crate::cli::{Kind, SignArgs};
use crate::input::{self, InputError};
use crate::key::file::{self, KeyFileError};
use crate::{exit, host};
use dkim::{
    Algorithm, Canonicalization, DkimRequest, DomainKeysRequest, FieldNames, FieldSelection, OldForm,
    Oversign, PrivateKey, SignError, SignatureRequest, Signing, TemplateRequest,
};
use mail::Header;
use mail::local_part::is_local_part;
use std::io::{self, Write};
use std::sync::Arc;
use thiserror::Error;

/// Why a message was not signed.
#[derive(Debug, Error)]
pub enum SignCommandError {
    /// A mistake on the command line.
    #[error("{0}")]
    Usage(String),
    /// The message or the template cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The key cannot be read.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// What was asked for would make no good signature.
    #[error("not signed: {0}")]
    Refused(#[from] SignError),
    /// The signed message cannot be written.
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
}

impl SignCommandError {
    /// The exit status that tells it.
    pub fn status(&self) -> u8 {
        match self {
            Self::Usage(_)
            | Self::Refused(
                SignError::Identity
                | SignError::IdentityTooLong
                | SignError::FieldName
                | SignError::OwnField
                | SignError::Domain
                | SignError::Time
                | SignError::Lifetime,
            ) => exit::USAGE,
            Self::Input(_) | Self::Key(_) | Self::Refused(SignError::NoTemplate | SignError::Template(_)) => {
                exit::UNUSABLE
            }
            Self::Refused(_) => 1,
            Self::Output(_) => exit::IO,
        }
    }
}

/// Signs, and writes the message with its new field on top to standard output.
pub fn sign(arguments: &SignArgs) -> Result<(), SignCommandError> {
    let key: Arc<dyn PrivateKey> = Arc::new(file::read(&arguments.key)?);
    let request = request(arguments, key)?;
    let message = input::message(arguments.file.as_deref(), arguments.raw)?;
    let (header, body) = Header::split(&message);
    let mut signing = Signing::begin(&header, vec![request])?;
    let _ = signing.body(body);
    let fields = signing.finish()?;
    let mut output = io::stdout().lock();
    for field in &fields {
        output.write_all(field.raw())?;
    }
    output.write_all(&message)?;
    Ok(output.flush()?)
}

fn request(arguments: &SignArgs, key: Arc<dyn PrivateKey>) -> Result<SignatureRequest, SignCommandError> {
    if let Some(template) = &arguments.template {
        let field = input::with_crlf(input::bytes(template)?);
        return Ok(TemplateRequest { field, key }.into());
    }
    check_algorithm(arguments, &*key)?;
    match arguments.kind {
        Kind::Dkim => dkim_request(arguments, key).map(Into::into),
        Kind::Domainkeys => domainkeys_request(arguments, key).map(Into::into),
    }
}

/// What `--algorithm` names must be what the key is for, and what may be signed with.
fn check_algorithm(arguments: &SignArgs, key: &dyn PrivateKey) -> Result<(), SignCommandError> {
    let Some(name) = &arguments.algorithm else { return Ok(()) };
    let algorithm = Algorithm::parse(name).ok_or_else(|| unknown("--algorithm", name))?;
    match (algorithm, arguments.kind) {
        (Algorithm::RsaSha1, Kind::Dkim) => Err(SignError::Sha1.into()),
        (Algorithm::RsaSha256 | Algorithm::Ed25519Sha256, Kind::Domainkeys) => {
            Err(usage("DomainKeys knows rsa-sha1 only"))
        }
        _ if algorithm.key_kind() != key.public_key().kind() => Err(SignError::KeyKind.into()),
        _ => Ok(()),
    }
}

fn dkim_request(arguments: &SignArgs, key: Arc<dyn PrivateKey>) -> Result<DkimRequest, SignCommandError> {
    let (domain, selector) = names(arguments)?;
    let mut request = DkimRequest::new(domain, selector, key);
    if let Some(text) = &arguments.canonicalization {
        request.canonicalization =
            Canonicalization::parse(text).ok_or_else(|| unknown("--canonicalization", text))?;
    }
    request.fields = selection(arguments)?;
    request.identity = identity(arguments)?;
    request.signed_at = Some(arguments.time.unwrap_or_else(host::now));
    request.lifetime = arguments.expire;
    Ok(request)
}

fn domainkeys_request(
    arguments: &SignArgs,
    key: Arc<dyn PrivateKey>,
) -> Result<DomainKeysRequest, SignCommandError> {
    let dkim_only = [
        ("--oversign", arguments.oversign.is_some()),
        ("--identity", arguments.identity.is_some()),
        ("--time", arguments.time.is_some()),
        ("--expire", arguments.expire.is_some()),
    ];
    if let Some((option, _)) = dkim_only.into_iter().find(|(_, given)| *given) {
        return Err(usage(&format!("{option} is for DKIM only")));
    }
    let (domain, selector) = names(arguments)?;
    let form = arguments.canonicalization.as_deref().unwrap_or("nofws");
    let form = OldForm::parse(form).ok_or_else(|| unknown("--canonicalization", form))?;
    let fields = fields(arguments)?;
    Ok(DomainKeysRequest { domain, selector, key, form, fields })
}

fn names(arguments: &SignArgs) -> Result<(mail::Domain, mail::Domain), SignCommandError> {
    let names = arguments.domain.clone().zip(arguments.selector.clone());
    names.ok_or_else(|| usage("--domain and --selector are needed"))
}

/// `--identity` as it was given: what would have to be mended first is more likely a slip than an address.
fn identity(arguments: &SignArgs) -> Result<Option<String>, SignError> {
    let Some(identity) = &arguments.identity else { return Ok(None) };
    let (local_part, _) = identity.rsplit_once('@').ok_or(SignError::Identity)?;
    if local_part.is_empty() || is_local_part(local_part) {
        Ok(Some(identity.clone()))
    } else {
        Err(SignError::Identity)
    }
}

/// `--fields` names exactly what stands in `h=`; then only `--oversign` adds to it.
fn selection(arguments: &SignArgs) -> Result<FieldSelection, SignCommandError> {
    let mut selection = FieldSelection::default();
    if let Some(names) = fields(arguments)? {
        selection = FieldSelection {
            names: FieldNames::Exactly(names.into()),
            oversign: Oversign::Names(Vec::new()),
        };
    }
    if let Some(oversign) = &arguments.oversign {
        selection.oversign = Oversign::Names(list(oversign));
    }
    Ok(selection)
}

fn fields(arguments: &SignArgs) -> Result<Option<Vec<String>>, SignCommandError> {
    match arguments.fields.as_deref().map(list) {
        Some(names) if names.is_empty() => Err(usage("--fields names no field")),
        names => Ok(names),
    }
}

/// Names with colons between them.
fn list(text: &str) -> Vec<String> {
    text.split(':').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

fn unknown(option: &str, value: &str) -> SignCommandError {
    usage(&format!("{option}: `{value}` is not known"))
}

fn usage(text: &str) -> SignCommandError {
    SignCommandError::Usage(format!("{text}; see `dkimgate sign --help`"))
}
