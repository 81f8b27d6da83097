//! Private keys in files.

use dkim::{PrivateKeyError, SigningKey};
use mail::DomainError;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use thiserror::Error;
use zeroize::Zeroizing;

/// A key file that cannot be written or read.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// Another key, or something else, is there already.
    #[error("{} exists already and is left as it is; choose another selector or directory", .0.display())]
    Exists(PathBuf),
    /// The file or its directory cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Unwritable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is in it is no key that can be used.
    #[error("{}: {source}", path.display())]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: PrivateKeyError,
    },
    /// Everybody may read it, so it may be known to anybody.
    #[error("{} (mode {mode:04o}) is open to every user of this system", path.display())]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Selector and domain together make no name that the DNS could hold.
    #[error("the record of this selector and domain has no name: {0}")]
    Name(#[source] DomainError),
    /// A new key could not be made.
    #[error("no key could be made: {0}")]
    NotMade(#[source] PrivateKeyError),
}

/// Writes a new key, readable by its owner only; directories that are missing are made likewise.
pub fn write(path: &Path, key: &SigningKey) -> Result<(), KeyFileError> {
    let pem = key.to_pem().map_err(KeyFileError::NotMade)?;
    let unwritable = |source| KeyFileError::Unwritable { path: path.to_owned(), source };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(unwritable)?;
    }
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = opened.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => KeyFileError::Exists(path.to_owned()),
        _ => unwritable(source),
    })?;
    let written = file.write_all(pem.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|source| {
        // Half a key is no key; that it could not be removed either is told by the next attempt.
        let _ = fs::remove_file(path);
        unwritable(source)
    })
}

/// Reads a key, unless others may read it too.
pub fn read_guarded(path: &Path) -> Result<SigningKey, KeyFileError> {
    let unreadable = |source| KeyFileError::Unreadable { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(unreadable)?;
    // Of the open file, so that nobody can put another in its place meanwhile.
    let mode = file.metadata().map_err(unreadable)?.mode() & 0o7777;
    if mode & config::OTHERS_READ_OR_WRITE != 0 {
        return Err(KeyFileError::Exposed { path: path.to_owned(), mode });
    }
    let mut pem = Zeroizing::new(Vec::new());
    file.read_to_end(&mut pem).map_err(unreadable)?;
    SigningKey::from_pem(&pem).map_err(|source| KeyFileError::Unusable { path: path.to_owned(), source })
}

/// Reads a key.
pub fn read(path: &Path) -> Result<SigningKey, KeyFileError> {
    let read = fs::read(path).map(Zeroizing::new);
    let pem = read.map_err(|source| KeyFileError::Unreadable { path: path.to_owned(), source })?;
    SigningKey::from_pem(&pem).map_err(|source| KeyFileError::Unusable { path: path.to_owned(), source })
}
