//! Private keys that are published once nobody verifies with them any more.
//!
//! A signature proves for ever that a mail was sent so, also to those who steal a mailbox years later. Once everybody
//! has the key, everybody can have made it, and it proves nothing; those who were to verify it have done so long ago.

use super::disk;
use super::keyring::Keyring;
use super::rotation::Rotation;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;
use zeroize::Zeroizing;

/// A key was not published.
#[derive(Debug, Error)]
#[error("the private key cannot be published at {}: {source}", path.display())]
pub struct DiscloseError {
    path: PathBuf,
    source: io::Error,
}

/// Copies the keys whose time has come into the folder of the plan, for everybody to read, and names the new files.
pub fn disclose(ring: &Keyring, rotation: &Rotation, now: u64) -> Result<Vec<PathBuf>, DiscloseError> {
    let Some(folder) = &rotation.plan.disclose else { return Ok(Vec::new()) };
    let mut published = Vec::new();
    for selector in rotation.forgotten(now) {
        let path = folder.join(format!("{selector}._domainkey.{}.pem", ring.domain()));
        if copy(&ring.path(selector), &path).map_err(|source| DiscloseError { path: path.clone(), source })? {
            published.push(path);
        }
    }
    Ok(published)
}

/// Copies a key, unless it is there already, or was deleted.
fn copy(from: &Path, to: &Path) -> io::Result<bool> {
    if to.symlink_metadata().is_ok() || from.symlink_metadata().is_err() {
        return Ok(false);
    }
    let key = Zeroizing::new(fs::read(from)?);
    disk::create(to, &key, 0o644, None).map(|()| true)
}
