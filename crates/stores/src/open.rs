//! From settings to a store.

use crate::settings::{Database, Settings};
use crate::source::SourceError;
use crate::store::Store;
use std::sync::Arc;
use thiserror::Error;

/// This program was built without the database that is asked for.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("this dkimgate was built without {0}")]
pub struct NotBuilt(
    /// The Cargo feature that brings it in.
    pub &'static str,
);

/// Hears what each question to a database came to: nothing if it was answered. What is remembered, and what fails at
/// once because the database is known to be down, is no question.
pub type Observer = Arc<dyn Fn(Option<&SourceError>) + Send + Sync>;

/// A store that goes by these settings; it connects when it is first asked.
///
/// # Errors
///
/// If the Cargo feature of its database is off.
pub fn open(settings: &Settings, observer: Observer) -> Result<Store, NotBuilt> {
    match &settings.database {
        #[cfg(feature = "postgres")]
        Database::Postgres(database) => {
            Ok(Store::new(settings, crate::postgres::Postgres::new(database.clone()), observer))
        }
        #[cfg(not(feature = "postgres"))]
        Database::Postgres(_) => Err(NotBuilt("postgres")),
        #[cfg(feature = "redis")]
        Database::Redis(database) => {
            Ok(Store::new(settings, crate::redis::Redis::new(database.clone()), observer))
        }
        #[cfg(not(feature = "redis"))]
        Database::Redis(_) => Err(NotBuilt("redis")),
    }
}
