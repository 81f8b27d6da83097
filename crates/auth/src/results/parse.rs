//! The field read, by the letter of RFC 8601 §2.2.

use super::lexical::{is_identity, is_keyword, is_token, is_token_char};
use super::{AuthenticationResults, MethodResult, Property};
use mail::local_part::is_atom_char;
use thiserror::Error;

/// Why a field is not well-formed.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ParseError {
    /// Octets that are no UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// A control character, or an end of line that folds nothing.
    #[error("control character")]
    Control,
    /// A comment that does not end.
    #[error("comment without end")]
    Comment,
    /// A quoted string that does not end.
    #[error("quoted string without end")]
    QuotedString,
    /// No authserv-id where one has to be.
    #[error("no authserv-id")]
    AuthservId,
    /// A version that is no number.
    #[error("malformed version")]
    Version,
    /// No `method=result` where one has to be.
    #[error("no method and result")]
    Method,
    /// A property that is not `ptype.property=value`.
    #[error("malformed property")]
    Property,
    /// A value that is neither a token nor a quoted string nor an identity.
    #[error("malformed value")]
    Value,
    /// Something else where a semicolon has to be.
    #[error("semicolon expected")]
    Semicolon,
}

impl AuthenticationResults {
    /// Reads the value of a field: what follows the colon, folded or not.
    ///
    /// Comments are dropped, except the first one behind each result word.
    pub fn parse(value: &[u8]) -> Result<Self, ParseError> {
        let text = std::str::from_utf8(value).map_err(|_| ParseError::NotUtf8)?;
        let text = unfold(text);
        if text.chars().any(|c| c.is_control() && c != '\t') {
            return Err(ParseError::Control);
        }
        Cursor { rest: &text }.payload()
    }
}

/// The part of an unfolded text up to the end of its authserv-id, if nothing but a version and comments follows.
pub(super) fn up_to_authserv_id(text: &str) -> Option<&str> {
    if text.chars().any(|c| c.is_control() && c != '\t' || c == char::REPLACEMENT_CHARACTER) {
        return None;
    }
    let mut cursor = Cursor { rest: text };
    cursor.blanks().ok()?;
    cursor.authserv_id().ok()?;
    let end = text.len() - cursor.rest.len();
    cursor.blanks().ok()?;
    cursor.run(|c| c.is_ascii_digit());
    cursor.blanks().ok()?;
    cursor.rest.is_empty().then(|| &text[..end])
}

pub(super) fn unfold(text: &str) -> String {
    text.replace("\r\n ", " ").replace("\r\n\t", "\t")
}

struct Cursor<'a> {
    rest: &'a str,
}

impl Cursor<'_> {
    fn payload(mut self) -> Result<AuthenticationResults, ParseError> {
        self.blanks()?;
        let authserv_id = self.authserv_id()?;
        self.blanks()?;
        let version =
            if self.rest.starts_with(|c: char| c.is_ascii_digit()) { Some(self.number()?) } else { None };
        self.blanks()?;
        if self.rest.is_empty() {
            return Err(ParseError::Method);
        }
        let mut found = AuthenticationResults { authserv_id, version, results: Vec::new() };
        let says_none = Cursor { rest: self.rest }.says_none()?;
        while !says_none && !self.rest.is_empty() {
            if !self.take(';') {
                return Err(ParseError::Semicolon);
            }
            found.results.push(self.method_result()?);
        }
        Ok(found)
    }

    /// Whether all that is left says that nothing was checked.
    fn says_none(mut self) -> Result<bool, ParseError> {
        if !self.take(';') {
            return Ok(false);
        }
        self.blanks()?;
        let word = self.run(is_token_char);
        self.blanks()?;
        Ok(word.eq_ignore_ascii_case("none") && self.rest.is_empty())
    }

    fn authserv_id(&mut self) -> Result<String, ParseError> {
        if self.rest.starts_with('"') {
            return self.quoted_string();
        }
        // RFC 8601 §2.5: "Note that in an EAI-formatted message, this identifier may be expressed in UTF-8."
        let id = self.run(|c| is_token_char(c) || !c.is_ascii());
        if id.is_empty() { Err(ParseError::AuthservId) } else { Ok(id) }
    }

    fn method_result(&mut self) -> Result<MethodResult, ParseError> {
        self.blanks()?;
        let method = self.keyword().ok_or(ParseError::Method)?;
        self.blanks()?;
        let version = if self.take('/') {
            self.blanks()?;
            Some(self.number()?)
        } else {
            None
        };
        self.blanks()?;
        if !self.take('=') {
            return Err(ParseError::Method);
        }
        self.blanks()?;
        let result = self.keyword().ok_or(ParseError::Method)?;
        let mut found = MethodResult { method, version, result, ..MethodResult::default() };
        found.comment = self.blanks()?;
        self.details(&mut found)?;
        Ok(found)
    }

    /// The reason and the properties, up to the semicolon or the end.
    fn details(&mut self, found: &mut MethodResult) -> Result<(), ParseError> {
        while !self.rest.is_empty() && !self.rest.starts_with(';') {
            let ptype = self.keyword().ok_or(ParseError::Property)?;
            self.blanks()?;
            let is_first = found.reason.is_none() && found.properties.is_empty();
            if is_first && ptype.eq_ignore_ascii_case("reason") && self.take('=') {
                self.blanks()?;
                found.reason = Some(self.value()?);
            } else {
                let (property, value) = self.property()?;
                found.properties.push(Property { ptype, property, value });
            }
            let before = self.rest.len();
            self.blanks()?;
            let is_apart = self.rest.len() < before || self.rest.is_empty() || self.rest.starts_with(';');
            if !is_apart {
                return Err(ParseError::Value);
            }
        }
        Ok(())
    }

    /// What follows the ptype.
    fn property(&mut self) -> Result<(String, String), ParseError> {
        if !self.take('.') {
            return Err(ParseError::Property);
        }
        self.blanks()?;
        let property = self.keyword().ok_or(ParseError::Property)?;
        self.blanks()?;
        if !self.take('=') {
            return Err(ParseError::Property);
        }
        self.blanks()?;
        Ok((property, self.property_value()?))
    }

    fn value(&mut self) -> Result<String, ParseError> {
        if self.rest.starts_with('"') {
            return self.quoted_string();
        }
        let value = self.run(is_token_char);
        if value.is_empty() { Err(ParseError::Value) } else { Ok(value) }
    }

    fn property_value(&mut self) -> Result<String, ParseError> {
        let start = self.rest;
        let quoted = if start.starts_with('"') { Some(self.quoted_string()?) } else { None };
        match quoted {
            Some(value) if !self.rest.starts_with('@') => return Ok(value),
            _ => {}
        }
        self.run(|c| is_atom_char(c) || is_token_char(c) || c == '@');
        let value = &start[..start.len() - self.rest.len()];
        if is_token(value) || is_identity(value) { Ok(value.to_owned()) } else { Err(ParseError::Value) }
    }

    fn keyword(&mut self) -> Option<String> {
        Some(self.run(|c| c.is_ascii_alphanumeric() || c == '-')).filter(|word| is_keyword(word))
    }

    fn number(&mut self) -> Result<u32, ParseError> {
        self.run(|c| c.is_ascii_digit()).parse().map_err(|_| ParseError::Version)
    }

    fn quoted_string(&mut self) -> Result<String, ParseError> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(text);
                }
                '\\' => text.push(chars.next().ok_or(ParseError::QuotedString)?.1),
                c => text.push(c),
            }
        }
        Err(ParseError::QuotedString)
    }

    /// Skips blanks and comments. The text of the first comment comes back.
    fn blanks(&mut self) -> Result<Option<String>, ParseError> {
        let mut first = None;
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t']);
            if !self.rest.starts_with('(') {
                return Ok(first);
            }
            let comment = self.comment()?;
            first.get_or_insert(comment);
        }
    }

    fn comment(&mut self) -> Result<String, ParseError> {
        let mut text = String::new();
        let mut depth = 0_usize;
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => text.push(chars.next().ok_or(ParseError::Comment)?.1),
                '(' if depth == 0 => depth = 1,
                '(' => {
                    depth += 1;
                    text.push(c);
                }
                ')' if depth == 1 => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(text);
                }
                ')' => {
                    depth -= 1;
                    text.push(c);
                }
                c => text.push(c),
            }
        }
        Err(ParseError::Comment)
    }

    fn run(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (run, rest) = self.rest.split_at(end);
        self.rest = rest;
        run.to_owned()
    }

    fn take(&mut self, c: char) -> bool {
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}
