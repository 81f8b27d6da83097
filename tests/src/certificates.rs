//! A certificate authority for one test, made by the program `openssl`, which comes with Debian's PostgreSQL: a crate for
//! it would bring seventeen others.

use crate::skip;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Where Debian has it.
const OPENSSL: &str = "/usr/bin/openssl";

/// A certificate authority. Its files go when this value is dropped.
#[derive(Debug)]
pub struct Authority {
    folder: TempDir,
}

/// A certificate and its private key, in PEM.
#[derive(Debug)]
pub struct Certificate {
    /// The file of the certificate.
    pub certificate: PathBuf,
    /// The file of the key.
    pub key: PathBuf,
}

impl Authority {
    /// Whether the scenario must end because there is no `openssl`; see [`skip::missing`].
    #[must_use]
    pub fn is_missing() -> bool {
        skip::missing("openssl", Path::new(OPENSSL).exists())
    }

    /// One that nobody knows yet.
    #[must_use]
    pub fn new() -> Self {
        let authority = Self { folder: tempfile::tempdir().expect("a temporary folder can be made") };
        // No two of them bear the same name.
        let subject =
            format!("/CN=authority {}", authority.folder.path().display().to_string().replace('/', " "));
        authority.makes("ca", &["-subj", &subject, "-addext", "keyUsage=critical,keyCertSign"]);
        authority
    }

    /// The file with its own certificate.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// A certificate for the server of this name.
    #[must_use]
    pub fn certifies(&self, name: &str) -> Certificate {
        let (ca, key) = (self.file(), self.path("ca.key"));
        let [ca, key] = [&ca, &key].map(|path| path.to_str().expect("a temporary path is UTF-8"));
        let (subject, names) = (format!("/CN={name}"), format!("subjectAltName=DNS:{name}"));
        let server = "extendedKeyUsage=serverAuth";
        let end = "basicConstraints=critical,CA:FALSE";
        self.makes(
            "server",
            &[
                "-CA", ca, "-CAkey", key, "-subj", &subject, "-addext", &names, "-addext", server, "-addext",
                end,
            ],
        );
        Certificate { certificate: self.path("server.pem"), key: self.path("server.key") }
    }

    fn makes(&self, name: &str, options: &[&str]) {
        let mut command = Command::new(OPENSSL);
        command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]);
        command.args(["-days", "2", "-keyout"]).arg(self.path(&format!("{name}.key")));
        let output = command.arg("-out").arg(self.path(&format!("{name}.pem"))).args(options).output();
        let output = output.expect("openssl runs");
        assert!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}
