//! A finding in words, and as JSON.

use super::{Finding, State};
use dkim::KeyFlaw;
use serde_json::{Value, json};
use std::fmt;

impl fmt::Display for Finding {
    /// A line for the key, and two for each flaw: what is wrong, and what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, name, state, .. } = self;
        write!(f, "{name}")?;
        if let Some(key) = &subject.key {
            write!(f, " ({}, {} bits, {})", key.kind().name(), key.bits(), subject.path.display())?;
        }
        match state {
            State::Unmade => {
                return write!(f, ": there is no key yet, {} does not exist", subject.path.display());
            }
            State::Unavailable(trouble) => write!(f, ": not known, {trouble}")?,
            State::Published(flaws) if flaws.is_empty() => {
                f.write_str(": published, and equal to the key")?;
            }
            State::Published(flaws) if !self.is_fatal() => {
                write!(f, ": published, and equal to the key; {}", count(flaws))?;
            }
            State::Published(flaws) => write!(f, ": {}", count(flaws))?,
        }
        for (problem, remedy) in self.problems() {
            write!(f, "\n    {problem}\n      → {remedy}")?;
        }
        if let Some(alias) = &self.alias {
            write!(f, "\n    alias (CNAME) of {alias}")?;
        }
        match self.authentic {
            Some(true) => f.write_str("\n    DNSSEC: validated, says the resolver"),
            Some(false) => f.write_str(
                "\n    DNSSEC: not known; the zone is not signed, or the resolver does not validate",
            ),
            None => f.write_str("\n    DNSSEC: not known"),
        }
    }
}

impl Finding {
    /// Everything that is wrong, with what to do about it.
    fn problems(&self) -> Vec<(String, String)> {
        let State::Published(flaws) = &self.state else { return Vec::new() };
        let mut problems: Vec<_> =
            flaws.iter().map(|flaw| (flaw.to_string(), flaw.remedy(&self.name, &self.text))).collect();
        if let Some(misplaced) = &self.misplaced {
            let remedy = format!(
                "publish it at {} instead; in a zone file the name ends in a dot, and in a form it usually is only {}._domainkey",
                self.name, self.subject.selector
            );
            problems.push((format!("the record stands at {misplaced}"), remedy));
        }
        problems
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let flaws = match &self.state {
            State::Published(flaws) => flaws.as_slice(),
            State::Unmade | State::Unavailable(_) => &[],
        };
        let flaw = |flaw: &KeyFlaw| {
            json!({
                "code": flaw.code(),
                "fatal": flaw.is_fatal(),
                "problem": flaw.to_string(),
                "remedy": flaw.remedy(&self.name, &self.text),
            })
        };
        json!({
            "name": self.name.as_str(),
            "domain": self.subject.domain.as_str(),
            "selector": self.subject.selector.as_str(),
            "keyfile": self.subject.path.display().to_string(),
            "type": self.subject.key.as_ref().map(|key| key.kind().name()),
            "bits": self.subject.key.as_ref().map(dkim::PublicKey::bits),
            "status": self.status(),
            "trouble": match &self.state {
                State::Unavailable(trouble) => Some(trouble.to_string()),
                State::Unmade | State::Published(_) => None,
            },
            "flaws": flaws.iter().map(flaw).collect::<Vec<_>>(),
            "misplaced": self.misplaced.as_ref().map(mail::Domain::as_str),
            "cname": self.alias.as_ref().map(mail::Domain::as_str),
            "dnssec": match self.authentic {
                Some(true) => "validated",
                Some(false) | None => "unknown",
            },
            "record": Some(&self.text).filter(|text| !text.is_empty()),
        })
    }

    fn status(&self) -> &'static str {
        match &self.state {
            State::Unmade => "unmade",
            State::Unavailable(_) => "unavailable",
            State::Published(_) if self.is_fatal() => "wrong",
            State::Published(flaws) if flaws.is_empty() => "ok",
            State::Published(_) => "doubtful",
        }
    }
}

fn count(flaws: &[KeyFlaw]) -> String {
    match flaws.len() {
        1 => "one flaw".to_owned(),
        several => format!("{several} flaws"),
    }
}
