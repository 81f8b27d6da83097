//! The folder of a domain: its key files, the state of its rotation, and a link to the key that signs.
//!
//! ```text
//!   keys/example.org/rotation.json    the state; replaced whole
//!   keys/example.org/signing          a link to the key file that signs; its name tells the selector
//!   keys/example.org/r20261123.pem    one file for each key, which stays where it is
//! ```
//!
//! The link is set first, and then the state is written: in a folder whose key is taken over, some key signs at every
//! moment. What is cut off in between is made good at the next visit, since both keys are published then.

use super::disk;
use super::file::{self, KeyFileError};
use super::owner::Owner;
use super::record::Publication;
use super::rotation::Rotation;
use dkim::{PrivateKey, PublicKey};
use mail::Domain;
use nix::fcntl::OFlag;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use thiserror::Error;

const STATE: &str = "rotation.json";
const SIGNING: &str = "signing";
const LOCK: &str = "rotation.lock";

/// The folder cannot be used.
#[derive(Debug, Error)]
pub enum KeyringError {
    /// Something in it cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The state is not one of ours.
    #[error("{}: {source}; mend it, or move it away and name the key that signs with --signing", path.display())]
    State {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// Somebody else is at it.
    #[error("another `dkimgate key` is at work in {}", .0.display())]
    Busy(PathBuf),
}

/// The folder of one domain.
#[derive(Debug)]
pub struct Keyring {
    folder: PathBuf,
    domain: Domain,
}

/// As long as it lives, nobody else changes the folder.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Keyring {
    /// The folder of a domain in a key directory; it may not exist yet.
    pub fn new(directory: &Path, domain: Domain) -> Self {
        Self { folder: directory.join(domain.as_str()), domain }
    }

    /// The folders of all domains of a key directory, in the order of their names.
    pub fn all(directory: &Path) -> Result<Vec<Self>, KeyringError> {
        let failed = |source| KeyringError::Io { path: directory.to_owned(), source };
        let mut rings = Vec::new();
        for entry in fs::read_dir(directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let domain = path.file_name().and_then(OsStr::to_str).and_then(|name| Domain::parse(name).ok());
            if let Some(domain) = domain.filter(|_| path.is_dir()) {
                rings.push(Self { folder: path, domain });
            }
        }
        rings.sort_by(|a, b| a.domain.cmp(&b.domain));
        Ok(rings)
    }

    /// Whose folder it is.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// The file of a key.
    pub fn path(&self, selector: &Domain) -> PathBuf {
        self.folder.join(format!("{selector}.pem"))
    }

    /// The selectors of all key files.
    pub fn selectors(&self) -> Result<Vec<Domain>, KeyringError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(self.failed("", source)),
        };
        let mut selectors = Vec::new();
        for entry in entries {
            let path = entry.map_err(|source| self.failed("", source))?.path();
            let is_key = path.extension() == Some(OsStr::new("pem"));
            let selector = path.file_stem().and_then(OsStr::to_str).and_then(|stem| Domain::parse(stem).ok());
            selectors.extend(selector.filter(|_| is_key));
        }
        selectors.sort();
        Ok(selectors)
    }

    /// The public half of a key; `None` once its file was deleted.
    pub fn key(&self, selector: &Domain) -> Result<Option<PublicKey>, KeyFileError> {
        let path = self.path(selector);
        if path.symlink_metadata().is_err() {
            return Ok(None);
        }
        file::read_stored(&path).map(|key| Some(key.public_key()))
    }

    /// What to publish for a key; without its file, what revokes it.
    pub fn publication(&self, selector: &Domain) -> Result<Publication, KeyFileError> {
        let record = match self.key(selector)? {
            Some(key) => Publication::new(&self.domain, selector, key),
            None => Publication::revoked(&self.domain, selector),
        };
        record.map_err(KeyFileError::Name)
    }

    /// Whose the folder is, where root is at work.
    pub fn owner(&self) -> Option<Owner> {
        Owner::of_folder(&self.folder)
    }

    /// Gives the folder to somebody, and what is in it; what is made in it from then on is theirs too.
    pub fn give(&self, owner: Owner, _lock: &Lock) -> Result<(), KeyringError> {
        let given = || {
            for entry in fs::read_dir(&self.folder)? {
                owner.takes(&entry?.path())?;
            }
            owner.takes(&self.folder)
        };
        given().map_err(|source| self.failed("", source))
    }

    /// Keeps others out, or says that they are at it.
    pub fn lock(&self) -> Result<Lock, KeyringError> {
        disk::folder(&self.folder, self.owner()).map_err(|source| self.failed("", source))?;
        let file = self.lock_file().map_err(|source| self.failed(LOCK, source))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(fs::TryLockError::WouldBlock) => Err(KeyringError::Busy(self.folder.clone())),
            Err(fs::TryLockError::Error(source)) => Err(self.failed(LOCK, source)),
        }
    }

    /// Opens the file that is locked. The folder may belong to a user whom root must not trust, so what is there
    /// already is neither followed elsewhere nor waited for, and only what is made here is given away.
    fn lock_file(&self) -> io::Result<File> {
        let path = self.folder.join(LOCK);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            // It stays where it is, so its owner's runs have to be able to open it too.
            Ok(file) => self.owner().map_or(Ok(()), |owner| owner.takes_open(&file)).map(|()| file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
                OpenOptions::new().write(true).custom_flags(flags.bits()).open(&path)
            }
            Err(error) => Err(error),
        }
    }

    /// The state, if there is one.
    pub fn load(&self) -> Result<Option<Rotation>, KeyringError> {
        let path = self.folder.join(STATE);
        match fs::read(&path) {
            Ok(text) => {
                serde_json::from_slice(&text).map(Some).map_err(|source| KeyringError::State { path, source })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(KeyringError::Io { path, source }),
        }
    }

    /// Lets the link lead to the key that signs, and writes the state.
    pub fn save(&self, rotation: &Rotation, _lock: &Lock) -> Result<(), KeyringError> {
        let path = self.folder.join(STATE);
        let text = serde_json::to_string_pretty(rotation);
        let text = text.map_err(|source| KeyringError::State { path: path.clone(), source })?;
        let owner = self.owner();
        if let Some(selector) = rotation.signing() {
            disk::link(&self.folder.join(SIGNING), &format!("{selector}.pem"), owner)
                .map_err(|source| self.failed(SIGNING, source))?;
        }
        disk::replace(&path, text.as_bytes(), owner).map_err(|source| self.failed(STATE, source))
    }

    fn failed(&self, name: &str, source: io::Error) -> KeyringError {
        KeyringError::Io { path: self.folder.join(name), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::rotation::Plan;
    use std::os::unix::fs::symlink;

    #[test]
    fn the_link_follows_the_state() {
        let directory = tempfile::tempdir().unwrap();
        let ring = Keyring::new(directory.path(), Domain::parse("example.org").unwrap());
        assert_eq!(ring.load().unwrap(), None);
        assert!(ring.selectors().unwrap().is_empty());
        let lock = ring.lock().unwrap();
        assert!(matches!(ring.lock(), Err(KeyringError::Busy(_))));
        let mut rotation = Rotation::new(Plan::default());
        ring.save(&rotation, &lock).unwrap();
        let link = directory.path().join("example.org/signing");
        assert!(link.symlink_metadata().is_err());
        for selector in ["one", "two"] {
            rotation.keys.clear();
            rotation.adopt(Domain::parse(selector).unwrap(), 1);
            ring.save(&rotation, &lock).unwrap();
            assert_eq!(fs::read_link(&link).unwrap(), Path::new(&format!("{selector}.pem")));
        }
        assert_eq!(ring.load().unwrap(), Some(rotation));
        drop(lock);
        assert!(ring.lock().is_ok());
    }

    #[test]
    fn a_lock_that_leads_elsewhere_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let ring = Keyring::new(directory.path(), Domain::parse("example.org").unwrap());
        let elsewhere = directory.path().join("elsewhere");
        fs::write(&elsewhere, "").unwrap();
        let lock = directory.path().join("example.org/rotation.lock");
        drop(ring.lock().unwrap());
        fs::remove_file(&lock).unwrap();
        symlink(&elsewhere, &lock).unwrap();
        let refused = ring.lock().unwrap_err().to_string();
        assert!(refused.starts_with(lock.to_str().unwrap()), "{refused}");
        fs::remove_file(&lock).unwrap();
        nix::unistd::mkfifo(&lock, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(ring.lock().is_err(), "it would have been waited for");
    }
}
