//! What stands around the program that is measured: the next hop, keys, configuration files.

use scenarios::process::Process;
use scenarios::{Keys, keys, ports, program};
use std::fs::File;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// A configuration file's text but for the two addresses. The files of its keys must be there while it runs.
#[derive(Debug)]
pub struct Listener {
    text: String,
}

impl Listener {
    /// One that looks at every message, and signs none.
    pub fn unsigned(keys: &Keys) -> Self {
        Self::signing_for("elsewhere.example", keys, &[keys::RSA])
    }

    /// One that signs with the keys of these selectors, each as often as it is named.
    pub fn signing(keys: &Keys, selectors: &[&str]) -> Self {
        Self::signing_for(keys.domain(), keys, selectors)
    }

    fn signing_for(domain: &str, keys: &Keys, selectors: &[&str]) -> Self {
        // The same key may sign under several selectors, but under each only once.
        let rule = |(number, selector): (usize, &&str)| {
            let file = keys.file(selector);
            format!(
                "  - domain: {domain}\n    selector: {selector}-{number}\n    keyfile: {}\n",
                file.display()
            )
        };
        let rules: String = selectors.iter().enumerate().map(rule).collect();
        Self { text: format!("role: outbound\nsign:\n{rules}") }
    }

    /// One that verifies, and asks the name server on `port`.
    pub fn verifying(port: u16) -> Self {
        let text = format!("role: inbound\nhostname: mx.example.net\ndns:\n  servers: [127.0.0.1:{port}]\n");
        Self { text }
    }

    /// Starts the program before a next hop on `relay`.
    pub fn start(&self, relay: u16) -> Gate {
        self.start_with(relay, &[])
    }

    /// The same, with these options.
    pub fn start_with(&self, relay: u16, options: &[&str]) -> Gate {
        Gate::start(self, (ports::free(), relay), options)
    }

    /// The same, where it is to listen on a given port.
    pub fn start_on(&self, listen: u16, relay: u16) -> Gate {
        Gate::start(self, (listen, relay), &[])
    }
}

/// `dkimgate run` with one listener.
#[derive(Debug)]
pub struct Gate {
    pub process: Process,
    pub port: u16,
    folder: TempDir,
}

impl Gate {
    fn start(listener: &Listener, (listen, relay): (u16, u16), options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let text = format!("listen: 127.0.0.1:{listen}\nrelay: 127.0.0.1:{relay}\n{}", listener.text);
        let config = folder.path().join("proxy.yaml");
        std::fs::write(&config, text).expect("the temporary folder is ours");
        let log = File::options().create(true).append(true).open(log(&folder)).expect("the folder is ours");
        let mut command = Command::new(program());
        command.arg("run").args(options).arg(config).stderr(log);
        Self { process: Process::serving(&mut command, listen), port: listen, folder }
    }

    /// Empties its log, so that a long run does not fill the disk.
    pub fn empty_log(&self) {
        File::create(log(&self.folder)).expect("the folder is ours");
    }

    /// Asserts that all these messages were signed, or verified: what a figure is worth depends on it.
    pub fn assert_said(&self, words: &str, least: usize) {
        let log = std::fs::read_to_string(log(&self.folder)).expect("the folder is ours");
        let count = log.lines().filter(|line| line.contains(words)).count();
        let sample = log.lines().last().unwrap_or_default();
        assert!(count >= least, "{count} of {least} lines with {words:?} in the log; the last is {sample}");
    }
}

fn log(folder: &TempDir) -> PathBuf {
    folder.path().join("log")
}
