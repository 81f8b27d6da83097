//! A database that has keys by domain, as an entry of `sign:` names it.

use super::conditions::Text;
use super::options::Options;
use crate::fault::{Fault, Place, Placed};
use crate::network::NextHop;
use crate::section::Section;
use crate::text::{FromText, Problem};
use dkim::Kind;
use mail::Domain;
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A database that has keys by domain. What the file does not say is `None`: its default stands with the store.
#[derive(Clone, Debug)]
pub struct Store {
    /// Where the entry begins.
    pub place: Place,
    /// How the log calls it, such as `postgres at db.example.org:5432/mail`.
    pub name: String,
    /// Which database, and where the keys are in it.
    pub database: Database,
    /// `subdomains:`, whether the parents of a domain are asked for as well.
    pub subdomains: bool,
    /// `deadline:`, how long a look-up may take.
    pub deadline: Option<Duration>,
    /// `refresh:`, how old known keys may get.
    pub refresh: Option<Duration>,
    /// `unknown:`, how long a domain without keys is not asked for again.
    pub unknown: Option<Duration>,
    pub(crate) options: Options,
}

/// Which database.
#[derive(Clone, Debug)]
pub enum Database {
    /// PostgreSQL
    Postgres {
        /// Where it is, and who logs in.
        server: Server,
        /// `dbname:`
        dbname: String,
        /// `query:`
        query: Option<String>,
    },
    /// Redis, or what speaks its protocol
    Redis {
        /// Where it is, and who logs in.
        server: Server,
        /// `database:`, its number.
        number: Option<u16>,
        /// Where the keys are.
        layout: Option<RedisLayout>,
    },
}

/// A server of a database.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where it is: a host and a port, or a UNIX socket.
    pub address: ServerAddress,
    /// `tls:` and `ca_file:`
    pub tls: Tls,
    /// `user:`
    pub user: Option<String>,
    /// `password_file:`, found from wherever the program runs.
    pub password_file: Option<Placed<PathBuf>>,
}

/// Where a server is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ServerAddress {
    /// A name or IP address, and a port.
    Tcp(String, u16),
    /// A UNIX socket.
    Unix(PathBuf),
}

/// Whether a connection is encrypted, and whom it trusts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Tls {
    /// It is not.
    Off,
    /// It is, and the certificate authorities of the system are trusted.
    System,
    /// It is, and those in this file are trusted.
    Authorities(Placed<PathBuf>),
}

/// Where keys are in Redis.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RedisLayout {
    /// `key:`, a hash for each domain.
    Key(String),
    /// `key_prefix:` and `selector_prefix:` or `selector:`, as rspamd has it.
    Rspamd {
        /// The hash of all keys.
        key_prefix: String,
        /// The hash of all selectors, or the one selector of all.
        selector: Result<String, Domain>,
    },
}

/// The words that name a database.
const WORDS: [&str; 2] = ["postgres", "redis"];

impl Store {
    /// Whether an entry names a database. (In a rule, `keys` names a folder.)
    pub(super) fn is_one(section: &Section<'_>) -> bool {
        section.holds_mapping("keys")
    }

    /// Reads an entry that names a database.
    pub(super) fn read(section: &mut Section<'_>, folder: &Path) -> Option<Self> {
        let place = section.place();
        let options = Options::read_style(section);
        if options.words.iter().flatten().any(|word| word.kind == Kind::DomainKeys) {
            section.complain(no_domainkeys(place, "the keys of a database make DKIM signatures only"));
        }
        let subdomains = section.value("subdomains").unwrap_or(false);
        section.section("keys", |keys| {
            let database = Database::read(keys, folder);
            let (deadline, refresh, unknown) =
                (keys.value("deadline"), keys.value("refresh"), keys.value("unknown"));
            let database = database?;
            let name = database.to_string();
            Some(Self { place, name, database, subdomains, deadline, refresh, unknown, options })
        })
    }
}

/// A body is hashed before a database has answered; that of DomainKeys is hashed together with the header.
pub(crate) fn no_domainkeys(place: Place, problem: &str) -> Fault {
    Fault::contradiction(place, problem, "sign with `dkim` instead of `domainkeys` here")
}

impl Database {
    fn read(section: &mut Section<'_>, folder: &Path) -> Option<Self> {
        let named: Vec<&str> = WORDS.into_iter().filter(|word| section.contains(word)).collect();
        if named.len() != 1 {
            let problem = match named.as_slice() {
                [] => "`keys` names no database",
                _ => "`keys` names two databases",
            };
            let remedy = "name one, `postgres` or `redis`; another is an entry of its own";
            section.complain(Fault::contradiction(section.place(), problem, remedy));
        }
        let postgres =
            section.has("postgres").then(|| section.section("postgres", |it| postgres(it, folder)));
        let redis = section.has("redis").then(|| section.section("redis", |it| redis(it, folder)));
        postgres.or(redis).flatten()
    }

    /// Where it is, and who logs in.
    #[must_use]
    pub fn server(&self) -> &Server {
        match self {
            Self::Postgres { server, .. } | Self::Redis { server, .. } => server,
        }
    }
}

fn postgres(section: &mut Section<'_>, folder: &Path) -> Option<Database> {
    const PORT: u16 = 5432;
    for (key, expected) in
        [("host", Host::EXPECTED), ("user", "the role that logs in"), ("dbname", "the name of the database")]
    {
        section.require(key, expected);
    }
    let port = section.value::<Port>("port").map_or(PORT, |Port(port)| port);
    let address = section.value::<Host>("host").map(|host| match host {
        Host::Name(name) => ServerAddress::Tcp(name, port),
        Host::Folder(folder) => ServerAddress::Unix(folder.join(format!(".s.PGSQL.{port}"))),
    });
    let server = Server::read(section, folder, address);
    let dbname = section.value("dbname").map(|Text(name)| name);
    let query = section.placed::<Query>("query").map(|query| query.value.0);
    Some(Database::Postgres { server: server?, dbname: dbname?, query })
}

fn redis(section: &mut Section<'_>, folder: &Path) -> Option<Database> {
    section.require("address", NextHop::EXPECTED);
    let address = section.value("address").map(|address| match address {
        NextHop::Address(address) => ServerAddress::Tcp(address.ip().to_string(), address.port()),
        NextHop::Host(host, port) => ServerAddress::Tcp(host.to_string(), port),
        NextHop::Unix(path) => ServerAddress::Unix(path),
    });
    let server = Server::read(section, folder, address);
    let number = section.value::<DatabaseNumber>("database").map(|DatabaseNumber(number)| number);
    let layout = layout(section);
    Some(Database::Redis { server: server?, number, layout })
}

fn layout(section: &mut Section<'_>) -> Option<RedisLayout> {
    let key = section.placed::<DomainPattern>("key");
    let key_prefix = section.value::<Text>("key_prefix");
    let selector_prefix = section.value::<Text>("selector_prefix").map(|Text(hash)| Ok(hash));
    let selector = selector_prefix.or(section.value::<Domain>("selector").map(Err));
    let complaint = match (&key, &key_prefix, &selector) {
        (Some(_) | None, None, None) | (None, Some(_), Some(_)) => None,
        (Some(_), ..) => Some(("`key` stands beside rspamd's `key_prefix`", "keep one of them")),
        (None, Some(_), None) => {
            Some(("`key_prefix` needs the selectors", "add `selector_prefix`, or `selector` for all domains"))
        }
        (None, None, Some(_)) => Some(("selectors without `key_prefix`", "name the hash of the keys")),
    };
    if let Some((problem, remedy)) = complaint {
        section.complain(Fault::contradiction(section.place(), problem, remedy));
    }
    match (key, key_prefix, selector) {
        (Some(key), ..) => Some(RedisLayout::Key(key.value.0)),
        (None, Some(Text(key_prefix)), Some(selector)) => Some(RedisLayout::Rspamd { key_prefix, selector }),
        (None, ..) => None,
    }
}

impl Server {
    fn read(section: &mut Section<'_>, folder: &Path, address: Option<ServerAddress>) -> Option<Self> {
        let located = |path: Placed<PathBuf>| Placed { value: folder.join(path.value), ..path };
        let tls = section.value::<bool>("tls");
        let ca_file = section.placed("ca_file").map(located);
        let user = section.value("user").map(|Text(user)| user);
        let password_file = section.placed("password_file").map(located);
        let address = address?;
        if tls.is_none() && ca_file.is_none() && !address.is_near() {
            let problem =
                format!("private keys come from {address} over the network, and nothing encrypts them");
            let remedy = "add `tls: true`; or `tls: false` if you trust that network";
            section.complain(Fault::doubtful(section.place(), problem, remedy));
        }
        let encrypted = tls.unwrap_or(ca_file.is_some());
        if let Some(fault) = encryption_fault(section.place(), encrypted, ca_file.is_some(), &address) {
            section.complain(fault);
        }
        let tls = match ca_file {
            _ if !encrypted => Tls::Off,
            Some(ca_file) => Tls::Authorities(ca_file),
            None => Tls::System,
        };
        Some(Self { address, tls, user, password_file })
    }
}

fn encryption_fault(place: Place, encrypted: bool, ca_file: bool, address: &ServerAddress) -> Option<Fault> {
    if encrypted && matches!(address, ServerAddress::Unix(_)) {
        let remedy = "take `tls` and `ca_file` out: nobody else reads what goes over it";
        return Some(Fault::contradiction(place, "TLS is not for UNIX sockets", remedy));
    }
    (ca_file && !encrypted)
        .then(|| Fault::contradiction(place, "`ca_file` stands beside `tls: false`", "take one of them out"))
}

impl ServerAddress {
    /// Whether nothing goes over a network.
    fn is_near(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Tcp(host, _) => {
                host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            }
        }
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postgres { server, dbname, .. } => write!(f, "postgres at {}/{dbname}", server.address),
            Self::Redis { server, number, .. } => {
                write!(f, "redis at {}/{}", server.address, number.unwrap_or_default())
            }
        }
    }
}

/// The host of a PostgreSQL server, as its own tools take it.
enum Host {
    Name(String),
    Folder(PathBuf),
}

impl FromText for Host {
    const EXPECTED: &'static str = "a host name or IP address, or the folder of the UNIX socket, such as `127.0.0.1`, `db.example.org` or `/run/postgresql`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        if text.starts_with('/') {
            return Ok(Self::Folder(text.into()));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Name(address.to_string()));
        }
        let name = Domain::parse(text);
        name.map(|name| Self::Name(name.to_string()))
            .map_err(|error| Problem::new(format!("which is no host ({error})")))
    }
}

struct Port(u16);

impl FromText for Port {
    const EXPECTED: &'static str = "a port, such as `5432`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        let port = text.parse::<NonZeroU16>();
        port.map(|port| Self(port.get())).map_err(|_| Problem::new("which is not between 1 and 65535"))
    }
}

struct DatabaseNumber(u16);

impl FromText for DatabaseNumber {
    const EXPECTED: &'static str = "the number of a database, such as `0`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        text.parse().map(Self).map_err(|_| Problem::new("which is no such number"))
    }
}

/// A query with one parameter.
struct Query(String);

impl FromText for Query {
    const EXPECTED: &'static str =
        "a query whose rows are a selector and a private key, with `$1` for the domain";

    fn from_text(text: &str) -> Result<Self, Problem> {
        // `$10` would be the tenth.
        let asks =
            text.match_indices("$1").any(|(at, _)| !text[at + 2..].starts_with(|c: char| c.is_ascii_digit()));
        if asks { Ok(Self(text.to_owned())) } else { Err(Problem::new("which has no `$1` for the domain")) }
    }
}

/// The name of something that each domain has.
struct DomainPattern(String);

impl FromText for DomainPattern {
    const EXPECTED: &'static str = "the name of the hash of a domain, such as `dkim:$domain`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        if text.contains("$domain") {
            Ok(Self(text.to_owned()))
        } else {
            Err(Problem::new("which has no `$domain` in it"))
        }
    }
}
