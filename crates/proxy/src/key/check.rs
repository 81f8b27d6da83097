//! `dkimgate key check`: one key against its record.

use super::file::{self, KeyFileError};
use super::inspect::{Finding, Subject, inspect};
use super::resolver::{ResolverError, with_resolver};
use crate::cli::key::CheckArgs;
use crate::exit;
use dkim::PrivateKey;
use std::process::ExitCode;
use thiserror::Error;

/// Why nothing could be checked.
#[derive(Debug, Error)]
pub enum CheckError {
    /// The key cannot be read, or its record has no name.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// Nothing can be looked up.
    #[error(transparent)]
    Resolver(#[from] ResolverError),
}

/// Looks the record up, says what is wrong with it, and tells the exit status.
pub fn check(arguments: &CheckArgs) -> Result<ExitCode, CheckError> {
    let key = file::read(&arguments.key.key)?;
    let subject = Subject {
        domain: arguments.key.domain.clone(),
        selector: arguments.key.selector.clone(),
        path: arguments.key.key.clone(),
        key: Some(key.public_key()),
    };
    let finding = with_resolver(&arguments.from, async |resolver| inspect(&resolver, subject).await)?;
    let finding = finding.map_err(KeyFileError::Name)?;
    if arguments.json {
        println!("{}", finding.json());
    } else {
        println!("{finding}");
    }
    Ok(status([&finding]))
}

/// The exit status for a number of findings: what is known to be wrong counts before what is not known.
pub fn status<'a>(findings: impl IntoIterator<Item = &'a Finding> + Clone) -> ExitCode {
    if findings.clone().into_iter().any(Finding::is_fatal) {
        ExitCode::FAILURE
    } else if findings.into_iter().any(Finding::is_unknown) {
        exit::TEMPORARY.into()
    } else {
        ExitCode::SUCCESS
    }
}
