//! The bytes and names of a mail message (RFC 5322, RFC 6532, RFC 5890).
//!
//! What came in is never written anew: a [`Header`] is the octets of the header section with the places of its
//! fields, and a [`Field`] is a slice of them. Only fields of our own ([`NewField`]) are folded, by [`FieldWriter`].
//! The one exception is asked for: [`conversion`] encodes parts that a transport would change.

mod address;
mod author;
pub mod conversion;
mod domain;
mod header;
pub mod local_part;
mod reader;
mod write;

pub use address::{AddressError, Mailbox, parse_mailboxes};
pub use author::{Author, AuthorError};
pub use domain::{Domain, DomainError};
pub use header::{Field, Header};
pub use reader::{HeaderProgress, HeaderReader, HeaderTooLarge};
pub use write::{FieldWriter, NewField};
