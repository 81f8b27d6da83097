//! `explain` and `import`: what they print, and that what is imported can be checked and explained.

#![allow(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]

use std::cell::RefCell;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

fn dkimgate(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dkimgate")).args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn what_is_imported_from_dkimproxy_can_be_checked_and_explained() {
    let site = tempfile::tempdir().unwrap();
    let folder = site.path();
    let made =
        dkimgate(folder, &["key", "generate", "--domain", "a.net", "--selector", "s1", "--type", "ed25519"]);
    assert!(made.status.success());
    let old = "listen 127.0.0.1:10027\nrelay 127.0.0.1:10028\ndomain a.net,b.net\nkeyfile keys/a.net/s1.pem\nselector s1\nsignature dkim(c=relaxed)\n";
    fs::write(folder.join("dkimproxy_out.conf"), old).unwrap();
    let import = ["import", "dkimproxy", "dkimproxy_out.conf", "--out", "."];
    let imported = dkimgate(folder, &import);
    assert_eq!(imported.status.code(), Some(0), "{}", text(&imported.stderr));
    assert_eq!(text(&imported.stdout), "./proxy-out.yaml\n");
    assert!(text(&imported.stderr).contains("master.cf"), "{}", text(&imported.stderr));
    assert_eq!(dkimgate(folder, &import).status.code(), Some(74), "nothing is written over");

    let checked = dkimgate(folder, &["check", "proxy-out.yaml"]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
    let explained = dkimgate(folder, &["explain", "proxy-out.yaml", "--from", "joe@mail.b.net"]);
    assert_eq!(explained.status.code(), Some(0));
    let words = text(&explained.stdout);
    for line in [
        "author: joe@mail.b.net\n",
        "rule 1 signs with d=b.net s=s1\n",
        "DKIM-Signature: d=b.net s=s1 a=ed25519-sha256 c=relaxed/simple\n",
    ] {
        assert!(words.contains(line), "{line}: {words}");
    }
    let explained = dkimgate(folder, &["explain", "proxy-out.yaml", "--from", "joe@c.net"]);
    assert!(text(&explained.stdout).contains("unsigned: no rule for c.net"), "{}", text(&explained.stdout));
}

#[test]
fn the_tables_of_opendkim_stay_where_they_are() {
    let site = tempfile::tempdir().unwrap();
    let folder = site.path();
    fs::write(
        folder.join("opendkim.conf"),
        "Mode s\nKeyTable refile:key.table\nSigningTable refile:signing.table\n",
    )
    .unwrap();
    fs::write(folder.join("key.table"), "default._domainkey.a.net a.net:default:./none.pem\n").unwrap();
    fs::write(folder.join("signing.table"), "*@a.net default._domainkey.a.net\n*@b.net\n").unwrap();
    let imported = dkimgate(folder, &["import", "opendkim", "opendkim.conf", "--out", "."]);
    assert_eq!(imported.status.code(), Some(0), "{}", text(&imported.stderr));
    let explain = ["explain", "proxy-out.yaml", "--from", "joe@a.net"];
    let faulty = dkimgate(folder, &explain);
    assert_eq!(faulty.status.code(), Some(78));
    let shown = text(&faulty.stderr);
    assert!(shown.contains("signing.table:2:1") && shown.contains("the second column is missing"), "{shown}");
    fs::write(folder.join("signing.table"), "*@a.net default._domainkey.a.net\n").unwrap();
    let checked = dkimgate(folder, &["check", "proxy-out.yaml"]);
    assert_eq!(checked.status.code(), Some(78), "the key of a table is looked at too");
    let shown = text(&checked.stderr);
    assert!(
        shown.contains("signing.table:1:1") && shown.contains("`./none.pem`, and there is no such file"),
        "{shown}"
    );
    let explained = text(&dkimgate(folder, &explain).stdout);
    assert!(explained.contains("signing.table:1 signs with d=a.net s=default"), "{explained}");
    assert!(
        explained.contains("deferred: d=a.net s=default") && explained.contains("none.pem does not exist"),
        "{explained}"
    );
}

#[test]
fn keys_within_the_table_of_opendkim_stay_there_and_are_shown_to_nobody() {
    let site = tempfile::tempdir().unwrap();
    let folder = site.path();
    let made = dkimgate(folder, &["key", "generate", "--domain", "a.net", "--selector", "s1"]);
    let published = text(&made.stdout);
    let record = published.lines().find(|line| line.contains(" IN TXT ")).unwrap();
    fs::write(folder.join("zone"), format!("{record}\n")).unwrap();
    let pem = fs::read_to_string(folder.join("keys/a.net/s1.pem")).unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let secret = &body[100..140];
    fs::write(
        folder.join("opendkim.conf"),
        "Mode s\nKeyTable file:key.table\nSigningTable refile:signing.table\n",
    )
    .unwrap();
    fs::write(folder.join("signing.table"), "*@a.net inline\n").unwrap();
    let table = folder.join("key.table");
    fs::write(&table, format!("inline a.net:s1:{body}\n")).unwrap();
    fs::set_permissions(&table, Permissions::from_mode(0o644)).unwrap();
    let all = RefCell::new(String::new());
    let run = |arguments: &[&str]| {
        let output = dkimgate(folder, arguments);
        let said = text(&output.stdout) + &text(&output.stderr);
        all.borrow_mut().push_str(&said);
        (output.status.code(), said)
    };
    let (status, said) = run(&["import", "opendkim", "opendkim.conf", "--out", "."]);
    assert!(status == Some(0) && said.contains("keys stand in it, and stay there"), "{said}");
    let (status, said) = run(&["check", "proxy-out.yaml"]);
    assert!(status == Some(78) && said.contains("chmod 0600 key.table"), "{said}");
    fs::set_permissions(&table, Permissions::from_mode(0o600)).unwrap();
    let (status, said) = run(&["check", "proxy-out.yaml", "--zone", "zone"]);
    assert!(status == Some(0) && said.contains("key.table:1"), "{said}");
    let (status, said) = run(&["explain", "proxy-out.yaml", "--from", "joe@a.net"]);
    assert!(status == Some(0) && said.contains("DKIM-Signature: d=a.net s=s1 a=rsa-sha256"), "{said}");
    fs::write(&table, format!("inline a.net:s1:{}\n", &body[..body.len() - 40])).unwrap();
    let (status, said) = run(&["check", "proxy-out.yaml"]);
    assert!(
        status == Some(78) && said.contains("key.table:1:1") && said.contains("malformed private key"),
        "{said}"
    );
    assert!(!all.borrow().contains(secret), "{}", all.borrow());
}

#[test]
fn explain_says_what_would_be_mended_and_for_whom() {
    let site = tempfile::tempdir().unwrap();
    let folder = site.path();
    for kind in ["rsa", "ed25519"] {
        let selector = if kind == "rsa" { "s1" } else { "s1-ed25519" };
        let made = dkimgate(
            folder,
            &["key", "generate", "--domain", "a.net", "--selector", selector, "--type", kind],
        );
        assert!(made.status.success());
    }
    let yaml = "role: outbound\nlisten: 127.0.0.1:10027\nrelay: 127.0.0.1:10028\nlong_lines: fix\nmissing_date: fix\nsign:\n  \
                - {rcpt: '*@they.example', none: they sign}\n  - {xforward: {source: LOCAL}, refuse: Not from here}\n  \
                - {domain: a.net, selector: s1, keyfile: keys/a.net/s1.pem, dual: true, single_for: old.example}\n";
    fs::write(folder.join("out.yaml"), yaml).unwrap();
    let long = "x".repeat(1200);
    fs::write(
        folder.join("m.eml"),
        format!("From: joe@a.net\r\nMessage-ID: <1@a.net>\r\n\r\na\0\nb\rc\r\n{long}\r\n"),
    )
    .unwrap();
    let explain = |arguments: &[&str]| {
        let output = dkimgate(folder, &[&["explain", "out.yaml", "m.eml"], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let words = explain(&["--rcpt", "x@b.example"]);
    for line in [
        "rule 1 is for other recipients: they.example\n",
        "rule 2 is for another SOURCE: local, which is not known\n",
        "rule 3 signs with d=a.net s=s1-ed25519\n",
        "signed: d=a.net s=s1 (rule 3), d=a.net s=s1-ed25519 (rule 3); Date added; lines over 998 octets fixed, 1 parts encoded; 1 bare CR fixed, 1 bare LF fixed, 1 NUL fixed\n",
        "    fields: From:Date:Message-ID:MIME-Version:Content-Type:Content-Transfer-Encoding:From:Date:Message-ID:",
        "  Date: ",
    ] {
        assert!(words.contains(line), "{line}: {words}");
    }
    let words = explain(&["--rcpt", "x@b.example", "--rcpt", "y@old.example"]);
    assert!(words.contains("rule 3 makes one signature only, for y@old.example\n"), "{words}");
    let words = explain(&["--rcpt", "x@b.example", "--rcpt", "y@they.example"]);
    assert!(words.contains("\nunsigned: rule 1: they sign"), "{words}");
    let words = explain(&["--xforward", "source=LOCAL"]);
    assert!(words.contains("refused: rule 2"), "{words}");
}

/// The verifier's file alone looks like success, and all mail would go out unsigned.
#[test]
fn a_signer_that_could_not_be_written_is_said() {
    let site = tempfile::tempdir().unwrap();
    let folder = site.path();
    for (text, status) in [
        ("KeyTable refile:key.table\n", 2),
        ("Mode sv\n", 2),
        ("KeyFile /etc/k.pem\nSelector s\n", 2),
        ("AuthservID mx.example\n", 0),
        ("Mode v\n", 0),
    ] {
        fs::write(folder.join("opendkim.conf"), text).unwrap();
        let imported = dkimgate(folder, &["import", "opendkim", "opendkim.conf"]);
        let said = text_of(&imported);
        assert_eq!(imported.status.code(), Some(status), "{text}: {said}");
        assert_eq!(said.contains("no proxy-out.yaml was made"), status != 0, "{text}: {said}");
    }
    let out = ["import", "opendkim", "opendkim.conf", "--out", "new/folder"];
    assert_eq!(dkimgate(folder, &out).status.code(), Some(0));
    assert!(folder.join("new/folder/proxy-in.yaml").exists());
    let again = dkimgate(folder, &out);
    assert!(text_of(&again).contains("cannot write new/folder/proxy-in.yaml: "), "{}", text_of(&again));
}

fn text_of(output: &Output) -> String {
    text(&output.stderr)
}
