//! Files that the configuration names.

use super::*;
use crate::{check_files, check_together, load};
use std::fs::{Permissions, create_dir_all, set_permissions, write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use tempfile::TempDir;

/// A folder of its own with an outbound file whose key is `keys/s1.pem`.
struct Site(TempDir);

impl Site {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn with_key(self, mode: u32) -> Self {
        create_dir_all(self.path("keys")).unwrap();
        write(self.path("keys/s1.pem"), "").unwrap();
        self.with_mode("keys/s1.pem", mode)
    }

    fn with_mode(self, name: &str, mode: u32) -> Self {
        set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
        self
    }

    /// What is found, with the paths of this run left out.
    fn found(&self, rule: &str) -> Vec<String> {
        let text = format!(
            "role: outbound\nlisten: 127.0.0.1:1\nrelay: 127.0.0.1:2\nsign:\n  - {{domain: example.org, selector: s1, {rule}}}\n"
        );
        self.found_in(&text)
    }

    fn found_in(&self, text: &str) -> Vec<String> {
        let name = self.path("proxy.yaml");
        let config = read(Source { name, text: text.to_owned() }, "mx.example.org")
            .unwrap_or_else(|report| panic!("{report}"));
        let root = format!("{}/", self.0.path().display());
        let shown = |fault: crate::Fault| {
            let mark = if fault.is_fatal() { "fault" } else { "warning" };
            format!("{mark}: {}\n{}", fault.cause, fault.cause.remedy())
                .replace(&root, "")
                .replace(root.trim_end_matches('/'), ".")
        };
        check_files(&config).into_iter().map(shown).collect()
    }
}

const RULE: &str = "keyfile: keys/s1.pem";

/// The name of the user who runs the tests owns all the files that they make.
fn owner() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::effective()).unwrap();
    user.map_or_else(|| nix::unistd::Uid::effective().to_string(), |user| user.name)
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let site = Site::new();
    create_dir_all(site.path("keys")).unwrap();
    nix::unistd::mkfifo(Path::new(&site.path("keys/s1.pem")), nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert_eq!(
        site.found(RULE),
        [
            "fault: `keyfile` is `keys/s1.pem`, which is no regular file\nname a file: a pipe or a device is not waited for"
        ]
    );
    std::fs::remove_file(site.path("keys/s1.pem")).unwrap();
    write(site.path("keys/s1.pem"), vec![b'x'; 65_537]).unwrap();
    assert_eq!(
        site.with_mode("keys/s1.pem", 0o600).found(RULE),
        ["fault: `keyfile` is `keys/s1.pem`, which is larger than 65536 octets\nis it the right file?"]
    );
}

#[test]
fn a_key_of_our_own_is_well() {
    assert_eq!(Site::new().with_key(0o600).found(RULE), [""; 0]);
    assert_eq!(Site::new().with_key(0o400).found(RULE), [""; 0]);
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    for mode in ["0644", "0604", "0666", "0602"] {
        let site = Site::new().with_key(u32::from_str_radix(mode, 8).unwrap());
        let expected = format!(
            "fault: key `keys/s1.pem` (mode {mode}, owner {}) is open to every user of this system\nchmod 0600 keys/s1.pem",
            owner()
        );
        assert_eq!(site.found(RULE), [expected]);
    }
}

/// Kubernetes mounts a secret as root's, for a group, behind symbolic links.
#[test]
fn a_key_that_its_group_may_read_is_doubtful_unless_it_is_roots() {
    let site = Site::new().with_key(0o440);
    create_dir_all(site.path("..2026")).unwrap();
    std::fs::rename(site.path("keys/s1.pem"), site.path("..2026/s1.pem")).unwrap();
    symlink("..2026", site.path("..data")).unwrap();
    symlink("../..data/s1.pem", site.path("keys/s1.pem")).unwrap();
    let expected = match owner().as_str() {
        "root" => vec![],
        owner => vec![format!(
            "warning: key `keys/s1.pem` (mode 0440, owner {owner}) is open to its group\nchmod 0600 keys/s1.pem"
        )],
    };
    assert_eq!(site.found(RULE), expected);
}

#[test]
fn a_key_that_is_not_there_is_refused_unless_it_shall_be_made() {
    let site = Site::new();
    let remedy = "make a key with `dkimgate key generate --domain example.org --selector s1`, or say `generate: true` here";
    assert_eq!(
        site.found(RULE),
        [format!("fault: `keyfile` is `keys/s1.pem`, and in `.` there is no `keys`\n{remedy}")]
    );
    create_dir_all(site.path("keys")).unwrap();
    assert_eq!(
        site.found(RULE),
        [format!("fault: `keyfile` is `keys/s1.pem`, and there is no such file\n{remedy}")]
    );
    assert_eq!(site.found("keyfile: keys/s1.pem, generate: true"), [""; 0]);
}

#[test]
fn a_key_that_shall_be_made_is_looked_at_once_it_is_there() {
    let site = Site::new().with_key(0o644);
    assert_eq!(site.found("keyfile: keys/s1.pem, generate: true").len(), 1);
}

#[test]
fn a_folder_is_no_key() {
    let site = Site::new();
    create_dir_all(site.path("keys/s1.pem")).unwrap();
    assert_eq!(site.found(RULE), ["fault: `keyfile` is `keys/s1.pem`, which is a folder\nname a file in it"]);
}

#[test]
fn a_file_is_no_folder() {
    let site = Site::new();
    write(site.path("keys"), "").unwrap();
    let found = site.found(RULE);
    assert!(found[0].ends_with("a file stands where a folder should be"), "{found:?}");
}

#[test]
fn a_folder_in_which_anybody_may_replace_the_key_is_doubtful() {
    let site = Site::new().with_key(0o600).with_mode("keys", 0o777);
    assert_eq!(
        site.found(RULE),
        [
            "warning: `keys` (mode 0777) lets every user of this system put another key in the place of this one\nchmod o-w keys"
        ]
    );
    assert_eq!(site.with_mode("keys", 0o1777).found(RULE), [""; 0]);
}

#[test]
fn one_key_of_several_rules_is_looked_at_once() {
    let site = Site::new().with_key(0o644);
    let text = "role: outbound\nlisten: 127.0.0.1:1\nrelay: 127.0.0.1:2\nsign:\n  - {domain: example.org, selector: s1, keyfile: keys/s1.pem}\n  \
                - {domain: example.net, selector: s1, keyfile: keys/s1.pem}\n";
    assert_eq!(site.found_in(text).len(), 1);
}

#[test]
fn a_zone_must_be_there() {
    let site = Site::new();
    let text = "role: inbound\nlisten: 127.0.0.1:1\nrelay: 127.0.0.1:2\ndns: {zone: records.json}\n";
    assert_eq!(
        site.found_in(text),
        [
            "fault: `zone` is `records.json`, and there is no such file\nname an existing file; its path is relative to this one"
        ]
    );
    write(site.path("records.json"), "{}").unwrap();
    assert_eq!(site.found_in(text), [""; 0]);
}

#[test]
fn a_spool_must_be_a_folder() {
    let site = Site::new();
    let text = "role: inbound\nlisten: 127.0.0.1:1\nrelay: 127.0.0.1:2\nspool: spool\n";
    assert_eq!(
        site.found_in(text),
        ["fault: `spool` is `spool`, and there is no such file\nmkdir -m 0700 spool"]
    );
    create_dir_all(site.path("spool")).unwrap();
    assert_eq!(site.found_in(text), [""; 0]);
}

#[test]
fn a_configuration_that_is_not_there_is_one_fault() {
    let report = load(Path::new("no/such.yaml"), "mx.example.org").unwrap_err();
    assert_eq!(
        report.to_string(),
        "  × no/such.yaml: cannot be read: No such file or directory (os error 2)\n  help: name an existing file that this user may read\n"
    );
}

#[test]
fn two_listeners_on_one_address_are_refused() {
    let text = "role: inbound\nlisten: 127.0.0.1:10025\nrelay: 127.0.0.1:10026\n";
    let reports = check_together(&[config(text), config(text)]);
    assert_eq!(reports.len(), 1);
    assert_eq!(
        reports[0].to_string(),
        "  × `127.0.0.1:10025` is listened on already, by etc/proxy.yaml\n   ╭─[etc/proxy.yaml:2:9]\n 1 │ role: inbound\n 2 │ \
         listen: 127.0.0.1:10025\n   ·         ───────────────\n 3 │ relay: 127.0.0.1:10026\n   ╰────\n  help: give each listener \
         an address or port of its own\n"
    );
    assert!(
        check_together(&[config(&text.replace("10025", "0")), config(&text.replace("10025", "0"))])
            .is_empty()
    );
}
