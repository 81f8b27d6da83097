//! Reading replies, bounded in lines and length.

use super::{Reply, ReplyCode};
use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

/// RFC 5321 §4.5.3.1.5 asks for 512 octets a line; servers in the field send more.
const LONGEST_LINE: usize = 2048;
/// The longest reply, in octets: an EHLO reply of fifty lines takes a twentieth of it.
const LONGEST_REPLY: usize = 32 * 1024;

/// What came is not a reply.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ReplyFault {
    /// A line does not begin with a code and a blank or hyphen.
    #[error("not a reply")]
    Garbage,
    /// The lines of one reply bear different codes.
    #[error("a reply with two codes")]
    TwoCodes,
    /// A line or the whole is longer than we take.
    #[error("a reply without end")]
    TooLong,
}

/// Takes replies off a stream.
///
/// A line may end in LF alone, as some servers have it; what is passed on ends in CR LF.
#[derive(Debug, Default)]
pub struct ReplyReader {
    /// How much of the input is whole lines of a reply that goes on.
    taken: usize,
    code: Option<ReplyCode>,
    /// Something in the reply must not stand on the wire.
    unclean: bool,
}

impl ReplyReader {
    /// Takes the next whole reply off `input`, or nothing if more of it must come.
    pub fn next(&mut self, input: &mut BytesMut) -> Result<Option<Reply>, ReplyFault> {
        while let Some(found) = memchr::memchr(b'\n', &input[self.taken..]) {
            let line = &input[self.taken..=self.taken + found];
            let (code, last) = self.line(line)?;
            self.taken += found + 1;
            if self.taken > LONGEST_REPLY {
                return Err(ReplyFault::TooLong);
            }
            if last {
                // A copy: if a part of the input were kept, the input would need new memory for what comes next.
                let whole = &input[..self.taken];
                let wire = if self.unclean { cleaned(whole) } else { Bytes::copy_from_slice(whole) };
                input.advance(self.taken);
                *self = Self::default();
                return Ok(Some(Reply { code, wire }));
            }
        }
        if input.len() - self.taken > LONGEST_LINE { Err(ReplyFault::TooLong) } else { Ok(None) }
    }

    /// Looks at one line: its code, and whether it is the last of its reply.
    fn line(&mut self, line: &[u8]) -> Result<(ReplyCode, bool), ReplyFault> {
        if line.len() > LONGEST_LINE {
            return Err(ReplyFault::TooLong);
        }
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let (Some(digits), mark) = (text.get(..3), text.get(3)) else {
            return Err(ReplyFault::Garbage);
        };
        let code = super::number(digits).and_then(ReplyCode::new).ok_or(ReplyFault::Garbage)?;
        if self.code.is_some_and(|before| before != code) {
            return Err(ReplyFault::TwoCodes);
        }
        self.code = Some(code);
        let last = match mark {
            // RFC 5321 §4.2: a code alone is a reply too.
            None | Some(b' ') => true,
            Some(b'-') => false,
            Some(_) => return Err(ReplyFault::Garbage),
        };
        let clean = line.ends_with(b"\r\n") && mark.is_some() && !text.iter().any(u8::is_ascii_control);
        self.unclean |= !clean;
        Ok((code, last))
    }
}

/// The same reply as it should have been sent.
fn cleaned(wire: &[u8]) -> Bytes {
    let mut clean = Vec::with_capacity(wire.len() + 8);
    for line in wire.split_inclusive(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        clean.extend(line.iter().map(|&byte| if byte.is_ascii_control() { b' ' } else { byte }));
        if line.len() == 3 {
            clean.push(b' ');
        }
        clean.extend_from_slice(b"\r\n");
    }
    clean.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(chunks: &[&[u8]]) -> Result<Vec<Reply>, ReplyFault> {
        let (mut reader, mut input, mut replies) = (ReplyReader::default(), BytesMut::new(), Vec::new());
        for chunk in chunks {
            input.extend_from_slice(chunk);
            while let Some(reply) = reader.next(&mut input)? {
                replies.push(reply);
            }
        }
        Ok(replies)
    }

    #[test]
    fn what_is_a_reply_and_what_is_not() {
        for (wire, expected) in [
            (&b"250 ok\r\n"[..], Ok("250 ok\r\n")),
            (b"250\r\n", Ok("250 \r\n")),
            (b"250-a\r\n250-\r\n250 b\r\n", Ok("250-a\r\n250-\r\n250 b\r\n")),
            (b"250-a\n250 b\n", Ok("250-a\r\n250 b\r\n")),
            (b"250 bell\x07 and\rreturn\r\n", Ok("250 bell  and return\r\n")),
            (b"250 \xc3\xa4\r\n", Ok("250 \u{e4}\r\n")),
            (b"250-a\r\n550 b\r\n", Err(ReplyFault::TwoCodes)),
            (b"\r\n", Err(ReplyFault::Garbage)),
            (b"hello\r\n", Err(ReplyFault::Garbage)),
            (b"25 ok\r\n", Err(ReplyFault::Garbage)),
            (b"2500 ok\r\n", Err(ReplyFault::Garbage)),
            (b"150 ok\r\n", Err(ReplyFault::Garbage)),
            (b"650 ok\r\n", Err(ReplyFault::Garbage)),
        ] {
            let replies = read(&[wire]).map(|replies| replies[0].wire().clone());
            assert_eq!(replies, expected.map(Bytes::from), "{}", wire.escape_ascii());
        }
    }

    #[test]
    fn cuts_do_not_matter() {
        let wire = b"250-a.example\r\n250-PIPELINING\r\n250 SIZE\r\n550 5.1.1 no\r\n354\n";
        let whole = read(&[wire]).unwrap();
        assert_eq!(whole.len(), 3);
        for cut in 0..wire.len() {
            assert_eq!(read(&[&wire[..cut], &wire[cut..]]).unwrap(), whole);
        }
        assert_eq!(read(&wire.chunks(1).collect::<Vec<_>>()).unwrap(), whole);
    }

    #[test]
    fn a_reply_without_end_is_a_fault() {
        assert_eq!(read(&[&[b'2'; 2049]]), Err(ReplyFault::TooLong));
        let line = format!("250-{}\r\n", "x".repeat(1000));
        assert_eq!(read(&[line.repeat(40).as_bytes()]), Err(ReplyFault::TooLong));
    }
}
