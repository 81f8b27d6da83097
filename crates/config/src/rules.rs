//! All rules of an outbound file in one list: those that it holds, and those of the tables that it names.
//!
//! A line of a table becomes a rule of the engine, named after the table and the line. What is wrong with a table is
//! reported with its own lines. Of the lines of one table only the first that fits counts, so a table whose most
//! precise line counts is put in that order here.

mod directory;
pub(crate) mod inline;
mod key_table;
mod lines;
mod maps;
mod opendkim;

use crate::fault::{Fault, Place, Report, Source};
use crate::key_folders::KeyFolders;
use crate::outbound::store::no_domainkeys;
use crate::outbound::{Entry, Outbound, Store, Styles, Table, TableKind};
use crate::regular::{LARGEST_TABLE, read_regular};
use crate::secret::without_keys;
use crate::{Config, Engine, outbound};
use dkim::PrivateKey;
use policy::outbound::{
    Action, AddressPattern, Conditions, KeyName, Matching, ReversePathPattern, Rule, RuleTable,
    SigningDomain, StoreTemplate, Style,
};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// All rules of a file.
#[derive(Debug, Default)]
pub struct Rules {
    /// For the engine.
    pub table: RuleTable,
    /// What is wrong with them; one report for each file that has faults.
    pub reports: Vec<Report>,
    /// Where each rule stands, for faults that are found later.
    pub origins: Vec<Origin>,
    /// The private keys that stand in tables themselves, by the names that the rules call them by.
    pub keys: Keys,
    /// The folders whose keys they sign with, as far as they are to be watched.
    pub folders: KeyFolders,
}

/// Private keys by name.
pub type Keys = HashMap<KeyName, Arc<dyn PrivateKey>>;

/// Where a rule stands.
#[derive(Clone, Debug)]
pub struct Origin {
    /// In which file.
    pub file: Arc<Source>,
    /// Where there.
    pub place: Place,
}

/// Reads the tables that a file names, and looks for rules that stand in each other's way.
#[must_use]
pub fn rules(config: &Config) -> Rules {
    let Engine::Outbound(outbound) = &config.engine else {
        return Rules::default();
    };
    let mut gathering = Gathering::new(Arc::clone(&config.file));
    gathering.is_alone = outbound.entries.len() == 1;
    if outbound.tables().any(|table| matches!(table.kind, TableKind::Directory(_))) {
        gathering
            .named
            .extend(outbound.rules().flat_map(|rule| &rule.keys).map(|key| key.keyfile.value.clone()));
    }
    for (number, entry) in (0..).zip(&outbound.entries) {
        match entry {
            Entry::Rule(rule) => gathering.rule(rule),
            Entry::Table(table) => gathering.table(table, number),
            Entry::Store(store) => gathering.store(store),
        }
    }
    gathering.bounces(outbound);
    let folders = std::mem::take(&mut gathering.folders);
    let watched = if outbound.watch_keys { folders } else { KeyFolders::default() };
    Rules { folders: watched, ..gathering.finish(outbound.matching) }
}

/// The configuration file among the sources.
const MAIN: usize = 0;

/// Rules and faults while they are gathered.
struct Gathering {
    sources: Vec<Arc<Source>>,
    faults: Vec<Vec<Fault>>,
    rules: Vec<Arc<Rule>>,
    /// Where each rule stands: in which source, and where there.
    origins: Vec<(usize, Place)>,
    styles: Styles,
    /// How many databases have been met.
    stores: usize,
    /// Keys that stand in tables.
    keys: Keys,
    folders: KeyFolders,
    /// The key files that rules name.
    named: HashSet<PathBuf>,
    /// Whether `sign` has one entry only.
    is_alone: bool,
}

/// The rules of one table, before they are put in order.
struct TableRules {
    source: usize,
    number: u32,
    /// Each with its place, and how precise it is: the smaller, the sooner it counts.
    rules: Vec<(Precision, Rule, Place)>,
}

/// First by the kind of pattern, then by the number of labels, the more the sooner.
type Precision = (u8, std::cmp::Reverse<usize>);

/// A table without entries signs nothing. Few have meant that, and a file that is being written looks so: those who read
/// it again go on with what they had.
fn empty(place: Place, option: &str, path: &Path) -> Fault {
    let problem = format!("`{option}` is `{}`, which holds no entry", path.display());
    Fault::unusable(place, problem, "fill it, or take the table out of `sign`")
}

impl Gathering {
    fn new(file: Arc<Source>) -> Self {
        Self {
            sources: vec![file],
            faults: vec![Vec::new()],
            rules: Vec::new(),
            origins: Vec::new(),
            styles: Styles::default(),
            stores: 0,
            keys: Keys::new(),
            folders: KeyFolders::default(),
            named: HashSet::new(),
            is_alone: false,
        }
    }

    fn push(&mut self, rule: impl Into<Arc<Rule>>, source: usize, place: Place) {
        self.rules.push(rule.into());
        self.origins.push((source, place));
    }

    fn rule(&mut self, rule: &outbound::Rule) {
        for key in rule.keys.iter().filter(|key| key.in_turn) {
            self.folders.add_turn(&key.keyfile.value);
        }
        self.push(Arc::clone(&rule.rule), MAIN, rule.place);
    }

    fn complain(&mut self, source: usize, fault: Fault) {
        self.faults[source].push(fault);
    }

    /// Reads a table's file. One that cannot be read is a fault of the place that names it, reported elsewhere.
    fn open(&mut self, path: &Path) -> Option<usize> {
        let octets = read_regular(path, LARGEST_TABLE).ok()?;
        // Comments may be in Latin-1. Elsewhere it is a fault of its line.
        Some(self.add(path, String::from_utf8_lossy(lines::without_mark(&octets)).into_owned()))
    }

    fn add(&mut self, path: &Path, text: String) -> usize {
        let text = without_keys(text);
        self.sources.push(Arc::new(Source { name: path.display().to_string(), text }));
        self.faults.push(Vec::new());
        self.sources.len() - 1
    }

    fn table(&mut self, table: &Table, number: u32) {
        match &table.kind {
            TableKind::Directory(folder) => self.directory(table, &folder.value),
            TableKind::SenderMap(map) => self.sender_map(table, map, number),
            TableKind::ListIdMap(map) => self.listid_map(table, map, number),
            TableKind::SigningTable { signing, keys, multiple } => {
                let tables = opendkim::Tables {
                    place: signing.place,
                    signing: &signing.value,
                    keys,
                    multiple: *multiple,
                };
                self.signing_table(table, &tables, number);
            }
        }
    }

    fn store(&mut self, store: &Store) {
        let word = store.options.words.iter().flatten().next();
        let template = StoreTemplate {
            store: self.stores,
            domain: None,
            subdomains: store.subdomains,
            style: self.styles.share(store.options.style(word)),
        };
        let rule = Rule::new(store.name.clone(), Conditions::default(), Action::Ask(template));
        self.stores += 1;
        self.push(rule, MAIN, store.place);
    }

    /// The body is hashed before a database has answered, which DomainKeys does not allow.
    fn refuse_domainkeys(&mut self) {
        let makes = |rule: &Arc<Rule>| match &rule.action {
            Action::Sign(templates) => {
                templates.iter().any(|template| matches!(*template.style, Style::DomainKeys(_)))
            }
            Action::Ask(_) | Action::Leave(_) | Action::Refuse(_) => false,
        };
        if self.stores > 0
            && let Some(at) = self.rules.iter().position(makes)
        {
            let (source, place) = self.origins[at];
            let problem = "DomainKeys signatures cannot be made where keys come from a database";
            self.complain(source, no_domainkeys(place, problem));
        }
    }

    /// Puts the rules of a table in order, the most precise first, and takes them.
    fn take(&mut self, mut table: TableRules) {
        table.rules.sort_by_key(|(precision, ..)| *precision);
        for (_, rule, place) in table.rules {
            self.push(Rule { table: Some(table.number), ..rule }, table.source, place);
        }
    }

    /// A bounce has no envelope sender, and is written by the host itself. Where that host is within
    /// `bounce_domain`, it is signed as this domain, with the signatures of the rule for it.
    fn bounces(&mut self, outbound: &Outbound) {
        let Some(domain) = &outbound.bounce_domain else { return };
        let signs_as = |rule: &&Arc<Rule>| match &rule.action {
            Action::Sign(templates) => {
                let exact = AddressPattern::Domain(domain.value.clone());
                let within = AddressPattern::Within(domain.value.clone());
                let author = &rule.conditions.author;
                templates.iter().any(|template| template.domain == SigningDomain::Fixed(domain.value.clone()))
                    || author.contains(&exact)
                    || author.contains(&within)
            }
            Action::Ask(_) | Action::Leave(_) | Action::Refuse(_) => false,
        };
        // A database may have its keys.
        let asks = |rule: &&Arc<Rule>| matches!(rule.action, Action::Ask(_));
        let found = self.rules.iter().find(signs_as).or_else(|| self.rules.iter().find(asks));
        let Some(rule) = found else {
            let problem = format!("`bounce_domain` is `{}`, and no rule signs as this domain", domain.value);
            let remedy = "add a rule with this domain and its key to `sign`";
            return self.complain(MAIN, Fault::unusable(domain.place, problem, remedy));
        };
        let mut rule = Rule::clone(rule);
        if let Action::Ask(template) = &mut rule.action {
            template.domain = Some(domain.value.clone());
        }
        if let Action::Sign(templates) = &mut rule.action {
            let fixed = SigningDomain::Fixed(domain.value.clone());
            templates.retain(|template| {
                matches!(template.domain, SigningDomain::Matched | SigningDomain::Author)
                    || template.domain == fixed
            });
            for template in templates {
                template.domain = fixed.clone();
            }
        }
        "bounce_domain".clone_into(&mut rule.name);
        rule.conditions = Conditions {
            author: vec![AddressPattern::Within(domain.value.clone())],
            reverse_path: vec![ReversePathPattern::Null],
            ..Conditions::default()
        };
        (rule.table, rule.agreement) = (None, None);
        self.push(rule, MAIN, domain.place);
    }

    fn finish(mut self, matching: Matching) -> Rules {
        self.refuse_domainkeys();
        let table = RuleTable::new(matching, std::mem::take(&mut self.rules));
        for (at, earlier) in table.unreachable() {
            let (source, place) = self.origins[at];
            let (name, earlier) = (&table.rules()[at].name, &table.rules()[earlier].name);
            // The rule for bounces is there for what the others leave.
            if name == "bounce_domain" {
                continue;
            }
            let problem =
                format!("{name} never fits: {earlier} stands before it, and takes all that it would");
            let remedy = "put the narrower one first, or take one of them out";
            // A table may come from elsewhere, where nobody minded.
            let fault = if source == MAIN {
                Fault::unusable(place, problem, remedy)
            } else {
                Fault::doubtful(place, problem, remedy)
            };
            self.complain(source, fault);
        }
        let origin =
            |&(source, place): &(usize, Place)| Origin { file: Arc::clone(&self.sources[source]), place };
        let origins = self.origins.iter().map(origin).collect();
        let reports = self.sources.into_iter().zip(self.faults);
        let reports = reports.filter(|(_, faults)| !faults.is_empty());
        let reports = reports.map(|(source, faults)| Report::new(source, faults)).collect();
        Rules { table, reports, origins, keys: self.keys, folders: self.folders }
    }
}
