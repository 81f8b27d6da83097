//! Exit statuses beside 0 and 1: those of sysexits(3), where there is one.

/// The input cannot be used.
pub const UNUSABLE: u8 = 2;
/// `EX_USAGE`: a mistake on the command line.
pub const USAGE: u8 = 64;
/// `EX_IOERR`: the output cannot be written, or the network failed.
pub const IO: u8 = 74;
/// `EX_TEMPFAIL`: the DNS or a database was unavailable; trying again may help.
pub const TEMPORARY: u8 = 75;
/// `EX_CONFIG`: a mistake in the configuration.
pub const CONFIGURATION: u8 = 78;
