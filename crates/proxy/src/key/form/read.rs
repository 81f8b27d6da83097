//! Reads records back, whatever the form.

use super::{lines, structured};
use dns::{Zone, ZoneError};
use thiserror::Error;

/// A TXT record that was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    /// The name, as far as the form has one.
    pub name: Option<String>,
    /// The text, its strings put together.
    pub text: Vec<u8>,
}

/// Why a text cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// A line of a zone file is broken.
    #[error(transparent)]
    Zone(#[from] ZoneError),
    /// What looks like JSON is none.
    #[error("malformed JSON: {0}")]
    Json(String),
    /// What looks like octoDNS is no YAML.
    #[error("malformed YAML: {0}")]
    Yaml(String),
    /// A line for tinydns-data is broken.
    #[error("malformed line for tinydns-data")]
    Tinydns,
}

/// All TXT records in a text of any form.
pub fn read(text: &str) -> Result<Vec<Found>, ReadError> {
    let text = text.trim_start_matches('\u{feff}').trim_end();
    let begins = |starts: &[&str]| {
        let mut lines = text.lines().map(str::trim_start);
        lines.any(|line| starts.iter().any(|start| line.starts_with(start)))
    };
    match text.trim_start().chars().next() {
        None => Ok(Vec::new()),
        Some('{' | '[') => structured::read_json(text),
        Some('\'' | ':') => lines::read_tinydns(text),
        _ if begins(&["update add ", "add "]) => lines::read_nsupdate(text),
        _ if begins(&["Value:"]) => Ok(lines::read_web(text)),
        _ if begins(&["type: TXT", "- type: TXT", "type: 'TXT'", "type: \"TXT\""]) => {
            structured::read_octodns(text)
        }
        _ if is_zone(text) => strings_of_zone(text),
        _ => Ok(vec![Found { name: None, text: strings_of(text.trim())? }]),
    }
}

/// Whether a text has lines of a zone file: the type stands before the first quotation mark or tag.
fn is_zone(text: &str) -> bool {
    let before = text.split(['"', '=']).next().unwrap_or_default();
    before.split_whitespace().skip(1).any(|word| word.eq_ignore_ascii_case("TXT"))
}

/// The records of a zone file.
pub(super) fn strings_of_zone(text: &str) -> Result<Vec<Found>, ReadError> {
    let zone = Zone::parse(text.as_bytes())?;
    let all = zone.txt_records().flat_map(|(name, records)| {
        records.iter().map(move |text| Found { name: Some(name.to_owned()), text: text.clone() })
    });
    Ok(all.collect())
}

/// The text of quoted strings, or of a bare one as it stands.
pub(super) fn strings_of(content: &str) -> Result<Vec<u8>, ReadError> {
    if !content.starts_with('"') {
        return Ok(content.as_bytes().to_vec());
    }
    let found = strings_of_zone(&format!("x. TXT {}", content.replace(['\r', '\n'], " ")))?;
    Ok(found.into_iter().next().map(|found| found.text).unwrap_or_default())
}
