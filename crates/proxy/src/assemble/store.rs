//! Private keys while mail is signed: those read at the start, from files and tables, and files read when they are first needed.

use crate::key::file;
use dkim::PrivateKey;
use policy::outbound::{KeyCache, KeyFault, KeyName, KeyStore};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// So many keys are held beside those read at the start. Each takes some five thousand octets.
const CACHED: usize = 1000;

/// All keys of a file.
pub struct Keys {
    loaded: config::Keys,
    others: KeyCache<Files>,
}

impl Keys {
    /// Keys that are there already, and room for so many others.
    pub fn new(loaded: config::Keys, cached: Option<usize>) -> Self {
        Self { loaded, others: KeyCache::new(Files, cached.unwrap_or(CACHED)) }
    }
}

impl KeyStore for Keys {
    fn key(&self, name: &KeyName) -> Result<Arc<dyn PrivateKey>, KeyFault> {
        match self.loaded.get(name) {
            Some(key) => Ok(Arc::clone(key)),
            None => self.others.key(name),
        }
    }
}

/// Key files, by their path.
struct Files;

impl KeyStore for Files {
    fn key(&self, name: &KeyName) -> Result<Arc<dyn PrivateKey>, KeyFault> {
        let path = Path::new(name.as_str());
        match file::read_guarded(path) {
            Ok(key) => Ok(Arc::new(key)),
            Err(file::KeyFileError::Unreadable { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                Err(KeyFault::Missing(name.clone()))
            }
            Err(error) => Err(KeyFault::Unusable(name.clone(), Box::new(error))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dkim::SigningKey;
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_read_when_it_is_first_needed_and_its_mode_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s1.pem");
        let name = KeyName::new(&path.to_string_lossy());
        let keys = Keys::new(config::Keys::new(), Some(1));
        assert!(matches!(keys.key(&name), Err(KeyFault::Missing(_))));
        let key = SigningKey::from_seed(&[7; 32]);
        file::write(&path, &key, None).unwrap();
        set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let fault = keys.key(&name).unwrap_err().to_string();
        assert!(fault.ends_with("(mode 0644) is open to every user of this system"), "{fault}");
        set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert_eq!(keys.key(&name).unwrap().public_key(), key.public_key());
        write(&path, "no key").unwrap();
        assert!(keys.key(&name).is_ok(), "remembered");
        let other = KeyName::new(&folder.path().join("other.pem").to_string_lossy());
        write(other.as_str(), "no key").unwrap();
        set_permissions(other.as_str(), Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(keys.key(&other), Err(KeyFault::Unusable(..))));
    }
}
