//! What scripts may rely on: `check --dns`, `key check`, `key record`, `key list`, `key rotate` and `key retire`.

#![allow(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]

use std::fs;
use std::process::{Command, Output};
use tempfile::TempDir;

struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn run(&self, arguments: &str) -> Output {
        let arguments = arguments.split_whitespace();
        Command::new(env!("CARGO_BIN_EXE_dkimgate")).args(arguments).current_dir(&self.0).output().unwrap()
    }

    /// What a command prints that ends with this status.
    fn prints(&self, status: i32, arguments: &str) -> String {
        let out = self.run(arguments);
        let shown = String::from_utf8(out.stdout).unwrap();
        let faults = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(status), "{arguments}: {shown}{faults}");
        shown
    }

    /// A new key, and its record as text.
    fn key(&self, selector: &str) -> String {
        self.prints(0, &format!("key generate --domain example.org --selector {selector} --type ed25519"));
        self.record(selector, "string").trim().to_owned()
    }

    fn record(&self, selector: &str, format: &str) -> String {
        self.prints(0, &format!("key record {} --format {format}", one(selector)))
    }
}

fn one(selector: &str) -> String {
    format!("--domain example.org --selector {selector} --key keys/example.org/{selector}.pem")
}

fn zone(name: &str, text: &str) -> String {
    format!("{{\"{name}\": \"{text}\"}}")
}

#[test]
fn key_check_has_an_exit_status_for_each_answer() {
    let desk = Desk::new();
    let record = desk.key("s1");
    let name = "s1._domainkey.example.org";
    for (zone, expected, word) in [
        (zone(name, &record), 0, "published, and equal to the key"),
        (zone(name, &record.replacen("k=", "t=y; k=", 1)), 0, "t=y is set"),
        (zone(name, &record.replacen("p=", "p=x", 1)), 1, "something stands within p="),
        (zone(name, "v=DKIM1; p=..."), 1, "a placeholder stands in p="),
        ("{}".to_owned(), 1, "no record is published"),
        (
            zone(&format!("{name}.example.org"), &record),
            1,
            "the record stands at s1._domainkey.example.org.example.org",
        ),
        (format!("{{\"{name}\": {{\"error\": \"timeout\"}}}}"), 75, "DNS time-out"),
    ] {
        desk.file("zone.json", &zone);
        let shown = desk.prints(expected, &format!("key check {} --zone zone.json", one("s1")));
        assert!(shown.contains(word), "{word}: {shown}");
    }
    desk.prints(2, "key check --domain example.org --selector s1 --key absent.pem --zone zone.json");
    desk.prints(2, &format!("key check {} --zone absent.json", one("s1")));
    desk.prints(64, "key check --domain example.org");
}

#[test]
fn check_looks_at_the_dns_of_every_key_of_a_file() {
    let desk = Desk::new();
    let record = desk.key("s1");
    desk.file(
        "proxy-out.yaml",
        "role: outbound\nlisten: 127.0.0.1:10027\nrelay: 127.0.0.1:10028\nsign:\n  - domain: example.org\n    selector: s1\n    keyfile: keys/example.org/s1.pem\n",
    );
    desk.file(
        "zone.json",
        format!(
            "{{\"s1._domainkey.example.org\": \"{record}\", \"example.org\": \"v=spf1 -all\", \"_dmarc.example.org\": \"v=DMARC1; p=reject\"}}"
        ),
    );
    desk.prints(0, "check proxy-out.yaml");
    let shown = desk.prints(0, "check proxy-out.yaml --zone zone.json");
    for part in ["published, and equal to the key", "SPF: v=spf1 -all", "DMARC: v=DMARC1; p=reject"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&desk.prints(0, "check proxy-out.yaml --zone zone.json --json")).unwrap();
    assert_eq!(json["keys"][0]["status"], "ok");
    assert_eq!(json["keys"][0]["dnssec"], "unknown");
    assert_eq!(json["domains"][0]["dmarc"]["record"], "v=DMARC1; p=reject");
    desk.file("zone.json", "{}");
    desk.prints(1, "check proxy-out.yaml --zone zone.json");
    let json: serde_json::Value =
        serde_json::from_str(&desk.prints(1, "check proxy-out.yaml --zone zone.json --json")).unwrap();
    assert_eq!(json["keys"][0]["flaws"][0]["code"], "absent");
    desk.file("broken.yaml", "role: outbound\nlisten: here\n");
    let json: serde_json::Value = serde_json::from_str(&desk.prints(78, "check broken.yaml --json")).unwrap();
    assert_eq!(json["faults"][0]["line"], 1);
}

#[test]
fn check_looks_at_the_keys_of_tables_too() {
    let desk = Desk::new();
    let record = desk.key("s1");
    desk.file(
        "proxy-out.yaml",
        "role: outbound\nlisten: 127.0.0.1:10027\nrelay: 127.0.0.1:10028\nsign:\n  - directory: keys\n",
    );
    desk.file("zone.json", zone("s1._domainkey.example.org", &record));
    let shown = desk.prints(0, "check proxy-out.yaml --zone zone.json");
    assert!(shown.contains("s1._domainkey.example.org (ed25519, 256 bits"), "{shown}");
    desk.key("s2");
    desk.prints(1, "check proxy-out.yaml --zone zone.json");
    // Once keys are changed by the program, only the one whose turn it is counts.
    desk.prints(0, "key rotate --domain example.org --zone zone.json --signing s1");
    desk.prints(0, "check proxy-out.yaml --zone zone.json");
}

#[test]
fn a_record_is_verified_in_the_form_in_which_it_was_printed() {
    let desk = Desk::new();
    desk.key("s1");
    desk.key("s2");
    for format in
        ["zone", "string", "nsupdate", "route53", "cloudflare", "powerdns", "octodns", "tinydns", "web"]
    {
        desk.file("record", desk.record("s1", format));
        desk.prints(0, &format!("key record {} --verify record", one("s1")));
        desk.prints(1, &format!("key record {} --verify record", one("s2")));
    }
    desk.file("record", "{");
    desk.prints(2, &format!("key record {} --verify record", one("s1")));
}

/// From the key that there is to its successor, with the DNS in a file that the test writes.
#[test]
fn a_key_is_replaced_once_the_dns_shows_its_successor() {
    let desk = Desk::new();
    let old = desk.key("s1");
    let link = desk.0.path().join("keys/example.org/signing");
    let signs = || fs::read_link(&link).unwrap().to_str().unwrap().to_owned();
    let dns = |records: &[(&str, &str)]| {
        let entry =
            |(selector, text): &(&str, &str)| format!("\"{selector}._domainkey.example.org\": \"{text}\"");
        desk.file("zone.json", format!("{{{}}}", records.iter().map(entry).collect::<Vec<_>>().join(",")));
    };
    dns(&[("s1", &old)]);
    let rotate = "key rotate --domain example.org --zone zone.json";
    let shown = desk.prints(0, &format!("{rotate} --naming counter --prefix n --settle 0s --keep 0s"));
    assert!(shown.contains("s1 signing"), "{shown}");
    assert_eq!(signs(), "s1.pem");

    let shown = desk.prints(0, &format!("{rotate} --now"));
    assert!(shown.contains("n1 next") && shown.contains("n1._domainkey.example.org. IN TXT"), "{shown}");
    desk.prints(0, rotate);
    assert_eq!(signs(), "s1.pem");

    let new = desk.record("n1", "string");
    dns(&[("s1", &old), ("n1", new.trim())]);
    let shown = desk.prints(0, "key rotate --zone zone.json");
    assert!(shown.contains("n1 signs from now on") && shown.contains("s1 signs no more"), "{shown}");
    assert_eq!(signs(), "n1.pem");

    let shown = desk.prints(0, rotate);
    assert!(shown.contains("s1 withdrawing") && shown.contains("\"v=DKIM1; k=rsa; p=\""), "{shown}");
    dns(&[("s1", "v=DKIM1; p="), ("n1", new.trim())]);
    let shown = desk.prints(0, rotate);
    assert!(shown.contains("the record of s1 is gone"), "{shown}");
    let shown = desk.prints(0, "key list");
    assert!(
        shown.contains("n1 (ed25519, 256 bits); signing")
            && shown.contains("s1 (ed25519, 256 bits); withdrawn"),
        "{shown}"
    );

    desk.prints(2, "key retire --domain example.org --selector n1");
    desk.file("zone.json", r#"{"n1._domainkey.example.org": {"error": "servfail"}}"#);
    desk.prints(75, rotate);
    assert_eq!(signs(), "n1.pem");
}

#[test]
fn which_of_several_keys_signs_has_to_be_said() {
    let desk = Desk::new();
    desk.key("s1");
    desk.key("s2");
    desk.file("zone.json", "{}");
    desk.prints(2, "key rotate --domain example.org --zone zone.json");
    let shown = desk.prints(0, "key rotate --domain example.org --zone zone.json --signing s2");
    assert!(shown.contains("s2 signing"), "{shown}");
    // A state that cannot be read holds up its own domain only.
    fs::create_dir(desk.0.path().join("keys/broken.example")).unwrap();
    desk.file("keys/broken.example/rotation.json", "{");
    let shown = desk.prints(2, "key rotate --zone zone.json");
    assert!(shown.contains("s2 signing"), "{shown}");
    desk.prints(2, "key rotate --keys absent");
    desk.prints(64, "key rotate --domain example.org --every soon");
}

/// The next start finds the key there, and would never show its record.
#[test]
fn the_record_of_a_new_key_is_shown_also_if_the_start_fails() {
    let desk = Desk::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let sign = "sign:\n  - {domain: a.example, selector: s1, keyfile: keys/a.example/s1.pem, generate: true, algorithm: ed25519-sha256}\n";
    let head = format!("role: outbound\nlisten: 127.0.0.1:{port}\nrelay: 127.0.0.1:2\ncheck_keys: off\n");
    desk.file("port.yaml", format!("{head}{sign}"));
    let other = sign.replace("a.example", "b.example");
    let lost = "  - {domain: c.example, selector: s1, keyfile: none.pem.d}\n";
    fs::create_dir(desk.0.path().join("none.pem.d")).unwrap();
    desk.file("beside.yaml", format!("{head}{other}"));
    desk.file("faulty.yaml", format!("{}sign:\n{lost}", head.replace(&port.to_string(), "1")));
    for (files, domain) in [("port.yaml", "a.example"), ("beside.yaml faulty.yaml", "b.example")] {
        let out = desk.run(&format!("run {files}"));
        let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(78), "{said}");
        assert!(said.contains(&format!("s1._domainkey.{domain}. ")), "{said}");
        assert!(desk.0.path().join(format!("keys/{domain}/s1.pem")).exists());
    }
}

#[test]
fn a_pipe_among_the_keys_is_not_waited_for() {
    let desk = Desk::new();
    desk.key("s1");
    fs::create_dir(desk.0.path().join("keys/a.example")).unwrap();
    let pipe = desk.0.path().join("keys/a.example/s1.pem");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    desk.file(
        "out.yaml",
        "role: outbound\nlisten: 127.0.0.1:1\nrelay: 127.0.0.1:2\ncheck_keys: off\nsign:\n  - directory: keys\n",
    );
    let out = desk.run("check out.yaml");
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.code() == Some(78) && said.contains("no regular file"), "{said}");
    let listed = desk.prints(0, "key list");
    assert!(listed.contains("it is no regular file"), "{listed}");
}

#[test]
fn what_the_arguments_forbid_leaves_nothing_behind() {
    let desk = Desk::new();
    desk.prints(2, "key retire --domain example.org --selector s1");
    desk.prints(2, "key rotate --domain example.org --signing s1 --zone zone.json");
    desk.prints(2, "key rotate --domain example.org --update nope.yaml");
    assert_eq!(fs::read_dir(&desk.0).unwrap().count(), 0);
    desk.key("s1");
    desk.prints(2, "key rotate --domain example.org --update nope.yaml");
    desk.prints(2, "key retire --domain example.org --selector s1");
    assert_eq!(fs::read_dir(desk.0.path().join("keys/example.org")).unwrap().count(), 1);
}
