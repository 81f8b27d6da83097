//! What a verification accepts, and the questions it asks.

use mail::Domain;

/// What a verification accepts. Each limit has the default that DKIM's RFCs and today's practice suggest.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifyOptions {
    /// How many signature fields of a message are tried, from the top; 10.
    pub max_signatures: usize,
    /// The smallest RSA key, in bits; 1024 (RFC 8301 §3.2).
    pub min_rsa_bits: u32,
    /// The largest RSA key, in bits; 8192.
    pub max_rsa_bits: u32,
    /// Whether rsa-sha1, and RSA keys of 512 bits and more, may pass: for archives and tests.
    pub allow_legacy: bool,
    /// How far the clocks of signer and verifier may be apart, in seconds; 300.
    pub clock_skew: u64,
    /// Whether DomainKeys signatures are verified; yes.
    pub domainkeys: bool,
    /// Whether the policy records of DomainKeys domains are asked for; yes.
    pub domainkeys_policy: bool,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self {
            max_signatures: 10,
            min_rsa_bits: 1024,
            max_rsa_bits: 8192,
            allow_legacy: false,
            clock_skew: 300,
            domainkeys: true,
            domainkeys_policy: true,
        }
    }
}

/// Names one question of a verification.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct QueryId(usize);

/// The names to be looked up, each of them once, and whether of a key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queries(Vec<(Domain, bool)>);

impl Queries {
    /// Asks for the TXT records of a key's name.
    pub(crate) fn ask(&mut self, name: Domain) -> QueryId {
        self.add(name, true)
    }

    /// Asks for something that decides nothing.
    pub(crate) fn ask_beside(&mut self, name: Domain) -> QueryId {
        self.add(name, false)
    }

    fn add(&mut self, name: Domain, is_key: bool) -> QueryId {
        let known = self.0.iter().position(|(known, _)| *known == name);
        let at = known.unwrap_or(self.0.len());
        match self.0.get_mut(at) {
            Some((_, of_key)) => *of_key |= is_key,
            None => self.0.push((name, is_key)),
        }
        QueryId(at)
    }

    /// The names, those of keys first: whoever asks may not have time for all.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (QueryId, &Domain)> {
        let those = |wanted| {
            let all = self.0.iter().enumerate();
            all.filter(move |(_, (_, is_key))| *is_key == wanted).map(|(at, (name, _))| (QueryId(at), name))
        };
        those(true).chain(those(false))
    }
}

/// What the DNS had to say to one question.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyAnswer {
    /// TXT records, each with its strings put together.
    Records(Vec<Vec<u8>>),
    /// There is no such name, or no TXT record by that name.
    Absent,
    /// Nobody could tell, for the reason given: a time-out, or a failing server.
    Unavailable(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_asked_for_first_and_nothing_twice() {
        let name = |text| Domain::parse(text).unwrap();
        let mut queries = Queries::default();
        let beside = queries.ask_beside(name("p.example"));
        let both = queries.ask_beside(name("b.example"));
        let key = queries.ask(name("k.example"));
        assert_eq!(queries.ask(name("b.example")), both);
        let asked: Vec<_> = queries.iter().map(|(id, name)| (id, name.as_str())).collect();
        assert_eq!(asked, [(both, "b.example"), (key, "k.example"), (beside, "p.example")]);
    }
}
