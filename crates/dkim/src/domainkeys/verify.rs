//! Verifying one DomainKey-Signature field (RFC 4870 §3.4, §3.6).

use super::signature::Signature;
use crate::algorithm::{Algorithm, HashAlgorithm};
use crate::dkim::signature::{Hashes, key_name};
use crate::hash::{BodyHashId, BodyHashSpec};
use crate::key::{Demand, Unusable};
use crate::options::{KeyAnswer, QueryId};
use crate::report::{DomainPolicy, Failure, Report, Sender};
use crate::tags::{TagList, items};
use crate::verification::{Evidence, Start};
use mail::{Domain, Header, Mailbox, parse_mailboxes};

/// A signature that is still in the running.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    signature: Signature,
    sender: Mailbox,
    query: QueryId,
    policies: Vec<(QueryId, Domain)>,
    message: BodyHashId,
}

impl Pending {
    /// Reads the field, and judges what it says of itself.
    pub(crate) fn begin(start: &mut Start<'_>, report: &mut Report) -> Result<Self, Failure> {
        let value = start.header.field(report.field).map_or(&[][..], |field| field.value());
        let signature = Signature::parse(value, Hashes::Filled)?;
        let below = report.field + 1;
        let (source, sender) = sender(start.header, below).ok_or(Failure::NoFrom)?;
        report.sender = Some(Sender { field: source, address: sender.to_string() });
        if !sender.domain.is_within(&signature.domain) {
            return Err(Failure::IdentityOutside);
        }
        let names = |fields: &Vec<String>| fields.iter().any(|name| name.eq_ignore_ascii_case(source));
        if !signature.fields.as_ref().is_none_or(names) {
            return Err(Failure::FromNotSigned);
        }
        let name = key_name(&signature.selector, &signature.domain).ok_or(Failure::KeyName)?;
        report.key_name = Some(name.clone());
        let header = signature.signed_header(start.header, below);
        let spec = BodyHashSpec::new(signature.form.body(), HashAlgorithm::Sha1);
        Ok(Self {
            query: start.queries.ask(name),
            policies: policies(start, &signature.domain),
            message: start.body.request_after(&header, spec),
            signature,
            sender,
        })
    }

    /// Which answer it waits for.
    pub(crate) fn query(&self) -> QueryId {
        self.query
    }

    /// The policy that the domain publishes; the first there is.
    pub(crate) fn policy(&self, mut answer: impl FnMut(QueryId) -> KeyAnswer) -> Option<DomainPolicy> {
        self.policies.iter().find_map(|(query, name)| match answer(*query) {
            KeyAnswer::Records(records) => records.iter().find_map(|record| read_policy(name, record)),
            KeyAnswer::Absent | KeyAnswer::Unavailable(_) => None,
        })
    }

    /// Judges key and hash.
    pub(crate) fn judge(
        &self,
        answer: KeyAnswer,
        evidence: &Evidence<'_>,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let demand = Demand {
            algorithm: Algorithm::RsaSha1,
            subdomain: false,
            sender: Some(&self.sender.local_part),
            options: evidence.options,
        };
        let keys = demand.choose(answer).map_err(|Unusable { facts, failure }| {
            report.key = facts;
            failure
        })?;
        report.key = keys.first().map(|usable| usable.facts.clone());
        let digest = &evidence.hashes[self.message].digest;
        let verifies =
            |key: &crate::key::PublicKey| key.verify_digest(HashAlgorithm::Sha1, digest, &self.signature.b);
        let usable = keys.into_iter().find(|usable| verifies(&usable.key)).ok_or(Failure::Signature)?;
        report.key = Some(usable.facts);
        Ok(())
    }
}

/// The sending address below a place: that of Sender, else of From.
pub(crate) fn sender(header: &Header, below: usize) -> Option<(&'static str, Mailbox)> {
    ["Sender", "From"].into_iter().find_map(|name| {
        let (_, field) = header.named(name).find(|(place, _)| *place >= below)?;
        let mailbox = parse_mailboxes(field.value()).ok()?.into_iter().next()?;
        Some((name, mailbox))
    })
}

/// Asks for the policy records of a domain, by the name of RFC 4870 and by the one that drafts of DKIM had.
fn policies(start: &mut Start<'_>, domain: &Domain) -> Vec<(QueryId, Domain)> {
    if !start.options.domainkeys_policy {
        return Vec::new();
    }
    let names = ["_domainkey", "_policy._domainkey"];
    let names = names.into_iter().filter_map(|label| Domain::parse(&format!("{label}.{domain}")).ok());
    names.map(|name| (start.queries.ask_beside(name.clone()), name)).collect()
}

fn read_policy(name: &Domain, record: &[u8]) -> Option<DomainPolicy> {
    let tags = TagList::parse(record).ok()?;
    let signs = tags.value("o")?;
    let testing = tags.value("t").is_some_and(|flags| items(flags).any(|flag| flag == "y"));
    Some(DomainPolicy { name: name.clone(), signs_all: signs == "-", testing })
}
