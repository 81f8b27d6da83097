//! The outbound role: whose mail is signed, and how.
//!
//! A rule of the file becomes a rule of the engine at once; what stands beside it here is only what else can be
//! wrong with it: its place, and its keys. Tables are files of their own, which [`mod@crate::rules`] reads.

mod conditions;
mod options;
mod rule;
pub(crate) mod store;
mod table;

pub use rule::{Key, Rule};
pub use store::{Database, RedisLayout, Server, ServerAddress, Store, Tls};
pub use table::{Dataset, Table, TableKind};

use crate::conformity::Conformity;
use crate::dns::Dns;
use crate::fault::{Fault, Placed};
use crate::listen::Listen;
use crate::section::Section;
use crate::text::{FromText, Problem, one_of};
use dkim::Kind;
use mail::Domain;
use policy::outbound::{Action, FaultMeasures, Matching, OnFault, Style};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What an outbound listener does with a message.
#[derive(Clone, Debug)]
pub struct Outbound {
    /// `match:`, which of the rules that fit a message count.
    pub matching: Matching,
    /// `on_fault:`, what is done if a signature cannot be made.
    pub on_fault: FaultMeasures,
    /// `check_keys:`, how often the records of the keys are looked at.
    pub check_keys: CheckKeys,
    /// `sign_only_if_published:`, whether a signature waits for its record.
    pub sign_only_if_published: bool,
    /// `dns:`, how those records are looked up.
    pub dns: Dns,
    /// `sign:`, in the order of the file.
    pub entries: Vec<Entry>,
    /// `bounce_domain:`, which signs bounces of its own hosts.
    pub bounce_domain: Option<Placed<Domain>>,
    /// `key_cache:`, how many keys are held in memory.
    pub key_cache: Option<usize>,
    /// `watch_keys:`, whether a change in a key folder takes effect at once.
    pub watch_keys: bool,
    /// What is done about mail that would not stay as it was signed.
    pub conformity: Conformity,
}

/// How often the records of the keys are looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CheckKeys {
    /// Never.
    Off,
    /// At the start, and after this time again and again.
    Every(Duration),
}

impl Default for CheckKeys {
    /// A key that vanishes from the DNS is noticed within the hour, and a hundred keys are two look-ups a minute.
    fn default() -> Self {
        Self::Every(Duration::from_secs(60 * 60))
    }
}

impl FromText for CheckKeys {
    const EXPECTED: &'static str = "`off`, or a time with its unit, such as `1h`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        match text {
            "off" => Ok(Self::Off),
            time => Duration::from_text(time).map(Self::Every),
        }
    }
}

/// One entry of `sign:`.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A rule that stands in the file itself.
    Rule(Rule),
    /// A file or folder with rules.
    Table(Box<Table>),
    /// A database with keys.
    Store(Box<Store>),
}

/// What the readers of rules share.
pub(crate) struct Reader<'a> {
    /// What relative paths are relative to.
    pub(crate) folder: &'a Path,
    pub(crate) styles: Styles,
}

/// The styles met so far: a hundred thousand signatures of one style share it.
#[derive(Default)]
pub(crate) struct Styles(Vec<Arc<Style>>);

impl Styles {
    pub(crate) fn share(&mut self, style: Style) -> Arc<Style> {
        /// More are hardly ever in use, and to compare with each would take longer than to keep one more.
        const MOST_COMPARED: usize = 16;
        if let Some(known) = self.0.iter().rev().take(MOST_COMPARED).find(|known| ***known == style) {
            return Arc::clone(known);
        }
        let style = Arc::new(style);
        self.0.push(Arc::clone(&style));
        style
    }
}

impl Outbound {
    /// `folder` is what relative paths are relative to.
    pub(crate) fn read(file: &mut Section<'_>, folder: &Path) -> Self {
        file.require("sign", "a list of rules, each with `domain`, `selector` and `keyfile`");
        let reader = || Reader { folder, styles: Styles::default() };
        let entries = file.many_sections("sign", "rule", reader, Entry::read);
        let entries: Vec<Entry> = entries.into_iter().flatten().collect();
        refuse_doubles(file, &entries);
        Self {
            matching: file.value("match").unwrap_or_default(),
            on_fault: on_fault(file),
            check_keys: file.value("check_keys").unwrap_or_default(),
            sign_only_if_published: file.value("sign_only_if_published").unwrap_or_default(),
            dns: file.section("dns", |section| Dns::read(section, folder)),
            entries,
            bounce_domain: file.placed("bounce_domain"),
            key_cache: file.value("key_cache"),
            watch_keys: file.value("watch_keys").unwrap_or(true),
            conformity: Conformity::read(file),
        }
    }

    /// A listener that the file does not have would keep a rule from ever fitting.
    pub(crate) fn check_listeners(&self, file: &mut Section<'_>, listen: &[Placed<Listen>]) {
        // What is inherited has the address that somebody else gave it.
        if listen.iter().any(|listen| matches!(listen.value, Listen::Inherited(_))) {
            return;
        }
        let known: Vec<String> = listen.iter().map(|listen| listen.value.to_string()).collect();
        for rule in self.rules() {
            let listeners = &rule.rule.conditions.listener;
            if let Some(unknown) = listeners.iter().find(|listener| !known.contains(listener)) {
                let problem = format!(
                    "{} is for the listener `{unknown}`, where this file does not listen",
                    rule.rule.name
                );
                let remedy = format!("name what stands in `listen`: {}", known.join(", "));
                file.complain(Fault::contradiction(rule.place, problem, remedy));
            }
        }
    }

    /// The rules that stand in the file itself.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Rule(rule) => Some(rule),
            Entry::Table(_) | Entry::Store(_) => None,
        })
    }

    /// The databases with keys, in the order in which rules count them.
    pub fn stores(&self) -> impl Iterator<Item = &Store> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Store(store) => Some(&**store),
            Entry::Rule(_) | Entry::Table(_) => None,
        })
    }

    /// The files and folders with rules.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Table(table) => Some(&**table),
            Entry::Rule(_) | Entry::Store(_) => None,
        })
    }
}

impl Entry {
    fn read(section: &mut Section<'_>, reader: &mut Reader<'_>, number: usize) -> Option<Self> {
        if Table::is_one(section) {
            return Table::read(section, reader).map(Box::new).map(Self::Table);
        }
        if Store::is_one(section) {
            return Store::read(section, reader.folder).map(Box::new).map(Self::Store);
        }
        Rule::read(section, reader, number).map(Self::Rule)
    }
}

impl FromText for Matching {
    const EXPECTED: &'static str = "`all` (each rule that fits signs) or `first`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        one_of(text, &[("all", Self::All), ("first", Self::First)])
    }
}

impl FromText for OnFault {
    const EXPECTED: &'static str = "`defer` (the client hears 451 and keeps the message), `unsigned`, or a mapping of `missing`, `unreadable` and `unpublished` to these words";

    fn from_text(text: &str) -> Result<Self, Problem> {
        one_of(text, &[("defer", Self::Defer), ("unsigned", Self::Leave)])
    }
}

/// `on_fault:`, one word for all faults or a word for each.
fn on_fault(file: &mut Section<'_>) -> FaultMeasures {
    if !file.is_mapping("on_fault") {
        return file.value::<OnFault>("on_fault").unwrap_or_default().into();
    }
    file.section("on_fault", |section| FaultMeasures {
        missing: section.value("missing").unwrap_or_default(),
        unreadable: section.value("unreadable").unwrap_or_default(),
        unpublished: section.value("unpublished").unwrap_or_default(),
    })
}

/// Two signatures of one domain with one selector would be looked up at one name.
fn refuse_doubles(file: &mut Section<'_>, entries: &[Entry]) {
    let rules = || {
        entries.iter().filter_map(|entry| match entry {
            Entry::Rule(rule) => Some(rule),
            Entry::Table(_) | Entry::Store(_) => None,
        })
    };
    let signatures = rules().flat_map(|rule| &rule.keys).map(|key| key.domains.len()).sum();
    let mut names = HashMap::with_capacity(signatures);
    for rule in rules() {
        let Action::Sign(templates) = &rule.rule.action else { continue };
        for (key, template) in rule.keys.iter().zip(templates) {
            let kind = if matches!(*template.style, Style::Dkim(_)) { Kind::Dkim } else { Kind::DomainKeys };
            for domain in &key.domains {
                let selector = &key.selector;
                // One key may stand in several rules, for different messages.
                let earlier = names
                    .insert((kind.name(), domain, &selector.value), (rule, &key.keyfile.value))
                    .filter(|(other, keyfile)| {
                        *keyfile != &key.keyfile.value || other.rule.conditions == rule.rule.conditions
                    });
                if let Some((earlier, _)) = earlier {
                    let problem = format!(
                        "selector `{}` of `{domain}` has a signature already, in {}",
                        selector.value, earlier.rule.name
                    );
                    let remedy = "give each signature of a domain a selector of its own, or drop one of them";
                    file.complain(Fault::contradiction(selector.place, problem, remedy));
                }
            }
        }
    }
}
