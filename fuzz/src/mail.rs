//! The header section.

use super::pieces;
use mail::{Header, HeaderProgress, HeaderReader};

/// More than any input has.
const LIMIT: usize = 1 << 30;

/// A header that comes in pieces is that of the whole message, and its fields are its octets.
pub fn header(input: &[u8]) {
    let (message, pieces) = pieces(input);
    let (whole, body) = Header::split(message);
    let (header, taken) = read(&pieces);
    assert_eq!(header.raw(), whole.raw());
    assert_eq!(header.is_terminated(), whole.is_terminated());
    assert_eq!(&message[taken..], body);
    let fields: Vec<_> = whole.fields().map(|field| field.raw()).collect();
    assert_eq!(fields.concat(), whole.raw());
    for (at, field) in whole.fields().enumerate() {
        assert!(!field.name().contains(&b'\n') && !field.name().contains(&b':'));
        let name = String::from_utf8_lossy(field.name());
        assert!(
            name.is_empty() || whole.named(&name).any(|(known, _)| known == at) || name.contains('\u{fffd}')
        );
    }
}

/// The header of a message in pieces, and how many octets it took with its empty line.
fn read(pieces: &[&[u8]]) -> (Header, usize) {
    let mut reader = HeaderReader::new(LIMIT);
    let mut taken = 0;
    for piece in pieces {
        match reader.read(piece).expect("the limit is far away") {
            HeaderProgress::More => taken += piece.len(),
            HeaderProgress::Body { consumed } => return (reader.complete(), taken + consumed),
        }
    }
    (reader.ended(), taken)
}
