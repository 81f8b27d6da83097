//! Private keys in databases that a site has already.
//!
//! ```text
//!   Store ── memory: what is known ──► flight: one look-up a domain ──► line: one connection, a deadline ──► Source
//!                                                                                                  postgres, redis
//! ```
//!
//! A [`Store`] has the keys of domains, and remembers them: those that it knows go on being used while the database
//! is down, whatever else is asked for has no answer then. It is the only thing that instances of dkimgate on several
//! machines share, and none of them writes to it.
//!
//! Features `postgres` and `redis` bring the two databases in. They only add: without them this crate still compiles,
//! and [`open`] says what is missing.
#![cfg_attr(
    not(any(feature = "postgres", feature = "redis")),
    allow(
        dead_code,
        unused_variables,
        clippy::needless_pass_by_value,
        reason = "without a database no store is ever opened"
    )
)]

mod dial;
mod keys;
mod line;
mod memory;
mod open;
mod outage;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
mod settings;
mod source;
mod store;

pub use open::{NotBuilt, Observer, open};
pub use settings::{
    Address, Database, Layout, Password, PostgresSettings, ReadPassword, RedisSettings, Selectors, Settings,
    Tls,
};
pub use source::SourceError;
pub use store::Store;
