//! DKIM signatures (RFC 6376).

mod coverage;
mod identity;
pub(crate) mod sign;
pub(crate) mod signature;
pub(crate) mod verify;
