//! A key directory: a folder for each domain, in it a file for each selector.

use super::{Gathering, MAIN};
use crate::fault::Fault;
use crate::key_folders::{KeyFolder, names};
use crate::outbound::Table;
use crate::parallel::{FILES, in_parallel};
use crate::signature::Selector;
use crate::text::FromText;
use mail::Domain;
use policy::outbound::{
    Action, AddressPattern, Conditions, KeyName, Rule, SignatureTemplate, SigningDomain, Style,
};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Gathering {
    pub(super) fn directory(&mut self, table: &Table, folder: &Path) {
        let word = table.options.words.iter().flatten().next();
        let style = self.styles.share(table.options.style(word));
        let mut domains = names(folder);
        domains.sort_unstable();
        let all = in_parallel(&domains, FILES, |name| KeyFolder::look(&folder.join(name)));
        let mut seen = HashMap::with_capacity(domains.len());
        let before = (self.rules.len(), self.faults[MAIN].len());
        let loose: Vec<PathBuf> =
            domains.iter().zip(&all).filter_map(|(name, held)| loose(folder, name, held)).collect();
        for (name, held) in domains.into_iter().zip(all) {
            let path = folder.join(&name);
            if !name.starts_with('.') {
                self.domain(table, (&name, &path), (&held, &style));
            }
            seen.insert(name.into(), held.seen);
        }
        self.loose(table, folder, (&loose, before));
        self.folders.add_directory(folder, seen);
    }

    /// Complains of keys in the key directory itself, and of a key directory of which nothing came.
    fn loose(&mut self, table: &Table, folder: &Path, (loose, before): (&[PathBuf], (usize, usize))) {
        let signs = self.rules.len() > before.0;
        // Those that rules name may lie wherever they like.
        if let Some(key) = loose.iter().find(|key| !self.named.contains(*key)) {
            let problem = format!(
                "`{}` lies in the key directory itself, where no key signs: it wants {}/DOMAIN/SELECTOR.pem",
                key.display(),
                folder.display()
            );
            let remedy =
                "name the folder that holds a folder for each domain, or move the key into one of its domain";
            let fault = if signs { Fault::doubtful } else { Fault::unusable };
            self.complain(MAIN, fault(table.place, problem, remedy));
        } else if !signs && self.faults[MAIN].len() == before.1 && folder.is_dir() {
            let problem = format!(
                "the key directory `{}` holds no key: nobody is signed for by it yet",
                folder.display()
            );
            let remedy = format!("put keys into it as {}/DOMAIN/SELECTOR.pem", folder.display());
            self.complain(MAIN, Fault::doubtful(table.place, problem, remedy));
        }
    }

    /// Takes what a folder holds as the keys of the domain whose name it bears.
    fn domain(
        &mut self,
        table: &Table,
        (name, path): (&str, &Path),
        (held, style): (&KeyFolder, &Arc<Style>),
    ) {
        let Ok(domain) = Domain::parse(name) else {
            if held.is_folder {
                let problem = format!("`{}` bears the name of no domain, and is left out", path.display());
                let remedy = "name each folder in the key directory after its domain";
                self.complain(MAIN, Fault::doubtful(table.place, problem, remedy));
            }
            return;
        };
        let signatures = signatures(path, held, style);
        if !signatures.is_empty() {
            self.push(rule(table, path, domain, signatures), MAIN, table.place);
        } else if held.is_folder {
            let problem =
                format!("`{}` has no key that signs: mail of {domain} stays unsigned", path.display());
            let remedy = "name each key SELECTOR.pem; one that `dkimgate key rotate` has made signs once its record is there";
            self.complain(MAIN, Fault::doubtful(table.place, problem, remedy));
        }
    }
}

/// A key file that lies where folders are meant to be.
fn loose(folder: &Path, name: &str, held: &KeyFolder) -> Option<PathBuf> {
    let is_key = !name.starts_with('.') && name.strip_suffix(".pem").is_some();
    (is_key && !held.is_folder).then(|| folder.join(name))
}

fn rule(table: &Table, path: &Path, domain: Domain, signatures: Vec<SignatureTemplate>) -> Rule {
    let pattern = if table.subdomains { AddressPattern::Within } else { AddressPattern::Domain };
    let conditions = Conditions { author: vec![pattern(domain)], ..Conditions::default() };
    Rule::new(path.display().to_string(), conditions, Action::Sign(signatures))
}

/// One signature for each key of a domain that signs.
fn signatures(folder: &Path, held: &KeyFolder, style: &Arc<Style>) -> Vec<SignatureTemplate> {
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
    held.files.iter().filter_map(signature).collect()
}
