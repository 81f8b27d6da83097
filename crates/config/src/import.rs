//! Configuration files out of those of the predecessors: YAML with comments, and a list of what changes and why.
//!
//! Texts in, texts out: nothing is written here, and read only what the caller fetches. `options` reads the lines of
//! both programs and of init scripts, `dkimproxy` and `opendkim` know their options, `write` writes YAML.

mod dkimproxy;
mod dkimproxy_rule;
mod opendkim;
mod opendkim_options;
mod options;
mod write;

pub use dkimproxy::{DKIMPROXY_OPTIONS, dkimproxy};
pub use opendkim::opendkim;
pub use opendkim_options::OPENDKIM_OPTIONS;

use crate::fault::Source;
use std::fmt;

/// What was made of the files of another program.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Imported {
    /// The file of the outbound listener, if there is anything to sign.
    pub outbound: Option<String>,
    /// The file of the inbound listener, if anything is verified.
    pub inbound: Option<String>,
    /// Whether mail was to be signed, and what is said of it was not enough for a file.
    pub lacks_signer: bool,
    /// What changes, and what has to be done by hand.
    pub notes: Vec<Note>,
}

/// Something that changes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Note {
    /// The file and line that it is about; nothing if it is about all.
    pub origin: Option<(String, usize)>,
    /// What, and why.
    pub text: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Some((file, line)) => write!(f, "{file}:{line}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

impl Imported {
    fn note(&mut self, option: &options::Setting<'_>, text: impl fmt::Display) {
        let origin = Some((option.file.name.clone(), option.line));
        self.notes.push(Note { origin, text: format!("{}: {text}", option.name) });
    }

    fn remark(&mut self, text: &str) {
        self.notes.push(Note { origin: None, text: text.to_owned() });
    }
}

/// What becomes of an option.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// It has this word here.
    Word(&'static str),
    /// It has none, for this reason.
    Without(&'static str),
}

/// What becomes of an option of this name; case does not matter.
fn fate(options: &[(&'static str, Fate)], name: &str) -> Option<Fate> {
    options.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, fate)| *fate)
}

/// A path of the other program's, which stood in a file of another folder.
fn located(file: &Source, path: &str) -> String {
    let folder = std::path::Path::new(&file.name).parent().unwrap_or(std::path::Path::new(""));
    folder.join(path).display().to_string()
}

#[cfg(test)]
mod tests;
