//! A hundred thousand domains: how long it takes to read them, and to find the rules for one of them.

#![allow(missing_docs, reason = "divan's macros make public items")]
#![allow(clippy::unwrap_used, reason = "what a benchmark cannot go on without ends it")]

use config::{Config, Source, read, rules};
use divan::Bencher;
use mail::Domain;
use std::fs::write;
use tempfile::TempDir;

const DOMAINS: usize = 100_000;

fn main() {
    divan::main();
}

/// A file whose rules are in OpenDKIM's tables.
fn site() -> (TempDir, Config) {
    let folder = tempfile::tempdir().unwrap();
    let lines = |line: fn(usize) -> String| (0..DOMAINS).map(line).collect::<String>();
    write(folder.path().join("signing"), lines(|n| format!("*@d{n}.example k{n}\n"))).unwrap();
    write(folder.path().join("keys"), lines(|n| format!("k{n} d{n}.example:s1:/keys/d{n}.example/s1.pem\n")))
        .unwrap();
    let sign = "sign:\n  - {signing_table: refile:signing, key_table: keys}\n";
    let config = config(&folder, sign);
    (folder, config)
}

fn config(folder: &TempDir, sign: &str) -> Config {
    let name = folder.path().join("proxy.yaml").display().to_string();
    let text = format!("role: outbound\nlisten: 127.0.0.1:10027\nrelay: 127.0.0.1:10028\n{sign}");
    read(Source { name, text }, "mx.example.org").unwrap()
}

/// What a start spends on two tables of a hundred thousand lines.
#[divan::bench(sample_count = 10)]
fn read_tables(bencher: Bencher<'_, '_>) {
    let (_folder, config) = site();
    bencher.bench_local(|| rules(&config));
}

/// The same rules, written in the configuration file itself.
#[divan::bench(sample_count = 3)]
fn read_yaml(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().unwrap();
    let rule = |n| format!("  - {{domain: d{n}.example, selector: s1, keyfile: keys/d{n}.example/s1.pem}}\n");
    let sign = "sign:\n".to_owned() + &(0..DOMAINS).map(rule).collect::<String>();
    bencher.bench_local(|| rules(&config(&folder, &sign)));
}

/// Which rules a message of one domain has to be held against.
#[divan::bench(args = ["d77777.example", "mail.d77777.example", "else.example"])]
fn look_up(bencher: Bencher<'_, '_>, author: &str) {
    let (_folder, config) = site();
    let rules = rules(&config);
    let domain = Domain::parse(author).unwrap();
    bencher.bench_local(|| rules.table.candidates(divan::black_box(&domain)).len());
}
