//! A key directory: a folder for each domain, in it a file for each selector.

use super::{Gathering, MAIN};
use crate::fault::Fault;
use crate::outbound::Table;
use crate::rotating::Rotating;
use crate::signature::Selector;
use crate::text::FromText;
use mail::Domain;
use policy::outbound::{
    Action, AddressPattern, Conditions, KeyName, Rule, SignatureTemplate, SigningDomain, Style,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Gathering {
    pub(super) fn directory(&mut self, table: &Table, folder: &Path) {
        let word = table.options.words.iter().flatten().next();
        let style = self.styles.share(table.options.style(word));
        let mut domains = names(folder);
        domains.sort_unstable();
        for name in domains.iter().filter(|name| !name.starts_with('.')) {
            let path = folder.join(name);
            let Ok(domain) = Domain::parse(name) else {
                if path.is_dir() {
                    let problem =
                        format!("`{}` bears the name of no domain, and is left out", path.display());
                    let remedy = "name each folder in the key directory after its domain";
                    self.complain(MAIN, Fault::doubtful(table.place, problem, remedy));
                }
                continue;
            };
            let signatures = signatures(&path, &style);
            if !signatures.is_empty() {
                self.push(rule(table, &path, domain, signatures), MAIN, table.place);
            } else if path.is_dir() {
                let problem =
                    format!("`{}` has no key that signs: mail of {domain} stays unsigned", path.display());
                let remedy = "name each key SELECTOR.pem; one that `dkimgate key rotate` has made signs once its record is there";
                self.complain(MAIN, Fault::doubtful(table.place, problem, remedy));
            }
        }
    }
}

fn rule(table: &Table, path: &Path, domain: Domain, signatures: Vec<SignatureTemplate>) -> Rule {
    let pattern = if table.subdomains { AddressPattern::Within } else { AddressPattern::Domain };
    let conditions = Conditions { author: vec![pattern(domain)], ..Conditions::default() };
    Rule::new(path.display().to_string(), conditions, Action::Sign(signatures))
}

/// One signature for each key of a domain; where keys change, only for the one whose turn it is.
fn signatures(folder: &Path, style: &Arc<Style>) -> Vec<SignatureTemplate> {
    let mut files = match Rotating::of(folder) {
        Rotating::No => names(folder),
        Rotating::Waiting => Vec::new(),
        Rotating::Signs(_, file) => vec![file],
    };
    files.sort_unstable();
    let signature = |file: &String| {
        let Selector(selector) = Selector::from_text(file.strip_suffix(".pem")?).ok()?;
        let key: PathBuf = folder.join(file);
        Some(SignatureTemplate {
            domain: SigningDomain::Matched,
            selector,
            key: KeyName::new(&key.to_string_lossy()).into(),
            style: Arc::clone(style),
        })
    };
    files.iter().filter_map(signature).collect()
}

/// What is in a folder; nothing if it is none.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}
