//! Addresses in address fields (RFC 5322 §3.4, RFC 6532, RFC 6854).
//!
//! Strict where an address is at stake, lenient about display names: what two readers could take for two different
//! addresses is an error here.

use crate::local_part::written;
use crate::{Domain, DomainError};
use std::fmt;
use thiserror::Error;

/// How many tokens an address field commonly has at most.
const COMMON_TOKENS: usize = 16;
/// How long a local part or a domain commonly is at most.
const COMMON_TEXT: usize = 32;

/// One address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mailbox {
    /// The local part without its quotation marks.
    pub local_part: String,
    /// The domain.
    pub domain: Domain,
}

/// Why an address field is not understood.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum AddressError {
    /// A control character, or an end of line that folds nothing.
    #[error("control character in address field")]
    Control,
    /// A comment that does not end.
    #[error("comment without end in address field")]
    Comment,
    /// A quoted string that does not end.
    #[error("quoted string without end in address field")]
    QuotedString,
    /// A domain literal: nobody publishes keys for those.
    #[error("domain literal in address")]
    DomainLiteral,
    /// A source route or something else in the wrong place.
    #[error("malformed address")]
    Syntax,
    /// Text that is no UTF-8 in an address.
    #[error("address is not UTF-8")]
    NotUtf8,
    /// The domain is none.
    #[error("{0} in address")]
    Domain(#[from] DomainError),
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", written(&self.local_part), self.domain)
    }
}

/// Reads the value of an address field: all its mailboxes, those in groups included.
pub fn parse_mailboxes(value: &[u8]) -> Result<Vec<Mailbox>, AddressError> {
    let tokens = Lexer { rest: value }.tokens()?;
    let mut mailboxes = Vec::new();
    let mut in_group = false;
    // Where what is not yet read begins.
    let mut from = 0;
    for (at, token) in tokens.iter().enumerate() {
        let pending = &tokens[from..at];
        match token {
            // RFC 5322 §3.4: a group is a display name, a colon, mailboxes, and a semicolon.
            Token::Special(b':') if !in_group && !pending.contains(&Token::Special(b'<')) => {
                display_name(pending)?;
                in_group = true;
            }
            Token::Special(b';') if in_group => {
                mailboxes.extend(mailbox(pending)?);
                in_group = false;
            }
            Token::Special(b',') => mailboxes.extend(mailbox(pending)?),
            _ => continue,
        }
        from = at + 1;
    }
    if in_group {
        return Err(AddressError::Syntax);
    }
    mailboxes.extend(mailbox(&tokens[from..])?);
    Ok(mailboxes)
}

/// Reads what stands between two commas. Nothing there is no address, and no fault (RFC 5322 §4.4).
fn mailbox(tokens: &[Token<'_>]) -> Result<Option<Mailbox>, AddressError> {
    if tokens.is_empty() {
        return Ok(None);
    }
    let Some(open) = tokens.iter().position(|token| *token == Token::Special(b'<')) else {
        return addr_spec(tokens).map(Some);
    };
    display_name(&tokens[..open])?;
    match &tokens[open + 1..] {
        [inner @ .., Token::Special(b'>')] => addr_spec(inner).map(Some),
        _ => Err(AddressError::Syntax),
    }
}

/// RFC 5322 §4.1: a phrase may hold dots as well.
fn display_name(tokens: &[Token<'_>]) -> Result<(), AddressError> {
    let allowed = |token: &Token<'_>| !matches!(token, Token::Special(b) if *b != b'.');
    if tokens.iter().all(allowed) { Ok(()) } else { Err(AddressError::Syntax) }
}

fn addr_spec(tokens: &[Token<'_>]) -> Result<Mailbox, AddressError> {
    let at = tokens.iter().position(|token| *token == Token::Special(b'@')).ok_or(AddressError::Syntax)?;
    let (local_part, domain) = (&tokens[..at], &tokens[at + 1..]);
    if domain.contains(&Token::Special(b'[')) {
        return Err(AddressError::DomainLiteral);
    }
    if domain.iter().any(|token| matches!(token, Token::Quoted(_))) {
        return Err(AddressError::Syntax);
    }
    Ok(Mailbox { local_part: dotted(local_part)?, domain: Domain::parse(&dotted(domain)?)? })
}

/// Words with single dots between them. Two words without a dot are two things.
fn dotted(tokens: &[Token<'_>]) -> Result<String, AddressError> {
    let mut text = Vec::with_capacity(COMMON_TEXT);
    for (at, token) in tokens.iter().enumerate() {
        match (at % 2, token) {
            (0, Token::Atom(word)) => text.extend_from_slice(word),
            (0, Token::Quoted(word)) => text.extend_from_slice(word),
            (1, Token::Special(b'.')) => text.push(b'.'),
            _ => return Err(AddressError::Syntax),
        }
    }
    if tokens.len().is_multiple_of(2) {
        return Err(AddressError::Syntax);
    }
    String::from_utf8(text).map_err(|_| AddressError::NotUtf8)
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Token<'a> {
    Atom(&'a [u8]),
    /// A quoted string, without its marks and backslashes.
    Quoted(Vec<u8>),
    Special(u8),
}

/// Splits an address field into tokens; comments and white space are dropped.
struct Lexer<'a> {
    rest: &'a [u8],
}

impl<'a> Lexer<'a> {
    fn tokens(mut self) -> Result<Vec<Token<'a>>, AddressError> {
        let mut tokens = Vec::with_capacity(COMMON_TOKENS);
        loop {
            let before = self.rest;
            let Some(byte) = self.next()? else { return Ok(tokens) };
            match byte {
                b' ' | b'\t' => {}
                b'(' => self.comment()?,
                b'"' => tokens.push(Token::Quoted(self.quoted()?)),
                b'<' | b'>' | b'[' | b']' | b':' | b';' | b'@' | b'\\' | b',' | b'.' | b')' => {
                    tokens.push(Token::Special(byte));
                }
                _ => {
                    let (atom, rest) = before.split_at(1 + atom_length(self.rest));
                    tokens.push(Token::Atom(atom));
                    self.rest = rest;
                }
            }
        }
    }

    /// The next octet; a CR LF that folds is dropped.
    fn next(&mut self) -> Result<Option<u8>, AddressError> {
        if let [b'\r', b'\n', blank @ (b' ' | b'\t'), rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(Some(*blank));
        }
        let [byte, rest @ ..] = self.rest else { return Ok(None) };
        if byte.is_ascii_control() && *byte != b'\t' {
            return Err(AddressError::Control);
        }
        self.rest = rest;
        Ok(Some(*byte))
    }

    fn quoted(&mut self) -> Result<Vec<u8>, AddressError> {
        let mut text = Vec::new();
        loop {
            match self.next()? {
                Some(b'"') => return Ok(text),
                Some(b'\\') => text.extend(self.next()?),
                Some(byte) => text.push(byte),
                None => return Err(AddressError::QuotedString),
            }
        }
    }

    /// RFC 5322 §3.2.2: comments nest.
    fn comment(&mut self) -> Result<(), AddressError> {
        let mut depth = 1_usize;
        while depth > 0 {
            match self.next()?.ok_or(AddressError::Comment)? {
                b'(' => depth += 1,
                b')' => depth -= 1,
                b'\\' => {
                    self.next()?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// How much of `text` goes on with an atom that has begun.
fn atom_length(text: &[u8]) -> usize {
    let ends = |octet: &u8| octet.is_ascii_control() || b" ()<>[]:;@\\,.\"".contains(octet);
    text.iter().position(ends).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(value: &str) -> Result<Vec<String>, AddressError> {
        parse_mailboxes(value.as_bytes()).map(|mailboxes| mailboxes.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn one_address_in_all_its_dresses() {
        for value in [
            "joe@b.example",
            " joe@b.example",
            "Joe <joe@b.example>",
            "Joe Q. Public <joe@b.example>",
            "\"Public, Joe\" <joe@b.example>",
            "=?utf-8?Q?J=C3=B6?= <joe@b.example>",
            "Jö <joe@b.example>",
            "(a comment (nested) here) joe(x)@(y)b.example",
            "Joe\r\n <joe@b.example>",
            "\"joe\"@b.example",
            "\"a@evil.example\" <joe@B.example>",
            "<joe@b.example>,",
            "The group: joe@b.example;",
        ] {
            assert_eq!(addresses(value), Ok(vec!["joe@b.example".to_owned()]), "{value}");
        }
    }

    #[test]
    fn several_addresses() {
        let both = Ok(vec!["a@b.example".to_owned(), "c@d.example".to_owned()]);
        assert_eq!(addresses("a@b.example, C <c@d.example>"), both);
        assert_eq!(addresses("X: a@b.example, c@d.example;"), both);
        assert_eq!(addresses(""), Ok(vec![]));
        assert_eq!(addresses("undisclosed:;"), Ok(vec![]));
    }

    #[test]
    fn international_and_quoted() {
        assert_eq!(addresses("jö@bücher.example"), Ok(vec!["jö@xn--bcher-kva.example".to_owned()]));
        for quoted in
            [r#""a b"@b.example"#, r#""a\"\\@c"@b.example"#, r#"""@b.example"#, r#""a..b"@b.example"#]
        {
            assert_eq!(addresses(quoted), Ok(vec![quoted.to_owned()]));
        }
        assert_eq!(addresses(r#""a.b"@b.example"#), Ok(vec!["a.b@b.example".to_owned()]));
        assert_eq!(addresses("a.b+c@b.example"), Ok(vec!["a.b+c@b.example".to_owned()]));
    }

    #[test]
    fn what_two_readers_could_read_differently_is_an_error() {
        for (value, error) in [
            ("<a@b.example> <c@d.example>", AddressError::Syntax),
            ("a@b.example c@d.example", AddressError::Syntax),
            ("a@b.example <c@d.example>", AddressError::Syntax),
            ("a@b@c.example", AddressError::Syntax),
            ("a b@c.example", AddressError::Syntax),
            ("a@b.example c", AddressError::Syntax),
            ("a", AddressError::Syntax),
            ("Joe <>", AddressError::Syntax),
            ("<@r.example:a@b.example>", AddressError::Syntax),
            ("<a@b.example", AddressError::Syntax),
            ("a@b.example>", AddressError::Syntax),
            ("a..b@c.example", AddressError::Syntax),
            ("a@\"b.example\"", AddressError::Syntax),
            ("a@[192.0.2.1]", AddressError::DomainLiteral),
            ("a@b.example (", AddressError::Comment),
            ("\"a@b.example", AddressError::QuotedString),
            ("a\0@b.example", AddressError::Control),
            ("a@b.example\nc", AddressError::Control),
            ("X: a@b.example", AddressError::Syntax),
        ] {
            assert_eq!(addresses(value), Err(error), "{value:?}");
        }
        assert_eq!(parse_mailboxes(b"\xff@b.example"), Err(AddressError::NotUtf8));
        assert_eq!(parse_mailboxes(b"J\xf6 <a@b.example>").map(|all| all.len()), Ok(1));
        assert!(matches!(addresses("a@-_/.example"), Err(AddressError::Domain(_))));
    }
}
