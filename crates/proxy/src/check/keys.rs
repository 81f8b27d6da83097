//! The keys that tables name. A start reads them when they are first used; `check` looks at all of them.

use super::published::domains;
use crate::assemble::{Assembly, MOST_AT_START, flaw_of_key, remedy_for_key};
use crate::key::file;
use config::{Fault, Keys, Place, Report, Rules, Source};
use dkim::{Algorithm, PrivateKey};
use policy::outbound::{Action, KeyChoice, Rule, SignatureTemplate, Style};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is wrong with them, with the lines that name them.
pub fn of_tables(Assembly { config, .. }: &Assembly, rules: &Rules) -> Vec<Report> {
    let config::Engine::Outbound(outbound) = &config.engine else { return Vec::new() };
    // Those that the file itself names are looked at by each start.
    let own = outbound.rules().flat_map(|rule| &rule.keys).take(MOST_AT_START);
    let own = own.map(|key| key.keyfile.value.clone());
    let mut seen: HashSet<PathBuf> = own.collect();
    let mut faults: Vec<(&Arc<Source>, Vec<Fault>)> = Vec::new();
    for (rule, origin) in rules.table.rules().iter().zip(&rules.origins) {
        let found = faults_of(rule, (origin.place, &rules.keys), &mut seen);
        match faults.last_mut().filter(|(file, _)| Arc::ptr_eq(file, &origin.file)) {
            Some((_, faults)) => faults.extend(found),
            None => faults.push((&origin.file, found)),
        }
    }
    let faults = faults.into_iter().filter(|(_, faults)| !faults.is_empty());
    faults.map(|(file, faults)| Report::new(Arc::clone(file), faults)).collect()
}

fn faults_of(rule: &Rule, (place, keys): (Place, &Keys), seen: &mut HashSet<PathBuf>) -> Vec<Fault> {
    let Action::Sign(signatures) = &rule.action else { return Vec::new() };
    let mut faults = Vec::new();
    for signature in signatures {
        if let KeyChoice::Named(name) = &signature.key
            && let Some(key) = keys.get(name)
        {
            faults.extend(flaw_of_key(&key.public_key(), wanted(signature), place));
            continue;
        }
        let paths: Vec<PathBuf> = match &signature.key {
            KeyChoice::Named(name) => vec![name.as_str().into()],
            KeyChoice::ByDomain(pieces) => {
                domains(rule).iter().map(|domain| pieces.join(domain.as_str()).into()).collect()
            }
        };
        for path in paths {
            if seen.insert(path.clone()) {
                faults.extend(fault_of(&path, signature, place));
            }
        }
    }
    faults
}

fn fault_of(path: &Path, signature: &SignatureTemplate, place: Place) -> Vec<Fault> {
    let mode = config::check_key(path, place);
    if mode.as_ref().is_some_and(Fault::is_fatal) {
        return mode.into_iter().collect();
    }
    let content = match file::read_guarded(path) {
        Ok(key) => flaw_of_key(&key.public_key(), wanted(signature), place),
        Err(error) => Some(Fault::unusable(place, &error, remedy_for_key(&error))),
    };
    mode.into_iter().chain(content).collect()
}

/// The algorithm that the key must be for, if it matters.
fn wanted(signature: &SignatureTemplate) -> Option<Algorithm> {
    match &*signature.style {
        Style::Dkim(style) => style.algorithm,
        Style::DomainKeys(_) => Some(Algorithm::RsaSha1),
    }
}
