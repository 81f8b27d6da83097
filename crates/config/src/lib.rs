//! The YAML files: what they may say, and everything that is wrong with one, each fault with its line.
//!
//! A file is one listener and its engine. [`read`] turns its text into a [`Config`] or into a [`Report`] that names
//! all its faults; [`load`] fetches the text first. [`check_files`] then looks at the files that it names, and
//! [`check_together`] at what several files would do to each other. None of them opens a socket or a key.
//!
//! Defaults stand where they are used (the relay, the resolver, the engines). What a file does not say is `None`
//! here, except where the default follows from the role (`clients`, `eightbitmime`, `reject_fail`, `reject_error`) or
//! comes with its type ([`Repairs`], [`Conformity`]).
//!
//! - [`mod@fault`]: what can be wrong, and how it is shown;
//! - `yaml`, `section`, `text`: from YAML to values, in three steps that only ever go on;
//! - [`Listener`], [`Outbound`], [`Inbound`]: the model;
//! - [`rules()`]: all rules of a file, those of its tables included;
//! - [`import`]: files of the predecessors, turned into ours;
//! - `files`: key files and zones on the disk;
//! - [`KeyFolders`]: folders of keys, and when they change.

mod conformity;
mod dkimproxy;
mod dns;
pub mod fault;
mod files;
pub mod import;
mod inbound;
mod key_folders;
mod listen;
mod listener;
mod metrics;
mod nearest;
mod network;
mod outbound;
mod parallel;
mod pattern;
mod regular;
mod rotating;
mod rules;
mod secret;
mod section;
mod signature;
mod text;
mod together;
mod yaml;

#[cfg(test)]
mod tests;

pub use conformity::Conformity;
pub use dns::{Dns, DnsSource};
pub use fault::{Cause, Fault, Place, Placed, Report, Source};
pub use files::{OTHERS_READ_OR_WRITE, check_files, check_key};
pub use inbound::Inbound;
pub use key_folders::KeyFolders;
pub use listen::{Listen, Protocol, Socket};
pub use listener::{Deadlines, Kept, Limits, Listener};
pub use metrics::Metrics;
pub use network::NextHop;
pub use outbound::{
    CheckKeys, Database, Dataset, Entry, Key, Outbound, RedisLayout, Rule, Server, ServerAddress, Store,
    Table, TableKind, Tls,
};
pub use parallel::{both, in_parallel};
pub use regular::{LARGEST_SECRET, open_regular};
pub use rules::{Keys, Origin, Rules, rules};
pub use smtp::content::{Repair, Repairs};
pub use together::check_together;

use listener::Circumstances;
use section::Section;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use text::{FromText, Problem, one_of};

/// One configuration file, read and without faults of its own.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file, for faults that show later.
    pub file: Arc<Source>,
    /// The SMTP side.
    pub listener: Listener,
    /// What is done with a message.
    pub engine: Engine,
    /// What works, and is probably not meant.
    pub warnings: Vec<Fault>,
}

/// `role:` and its options.
#[derive(Clone, Debug)]
pub enum Engine {
    /// Signs.
    Outbound(Outbound),
    /// Verifies.
    Inbound(Inbound),
}

impl Config {
    /// What clients connect to.
    #[must_use]
    pub fn listen(&self) -> Vec<Listen> {
        self.listener.listen.iter().map(|listen| listen.value.clone()).collect()
    }

    /// Faults that were found after the file was read, shown with its lines.
    #[must_use]
    pub fn report(&self, faults: Vec<Fault>) -> Report {
        Report::new(Arc::clone(&self.file), faults)
    }
}

/// Reads the file at `path`. `system_hostname` stands in for a missing `hostname`.
pub fn load(path: &Path, system_hostname: &str) -> Result<Config, Report> {
    let name = path.display().to_string();
    let text = read_some(path).map_err(|error| Cause::Unreadable { reason: error.to_string() });
    let text = text.and_then(|octets| {
        String::from_utf8(octets)
            .map_err(|error| Cause::NotText { octet: error.utf8_error().valid_up_to() + 1 })
    });
    match text {
        Ok(text) => read(Source { name, text: secret::without_keys(text) }, system_hostname),
        Err(cause) => {
            let fault = Fault::new(Place::START, cause);
            Err(Report::new(Arc::new(Source { name, text: String::new() }), vec![fault]))
        }
    }
}

/// Reads a file as far as one that is too large is recognized. A pipe may stand there: a shell writes `<(…)` for one.
fn read_some(path: &Path) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    File::open(path)?.take(yaml::LARGEST_FILE as u64 + 1).read_to_end(&mut octets)?;
    Ok(octets)
}

/// Reads the text of a file. Relative paths in it are relative to the folder in its name. To read a text once more is
/// worth while: what it names may have changed meanwhile, such as the key whose turn it is.
pub fn read(file: impl Into<Arc<Source>>, system_hostname: &str) -> Result<Config, Report> {
    let file = file.into();
    let mut faults = Vec::new();
    let model = read_model(&file, system_hostname, &mut faults);
    match model {
        Some((listener, engine)) if !faults.iter().any(Fault::is_fatal) => {
            Ok(Config { file, listener, engine, warnings: faults })
        }
        _ => Err(Report::new(file, faults)),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Role {
    Outbound,
    Inbound,
}

impl FromText for Role {
    const EXPECTED: &'static str = "`inbound` (verifies) or `outbound` (signs)";

    fn from_text(text: &str) -> Result<Self, Problem> {
        one_of(text, &[("outbound", Self::Outbound), ("inbound", Self::Inbound)])
    }
}

fn read_model(file: &Source, system_hostname: &str, faults: &mut Vec<Fault>) -> Option<(Listener, Engine)> {
    let document = yaml::parse(&file.text).map_err(|fault| faults.push(fault)).ok()?;
    let mut section = Section::open("the file".to_owned(), Place::START, &document, faults);
    section.require("role", Role::EXPECTED);
    let role = section.value("role");
    // Without a role that can be read, the options say which of the two it is meant to be.
    let assumed =
        role.unwrap_or_else(|| if section.contains("sign") { Role::Outbound } else { Role::Inbound });
    let folder = Path::new(&file.name).parent().unwrap_or(Path::new(""));
    let circumstances = Circumstances { folder, system_hostname, inbound: assumed == Role::Inbound };
    let listener = Listener::read(&mut section, &circumstances);
    let engine = match assumed {
        Role::Outbound => {
            let outbound = Outbound::read(&mut section, folder);
            let listen = listener.as_ref().map(|listener| listener.listen.as_slice());
            outbound.check_listeners(&mut section, listen.unwrap_or_default());
            Engine::Outbound(outbound)
        }
        Role::Inbound => Engine::Inbound(Inbound::read(&mut section, folder)),
    };
    section.close();
    Some((listener?, engine))
}
