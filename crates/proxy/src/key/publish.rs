//! `dkimgate key record`: what to publish for a key, and whether a text publishes it.

use super::file::{self, KeyFileError};
use super::form::{self, Found, ReadError};
use super::record::Publication;
use super::resolver::{ResolverError, wait};
use super::update::{SettingsError, Updater};
use crate::cli::key::RecordArgs;
use crate::exit;
use crate::input::{self, InputError};
use dkim::{KeyFlaw, PrivateKey, PublicKey, key_flaws};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use thiserror::Error;

/// Why there is no record to show or to read.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The key cannot be read, or its record has no name.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The text cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The text is in none of the forms.
    #[error("{}: {source}", path.display())]
    Form {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: ReadError,
    },
    /// The settings cannot be used.
    #[error(transparent)]
    Update(#[from] SettingsError),
    /// The program cannot wait for a server.
    #[error(transparent)]
    Resolver(#[from] ResolverError),
}

/// Prints the record, or says whether a text is one of this key.
pub fn record(arguments: &RecordArgs) -> Result<ExitCode, RecordError> {
    let key = file::read(&arguments.key.key)?.public_key();
    let (domain, selector) = (&arguments.key.domain, &arguments.key.selector);
    let record = if arguments.revoked {
        Publication::revoked(domain, selector)
    } else {
        Publication::new(domain, selector, key.clone())
    };
    let record = record.map_err(KeyFileError::Name)?;
    if let Some(path) = &arguments.verify {
        return verify(path, &record, &key);
    }
    if let Some(settings) = &arguments.update {
        return enter(settings, &record, &key, arguments.revoked);
    }
    print!("{}", form::write(arguments.format, &record, arguments.ttl));
    Ok(ExitCode::SUCCESS)
}

/// Enters the record, or that it is revoked.
fn enter(
    settings: &Path,
    record: &Publication,
    key: &PublicKey,
    revoked: bool,
) -> Result<ExitCode, RecordError> {
    let updater = Updater::read(settings)?;
    let entered =
        if revoked { wait(updater.revoke(record, Some(key)))? } else { wait(updater.publish(record, key))? };
    Ok(match entered {
        Ok(done) => {
            println!("{}", done.said(record, &updater));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("dkimgate: {error}");
            if error.is_temporary() { exit::TEMPORARY.into() } else { ExitCode::FAILURE }
        }
    })
}

fn verify(path: &Path, record: &Publication, key: &PublicKey) -> Result<ExitCode, RecordError> {
    let text = if path == Path::new("-") { input::message(None, true)? } else { input::bytes(path)? };
    let text = String::from_utf8_lossy(&text);
    let found = form::read(&text).map_err(|source| RecordError::Form { path: path.to_owned(), source })?;
    let (ours, others): (Vec<Found>, Vec<Found>) = found.into_iter().partition(|found| is_at(found, record));
    let texts: Vec<Vec<u8>> = ours.into_iter().map(|found| found.text).collect();
    let flaws = key_flaws(&texts, key);
    if flaws.is_empty() {
        println!("{}: this publishes the key", record.name());
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}:", record.name());
    for flaw in &flaws {
        println!("    {flaw}\n      → {}", flaw.remedy(record.name(), &record.text()));
    }
    for name in others.iter().filter_map(|found| found.name.as_ref()) {
        println!("    there is a record for {name}");
    }
    let is_fatal = flaws.iter().any(KeyFlaw::is_fatal);
    Ok(if is_fatal { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Whether a text stands at the name of the record, whole or as it is written within the zone.
fn is_at(found: &Found, record: &Publication) -> bool {
    let Some(name) = &found.name else { return true };
    let name = name.trim_end_matches('.');
    name.eq_ignore_ascii_case(record.name().as_str()) || name.eq_ignore_ascii_case(record.relative_name())
}
