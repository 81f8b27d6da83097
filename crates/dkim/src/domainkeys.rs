//! DomainKeys signatures (RFC 4870): the older family, read where mail still bears it.
//!
//! What is unlike DKIM: one SHA-1 over header and body together, no `bh=`; the header that counts is the one below the
//! signature; and the key is asked whether it is for the sender.

pub(crate) mod sign;
pub(crate) mod signature;
pub(crate) mod verify;
