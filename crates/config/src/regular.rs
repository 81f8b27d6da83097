//! Regular files of a bounded size. A pipe or a device in the place of one would keep the reader waiting, or never end.

use nix::fcntl::OFlag;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// A larger file is no key, and no password: an RSA key of 16384 bits has 13 KB.
pub const LARGEST_SECRET: u64 = 64 << 10;
/// A larger file is no table, and no configuration: one for 100,000 domains has a tenth of this.
pub(crate) const LARGEST_TABLE: u64 = 64 << 20;

/// Opens a regular file that has no more than `largest` octets.
pub fn open_regular(path: &Path, largest: u64) -> io::Result<(File, Metadata)> {
    let (file, metadata) = open_at_once(path)?;
    if !metadata.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is no regular file"));
    }
    if metadata.len() > largest {
        return Err(io::Error::new(ErrorKind::FileTooLarge, format!("it is larger than {largest} octets")));
    }
    Ok((file, metadata))
}

/// Reads a regular file that has no more than `largest` octets.
pub(crate) fn read_regular(path: &Path, largest: u64) -> io::Result<Vec<u8>> {
    let (file, metadata) = open_regular(path, largest)?;
    let mut octets = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
    // It may have grown meanwhile.
    file.take(largest).read_to_end(&mut octets)?;
    Ok(octets)
}

/// Opens whatever stands there, if that is a file or a folder, and looks at it. Nobody is waited for.
pub(crate) fn open_at_once(path: &Path) -> io::Result<(File, Metadata)> {
    let is_one = |metadata: &Metadata| metadata.is_file() || metadata.is_dir();
    // Some devices do something as soon as they are opened.
    let before = path.metadata()?;
    if !is_one(&before) {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is no regular file"));
    }
    // Somebody may put a pipe in its place meanwhile.
    let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
    let metadata = file.metadata()?;
    Ok((file, metadata))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::stat::Mode;

    #[test]
    fn what_is_no_regular_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let (pipe, file) = (folder.path().join("pipe"), folder.path().join("file"));
        nix::unistd::mkfifo(&pipe, Mode::S_IRWXU).unwrap();
        std::fs::write(&file, "12345").unwrap();
        for path in [&pipe, Path::new("/dev/zero"), folder.path()] {
            let refused = read_regular(path, 5).unwrap_err();
            assert_eq!(refused.to_string(), "it is no regular file", "{}", path.display());
        }
        assert_eq!(read_regular(&file, 5).unwrap(), b"12345");
        assert_eq!(read_regular(&file, 4).unwrap_err().to_string(), "it is larger than 4 octets");
    }
}
