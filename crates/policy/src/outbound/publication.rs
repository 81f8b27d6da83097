//! Whether the record of a key is published, as far as anybody knows.
//!
//! The engine looks nothing up: it asks [`Publications`], and waits for the answer while the body comes in.

use super::template::ChosenSignature;
use dkim::PublicKey;
use std::pin::Pin;

/// What is known of the record by which a signature is verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Standing {
    /// It is published, or it need not be.
    Published,
    /// It is not there, or not as it should be; why, in words for the log.
    Unpublished(String),
    /// Nobody could tell so far; why, in words for the log.
    Unknown(String),
}

/// An answer that may take a while. Whoever gives it keeps the time: the message waits for it.
pub type Awaited = Pin<Box<dyn Future<Output = Standing> + Send>>;

/// Knows which records are published. Whoever implements it does the look-ups.
pub trait Publications: Send + Sync + 'static {
    /// What is known of the record of a signature that is about to be made with this key.
    ///
    /// A look-up that this takes begins at once, not only when the answer is waited for.
    fn standing(&self, signature: &ChosenSignature, key: &PublicKey) -> Awaited;
}
