//! Records that are entered by dynamic update: the settings for it, and what is done.

use super::file::{self, KeyFileError};
use super::record::Publication;
use crate::host;
use crate::input::{self, InputError};
use dkim::{KeyFlaw, KeyRecord, PublicKey, key_flaws};
use dns::{NewRecord, Primary, TsigKey, TsigKeyError, UpdateError};
use mail::Domain;
use serde::Deserialize;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// How long others may keep a record, in seconds, if the settings do not say.
const TTL: u32 = 3600;
const DNS_PORT: u16 = 53;

/// A file of settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The primary server: a name or an address, with a port or without.
    server: String,
    /// The file with the shared secret.
    key: PathBuf,
    /// The zone; left out, the server says which it is.
    zone: Option<String>,
    ttl: Option<u32>,
}

/// Why nothing can be entered, whatever it is.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// It does not say what it should.
    #[error("{}: {problem}; expected `server`, `key`, and if you like `zone` and `ttl`", path.display())]
    Form {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and where.
        problem: String,
    },
    /// The server's name has no address.
    #[error("{}: `server` is `{server}`, which has no address: {source}", path.display())]
    Server {
        /// Which file.
        path: PathBuf,
        /// What it says.
        server: String,
        /// Why.
        source: io::Error,
    },
    /// The secret cannot be read, or others can read it.
    #[error(transparent)]
    Secret(#[from] KeyFileError),
    /// The secret is none.
    #[error("{}: {source}", path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: TsigKeyError,
    },
}

/// Why a record was not entered.
#[derive(Debug, Error)]
pub enum EntryError {
    /// The server did not do it.
    #[error("{server} with key {key}: {source}\n      → {}", .source.remedy())]
    Server {
        /// Which server.
        server: SocketAddr,
        /// With which key it was asked.
        key: String,
        /// Why.
        source: UpdateError,
    },
    /// The name belongs to somebody else.
    #[error(
        "another record stands at {name}, and is left alone: {text}\n      → remove it, or take another selector"
    )]
    Foreign {
        /// Which name.
        name: Domain,
        /// What stands there.
        text: String,
    },
    /// The name is an alias, which can have no record.
    #[error(
        "{name} is an alias (CNAME) of {target}, so its record is kept there\n      → enter it there, or remove the alias"
    )]
    Alias {
        /// Which name.
        name: Domain,
        /// Of what.
        target: String,
    },
}

impl EntryError {
    /// Whether the same may go well later.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Server { source, .. } => source.is_temporary(),
            Self::Foreign { .. } | Self::Alias { .. } => false,
        }
    }
}

/// What was done about a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Done {
    /// It was entered.
    Entered,
    /// It was there already.
    Present,
    /// There was nothing to revoke: what stands at the name is of another key.
    Absent,
}

impl Done {
    /// In a sentence.
    pub fn said(self, record: &Publication, updater: &Updater) -> String {
        let name = record.name();
        match self {
            Self::Entered => format!("{updater} has taken the record of {name}."),
            Self::Present => format!("{updater} has the record of {name} already."),
            Self::Absent => format!("{updater} has no record of this key at {name}."),
        }
    }
}

/// Enters records.
pub struct Updater {
    primary: Primary,
    zone: Option<Domain>,
    ttl: u32,
}

impl Updater {
    /// Reads the settings, and the secret that they name.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let text = input::bytes(path)?;
        let form = |problem: String| SettingsError::Form { path: path.to_owned(), problem };
        let settings: Settings =
            serde_saphyr::from_slice(&text).map_err(|error| form(error.to_string().trim_end().to_owned()))?;
        let zone = settings.zone.as_deref().map(Domain::parse).transpose();
        let zone = zone.map_err(|error| form(format!("`zone`: {error}")))?;
        let server = address(&settings.server).map_err(|source| SettingsError::Server {
            path: path.to_owned(),
            server: settings.server.clone(),
            source,
        })?;
        let keyfile = path.parent().unwrap_or(Path::new("")).join(&settings.key);
        let secret = file::guarded(&keyfile)?;
        let key = std::str::from_utf8(&secret).map_err(|_| TsigKeyError::Form).and_then(TsigKey::parse);
        let key = key.map_err(|source| SettingsError::Key { path: keyfile, source })?;
        Ok(Self { primary: Primary { server, key }, zone, ttl: settings.ttl.unwrap_or(TTL) })
    }

    /// Enters the record of a key, where there is none yet.
    pub async fn publish(&self, record: &Publication, key: &PublicKey) -> Result<Done, EntryError> {
        self.enter(record, |texts| if is_of(texts, key) { Standing::Done } else { Standing::Foreign }).await
    }

    /// Enters that a key is revoked, in the place of its record. Without a record nothing has to be done.
    pub async fn revoke(&self, record: &Publication, key: Option<&PublicKey>) -> Result<Done, EntryError> {
        let standing = |texts: &[Vec<u8>]| match key {
            _ if texts.iter().all(|text| is_revoked(text)) => Standing::Done,
            Some(key) if is_of(texts, key) => Standing::Ours,
            _ => Standing::Foreign,
        };
        self.enter(record, standing).await
    }

    async fn enter(
        &self,
        record: &Publication,
        standing: impl Fn(&[Vec<u8>]) -> Standing,
    ) -> Result<Done, EntryError> {
        let (name, now) = (record.name(), host::now());
        let failed = |source| self.failed(source);
        let present = self.primary.txt(name, now).await.map_err(failed)?;
        if let Some(target) = present.alias() {
            return Err(EntryError::Alias { name: name.clone(), target: target.to_owned() });
        }
        let texts = present.texts();
        let is_revocation = is_revoked(record.text().as_bytes());
        match standing(&texts) {
            _ if texts.is_empty() && !is_revocation => {}
            Standing::Ours => {}
            Standing::Done => return Ok(Done::Present),
            Standing::Foreign => {
                let text = texts.iter().map(|text| text.escape_ascii().to_string()).collect::<Vec<_>>();
                return Err(EntryError::Foreign { name: name.clone(), text: text.join(", ") });
            }
        }
        let zone = match &self.zone {
            Some(zone) => zone.clone(),
            None => self.primary.zone_of(name, now).await.map_err(failed)?,
        };
        let record = NewRecord { zone: &zone, text: record.text(), ttl: self.ttl };
        self.primary.put(&present, record, now).await.map_err(failed)?;
        Ok(Done::Entered)
    }

    fn failed(&self, source: UpdateError) -> EntryError {
        EntryError::Server { server: self.primary.server, key: self.primary.key.to_string(), source }
    }
}

impl fmt::Display for Updater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.primary.server.fmt(f)
    }
}

/// What stands at a name, for what is to be done there.
enum Standing {
    /// It is as it should be.
    Done,
    /// It is ours to change.
    Ours,
    /// It is somebody else's.
    Foreign,
}

/// Whether records publish a key, and nothing else.
fn is_of(texts: &[Vec<u8>], key: &PublicKey) -> bool {
    !key_flaws(texts, key).iter().any(KeyFlaw::is_fatal)
}

fn is_revoked(text: &[u8]) -> bool {
    KeyRecord::parse(text).is_ok_and(|record| record.key.is_none())
}

fn address(server: &str) -> io::Result<SocketAddr> {
    if let Ok(address) = server.parse() {
        return Ok(address);
    }
    if let Ok(ip) = server.parse::<IpAddr>() {
        return Ok((ip, DNS_PORT).into());
    }
    let mut found = if server.contains(':') {
        server.to_socket_addrs()?
    } else {
        (server, DNS_PORT).to_socket_addrs()?
    };
    found.next().ok_or_else(|| io::ErrorKind::NotFound.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    const KEY: &str = "key \"k\" { algorithm hmac-sha256; secret \"c2VjcmV0\"; };";

    /// What is said of settings and a secret of this mode.
    fn read(settings: &str, key: &str, mode: u32) -> Result<Updater, String> {
        let folder = tempfile::tempdir().unwrap();
        let [path, keyfile] = ["update.yaml", "tsig.key"].map(|name| folder.path().join(name));
        fs::write(&path, settings).unwrap();
        fs::write(&keyfile, key).unwrap();
        fs::set_permissions(&keyfile, Permissions::from_mode(mode)).unwrap();
        let folder = format!("{}/", folder.path().display());
        Updater::read(&path).map_err(|error| error.to_string().replace(&folder, ""))
    }

    #[test]
    fn settings_have_defaults() {
        let updater = read("server: 192.0.2.1\nkey: tsig.key\n", KEY, 0o600).unwrap();
        assert_eq!((updater.to_string().as_str(), updater.zone, updater.ttl), ("192.0.2.1:53", None, 3600));
        let all = "server: '[::1]:5353'\nkey: tsig.key\nzone: example.org\nttl: 60\n";
        let updater = read(all, KEY, 0o640).unwrap();
        assert_eq!(
            (updater.primary.server.port(), updater.zone.unwrap().as_str(), updater.ttl),
            (5353, "example.org", 60)
        );
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let settings = "server: 192.0.2.1\nkey: tsig.key\n";
        for (settings, key, mode, expected) in [
            (settings, KEY, 0o604, "tsig.key (mode 0604) is open to every user of this system"),
            (settings, "key", 0o600, "tsig.key: no TSIG key"),
            ("server: 192.0.2.1\nkey: absent\n", KEY, 0o600, "cannot read absent"),
            ("key: tsig.key\n", KEY, 0o600, "update.yaml: "),
            ("server: 192.0.2.1\nkey: tsig.key\nzone: a..b\n", KEY, 0o600, "update.yaml: `zone`"),
            ("server: 192.0.2.1\nkey: tsig.key\nsecret: x\n", KEY, 0o600, "update.yaml: "),
            (
                "server: 'x:y:z'\nkey: tsig.key\n",
                KEY,
                0o600,
                "update.yaml: `server` is `x:y:z`, which has no address",
            ),
        ] {
            let error = read(settings, key, mode).err().unwrap_or_default();
            assert!(error.starts_with(expected), "{expected}: {error}");
            assert!(!error.contains("c2VjcmV0"), "{error}");
        }
    }
}
