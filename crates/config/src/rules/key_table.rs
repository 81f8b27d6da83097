//! OpenDKIM's `KeyTable` (opendkim.conf(5)): a line is the name of a key and `domain:selector:file`.
//!
//! In a `refile:` the names are patterns, of which the first that fits counts. A `%` is the author's domain.

use super::lines::Line;
use super::maps::key_choice;
use crate::signature::Selector;
use crate::text::{FromText, Problem};
use mail::Domain;
use policy::outbound::{Glob, KeyChoice, SigningDomain};
use std::collections::HashMap;
use std::path::Path;

/// The lines of the table, by their names.
#[derive(Default)]
pub(super) struct KeyTable {
    lines: HashMap<String, KeyLine>,
    /// The names that hold a `*`, in their order.
    patterns: Vec<(Glob, String)>,
}

/// A line.
pub(super) struct KeyLine {
    number: usize,
    pub(super) domain: SigningDomain,
    pub(super) selector: Domain,
    pub(super) key: KeyChoice,
}

impl KeyTable {
    /// Takes a line. In a table with `patterns`, a name may hold a `*`.
    pub(super) fn add(&mut self, line: Line<'_>, patterns: bool, base: &Path) -> Result<(), Problem> {
        let key = KeyLine::parse(line, base)?;
        let name = line.key.to_ascii_lowercase();
        if patterns && name.contains('*') {
            self.patterns.push((Glob::new(&name), name.clone()));
        }
        match self.lines.insert(name, key) {
            Some(_) => Err(Problem::new("whose name stands in this table already")),
            None => Ok(()),
        }
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

impl KeyLine {
    fn parse(line: Line<'_>, base: &Path) -> Result<Self, Problem> {
        let mut columns = line.value.splitn(3, ':').map(str::trim);
        let missing = || Problem::new("where a column is missing");
        let (domain, selector) = (columns.next().ok_or_else(missing)?, columns.next().ok_or_else(missing)?);
        let path = columns.next().filter(|path| !path.is_empty()).ok_or_else(missing)?;
        if !path.starts_with(['/', '.']) {
            return Err(Problem::new("whose third part is no path: a key has a file of its own here"));
        }
        let domain = match domain {
            "%" => SigningDomain::Author,
            _ => SigningDomain::Fixed(Domain::from_text(domain)?),
        };
        let Selector(selector) = Selector::from_text(selector)?;
        let key = key_choice(&base.join(path).to_string_lossy(), "%");
        Ok(Self { number: line.number, domain, selector, key })
    }
}
