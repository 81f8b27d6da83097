//! `dkimgate key generate`: a new key in a file, and its record on standard output.

use super::file::{self, KeyFileError};
use super::record::Publication;
use crate::cli::key::{GenerateArgs, KeyType};
use dkim::{KeyKind, PrivateKey, SigningKey};
use std::path::Path;

/// Makes a key where the arguments say, and prints how to publish it.
pub fn generate(arguments: &GenerateArgs) -> Result<(), KeyFileError> {
    let GenerateArgs { domain, selector, key_type, bits, out } = arguments;
    let kind = match key_type {
        KeyType::Rsa => KeyKind::Rsa,
        KeyType::Ed25519 => KeyKind::Ed25519,
    };
    let path = out.join(domain.as_str()).join(format!("{selector}.pem"));
    let key = make(&path, kind, *bits)?;
    let record = Publication::new(domain, selector, key.public_key()).map_err(KeyFileError::Name)?;
    println!("The private key is in {}, readable by you alone.", path.display());
    println!(
        "\nPublish its public half as a TXT record. As a line of a zone file:\n\n{}",
        record.zone_line()
    );
    println!("\nor in a form, as name and text:\n\n{}\n{}", record.name(), record.text());
    Ok(())
}

/// Makes a key and writes it to a file that must not exist yet.
pub fn make(path: &Path, kind: KeyKind, bits: u32) -> Result<SigningKey, KeyFileError> {
    // Looked at first because an RSA key takes a while; `write` does not overwrite in any case.
    if path.symlink_metadata().is_ok() {
        return Err(KeyFileError::Exists(path.to_owned()));
    }
    let key = SigningKey::generate(kind, bits).map_err(KeyFileError::NotMade)?;
    file::write(path, &key)?;
    Ok(key)
}
