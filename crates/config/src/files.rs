//! The files that a configuration names: there, ours to read, and nobody else's to read.
//!
//! What stands in a key or a zone is not looked at here.

mod barrier;
mod standing;

use crate::fault::{Fault, Place, Placed};
use crate::parallel::{FILES, in_parallel};
use crate::regular::{LARGEST_SECRET, LARGEST_TABLE, open_at_once};
use crate::secret::{HIDDEN, shown};
use crate::{Config, Dataset, DnsSource, Engine, Key, Outbound, Server, Store, Table, TableKind, Tls};
use barrier::barrier;
use mail::Domain;
use nix::unistd::{Uid, User};
use standing::{Standing, let_in};
use std::collections::HashSet;
use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf, absolute};

/// Readable or writable by those who are neither the owner nor in the group.
pub const OTHERS_READ_OR_WRITE: u32 = 0o006;
const OTHERS_WRITE: u32 = 0o002;
const GROUP_READS_OR_WRITES: u32 = 0o060;
/// In a directory with this bit, nobody replaces what belongs to another.
const STICKY: u32 = 0o1000;

/// Looks at every key file and zone, and says what is wrong with their paths and modes.
#[must_use]
pub fn check_files(config: &Config) -> Vec<Fault> {
    let spool = config.listener.spool.as_ref().and_then(|spool| Inspection::of(spool, "spool").folder());
    let (keys, dns) = match &config.engine {
        Engine::Outbound(outbound) => (check_keys(outbound), &outbound.dns),
        Engine::Inbound(inbound) => (Vec::new(), &inbound.dns),
    };
    let zone = match &dns.source {
        DnsSource::Zone(zone) => Inspection::of(zone, "zone").open(),
        DnsSource::System | DnsSource::Servers(_) => None,
    };
    spool.into_iter().chain(keys).chain(zone).collect()
}

/// Looks at one key file that a table names.
#[must_use]
pub fn check_key(path: &Path, place: Place) -> Option<Fault> {
    let inspection = Inspection { option: "key", path, place };
    inspection.unexposed(None)
}

/// Whether others may read a table that holds keys.
pub(crate) fn check_open_table(path: &Path, place: Place, metadata: &Metadata) -> Option<Fault> {
    Inspection { option: "key_table", path, place }.exposed(metadata)
}

fn check_keys(outbound: &Outbound) -> Vec<Fault> {
    let mut faults = Vec::new();
    faults.extend(outbound.tables().filter_map(check_table));
    faults.extend(outbound.stores().flat_map(check_store));
    let mut seen = HashSet::new();
    let keys = outbound.rules().flat_map(|rule| &rule.keys);
    let keys: Vec<&Key> = keys.filter(|key| seen.insert(key.keyfile.value.as_os_str())).collect();
    faults.extend(
        in_parallel(&keys, FILES, |key| Inspection::of(&key.keyfile, "keyfile").key(key))
            .into_iter()
            .flatten(),
    );
    let here = std::env::current_dir().unwrap_or_default();
    let folders = folders(&keys, &here);
    faults.extend(
        in_parallel(&folders, FILES, |(folder, place)| open_folder(folder, *place)).into_iter().flatten(),
    );
    faults
}

/// The folders that lead to keys, each with the first place that leads there. Relative paths begin `here`.
fn folders<'a>(keys: &[&'a Key], here: &'a Path) -> Vec<(&'a Path, Place)> {
    let (mut seen, mut folders) = (HashSet::new(), Vec::new());
    let mut add = |path: &'a Path, place| {
        // With a folder, all those above it have been seen.
        for folder in path.ancestors().take_while(|folder| seen.insert(folder.as_os_str())) {
            folders.push((folder, place));
        }
    };
    for Placed { value: path, place } in keys.iter().map(|key| &key.keyfile) {
        add(path.parent().unwrap_or(path), *place);
    }
    if let Some(relative) = keys.iter().find(|key| key.keyfile.value.is_relative()) {
        add(here, relative.keyfile.place);
    }
    folders.retain(|(folder, _)| !folder.as_os_str().is_empty());
    folders
}

fn check_table(table: &Table) -> Option<Fault> {
    match &table.kind {
        TableKind::Directory(folder) => Inspection::of(folder, "directory").folder(),
        TableKind::SenderMap(map) => Inspection::of(map, "sender_map").open(),
        TableKind::ListIdMap(map) => Inspection::of(map, "listid_map").open(),
        TableKind::SigningTable { signing, keys, .. } => {
            let file = |placed: &Placed<Dataset>, option| {
                Inspection { option, path: &placed.value.path, place: placed.place }.open()
            };
            file(signing, "signing_table").or_else(|| file(keys, "key_table"))
        }
    }
}

fn check_store(store: &Store) -> Vec<Fault> {
    let Server { tls, password_file, .. } = store.database.server();
    let ca_file = match tls {
        Tls::Authorities(ca_file) => Inspection::of(ca_file, "ca_file").open(),
        Tls::Off | Tls::System => None,
    };
    let password =
        password_file.as_ref().and_then(|file| Inspection::of(file, "password_file").unexposed(None));
    ca_file.into_iter().chain(password).collect()
}

/// A folder in which anybody may put another key in the place of ours.
fn open_folder(folder: &Path, place: Place) -> Option<Fault> {
    let mode = folder.metadata().ok()?.mode();
    (mode & OTHERS_WRITE != 0 && mode & STICKY == 0).then(|| {
        let problem = format!(
            "`{}` (mode {:04o}) lets every user of this system put another key in the place of this one",
            folder.display(),
            mode & 0o7777
        );
        Fault::doubtful(place, problem, format!("chmod o-w {}", folder.display()))
    })
}

/// One file that is being looked at.
struct Inspection<'a> {
    option: &'static str,
    path: &'a Path,
    place: Place,
}

impl<'a> Inspection<'a> {
    fn of(path: &'a Placed<PathBuf>, option: &'static str) -> Self {
        Self { option, path: &path.value, place: path.place }
    }

    fn key(&self, key: &Key) -> Option<Fault> {
        if key.generate
            && self.path.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound)
        {
            return None;
        }
        self.unexposed(Some(key))
    }

    /// An existing key that others may read is known to them, whoever it belongs to: this comes first.
    fn unexposed(&self, key: Option<&Key>) -> Option<Fault> {
        let opened = open_at_once(self.path).map(|(_, metadata)| metadata);
        let metadata = opened.as_ref().ok().cloned().or_else(|| self.path.metadata().ok());
        metadata.and_then(|metadata| self.exposed(&metadata)).or_else(|| self.unreadable(opened, key))
    }

    /// Whether it is a folder; whether we may write there shows at the first large message, and costs a 451 then.
    fn folder(&self) -> Option<Fault> {
        if self.path.is_dir() {
            return None;
        }
        if self.path.exists() {
            let problem = format!("`{}` is `{}`, which is no folder", self.option, self.path());
            return Some(Fault::unusable(self.place, problem, "name a folder"));
        }
        Some(Fault::unusable(self.place, self.absent(), format!("mkdir -m 0700 {}", self.path.display())))
    }

    /// Whether others may read a key or a password.
    fn exposed(&self, metadata: &Metadata) -> Option<Fault> {
        let mode = metadata.mode();
        let to_all = mode & OTHERS_READ_OR_WRITE != 0;
        // A key that belongs to root is opened to our group with intent; Kubernetes mounts its secrets so.
        let to_group = mode & GROUP_READS_OR_WRITES != 0 && metadata.uid() != 0;
        if !metadata.is_file() || !(to_all || to_group) {
            return None;
        }
        let path = self.path.display();
        let described = format!("`{path}` (mode {:04o}, owner {})", mode & 0o7777, user(metadata.uid()));
        let command = match Uid::effective() {
            _ if is_mounted_secret(self.path) => {
                "say `defaultMode: 0440` for this secret in the manifest, and `fsGroup` in its securityContext".to_owned()
            }
            us if us.is_root() || us.as_raw() == metadata.uid() => format!("chmod 0600 {path}"),
            us => format!("chown {} {path} && chmod 0600 {path}", user(us.as_raw())),
        };
        let what = match self.option {
            "password_file" => "password",
            "key_table" => "key table with keys in it,",
            _ => "key",
        };
        Some(if to_all {
            let problem = format!("{what} {described} is open to every user of this system");
            Fault::unusable(self.place, problem, command)
        } else {
            Fault::doubtful(self.place, format!("{what} {described} is open to its group"), command)
        })
    }

    /// Whether the file can be opened by us.
    fn open(&self) -> Option<Fault> {
        self.unreadable(open_at_once(self.path).map(|(_, metadata)| metadata), None)
    }

    /// What is wrong with a file that was opened so. If it is that of a key, one can be made.
    fn unreadable(&self, opened: io::Result<Metadata>, key: Option<&Key>) -> Option<Fault> {
        let error = match opened {
            Ok(metadata) if metadata.is_dir() => {
                let problem = format!("`{}` is `{}`, which is a folder", self.option, self.path());
                return Some(Fault::unusable(self.place, problem, "name a file in it"));
            }
            Ok(metadata) => return self.too_large(&metadata),
            Err(error) => error,
        };
        let (problem, remedy) = match error.kind() {
            ErrorKind::NotFound => (
                self.absent(),
                key.map_or_else(
                    || "name an existing file; its path is relative to this one".to_owned(),
                    making,
                ),
            ),
            ErrorKind::NotADirectory => (self.absent(), "a file stands where a folder should be".to_owned()),
            ErrorKind::PermissionDenied => self.forbidden(),
            ErrorKind::InvalidInput => (
                format!("`{}` is `{}`, which is no regular file", self.option, self.path()),
                "name a file: a pipe or a device is not waited for".to_owned(),
            ),
            _ => (format!("`{}` cannot be read: {error}", self.path()), "see to the file system".to_owned()),
        };
        Some(Fault::unusable(self.place, problem, remedy))
    }

    /// Whether nobody has so large a key or table.
    fn too_large(&self, metadata: &Metadata) -> Option<Fault> {
        let largest = match self.option {
            "keyfile" | "key" | "password_file" => LARGEST_SECRET,
            _ => LARGEST_TABLE,
        };
        (metadata.len() > largest).then(|| {
            let problem =
                format!("`{}` is `{}`, which is larger than {largest} octets", self.option, self.path());
            Fault::unusable(self.place, problem, "is it the right file?")
        })
    }

    /// The path as it is shown. A key that stands in its place is not.
    fn path(&self) -> String {
        shown(&self.path.to_string_lossy())
    }

    /// Says how far the path goes.
    fn absent(&self) -> String {
        let path = self.path();
        if path == HIDDEN {
            return format!("`{}` is `{HIDDEN}`, which names no file", self.option);
        }
        // A path without a folder is one in the folder where we are.
        let is_there = |folder: &&Path| folder.as_os_str().is_empty() || folder.exists();
        let existing = self.path.ancestors().skip(1).find(is_there);
        let there = existing.filter(|folder| !folder.as_os_str().is_empty());
        let missing =
            self.path.ancestors().take_while(|part| Some(*part) != existing).last().unwrap_or(self.path);
        match (missing == self.path, there) {
            (true, _) => format!("`{}` is `{path}`, and there is no such file", self.option),
            (false, Some(there)) => {
                format!(
                    "`{}` is `{path}`, and in `{}` there is no `{}`",
                    self.option,
                    there.display(),
                    name(missing)
                )
            }
            (false, None) => format!("`{}` is `{path}`, and there is no `{}`", self.option, name(missing)),
        }
    }

    /// Names the part of the path that keeps us out, and the command that lets us in.
    fn forbidden(&self) -> (String, String) {
        let us = user(Uid::effective().as_raw());
        let full = absolute(self.path).unwrap_or_else(|_| self.path.to_owned());
        let Some((part, metadata)) = barrier(&full) else {
            return (
                format!("`{}` is not for user {us} to read", full.display()),
                format!("run as another user than {us}"),
            );
        };
        let described = format!(
            "`{}` (mode {:04o}, owner {})",
            part.display(),
            metadata.mode() & 0o7777,
            user(metadata.uid())
        );
        let command = let_in(&part, Standing::of(&metadata));
        if metadata.is_dir() {
            let problem = format!("{described} does not let user {us} through to `{}`", name(self.path));
            return (problem, command);
        }
        (format!("{described} is not for user {us} to read"), command)
    }
}

/// How to make a key that is not there.
fn making(key: &Key) -> String {
    let domain = key.domains.first().map_or("DOMAIN", Domain::as_str);
    let kind = match key.algorithm.map(dkim::Algorithm::key_kind) {
        Some(dkim::KeyKind::Ed25519) => " --type ed25519",
        _ => "",
    };
    format!(
        "make a key with `dkimgate key generate --domain {domain} --selector {}{kind}`, or say `generate: true` here",
        key.selector.value
    )
}

fn name(path: &Path) -> std::path::Display<'_> {
    path.file_name().map_or(path.display(), |name| Path::new(name).display())
}

/// Whether a path leads through `..data`, as the files of a secret that Kubernetes mounts do.
fn is_mounted_secret(path: &Path) -> bool {
    std::fs::read_link(path).is_ok_and(|target| target.starts_with("..data"))
}

/// A user's name, or the number where it has none.
fn user(id: u32) -> String {
    let user = User::from_uid(Uid::from_raw(id)).ok().flatten();
    user.map_or_else(|| id.to_string(), |user| user.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, create_dir, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_mounted_secret_may_be_for_the_group_and_not_for_everybody() {
        let site = tempfile::tempdir().unwrap();
        create_dir(site.path().join("..1")).unwrap();
        let file = site.path().join("..1/s1.pem");
        write(&file, "").unwrap();
        std::os::unix::fs::symlink("..1", site.path().join("..data")).unwrap();
        let path = site.path().join("s1.pem");
        std::os::unix::fs::symlink("..data/s1.pem", &path).unwrap();
        set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        let fault = check_key(&path, Place::START).unwrap();
        assert!(fault.is_fatal() && fault.cause.remedy().contains("`defaultMode: 0440`"), "{fault:?}");
        // It belongs to root there.
        set_permissions(&file, Permissions::from_mode(0o440)).unwrap();
        let fault = check_key(&path, Place::START);
        assert!(!fault.as_ref().is_some_and(Fault::is_fatal), "{fault:?}");
        assert_eq!(fault.is_none(), Uid::effective().is_root());
    }

    #[test]
    fn what_is_not_there_is_named_also_without_a_folder() {
        let said = |path: &str| {
            let placed = Placed { value: PathBuf::from(path), place: Place::START };
            Inspection::of(&placed, "zone").absent()
        };
        assert_eq!(said("none"), "`zone` is `none`, and there is no such file");
        assert_eq!(said("none/zone"), "`zone` is `none/zone`, and there is no `none`");
        assert_eq!(said("src/none/zone"), "`zone` is `src/none/zone`, and in `src` there is no `none`");
    }

    #[test]
    fn a_file_is_no_folder() {
        let placed = Placed { value: PathBuf::from("Cargo.toml"), place: Place::START };
        let fault = Inspection::of(&placed, "directory").folder().unwrap();
        assert_eq!(fault.cause.to_string(), "`directory` is `Cargo.toml`, which is no folder");
    }

    /// Asked for its words only, since the user who runs the tests may be let in everywhere.
    #[test]
    fn what_keeps_us_out_is_named_with_the_command_that_lets_us_in() {
        let site = tempfile::tempdir().unwrap();
        let us = user(Uid::effective().as_raw());
        let folder = site.path().join("keys");
        create_dir(&folder).unwrap();
        write(folder.join("s1.pem"), "").unwrap();
        set_permissions(folder.join("s1.pem"), Permissions::from_mode(0o200)).unwrap();
        let key = Placed { value: folder.join("s1.pem"), place: Place::START };
        let path = key.value.display();
        assert_eq!(
            Inspection::of(&key, "keyfile").forbidden(),
            (
                format!("`{path}` (mode 0200, owner {us}) is not for user {us} to read"),
                format!("chmod u+r {path}")
            )
        );
        let file = folder.display().to_string();
        // Behind a link, in a folder that seems to have no such file.
        std::os::unix::fs::symlink("keys/other/s1.pem", site.path().join("link")).unwrap();
        let linked = site.path().join("link");
        let hidden = folder.join("other/s1.pem");
        for (value, name) in [(linked, "link"), (hidden, "s1.pem")] {
            set_permissions(&folder, Permissions::from_mode(0o600)).unwrap();
            let placed = Placed { value, place: Place::START };
            let (problem, command) = Inspection::of(&placed, "keyfile").forbidden();
            assert_eq!(
                (problem, command),
                (
                    format!("`{file}` (mode 0600, owner {us}) does not let user {us} through to `{name}`"),
                    format!("chmod u+x {file}")
                )
            );
        }
        set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
    }
}
