//! Throw-away keys, made by the program itself, and the zone that publishes them.

use crate::Message;
use crate::binary::program;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// One domain's keys, in a folder that goes when this value goes: `s1` is RSA of 2048 bits, `e1` Ed25519.
#[derive(Debug)]
pub struct Keys {
    domain: String,
    folder: TempDir,
    records: Map<String, Value>,
}

/// The selector of the RSA key.
pub const RSA: &str = "s1";
/// The selector of the Ed25519 key.
pub const ED25519: &str = "e1";

impl Keys {
    /// New keys for `domain`, by `dkimgate key generate`.
    pub fn of(domain: &str) -> Keys {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut records = Map::new();
        for (selector, kind) in [(RSA, "rsa"), (ED25519, "ed25519")] {
            let record = generate(domain, selector, kind, folder.path());
            records.insert(format!("{selector}._domainkey.{domain}"), Value::String(record));
        }
        Keys { domain: domain.to_owned(), folder, records }
    }

    /// The domain they are of.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The file of a private key.
    pub fn file(&self, selector: &str) -> PathBuf {
        self.folder.path().join(&self.domain).join(format!("{selector}.pem"))
    }

    /// The zone that publishes them, as JSON.
    pub fn zone(&self) -> String {
        Value::Object(self.records.clone()).to_string()
    }

    /// The zone that publishes those of these selectors only.
    pub fn zone_of(&self, selectors: &[&str]) -> String {
        let names: Vec<String> =
            selectors.iter().map(|selector| format!("{selector}._domainkey.{}", self.domain)).collect();
        let records = self.records.iter().filter(|(name, _)| names.contains(name));
        Value::Object(records.map(|(name, text)| (name.clone(), text.clone())).collect()).to_string()
    }

    /// The records by their names.
    pub(crate) fn records(&self) -> HashMap<String, String> {
        let text = |text: &Value| text.as_str().unwrap_or_default().to_owned();
        self.records.iter().map(|(name, record)| (name.clone(), text(record))).collect()
    }

    /// The same as [`Self::zone`], as a file.
    pub fn zone_file(&self) -> PathBuf {
        let path = self.folder.path().join("records.json");
        std::fs::write(&path, self.zone()).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
        path
    }

    /// `content` signed with the RSA key, by `dkimgate sign`.
    pub fn sign(&self, content: &[u8]) -> Vec<u8> {
        let file = self.folder.path().join("to-sign.eml");
        std::fs::write(&file, content).expect("the temporary folder is ours");
        let mut command = Command::new(program());
        command.args(["sign", "--raw", "--domain", &self.domain, "--selector", RSA, "--key"]);
        command.arg(self.file(RSA)).arg(&file);
        let output = command.output().expect("the program runs");
        assert!(output.status.success(), "dkimgate sign: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

/// Whether a signature of the message passes before the program's own verifier.
pub fn passes(message: &Message, keys: &Keys) -> bool {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("message.eml");
    std::fs::write(&file, &message.bytes).expect("the temporary folder is ours");
    let mut command = Command::new(program());
    command.args(["verify", "--raw", "--zone"]).arg(keys.zone_file()).arg(&file);
    command.output().expect("the program runs").status.success()
}

/// Makes a key; gives the record that is printed as one plain string.
fn generate(domain: &str, selector: &str, kind: &str, out: &Path) -> String {
    let mut command = Command::new(program());
    command
        .args(["key", "generate", "--domain", domain, "--selector", selector, "--type", kind, "--out"])
        .arg(out);
    let output = command.output().expect("the program runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "dkimgate key generate: {}", String::from_utf8_lossy(&output.stderr));
    let record = text.lines().map(str::trim).find(|line| line.starts_with("v=DKIM1"));
    record.unwrap_or_else(|| panic!("no record as one string in:\n{text}")).to_owned()
}
