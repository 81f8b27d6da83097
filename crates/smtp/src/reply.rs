//! Replies (RFC 5321, section 4.2) with enhanced status codes (RFC 3463, RFC 2034).
//!
//! A reply is kept as it stands on the wire, so that the next hop's replies pass unchanged.

mod read;

pub use read::{ReplyFault, ReplyReader};

use bytes::Bytes;
use std::fmt;

/// A reply code: three digits, of which the first says what comes of the command.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ReplyCode(u16);

/// What the first digit of a [`ReplyCode`] says.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Severity {
    /// 2yz: done.
    Completed,
    /// 3yz: go on.
    Intermediate,
    /// 4yz: not now.
    Transient,
    /// 5yz: not ever.
    Permanent,
}

impl ReplyCode {
    /// Accepts 200 to 599: the second digit is not looked at, since servers use what they like.
    #[must_use]
    pub const fn new(code: u16) -> Option<Self> {
        match code {
            200..=599 => Some(Self(code)),
            _ => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The first digit.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self.0 / 100 {
            2 => Severity::Completed,
            3 => Severity::Intermediate,
            4 => Severity::Transient,
            _ => Severity::Permanent,
        }
    }
}

impl fmt::Display for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

/// A whole reply, of one line or more.
#[derive(Clone, Eq, PartialEq)]
pub struct Reply {
    code: ReplyCode,
    /// All lines, each with its code and CR LF.
    wire: Bytes,
}

impl Reply {
    /// A reply of one line. `text` begins with the enhanced status code where one belongs there;
    /// what must not stand in a line becomes a blank.
    ///
    /// # Panics
    ///
    /// If `code` is not between 200 and 599.
    #[must_use]
    pub fn new(code: u16, text: &str) -> Self {
        Self::of_lines(code, std::iter::once(text))
    }

    /// A reply of as many lines as there are, at least one.
    ///
    /// # Panics
    ///
    /// If `code` is not between 200 and 599.
    #[must_use]
    pub fn of_lines<'a>(code: u16, lines: impl IntoIterator<Item = &'a str>) -> Self {
        let code = ReplyCode::new(code).expect("reply codes in the program are three digits");
        let mut lines = lines.into_iter().peekable();
        let mut wire = Vec::with_capacity(64);
        loop {
            let line = lines.next().unwrap_or_default();
            let last = lines.peek().is_none();
            wire.extend_from_slice(code.to_string().as_bytes());
            wire.push(if last { b' ' } else { b'-' });
            wire.extend(line.bytes().map(|byte| if byte.is_ascii_control() { b' ' } else { byte }));
            wire.extend_from_slice(b"\r\n");
            if last {
                return Self { code, wire: wire.into() };
            }
        }
    }

    /// A reply whose wire form is known when the program is built: `b"250 2.0.0 Ok\r\n"`.
    ///
    /// # Panics
    ///
    /// If it does not begin with a reply code.
    #[must_use]
    pub const fn fixed(wire: &'static [u8]) -> Self {
        let number = (wire[0] - b'0') as u16 * 100 + (wire[1] - b'0') as u16 * 10 + (wire[2] - b'0') as u16;
        let code = ReplyCode::new(number).expect("a fixed reply begins with its code");
        Self { code, wire: Bytes::from_static(wire) }
    }

    /// The code.
    #[must_use]
    pub const fn code(&self) -> ReplyCode {
        self.code
    }

    /// What the first digit of the code says.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// Whether the reply is a 2yz.
    #[must_use]
    pub const fn is_completed(&self) -> bool {
        matches!(self.severity(), Severity::Completed)
    }

    /// All of it, as it goes over the wire.
    #[must_use]
    pub const fn wire(&self) -> &Bytes {
        &self.wire
    }

    /// What stands after the code in each line.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.wire.split(|&byte| byte == b'\n').filter_map(|line| {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            (line.len() >= 3).then(|| line.get(4..).unwrap_or_default())
        })
    }

    /// The enhanced status code of the first line.
    #[must_use]
    pub fn enhanced(&self) -> Option<EnhancedCode> {
        let line = self.lines().next()?;
        let word = line.split(|&byte| byte == b' ').next()?;
        let code = EnhancedCode::parse(word)?;
        // RFC 2034 §4: the class must agree with the first digit of the reply code.
        (u16::from(code.class) == self.code.get() / 100).then_some(code)
    }

    /// The same text under another code of the same severity.
    #[must_use]
    pub fn recoded(&self, code: u16) -> Self {
        let lines: Vec<_> = self.lines().map(String::from_utf8_lossy).collect();
        Self::of_lines(code, lines.iter().map(|line| &**line))
    }
}

/// The lines, joined by ` / `, with their codes.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        for (n, line) in self.lines().enumerate() {
            write!(f, "{}{}", if n == 0 { " " } else { " / " }, String::from_utf8_lossy(line))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({self})")
    }
}

/// An enhanced status code: `class.subject.detail`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct EnhancedCode {
    /// 2, 4 or 5.
    pub class: u8,
    /// What it is about.
    pub subject: u16,
    /// What exactly.
    pub detail: u16,
}

impl EnhancedCode {
    /// Reads `5.1.1`.
    #[must_use]
    pub fn parse(word: &[u8]) -> Option<Self> {
        let mut parts = word.split(|&byte| byte == b'.').map(number);
        let (class, subject, detail) = (parts.next()??, parts.next()??, parts.next()??);
        let class = u8::try_from(class).ok().filter(|class| matches!(class, 2 | 4 | 5))?;
        parts.next().is_none().then_some(Self { class, subject, detail })
    }
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// One to three digits, as a number.
fn number(digits: &[u8]) -> Option<u16> {
    let well_formed = (1..=3).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    well_formed.then(|| digits.iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_says_its_code_and_lines() {
        let reply = Reply::of_lines(550, ["5.1.1 no", "such\r\nuser"]);
        assert_eq!(reply.wire(), "550-5.1.1 no\r\n550 such  user\r\n");
        assert_eq!(reply.lines().collect::<Vec<_>>(), [&b"5.1.1 no"[..], b"such  user"]);
        assert_eq!(reply.enhanced().unwrap().to_string(), "5.1.1");
        assert_eq!(reply.to_string(), "550 5.1.1 no / such  user");
        assert_eq!(reply.recoded(551).wire(), "551-5.1.1 no\r\n551 such  user\r\n");
        assert!(!reply.is_completed());
    }

    #[test]
    fn enhanced_codes_are_three_numbers_of_the_class_of_the_code() {
        for (text, expected) in [
            ("2.1.0 Ok", Some("2.1.0")),
            ("2.123.999", Some("2.123.999")),
            ("4.1.0 not the class of the code", None),
            ("2.1 short", None),
            ("2.1.0.0 long", None),
            ("2.1.1000", None),
            ("3.1.0", None),
            ("", None),
        ] {
            let code = Reply::new(250, text).enhanced().map(|code| code.to_string());
            assert_eq!(code.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_fixed_reply_reads_its_code() {
        assert_eq!(Reply::fixed(b"250 2.0.0 Ok\r\n"), Reply::new(250, "2.0.0 Ok"));
    }
}
