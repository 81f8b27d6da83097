//! Folders with keys, looked at when rules are read, and again and again while the program serves.
//!
//! What counts in a folder is which keys sign: the link of a folder whose keys change, else all of its key files.
//! That `dkimgate key rotate` wrote its state down is no change. What the rules were made of is what was seen first,
//! so nothing can change in between.

use crate::rotating::Rotating;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
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
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Seen {
    /// When it was last changed; `None` if it may have been changed since without a trace.
    settled: Option<SystemTime>,
    /// Its keys, as a sum.
    keys: u64,
}

/// A folder that holds keys, or what stands where one should be.
pub(crate) struct KeyFolder {
    pub(crate) is_folder: bool,
    /// The names of the key files that sign, in their order.
    pub(crate) files: Vec<String>,
    pub(crate) seen: Seen,
}

impl KeyFolders {
    /// Those of several files. `read` is when the files began to be read: what has changed right before may have
    /// changed once more without a trace, and is looked at closely.
    #[must_use]
    pub fn together(all: impl IntoIterator<Item = Self>, read: SystemTime) -> Self {
        let mut together = Self::default();
        for one in all {
            together.directories.extend(one.directories);
            together.folders.extend(one.folders);
        }
        // Many rules may name one folder. If they were read before and after a change, both are kept.
        together.folders.sort_by(|(a, _), (b, _)| a.cmp(b));
        together.folders.dedup();
        for seen in together.directories.iter_mut().flat_map(|(_, domains)| domains.values_mut()) {
            seen.settled = seen.settled.filter(|at| is_settled(*at, read));
        }
        together
    }

    /// Adds a key directory, and what its folders held when its rules were made.
    pub(crate) fn add_directory(&mut self, directory: &Path, domains: HashMap<OsString, Seen>) {
        self.directories.push((directory.to_owned(), domains));
    }

    /// Adds the folder of a key whose turn it was when its rule was made.
    pub(crate) fn add_turn(&mut self, key: &Path) {
        let (Some(folder), Some(file)) = (key.parent(), key.file_name()) else { return };
        self.folders.push((folder.to_owned(), Seen { settled: None, keys: sum(folder, &[file]) }));
    }

    /// Whether there is nothing to look at.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.directories.is_empty() && self.folders.is_empty()
    }

    /// Looks at all of them, and tells whether other keys sign than at the look before.
    #[must_use]
    pub fn have_changed(&mut self, now: SystemTime) -> bool {
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
                let mut seen = before.remove(&name).unwrap_or(Seen::NOTHING);
                has_changed |= seen.look(&directory.join(&name), now);
                domains.insert(name, seen);
            }
            has_changed |= before.values().any(|gone| gone.keys != Seen::NOTHING.keys);
        }
        has_changed
    }
}

impl KeyFolder {
    /// Looks into a folder.
    pub(crate) fn look(path: &Path) -> Self {
        Self::changed(path, modified(path))
    }

    /// Looks into a folder that was changed at this time, if it is one. The time comes first: if a key comes while we
    /// look, the next look finds another time.
    fn changed(path: &Path, modified: Option<SystemTime>) -> Self {
        let files = modified.map_or_else(Vec::new, |_| signing(path));
        let seen = Seen { settled: modified, keys: sum(path, &files) };
        Self { is_folder: modified.is_some(), files, seen }
    }
}

impl Seen {
    /// No folder, or one without keys.
    const NOTHING: Self = Self { settled: None, keys: 0 };

    /// Looks at a folder, and tells whether its keys are others than before.
    fn look(&mut self, folder: &Path, now: SystemTime) -> bool {
        let modified = modified(folder);
        if modified.is_some() && modified == self.settled {
            return false;
        }
        let KeyFolder { seen, .. } = KeyFolder::changed(folder, modified);
        self.settled = modified.filter(|at| is_settled(*at, now));
        std::mem::replace(&mut self.keys, seen.keys) != seen.keys
    }
}

/// When a folder was last changed; nothing if it is none.
fn modified(folder: &Path) -> Option<SystemTime> {
    folder.metadata().ok().filter(std::fs::Metadata::is_dir)?.modified().ok()
}

/// Whether a change at this time can be told from a later one. A clock that is ahead of ours makes a folder look new
/// for longer, which costs time only.
fn is_settled(changed: SystemTime, now: SystemTime) -> bool {
    now.duration_since(changed).is_ok_and(|age| age > BLUR)
}

/// The key files in a folder that sign: all of them, or the one whose turn it is.
fn signing(folder: &Path) -> Vec<String> {
    let mut names = names(folder);
    let rotating = if names.iter().any(|name| Rotating::MARKS.contains(&name.as_str())) {
        Rotating::of(folder)
    } else {
        Rotating::No
    };
    match rotating {
        Rotating::Signs(_, file) => vec![file],
        Rotating::Waiting => Vec::new(),
        Rotating::No => {
            names.retain(|name| name.strip_suffix(".pem").is_some());
            names.sort_unstable();
            names
        }
    }
}

/// What is in a folder; nothing if it is none.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// The sum of some keys of a folder, each with what tells another file of the same name from it; 0 for none.
fn sum(folder: &Path, files: &[impl AsRef<OsStr>]) -> u64 {
    if files.is_empty() {
        return Seen::NOTHING.keys;
    }
    let mut hasher = DefaultHasher::new();
    for file in files {
        let file = file.as_ref();
        (file, identity(&folder.join(file))).hash(&mut hasher);
    }
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
        let config = crate::read(crate::Source { name, text }, "mx.example.org").unwrap();
        KeyFolders::together([crate::rules(&config).folders], read)
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
    fn what_was_read_right_after_a_change_is_looked_at_closely() {
        let desk = Desk::new();
        let folder = desk.path("keys/a.example");
        desk.write("keys/a.example/s1.pem");
        let now = desk.now();
        let at = folder.metadata().unwrap().modified().unwrap();
        let mut folders = watched(desk.0.path(), "  - directory: keys\n", now);
        assert!(!folders.have_changed(now), "the rules are made of it");
        let mut folders = watched(desk.0.path(), "  - directory: keys\n", now);
        desk.write("keys/a.example/s2.pem");
        fs::File::open(&folder).unwrap().set_modified(at).unwrap();
        assert!(folders.have_changed(now) && !folders.have_changed(now));
    }

    /// The rule was read, and before anybody looked, it was the turn of another key.
    #[test]
    fn a_turn_right_after_the_rule_was_read_is_seen() {
        let desk = Desk::new();
        desk.write("keys/a.example/s1.pem");
        desk.write("keys/a.example/s2.pem");
        desk.signs("s1.pem");
        let now = desk.now() + LATER;
        let text = "role: outbound\nlisten: 127.0.0.1:1\nrelay: 127.0.0.1:2\nsign:\n  \
                    - {domain: a.example, keys: keys/a.example}\n";
        let name = desk.path("proxy.yaml").display().to_string();
        let config = crate::read(crate::Source { name, text: text.to_owned() }, "mx.example.org").unwrap();
        desk.signs("s2.pem");
        let mut folders = KeyFolders::together([crate::rules(&config).folders], now);
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
