//! Folders with keys, looked at again and again while the program serves.
//!
//! What counts in a folder is which keys sign: the link of a folder whose keys change, else all of its key files.
//! That `dkimgate key rotate` wrote its state down is no change.

use crate::rotating::Rotating;
use crate::{Config, Engine, TableKind};
use std::collections::HashMap;
use std::ffi::OsString;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The time of a folder does not tell two changes apart that are closer together than the clock of a file system
/// counts: FAT counts two seconds, all others less.
const BLUR: Duration = Duration::from_secs(2);

/// The key folders of some files, and what they held when they were last looked at.
#[derive(Debug, Default)]
pub struct KeyFolders {
    /// Key directories: a folder for each domain.
    directories: Vec<(PathBuf, HashMap<OsString, Seen>)>,
    /// Folders that `keys` names.
    folders: Vec<(PathBuf, Seen)>,
}

/// What a folder held.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// When it was last changed; `None` if it may have been changed since without a trace.
    settled: Option<SystemTime>,
    /// Its keys, as a sum; `None` before it was looked at.
    keys: Option<u64>,
}

impl KeyFolders {
    /// The folders of these files, unless they are not to be watched. `read` is when the files began to be read:
    /// what has changed since then, or right before, counts as a change at the next look.
    #[must_use]
    pub fn of<'a>(configs: impl IntoIterator<Item = &'a Config>, read: SystemTime) -> Self {
        let mut all = Self::default();
        for config in configs {
            let Engine::Outbound(outbound) = &config.engine else { continue };
            if !outbound.watch_keys {
                continue;
            }
            all.directories.extend(outbound.tables().filter_map(|table| match &table.kind {
                TableKind::Directory(folder) => Some((folder.value.clone(), HashMap::new())),
                _ => None,
            }));
            let keys = outbound.rules().flat_map(|rule| &rule.keys);
            let folders = keys.filter_map(|key| key.keyfile.value.parent()).map(Path::to_owned);
            let rotating = folders.filter(|folder| matches!(Rotating::of(folder), Rotating::Signs(..)));
            all.folders.extend(rotating.map(|folder| (folder, Seen::default())));
        }
        all.folders.sort_by(|(a, _), (b, _)| a.cmp(b));
        all.folders.dedup_by(|(a, _), (b, _)| a == b);
        all.look(read);
        all.forget_unsettled();
        all
    }

    /// Whether there is nothing to look at.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.directories.is_empty() && self.folders.is_empty()
    }

    /// Looks at all of them, and tells whether other keys sign than at the look before.
    #[must_use]
    pub fn have_changed(&mut self, now: SystemTime) -> bool {
        self.look(now)
    }

    fn look(&mut self, now: SystemTime) -> bool {
        let mut has_changed = false;
        for (folder, seen) in &mut self.folders {
            has_changed |= seen.look(folder, now);
        }
        for (directory, domains) in &mut self.directories {
            let entries = std::fs::read_dir(&*directory).into_iter().flatten().flatten();
            let mut before = std::mem::take(domains);
            for entry in entries {
                let name = entry.file_name();
                // One that is new, and holds no key yet, is none.
                let mut seen = before.remove(&name).unwrap_or(Seen { settled: None, keys: Some(nothing()) });
                has_changed |= seen.look(&directory.join(&name), now);
                domains.insert(name, seen);
            }
            has_changed |= before.values().any(|gone| gone.keys != Some(nothing()));
        }
        has_changed
    }

    /// Lets whatever changed too closely before the first look count as changed at the next.
    fn forget_unsettled(&mut self) {
        let domains = self.directories.iter_mut().flat_map(|(_, domains)| domains.values_mut());
        for seen in self.folders.iter_mut().map(|(_, seen)| seen).chain(domains) {
            if seen.settled.is_none() && seen.keys != Some(nothing()) {
                seen.keys = None;
            }
        }
    }
}

impl Seen {
    /// Looks at a folder, and tells whether its keys are others than before.
    fn look(&mut self, folder: &Path, now: SystemTime) -> bool {
        let modified = folder.metadata().ok().filter(std::fs::Metadata::is_dir);
        let modified = modified.and_then(|folder| folder.modified().ok());
        if modified.is_some() && modified == self.settled {
            return false;
        }
        // A clock that is ahead of ours makes a folder look new for longer, which costs time only.
        self.settled = modified.filter(|at| now.duration_since(*at).is_ok_and(|age| age > BLUR));
        let keys = Some(modified.map_or_else(nothing, |_| sum(folder)));
        std::mem::replace(&mut self.keys, keys) != keys
    }
}

/// The sum of a folder without keys.
fn nothing() -> u64 {
    hash(&[])
}

/// The keys in a folder that sign, each with what tells another file of the same name from it.
fn sum(folder: &Path) -> u64 {
    let files = match Rotating::of(folder) {
        Rotating::Signs(_, file) => vec![OsString::from(file)],
        Rotating::Waiting => Vec::new(),
        Rotating::No => {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let names = entries.map(|entry| entry.file_name());
            names.filter(|name| Path::new(name).extension().is_some_and(|end| end == "pem")).collect()
        }
    };
    let mut keys: Vec<_> = files.into_iter().map(|file| (identity(&folder.join(&file)), file)).collect();
    keys.sort_unstable();
    hash(&keys)
}

fn hash(keys: &[((u64, i64), OsString)]) -> u64 {
    let mut hasher = DefaultHasher::new();
    keys.hash(&mut hasher);
    hasher.finish()
}

/// Which file it is, links followed: Kubernetes puts a secret in the place of another by a link.
fn identity(file: &Path) -> (u64, i64) {
    file.metadata().map_or((0, 0), |file| (file.ino(), file.mtime()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    const LATER: Duration = Duration::from_secs(60);

    /// The folders of a file that signs with a key directory, or with one folder of it.
    fn watched(directory: &Path, sign: &str, read: SystemTime) -> KeyFolders {
        let text = format!("role: outbound\nlisten: 127.0.0.1:1\nrelay: 127.0.0.1:2\nsign:\n{sign}");
        let name = directory.join("proxy.yaml").display().to_string();
        KeyFolders::of([&crate::read(crate::Source { name, text }, "mx.example.org").unwrap()], read)
    }

    struct Desk(tempfile::TempDir);

    impl Desk {
        fn new() -> Self {
            let desk = Self(tempfile::tempdir().unwrap());
            fs::create_dir_all(desk.path("keys/a.example")).unwrap();
            desk
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn write(&self, name: &str) {
            fs::write(self.path(name), name).unwrap();
        }

        /// The time, by the clock of the file system.
        fn now(&self) -> SystemTime {
            self.write("clock");
            self.path("clock").metadata().unwrap().modified().unwrap()
        }

        /// Puts a link in the place of another, as `dkimgate key rotate` does.
        fn signs(&self, file: &str) {
            let (new, link) = (self.path("keys/a.example/signing.new"), self.path("keys/a.example/signing"));
            symlink(file, &new).unwrap();
            fs::rename(new, link).unwrap();
        }
    }

    #[test]
    fn a_key_directory_changes_with_its_keys_and_with_nothing_else() {
        let desk = Desk::new();
        desk.write("keys/a.example/s1.pem");
        let now = desk.now() + LATER;
        let mut folders = watched(desk.0.path(), "  - directory: keys\n", now);
        let mut changed = || folders.have_changed(now);
        assert!(!changed());
        fs::create_dir(desk.path("keys/b.example")).unwrap();
        assert!(!changed(), "no key in it yet");
        desk.write("keys/b.example/s1.pem");
        assert!(changed() && !changed());
        desk.write("keys/b.example/rotation.lock");
        assert!(!changed(), "no key");
        desk.write("keys/a.example/s2.pem");
        assert!(changed() && !changed());
        // Another file of the same name.
        desk.write("keys/a.example/new");
        fs::rename(desk.path("keys/a.example/new"), desk.path("keys/a.example/s2.pem")).unwrap();
        assert!(changed() && !changed());
        desk.signs("s1.pem");
        assert!(changed() && !changed());
        desk.write("keys/a.example/s3.pem");
        desk.write("keys/a.example/rotation.json");
        assert!(!changed(), "it is not its turn");
        desk.signs("s3.pem");
        assert!(changed() && !changed());
        fs::remove_dir_all(desk.path("keys/b.example")).unwrap();
        assert!(changed() && !changed());
        fs::remove_dir_all(desk.path("keys")).unwrap();
        assert!(changed() && !changed());
    }

    #[test]
    fn a_folder_that_a_rule_names_changes_with_its_link() {
        let desk = Desk::new();
        desk.write("keys/a.example/s1.pem");
        desk.write("keys/a.example/s2.pem");
        desk.signs("s1.pem");
        let now = desk.now() + LATER;
        let rule = "  - {domain: a.example, keys: keys/a.example}\n";
        let mut folders = watched(desk.0.path(), rule, now);
        assert!(!folders.is_empty() && !folders.have_changed(now));
        desk.signs("s2.pem");
        assert!(folders.have_changed(now) && !folders.have_changed(now));
    }

    #[test]
    fn what_changed_while_the_files_were_read_counts_as_changed() {
        let desk = Desk::new();
        desk.write("keys/a.example/s1.pem");
        let now = desk.now();
        let mut folders = watched(desk.0.path(), "  - directory: keys\n", now);
        assert!(folders.have_changed(now) && !folders.have_changed(now));
    }

    /// Two changes within one tick of the file system's clock.
    #[test]
    fn a_change_that_left_no_trace_in_the_time_is_seen() {
        let desk = Desk::new();
        let folder = desk.path("keys/a.example");
        let now = desk.now();
        let mut folders = watched(desk.0.path(), "  - directory: keys\n", now);
        desk.write("keys/a.example/s1.pem");
        assert!(folders.have_changed(now));
        let at = folder.metadata().unwrap().modified().unwrap();
        desk.write("keys/a.example/s2.pem");
        fs::File::open(&folder).unwrap().set_modified(at).unwrap();
        assert!(folders.have_changed(now));
    }

    #[test]
    fn nothing_is_watched_where_that_is_switched_off() {
        let desk = Desk::new();
        let off = "  - directory: keys\nwatch_keys: false\n";
        assert!(watched(desk.0.path(), off, desk.now()).is_empty());
    }
}
