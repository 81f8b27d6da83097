//! A key held against what the DNS has of it: look-ups here, judgement in [`dkim::key_flaws`].

mod show;

use super::record::Publication;
use dkim::{KeyFlaw, PublicKey, key_flaws};
use dns::{AnyResolver, LookupError, Resolver, Unavailable};
use mail::{Domain, DomainError};
use std::path::PathBuf;
use tokio::task::JoinSet;

/// So many keys are looked up at a time: name servers turn away those who ask for hundreds at once.
const AT_A_TIME: usize = 32;

/// A key, and where its record belongs.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The signing domain.
    pub domain: Domain,
    /// The selector.
    pub selector: Domain,
    /// Where its private half is.
    pub path: PathBuf,
    /// The key; `None` if it is not made yet.
    pub key: Option<PublicKey>,
}

/// What came of looking at one key.
#[derive(Debug)]
pub struct Finding {
    /// Which key.
    pub subject: Subject,
    /// The name that was asked for.
    pub name: Domain,
    /// What should be published there; nothing to say for a key that is not made yet.
    pub text: String,
    /// What is.
    pub state: State,
    /// What the name is an alias of.
    pub alias: Option<Domain>,
    /// Whether the resolver vouches for it with DNSSEC; `None` if that is not known.
    pub authentic: Option<bool>,
    /// Another name where the record stands, by a slip.
    pub misplaced: Option<Domain>,
}

/// What is published for a key.
#[derive(Debug, Eq, PartialEq)]
pub enum State {
    /// The key is not made yet.
    Unmade,
    /// Nobody can tell.
    Unavailable(Unavailable),
    /// What is wrong with it; nothing if all is well.
    Published(Vec<KeyFlaw>),
}

impl Finding {
    /// Whether signatures with the key fail.
    pub fn is_fatal(&self) -> bool {
        match &self.state {
            State::Unmade => true,
            State::Unavailable(_) => false,
            State::Published(flaws) => flaws.iter().any(KeyFlaw::is_fatal),
        }
    }

    /// Whether it could not be looked up.
    pub fn is_unknown(&self) -> bool {
        matches!(self.state, State::Unavailable(_))
    }
}

/// Looks all keys up. The findings are in the order of the keys.
pub async fn inspect_all(
    resolver: &AnyResolver,
    subjects: Vec<Subject>,
) -> Vec<Result<Finding, DomainError>> {
    let mut findings: Vec<Option<_>> = subjects.iter().map(|_| None).collect();
    let mut waiting = subjects.into_iter().enumerate();
    let mut looking = JoinSet::new();
    loop {
        while looking.len() < AT_A_TIME
            && let Some((at, subject)) = waiting.next()
        {
            let resolver = resolver.clone();
            looking.spawn(async move { (at, inspect(&resolver, subject).await) });
        }
        match looking.join_next().await {
            Some(Ok((at, finding))) => findings[at] = Some(finding),
            // Nothing in a look-up panics or is cancelled; if it were, its finding would be missing below.
            Some(Err(_)) => {}
            None => return findings.into_iter().flatten().collect(),
        }
    }
}

/// Looks one key up.
pub async fn inspect(resolver: &AnyResolver, subject: Subject) -> Result<Finding, DomainError> {
    let name = Domain::parse(&format!("{}._domainkey.{}", subject.selector, subject.domain))?;
    let Some(key) = subject.key.clone() else {
        let (text, state) = (String::new(), State::Unmade);
        return Ok(Finding { subject, name, text, state, alias: None, authentic: None, misplaced: None });
    };
    let text = Publication::new(&subject.domain, &subject.selector, key.clone())?.text().to_owned();
    let state = state(resolver, &name, &key).await;
    let is_absent = matches!(&state, State::Published(flaws) if flaws.contains(&KeyFlaw::Absent));
    let misplaced = if is_absent { misplaced(resolver, &subject, &key).await } else { None };
    let alias = resolver.alias(&name).await;
    let authentic = resolver.is_authentic(&name).await;
    Ok(Finding { subject, name, text, state, alias, authentic, misplaced })
}

/// What is published for a key at this name.
pub async fn state(resolver: &impl Resolver, name: &Domain, key: &PublicKey) -> State {
    match resolver.txt(name).await {
        Ok(records) => State::Published(key_flaws(&records, key)),
        Err(LookupError::NoName | LookupError::NoData) => State::Published(key_flaws(&[], key)),
        Err(LookupError::Unavailable(trouble)) => State::Unavailable(trouble),
    }
}

/// Where the record of a key stands if the name was entered wrongly.
pub async fn misplaced(resolver: &impl Resolver, subject: &Subject, key: &PublicKey) -> Option<Domain> {
    let Subject { domain, selector, .. } = subject;
    let slips = [
        // A name without its final dot in a zone file, or the whole name where a form adds the domain itself.
        format!("{selector}._domainkey.{domain}.{domain}"),
        format!("{selector}.{domain}"),
        format!("{selector}.domainkey.{domain}"),
        format!("_domainkey.{domain}"),
    ];
    for name in slips.iter().filter_map(|slip| Domain::parse(slip).ok()) {
        let records = resolver.txt(&name).await.unwrap_or_default();
        let is_there = !records.is_empty() && !key_flaws(&records, key).iter().any(KeyFlaw::is_fatal);
        if is_there {
            return Some(name);
        }
    }
    None
}

#[cfg(test)]
mod tests;
