//! The "simple" body form (RFC 6376 §3.4.3), also that of DomainKeys (RFC 4870 §3.4.2.1).

use super::tail::Tail;

/// Only the trailing empty lines are dropped, so that a chunk goes out whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Simple {
    pub(super) tail: Tail,
    /// A CR at the end of the last chunk, since a LF may follow.
    held_cr: bool,
}

impl Simple {
    pub(super) fn update(&mut self, chunk: &[u8], sink: &mut impl FnMut(&[u8])) {
        let Some(mut text) = self.resume(chunk, sink) else { return };
        if let Some(shorter) = text.strip_suffix(b"\r") {
            self.held_cr = true;
            text = shorter;
        }
        self.tail.put(text, sink);
    }

    pub(super) fn finish(&mut self, sink: &mut impl FnMut(&[u8])) {
        if self.held_cr {
            self.tail.put(b"\r", sink);
        }
    }

    /// Decides on the CR that the last chunk ended with, and gives the rest of this one.
    fn resume<'a>(&mut self, chunk: &'a [u8], sink: &mut impl FnMut(&[u8])) -> Option<&'a [u8]> {
        let first = *chunk.first()?;
        if !std::mem::take(&mut self.held_cr) {
            return Some(chunk);
        }
        if first == b'\n' {
            self.tail.put_line_end();
            return Some(&chunk[1..]);
        }
        self.tail.put(b"\r", sink);
        Some(chunk)
    }
}
