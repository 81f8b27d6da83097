//! Look-ups in the DNS: what a resolver is, and the two that there are.
//!
//! [`Zone`] is a DNS in memory, read from a file (RFC 1035 §5, or JSON); tests, the demo and `--zone` live on it.
//! [`SystemResolver`] asks real name servers. [`AnyResolver`] is one or the other. [`Primary`] takes changes of a zone.
//! These two are the only parts of this crate that do I/O. [`txt_within`] asks several questions at once and within a [`Budget`], so that no message can
//! make us ask for ever.
//!
//! Names are [`mail::Domain`]s: A-labels, without the final dot, always absolute.

mod any;
mod budget;
mod system;
mod update;
mod zone;

pub use any::{AnyResolver, NameServer};
pub use budget::{Budget, txt_within};
pub use system::{SystemError, SystemResolver, SystemSettings};
pub use update::{NewRecord, Present, Primary, TsigKey, TsigKeyError, UpdateError};
pub use zone::{Zone, ZoneError, ZoneFault};

use mail::Domain;
use std::sync::Arc;
use thiserror::Error;

/// The TXT records of one name, each with its strings put together; or why there are none.
pub type TxtAnswer = Result<Vec<Vec<u8>>, LookupError>;

/// Why a look-up brought nothing back.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum LookupError {
    /// The name does not exist (NXDOMAIN).
    #[error("no such name")]
    NoName,
    /// The name exists, but not with records of this type (an empty answer).
    #[error("no such record")]
    NoData,
    /// Nobody could tell; asking again later may help.
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
}

/// Why nobody could tell.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Unavailable {
    /// No answer in time.
    #[error("DNS time-out")]
    Timeout,
    /// The name server failed (SERVFAIL); a broken DNSSEC chain looks like this too.
    #[error("DNS server failure")]
    ServFail,
    /// The message used up its share of look-ups.
    #[error("too many DNS look-ups")]
    OverBudget,
    /// Anything else: the network, an answer that makes no sense.
    #[error("DNS failure: {0}")]
    Other(String),
}

/// Looks names up.
pub trait Resolver: Send + Sync + 'static {
    /// The TXT records of a name, aliases (CNAME) followed.
    fn txt(&self, name: &Domain) -> impl Future<Output = TxtAnswer> + Send;
}

impl<R: Resolver> Resolver for Arc<R> {
    fn txt(&self, name: &Domain) -> impl Future<Output = TxtAnswer> + Send {
        R::txt(self, name)
    }
}
