//! Files and folders with rules, as an entry of `sign:` names them.

use super::Reader;
use super::options::Options;
use crate::fault::{Fault, Place, Placed};
use crate::section::Section;
use crate::text::{FromText, Problem};
use mail::Domain;
use std::path::{Path, PathBuf};

/// A file or folder with rules.
#[derive(Clone, Debug)]
pub struct Table {
    /// Where the entry begins.
    pub place: Place,
    /// What is read.
    pub kind: TableKind,
    /// `subdomains:`, of the domains in a key directory.
    pub subdomains: bool,
    /// `domain:`, for lines that do not name the domain that signs.
    pub domain: Option<Domain>,
    pub(crate) options: Options,
}

/// What sort of table it is. The paths are found from wherever the program runs.
#[derive(Clone, Debug)]
pub enum TableKind {
    /// A folder with one folder for each domain, and in it one key for each selector.
    Directory(Placed<PathBuf>),
    /// DKIMproxy's map from senders to signatures.
    SenderMap(Placed<PathBuf>),
    /// DKIMproxy's map from mailing lists to signatures.
    ListIdMap(Placed<PathBuf>),
    /// OpenDKIM's two tables.
    SigningTable {
        /// From senders to the names of keys.
        signing: Placed<Dataset>,
        /// From the names of keys to domain, selector and file.
        keys: Placed<Dataset>,
        /// Whether every line that fits signs; else the first.
        multiple: bool,
    },
}

/// A file of OpenDKIM's, with or without wildcards.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Dataset {
    /// Where it is.
    pub path: PathBuf,
    /// Whether its keys are patterns, in their order (`refile:`); else the most precise key counts.
    pub patterns: bool,
}

impl FromText for Dataset {
    const EXPECTED: &'static str = "the path of a file, with `refile:` before it if it holds wildcards, such as `refile:/etc/opendkim/signing.table`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        let (patterns, path) = match text.split_once(':') {
            Some(("refile", path)) => (true, path),
            Some(("file", path)) => (false, path),
            Some((kind, _)) if !kind.contains('/') => {
                return Err(Problem::new(format!("and a data set of the type `{kind}` cannot be read here")));
            }
            _ => (false, text),
        };
        PathBuf::from_text(path).map(|path| Self { path, patterns })
    }
}

/// The words that make an entry a table.
const WORDS: [&str; 4] = ["directory", "sender_map", "listid_map", "signing_table"];

impl Table {
    /// Whether an entry is a table.
    pub(super) fn is_one(section: &Section<'_>) -> bool {
        WORDS.into_iter().any(|word| section.contains(word))
    }

    /// Reads an entry that is a table.
    pub(super) fn read(section: &mut Section<'_>, reader: &Reader<'_>) -> Option<Self> {
        let mut words = WORDS.into_iter().filter(|word| section.contains(word));
        let word = words.next()?;
        if let Some(second) = words.next() {
            let problem = format!("`{word}` and `{second}` are two tables");
            section.complain(Fault::contradiction(section.place(), problem, "make an entry of each"));
            // It is not unknown.
            section.has(second);
        }
        let kind = TableKind::read(section, word, reader.folder);
        let options = if word == "directory" || word == "signing_table" {
            Options::read_style(section)
        } else {
            Options::read(section)
        };
        let subdomains = word == "directory" && section.value("subdomains").unwrap_or(false);
        let domain = if word.ends_with("_map") { section.value("domain") } else { None };
        Some(Self { place: section.place(), kind: kind?, subdomains, domain, options })
    }
}

impl TableKind {
    fn read(section: &mut Section<'_>, word: &str, folder: &Path) -> Option<Self> {
        let located = |path: Placed<PathBuf>| Placed { value: folder.join(path.value), ..path };
        match word {
            "directory" => section.placed("directory").map(located).map(Self::Directory),
            "sender_map" => section.placed("sender_map").map(located).map(Self::SenderMap),
            "listid_map" => section.placed("listid_map").map(located).map(Self::ListIdMap),
            _ => {
                section.require("key_table", Dataset::EXPECTED);
                let multiple = section.value("multiple").unwrap_or(false);
                let mut dataset = |key| {
                    let placed: Placed<Dataset> = section.placed(key)?;
                    let path = folder.join(&placed.value.path);
                    Some(Placed { value: Dataset { path, ..placed.value }, place: placed.place })
                };
                let (signing, keys) = (dataset("signing_table"), dataset("key_table"));
                Some(Self::SigningTable { signing: signing?, keys: keys?, multiple })
            }
        }
    }
}
