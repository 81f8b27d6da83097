//! The life of keys, with real name servers that take updates, and with a proxy that runs meanwhile.

use scenarios::primary::{BIND, KNOT, Primary, SECRET};
use scenarios::{NextHop, Proxy, program, skip, wait};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const DAY: u64 = 24 * 60 * 60;
/// 2026-01-01
const START: u64 = 1_767_225_600;

/// What a year tells: the second key is late by the days without a server, the third by those without a secret.
const YEAR: [&str; 29] = [
    "62: every server shows n1 now",
    "64: s1 signs no more; leave its record where it is",
    "64: n1 signs from now on",
    "78: the record of s1 has to go now",
    "80: the record of s1 is gone",
    "134: every server shows n2 now",
    "136: n1 signs no more; leave its record where it is",
    "136: n2 signs from now on",
    "150: the record of n1 has to go now",
    "152: the record of n1 is gone",
    "160: a private key that nobody needs any more is published: public/n1._domainkey.example.org.pem",
    "206: every server shows n3 now",
    "208: n2 signs no more; leave its record where it is",
    "208: n3 signs from now on",
    "222: the record of n2 has to go now",
    "224: the record of n2 is gone",
    "232: a private key that nobody needs any more is published: public/n2._domainkey.example.org.pem",
    "270: every server shows n4 now",
    "272: n3 signs no more; leave its record where it is",
    "272: n4 signs from now on",
    "286: the record of n3 has to go now",
    "288: the record of n3 is gone",
    "296: a private key that nobody needs any more is published: public/n3._domainkey.example.org.pem",
    "334: every server shows n5 now",
    "336: n4 signs no more; leave its record where it is",
    "336: n5 signs from now on",
    "350: the record of n4 has to go now",
    "352: the record of n4 is gone",
    "360: a private key that nobody needs any more is published: public/n4._domainkey.example.org.pem",
];

/// A folder in which `dkimgate key` is at work.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder can be made"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What `dkimgate key` prints, which ends with this status.
    fn key(&self, status: i32, arguments: &str) -> String {
        let mut command = Command::new(program());
        command.arg("key").args(arguments.split_whitespace()).current_dir(&self.0);
        let output = command.output().expect("the program runs");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert_eq!(output.status.code(), Some(status), "key {arguments}: {text}");
        assert!(!text.contains(SECRET), "{text}");
        text
    }

    /// The file of the key that signs.
    fn signs(&self) -> String {
        let link = fs::read_link(self.path("keys/example.org/signing")).expect("a key signs");
        link.to_str().expect("names are ASCII").to_owned()
    }
}

fn is_missing(server: &str, package: &str) -> bool {
    skip::missing(package, Primary::is_installed(server))
}

async fn a_record_is_entered_and_revoked_at(program: &'static str) {
    let (desk, server) = (Desk::new(), Primary::start(program).await);
    let (address, settings) = (server.address(), server.update().display().to_string());
    for kind in ["rsa --bits 4096", "ed25519"] {
        let selector = &kind[..3];
        let one = format!("--domain example.org --selector {selector}");
        let shown = desk.key(0, &format!("generate {one} --type {kind} --update {settings}"));
        assert!(shown.contains("has taken the record"), "{shown}");
        let file = format!("{one} --key keys/example.org/{selector}.pem");
        desk.key(0, &format!("check {file} --server {address}"));
        let shown = desk.key(0, &format!("record {file} --update {settings}"));
        assert!(shown.contains("already"), "{shown}");
        desk.key(0, &format!("record {file} --update {settings} --revoked"));
        let shown = desk.key(1, &format!("check {file} --server {address}"));
        assert!(shown.contains("revoked"), "{shown}");
        desk.key(0, &format!("record {file} --update {settings} --revoked"));
        let shown = desk.key(1, &format!("record {file} --update {settings}"));
        assert!(shown.contains("another record stands at"), "a selector is used once: {shown}");
    }
    refusals(&desk, &server);
}

/// What cannot be entered, each with what to do about it.
fn refusals(desk: &Desk, server: &Primary) {
    desk.key(0, "generate --domain example.org --selector s --type ed25519");
    let refused = |domain: &str, selector: &str, settings: PathBuf, expected: &str| {
        let one = format!("--domain {domain} --selector {selector} --key keys/example.org/s.pem");
        let shown = desk.key(1, &format!("record {one} --update {}", settings.display()));
        assert!(shown.contains(expected) && shown.contains('→'), "{expected}: {shown}");
    };
    refused(
        "example.org",
        "foreign",
        server.update(),
        "another record stands at foreign._domainkey.example.org",
    );
    refused("example.org", "alias", server.update(), "is an alias (CNAME) of elsewhere.example.com");
    refused("example.com", "s", server.update(), "REFUSED");
    let key = |name: &str, secret: &str| server.update_with(&format!("hmac-sha256:{name}:{secret}"));
    refused("example.org", "s", key("dkimgate", "c2VjcmV0"), "BADSIG");
    refused("example.org", "s", key("other", SECRET), "BADKEY");
}

#[tokio::test]
async fn knot_takes_records_and_revocations() {
    if !is_missing(KNOT, "knot") {
        a_record_is_entered_and_revoked_at(KNOT).await;
    }
}

#[tokio::test]
async fn bind_takes_records_and_revocations() {
    if !is_missing(BIND, "bind9") {
        a_record_is_entered_and_revoked_at(BIND).await;
    }
}

/// A timer that runs every other day for a year, and what happens to it: a server that is away for three weeks just when
/// a key is due, and a secret that cannot be read.
#[tokio::test]
async fn a_year_goes_by_with_a_name_server() {
    if is_missing(KNOT, "knot") {
        return;
    }
    let (desk, mut server) = (Desk::new(), Primary::start(KNOT).await);
    let (address, settings) = (server.address(), server.update().display().to_string());
    desk.key(0, &format!("generate --domain example.org --selector s1 --type ed25519 --update {settings}"));
    fs::create_dir(desk.path("public")).expect("the temporary folder is ours");
    let plan = "--every 60d --keep 14d --naming counter --prefix n --publish-private public";
    let always = format!("rotate --domain example.org --server {address}");
    desk.key(0, &format!("{always} --time {START} --update {settings} {plan}"));
    let mut told = Vec::new();
    for day in (2..365).step_by(2) {
        match day {
            110 => server.is_stopped(),
            132 => server.is_started().await,
            196 => fs::rename(server.secret(), desk.path("hidden")).expect("the secret is there"),
            204 => fs::rename(desk.path("hidden"), server.secret()).expect("the secret was hidden"),
            _ => {}
        }
        let expected = match day {
            110..132 => 75,
            // It is needed to publish the key that is due.
            196..204 => 2,
            _ => 0,
        };
        let shown = desk.key(expected, &format!("{always} --time {}", START + day * DAY));
        let happened = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
        let news = shown.lines().filter(happened).map(str::trim).filter(|line| !is_state(line));
        let folder = format!("{}/", desk.0.path().display());
        told.extend(news.map(|line| format!("{day}: {}", line.replace(&folder, ""))));
        let file = desk.signs();
        let one = format!("--domain example.org --selector {}", file.trim_end_matches(".pem"));
        if server.is_running() && day % 8 == 0 {
            desk.key(0, &format!("check {one} --key keys/example.org/{file} --server {address}"));
        }
    }
    assert_eq!(told, YEAR, "{}", desk.key(0, "list"));
}

#[tokio::test]
async fn where_another_record_stands_at_its_name_the_next_key_takes_another_name() {
    if is_missing(KNOT, "knot") {
        return;
    }
    let (desk, server) = (Desk::new(), Primary::start(KNOT).await);
    let (address, settings) = (server.address(), server.update().display().to_string());
    desk.key(0, &format!("generate --domain example.org --selector s1 --type ed25519 --update {settings}"));
    // A record of somebody else's, at the name that comes next.
    desk.key(0, "generate --domain example.org --selector n1 --type ed25519 --out elsewhere");
    let foreign = "--domain example.org --selector n1 --key elsewhere/example.org/n1.pem";
    desk.key(0, &format!("record {foreign} --update {settings}"));
    let rotate = format!("rotate --domain example.org --server {address} --settle 0s");
    let shown = desk.key(0, &format!("{rotate} --update {settings} --naming counter --prefix n --now"));
    assert!(shown.contains("n1 is given up: another record stands at its name"), "{shown}");
    assert!(shown.contains("n2 next: ") && shown.contains("entered at"), "{shown}");
    let shown = desk.key(0, &rotate);
    assert!(shown.contains("n2 signs from now on") && desk.signs() == "n2.pem", "{shown}");
    let shown = desk.key(0, "list");
    assert!(shown.contains("abandoned: given up"), "{shown}");
    desk.key(0, &format!("check {foreign} --server {address}"));
}

/// Whether a line says where a key is, not what happened to it.
fn is_state(line: &str) -> bool {
    ["next", "signing", "retired", "withdrawing", "withdrawn"]
        .iter()
        .any(|word| line.contains(&format!(" {word}: ")))
}

/// The selector in the signature of the message that came last.
async fn selector_of(proxy: &Proxy, next_hop: &NextHop) -> String {
    let mut client = proxy.connect().await;
    client.says("EHLO mx.example").hears("250").await;
    client.says("MAIL FROM:<a@example.org>").hears("250").await;
    client.says("RCPT TO:<b@b.example>").hears("250").await;
    client
        .sends_bytes(b"From: a@example.org\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n\r\nHi.\r\n")
        .hears("250")
        .await;
    let message = next_hop.messages().pop().expect("the next hop has said 250");
    let signature = message.values("DKIM-Signature").concat();
    let tag = signature.split(';').find_map(|tag| tag.trim().strip_prefix("s="));
    tag.unwrap_or("unsigned").to_owned()
}

/// Publishes keys in a zone file.
fn publish(desk: &Desk, selectors: &[&str]) {
    let record = |selector: &&str| {
        let key = Path::new("keys/example.org").join(format!("{selector}.pem"));
        let record = format!(
            "record --domain example.org --selector {selector} --key {} --format string",
            key.display()
        );
        format!("\"{selector}._domainkey.example.org\": \"{}\"", desk.key(0, &record).trim())
    };
    let records: Vec<String> = selectors.iter().map(record).collect();
    fs::write(desk.path("zone.json"), format!("{{{}}}", records.join(",")))
        .expect("the temporary folder is ours");
}

/// Without a reload, and whatever somebody is writing into the configuration file meanwhile.
#[tokio::test]
async fn a_proxy_that_runs_signs_with_the_key_whose_turn_it_is() {
    let desk = Desk::new();
    desk.key(0, "generate --domain example.org --selector s1 --type ed25519");
    publish(&desk, &["s1"]);
    let rotate = "rotate --domain example.org --zone zone.json --naming counter --settle 0s";
    desk.key(0, rotate);
    let next_hop = NextHop::fake().start().await;
    for rule in ["domain: example.org\n    keys: ", "directory: "] {
        let folder = if rule.starts_with("domain") { "keys/example.org" } else { "keys" };
        let sign = format!("sign:\n  - {rule}{}", desk.path(folder).display());
        let proxy = Proxy::outbound().setting(&sign).relay(&next_hop).start().await;
        let before = desk.signs();
        assert_eq!(format!("{}.pem", selector_of(&proxy, &next_hop).await), before);

        fs::write(proxy.folder().join("proxy.yaml"), "half a fi").expect("the temporary folder is ours");
        let shown = desk.key(0, &format!("{rotate} --now"));
        let next = shown.lines().find_map(|line| line.trim().split_once(" next: ")).expect("a key is made").0;
        publish(&desk, &[before.trim_end_matches(".pem"), next]);
        desk.key(0, rotate);
        proxy.log().line_with("other keys sign from now on").await;
        assert_eq!(selector_of(&proxy, &next_hop).await, next);
    }
}

#[tokio::test]
async fn a_new_file_in_a_key_directory_is_a_new_domain_at_once() {
    let desk = Desk::new();
    desk.key(0, "generate --domain example.com --selector s1 --type ed25519");
    let next_hop = NextHop::fake().start().await;
    let sign = format!("sign:\n  - directory: {}", desk.path("keys").display());
    let proxy = Proxy::outbound().setting(&sign).relay(&next_hop).start().await;
    assert_eq!(selector_of(&proxy, &next_hop).await, "unsigned");
    desk.key(0, "generate --domain example.org --selector s7 --type ed25519");
    proxy.log().line_with("other keys sign from now on").await;
    assert_eq!(selector_of(&proxy, &next_hop).await, "s7");
}

/// Timers of two machines on one folder, or one that is started by hand meanwhile.
#[tokio::test]
async fn several_runs_at_once_do_the_work_of_one() {
    let desk = Desk::new();
    desk.key(0, "generate --domain example.org --selector s1 --type ed25519");
    publish(&desk, &["s1"]);
    let arguments = "key rotate --domain example.org --zone zone.json --now --naming counter";
    let start = |_| {
        let mut command = Command::new(program());
        command.args(arguments.split_whitespace()).current_dir(&desk.0);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        command.spawn().expect("the program runs")
    };
    for mut child in (0..8).map(start).collect::<Vec<_>>() {
        let status = wait::until("a run", wait::STEP, || child.try_wait().expect("the child is ours")).await;
        assert!(matches!(status.code(), Some(0 | 75)), "{status}");
    }
    let shown = desk.key(0, "list");
    assert_eq!(shown.matches(" next: ").count(), 1, "{shown}");
    assert_eq!(desk.signs(), "s1.pem");
}
