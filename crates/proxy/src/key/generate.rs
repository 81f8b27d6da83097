//! `dkimgate key generate`: a new key in a file, and its record on standard output.

use super::file::{self, KeyFileError};
use super::owner::Owner;
use super::record::Publication;
use super::resolver::{ResolverError, wait};
use super::update::{EntryError, SettingsError, Updater};
use crate::cli::key::{GenerateArgs, KeyType};
use dkim::{KeyKind, PrivateKey, SigningKey};
use std::path::Path;
use thiserror::Error;

/// Why a key was not made, or its record not entered.
#[derive(Debug, Error)]
pub enum GenerateError {
    /// It was not made.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The settings for its record cannot be used; nothing was made.
    #[error(transparent)]
    Update(#[from] SettingsError),
    /// The program cannot wait for a server.
    #[error(transparent)]
    Resolver(#[from] ResolverError),
    /// It was made, and its record was not entered.
    #[error("{error}\nThe key is made; once that is mended: dkimgate key record {again}")]
    Entry {
        /// Why.
        error: EntryError,
        /// How to enter it later.
        again: String,
    },
}

/// Makes a key where the arguments say, and prints how to publish it, or publishes it.
pub fn generate(arguments: &GenerateArgs) -> Result<(), GenerateError> {
    let GenerateArgs { domain, selector, key_type, bits, out, owner, update } = arguments;
    let kind = match key_type {
        KeyType::Rsa => KeyKind::Rsa,
        KeyType::Ed25519 => KeyKind::Ed25519,
    };
    let updater = update.as_deref().map(Updater::read).transpose()?;
    let path = out.join(domain.as_str()).join(format!("{selector}.pem"));
    let key = make(&path, kind, *bits, *owner)?.public_key();
    let record = Publication::new(domain, selector, key.clone()).map_err(KeyFileError::Name)?;
    println!("The private key is in {}, readable by its owner alone.", path.display());
    if let (Some(updater), Some(settings)) = (updater, update) {
        let again = format!(
            "--domain {domain} --selector {selector} --key {} --update {}",
            path.display(),
            settings.display()
        );
        let done =
            wait(updater.publish(&record, &key))?.map_err(|error| GenerateError::Entry { error, again })?;
        println!("\n{}", done.said(&record, &updater));
        return Ok(());
    }
    println!(
        "\nPublish its public half as a TXT record. As a line of a zone file:\n\n{}",
        record.zone_line()
    );
    println!("\nor in a form, as name and text:\n\n{}\n{}", record.name(), record.text());
    Ok(())
}

/// Makes a key and writes it to a file that must not exist yet.
pub fn make(path: &Path, kind: KeyKind, bits: u32, owner: Option<Owner>) -> Result<SigningKey, KeyFileError> {
    // Looked at first because an RSA key takes a while; `write` does not overwrite in any case.
    if path.symlink_metadata().is_ok() {
        return Err(KeyFileError::Exists(path.to_owned()));
    }
    let key = SigningKey::generate(kind, bits).map_err(KeyFileError::NotMade)?;
    file::write(path, &key, owner)?;
    Ok(key)
}
