//! `dkimgate key list`: the keys of a directory.

use super::file;
use super::keyring::{Keyring, KeyringError};
use crate::cli::key::ListArgs;
use dkim::PrivateKey;

/// Shows each domain with its keys.
pub fn list(arguments: &ListArgs) -> Result<(), KeyringError> {
    for ring in Keyring::all(&arguments.keys)? {
        let rotation = ring.load()?;
        println!("{}", ring.domain());
        for selector in ring.selectors()? {
            let key = match file::read(&ring.path(&selector)) {
                Ok(key) => format!("{}, {} bits", key.public_key().kind().name(), key.public_key().bits()),
                Err(error) => error.to_string(),
            };
            let kept = rotation.as_ref().and_then(|rotation| {
                let kept = rotation.keys.iter().find(|kept| kept.selector == selector)?;
                Some(format!("; {}: {}", kept.stage.word(), kept.outlook(&rotation.plan, ring.domain())))
            });
            println!("  {selector} ({key}){}", kept.unwrap_or_default());
        }
    }
    Ok(())
}
