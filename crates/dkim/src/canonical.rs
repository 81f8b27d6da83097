//! Canonical forms of body and header (RFC 6376 §3.4, RFC 4870 §3.4.2).

mod body;
mod header;
mod nofws;
mod relaxed;
mod simple;
mod spot;
mod tail;

pub use body::{BodyCanonicalizer, BodyForm};
pub(crate) use header::HeaderForm;

#[cfg(test)]
mod tests;
