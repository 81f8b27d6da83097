//! The outbound role: whose mail is signed, and how.

use crate::fault::{Fault, Placed};
use crate::section::Section;
use crate::signature::{
    Algorithm, Canonicalization, DkimproxySignature, FieldName, Identity, Oversign, Selector,
};
use crate::text::{FromText, Problem};
use mail::Domain;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What an outbound listener does with a message.
#[derive(Clone, Debug)]
pub struct Outbound {
    /// `sign:`, in the order of the file. Every rule that names the author's domain signs.
    pub rules: Vec<Rule>,
}

/// One entry of `sign:`.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The author domains whose mail is signed.
    pub domains: Vec<Placed<Domain>>,
    /// Whether mail of their subdomains is signed too, with the domain as it stands here.
    pub subdomains: bool,
    /// What is signed with; at least one.
    pub signatures: Vec<Signature>,
}

/// One signature that a rule adds. What the file does not say is `None`: its default stands with the engine.
#[derive(Clone, Debug)]
pub struct Signature {
    /// `d=`, where it is not the domain of the rule.
    pub domain: Option<Placed<Domain>>,
    /// `s=`.
    pub selector: Placed<Domain>,
    /// The private key, found from wherever the program runs.
    pub keyfile: Placed<PathBuf>,
    /// Whether the key is made if there is none.
    pub generate: bool,
    /// `a=`; without it the key decides, and a key that is made is RSA.
    pub algorithm: Option<Algorithm>,
    /// `c=`.
    pub canonicalization: Option<Canonicalization>,
    /// The fields that are signed where they are present.
    pub fields: Option<Vec<String>>,
    /// Which of them are signed once more than they are there.
    pub oversign: Option<Oversign>,
    /// `i=`.
    pub identity: Option<Placed<Identity>>,
    /// How long after signing `x=` lies.
    pub expire: Option<Duration>,
}

impl Outbound {
    /// `folder` is what relative paths are relative to.
    pub(crate) fn read(file: &mut Section<'_>, folder: &Path) -> Self {
        file.require("sign", "a list of rules, each with `domain`, `selector` and `keyfile`");
        let rules = file.sections("sign", "rule", |section| Rule::read(section, folder));
        let rules: Vec<Rule> = rules.into_iter().flatten().collect();
        refuse_doubles(file, &rules);
        Self { rules }
    }
}

impl Rule {
    fn read(section: &mut Section<'_>, folder: &Path) -> Option<Self> {
        section.require("domain", Domain::EXPECTED);
        let domains = section.values::<Domains>("domain");
        let subdomains = section.value("subdomains").unwrap_or(false);
        let several = section.has("signatures");
        if !several {
            section.require("selector", Selector::EXPECTED);
            section.require("keyfile", PathBuf::EXPECTED);
        }
        let common = Options::read(section);
        if let Some(selector) = common.selector.as_ref().filter(|_| several) {
            let remedy = "move it into the list as one more entry, with its `keyfile`";
            section.complain(Fault::contradiction(
                selector.place,
                "`selector` stands beside `signatures`",
                remedy,
            ));
        }
        let signatures = section.sections("signatures", "signature", |inner| {
            inner.require("selector", Selector::EXPECTED);
            inner.require("keyfile", PathBuf::EXPECTED);
            let domain = inner.placed("domain");
            Options::read(inner).or(&common).into_signature(folder, domain)
        });
        let signatures = if several { signatures } else { vec![common.into_signature(folder, None)] };
        let signatures: Option<Vec<Signature>> = signatures.into_iter().collect();
        let domains = domains?.into_iter().flat_map(Domains::one_by_one).collect();
        let rule = Self { domains, subdomains, signatures: signatures.filter(|some| !some.is_empty())? };
        rule.check_identities(section);
        Some(rule)
    }

    /// The domains that a signature signs as.
    fn signing_domains<'a>(&'a self, signature: &'a Signature) -> Vec<&'a Domain> {
        match &signature.domain {
            Some(domain) => vec![&domain.value],
            None => self.domains.iter().map(|domain| &domain.value).collect(),
        }
    }

    fn check_identities(&self, section: &mut Section<'_>) {
        for signature in &self.signatures {
            let Some(identity) = &signature.identity else { continue };
            for domain in self.signing_domains(signature) {
                if !identity.value.domain.is_within(domain) {
                    let problem = format!(
                        "`identity` is in `{}`, which is not within `{domain}`",
                        identity.value.domain
                    );
                    let remedy =
                        format!("end it in `@{domain}` or `@` and a subdomain of it (RFC 6376 §3.5, i=)");
                    section.complain(Fault::contradiction(identity.place, problem, remedy));
                }
            }
        }
    }
}

/// Two signatures of one domain with one selector would be looked up at one name.
fn refuse_doubles(file: &mut Section<'_>, rules: &[Rule]) {
    let mut names = HashMap::new();
    for (number, rule) in (1..).zip(rules) {
        for signature in &rule.signatures {
            for domain in rule.signing_domains(signature) {
                let selector = &signature.selector;
                if let Some(earlier) = names.insert((domain, &selector.value), number) {
                    let problem = format!(
                        "selector `{}` of `{domain}` has a signature already, in rule {earlier}",
                        selector.value
                    );
                    let remedy = "give each signature of a domain a selector of its own, or drop one of them";
                    file.complain(Fault::contradiction(selector.place, problem, remedy));
                }
            }
        }
    }
}

/// One or more domains in one text, with commas between them as DKIMproxy has it.
struct Domains(Vec<Domain>);

impl FromText for Domains {
    const EXPECTED: &'static str = "a domain name or a list of them, such as `[example.org, example.net]`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        text.split(',').map(|domain| Domain::from_text(domain.trim())).collect::<Result<_, _>>().map(Self)
    }
}

impl Domains {
    fn one_by_one(placed: Placed<Self>) -> impl Iterator<Item = Placed<Domain>> {
        let place = placed.place;
        placed.value.0.into_iter().map(move |value| Placed { value, place })
    }
}

/// What may be said of a signature, in a rule for all its signatures or in one of them.
#[derive(Clone, Default)]
struct Options {
    selector: Option<Placed<Selector>>,
    keyfile: Option<Placed<PathBuf>>,
    generate: Option<bool>,
    algorithm: Option<Algorithm>,
    canonicalization: Option<Canonicalization>,
    fields: Option<Vec<String>>,
    oversign: Option<Oversign>,
    identity: Option<Placed<Identity>>,
    expire: Option<Duration>,
}

impl Options {
    fn read(section: &mut Section<'_>) -> Self {
        let options = Self {
            selector: section.placed("selector"),
            keyfile: section.placed("keyfile"),
            generate: section.value("generate"),
            algorithm: section.value("algorithm"),
            canonicalization: section.value("canonicalization"),
            fields: fields(section),
            oversign: section.value("oversign"),
            identity: section.placed("identity"),
            expire: section.value("expire"),
        };
        let signature = section.placed::<DkimproxySignature>("signature");
        let Some(Placed { value: signature, place }) = signature else { return options };
        let twice = options.algorithm.and(signature.algorithm).map(|_| "algorithm");
        let twice =
            twice.or(options.canonicalization.and(signature.canonicalization).map(|_| "canonicalization"));
        if let Some(key) = twice {
            let problem = format!("`signature` and `{key}` say the same thing twice");
            section.complain(Fault::contradiction(place, problem, "keep one of them"));
        }
        Self {
            algorithm: options.algorithm.or(signature.algorithm),
            canonicalization: options.canonicalization.or(signature.canonicalization),
            ..options
        }
    }

    fn or(self, common: &Self) -> Self {
        let common = common.clone();
        Self {
            selector: self.selector.or(common.selector),
            keyfile: self.keyfile.or(common.keyfile),
            generate: self.generate.or(common.generate),
            algorithm: self.algorithm.or(common.algorithm),
            canonicalization: self.canonicalization.or(common.canonicalization),
            fields: self.fields.or(common.fields),
            oversign: self.oversign.or(common.oversign),
            identity: self.identity.or(common.identity),
            expire: self.expire.or(common.expire),
        }
    }

    fn into_signature(self, folder: &Path, domain: Option<Placed<Domain>>) -> Option<Signature> {
        let (selector, keyfile) = (self.selector?, self.keyfile?);
        Some(Signature {
            domain,
            selector: Placed { value: selector.value.0, place: selector.place },
            keyfile: Placed { value: folder.join(keyfile.value), place: keyfile.place },
            generate: self.generate.unwrap_or(false),
            algorithm: self.algorithm,
            canonicalization: self.canonicalization,
            fields: self.fields,
            oversign: self.oversign,
            identity: self.identity,
            expire: self.expire,
        })
    }
}

fn fields(section: &mut Section<'_>) -> Option<Vec<String>> {
    let fields = section.values::<FieldName>("fields")?;
    let place = fields.first()?.place;
    let names: Vec<String> = fields.into_iter().map(|field| field.value.0).collect();
    // RFC 6376 §5.4: "The From header field MUST be signed"
    if !names.iter().any(|name| name.eq_ignore_ascii_case("from")) {
        let remedy = "add `From` to the list (RFC 6376 §5.4)";
        section.complain(Fault::contradiction(
            place,
            "`fields` lacks From, without which no signature is valid",
            remedy,
        ));
    }
    Some(names)
}
