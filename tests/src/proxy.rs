//! The built program, serving one listener.

use crate::binary::{checkout, program};
use crate::{Client, Keys, Log, NextHop, keys, ports, wait};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use tempfile::TempDir;

/// A proxy to be started; its configuration file is of the smallest form, and what a scenario adds.
#[derive(Debug)]
pub struct ProxySetup {
    yaml: String,
    port: u16,
    relay: Option<u16>,
    folder: TempDir,
}

/// `dkimgate run` with one listener. It is killed when this value is dropped.
#[derive(Debug)]
pub struct Proxy {
    child: Child,
    port: u16,
    log: Log,
    folder: TempDir,
}

impl Proxy {
    /// An inbound listener of `mx.example.org`, whose DNS knows nothing.
    pub fn inbound() -> ProxySetup {
        let setup = ProxySetup::new("role: inbound\nhostname: mx.example.org\ndns:\n  zone: records.json\n");
        setup.records("{}")
    }

    /// An outbound listener; [`ProxySetup::signs_with`] says for whom.
    pub fn outbound() -> ProxySetup {
        ProxySetup::new("role: outbound\n")
    }

    /// Connects a client, which has heard the greeting.
    pub async fn connect(&self) -> Client {
        Client::connect(self.port).await
    }

    /// The port it listens on, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it logs.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The folder of its configuration file.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Sends SIGTERM, without waiting for the end.
    pub fn is_told_to_stop(&self) {
        let pid = i32::try_from(self.child.id()).expect("a process id fits");
        kill(Pid::from_raw(pid), Signal::SIGTERM).expect("the process is ours and not waited for");
    }

    /// How it ended; waits for it.
    pub async fn ends(&mut self) -> ExitStatus {
        let child = &mut self.child;
        wait::until("the proxy to end", wait::STEP, || child.try_wait().expect("the child is ours")).await
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the proxy's log:\n{}", self.log.lines().join("\n"));
        }
    }
}

impl ProxySetup {
    fn new(yaml: &str) -> ProxySetup {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        ProxySetup { yaml: yaml.to_owned(), port: ports::free(), relay: None, folder }
    }

    /// Listens on this port instead of one of its own choice.
    #[must_use]
    pub fn listen(mut self, port: u16) -> ProxySetup {
        self.port = port;
        self
    }

    /// Hands messages to this next hop.
    #[must_use]
    pub fn relay(self, next_hop: &NextHop) -> ProxySetup {
        self.relay_to(next_hop.port())
    }

    /// Hands messages to this port on 127.0.0.1.
    #[must_use]
    pub fn relay_to(mut self, port: u16) -> ProxySetup {
        self.relay = Some(port);
        self
    }

    /// Signs mail of the keys' domain with the RSA key.
    #[must_use]
    pub fn signs_with(self, keys: &Keys) -> ProxySetup {
        self.signs_with_each(keys, &[keys::RSA])
    }

    /// Signs mail of the keys' domain with the RSA and the Ed25519 key.
    #[must_use]
    pub fn signs_twice_with(self, keys: &Keys) -> ProxySetup {
        self.signs_with_each(keys, &[keys::RSA, keys::ED25519])
    }

    fn signs_with_each(mut self, keys: &Keys, selectors: &[&str]) -> ProxySetup {
        self.yaml.push_str("sign:\n");
        for selector in selectors {
            let file = keys.file(selector);
            let rule = format!(
                "- domain: {}\n    selector: {selector}\n    keyfile: {}",
                keys.domain(),
                file.display()
            );
            writeln!(self.yaml, "  {rule}").expect("a string takes everything");
        }
        self
    }

    /// Looks names up in this zone of `tests/corpus`.
    #[must_use]
    pub fn zone(self, name: &str) -> ProxySetup {
        let path = checkout().join("tests/corpus").join(name);
        let zone =
            std::fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
        self.records(&zone)
    }

    /// Looks names up in this zone.
    #[must_use]
    pub fn records(self, zone: &str) -> ProxySetup {
        std::fs::write(self.folder.path().join("records.json"), zone).expect("the temporary folder is ours");
        self
    }

    /// Adds lines to the configuration file.
    #[must_use]
    pub fn setting(mut self, lines: &str) -> ProxySetup {
        self.yaml.push_str(lines);
        self.yaml.push('\n');
        self
    }

    /// Starts it, and waits until it says that it is ready.
    pub async fn start(self) -> Proxy {
        let config = self.write();
        let mut command = Command::new(program());
        command.arg("run").arg(&config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program runs");
        let log = Log::of(child.stderr.take().expect("standard error is piped"));
        let proxy = Proxy { child, port: self.port, log, folder: self.folder };
        proxy.log.line_with("ready").await;
        proxy
    }

    fn write(&self) -> PathBuf {
        let relay = self.relay.expect("a scenario names the next hop");
        let yaml = format!("listen: 127.0.0.1:{}\nrelay: 127.0.0.1:{relay}\n{}", self.port, self.yaml);
        let path = self.folder.path().join("proxy.yaml");
        std::fs::write(&path, yaml).expect("the temporary folder is ours");
        path
    }
}
