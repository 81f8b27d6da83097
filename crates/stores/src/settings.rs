//! What a store goes by.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// What a store goes by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// How the log and `explain` call it, such as `postgres at db.example.org:5432/mail`.
    pub name: String,
    /// Which database, and how its keys are found.
    pub database: Database,
    /// How long one look-up may take, a new connection included.
    pub deadline: Duration,
    /// How old the keys of a domain may get before they are looked up again.
    pub refresh: Duration,
    /// How long a domain that the store does not know is not asked for again.
    pub unknown: Duration,
    /// How many domains are remembered, of those that are known and of those that are not.
    pub capacity: usize,
}

impl Settings {
    /// The default of [`Settings::deadline`]: an MTA waits ten minutes, a user less.
    pub const DEADLINE: Duration = Duration::from_secs(5);
    /// The default of [`Settings::refresh`].
    pub const REFRESH: Duration = Duration::from_secs(300);
    /// The default of [`Settings::unknown`].
    pub const UNKNOWN: Duration = Duration::from_secs(30);
    /// The default of [`Settings::capacity`].
    pub const CAPACITY: usize = 1000;
}

/// A database, and how keys are found in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Database {
    /// PostgreSQL
    Postgres(PostgresSettings),
    /// Redis, or what speaks its protocol
    Redis(RedisSettings),
}

/// A PostgreSQL database.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PostgresSettings {
    /// Where the server is.
    pub address: Address,
    /// Whether the connection is encrypted.
    pub tls: Tls,
    /// The role that logs in.
    pub user: String,
    /// Its password, if it needs one.
    pub password: Option<Password>,
    /// The database.
    pub dbname: String,
    /// Asked with the domain as its one parameter; each row is a selector and a private key.
    pub query: String,
}

impl PostgresSettings {
    /// The default of [`PostgresSettings::query`].
    pub const QUERY: &'static str = "SELECT selector, private_key FROM dkim_keys WHERE domain = $1";
    /// Where the server listens by default.
    pub const PORT: u16 = 5432;
}

/// A Redis database.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RedisSettings {
    /// Where the server is.
    pub address: Address,
    /// Whether the connection is encrypted.
    pub tls: Tls,
    /// The user that logs in, if it is not the default one.
    pub user: Option<String>,
    /// The password, if the server asks for one.
    pub password: Option<Password>,
    /// The number of the database.
    pub database: i64,
    /// Where the keys are.
    pub layout: Layout,
}

/// Where keys are in Redis.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Layout {
    /// A hash for each domain, from selectors to private keys; the text is its name, with `$domain` for the domain.
    Hash(String),
    /// One hash for all, from `SELECTOR.DOMAIN` to private keys, as rspamd has it.
    Shared {
        /// The name of that hash.
        keys: String,
        /// The selector of each domain.
        selectors: Selectors,
    },
}

/// The selector of a domain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Selectors {
    /// The same for all.
    Fixed(String),
    /// The one that the hash of this name has for the domain.
    Hash(String),
}

impl Layout {
    /// The default.
    pub const KEY: &'static str = "dkim:$domain";
}

/// Where a server is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Address {
    /// A name or IP address, and a port.
    Tcp(String, u16),
    /// A UNIX socket.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Whether a connection is encrypted, and whom it trusts.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Tls {
    /// It is not.
    #[default]
    Off,
    /// It is, and the certificate authorities of this system are trusted.
    System,
    /// It is, and those in this file are trusted (PEM).
    Authorities(PathBuf),
}

/// A password that is read anew for each connection, so that it can be changed, and is not held in memory.
#[derive(Clone)]
pub struct Password {
    /// The file, for the log.
    pub file: PathBuf,
    /// Reads it; the error is for the log.
    pub read: ReadPassword,
}

/// Reads a password.
pub type ReadPassword = Arc<dyn Fn() -> Result<Zeroizing<String>, String> + Send + Sync>;

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        self.file == other.file
    }
}

impl Eq for Password {}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Password({})", self.file.display())
    }
}
