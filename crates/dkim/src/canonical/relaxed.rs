//! The "relaxed" body form (RFC 6376 §3.4.4).
//!
//! Nearly all text is in this form already. So a chunk is searched, in blocks that the compiler turns into vector
//! instructions, for the next place that is not; all before it goes out as one piece of the input.

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

/// How many octets are looked at together.
const BLOCK: usize = 64;
/// How many octets of a block are looked at together where the block has a spot.
const SUB: usize = 16;

/// The next place from `from` on where the text may not be in relaxed form, or where that depends on the next chunk:
/// a tab, a space that a blank or a CR follows, and a space or CR at the very end.
fn next_spot(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(window) = text.get(at..=at + BLOCK) {
        if has_spot::<BLOCK>(window) {
            let sub = (0..BLOCK).step_by(SUB).find(|&sub| has_spot::<SUB>(&window[sub..=sub + SUB]));
            let sub = sub.unwrap_or(BLOCK - SUB);
            let inside = (sub..sub + SUB).find(|&i| is_spot(window[i], window[i + 1]));
            if let Some(inside) = inside {
                return Some(at + inside);
            }
        }
        at += BLOCK;
    }
    let rest = text.get(at..)?;
    let (last, _) = rest.split_last()?;
    let inside = rest.windows(2).position(|pair| is_spot(pair[0], pair[1]));
    match inside {
        Some(inside) => Some(at + inside),
        None if matches!(last, b' ' | b'\t' | b'\r') => Some(text.len() - 1),
        None => None,
    }
}

/// Whether the first `N` octets of `window`, which has one more, hold a spot.
fn has_spot<const N: usize>(window: &[u8]) -> bool {
    let (octets, nexts) = (&window[..N], &window[1..=N]);
    // No early return either.
    octets.iter().zip(nexts).fold(false, |found, (&octet, &next)| found | is_spot(octet, next))
}

#[expect(
    clippy::needless_bitwise_bool,
    reason = "no branch in here: that is what makes it one instruction for sixteen octets"
)]
fn is_spot(octet: u8, next: u8) -> bool {
    (octet == b'\t') | ((octet == b' ') & ((next == b' ') | (next == b'\t') | (next == b'\r')))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every text of three octets over those that matter, at every place of a text of several blocks.
    #[test]
    fn a_spot_is_found_wherever_it_stands() {
        let alphabet = *b"x \t\r\n";
        for n in 0..125_usize {
            let planted = [alphabet[n % 5], alphabet[n / 5 % 5], alphabet[n / 25]];
            for length in [3, 16, 17, 63, 64, 65, 66, 130] {
                for place in 0..=length - 3 {
                    let mut text = vec![b'x'; length];
                    text[place..place + 3].copy_from_slice(&planted);
                    let last = length - 1;
                    let expected = (0..length).find(|&i| match text.get(i + 1) {
                        Some(&next) => is_spot(text[i], next),
                        None => matches!(text[last], b' ' | b'\t' | b'\r'),
                    });
                    assert_eq!(next_spot(&text, 0), expected, "{planted:?} at {place} of {length}");
                }
            }
        }
        assert_eq!(next_spot(b"", 0), None);
        assert_eq!(next_spot(b"a  b", 4), None);
    }
}
