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
        for (name, held) in domains.into_iter().zip(all) {
            let path = folder.join(&name);
            if !name.starts_with('.') {
                self.domain(table, (&name, &path), (&held, &style));
            }
            seen.insert(name.into(), held.seen);
        }
        self.folders.add_directory(folder, seen);
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
