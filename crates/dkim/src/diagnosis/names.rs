//! Names at which a key record may stand by mistake, or under which an older one stands.

use crate::report::{Failure, Report};
use mail::Domain;

/// Selectors that many signers come with.
const USUAL: [&str; 10] =
    ["default", "dkim", "mail", "selector1", "selector2", "s1", "s2", "k1", "google", "key1"];

/// The names whose TXT records a diagnosis wants to know: that of the key first, and names near by if nothing is there.
#[must_use]
pub fn names_to_ask(report: &Report) -> Vec<Domain> {
    let Some(key_name) = &report.key_name else { return Vec::new() };
    let mut names = vec![key_name.clone()];
    if report.outcome == Err(Failure::NoKey) {
        for name in near(report).filter_map(|name| Domain::parse(&name).ok()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// Names near by, the likeliest first.
fn near(report: &Report) -> impl Iterator<Item = String> {
    let domain = report.domain.as_ref().map(Domain::as_str).unwrap_or_default().to_owned();
    let selector = report.selector.as_ref().map(Domain::as_str).unwrap_or_default().to_owned();
    let parent = domain.split_once('.').map_or("", |(_, parent)| parent).to_owned();
    let misplaced = vec![
        // A zone file without the final dot.
        format!("{selector}._domainkey.{domain}.{domain}"),
        format!("{selector}.{domain}"),
        format!("{selector}.domainkey.{domain}"),
        format!("{selector}._domainkeys.{domain}"),
        format!("{selector}._domainkey.{parent}"),
        format!("_domainkey.{domain}"),
    ];
    let others = variants(&selector).chain(USUAL.map(String::from));
    misplaced.into_iter().chain(others.map(move |selector| format!("{selector}._domainkey.{domain}")))
}

/// Selectors that could be taken for this one.
fn variants(selector: &str) -> impl Iterator<Item = String> + use<> {
    let stem = selector.trim_end_matches(|c: char| c.is_ascii_digit());
    let number: Option<u64> = selector[stem.len()..].parse().ok();
    let numbers = match number {
        Some(number) => vec![number.saturating_add(1), number.saturating_sub(1)],
        None => vec![1, 2],
    };
    let numbered = numbers.into_iter().map(|number| format!("{stem}{number}")).collect::<Vec<_>>();
    let respelled =
        [selector.replace('-', "_"), selector.replace('_', "-"), selector.replace(['-', '_'], "")];
    numbered.into_iter().chain([stem.to_owned()]).chain(respelled).filter(|variant| !variant.is_empty())
}
