//! A real name server, Debian's knot or bind9, which takes updates of `example.org` with a shared secret.

use crate::{ports, wait};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Where Debian has Knot DNS.
pub const KNOT: &str = "/usr/sbin/knotd";
/// Where Debian has BIND.
pub const BIND: &str = "/usr/sbin/named";

/// The secret.
pub const SECRET: &str = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MTI=";

const ZONE: &str = "\
$ORIGIN example.org.
$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
foreign._domainkey TXT \"v=DKIM1; p=foreign\"
alias._domainkey CNAME elsewhere.example.com.
";

/// A name server on a loopback port, in a folder of its own; killed when this value is dropped.
#[derive(Debug)]
pub struct Primary {
    program: &'static str,
    port: u16,
    child: Option<Child>,
    folder: TempDir,
}

impl Primary {
    /// Starts one, by the path of its program, with `example.org`.
    pub async fn start(program: &'static str) -> Primary {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut server = Primary { program, port: ports::free(), child: None, folder };
        server.write("example.org.zone", ZONE);
        server.write("knot.conf", &server.knot());
        server.write("named.conf", &server.bind());
        server.write(
            "tsig.key",
            &format!("key \"dkimgate\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n"),
        );
        server.settings("update.yaml", "tsig.key");
        server.is_started().await;
        server
    }

    /// Starts it again, with what it has written down.
    pub async fn is_started(&mut self) {
        let path = self.folder.path();
        let log = File::create(path.join("log")).expect("the temporary folder is ours");
        let mut command = Command::new(self.program);
        if self.program == KNOT {
            command.arg("-c").arg(path.join("knot.conf"));
        } else {
            command.arg("-g").arg("-c").arg(path.join("named.conf"));
        }
        let also = log.try_clone().expect("a file can be open twice");
        command.stdin(Stdio::null()).stdout(also).stderr(log);
        self.child = Some(command.spawn().expect("the name server runs"));
        // It listens before it has read its zone.
        let loaded = if self.program == KNOT { "loaded, serial" } else { "all zones loaded" };
        wait::until("the name server to load its zone", wait::STEP, || {
            self.log().contains(loaded).then_some(())
        })
        .await;
    }

    /// Ends it.
    pub fn is_stopped(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Its address, with the port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The settings with which `dkimgate key` updates its zone.
    pub fn update(&self) -> PathBuf {
        self.folder.path().join("update.yaml")
    }

    /// Settings with another key than the server has.
    pub fn update_with(&self, key: &str) -> PathBuf {
        self.write("other.key", key);
        self.settings("other.yaml", "other.key")
    }

    /// The file with the secret.
    pub fn secret(&self) -> PathBuf {
        self.folder.path().join("tsig.key")
    }

    /// Whether it serves.
    pub fn is_running(&self) -> bool {
        self.child.is_some()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn settings(&self, name: &str, key: &str) -> PathBuf {
        self.write(name, &format!("server: {}\nkey: {key}\n", self.address()))
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).expect("the temporary folder is ours");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("the file is ours");
        path
    }

    fn knot(&self) -> String {
        let folder = self.folder.path().display();
        format!(
            "server:\n    rundir: {folder}\n    listen: 127.0.0.1@{}\n\
             log:\n  - target: stderr\n    any: info\n\
             database:\n    storage: {folder}\n\
             key:\n  - id: dkimgate\n    algorithm: hmac-sha256\n    secret: {SECRET}\n\
             acl:\n  - id: dkim\n    key: dkimgate\n    action: update\n    update-type: [TXT]\n    \
             update-owner: name\n    update-owner-match: sub\n    update-owner-name: [_domainkey]\n\
             zone:\n  - domain: example.org\n    storage: {folder}\n    file: example.org.zone\n    acl: dkim\n",
            self.port
        )
    }

    fn bind(&self) -> String {
        let folder = self.folder.path().display();
        format!(
            "options {{ directory \"{folder}\"; pid-file \"{folder}/pid\"; session-keyfile \"{folder}/session.key\";\n\
             listen-on port {} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no; dnssec-validation no; }};\n\
             controls {{ }};\n\
             key \"dkimgate\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n\
             zone \"example.org\" {{ type primary; file \"example.org.zone\";\n\
             update-policy {{ grant dkimgate subdomain _domainkey.example.org. TXT; }}; }};\n",
            self.port
        )
    }

    /// Whether it is there.
    pub fn is_installed(program: &str) -> bool {
        Path::new(program).exists()
    }
}

impl Drop for Primary {
    fn drop(&mut self) {
        self.is_stopped();
        if std::thread::panicking() {
            eprintln!("the name server's log:\n{}", self.log());
        }
    }
}
