//! `dkimgate key list`: the keys of a directory.

use super::file;
use super::keyring::{Keyring, KeyringError};
use super::rotation::{Kept, Rotation};
use crate::cli::key::ListArgs;
use dkim::PrivateKey;
use mail::Domain;

/// Shows each domain with its keys.
pub fn list(arguments: &ListArgs) -> Result<(), KeyringError> {
    for ring in Keyring::all(&arguments.keys)? {
        let rotation = ring.load()?;
        let selectors = ring.selectors()?;
        println!("{}", ring.domain());
        for selector in &selectors {
            let key = match file::read_stored(&ring.path(selector)) {
                Ok(key) => format!("{}, {} bits", key.public_key().kind().name(), key.public_key().bits()),
                Err(error) => error.to_string(),
            };
            let mut kept = rotation.iter().flat_map(|rotation| &rotation.keys);
            let kept = kept.find(|kept| kept.selector == *selector);
            let stage =
                kept.zip(rotation.as_ref()).map(|(kept, rotation)| stage(kept, rotation, ring.domain()));
            println!("  {selector} ({key}){}", stage.unwrap_or_default());
        }
        // A key that is made at the next run, or whose file was deleted while its record is still there.
        if let Some(rotation) = &rotation {
            for kept in rotation.keys.iter().filter(|kept| !selectors.contains(&kept.selector)) {
                println!("  {} (no file){}", kept.selector, stage(kept, rotation, ring.domain()));
            }
        }
    }
    Ok(())
}

/// Where a key is in its life, and what comes next and when.
fn stage(kept: &Kept, rotation: &Rotation, domain: &Domain) -> String {
    format!("; {}: {}", kept.stage.word(), kept.outlook(&rotation.plan, domain))
}
