//! The two engines: what is done with mail on the way out, and on the way in.
//!
//! Both implement [`filter::Filter`]. They decide, and know no wire protocol; what they decide with comes from
//! [`dkim`], [`auth`] and [`dns`], which report facts and decide nothing. They do no I/O: look-ups go through a
//! [`dns::Resolver`], private keys come from a [`outbound::KeyStore`], and the time from a [`Clock`].
//!
//! - [`outbound`]: which signatures a message gets, by rules, and why it gets none;
//! - [`inbound`]: what its signatures are worth, and which fields on it are forged.

mod clock;
pub mod inbound;
pub mod outbound;

pub use clock::{Clock, Randomness};
pub use inbound::{Inbound, InboundSettings};
pub use outbound::{Outbound, OutboundSettings};

#[cfg(test)]
mod tests;
