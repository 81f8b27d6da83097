//! OpenDKIM's `SigningTable` and `KeyTable` (opendkim.conf(5)).
//!
//! A line of the first is a key, the name of a key, and perhaps an identity; of the second, the name of a key and
//! `domain:selector:file`. In a `refile:` the keys of the first are patterns, of which `*` stands for anything, in
//! their order. Otherwise the most precise counts: `user@host`, `host`, `user@.parent`, `.parent`, `user@*`, `*`.
//! A `%` is the author's domain.

use super::lines::{Line, lines};
use super::maps::key_choice;
use super::{Gathering, Precision, TableRules};
use crate::fault::Fault;
use crate::outbound::{Dataset, Table};
use crate::signature::{Selector, identity_domain};
use crate::text::{FromText, Problem};
use mail::{Domain, parse_mailboxes};
use policy::outbound::{
    Action, AddressPattern, Conditions, Glob, Identity, KeyChoice, Rule, SignatureTemplate, SigningDomain,
    Style,
};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// The two tables.
pub(super) struct Tables<'a> {
    pub(super) signing: &'a Dataset,
    pub(super) keys: &'a Dataset,
    pub(super) multiple: bool,
}

/// A line of the key table.
struct KeyLine {
    domain: SigningDomain,
    selector: Domain,
    key: KeyChoice,
}

impl Gathering {
    pub(super) fn signing_table(&mut self, table: &Table, tables: &Tables<'_>, number: u32) {
        let keys = self.key_table(&tables.keys.path);
        let Some(source) = self.open(&tables.signing.path) else { return };
        let Some(keys) = keys else { return };
        let file = Arc::clone(&self.sources[source]);
        let mut rules = Vec::new();
        for line in lines(&file.text, &['#']) {
            match self.signing_line(table, line, (&keys, tables.signing.patterns)) {
                Ok((precision, conditions, signature)) => {
                    let name = format!("{}:{}", tables.signing.path.display(), line.number);
                    let action = Action::Sign(vec![signature]);
                    let rule =
                        Rule { name, conditions, agreement: None, table: None, sign_again: false, action };
                    rules.push((precision, rule, line.place));
                }
                Err(problem) => {
                    let problem = format!("`{}`, {problem}", line.place.text(&file.text));
                    let remedy =
                        "a line is an address or a pattern, blanks, and the name of a line of the key table";
                    self.complain(source, Fault::unusable(line.place, problem, remedy));
                }
            }
        }
        self.refuse_twice(source, &rules, tables.signing.patterns);
        if tables.multiple {
            rules.sort_by_key(|(precision, ..)| *precision);
            for (_, rule, place) in rules {
                self.push(rule, source, place);
            }
        } else {
            self.take(TableRules { source, number, rules });
        }
    }

    /// Without wildcards a key that stands twice can only be a slip.
    fn refuse_twice(&mut self, source: usize, rules: &[(Precision, Rule, crate::Place)], patterns: bool) {
        let mut seen = HashMap::new();
        for (_, rule, place) in rules.iter().filter(|_| !patterns) {
            let author = format!("{:?}", rule.conditions.author);
            if let Some(earlier) = seen.insert(author, &rule.name) {
                let problem = format!("{} is for the same authors as {earlier}", rule.name);
                self.complain(source, Fault::unusable(*place, problem, "keep one of them"));
            }
        }
    }

    fn key_table(&mut self, path: &Path) -> Option<HashMap<String, KeyLine>> {
        let source = self.open(path)?;
        let file = Arc::clone(&self.sources[source]);
        let base = path.parent().unwrap_or(Path::new(""));
        let mut keys = HashMap::new();
        for line in lines(&file.text, &['#']) {
            match KeyLine::parse(line.value, base) {
                Ok(key) => {
                    if keys.insert(line.key.to_ascii_lowercase(), key).is_some() {
                        let problem = format!("`{}` stands twice in this table", line.key);
                        self.complain(source, Fault::unusable(line.place, problem, "keep one of them"));
                    }
                }
                Err(problem) => {
                    let problem = format!("`{}`, {problem}", line.place.text(&file.text));
                    let remedy =
                        "a line is the name of a key, blanks, and `domain:selector:/path/of/the/key`";
                    self.complain(source, Fault::unusable(line.place, problem, remedy));
                }
            }
        }
        Some(keys)
    }

    fn signing_line(
        &mut self,
        table: &Table,
        line: Line<'_>,
        (keys, patterns): (&HashMap<String, KeyLine>, bool),
    ) -> Result<(Precision, Conditions, SignatureTemplate), Problem> {
        let mut columns = line.value.split_whitespace();
        let name = columns.next().ok_or_else(|| Problem::new("where the second column is missing"))?;
        let key = keys
            .get(&name.to_ascii_lowercase())
            .ok_or_else(|| Problem::new(format!("but the key table has no `{name}`")))?;
        let (precision, author) = if patterns { pattern(line.key)? } else { precise(line.key)? };
        let mut style = table.options.style(table.options.words.iter().flatten().next());
        if let (Style::Dkim(style), Some(identity)) = (&mut style, columns.next()) {
            style.identity = identity_within(identity, &key.domain)?;
        }
        let signature = SignatureTemplate {
            domain: key.domain.clone(),
            selector: key.selector.clone(),
            key: key.key.clone(),
            style: self.styles.share(style),
        };
        Ok((precision, Conditions { author, ..Conditions::default() }, signature))
    }
}

impl KeyLine {
    fn parse(text: &str, base: &Path) -> Result<Self, Problem> {
        let mut columns = text.splitn(3, ':');
        let missing = || Problem::new("where a column is missing");
        let (domain, selector) = (columns.next().ok_or_else(missing)?, columns.next().ok_or_else(missing)?);
        let path = columns.next().map(str::trim).filter(|path| !path.is_empty()).ok_or_else(missing)?;
        if !path.starts_with(['/', '.']) {
            return Err(Problem::new("whose third part is no path: a key has a file of its own here"));
        }
        let domain = match domain {
            "%" => SigningDomain::Author,
            _ => SigningDomain::Fixed(Domain::from_text(domain)?),
        };
        let Selector(selector) = Selector::from_text(selector)?;
        Ok(Self { domain, selector, key: key_choice(&base.join(path).to_string_lossy(), "%") })
    }
}

/// A pattern of a `refile:`; nothing but `*` is special.
fn pattern(key: &str) -> Result<(Precision, Vec<AddressPattern>), Problem> {
    let pattern = match key {
        // All lines of a `refile:` stand in their order.
        "*" | "*@*" => return Ok((Precision::default(), Vec::new())),
        _ if key.contains('?') => return Err(Problem::new("which holds a `?`: no address has one")),
        _ if key.contains('*') => AddressPattern::from_text(key)?,
        _ if key.contains('@') => AddressPattern::from_text(key)?,
        // Held against whole addresses, a text without `@` and `*` fits none.
        _ => return Err(Problem::new(format!("which fits no address: probably `*@{key}`"))),
    };
    Ok((Precision::default(), vec![pattern]))
}

/// A key of another table.
fn precise(key: &str) -> Result<(Precision, Vec<AddressPattern>), Problem> {
    let labels = |domain: &str| Reverse(domain.split('.').count());
    if key == "*" {
        return Ok(((5, Reverse(0)), Vec::new()));
    }
    match key.split_once('@') {
        Some((user, "*")) => {
            Ok(((4, Reverse(0)), vec![AddressPattern::Glob(Glob::new(&format!("{user}@*")))]))
        }
        Some((user, parent)) if parent.starts_with('.') => {
            let pattern = Glob::new(&format!("{user}@*{parent}"));
            Ok(((2, labels(parent)), vec![AddressPattern::Glob(pattern)]))
        }
        Some(_) => {
            let mailbox = parse_mailboxes(key.as_bytes()).ok().and_then(|mut all| all.pop());
            let mailbox = mailbox.ok_or_else(|| Problem::new("which is no address"))?;
            Ok(((0, labels(key)), vec![AddressPattern::Address(mailbox)]))
        }
        None => match key.strip_prefix('.') {
            Some(parent) => {
                let parent = Domain::from_text(parent)?;
                // The parent itself has no dot in front.
                let pattern = Glob::new(&format!("*@*.{parent}"));
                Ok(((3, labels(parent.as_str())), vec![AddressPattern::Glob(pattern)]))
            }
            None => Ok(((1, labels(key)), vec![AddressPattern::Domain(Domain::from_text(key)?)])),
        },
    }
}

/// OpenDKIM leaves out an identity that is outside of the domain that signs.
fn identity_within(text: &str, domain: &SigningDomain) -> Result<Identity, Problem> {
    if let Some(local_part) = text.strip_suffix("@%") {
        return Ok(Identity::AtAuthorDomain(local_part.to_owned()));
    }
    let text = if text.contains('@') { text.to_owned() } else { format!("@{text}") };
    let identity = Identity::from_text(&text)?;
    let outside = match (identity_domain(&identity), domain) {
        (Some(identity), SigningDomain::Fixed(domain)) => !identity.is_within(domain),
        _ => true,
    };
    Ok(if outside { Identity::Unsaid } else { identity })
}
