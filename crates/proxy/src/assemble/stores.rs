//! Databases with keys, as the files name them.

use crate::key::file;
use crate::metrics::Metrics;
use ::stores::{
    Address, Layout, NotBuilt, Password, PostgresSettings, RedisSettings, Selectors, Settings, SourceError,
    Store, Tls,
};
use config::{Database, Fault, Outbound, Place, RedisLayout, Server, ServerAddress};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The stores that are open. Files that name the same one share its connection and what it remembers; so a reload
/// forgets nothing, and keys that are known go on if the database is down just then.
static OPEN: Mutex<Vec<(Settings, Weak<Store>)>> = Mutex::new(Vec::new());

/// The databases of a file, in its order; one that this program was built without is a fault.
pub fn open(outbound: &Outbound, metrics: &Metrics, faults: &mut Vec<Fault>) -> Vec<Arc<Store>> {
    let mut stores = Vec::new();
    for store in outbound.stores() {
        match shared(settings(store, outbound.key_cache), metrics) {
            Ok(open) => stores.push(open),
            Err(error) => faults.push(not_built(store.place, error)),
        }
    }
    stores
}

fn not_built(place: Place, error: NotBuilt) -> Fault {
    let remedy =
        format!("take a build that has it, or build one: cargo build --release --features {}", error.0);
    Fault::unusable(place, error, remedy)
}

/// Asks each database of a file for nobody; gives those that do not answer as they should.
pub async fn probe<'a>(outbound: &'a Outbound, metrics: &Metrics) -> Vec<(&'a config::Store, SourceError)> {
    let mut troubles = Vec::new();
    for named in outbound.stores() {
        let Ok(store) = shared(settings(named, outbound.key_cache), metrics) else { continue };
        if let Err(error) = store.probe().await {
            troubles.push((named, error));
        }
    }
    troubles
}

fn shared(settings: Settings, metrics: &Metrics) -> Result<Arc<Store>, NotBuilt> {
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    open.retain(|(_, store)| store.strong_count() > 0);
    let known = open.iter().find(|(known, _)| *known == settings);
    if let Some(store) = known.and_then(|(_, store)| store.upgrade()) {
        return Ok(store);
    }
    let store = Arc::new(::stores::open(&settings, metrics.store(&settings.name))?);
    open.push((settings, Arc::downgrade(&store)));
    Ok(store)
}

/// What a store goes by. What the file does not say has the store's own default.
fn settings(store: &config::Store, key_cache: Option<usize>) -> Settings {
    let database = match &store.database {
        Database::Postgres { server, dbname, query } => ::stores::Database::Postgres(PostgresSettings {
            address: address(server),
            tls: tls(server),
            user: server.user.clone().unwrap_or_default(),
            password: password(server),
            dbname: dbname.clone(),
            query: query.clone().unwrap_or_else(|| PostgresSettings::QUERY.to_owned()),
        }),
        Database::Redis { server, number, layout } => ::stores::Database::Redis(RedisSettings {
            address: address(server),
            tls: tls(server),
            user: server.user.clone(),
            password: password(server),
            database: number.unwrap_or_default().into(),
            layout: redis_layout(layout.as_ref()),
        }),
    };
    Settings {
        name: store.name.clone(),
        database,
        deadline: store.deadline.unwrap_or(Settings::DEADLINE),
        refresh: store.refresh.unwrap_or(Settings::REFRESH),
        unknown: store.unknown.unwrap_or(Settings::UNKNOWN),
        capacity: key_cache.unwrap_or(Settings::CAPACITY),
    }
}

fn redis_layout(said: Option<&RedisLayout>) -> Layout {
    match said {
        None => Layout::Hash(Layout::KEY.to_owned()),
        Some(RedisLayout::Key(key)) => Layout::Hash(key.clone()),
        Some(RedisLayout::Rspamd { key_prefix, selector }) => Layout::Shared {
            keys: key_prefix.clone(),
            selectors: match selector {
                Ok(hash) => Selectors::Hash(hash.clone()),
                Err(selector) => Selectors::Fixed(selector.to_string()),
            },
        },
    }
}

fn address(server: &Server) -> Address {
    match &server.address {
        ServerAddress::Tcp(host, port) => Address::Tcp(host.clone(), *port),
        ServerAddress::Unix(path) => Address::Unix(path.clone()),
    }
}

fn tls(server: &Server) -> Tls {
    match &server.tls {
        config::Tls::Off => Tls::Off,
        config::Tls::System => Tls::System,
        config::Tls::Authorities(file) => Tls::Authorities(file.value.clone()),
    }
}

fn password(server: &Server) -> Option<Password> {
    let file: PathBuf = server.password_file.as_ref()?.value.clone();
    let read = {
        let file = file.clone();
        move || file::read_password(&file).map_err(|error| error.to_string())
    };
    Some(Password { file, read: Arc::new(read) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::Source;

    fn outbound(keys: &str) -> Outbound {
        let text = format!(
            "role: outbound\nlisten: 127.0.0.1:1\nrelay: 127.0.0.1:2\nsign:\n  - keys:\n      {keys}\n"
        );
        let config = config::read(Source { name: "proxy.yaml".into(), text }, "mx.example.org").unwrap();
        let config::Engine::Outbound(outbound) = config.engine else { panic!("it signs") };
        outbound
    }

    fn open_one(outbound: &Outbound) -> Result<Arc<Store>, String> {
        let mut faults = Vec::new();
        let mut stores = open(outbound, &Metrics::default(), &mut faults);
        stores.pop().ok_or_else(|| faults[0].cause.to_string())
    }

    #[test]
    fn a_database_that_was_not_built_in_is_a_fault_that_names_its_feature() {
        for feature in ["postgres", "redis"] {
            let fault = not_built(Place::START, NotBuilt(feature));
            assert!(fault.is_fatal());
            assert_eq!(fault.cause.to_string(), format!("this dkimgate was built without {feature}"));
            assert!(fault.cause.remedy().ends_with(&format!("cargo build --release --features {feature}")));
        }
    }

    #[cfg(feature = "redis")]
    #[test]
    fn files_that_name_the_same_database_share_a_store() {
        let one = open_one(&outbound("redis: {address: 127.0.0.1:1}")).unwrap();
        let two = open_one(&outbound("redis: {address: 127.0.0.1:1, database: 0}")).unwrap();
        let other = open_one(&outbound("redis: {address: 127.0.0.1:1, database: 1}")).unwrap();
        assert!(Arc::ptr_eq(&one, &two) && !Arc::ptr_eq(&one, &other));
    }

    #[cfg(not(feature = "redis"))]
    #[test]
    fn a_database_that_was_not_built_in_is_named() {
        let fault = open_one(&outbound("redis: {address: 127.0.0.1:1}")).err().unwrap();
        assert_eq!(fault, "this dkimgate was built without redis");
    }

    #[cfg(not(feature = "postgres"))]
    #[test]
    fn a_database_that_was_not_built_in_is_named_too() {
        let fault = open_one(&outbound("postgres: {host: 127.0.0.1, user: a, dbname: b}")).err().unwrap();
        assert_eq!(fault, "this dkimgate was built without postgres");
    }
}
