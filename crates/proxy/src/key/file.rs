//! Private keys in files.

use super::disk;
use super::owner::Owner;
use dkim::{PrivateKeyError, SigningKey};
use mail::DomainError;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
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

/// Writes a new key, readable by its owner only; directories that are missing are made likewise. Where nobody is named
/// as the owner, it is who owns the folder if root writes.
pub fn write(path: &Path, key: &SigningKey, owner: Option<Owner>) -> Result<(), KeyFileError> {
    let pem = key.to_pem().map_err(KeyFileError::NotMade)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let owner = owner.or_else(|| Owner::of_folder(folder));
    disk::folder(folder, owner).and_then(|()| disk::create(path, pem.as_bytes(), 0o600, owner)).map_err(
        |source| match source.kind() {
            io::ErrorKind::AlreadyExists => KeyFileError::Exists(path.to_owned()),
            _ => KeyFileError::Unwritable { path: path.to_owned(), source },
        },
    )
}

/// Reads a key, unless others may read it too.
pub fn read_guarded(path: &Path) -> Result<SigningKey, KeyFileError> {
    let pem = guarded(path)?;
    SigningKey::from_pem(&pem).map_err(|source| KeyFileError::Unusable { path: path.to_owned(), source })
}

/// Reads a password, the first line of its file, unless others may read it too.
pub fn read_password(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let secret = guarded(path)?;
    let unreadable =
        |kind: io::ErrorKind| KeyFileError::Unreadable { path: path.to_owned(), source: kind.into() };
    let text = std::str::from_utf8(&secret).map_err(|_| unreadable(io::ErrorKind::InvalidData))?;
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

/// Reads a secret, unless others may read it too.
pub fn guarded(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let unreadable = |source| KeyFileError::Unreadable { path: path.to_owned(), source };
    // Of the open file, so that nobody can put another in its place meanwhile.
    let (file, metadata) = config::open_regular(path, config::LARGEST_SECRET).map_err(unreadable)?;
    let mode = metadata.mode() & 0o7777;
    if mode & config::OTHERS_READ_OR_WRITE != 0 {
        return Err(KeyFileError::Exposed { path: path.to_owned(), mode });
    }
    // As long as the file, so that it does not grow and leave pieces behind.
    let mut secret = Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1));
    file.take(config::LARGEST_SECRET).read_to_end(&mut secret).map_err(unreadable)?;
    Ok(secret)
}

/// Reads a key that the command line names. That may be a pipe.
pub fn read(path: &Path) -> Result<SigningKey, KeyFileError> {
    whole(File::open(path), path)
}

/// Reads a key of a folder, whoever else may read it.
pub fn read_stored(path: &Path) -> Result<SigningKey, KeyFileError> {
    whole(config::open_regular(path, config::LARGEST_SECRET).map(|(file, _)| file), path)
}

fn whole(opened: io::Result<File>, path: &Path) -> Result<SigningKey, KeyFileError> {
    let most = usize::try_from(config::LARGEST_SECRET).unwrap_or(usize::MAX);
    // With room for all, so that it does not grow and leave pieces behind.
    let mut pem = Zeroizing::new(Vec::with_capacity(most + 1));
    let read = opened.and_then(|file| file.take(config::LARGEST_SECRET).read_to_end(&mut pem));
    read.map_err(|source| KeyFileError::Unreadable { path: path.to_owned(), source })?;
    SigningKey::from_pem(&pem).map_err(|source| KeyFileError::Unusable { path: path.to_owned(), source })
}
