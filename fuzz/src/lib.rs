//! What must hold for any octets: one function a property, which panics where it does not.
//!
//! `fuzz/run` gives them what libFuzzer thinks of, on the nightly toolchain; `tests/properties` gives them the seeds of
//! `fuzz/seeds`, changed at random but the same in every run, on stable.

// A property is told to be broken by a panic.
#![allow(clippy::missing_panics_doc)]

mod dkim;
mod mail;
mod results;
mod smtp;

pub use self::dkim::{canonical_body, key_record, signature, tag_list, verifier};
pub use self::mail::header;
pub use self::results::authentication_results;
pub use self::smtp::{content, session};

/// A property.
pub type Property = fn(&[u8]);

/// All of them, by the names of their targets and of the folders of their seeds.
pub const ALL: [(&str, Property); 9] = [
    ("tag_list", tag_list),
    ("signature", signature),
    ("key_record", key_record),
    ("header", header),
    ("canonical_body", canonical_body),
    ("content", content),
    ("verifier", verifier),
    ("authentication_results", authentication_results),
    ("session", session),
];

/// The input without its first octets, which say how long its pieces are, and the pieces.
fn pieces(input: &[u8]) -> (&[u8], Vec<&[u8]>) {
    let Some((&[long, short], text)) = input.split_first_chunk::<2>() else { return (&[], Vec::new()) };
    let lengths = [usize::from(long) + 1, usize::from(short) % 16 + 1].into_iter().cycle();
    let mut pieces = Vec::new();
    let mut rest = text;
    for length in lengths {
        if rest.is_empty() {
            break;
        }
        let (piece, tail) = rest.split_at(length.min(rest.len()));
        pieces.push(piece);
        rest = tail;
    }
    (text, pieces)
}
