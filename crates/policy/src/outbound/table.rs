//! Rules in a form in which the few that can fit are found at once among a hundred thousand.

use super::pattern::AddressPattern;
use super::rule::{Matching, Rule};
use mail::Domain;
use std::collections::HashMap;
use std::sync::Arc;

/// All the rules of a listener.
#[derive(Debug, Default)]
pub struct RuleTable {
    matching: Matching,
    rules: Vec<Arc<Rule>>,
    /// The rules that are for authors of one domain only, by that domain.
    by_domain: HashMap<Domain, Vec<usize>>,
    /// The rules that are for authors of a domain and of its subdomains, by that domain.
    by_ancestor: HashMap<Domain, Vec<usize>>,
    /// The rules that say nothing of the author, or something with a `*` in its domain.
    general: Vec<usize>,
}

impl RuleTable {
    /// Takes the rules in their order. Who has them already shares them with the table.
    #[must_use]
    pub fn new(matching: Matching, rules: impl IntoIterator<Item = impl Into<Arc<Rule>>>) -> Self {
        let mut table = Self { matching, ..Self::default() };
        for (at, rule) in rules.into_iter().map(Into::into).enumerate() {
            table.index(at, &rule);
            table.rules.push(rule);
        }
        table
    }

    /// Which of the rules that fit count.
    #[must_use]
    pub fn matching(&self) -> Matching {
        self.matching
    }

    /// The rules in their order.
    #[must_use]
    pub fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// The rules that may fit a message of an author of this domain, in their order.
    #[must_use]
    pub fn candidates(&self, domain: &Domain) -> Vec<&Rule> {
        self.candidate_places(domain).into_iter().map(|at| &*self.rules[at]).collect()
    }

    /// The places of the rules that say nothing of the author, or something with a `*` in its domain.
    pub(super) fn general(&self) -> &[usize] {
        &self.general
    }

    pub(super) fn candidate_places(&self, domain: &Domain) -> Vec<usize> {
        let mut found = self.places_by_domain(domain);
        if !self.general.is_empty() {
            found.extend_from_slice(&self.general);
            found.sort_unstable();
        }
        found
    }

    /// The places of the rules that name this domain or a parent of it.
    pub(super) fn places_by_domain(&self, domain: &Domain) -> Vec<usize> {
        let mut found = self.by_domain.get(domain).cloned().unwrap_or_default();
        let mut ancestor = Some(domain.as_str()).filter(|_| !self.by_ancestor.is_empty());
        while let Some(name) = ancestor {
            found.extend(self.by_ancestor.get(name).into_iter().flatten());
            ancestor = name.split_once('.').map(|(_, parent)| parent);
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn index(&mut self, at: usize, rule: &Rule) {
        let patterns = &rule.conditions.author;
        let domains: Option<Vec<Domain>> = patterns.iter().map(AddressPattern::index_domain).collect();
        let Some(domains) = domains.filter(|domains| !domains.is_empty()) else {
            self.general.push(at);
            return;
        };
        for (pattern, domain) in patterns.iter().zip(domains) {
            let index = match pattern {
                AddressPattern::Within(_) => &mut self.by_ancestor,
                _ => &mut self.by_domain,
            };
            index.entry(domain).or_default().push(at);
        }
    }
}
