//! A hundred thousand domains in each kind of table: how long it takes to read them, how much memory they take, and
//! how long it takes to find what holds for the author of a message.

#![allow(missing_docs, reason = "divan's macros make public items")]
#![allow(clippy::unwrap_used, reason = "what a benchmark cannot go on without ends it")]

use config::{Config, Source, read, rules};
use divan::{AllocProfiler, Bencher};
use filter::Envelope;
use mail::{Domain, Header};
use std::fs::{create_dir_all, write};
use tempfile::TempDir;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const DOMAINS: usize = 100_000;
/// Those of the tables, the file itself last.
const KINDS: [&str; 5] = ["refile", "file", "sender_map", "directory", "yaml"];

fn main() {
    divan::main();
}

/// A folder with a table of this kind, and the `sign` that names it.
fn site(kind: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let lines = |line: fn(usize) -> String| (0..DOMAINS).map(line).collect::<String>();
    let put = |name: &str, text: String| write(folder.path().join(name), text).unwrap();
    let sign = match kind {
        "refile" | "file" => {
            let key = if kind == "refile" { "*@" } else { "" };
            put("signing", lines(|n| format!("*@d{n}.example k{n}\n")).replace("*@", key));
            put("keys", lines(|n| format!("k{n} d{n}.example:s1:/keys/d{n}.example/s1.pem\n")));
            format!("sign:\n  - {{signing_table: '{kind}:signing', key_table: keys}}\n")
        }
        "sender_map" => {
            put("map", lines(|n| format!("d{n}.example dkim(s=s1,key=/keys/d{n}.example/s1.pem)\n")));
            "sign:\n  - sender_map: map\n".to_owned()
        }
        "directory" => {
            for n in 0..DOMAINS {
                let domain = folder.path().join(format!("keys/d{n}.example"));
                create_dir_all(&domain).unwrap();
                write(domain.join("s1.pem"), "").unwrap();
            }
            "sign:\n  - directory: keys\n".to_owned()
        }
        _ => {
            let rule = |n| {
                format!("  - {{domain: d{n}.example, selector: s1, keyfile: keys/d{n}.example/s1.pem}}\n")
            };
            "sign:\n".to_owned() + &lines(rule)
        }
    };
    (folder, sign)
}

fn config(folder: &TempDir, sign: &str) -> Config {
    let name = folder.path().join("proxy.yaml").display().to_string();
    let text = format!("role: outbound\nlisten: 127.0.0.1:10027\nrelay: 127.0.0.1:10028\n{sign}");
    read(Source { name, text }, "mx.example.org").unwrap()
}

/// What a start spends on the file and its table, keys not counted.
#[divan::bench(args = KINDS, sample_count = 3)]
fn start(bencher: Bencher<'_, '_>, kind: &str) {
    let (folder, sign) = site(kind);
    bencher.bench_local(|| rules(&config(&folder, &sign)).table);
}

/// Which rules a message of one domain has to be held against.
#[divan::bench(args = KINDS)]
fn look_up(bencher: Bencher<'_, '_>, kind: &str) {
    candidates(bencher, kind, "d77777.example");
}

/// The same for a domain that no rule is for.
#[divan::bench(args = KINDS)]
fn look_up_another(bencher: Bencher<'_, '_>, kind: &str) {
    candidates(bencher, kind, "mail.else.example");
}

fn candidates(bencher: Bencher<'_, '_>, kind: &str, author: &str) {
    let (folder, sign) = site(kind);
    let rules = rules(&config(&folder, &sign));
    let domain = Domain::parse(author).unwrap();
    bencher.bench_local(|| rules.table.candidates(divan::black_box(&domain)).len());
}

/// The same, in a map whose lines stand for subdomains too.
#[divan::bench]
fn look_up_a_subdomain(bencher: Bencher<'_, '_>) {
    let (folder, sign) = site("sender_map");
    let rules = rules(&config(&folder, &sign));
    let domain = Domain::parse("a.b.d77777.example").unwrap();
    bencher.bench_local(|| rules.table.candidates(divan::black_box(&domain)).len());
}

/// All that is decided about a message, the reading of its From included.
#[divan::bench]
fn decide(bencher: Bencher<'_, '_>) {
    let (folder, sign) = site("refile");
    let rules = rules(&config(&folder, &sign));
    let header = Header::parse(b"From: Joe <joe@d77777.example>\r\nSubject: x\r\n".to_vec());
    let envelope = Envelope::default();
    bencher.bench_local(|| rules.table.explain(divan::black_box(&header), &envelope).steps.len());
}
