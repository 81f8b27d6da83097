//! The "relaxed" body form (RFC 6376 §3.4.4).
//!
//! Nearly all text is in this form already. So a chunk is searched for the next place that is not; all before it goes
//! out as one piece of the input.

use super::spot::next_spot;
use super::tail::Tail;

/// White space is folded, and dropped where it ends a line.
#[derive(Clone, Debug, Default)]
pub(super) struct Relaxed {
    pub(super) tail: Tail,
    /// White space not passed on yet, since it may end a line.
    held_space: bool,
    /// A CR not passed on yet, since a LF may follow.
    held_cr: bool,
}

impl Relaxed {
    pub(super) fn update(&mut self, chunk: &[u8], sink: &mut impl FnMut(&[u8])) {
        let mut start = self.resume(chunk, sink);
        let mut at = start;
        while let Some(spot) = next_spot(chunk, at) {
            if chunk[spot] == b'\r' {
                self.tail.put(&chunk[start..spot], sink);
                self.held_cr = true;
                return;
            }
            let after = spot + blanks(&chunk[spot..]);
            match chunk[after..] {
                [] | [b'\r'] => {
                    self.tail.put(&chunk[start..spot], sink);
                    self.held_space = true;
                    self.held_cr = after < chunk.len();
                    return;
                }
                // RFC 6376 §3.4.4: "Ignore all whitespace at the end of lines."
                [b'\r', b'\n', ..] => {
                    self.tail.put(&chunk[start..spot], sink);
                    start = after;
                }
                _ => start = after - self.fold(&chunk[start..after], after - spot, sink),
            }
            at = after;
        }
        self.tail.put(&chunk[start..], sink);
    }

    pub(super) fn finish(&mut self, sink: &mut impl FnMut(&[u8])) {
        if self.held_cr {
            self.release(sink);
            self.tail.put(b"\r", sink);
        }
    }

    /// Folds the blanks at the end of `text` into one space; says how much of the end of `text` may go out as it is,
    /// together with what follows.
    fn fold(&mut self, text: &[u8], blanks: usize, sink: &mut impl FnMut(&[u8])) -> usize {
        let (before, run) = text.split_at(text.len() - blanks);
        // RFC 6376 §3.4.4: "Reduce all sequences of WSP within a line to a single SP character."
        match run {
            [b' '] => return text.len(),
            [b' ', ..] => self.tail.put(&text[..=before.len()], sink),
            [.., b' '] => {
                self.tail.put(before, sink);
                return 1;
            }
            _ => {
                self.tail.put(before, sink);
                self.tail.put(b" ", sink);
            }
        }
        0
    }

    /// Decides on what the last chunk ended with; says from where on this one stands for itself.
    fn resume(&mut self, chunk: &[u8], sink: &mut impl FnMut(&[u8])) -> usize {
        if chunk.is_empty() || !(self.held_cr || self.held_space) {
            return 0;
        }
        let mut at = 0;
        if !self.held_cr {
            at = blanks(chunk);
            match chunk[at..] {
                [] => return at,
                [b'\r', ..] => {
                    self.held_cr = true;
                    at += 1;
                }
                _ => {}
            }
        }
        if self.held_cr {
            match chunk[at..] {
                [] => return at,
                [b'\n', ..] => {
                    (self.held_cr, self.held_space) = (false, false);
                    self.tail.put_line_end();
                    return at + 1;
                }
                _ => {}
            }
        }
        self.release(sink);
        if std::mem::take(&mut self.held_cr) {
            self.tail.put(b"\r", sink);
        }
        at
    }

    fn release(&mut self, sink: &mut impl FnMut(&[u8])) {
        if std::mem::take(&mut self.held_space) {
            self.tail.put(b" ", sink);
        }
    }
}

fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// How many blanks the text starts with.
fn blanks(text: &[u8]) -> usize {
    text.iter().position(|&octet| !is_blank(octet)).unwrap_or(text.len())
}
