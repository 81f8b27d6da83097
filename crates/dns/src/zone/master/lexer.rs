//! Master files split into entries and words.

use crate::zone::{ZoneError, ZoneFault};
use std::fmt;

/// One entry: a line, or several where parentheses join them.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Entry {
    /// The line on which it begins, from 1.
    pub(super) line: usize,
    /// Whether it begins with a blank, so that it has the owner of the entry before.
    pub(super) is_indented: bool,
    pub(super) words: Vec<Word>,
}

/// One word or quoted string, escapes resolved.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Word {
    pub(super) text: Vec<u8>,
    pub(super) is_quoted: bool,
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        String::from_utf8_lossy(&self.text).fmt(f)
    }
}

/// Reads entries one by one.
pub(super) struct Lexer<'a> {
    rest: &'a [u8],
    line: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { rest: text, line: 1 }
    }

    /// The next entry with a word in it.
    pub(super) fn next_entry(&mut self) -> Result<Option<Entry>, ZoneError> {
        while !self.rest.is_empty() {
            let line = self.line;
            let is_indented = matches!(self.rest, [b' ' | b'\t', ..]);
            let words = self.words().map_err(|fault| ZoneError { line, fault })?;
            if !words.is_empty() {
                return Ok(Some(Entry { line, is_indented, words }));
            }
        }
        Ok(None)
    }

    /// Everything up to the line end that no parenthesis hides.
    fn words(&mut self) -> Result<Vec<Word>, ZoneFault> {
        let mut words = Vec::new();
        let mut depth = 0_usize;
        while let Some(byte) = self.next() {
            match byte {
                b'\n' if depth == 0 => return Ok(words),
                b' ' | b'\t' | b'\r' | b'\n' => {}
                b';' => self.skip_comment(),
                b'(' => depth += 1,
                b')' => depth = depth.checked_sub(1).ok_or(ZoneFault::Parenthesis)?,
                b'"' => words.push(self.quoted()?),
                _ => words.push(self.word(byte)?),
            }
        }
        if depth == 0 { Ok(words) } else { Err(ZoneFault::Parenthesis) }
    }

    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        self.line += usize::from(byte == b'\n');
        Some(byte)
    }

    /// The line end itself stays.
    fn skip_comment(&mut self) {
        let end = self.rest.iter().position(|&byte| byte == b'\n').unwrap_or(self.rest.len());
        self.rest = &self.rest[end..];
    }

    fn quoted(&mut self) -> Result<Word, ZoneFault> {
        let mut text = Vec::new();
        loop {
            match self.next() {
                Some(b'"') => return Ok(Word { text, is_quoted: true }),
                Some(b'\\') => text.push(self.escape()?),
                Some(b'\n') | None => return Err(ZoneFault::OpenQuote),
                Some(byte) => text.push(byte),
            }
        }
    }

    fn word(&mut self, first: u8) -> Result<Word, ZoneFault> {
        let mut text = vec![if first == b'\\' { self.escape()? } else { first }];
        while let Some(&byte) = self.rest.first() {
            if matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b';' | b'(' | b')' | b'"') {
                break;
            }
            self.rest = &self.rest[1..];
            text.push(if byte == b'\\' { self.escape()? } else { byte });
        }
        Ok(Word { text, is_quoted: false })
    }

    /// `\DDD` is the octet of that decimal number, and `\X` is X without its meaning (RFC 1035 §5.1).
    fn escape(&mut self) -> Result<u8, ZoneFault> {
        if let [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] = self.rest {
            let number =
                [a, b, c].iter().fold(0_u16, |number, digit| number * 10 + u16::from(**digit - b'0'));
            self.rest = rest;
            return u8::try_from(number).map_err(|_| ZoneFault::Escape);
        }
        match self.rest.first() {
            Some(byte) if !byte.is_ascii_digit() && *byte != b'\n' => self.next().ok_or(ZoneFault::Escape),
            _ => Err(ZoneFault::Escape),
        }
    }
}
