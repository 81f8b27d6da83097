//! What every server shows of a key.

use super::rotation::Sight;
use dkim::{KeyFlaw, PublicKey, key_flaws};
use dns::{AnyResolver, LookupError, Resolver, SystemError, SystemResolver, SystemSettings};
use mail::Domain;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// No chain of aliases is longer.
const LONGEST_CHAIN: usize = 8;
/// A server that is there answers in less, and one that is not is asked again at the next run.
const PATIENCE: Duration = Duration::from_secs(3);
const DNS_PORT: u16 = 53;

/// Whom to ask.
#[derive(Debug)]
pub enum Observers {
    /// These and nobody else, each by its name.
    Named(Vec<(String, AnyResolver)>),
    /// The servers of the zone, which this resolver finds.
    Authoritative(AnyResolver),
}

/// What one server says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum View {
    /// The record, sound.
    Shown,
    /// No record, or a revoked one.
    Gone,
    /// The record of another key, or none of a key.
    Foreign(String),
    /// Something else, which may be the record with a flaw.
    Other(String),
    /// Nothing.
    Silent(String),
}

/// What all of them say.
#[derive(Debug)]
pub struct Look {
    /// Each by its name.
    pub views: Vec<(String, View)>,
}

impl Observers {
    /// These addresses.
    pub fn at(addresses: &[SocketAddr]) -> Result<Self, SystemError> {
        let named = addresses.iter().map(|&address| Ok((address.to_string(), asking(address)?)));
        named.collect::<Result<_, _>>().map(Self::Named)
    }

    /// What they show of a key at a name.
    pub async fn look(&self, name: &Domain, key: Option<&PublicKey>) -> Look {
        let mut views = Vec::new();
        match self {
            Self::Named(named) => {
                for (server, resolver) in named {
                    views.push((server.clone(), view(resolver, name, key).await));
                }
            }
            Self::Authoritative(resolver) => {
                // An alias may lead into a zone of somebody else's: its servers are asked then.
                let name = end_of_chain(resolver, name).await;
                match resolver.name_servers(&name).await {
                    Ok(servers) => {
                        for server in servers {
                            views
                                .push((server.name.to_string(), of_one(&server.addresses, &name, key).await));
                        }
                    }
                    Err(error) => {
                        views.push(("the servers of the zone".to_owned(), View::Silent(error.to_string())));
                    }
                }
            }
        }
        Look { views }
    }
}

impl Look {
    /// All of them together.
    pub fn sight(&self) -> Sight {
        let all = |wanted: fn(&View) -> bool| self.views.iter().all(|(_, view)| wanted(view));
        let any = |wanted: fn(&View) -> bool| self.views.iter().any(|(_, view)| wanted(view));
        let is_silent = |view: &View| matches!(view, View::Silent(_));
        let is_other = |view: &View| matches!(view, View::Other(_) | View::Foreign(_));
        if self.views.is_empty() {
            Sight::Unknown
        } else if all(|view| *view == View::Shown) {
            Sight::Shown
        } else if all(|view| *view == View::Gone) {
            Sight::Gone
        } else if all(|view| matches!(view, View::Gone | View::Foreign(_))) {
            Sight::Foreign
        } else if any(is_other) || !any(is_silent) {
            Sight::Mixed
        } else {
            Sight::Unknown
        }
    }
}

/// A server has several addresses; each that answers has to agree, and one has to answer.
async fn of_one(addresses: &[IpAddr], name: &Domain, key: Option<&PublicKey>) -> View {
    let mut seen = View::Silent("it has no address".to_owned());
    for &address in addresses {
        let one = match asking((address, DNS_PORT).into()) {
            Ok(resolver) => view(&resolver, name, key).await,
            Err(error) => View::Silent(error.to_string()),
        };
        seen = match (seen, one) {
            (View::Silent(_), one) => one,
            (seen, View::Silent(_)) => seen,
            (seen, one) if seen == one => seen,
            (_, View::Other(what)) | (View::Other(what), _) => View::Other(what),
            _ => View::Other("its addresses disagree".to_owned()),
        };
    }
    seen
}

async fn view(resolver: &AnyResolver, name: &Domain, key: Option<&PublicKey>) -> View {
    let records = match resolver.txt(name).await {
        Ok(records) => records,
        Err(LookupError::NoName | LookupError::NoData) => return View::Gone,
        Err(LookupError::Unavailable(trouble)) => return View::Silent(trouble.to_string()),
    };
    // Without the key any record that is not revoked counts as one that is there.
    let Some(key) = key else {
        let revoked =
            records.iter().all(|text| dkim::KeyRecord::parse(text).is_ok_and(|record| record.key.is_none()));
        return if revoked { View::Gone } else { View::Shown };
    };
    let flaws = key_flaws(&records, key);
    match flaws.iter().find(|flaw| flaw.is_fatal()) {
        None => View::Shown,
        Some(KeyFlaw::Revoked | KeyFlaw::Absent) => View::Gone,
        Some(flaw @ (KeyFlaw::OtherKey { .. } | KeyFlaw::OtherKind { .. } | KeyFlaw::Version(_))) => {
            View::Foreign(flaw.to_string())
        }
        Some(flaw) => View::Other(flaw.to_string()),
    }
}

async fn end_of_chain(resolver: &AnyResolver, name: &Domain) -> Domain {
    let mut name = name.clone();
    for _ in 0..LONGEST_CHAIN {
        match resolver.alias(&name).await {
            Some(target) => name = target,
            None => break,
        }
    }
    name
}

fn asking(address: SocketAddr) -> Result<AnyResolver, SystemError> {
    let settings = SystemSettings { servers: vec![address], timeout: PATIENCE, ..SystemSettings::default() };
    Ok(SystemResolver::new(&settings)?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_servers_have_to_agree() {
        let other = || View::Other("x".to_owned());
        let silent = || View::Silent("x".to_owned());
        let foreign = || View::Foreign("x".to_owned());
        for (views, expected) in [
            (vec![], Sight::Unknown),
            (vec![View::Shown, View::Shown], Sight::Shown),
            (vec![View::Gone, View::Gone], Sight::Gone),
            (vec![View::Shown, View::Gone], Sight::Mixed),
            (vec![View::Shown, other()], Sight::Mixed),
            (vec![View::Shown, silent()], Sight::Unknown),
            (vec![View::Gone, silent()], Sight::Unknown),
            (vec![other(), silent()], Sight::Mixed),
            (vec![silent()], Sight::Unknown),
            (vec![View::Gone, foreign()], Sight::Foreign),
            (vec![View::Shown, foreign()], Sight::Mixed),
            (vec![silent(), foreign()], Sight::Mixed),
        ] {
            let look = Look { views: views.into_iter().map(|view| (String::new(), view)).collect() };
            assert_eq!(look.sight(), expected, "{look:?}");
        }
    }
}
