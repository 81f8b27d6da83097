//! The properties of `fuzz/src` on the stable toolchain: their seeds, changed at random but the same in every run.
//!
//! `DKIMGATE_PROPERTIES=100000` asks for more inputs to each than the ordinary run has, `DKIMGATE_PROPERTIES_SEED=7` for
//! others.

#[path = "../../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "it is the library of the fuzz crate")]
mod properties;
#[path = "../differential/random.rs"]
#[allow(dead_code, reason = "the differential test chooses in more ways")]
mod random;

use random::Random;
use std::fs;
use std::path::Path;

/// How many inputs each property gets in an ordinary run.
const COUNT: usize = 10_000;

/// Pieces that matter to one machine or another.
const PIECES: [&[u8]; 32] = [
    b"\r\n",
    b"\r",
    b"\n",
    b" ",
    b"\t",
    b".",
    b"\r\n.\r\n",
    b"\r\n\r\n",
    b";",
    b"=",
    b":",
    b"\0",
    b"\xff",
    b"\xc3",
    b"\"",
    b"\\",
    b"(",
    b")",
    b"@",
    b"<",
    b">",
    b"From: a@a.example\r\n",
    b"b=",
    b"bh=",
    b"l=0;",
    b"RCPT TO:<b@b.example>\r\n",
    b"RSET\r\n",
    b"BDAT 3 LAST\r\n",
    b"NOOP\r\n",
    b"99999999999999999999",
    b"dkim=pass",
    b"v=1;",
];

#[test]
fn tag_lists_are_read_as_they_are_written() {
    hold("tag_list");
}

#[test]
fn any_signature_is_judged() {
    hold("signature");
}

#[test]
fn key_records_are_read_as_they_are_written() {
    hold("key_record");
}

#[test]
fn a_header_in_pieces_is_that_of_the_whole() {
    hold("header");
}

#[test]
fn cuts_do_not_matter_to_a_canonical_body() {
    hold("canonical_body");
}

#[test]
fn cuts_do_not_matter_to_content() {
    hold("content");
}

#[test]
fn any_message_is_judged() {
    hold("verifier");
}

#[test]
fn results_are_read_as_they_are_written() {
    hold("authentication_results");
}

#[test]
fn a_session_stays_in_step() {
    hold("session");
}

fn hold(name: &str) {
    let all = properties::ALL;
    let (_, property) = all.into_iter().find(|(known, _)| *known == name).expect("it is in the list");
    let seeds = seeds(name);
    for seed in &seeds {
        property(seed);
    }
    let count = setting("DKIMGATE_PROPERTIES", COUNT);
    let seed = setting("DKIMGATE_PROPERTIES_SEED", 6376);
    for case in 0..count {
        let mut random = Random::of_case(seed as u64, case);
        let mut input = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(6) {
            change(&mut input, &mut random);
        }
        property(&input);
    }
}

fn setting(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().map_or(default, |value| value.parse().expect("a number"))
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(name);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|fault| panic!("{}: {fault}", folder.display()))
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no seeds for {name}");
    files.into_iter().map(|file| fs::read(file).expect("a seed can be read")).collect()
}

/// Changes an input in one place.
fn change(input: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(input.len() + 1);
    let end = at + random.below((input.len() - at).min(20) + 1);
    match random.below(5) {
        0 => drop(input.drain(at..end)),
        1 => drop(input.splice(at..at, input[at..end].to_vec())),
        2 => drop(input.splice(at..end, random.pick(&PIECES).to_vec())),
        3 => drop(input.splice(at..at, random.pick(&PIECES).to_vec())),
        _ => {
            let octet = u8::try_from(random.below(256)).expect("it is below 256");
            input.splice(at..end.min(at + 1), [octet]);
        }
    }
}
