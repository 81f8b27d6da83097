//! The Authentication-Results field (RFC 8601, RFC 6008, RFC 8616).

mod claim;
mod lexical;
mod parse;
mod write;

pub use claim::AuthservId;
pub use parse::ParseError;

/// The name of the field.
pub const FIELD_NAME: &str = "Authentication-Results";

/// What one authentication service says of a message.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AuthenticationResults {
    /// Who says it (RFC 8601 §2.5).
    pub authserv_id: String,
    /// The version of the field's specification, if it is named; none means 1.
    pub version: Option<u32>,
    /// What each method found; nothing at all is written as `none`.
    pub results: Vec<MethodResult>,
}

/// What one method found, of one signature or one identity.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MethodResult {
    /// The method: `dkim`, `spf` and the like.
    pub method: String,
    /// The version of the method, if it is named; none means 1.
    pub version: Option<u32>,
    /// The result word: `pass`, `fail` and the like.
    pub result: String,
    /// A comment behind the result word, without its parentheses. Text from the message has no place here.
    pub comment: Option<String>,
    /// `reason=`.
    pub reason: Option<String>,
    /// Of what properties of the message this is said.
    pub properties: Vec<Property>,
}

/// One `ptype.property=value`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Property {
    /// Where the property was found: `header`, `smtp`, `policy`, `body`.
    pub ptype: String,
    /// What it is, such as `d`.
    pub property: String,
    /// Its value, without the quoting.
    pub value: String,
}

impl MethodResult {
    /// A method and its result, with nothing else said yet.
    #[must_use]
    pub fn new(method: &str, result: &str) -> Self {
        Self { method: method.to_owned(), result: result.to_owned(), ..Self::default() }
    }

    /// Adds a comment.
    #[must_use]
    pub fn comment(mut self, comment: impl Into<String>) -> Self {
        self.comment = Some(comment.into());
        self
    }

    /// Adds a reason.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Adds a property.
    #[must_use]
    pub fn property(mut self, ptype: &str, property: &str, value: impl Into<String>) -> Self {
        let (ptype, property) = (ptype.to_owned(), property.to_owned());
        self.properties.push(Property { ptype, property, value: value.into() });
        self
    }
}

#[cfg(test)]
mod tests;
