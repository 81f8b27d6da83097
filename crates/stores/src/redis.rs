//! Redis: a hash for each domain, or the two hashes of rspamd.

use crate::dial::{dial, encryption, password};
use crate::settings::{Layout, RedisSettings, Selectors};
use crate::source::{Row, Source, SourceError};
use mail::Domain;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue, RedisConnectionInfo, RedisError};
use zeroize::Zeroizing;

/// A Redis database.
pub(crate) struct Redis(RedisSettings);

impl Redis {
    pub(crate) fn new(settings: RedisSettings) -> Self {
        Self(settings)
    }

    fn login(&self) -> Result<RedisConnectionInfo, SourceError> {
        // What calls itself by its name asks for more rights than reading.
        let mut login = RedisConnectionInfo::default().set_db(self.0.database).set_skip_set_lib_name();
        if let Some(user) = &self.0.user {
            login = login.set_username(user);
        }
        if let Some(password) = password(self.0.password.as_ref())? {
            login = login.set_password(&*password);
        }
        Ok(login)
    }
}

impl Source for Redis {
    type Connection = MultiplexedConnection;

    async fn connect(&self) -> Result<MultiplexedConnection, SourceError> {
        let login = self.login()?;
        let encryption = encryption(&self.0.tls, &self.0.address).await?;
        let mut wire = dial(&self.0.address).await?;
        if let Some(encryption) = encryption {
            let no_tls = |error| SourceError::Unreachable(format!("no TLS: {error}"));
            wire = encryption.apply(wire).await.map_err(no_tls)?;
        }
        // The store sets the end to waiting.
        let waiting = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let (connection, driver) = MultiplexedConnection::new_with_config(&login, wire, waiting)
            .await
            .map_err(|error| told(&error))?;
        tokio::spawn(driver);
        Ok(connection)
    }

    fn is_closed(_: &MultiplexedConnection) -> bool {
        // Nobody can tell before the next command.
        false
    }

    async fn rows(
        &self,
        connection: &MultiplexedConnection,
        domain: &Domain,
    ) -> Result<Vec<Row>, SourceError> {
        match &self.0.layout {
            Layout::Hash(key) => {
                let key = key.replace("$domain", domain.as_str());
                let pairs: Vec<(String, Vec<u8>)> = ask(connection, &["HGETALL", &key]).await?;
                Ok(pairs.into_iter().map(row).collect())
            }
            Layout::Shared { keys, selectors } => {
                let selector = match selectors {
                    Selectors::Fixed(selector) => Some(selector.clone()),
                    Selectors::Hash(hash) => ask(connection, &["HGET", hash, domain.as_str()]).await?,
                };
                let Some(selector) = selector else { return Ok(Vec::new()) };
                let key: Option<Vec<u8>> =
                    ask(connection, &["HGET", keys, &format!("{selector}.{domain}")]).await?;
                Ok(key.map(|key| row((selector, key))).into_iter().collect())
            }
        }
    }
}

async fn ask<T: FromRedisValue>(
    connection: &MultiplexedConnection,
    command: &[&str],
) -> Result<T, SourceError> {
    let mut question = Cmd::new();
    for word in command {
        question.arg(*word);
    }
    question.query_async(&mut connection.clone()).await.map_err(|error| told(&error))
}

fn row((selector, key): (String, Vec<u8>)) -> Row {
    Row { selector, key: Zeroizing::new(key) }
}

/// Whose fault it is. The detail of an answer of another type would quote it, and with it a key.
fn told(error: &RedisError) -> SourceError {
    let lost = error.is_io_error() || error.is_connection_dropped() || error.is_timeout();
    match error.code() {
        Some("LOADING" | "BUSY" | "MASTERDOWN" | "TRYAGAIN" | "CLUSTERDOWN") => {
            SourceError::Unreachable(words(error))
        }
        Some(_) => SourceError::Refused(words(error)),
        None if lost => SourceError::Unreachable(error.to_string()),
        None => SourceError::Shape(error.category().to_owned()),
    }
}

fn words(error: &RedisError) -> String {
    format!("{} {}", error.code().unwrap_or_default(), error.detail().unwrap_or_default())
}
