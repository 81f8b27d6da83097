//! OpenDKIM's `KeyTable` (opendkim.conf(5)): a line is the name of a key and `domain:selector:file`, or the key itself
//! in the place of its file. A key in the table is called by the table and its line.
//!
//! In a `refile:` the names are patterns, of which the first that fits counts. A `%` is the author's domain.

use super::Keys;
use super::inline::unfolded;
use super::lines::Line;
use super::maps::key_choice;
use crate::outbound::Dataset;
use crate::signature::Selector;
use crate::text::{FromText, Problem};
use dkim::SigningKey;
use mail::Domain;
use policy::outbound::{Glob, KeyChoice, KeyName, SigningDomain};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The lines of the table, by their names.
pub(super) struct KeyTable<'a> {
    dataset: &'a Dataset,
    secrets: HashMap<usize, Zeroizing<String>>,
    lines: HashMap<String, KeyLine>,
    /// The names that hold a `*`, in their order.
    patterns: Vec<(Glob, String)>,
    /// The keys that stand in the table.
    pub(super) keys: Keys,
}

/// A line.
pub(super) struct KeyLine {
    number: usize,
    pub(super) domain: SigningDomain,
    pub(super) selector: Domain,
    pub(super) key: KeyChoice,
}

impl<'a> KeyTable<'a> {
    /// A table without lines, and the keys that stood in its text.
    pub(super) fn new(dataset: &'a Dataset, secrets: HashMap<usize, Zeroizing<String>>) -> Self {
        Self { dataset, secrets, lines: HashMap::new(), patterns: Vec::new(), keys: Keys::new() }
    }

    /// Takes a line. In a table with patterns, a name may hold a `*`.
    pub(super) fn add(&mut self, line: Line<'_>) -> Result<(), Problem> {
        let key = self.line(line)?;
        let name = line.key.to_ascii_lowercase();
        if self.dataset.patterns && name.contains('*') {
            self.patterns.push((Glob::new(&name), name.clone()));
        }
        match self.lines.insert(name, key) {
            Some(_) => Err(Problem::new("whose name stands in this table already")),
            None => Ok(()),
        }
    }

    fn line(&mut self, line: Line<'_>) -> Result<KeyLine, Problem> {
        let line = line.sound()?;
        let mut columns = line.value.splitn(3, ':').map(str::trim);
        let missing = || Problem::new("where a column is missing");
        let (domain, selector) = (columns.next().ok_or_else(missing)?, columns.next().ok_or_else(missing)?);
        let path = columns.next().filter(|path| !path.is_empty()).ok_or_else(missing)?;
        let domain = match domain {
            "%" => SigningDomain::Author,
            _ => SigningDomain::Fixed(Domain::from_text(domain)?),
        };
        let Selector(selector) = Selector::from_text(selector)?;
        let key = if let Some(secret) = self.secrets.remove(&line.number) {
            self.own_key(line.number, &secret)?.into()
        } else {
            let base = self.dataset.path.parent().unwrap_or(Path::new(""));
            key_choice(&base.join(path).to_string_lossy(), "%")
        };
        Ok(KeyLine { number: line.number, domain, selector, key })
    }

    /// Takes the key that stands in a line.
    fn own_key(&mut self, number: usize, secret: &str) -> Result<KeyName, Problem> {
        let key = SigningKey::from_pem(unfolded(secret).as_bytes()).map_err(|error| {
            Problem::new(format!("whose third part is neither the path of a key nor a key: {error}"))
        })?;
        let name = KeyName::new(&format!("{}:{number}", self.dataset.path.display()));
        self.keys.insert(name.clone(), Arc::new(key));
        Ok(name)
    }

    /// The line for a name.
    pub(super) fn get(&self, name: &str) -> Option<&KeyLine> {
        let name = name.to_ascii_lowercase();
        let exact = self.lines.get(&name);
        let pattern = self.patterns.iter().find(|(pattern, _)| pattern.fits(&name));
        let pattern = pattern.and_then(|(_, name)| self.lines.get(name));
        exact.into_iter().chain(pattern).min_by_key(|line| line.number)
    }

    /// The lines whose name is a domain.
    pub(super) fn by_domain(&self) -> impl Iterator<Item = (Domain, &KeyLine)> {
        let mut lines: Vec<_> =
            self.lines.iter().filter_map(|(name, line)| Some((Domain::parse(name).ok()?, line))).collect();
        lines.sort_by_key(|(_, line)| line.number);
        lines.into_iter()
    }
}
