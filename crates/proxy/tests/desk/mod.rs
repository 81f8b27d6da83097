//! The program, started in a folder of its own.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test binary uses its own part of this"
)]

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A folder to work in.
pub struct Desk(pub TempDir);

impl Desk {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// A file on the desk.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub fn run(&self, arguments: &[&str], input: impl AsRef<[u8]>) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dkimgate"))
            .args(arguments)
            .current_dir(&self.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that refuses its arguments does not read.
        let _ = child.stdin.take().unwrap().write_all(input.as_ref());
        child.wait_with_output().unwrap()
    }

    /// A new key, and a zone that holds its record.
    pub fn key(&self, key_type: &str) -> (String, String) {
        let out = self.run(
            &["key", "generate", "--domain", "example.org", "--selector", key_type, "--type", key_type],
            "",
        );
        assert_eq!(status(&out), 0, "{}", text(&out.stderr));
        let printed = text(&out.stdout);
        let line = printed.lines().find(|line| line.contains(" IN TXT ")).unwrap();
        (
            format!("keys/example.org/{key_type}.pem"),
            self.file(&format!("{key_type}.zone"), format!("{line}\n")),
        )
    }
}

pub fn status(out: &Output) -> i32 {
    out.status.code().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub fn json(out: &Output) -> serde_json::Value {
    serde_json::from_slice(&out.stdout).unwrap()
}
