//! Fields that claim to be ours.
//!
//! RFC 8601 §5: "any MTA conforming to this specification MUST delete any discovered instance of this header field that claims, by virtue of its authentication service identifier, to have been added within its trust boundary"
//!
//! A claim must not get by because we read the field by the letter and whoever trusts it does not. So a field
//! counts as a claim if our authserv-id is a word of what stands up to its authserv-id, by any of several readings;
//! and where no authserv-id is plain to see, of all that stands in front of the first result. A well-formed field of
//! another service never has it there, and stays as it is.

use super::FIELD_NAME;
use super::parse::{unfold, up_to_authserv_id};
use mail::{Domain, Field};
use memchr::memchr2_iter;
use std::borrow::Cow;

/// The name by which we sign our results, in whatever way it is written.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct AuthservId {
    text: String,
    /// The form that is compared: with A-labels and in lower case.
    folded: String,
}

impl AuthservId {
    /// Takes a name; by custom it is a host name or domain (RFC 8601 §2.5).
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), folded: fold(text).into_owned() }
    }

    /// The name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether some reader could take this field for an Authentication-Results field of ours.
    #[must_use]
    pub fn is_claimed_by(&self, field: Field<'_>) -> bool {
        line_starts(field.raw()).filter_map(results_value).any(|value| self.is_claimed_in(value))
    }

    fn is_claimed_in(&self, value: &[u8]) -> bool {
        let head = unfold(&String::from_utf8_lossy(head(value)));
        // Behind a name that every reader sees, a comment may say what it likes.
        let head = up_to_authserv_id(&head).unwrap_or(&head);
        // No name is an encoded word. Whoever decodes it may find ours.
        if head.contains("=?") && head.contains("?=") {
            return true;
        }
        let no_controls: String = head.chars().filter(|c| !c.is_control() || *c == '\t').collect();
        let no_escapes = no_controls.replace('\\', "");
        self.is_word_of(head)
            || self.is_word_of(&no_controls)
            || self.is_word_of(&no_escapes)
            || self.is_word_of(&squeezed(&no_escapes))
    }

    /// Whether our name is a word of the text, whatever stands around it.
    fn is_word_of(&self, text: &str) -> bool {
        if !self.folded.chars().all(is_name_char) {
            return text.to_lowercase().contains(&self.folded);
        }
        text.split(|c| !is_name_char(c)).any(|word| !word.is_empty() && fold(word) == self.folded)
    }
}

/// Each place of a field where a line begins: its own, and those behind a CR or a LF that stands alone, since some
/// readers take these for line ends.
fn line_starts(raw: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_stray = |at: usize| match raw[at] {
        b'\r' => raw.get(at + 1) != Some(&b'\n'),
        _ => at == 0 || raw[at - 1] != b'\r',
    };
    let after_stray =
        memchr2_iter(b'\r', b'\n', raw).filter(move |&at| is_stray(at)).map(|at| &raw[at + 1..]);
    std::iter::once(raw).chain(after_stray.filter(|line| !line.starts_with(b" ") && !line.starts_with(b"\t")))
}

/// What follows the colon if the line bears the name of the field; blanks and controls in the name do not hide it.
fn results_value(line: &[u8]) -> Option<&[u8]> {
    let is_junk = |byte: &u8| *byte == b' ' || byte.is_ascii_control();
    let mut rest = line;
    for expected in FIELD_NAME.bytes() {
        rest = trim_start(rest, is_junk);
        let (first, tail) = rest.split_first()?;
        if !first.eq_ignore_ascii_case(&expected) {
            return None;
        }
        rest = tail;
    }
    trim_start(rest, is_junk).strip_prefix(b":")
}

fn trim_start(text: &[u8], is_junk: impl Fn(&u8) -> bool) -> &[u8] {
    &text[text.iter().position(|byte| !is_junk(byte)).unwrap_or(text.len())..]
}

/// Everything in front of the first result: up to the semicolon behind the first word, those in comments and
/// quoted strings not counted. Where one of these does not end, that is everything.
fn head(value: &[u8]) -> &[u8] {
    let (mut depth, mut in_quotes, mut has_word) = (0_usize, false, false);
    let mut bytes = value.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' if depth > 0 || in_quotes => _ = bytes.next(),
            b'"' if depth == 0 => in_quotes = !in_quotes,
            _ if in_quotes => has_word = true,
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            // Nothing but a semicolon is no name; a reader who skips it finds the name behind it.
            b';' if has_word => return &value[..at],
            byte => has_word |= byte.is_ascii_graphic() && *byte != b';' || !byte.is_ascii(),
        }
    }
    value
}

/// Without comments, quotation marks and blanks, for readers who drop them even within a name. A version behind the
/// name is cut off first, or it would become part of it.
fn squeezed(head: &str) -> String {
    let mut depth = 0_usize;
    let mut text = String::with_capacity(head.len());
    for c in head.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '"' => {}
            _ if depth > 0 => {}
            c => text.push(c),
        }
    }
    let trimmed = text.trim_end();
    let before_version = trimmed.trim_end_matches(|c: char| c.is_ascii_digit());
    let name = if before_version.ends_with(char::is_whitespace) { before_version } else { trimmed };
    name.chars().filter(|c| !c.is_whitespace()).collect()
}

fn is_name_char(c: char) -> bool {
    match c {
        '-' | '_' | '.' => true,
        char::REPLACEMENT_CHARACTER => false,
        c if c.is_ascii() => c.is_ascii_alphanumeric(),
        c => !c.is_whitespace() && !c.is_control(),
    }
}

/// The form of a name that is compared: RFC 8601 §5 asks for one form of internationalised names.
fn fold(name: &str) -> Cow<'_, str> {
    let name = name.trim_matches('.');
    if name.is_ascii() && !name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Borrowed(name);
    }
    match Domain::parse(name) {
        Ok(domain) => Cow::Owned(domain.to_string()),
        Err(_) => Cow::Owned(name.to_lowercase()),
    }
}
