//! Command lines out of a stream (RFC 5321, sections 2.3.8 and 4.5.3.1.4).
//!
//! Only CR LF ends a line. A line that is too long is swallowed to its end, so that the next one
//! is read in step.

use bytes::{Buf, Bytes, BytesMut};

/// How much of a line that is too long is kept, to tell its verb.
const KEPT: usize = 16;

/// One line of input.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Line {
    /// A line, without its CR LF. It may hold a CR, a LF or a NUL of its own.
    Whole(Bytes),
    /// A line over the limit; here is how it began.
    TooLong(Bytes),
}

impl Line {
    /// What is there of it.
    #[must_use]
    pub const fn text(&self) -> &Bytes {
        match self {
            Self::Whole(text) | Self::TooLong(text) => text,
        }
    }
}

/// Takes lines off a stream.
#[derive(Debug)]
pub struct LineReader {
    limit: usize,
    /// How much of the input holds no LF, as is known already.
    scanned: usize,
    /// The beginning of a line whose rest is being swallowed.
    swallowing: Option<Bytes>,
}

impl LineReader {
    /// A reader of lines of up to `limit` octets, CR LF included.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { limit, scanned: 0, swallowing: None }
    }

    /// Takes lines of up to `limit` octets from now on.
    pub const fn limit_to(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Takes the next line off `input`, or nothing if its end has not come yet.
    pub fn next(&mut self, input: &mut BytesMut) -> Option<Line> {
        let Some(end) = self.line_end(input) else {
            self.swallow(input);
            return None;
        };
        self.scanned = 0;
        // A copy: if a part of the input were kept, the input would need new memory for what comes next.
        let line = match self.swallowing.take() {
            Some(beginning) => Line::TooLong(beginning),
            None if end + 2 > self.limit => Line::TooLong(Bytes::copy_from_slice(&input[..KEPT.min(end)])),
            None => Line::Whole(Bytes::copy_from_slice(&input[..end])),
        };
        input.advance(end + 2);
        Some(line)
    }

    /// Where the CR of the next CR LF stands.
    fn line_end(&mut self, input: &[u8]) -> Option<usize> {
        while let Some(found) = memchr::memchr(b'\n', &input[self.scanned..]) {
            let at = self.scanned + found;
            if at > 0 && input[at - 1] == b'\r' {
                return Some(at - 1);
            }
            self.scanned = at + 1;
        }
        self.scanned = input.len();
        None
    }

    /// Drops what is over the limit, but for a CR that may belong to the line end.
    fn swallow(&mut self, input: &mut BytesMut) {
        if input.len() <= self.limit && self.swallowing.is_none() {
            return;
        }
        if self.swallowing.is_none() {
            self.swallowing = Some(Bytes::copy_from_slice(&input[..KEPT.min(input.len())]));
        }
        let kept = usize::from(input.last() == Some(&b'\r'));
        input.advance(input.len() - kept);
        self.scanned = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How a long line began does not matter here.
    fn read(limit: usize, chunks: &[&[u8]]) -> Vec<Line> {
        let (mut reader, mut input, mut lines) = (LineReader::new(limit), BytesMut::new(), Vec::new());
        for chunk in chunks {
            input.extend_from_slice(chunk);
            while let Some(line) = reader.next(&mut input) {
                lines.push(match line {
                    Line::TooLong(_) => Line::TooLong(Bytes::new()),
                    whole @ Line::Whole(_) => whole,
                });
            }
        }
        lines
    }

    /// Splits the whole input, without any cleverness.
    fn reference(limit: usize, input: &[u8]) -> Vec<Line> {
        let text: String = input.iter().map(|&b| char::from(b)).collect();
        let mut lines: Vec<&str> = text.split("\r\n").collect();
        lines.pop();
        let line = |line: &str| {
            if line.len() + 2 > limit {
                Line::TooLong(Bytes::new())
            } else {
                Line::Whole(Bytes::from(line.to_owned()))
            }
        };
        lines.into_iter().map(line).collect()
    }

    #[test]
    fn cuts_do_not_matter() {
        let alphabet = *b"x\r\n";
        for length in 0..=8_u32 {
            for n in 0..3_usize.pow(length) {
                let bytes = (0..length).map(|i| alphabet[n / 3_usize.pow(i) % 3]);
                let wire: Vec<u8> = bytes.chain(*b"\r\n").collect();
                for limit in [3, 5, 100] {
                    let expected = reference(limit, &wire);
                    for cut in 0..=wire.len() {
                        let (head, tail) = wire.split_at(cut);
                        assert_eq!(read(limit, &[head, tail]), expected, "{} at {cut}", wire.escape_ascii());
                    }
                    let single: Vec<&[u8]> = wire.chunks(1).collect();
                    assert_eq!(read(limit, &single), expected, "{}", wire.escape_ascii());
                }
            }
        }
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let (mut reader, mut input) = (LineReader::new(512), BytesMut::new());
        for _ in 0..10_000 {
            input.extend_from_slice(&[b'x'; 100]);
            assert_eq!(reader.next(&mut input), None);
            assert!(input.len() <= 512);
        }
        input.extend_from_slice(b"\r\nNOOP\r\n");
        assert_eq!(reader.next(&mut input), Some(Line::TooLong(Bytes::from_static(&[b'x'; KEPT]))));
        assert_eq!(reader.next(&mut input), Some(Line::Whole(Bytes::from_static(b"NOOP"))));
    }
}
