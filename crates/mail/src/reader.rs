//! Collects a header section from a message that comes in pieces.

use crate::Header;
use memchr::memchr;
use thiserror::Error;

/// No more room than this is taken at once: what comes in one chunk may be body for the most part.
const COMMON: usize = 2 << 10;

/// Takes the octets of a message until its header section is complete.
#[derive(Clone, Debug)]
pub struct HeaderReader {
    raw: Vec<u8>,
    /// Where the line starts that is not complete yet.
    line: usize,
    limit: usize,
}

/// How far a call of [`HeaderReader::read`] came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum HeaderProgress {
    /// All of the chunk belongs to the header, and there is more to come.
    More,
    /// The empty line was found; the body starts in this chunk behind so many octets.
    Body {
        /// How many octets of the chunk belonged to the header and the empty line.
        consumed: usize,
    },
}

/// The header section is larger than the limit.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("header section larger than {limit} octets")]
pub struct HeaderTooLarge {
    /// The limit, in octets.
    pub limit: usize,
}

impl HeaderReader {
    /// Starts on a message; the header section may have `limit` octets.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { raw: Vec::new(), line: 0, limit }
    }

    /// Takes the next chunk of the message. A chunk may end anywhere.
    pub fn read(&mut self, chunk: &[u8]) -> Result<HeaderProgress, HeaderTooLarge> {
        self.raw.reserve(chunk.len().min(COMMON));
        let mut at = 0;
        while let Some(length) = memchr(b'\n', &chunk[at..]) {
            self.raw.extend_from_slice(&chunk[at..=at + length]);
            at += length + 1;
            let line = &self.raw[self.line..];
            if line == b"\r\n" {
                self.raw.truncate(self.line);
                return self.within_limit(HeaderProgress::Body { consumed: at });
            }
            if line.ends_with(b"\r\n") {
                self.line = self.raw.len();
            }
        }
        self.raw.extend_from_slice(&chunk[at..]);
        self.within_limit(HeaderProgress::More)
    }

    /// The header section, to be called after [`HeaderProgress::Body`].
    #[must_use]
    pub fn complete(self) -> Header {
        Header::parse(self.raw)
    }

    /// The header section of a message that ended before an empty line came.
    #[must_use]
    pub fn ended(self) -> Header {
        Header::parse(self.raw).unterminated()
    }

    fn within_limit(&self, progress: HeaderProgress) -> Result<HeaderProgress, HeaderTooLarge> {
        if self.raw.len() > self.limit { Err(HeaderTooLarge { limit: self.limit }) } else { Ok(progress) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header, and where the body starts.
    fn read(chunks: &[&[u8]]) -> (Vec<u8>, Option<usize>) {
        let mut reader = HeaderReader::new(100);
        let mut before = 0;
        for chunk in chunks {
            match reader.read(chunk).unwrap() {
                HeaderProgress::More => before += chunk.len(),
                HeaderProgress::Body { consumed } => {
                    return (reader.complete().raw().to_vec(), Some(before + consumed));
                }
            }
        }
        (reader.ended().raw().to_vec(), None)
    }

    /// Says the same of the whole message, without any cleverness.
    fn reference(message: &[u8]) -> (Vec<u8>, Option<usize>) {
        if message.starts_with(b"\r\n") {
            return (Vec::new(), Some(2));
        }
        match message.windows(4).position(|four| four == b"\r\n\r\n") {
            Some(at) => (message[..at + 2].to_vec(), Some(at + 4)),
            None => (message.to_vec(), None),
        }
    }

    #[test]
    fn chunks_do_not_matter() {
        let alphabet = *b"x \r\n";
        for len in 0..=8_u32 {
            for n in 0..4_usize.pow(len) {
                let message: Vec<u8> = (0..len).map(|i| alphabet[n / 4_usize.pow(i) % 4]).collect();
                let expected = reference(&message);
                for cut in 0..=message.len() {
                    let (head, tail) = message.split_at(cut);
                    assert_eq!(read(&[head, tail]), expected, "{} cut at {cut}", message.escape_ascii());
                }
            }
        }
    }

    #[test]
    fn splitting_a_whole_message_comes_to_the_same() {
        let alphabet = *b"x \r\n";
        for n in 0..4_usize.pow(7) {
            let message: Vec<u8> = (0..7).map(|i| alphabet[n / 4_usize.pow(i) % 4]).collect();
            let (header, body) = Header::split(&message);
            let (raw, start) = reference(&message);
            assert_eq!((header.raw(), body), (&raw[..], &message[start.unwrap_or(message.len())..]));
            assert_eq!(header.is_terminated(), start.is_some());
        }
    }

    #[test]
    fn the_limit_counts_the_header_alone() {
        let mut reader = HeaderReader::new(6);
        assert_eq!(reader.read(b"A: 1\r\n\r\nbody"), Ok(HeaderProgress::Body { consumed: 8 }));
        let mut reader = HeaderReader::new(5);
        assert_eq!(reader.read(b"A: 1\r\n\r\nbody"), Err(HeaderTooLarge { limit: 5 }));
    }
}
