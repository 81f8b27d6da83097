//! The "nofws" body form of DomainKeys (RFC 4870 §3.4.2.2): no white space at all, and no empty lines at the end.

use super::tail::Tail;
use memchr::memchr3;

/// Blanks, and each CR or LF that is not part of a line end, are dropped.
#[derive(Clone, Debug, Default)]
pub(super) struct Nofws {
    pub(super) tail: Tail,
    /// A CR, which is dropped unless a LF follows.
    held_cr: bool,
}

impl Nofws {
    pub(super) fn update(&mut self, chunk: &[u8], sink: &mut impl FnMut(&[u8])) {
        let mut rest = chunk;
        while let Some(&first) = rest.first() {
            let after_cr = std::mem::replace(&mut self.held_cr, first == b'\r');
            match first {
                b'\n' if after_cr => self.tail.put_line_end(),
                b' ' | b'\t' | b'\r' | b'\n' => {}
                _ => {
                    let (text, tail) = rest.split_at(text_len(rest));
                    self.tail.put(text, sink);
                    rest = tail;
                    continue;
                }
            }
            rest = &rest[1..];
        }
    }
}

/// How much text stands before the next octet that is to be looked at.
fn text_len(text: &[u8]) -> usize {
    let len = memchr3(b' ', b'\r', b'\t', text).unwrap_or(text.len());
    memchr::memchr(b'\n', &text[..len]).unwrap_or(len)
}
