//! What a database is to a store: something to connect to, and to ask for a domain.

use mail::Domain;
use std::time::Duration;
use thiserror::Error;
use zeroize::Zeroizing;

/// A database.
pub(crate) trait Source: Send + Sync + 'static {
    /// A connection that several look-ups may use at a time.
    type Connection: Clone + Send + Sync + 'static;

    /// Connects and logs in.
    fn connect(&self) -> impl Future<Output = Result<Self::Connection, SourceError>> + Send;

    /// Whether a connection is known to have ended.
    fn is_closed(connection: &Self::Connection) -> bool;

    /// All that there is for a domain; one row more than [`crate::keys::MOST_KEYS`] is enough to be too many.
    fn rows(
        &self,
        connection: &Self::Connection,
        domain: &Domain,
    ) -> impl Future<Output = Result<Vec<Row>, SourceError>> + Send;
}

/// A selector and its private key, as the database has them.
pub(crate) struct Row {
    pub(crate) selector: String,
    pub(crate) key: Zeroizing<Vec<u8>>,
}

/// Why a database has no answer. The texts hold no password and nothing of a key.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum SourceError {
    /// Nobody answers there, or the connection has broken.
    #[error("out of reach: {0}")]
    Unreachable(String),
    /// No answer in time.
    #[error("no answer within {0:?}")]
    TooSlow(Duration),
    /// It answers, and says no: to the login, the query, the name of the table.
    #[error("it says: {0}")]
    Refused(String),
    /// We cannot even ask it: the password file, the certificates.
    #[error("{0}")]
    Ourselves(String),
    /// The answer is not of the shape that was asked for.
    #[error("its answer does not fit: {0}")]
    Shape(String),
}

impl SourceError {
    /// Whether others who ask now would wait for nothing too.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::TooSlow(_) => true,
            Self::Refused(_) | Self::Ourselves(_) | Self::Shape(_) => false,
        }
    }
}
