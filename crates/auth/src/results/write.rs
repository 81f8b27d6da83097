//! The field written.

use super::lexical::{is_identity, is_token};
use super::{AuthenticationResults, FIELD_NAME, MethodResult, Property};
use mail::{FieldWriter, NewField};

impl AuthenticationResults {
    /// The field, folded. Whatever the values hold, it is one well-formed field.
    #[must_use]
    pub fn write(&self) -> NewField {
        let mut writer = FieldWriter::new(FIELD_NAME);
        writer.word(&value(&self.authserv_id));
        if let Some(version) = self.version {
            writer.word(&version.to_string());
        }
        if self.results.is_empty() {
            writer.glue(";").word("none");
        }
        for result in &self.results {
            writer.glue(";");
            result.write(&mut writer);
        }
        writer.finish()
    }
}

impl MethodResult {
    fn write(&self, writer: &mut FieldWriter) {
        let version = self.version.map(|version| format!("/{version}")).unwrap_or_default();
        writer.word(&format!("{}{version}={}", self.method, self.result));
        if let Some(text) = &self.comment {
            writer.word(&comment(text));
        }
        if let Some(reason) = &self.reason {
            writer.word(&format!("reason={}", value(reason)));
        }
        for Property { ptype, property, value } in &self.properties {
            writer.word(&format!("{ptype}.{property}={}", property_value(value)));
        }
    }
}

/// A token if it is one, else a quoted string.
fn value(text: &str) -> String {
    if is_token(text) { text.to_owned() } else { format!("\"{}\"", escaped(text, &['"', '\\'])) }
}

fn property_value(text: &str) -> String {
    // Of an email identity, RFC 8601 §2.2: "then it MUST use the right-hand portion of that ABNF definition."
    if is_identity(text) { text.to_owned() } else { value(text) }
}

fn comment(text: &str) -> String {
    format!("({})", escaped(text, &['(', ')', '\\']))
}

/// A backslash before what has a meaning. A control character cannot be written at all, and becomes a question mark.
fn escaped(text: &str, special: &[char]) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if special.contains(&c) {
            out.push('\\');
        }
        out.push(if c.is_control() { '?' } else { c });
    }
    out
}
