//! The SMTP front end: takes messages from clients, shows them to a filter, and passes them to the next hop.
//!
//! It never owns a message. The client hears 250 for its content only after the next hop said so for the same
//! content; whatever breaks, the client still has the message.
//!
//! ```text
//!  client ──► listener ──► session ──► transaction ──► intake ──► filter
//!                                          │              │
//!                                          ▼              ▼
//!                           next hop ◄── delivery ◄──── store
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`settings`] | everything that can be set, with its default |
//! | [`access`] | which clients may connect |
//! | `listener` | where clients connect: TCP and UNIX sockets |
//! | `serve` | accepting, overload, drain |
//! | `burst` | what is told once, however often it happens |
//! | `session` | one client's connection |
//! | `transaction` | one message's envelope, on its way through |
//! | `intake` | one message's content, on its way in |
//! | `store` | a body, in memory or in a file without a name |
//! | `fitness` | content that servers on the way would change, set right |
//! | `delivery` | one message's content, on its way out |
//! | `next_hop` | connections to the next hop, kept and replaced |
//! | `log` | one line for each message |
//! | `observer` | who counts what happens |

#![allow(clippy::disallowed_methods, reason = "deadlines are kept here")]

pub mod access;
mod burst;
mod delivery;
mod fitness;
mod intake;
mod listener;
mod log;
mod next_hop;
mod observer;
mod serve;
mod session;
pub mod settings;
mod store;
mod stream;
mod transaction;
mod wait;

pub use fitness::{told, words as unfit_words};
pub use listener::{Listener, Rights};
pub use observer::{Answer, FAULTS, OUTCOMES, Observed, Observer, TurnedAway};
pub use serve::Relay;
pub use settings::{Deadlines, Fitness, Kept, Limits, Protocol, Settings, Target};
pub use smtp::content::{Repair, Repairs};
