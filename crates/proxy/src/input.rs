//! A message from a file or from standard input.

use memchr::memchr_iter;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Input that cannot be used.
#[derive(Debug, Error)]
pub enum InputError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no message.
    #[error("{} is empty: a message was expected", path.display())]
    Empty {
        /// Which file.
        path: PathBuf,
    },
}

/// Reads a whole message, from standard input if no file is named or the name is `-`; each bare LF becomes CR LF unless
/// the bytes are wanted `raw`.
pub fn message(file: Option<&Path>, raw: bool) -> Result<Vec<u8>, InputError> {
    let file = file.filter(|path| *path != Path::new("-"));
    let bytes = match file {
        Some(path) => bytes(path)?,
        None => stdin()?,
    };
    if bytes.is_empty() {
        return Err(InputError::Empty { path: file.unwrap_or(Path::new("standard input")).to_owned() });
    }
    Ok(if raw { bytes } else { with_crlf(bytes) })
}

/// Reads a whole file.
pub fn bytes(path: &Path) -> Result<Vec<u8>, InputError> {
    fs::read(path).map_err(|source| InputError::Unreadable { path: path.to_owned(), source })
}

fn stdin() -> Result<Vec<u8>, InputError> {
    let mut bytes = Vec::new();
    let read = io::stdin().lock().read_to_end(&mut bytes);
    read.map_err(|source| InputError::Unreadable { path: "standard input".into(), source })?;
    Ok(bytes)
}

/// Turns each LF that no CR precedes into CR LF; a bare CR stays.
pub fn with_crlf(bytes: Vec<u8>) -> Vec<u8> {
    let bare = |&at: &usize| at == 0 || bytes[at - 1] != b'\r';
    let count = memchr_iter(b'\n', &bytes).filter(bare).count();
    if count == 0 {
        return bytes;
    }
    let mut fixed = Vec::with_capacity(bytes.len() + count);
    let mut from = 0;
    for at in memchr_iter(b'\n', &bytes).filter(bare) {
        fixed.extend_from_slice(&bytes[from..at]);
        fixed.push(b'\r');
        from = at;
    }
    fixed.extend_from_slice(&bytes[from..]);
    fixed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bare_lf_is_mended() {
        for (before, after) in [
            ("a\nb", "a\r\nb"),
            ("a\r\nb", "a\r\nb"),
            ("\n\n", "\r\n\r\n"),
            ("a\rb\r", "a\rb\r"),
            ("\n", "\r\n"),
        ] {
            assert_eq!(with_crlf(before.into()), after.as_bytes(), "{before:?}");
        }
    }
}
