//! PostgreSQL: one query for each domain.
//!
//! The query goes as one unnamed statement with its parameter typed as `text`, so that nothing is prepared on the
//! server, and a pooler such as `PgBouncer` may stand between.

use crate::dial::{Encryption, Wire, dial, encryption, password};
use crate::keys::{LARGEST_KEY, MOST_KEYS};
use crate::settings::PostgresSettings;
use crate::source::{Row, Source, SourceError};
use futures_util::TryStreamExt;
use mail::Domain;
use std::pin::{Pin, pin};
use std::sync::Arc;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{ChannelBinding, NoTls, TlsConnect, TlsStream};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, Error};
use zeroize::Zeroizing;

/// A PostgreSQL database.
pub(crate) struct Postgres(PostgresSettings);

impl Postgres {
    pub(crate) fn new(settings: PostgresSettings) -> Self {
        Self(settings)
    }

    fn login(&self) -> Result<Config, SourceError> {
        let mut config = Config::new();
        config.user(&self.0.user).dbname(&self.0.dbname).application_name("dkimgate");
        if let Some(password) = password(self.0.password.as_ref())? {
            config.password(password.as_bytes());
        }
        Ok(config)
    }
}

impl Source for Postgres {
    type Connection = Arc<Client>;

    async fn connect(&self) -> Result<Arc<Client>, SourceError> {
        let mut config = self.login()?;
        let encryption = encryption(&self.0.tls, &self.0.address).await?;
        let wire = dial(&self.0.address).await?;
        let client = match encryption {
            None => {
                config.ssl_mode(SslMode::Disable);
                let (client, connection) =
                    config.connect_raw(wire, NoTls).await.map_err(|error| told(&error))?;
                tokio::spawn(connection);
                client
            }
            Some(encryption) => {
                config.ssl_mode(SslMode::Require);
                let (client, connection) =
                    config.connect_raw(wire, encryption).await.map_err(|error| told(&error))?;
                tokio::spawn(connection);
                client
            }
        };
        Ok(Arc::new(client))
    }

    fn is_closed(connection: &Arc<Client>) -> bool {
        connection.is_closed()
    }

    async fn rows(&self, connection: &Arc<Client>, domain: &Domain) -> Result<Vec<Row>, SourceError> {
        let domain = domain.as_str();
        let parameters: [(&(dyn ToSql + Sync), Type); 1] = [(&domain, Type::TEXT)];
        let stream =
            connection.query_typed_raw(&self.0.query, parameters).await.map_err(|error| told(&error))?;
        let mut stream = pin!(stream);
        let mut rows = Vec::new();
        while let Some(row) = stream.try_next().await.map_err(|error| told(&error))? {
            rows.push(read(&row)?);
            if rows.len() > MOST_KEYS {
                break;
            }
        }
        Ok(rows)
    }
}

/// The first two columns.
fn read(row: &tokio_postgres::Row) -> Result<Row, SourceError> {
    if row.len() < 2 {
        let problem = "the query has to give two columns, the selector and the private key";
        return Err(SourceError::Shape(problem.to_owned()));
    }
    let selector = row.try_get::<_, &str>(0).map_err(|error| shape("selector", &error))?;
    let key = row.try_get::<_, &str>(1).map(str::as_bytes);
    let key = key.or_else(|_| row.try_get::<_, &[u8]>(1)).map_err(|error| shape("private key", &error))?;
    // More of it is not needed to see that it is too long.
    let key = &key[..key.len().min(LARGEST_KEY + 1)];
    Ok(Row { selector: selector.to_owned(), key: Zeroizing::new(key.to_vec()) })
}

/// A column that is NULL or of another type; the error tells of types, and of no value.
fn shape(column: &str, error: &Error) -> SourceError {
    SourceError::Shape(format!("the {column} is no text: {}", words(error)))
}

/// Whose fault it is.
fn told(error: &Error) -> SourceError {
    match error.as_db_error() {
        // Class 57 is for a server that shuts down or starts (57P01 to 57P03), 53 for one that has no room.
        Some(said) if ["57", "53"].iter().any(|class| said.code().code().starts_with(class)) => {
            SourceError::Unreachable(said.message().to_owned())
        }
        // Its message only: what stands beside it may quote a value.
        Some(said) => SourceError::Refused(said.message().to_owned()),
        None => SourceError::Unreachable(words(error)),
    }
}

/// An error with its cause.
fn words(error: &Error) -> String {
    let cause = std::error::Error::source(error);
    cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

impl TlsConnect<Wire> for Encryption {
    type Stream = Wire;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<Wire>> + Send>>;

    fn connect(self, wire: Wire) -> Self::Future {
        Box::pin(self.apply(wire))
    }
}

impl TlsStream for Wire {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}
