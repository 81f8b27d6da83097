//! What stands in the way to a file.

use std::fs::Metadata;
use std::path::{Component, Path, PathBuf};

/// So many symbolic links are followed; the system itself follows no more.
const MOST_LINKS: usize = 40;

/// What stands in the way to a file, or else the file itself. Links are followed one by one: what bars the way may
/// stand behind one.
pub(super) fn barrier(path: &Path) -> Option<(PathBuf, Metadata)> {
    let mut links = 0;
    let mut left: Vec<PathBuf> = parts(path);
    let mut at = PathBuf::from("/");
    while let Some(part) = left.pop() {
        let next = at.join(&part);
        let Ok(metadata) = next.symlink_metadata() else { break };
        if !metadata.is_symlink() {
            at = next;
            continue;
        }
        links += 1;
        let target = std::fs::read_link(&next).ok().filter(|_| links <= MOST_LINKS)?;
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        left.extend(parts(&target));
    }
    at.metadata().ok().map(|metadata| (at, metadata))
}

/// The parts of a path, the last one first.
fn parts(path: &Path) -> Vec<PathBuf> {
    let named = path.components().filter(|part| !matches!(part, Component::RootDir | Component::CurDir));
    named.rev().map(|part| PathBuf::from(part.as_os_str())).collect()
}
