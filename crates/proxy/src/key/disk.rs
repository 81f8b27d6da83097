//! File operations that may each be the last one: the program can be killed between any two of them.
//!
//! What has to be there whole is written under another name and then renamed; a test cuts in before each operation.

use super::owner::Owner;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::Path;
use tempfile::Builder;

/// Makes a folder and the ones above it that are missing, for its owner only.
pub fn folder(path: &Path, owner: Option<Owner>) -> io::Result<()> {
    let mut missing: Vec<&Path> = path.ancestors().take_while(|folder| !folder.exists()).collect();
    missing.retain(|folder| !folder.as_os_str().is_empty());
    for folder in missing.into_iter().rev() {
        step()?;
        // Another run may be making it too.
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        owner.map_or(Ok(()), |owner| owner.takes(folder))?;
    }
    Ok(())
}

/// Writes a file that is not there yet; if it is, or comes to be, that is [`io::ErrorKind::AlreadyExists`].
pub fn create(path: &Path, content: &[u8], mode: u32, owner: Option<Owner>) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    step()?;
    let mut file = Builder::new()
        .prefix(&format!(".{name}."))
        .suffix(".new")
        .permissions(fs::Permissions::from_mode(mode))
        .tempfile_in(above(path))?;
    fill(file.as_file_mut(), content, owner)?;
    step()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    sync(above(path))
}

/// Puts a file in the place of another, at once, unless it has this content already.
pub fn replace(path: &Path, content: &[u8], owner: Option<Owner>) -> io::Result<()> {
    if fs::read(path).is_ok_and(|present| present == content) {
        return Ok(());
    }
    let new = path.with_extension("new");
    step()?;
    let _ = fs::remove_file(&new);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    fill(&mut file, content, owner)?;
    step()?;
    fs::rename(&new, path)?;
    sync(above(path))
}

/// Puts a link in the place of another, at once, unless it leads there already.
pub fn link(path: &Path, target: &str, owner: Option<Owner>) -> io::Result<()> {
    if path.read_link().is_ok_and(|present| present == Path::new(target)) {
        return Ok(());
    }
    let new = path.with_extension("new");
    step()?;
    let _ = fs::remove_file(&new);
    symlink(target, &new)?;
    owner.map_or(Ok(()), |owner| owner.takes(&new))?;
    step()?;
    fs::rename(&new, path)?;
    sync(above(path))
}

fn fill(file: &mut File, content: &[u8], owner: Option<Owner>) -> io::Result<()> {
    owner.map_or(Ok(()), |owner| owner.takes_open(file))?;
    // A program that is killed may have written a part.
    let (first, second) = content.split_at(content.len() / 2);
    file.write_all(first)?;
    step()?;
    file.write_all(second)?;
    step()?;
    file.sync_all()
}

/// Lets a name that was given last a crash of the system.
fn sync(folder: &Path) -> io::Result<()> {
    step()?;
    File::open(folder)?.sync_all()
}

fn above(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(not(test))]
#[expect(clippy::unnecessary_wraps, reason = "a test lets it fail")]
fn step() -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
pub use cut::after;
#[cfg(test)]
use cut::step;

#[cfg(test)]
mod cut {
    use std::cell::Cell;
    use std::io;

    thread_local! {
        static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
    }

    /// Lets so many operations of this thread succeed, and none after them; `None` for all. Gives what was left.
    pub fn after(count: Option<usize>) -> Option<usize> {
        LEFT.replace(count)
    }

    pub(super) fn step() -> io::Result<()> {
        match LEFT.get() {
            None => Ok(()),
            Some(0) => Err(io::Error::other("cut off")),
            Some(left) => {
                LEFT.set(Some(left - 1));
                Ok(())
            }
        }
    }
}
