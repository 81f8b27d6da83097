//! OpenDKIM's `SigningTable` (opendkim.conf(5)).
//!
//! A line is a key, the name of a line of the key table, and perhaps a colon and an identity. In a `refile:` the keys
//! are patterns, of which `*` stands for anything, in their order. Otherwise the most precise counts: `user@host`,
//! `host`, `user@.parent`, `.parent`, `user@*`, `*`. A `%` is the author's domain, also as the name of a key.

use super::inline::Parted;
use super::key_table::{KeyLine, KeyTable};
use super::lines::{Comments, Line, lines, without_mark};
use super::{Gathering, MAIN, Precision, TableRules, empty};
use crate::fault::{Fault, Place, Placed};
use crate::files::check_open_table;
use crate::outbound::{Dataset, Table};
use crate::pattern::address_glob;
use crate::regular::{LARGEST_TABLE, open_regular};
use crate::secret::quoted;
use crate::signature::identity_domain;
use crate::text::{FromText, Problem};
use mail::{Domain, parse_mailboxes};
use policy::outbound::{
    Action, AddressPattern, Conditions, Glob, Identity, Rule, SignatureTemplate, SigningDomain, Style,
};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The two tables.
pub(super) struct Tables<'a> {
    pub(super) place: Place,
    pub(super) signing: &'a Dataset,
    pub(super) keys: &'a Placed<Dataset>,
    pub(super) multiple: bool,
}

/// A rule of a line: how precise it is, when it fits, and what it signs with.
type Found = (Precision, Conditions, SignatureTemplate);

impl Gathering {
    pub(super) fn signing_table(&mut self, table: &Table, tables: &Tables<'_>, number: u32) {
        let keys = self.key_table(tables.keys);
        let Some(source) = self.open(&tables.signing.path) else { return };
        let Some(keys) = keys else { return };
        let file = Arc::clone(&self.sources[source]);
        let mut rules = Vec::new();
        for line in lines(&file.text, Comments::Rests) {
            match self.signing_line(table, line, (&keys, tables.signing.patterns)) {
                Ok(found) => rules.extend(found.into_iter().map(|(precision, conditions, signature)| {
                    let name = format!("{}:{}", tables.signing.path.display(), line.number);
                    (precision, Rule::new(name, conditions, Action::Sign(vec![signature])), line.place)
                })),
                Err(problem) => {
                    let problem = format!("{}, {problem}", quoted(line.place.text(&file.text)));
                    let remedy =
                        "a line is an address or a pattern, blanks, and the name of a line of the key table";
                    self.complain(source, Fault::unusable(line.place, problem, remedy));
                }
            }
        }
        if rules.is_empty() && self.faults[source].is_empty() {
            self.complain(MAIN, empty(tables.place, "signing_table", &tables.signing.path));
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
    fn refuse_twice(&mut self, source: usize, rules: &[(Precision, Rule, Place)], patterns: bool) {
        let mut seen = HashMap::new();
        for (_, rule, place) in rules.iter().filter(|_| !patterns) {
            let author = format!("{:?}", rule.conditions.author);
            if let Some(earlier) = seen.insert(author, &rule.name) {
                let problem = format!("{} is for the same authors as {earlier}", rule.name);
                self.complain(source, Fault::unusable(*place, problem, "keep one of them"));
            }
        }
    }

    fn key_table<'a>(&mut self, dataset: &'a Placed<Dataset>) -> Option<KeyTable<'a>> {
        let (parted, exposed) = read_key_table(dataset)?;
        if let Some(exposed) = exposed {
            self.complain(MAIN, exposed);
        }
        let source = self.add(&dataset.value.path, parted.text);
        let file = Arc::clone(&self.sources[source]);
        let mut table = KeyTable::new(&dataset.value, parted.keys);
        if lines(&file.text, Comments::Rests).next().is_none() {
            self.complain(MAIN, empty(dataset.place, "key_table", &dataset.value.path));
        }
        for line in lines(&file.text, Comments::Rests) {
            if let Err(problem) = table.add(line) {
                let problem = format!("{}, {problem}", quoted(line.place.text(&file.text)));
                let remedy = "a line is the name of a key, blanks, and `domain:selector:/path/of/the/key`; in the place of \
                              the path the key itself may stand, in PEM or base64 of DER";
                self.complain(source, Fault::unusable(line.place, problem, remedy));
            }
        }
        self.keys.extend(std::mem::take(&mut table.keys));
        Some(table)
    }

    fn signing_line(
        &mut self,
        table: &Table,
        line: Line<'_>,
        (keys, patterns): (&KeyTable<'_>, bool),
    ) -> Result<Vec<Found>, Problem> {
        let line = line.sound()?;
        let (name, identity) = line.value.split_once([':', ' ', '\t']).unwrap_or((line.value, ""));
        if name.is_empty() {
            return Err(Problem::new("where the second column is missing"));
        }
        let identity = Some(identity.trim()).filter(|identity| !identity.is_empty());
        let (precision, author) = if patterns { pattern(line.key)? } else { precise(line.key)? };
        if name != "%" {
            let key = keys.get(name);
            let key =
                key.ok_or_else(|| Problem::new(format!("but the key table has no {}", quoted(name))))?;
            return self.found(table, (precision, author), (key, identity)).map(|found| vec![found]);
        }
        // The name of the key is the author's domain.
        let mut all = Vec::new();
        for (domain, key) in keys.by_domain() {
            if let Some(author) = narrowed(&author, &domain)? {
                all.push(self.found(table, (precision, vec![author]), (key, identity))?);
            }
        }
        Ok(all)
    }

    fn found(
        &mut self,
        table: &Table,
        (precision, author): (Precision, Vec<AddressPattern>),
        (key, identity): (&KeyLine, Option<&str>),
    ) -> Result<Found, Problem> {
        let mut style = table.options.style(table.options.words.iter().flatten().next());
        if let (Style::Dkim(style), Some(identity)) = (&mut style, identity) {
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

/// Reads a key table. One with keys in it is as secret as they are. One that cannot be read is a fault of the place that
/// names it, reported elsewhere.
fn read_key_table(Placed { value, place }: &Placed<Dataset>) -> Option<(Parted, Option<Fault>)> {
    // Of the open file, so that nobody can put another in its place meanwhile.
    let (file, metadata) = open_regular(&value.path, LARGEST_TABLE).ok()?;
    // As long as the file, so that it does not grow and leave pieces behind.
    let mut octets = Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1));
    file.take(metadata.len()).read_to_end(&mut octets).ok()?;
    let text = Zeroizing::new(String::from_utf8_lossy(without_mark(&octets)).into_owned());
    let parted = Parted::of(&text);
    let exposed =
        if parted.keys.is_empty() { None } else { check_open_table(&value.path, *place, &metadata) };
    Some((parted, exposed))
}

/// What of a pattern is within a domain.
fn narrowed(author: &[AddressPattern], domain: &Domain) -> Result<Option<AddressPattern>, Problem> {
    let own = || AddressPattern::Domain(domain.clone());
    Ok(match author.first() {
        None => Some(own()),
        Some(AddressPattern::Glob(glob)) => {
            let text = glob.to_string();
            let (local_part, host) = text
                .rsplit_once('@')
                .ok_or_else(|| Problem::new("where `%` needs a pattern with an `@`, or `*`"))?;
            let whole = || AddressPattern::Glob(Glob::new(&format!("{local_part}@{domain}")));
            let fits = Glob::new(host).fits(domain.as_str());
            fits.then(|| if local_part == "*" { own() } else { whole() })
        }
        Some(other) => Some(other.clone()).filter(|pattern| match pattern {
            AddressPattern::Address(mailbox) => mailbox.domain == *domain,
            other => *other == own(),
        }),
    })
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
    if key.strip_suffix("@*").unwrap_or(key).contains('*') {
        return Err(Problem::new(
            "which holds a `*`, and this table has no patterns: say `refile:` before its path",
        ));
    }
    match key.split_once('@') {
        Some((user, "*")) => {
            Ok(((4, Reverse(0)), vec![AddressPattern::Glob(address_glob(&format!("{user}@*"))?)]))
        }
        Some((user, parent)) if parent.starts_with('.') => {
            let parent = Domain::from_text(&parent[1..])?;
            let pattern = address_glob(&format!("{user}@*.{parent}"))?;
            Ok(((2, labels(parent.as_str())), vec![AddressPattern::Glob(pattern)]))
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
    if !text.contains(['@', '.']) {
        return Err(Problem::new(format!(
            "whose {} is no identity: it has neither an `@` nor a domain",
            quoted(text)
        )));
    }
    let text = if text.contains('@') { text.to_owned() } else { format!("@{text}") };
    if let Some(local_part) = text.strip_suffix("@%") {
        return Ok(Identity::AtAuthorDomain(local_part.to_owned()));
    }
    let identity = Identity::from_text(&text)?;
    let outside = match (identity_domain(&identity), domain) {
        (Some(identity), SigningDomain::Fixed(domain)) => !identity.is_within(domain),
        _ => true,
    };
    Ok(if outside { Identity::Unsaid } else { identity })
}
