//! What is done about mail that would not stay as it was signed, or is not whole.

use crate::section::Section;
use crate::text::{FromText, Problem, Size, one_of};
use filter::Measure;

/// The options of an outbound file that keep what is signed and what is sent the same. They concern mail that is
/// signed; other mail is passed on as it came, since it may bear signatures of others.
///
/// All are `warn` unless the file says otherwise. A refusal after the queue makes a bounce, and what is fixed is no
/// longer octet for octet what the user sent, although everyone who decodes it sees the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Conformity {
    /// `long_lines:`. RFC 5322 §2.1.1: "Each line of characters MUST be no more than 998 characters" and Postfix breaks
    /// longer ones when it sends (`smtp_line_length_limit`). But a server that does not would have delivered them whole.
    pub long_lines: Measure,
    /// `eight_bit:`. Postfix converts when it sends to a server without 8BITMIME; there is hardly one left.
    pub eight_bit: Measure,
    /// `missing_date:`. Postfix adds it for local clients, or with `always_add_missing_headers`. That breaks a
    /// signature only if the absence of the field was signed (`oversign: always`).
    pub missing_date: Measure,
    /// `missing_message_id:`, likewise.
    pub missing_message_id: Measure,
    /// `fix_up_to:`, octets of a body; larger ones are not fixed.
    pub fix_up_to: Option<u64>,
}

impl FromText for Measure {
    const EXPECTED: &'static str = "`off`, `warn`, `refuse` or `fix`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        let words = [("off", Self::Off), ("warn", Self::Warn), ("refuse", Self::Refuse), ("fix", Self::Fix)];
        one_of(text, &words)
    }
}

impl Conformity {
    pub(crate) fn read(file: &mut Section<'_>) -> Self {
        let mut measure = |key| file.value(key).unwrap_or(Measure::Warn);
        Self {
            long_lines: measure("long_lines"),
            eight_bit: measure("eight_bit"),
            missing_date: measure("missing_date"),
            missing_message_id: measure("missing_message_id"),
            fix_up_to: file.value("fix_up_to").map(|Size(octets)| octets),
        }
    }
}
