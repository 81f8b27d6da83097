//! What is said of a message's authentication: read, checked, and written.
//!
//! [`results`] is the Authentication-Results field (RFC 8601): its [grammar](results::AuthenticationResults) both
//! ways, and [`AuthservId`], which knows a field that claims to be ours however it is dressed up.

pub mod results;

pub use results::{AuthenticationResults, AuthservId, MethodResult, ParseError, Property};
