//! What the DNS has of the keys and domains of all files.

use crate::assemble::Assembly;
use crate::cli::key::DnsArgs;
use crate::key::domain::Glance;
use crate::key::file::{self, KeyFileError};
use crate::key::inspect::{Finding, Subject, inspect_all};
use crate::key::resolver::{ResolverError, with_resolver};
use config::{Fault, Keys, Place, Report};
use dkim::PrivateKey;
use mail::Domain;
use policy::outbound::{Action, AddressPattern, KeyChoice, KeyName, Rule, RuleTable, SigningDomain};
use std::collections::BTreeSet;
use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;

/// What was found.
pub struct Published {
    /// One for each key and domain that it signs as.
    pub findings: Vec<Finding>,
    /// The signing domains at a glance.
    pub domains: Vec<Glance>,
}

impl Published {
    /// Looks all keys and domains up, those of tables too. A key that cannot be read is reported elsewhere.
    pub fn look(
        assemblies: &[Assembly],
        from: &DnsArgs,
        reports: &mut Vec<Report>,
    ) -> Result<Self, ResolverError> {
        let mut subjects = Vec::new();
        for Assembly { config, .. } in assemblies {
            let mut faults = Vec::new();
            let rules = config::rules(config);
            for (path, domain, selector) in places(&rules.table) {
                match subject(domain, selector, path, &rules.keys) {
                    Ok(subject) => subjects.extend(subject),
                    Err(fault) => faults.push(fault),
                }
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

/// Where each key is (in a table: the table and its line), the domain and the selector that it signs with; each once.
pub fn places(table: &RuleTable) -> BTreeSet<(PathBuf, Domain, Domain)> {
    let mut places = BTreeSet::new();
    for rule in table.rules() {
        let Action::Sign(signatures) = &rule.action else { continue };
        for signature in signatures {
            let domains: Vec<Domain> = match &signature.domain {
                SigningDomain::Fixed(domain) => vec![domain.clone()],
                SigningDomain::Matched | SigningDomain::Author => domains(rule),
            };
            let path = |domain: &Domain| match &signature.key {
                KeyChoice::Named(key) => PathBuf::from(key.as_str()),
                KeyChoice::ByDomain(pieces) => PathBuf::from(pieces.join(domain.as_str())),
            };
            let place = |domain| (path(&domain), domain, signature.selector.clone());
            // Of a rule for any author only a message tells which domain signs.
            places.extend(domains.into_iter().map(place));
        }
    }
    places
}

/// The domains that a rule names.
pub fn domains(rule: &Rule) -> Vec<Domain> {
    rule.conditions.author.iter().filter_map(own_domain).collect()
}

/// The domain that a pattern names.
fn own_domain(pattern: &AddressPattern) -> Option<Domain> {
    match pattern {
        AddressPattern::Domain(domain) | AddressPattern::Within(domain) => Some(domain.clone()),
        AddressPattern::Address(mailbox) | AddressPattern::Extended(mailbox) => Some(mailbox.domain.clone()),
        AddressPattern::Glob(_) => None,
    }
}

/// Nothing if the key cannot be read.
fn subject(domain: Domain, selector: Domain, path: PathBuf, keys: &Keys) -> Result<Option<Subject>, Fault> {
    let in_table = keys.get(&KeyName::new(&path.to_string_lossy()));
    let read = || file::read_stored(&path).map(|key| key.public_key());
    let key = match in_table.map_or_else(read, |key| Ok(key.public_key())) {
        Ok(key) => Some(key),
        // With `generate` it is made at the first start.
        Err(KeyFileError::Unreadable { source, .. }) if source.kind() == ErrorKind::NotFound => None,
        Err(_) => return Ok(None),
    };
    if let Err(error) = Domain::parse(&format!("{selector}._domainkey.{domain}")) {
        let problem = format!("the record of selector `{selector}` and `{domain}` has no name: {error}");
        return Err(Fault::unusable(Place::START, problem, "choose a shorter selector"));
    }
    Ok(Some(Subject { domain, selector, path, key }))
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
