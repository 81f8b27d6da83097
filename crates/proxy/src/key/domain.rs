//! What else receivers look at of a domain that signs: SPF (RFC 7208) and DMARC (RFC 7489), at a glance.

use dns::{AnyResolver, LookupError, Resolver, TxtAnswer};
use mail::Domain;
use serde_json::{Value, json};
use std::fmt;

/// Both records of a domain.
#[derive(Debug)]
pub struct Glance {
    /// Which domain.
    pub domain: Domain,
    /// Its SPF record.
    pub spf: Policy,
    /// Its DMARC record, and at which name it was found.
    pub dmarc: Policy,
}

/// A record, or why there is none to show.
#[derive(Debug, Eq, PartialEq)]
pub enum Policy {
    /// No such record.
    None,
    /// One, at this name.
    Found(Domain, String),
    /// More than one, which is as good as none.
    Several(usize),
    /// Nobody can tell.
    Unknown(String),
}

impl Glance {
    /// Looks both up.
    pub async fn at(resolver: &AnyResolver, domain: &Domain) -> Self {
        let spf = Policy::among(domain, resolver.txt(domain).await, "v=spf1");
        let mut dmarc = Policy::None;
        // The domain itself first, then its parents: one of them is the organizational domain.
        let mut next = Some(domain.clone());
        while let (Policy::None, Some(at)) = (&dmarc, next) {
            if let Ok(name) = Domain::parse(&format!("_dmarc.{at}")) {
                dmarc = Policy::among(&name, resolver.txt(&name).await, "v=DMARC1");
            }
            next = at.parent();
        }
        Self { domain: domain.clone(), spf, dmarc }
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({ "domain": self.domain.as_str(), "spf": self.spf.json(), "dmarc": self.dmarc.json() })
    }
}

impl fmt::Display for Glance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let advice = match &self.dmarc {
            Policy::None => "; without it nobody is told what to do with forged mail",
            _ => "",
        };
        write!(f, "{}\n    SPF: {}\n    DMARC: {}{advice}", self.domain, self.spf, self.dmarc)
    }
}

impl Policy {
    /// Picks the record that begins with its version out of an answer.
    fn among(name: &Domain, answer: TxtAnswer, version: &str) -> Self {
        let records = match answer {
            Ok(records) => records,
            Err(LookupError::NoName | LookupError::NoData) => return Self::None,
            Err(LookupError::Unavailable(trouble)) => return Self::Unknown(trouble.to_string()),
        };
        let texts = records.iter().map(|record| String::from_utf8_lossy(record).into_owned());
        let mut found: Vec<String> = texts.filter(|text| is_versioned(text, version)).collect();
        match (found.pop(), found.len()) {
            (None, _) => Self::None,
            (Some(text), 0) => Self::Found(name.clone(), text),
            (Some(_), others) => Self::Several(others + 1),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::None => Value::Null,
            Self::Found(name, text) => json!({ "name": name.as_str(), "record": text }),
            Self::Several(count) => json!({ "several": count }),
            Self::Unknown(trouble) => json!({ "trouble": trouble }),
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Found(name, text) => write!(f, "{} (at {name})", text.escape_debug()),
            Self::Several(count) => write!(f, "{count} records, which count as none; keep one"),
            Self::Unknown(trouble) => write!(f, "not known, {trouble}"),
        }
    }
}

/// Whether a text begins with this version, and with nothing that would make it another.
fn is_versioned(text: &str, version: &str) -> bool {
    let text = text.trim_start();
    text.get(..version.len()).is_some_and(|start| start.eq_ignore_ascii_case(version))
        && !text[version.len()..].starts_with(|c: char| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;
    use dns::Zone;

    async fn glance(zone: &str) -> Glance {
        let zone = Zone::parse(zone.as_bytes()).unwrap();
        Glance::at(&zone.into(), &Domain::parse("news.example.org").unwrap()).await
    }

    #[tokio::test]
    async fn dmarc_is_found_at_a_parent_and_spf_is_not() {
        let found = glance(
            r#"{"example.org": "v=spf1 -all", "_dmarc.example.org": ["other", "v=DMARC1; p=reject"], "news.example.org": "v=spf10"}"#,
        )
        .await;
        let name = Domain::parse("_dmarc.example.org").unwrap();
        assert_eq!(
            (found.spf, found.dmarc),
            (Policy::None, Policy::Found(name, "v=DMARC1; p=reject".into()))
        );
    }

    #[tokio::test]
    async fn two_records_count_as_none_and_silence_as_unknown() {
        let found = glance(
            r#"{"news.example.org": ["v=spf1 a", "V=SPF1 -all"], "_dmarc.news.example.org": {"error": "timeout"}}"#,
        )
        .await;
        assert_eq!((found.spf, found.dmarc), (Policy::Several(2), Policy::Unknown("DNS time-out".into())));
    }
}
