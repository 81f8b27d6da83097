//! Selectors for new keys.

use super::outlook::civil;
use super::{Kept, Plan};
use clap::ValueEnum;
use mail::Domain;
use serde::{Deserialize, Serialize};

/// How selectors are named.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Naming {
    /// By the day on which they are made: r20261123.
    Date,
    /// By a number: r1, r2.
    Counter,
}

impl Plan {
    /// A selector that no key of the domain has had, and no other key in its folder has; `None` if the prefix does not
    /// begin a name.
    pub(super) fn selector(&self, now: u64, keys: &[Kept], files: &[Domain]) -> Option<Domain> {
        let taken: Vec<&Domain> = keys.iter().map(|key| &key.selector).chain(files).collect();
        let is_new = |name: &Domain| !taken.contains(&name);
        let numbered = |start: String| {
            // One more than are taken is enough to find a free one.
            (1..=taken.len() + 1).map(move |number| format!("{start}{number}"))
        };
        let names: Vec<String> = match self.naming {
            Naming::Counter => {
                let used = |name: &&Domain| name.as_str().strip_prefix(&self.prefix)?.parse::<u64>().ok();
                let last = taken.iter().filter_map(used).max().unwrap_or(0);
                vec![format!("{}{}", self.prefix, last.saturating_add(1))]
            }
            Naming::Date => {
                let (year, month, day) = civil(now);
                let today = format!("{}{year:04}{month:02}{day:02}", self.prefix);
                std::iter::once(today.clone()).chain(numbered(format!("{today}-"))).collect()
            }
        };
        names.iter().filter_map(|name| Domain::parse(name).ok()).find(is_new)
    }
}

/// A domain in JSON.
pub(super) mod as_text {
    use mail::Domain;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(in super::super) fn serialize<S: Serializer>(name: &Domain, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(name.as_str())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Domain, D::Error> {
        Domain::parse(&String::deserialize(from)?).map_err(de::Error::custom)
    }
}
