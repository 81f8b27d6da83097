//! The engine that signs.

use super::Engine;
use super::keys::{self, Made, Missing};
use crate::host;
use config::{Fault, Outbound, Signature};
use dkim::{Algorithm, Canonicalization, FieldNames, FieldSelection, Form, Oversign};
use policy::OutboundSettings;
use policy::outbound::{
    Action, AddressPattern, Conditions, DkimStyle, Identity, Matching, Rule, RuleTable, SignatureTemplate,
    SigningDomain, Style,
};
use std::sync::Arc;

/// Reads the keys and lays out the rules.
pub fn engine(outbound: &Outbound, missing: Missing, faults: &mut Vec<Fault>) -> (Option<Engine>, Vec<Made>) {
    let (keys, made) = keys::load(outbound, missing, faults);
    let rules = (1..).zip(&outbound.rules).map(|(number, one)| rule(number, one)).collect();
    let settings =
        OutboundSettings { rules: RuleTable::new(Matching::All, rules), ..OutboundSettings::default() };
    let engine = policy::Outbound::new(settings, keys, Arc::new(host::now));
    (Some(Engine::Outbound(Arc::new(engine))), made)
}

fn rule(number: usize, rule: &config::Rule) -> Rule {
    let pattern = if rule.subdomains { AddressPattern::Within } else { AddressPattern::Domain };
    let author = rule.domains.iter().map(|domain| pattern(domain.value.clone())).collect();
    Rule {
        name: format!("rule {number}"),
        conditions: Conditions { author, ..Conditions::default() },
        agreement: None,
        table: None,
        sign_again: false,
        action: Action::Sign(rule.signatures.iter().map(template).collect()),
    }
}

fn template(signature: &Signature) -> SignatureTemplate {
    SignatureTemplate {
        domain: match &signature.domain {
            Some(domain) => SigningDomain::Fixed(domain.value.clone()),
            None => SigningDomain::Matched,
        },
        selector: signature.selector.value.clone(),
        key: keys::name(signature).into(),
        style: Arc::new(Style::Dkim(style(signature))),
    }
}

/// What a file does not say has the engine's own default.
fn style(signature: &Signature) -> DkimStyle {
    let default = DkimStyle::default();
    DkimStyle {
        algorithm: signature.algorithm.map(algorithm),
        canonicalization: signature.canonicalization.map_or(default.canonicalization, canonicalization),
        fields: FieldSelection {
            names: signature.fields.clone().map_or(default.fields.names, FieldNames::Present),
            oversign: signature.oversign.map_or(default.fields.oversign, oversign),
        },
        identity: signature.identity.as_ref().map_or(default.identity, |identity| {
            Identity::Fixed(format!("{}@{}", identity.value.local_part, identity.value.domain))
        }),
        lifetime: signature.expire.map(|expire| expire.as_secs()),
    }
}

fn algorithm(algorithm: config::Algorithm) -> Algorithm {
    match algorithm {
        config::Algorithm::RsaSha256 => Algorithm::RsaSha256,
        config::Algorithm::Ed25519Sha256 => Algorithm::Ed25519Sha256,
    }
}

fn canonicalization(forms: config::Canonicalization) -> Canonicalization {
    let form = |form| match form {
        config::Form::Simple => Form::Simple,
        config::Form::Relaxed => Form::Relaxed,
    };
    Canonicalization { header: form(forms.header), body: form(forms.body) }
}

fn oversign(oversign: config::Oversign) -> Oversign {
    match oversign {
        config::Oversign::From => Oversign::From,
        config::Oversign::Present => Oversign::Present,
        config::Oversign::Always => Oversign::Always,
    }
}
