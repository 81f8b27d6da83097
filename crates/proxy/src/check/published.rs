//! What the DNS has of the keys and domains of all files.

use crate::assemble::Assembly;
use crate::cli::key::DnsArgs;
use crate::key::domain::Glance;
use crate::key::file;
use crate::key::inspect::{Finding, Subject, inspect_all};
use crate::key::resolver::{ResolverError, with_resolver};
use config::{Engine, Fault, Key, Report};
use dkim::PrivateKey;
use mail::Domain;
use std::collections::BTreeSet;
use std::fmt;

/// What was found.
pub struct Published {
    /// One for each key and domain that it signs as.
    pub findings: Vec<Finding>,
    /// The signing domains at a glance.
    pub domains: Vec<Glance>,
}

impl Published {
    /// Looks all keys and domains up. A key whose record cannot have a name is reported.
    pub fn look(
        assemblies: &[Assembly],
        from: &DnsArgs,
        reports: &mut Vec<Report>,
    ) -> Result<Self, ResolverError> {
        let mut subjects = Vec::new();
        for Assembly { config, .. } in assemblies {
            let Engine::Outbound(outbound) = &config.engine else { continue };
            let mut faults = Vec::new();
            for key in outbound.rules().flat_map(|rule| &rule.keys) {
                subjects.extend(subjects_of(key, &mut faults));
            }
            if !faults.is_empty() {
                reports.push(config.report(faults));
            }
        }
        let domains: BTreeSet<Domain> = subjects.iter().map(|subject| subject.domain.clone()).collect();
        with_resolver(from, async |resolver| {
            let findings = inspect_all(&resolver, subjects).await.into_iter().flatten().collect();
            let mut glances = Vec::new();
            for domain in &domains {
                glances.push(Glance::at(&resolver, domain).await);
            }
            Self { findings, domains: glances }
        })
    }
}

/// A key once for each domain that it signs as.
fn subjects_of(signing: &Key, faults: &mut Vec<Fault>) -> Vec<Subject> {
    let path = &signing.keyfile.value;
    let key = match file::read(path) {
        Ok(key) => Some(key.public_key()),
        // It is made at the first start.
        Err(_) if signing.generate && path.symlink_metadata().is_err() => None,
        Err(error) => {
            faults.push(Fault::unusable(signing.keyfile.place, error, "name a private key that can be read"));
            return Vec::new();
        }
    };
    let mut subjects = Vec::new();
    for domain in &signing.domains {
        let selector = &signing.selector;
        let name = format!("{}._domainkey.{}", selector.value, domain);
        if let Err(error) = Domain::parse(&name) {
            let problem = format!("the record of this selector and `{}` has no name: {error}", domain);
            faults.push(Fault::unusable(selector.place, problem, "choose a shorter selector"));
            continue;
        }
        let (domain, selector) = (domain.clone(), selector.value.clone());
        subjects.push(Subject { domain, selector, path: path.clone(), key: key.clone() });
    }
    subjects
}

impl fmt::Display for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "\n{finding}")?;
        }
        for domain in &self.domains {
            writeln!(f, "\n{domain}")?;
        }
        Ok(())
    }
}
