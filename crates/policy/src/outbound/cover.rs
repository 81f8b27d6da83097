//! Rules that never come to fit, since an earlier one takes all that they would.

use super::pattern::{AddressPattern, Glob};
use super::rule::{Action, Conditions, Matching, RecipientPatterns, ReversePathPattern, Rule};
use super::table::RuleTable;
use std::sync::Arc;

/// Beyond so many rules without a domain, those are not compared one by one with all the others.
const MOST_COMPARED: usize = 1000;

impl RuleTable {
    /// The rules that are never reached, by their number from 0, each with the earlier rule that is in its way.
    ///
    /// What a text with stars covers is found out in the plain cases only, so a rule may be missing here.
    #[must_use]
    pub fn unreachable(&self) -> Vec<(usize, usize)> {
        let compare_general = self.general().len() <= MOST_COMPARED;
        let in_the_way = |(at, rule): (usize, &Arc<Rule>)| {
            let own_domain = rule.conditions.author.first().and_then(AddressPattern::index_domain);
            let earlier = match own_domain {
                Some(domain) if compare_general => self.candidate_places(&domain),
                Some(domain) => self.places_by_domain(&domain),
                None if compare_general => self.general().to_vec(),
                None => Vec::new(),
            };
            let mut before = earlier.into_iter().take_while(|&other| other < at);
            let other = before.find(|&other| self.hides(&self.rules()[other], rule))?;
            Some((at, other))
        };
        self.rules().iter().enumerate().filter_map(in_the_way).collect()
    }

    fn hides(&self, earlier: &Rule, later: &Rule) -> bool {
        let same_table = earlier.table.is_some() && earlier.table == later.table;
        let ends = match earlier.action {
            Action::Sign(_) => {
                (self.matching() == Matching::First || same_table) && signs_before(earlier, later)
            }
            // What it has no keys for goes on.
            Action::Ask(_) => false,
            Action::Leave(_) | Action::Refuse(_) => true,
        };
        ends && earlier.conditions.cover(&later.conditions)
    }
}

/// Whether a rule that signs can hide the other one for messages of several authors too: it asks for all of them, where
/// one that does not sign asks for one, and only their domain is common to them.
fn signs_before(earlier: &Rule, later: &Rule) -> bool {
    let is_of_domain = |pattern: &AddressPattern| {
        matches!(pattern, AddressPattern::Domain(_) | AddressPattern::Within(_)) || pattern.is_any()
    };
    matches!(later.action, Action::Sign(_) | Action::Ask(_))
        || earlier.conditions.author.iter().all(is_of_domain)
}

impl Conditions {
    /// Whether these fit every message that the others fit.
    fn cover(&self, other: &Self) -> bool {
        let attribute = |(attribute, glob): &(_, Glob)| {
            other.attributes.iter().any(|(theirs, narrower)| theirs == attribute && glob.covers(narrower))
        };
        let any_author = self.author.iter().any(AddressPattern::is_any);
        (any_author || covers_all(&self.author, &other.author, AddressPattern::covers))
            && covers_all(&self.reverse_path, &other.reverse_path, ReversePathPattern::covers)
            && self.recipients.covers(&other.recipients)
            && covers_all(&self.list_id, &other.list_id, Glob::covers)
            && covers_all(&self.client, &other.client, filter::Network::covers)
            && covers_all(&self.listener, &other.listener, PartialEq::eq)
            && self.attributes.iter().all(attribute)
    }
}

/// Whether each entry of the narrower list is covered by one of the wider. An empty list asks for nothing.
fn covers_all<T>(wider: &[T], narrower: &[T], covers: impl Fn(&T, &T) -> bool) -> bool {
    wider.is_empty()
        || (!narrower.is_empty()
            && narrower.iter().all(|inner| wider.iter().any(|outer| covers(outer, inner))))
}

impl AddressPattern {
    fn is_any(&self) -> bool {
        *self == Self::Glob(Glob::new("*"))
    }

    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Domain(own), Self::Domain(theirs)) => own == theirs,
            (Self::Within(own), Self::Domain(theirs) | Self::Within(theirs)) => theirs.is_within(own),
            (Self::Within(own), Self::Extended(theirs)) => theirs.domain.is_within(own),
            (Self::Domain(own), Self::Extended(theirs)) => theirs.domain == *own,
            (Self::Glob(own), Self::Glob(theirs)) => own.covers(theirs),
            (Self::Extended(_), Self::Extended(theirs)) | (_, Self::Address(theirs)) => self.fits(theirs),
            _ => false,
        }
    }
}

impl RecipientPatterns {
    /// Whether these fit whenever the others do. That each fits says that one does, and not the other way around.
    fn covers(&self, other: &Self) -> bool {
        covers_all(&self.patterns, &other.patterns, AddressPattern::covers)
            && (self.patterns.is_empty() || !self.every || other.every)
    }
}

impl ReversePathPattern {
    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Address(own), Self::Address(theirs)) => own.covers(theirs),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Attribute;
    use super::*;
    use crate::tests::{domain, rule};
    use mail::Mailbox;

    fn pattern(text: &str) -> AddressPattern {
        let mailbox = |text: &str| {
            let (local_part, name) = text.rsplit_once('@').unwrap();
            Mailbox { local_part: local_part.to_owned(), domain: domain(name) }
        };
        match text.strip_prefix('.') {
            Some(name) => AddressPattern::Within(domain(name)),
            None if text.contains('*') => AddressPattern::Glob(Glob::new(text)),
            None if text.contains("+@") => AddressPattern::Extended(mailbox(&text.replace("+@", "@"))),
            None if text.contains('@') => AddressPattern::Address(mailbox(text)),
            None => AddressPattern::Domain(domain(text)),
        }
    }

    #[test]
    fn patterns_cover_narrower_ones() {
        for (wider, narrower, expected) in [
            ("a.example", "a.example", true),
            ("a.example", "joe@a.example", true),
            ("a.example", "joe+@a.example", true),
            ("a.example", ".a.example", false),
            ("a.example", "b.a.example", false),
            (".a.example", "b.a.example", true),
            (".a.example", "joe@b.a.example", true),
            (".b.a.example", ".a.example", false),
            ("joe@a.example", "JOE@a.example", true),
            ("joe@a.example", "joe+@a.example", false),
            ("joe+@a.example", "joe+news@a.example", true),
            ("joe+@a.example", "joe+@a.example", true),
            ("joe+@a.example", "ann+@a.example", false),
            ("*@a.*", "joe@a.example", true),
            ("*@a.*", "*@a.*", true),
            ("*", "*@a.*", true),
            ("*@a.*", "*", false),
            ("joe@a.example", "a.example", false),
        ] {
            assert_eq!(pattern(wider).covers(&pattern(narrower)), expected, "{wider} {narrower}");
        }
    }

    fn unreachable(matching: Matching, rules: Vec<Rule>) -> Vec<(usize, usize)> {
        RuleTable::new(matching, rules).unreachable()
    }

    #[test]
    fn a_rule_behind_a_wider_one_is_never_reached_if_the_first_counts() {
        let rules =
            || vec![rule("1", pattern(".a.example"), &["rsa"]), rule("2", pattern("b.a.example"), &["rsa"])];
        assert_eq!(unreachable(Matching::First, rules()), [(1, 0)]);
        assert_eq!(unreachable(Matching::All, rules()), []);
        let mut tabled = rules();
        for rule in &mut tabled {
            rule.table = Some(1);
        }
        assert_eq!(unreachable(Matching::All, tabled), [(1, 0)]);
        let mut refusing = rules();
        refusing[0].action = Action::Leave("no".into());
        assert_eq!(unreachable(Matching::All, refusing), [(1, 0)]);
        let reversed = rules().into_iter().rev().collect();
        assert_eq!(unreachable(Matching::First, reversed), []);
    }

    #[test]
    fn a_rule_that_asks_for_more_hides_none_that_asks_for_less() {
        let wide = || rule("1", pattern("a.example"), &["rsa"]);
        let with = |change: fn(&mut Conditions)| {
            let mut rule = wide();
            change(&mut rule.conditions);
            rule
        };
        let changes: [fn(&mut Conditions); 6] = [
            |conditions| conditions.reverse_path = vec![ReversePathPattern::Null],
            |conditions| conditions.list_id = vec![Glob::new("*")],
            |conditions| conditions.client = vec!["10.0.0.0/8".parse().unwrap()],
            |conditions| conditions.attributes = vec![(Attribute::Login, Glob::new("*"))],
            |conditions| conditions.listener = vec!["x".into()],
            |conditions| conditions.author.push(AddressPattern::Domain(domain("b.example"))),
        ];
        for change in &changes[..5] {
            assert_eq!(unreachable(Matching::First, vec![with(*change), wide()]), []);
            assert_eq!(unreachable(Matching::First, vec![wide(), with(*change)]), [(1, 0)]);
            assert_eq!(unreachable(Matching::First, vec![with(*change), with(*change)]), [(1, 0)]);
        }
        assert_eq!(unreachable(Matching::First, vec![wide(), with(changes[5])]), []);
        let any = Rule { conditions: Conditions::default(), ..wide() };
        assert_eq!(unreachable(Matching::First, vec![any.clone(), wide(), any]), [(1, 0), (2, 0)]);
    }
}
