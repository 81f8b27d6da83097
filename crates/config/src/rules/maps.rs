//! DKIMproxy's maps: `sender_map` and `listid_map`.
//!
//! A line is a key and a list of signatures. Of the keys that fit, the most precise counts: the address, the
//! address without its `+extension`, its domain, the parents of the domain, and `.` for all. In `d=`, `i=` and `key=`
//! stand `$sender`, `$senderdomain` and `$key` (what was found in the map).

use super::lines::{Comments, Line, lines};
use super::{Gathering, MAIN, Precision, TableRules, empty};
use crate::dkimproxy::{SignatureWord, signature_words};
use crate::fault::{Fault, Placed};
use crate::outbound::Table;
use crate::secret::quoted;
use crate::signature::Selector;
use crate::text::{FromText, Problem};
use mail::Domain;
use policy::outbound::{
    Action, AddressPattern, Conditions, Glob, Identity, KeyChoice, KeyName, Rule, SignatureTemplate,
    SigningDomain, Style,
};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Which of the two maps.
#[derive(Clone, Copy, PartialEq)]
enum Map {
    Sender,
    ListId,
}

impl Gathering {
    pub(super) fn sender_map(&mut self, table: &Table, map: &Placed<PathBuf>, number: u32) {
        if self.map(table, &map.value, (Map::Sender, number)) == Some(0) {
            self.complain(MAIN, empty(map.place, "sender_map", &map.value));
        }
    }

    /// One without entries stands beside a map of senders where no mailing list signs.
    pub(super) fn listid_map(&mut self, table: &Table, map: &Placed<PathBuf>, number: u32) {
        if self.map(table, &map.value, (Map::ListId, number)) == Some(0) && self.is_alone {
            self.complain(MAIN, empty(map.place, "listid_map", &map.value));
        }
    }

    /// Reads a map; how many lines it has, if it can be read.
    fn map(&mut self, table: &Table, path: &Path, (map, number): (Map, u32)) -> Option<usize> {
        let source = self.open(path)?;
        let file = Arc::clone(&self.sources[source]);
        let mut seen = HashMap::new();
        let mut rules = Vec::new();
        let base = path.parent().unwrap_or(Path::new(""));
        for line in lines(&file.text, Comments::Lines) {
            if let Some(earlier) = seen.insert(line.key.to_ascii_lowercase(), line.number) {
                let problem = format!("{} stands in line {earlier} already", quoted(line.key));
                self.complain(source, Fault::unusable(line.place, problem, "keep one of them"));
                continue;
            }
            match self.map_line(table, line, (map, base)) {
                Ok((precision, conditions, signatures, changes)) => {
                    for change in changes {
                        self.complain(source, Fault::doubtful(line.place, change, "say so in this line"));
                    }
                    let name = format!("{}:{}", path.display(), line.number);
                    let action = Action::Sign(signatures);
                    rules.push((precision, Rule::new(name, conditions, action), line.place));
                }
                Err(problem) => {
                    let problem = format!("{}, {problem}", quoted(line.place.text(&file.text)));
                    let remedy =
                        "a line is an address or a domain, blanks, and signatures such as `dkim(s=s1)`";
                    self.complain(source, Fault::unusable(line.place, problem, remedy));
                }
            }
        }
        self.take(TableRules { source, number, rules });
        Some(seen.len())
    }

    fn map_line(
        &mut self,
        table: &Table,
        line: Line<'_>,
        (map, base): (Map, &Path),
    ) -> Result<Entry, Problem> {
        let line = line.sound()?;
        if line.value.is_empty() {
            return Err(Problem::new("where the second column is missing"));
        }
        let (precision, conditions, matched) = match map {
            Map::Sender => sender(line.key)?,
            Map::ListId => list(line.key)?,
        };
        let macros = Macros { key: line.key, matched, map };
        let mut signatures = Vec::new();
        let mut changes = Vec::new();
        for word in signature_words(line.value)? {
            signatures.push(self.map_signature(table, &word, (&macros, base))?);
            changes.extend(word.changes);
        }
        Ok((precision, conditions, signatures, changes))
    }

    fn map_signature(
        &mut self,
        table: &Table,
        word: &SignatureWord,
        (macros, base): (&Macros<'_>, &Path),
    ) -> Result<SignatureTemplate, Problem> {
        let options = &table.options;
        let selector = match (&word.selector, &options.selector) {
            (Some(selector), _) => Selector::from_text(selector)?.0,
            (None, Some(selector)) => selector.value.0.clone(),
            (None, None) => return Err(Problem::new("which names no selector, and neither does the rule")),
        };
        let key = match (&word.key, &options.keyfile) {
            (Some(key), _) => macros.key_choice(base, key)?,
            (None, Some(keyfile)) => KeyName::new(&keyfile.value.to_string_lossy()).into(),
            (None, None) => return Err(Problem::new("which names no key, and neither does the rule")),
        };
        let domain = match (&word.domain, &table.domain) {
            (Some(domain), _) => macros.signing_domain(domain)?,
            (None, Some(domain)) if macros.matched.is_none() => SigningDomain::Fixed(domain.clone()),
            (None, _) => macros.default_domain()?,
        };
        let mut style = options.style(Some(word));
        if let (Style::Dkim(style), Some(identity)) = (&mut style, &word.identity) {
            style.identity = macros.identity(identity)?;
        }
        Ok(SignatureTemplate { domain, selector, key, style: self.styles.share(style) })
    }
}

type Entry = (Precision, Conditions, Vec<SignatureTemplate>, Vec<&'static str>);

/// What the key of a line stands for, and the domain in it.
type Found = (Precision, Conditions, Option<Domain>);

fn sender(key: &str) -> Result<Found, Problem> {
    if key == "." {
        return Ok(((3, Reverse(0)), Conditions::default(), None));
    }
    let pattern = AddressPattern::from_text(key)?;
    let (rank, pattern, domain) = match pattern {
        AddressPattern::Domain(domain) => (2, AddressPattern::Within(domain.clone()), domain),
        AddressPattern::Address(mailbox) => {
            let domain = mailbox.domain.clone();
            // One that has an extension itself stands for nothing but itself.
            let is_extended = mailbox.local_part.contains('+');
            let rank = u8::from(!is_extended);
            let pattern = if is_extended { AddressPattern::Address } else { AddressPattern::Extended };
            (rank, pattern(mailbox), domain)
        }
        _ => {
            return Err(Problem::new(
                "which holds a `*`: DKIMproxy's maps have no wildcards, and `.` for all",
            ));
        }
    };
    let labels = domain.as_str().split('.').count();
    let conditions = Conditions { author: vec![pattern], ..Conditions::default() };
    Ok(((rank, Reverse(labels)), conditions, Some(domain)))
}

fn list(key: &str) -> Result<Found, Problem> {
    let key = key.trim_matches(['<', '>']);
    let own = Domain::parse(key).ok();
    let key = own.as_ref().map_or(key, Domain::as_str);
    let globs = match key {
        "." => vec![Glob::new("*")],
        _ if key.contains(['*', '?']) => return Err(Problem::new("which holds a wildcard")),
        _ => vec![Glob::new(key), Glob::new(&format!("*.{key}"))],
    };
    let labels = if key == "." { 0 } else { key.split('.').count() };
    let conditions = Conditions { list_id: globs, ..Conditions::default() };
    Ok(((0, Reverse(labels)), conditions, own))
}

/// What the macros of a line stand for.
struct Macros<'a> {
    key: &'a str,
    matched: Option<Domain>,
    map: Map,
}

const SENDER_DOMAIN: &str = "$senderdomain";

impl Macros<'_> {
    /// DKIMproxy signs with the domain that was found.
    fn default_domain(&self) -> Result<SigningDomain, Problem> {
        match (&self.matched, self.map) {
            (Some(_), Map::Sender) => Ok(SigningDomain::Matched),
            (Some(domain), Map::ListId) => Ok(SigningDomain::Fixed(domain.clone())),
            (None, _) => Err(Problem::new("which names no domain that signs: add `d=`")),
        }
    }

    fn signing_domain(&self, text: &str) -> Result<SigningDomain, Problem> {
        match text {
            SENDER_DOMAIN => Ok(SigningDomain::Author),
            "$key" => self.default_domain(),
            _ => Domain::from_text(text).map(SigningDomain::Fixed),
        }
    }

    fn identity(&self, text: &str) -> Result<Identity, Problem> {
        if text == "author" {
            return Err(Problem::new("whose `i=` has no `@`"));
        }
        Identity::from_text(&text.replace("$key", self.key))
    }

    fn key_choice(&self, base: &Path, text: &str) -> Result<KeyChoice, Problem> {
        // A local part may hold `/` and `..`; it has no business in a path.
        if text.replace(SENDER_DOMAIN, "").contains("$sender") {
            return Err(Problem::new(
                "whose `key=` holds `$sender`: only `$senderdomain` may stand in a path",
            ));
        }
        let path = base.join(text.replace("$key", self.key));
        Ok(key_choice(&path.to_string_lossy(), SENDER_DOMAIN))
    }
}

/// A key whose path may hold a macro for the author's domain.
pub(super) fn key_choice(path: &str, domain: &str) -> KeyChoice {
    if path.contains(domain) {
        return KeyChoice::ByDomain(path.split(domain).map(str::to_owned).collect());
    }
    KeyChoice::Named(KeyName::new(path))
}
