//! Keys: made, kept in files, published in the DNS.

pub mod file;
pub mod generate;
pub mod record;
