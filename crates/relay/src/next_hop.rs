//! Connections to the next hop.

mod connect;
mod connection;
mod fault;
mod pool;

pub(crate) use connection::{Ask, Connection};
pub(crate) use fault::Fault;
pub(crate) use pool::Pool;
