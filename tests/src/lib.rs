//! What the end-to-end scenarios are written in.
//!
//! A scenario starts what it needs, speaks SMTP, and looks at what arrived:
//!
//! - [`NextHop`]: an SMTP server that replies as scripted and keeps what it was given.
//! - [`Proxy`]: the built program, `dkimgate run`, with a configuration file of its own.
//! - [`Client`]: an SMTP client, `says` and `hears`.
//! - [`Http`]: an HTTP client, which reads metrics.
//! - [`NameServer`]: a name server that publishes keys.
//! - [`Notices`]: a service manager that listens.
//! - [`Load`]: many clients with one queue, which send each message until it is taken.
//! - [`Postfix`]: Debian's Postfix in directories and on ports of its own, configured as `docs/postfix.md` says.
//! - [`OpenSmtpd`]: Debian's OpenSMTPD, configured as `docs/opensmtpd.md` says.
//! - [`Mailhost`]: Postfix with dkimgate on both sides, the site that the documentation describes.
//! - [`process`]: what a server takes of the processor and the memory.
//! - [`database`]: PostgreSQL and Redis, with keys in them.
//! - [`oracle`]: three other implementations that judge a signature.
//!
//! Every wait has a deadline ([`wait`]), every server a port of its own ([`ports`]), and whatever was started
//! ends when its value is dropped.

// In a test, a panic with the reason in its text is how a failure is told; each function here may do so.
#![allow(clippy::missing_panics_doc)]
// Nothing here is computed for its own sake: what a scenario asks for, it looks at.
#![allow(clippy::must_use_candidate)]

mod binary;
pub mod certificates;
mod client;
pub mod database;
pub mod documentation;
mod http;
pub mod keys;
mod load;
mod log;
mod logins;
mod mailhost;
mod message;
mod name_server;
mod next_hop;
mod notices;
mod opensmtpd;
pub mod oracle;
pub mod ports;
mod postfix;
pub mod primary;
pub mod process;
mod proxy;
pub mod skip;
pub mod tools;
pub mod wait;

pub use binary::program;
pub use client::{Client, Said, Sent};
pub use http::{Http, Metrics};
pub use keys::{Keys, passes};
pub use load::{Load, Queue};
pub use log::Log;
pub use logins::Logins;
pub use mailhost::{Mailhost, MailhostSetup, Use};
pub use message::{Message, corpus};
pub use name_server::NameServer;
pub use next_hop::{NextHop, Script};
pub use notices::Notices;
pub use opensmtpd::OpenSmtpd;
pub use ports::Ports;
pub use postfix::{Postfix, Setup};
pub use proxy::{Proxy, ProxySetup};
