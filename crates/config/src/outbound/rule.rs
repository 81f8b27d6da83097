//! One rule of the file.

use super::Reader;
use super::conditions::{self, Text, Wider};
use super::options::{Options, Signature};
use crate::fault::{Fault, Place, Placed};
use crate::section::Section;
use crate::signature::identity_domain;
use crate::text::{FromText, Problem};
use dkim::Algorithm;
use filter::Refusal;
use mail::Domain;
use policy::outbound::{Action, AddressPattern, SigningDomain, Style};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

/// A rule that stands in the file.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Where it begins.
    pub place: Place,
    /// What the engine goes by, and shares.
    pub rule: Arc<policy::outbound::Rule>,
    /// The keys of its signatures, in their order.
    pub keys: Vec<Key>,
}

/// The key of one signature.
#[derive(Clone, Debug)]
pub struct Key {
    /// The private key, found from wherever the program runs.
    pub keyfile: Placed<PathBuf>,
    /// Whether it is the key whose turn it is in its folder, which `keys` names.
    pub in_turn: bool,
    /// Whether the key is made if there is none.
    pub generate: bool,
    /// The algorithm that it must be for; without it the key decides, and a key that is made is RSA.
    pub algorithm: Option<Algorithm>,
    /// The domains that sign with it, as far as the file names them.
    pub domains: Vec<Domain>,
    /// The selector by which they publish it.
    pub selector: Placed<Domain>,
}

/// What stands in a rule about domains.
struct Names {
    domains: Vec<Placed<Domain>>,
    author: Option<Vec<Placed<AddressPattern>>>,
}

impl Rule {
    pub(super) fn read(section: &mut Section<'_>, reader: &mut Reader<'_>, number: usize) -> Option<Self> {
        let place = section.place();
        let names = Names::read(section);
        let name = section.value("name").map_or_else(|| format!("rule {number}"), |Text(name)| name);
        let wider = Wider {
            subdomains: section.value("subdomains").unwrap_or(false),
            extensions: section.value("extensions").unwrap_or(false),
        };
        let author = names.iter().flat_map(Names::patterns).map(|pattern| wider.pattern(pattern)).collect();
        let conditions = conditions::read(section, author, wider);
        let agreement = conditions::agreement(section);
        let sign_again = section.value("sign_again").unwrap_or(false);
        let single_for = conditions::values(section.values("single_for"));
        let (action, keys) = match unsigned(section) {
            Some(action) => (action, Vec::new()),
            None => sign(section, reader, names.as_ref())?,
        };
        names?;
        if !single_for.is_empty() && keys.len() == 1 {
            let problem = "`single_for` stands in a rule that makes one signature only";
            let remedy = "say `dual: true`, or take `single_for` out";
            section.complain(Fault::contradiction(place, problem, remedy));
        }
        let agreement = agreement.map(Arc::new);
        let rule = policy::outbound::Rule {
            agreement,
            sign_again,
            single_for,
            ..policy::outbound::Rule::new(name, conditions, action)
        };
        Some(Self { place, rule: Arc::new(rule), keys })
    }
}

impl Names {
    fn read(section: &mut Section<'_>) -> Option<Self> {
        let signs = !section.contains("none") && !section.contains("refuse");
        if signs && !section.contains("author") {
            section.require("domain", Domain::EXPECTED);
        }
        let domains = section.values::<Domains>("domain");
        let author = section.values::<AddressPattern>("author");
        let unreadable =
            (section.has("domain") && domains.is_none()) || (section.has("author") && author.is_none());
        let domains: Vec<_> = domains.into_iter().flatten().flat_map(Domains::one_by_one).collect();
        let names = Self { domains, author };
        names.check(section, signs);
        (!unreadable).then_some(names)
    }

    fn check(&self, section: &mut Section<'_>, signs: bool) {
        let mut seen = HashSet::new();
        let mut several = self.domains.iter().take_while(|_| self.domains.len() > 1);
        if let Some(twice) = several.find(|domain| !seen.insert(&domain.value)) {
            let problem = format!("`{}` stands twice in this rule", twice.value);
            section.complain(Fault::contradiction(twice.place, problem, "keep one of them"));
        }
        let single = self.domains.iter().find(|domain| !domain.value.as_str().contains('.'));
        if let Some(single) = single.filter(|_| signs) {
            let problem = format!("`{}` has one label, and no DKIM signature is made for it", single.value);
            section.complain(Fault::doubtful(single.place, problem, "name the domain with all its labels"));
        }
        let Some(author) = &self.author else { return };
        let is_name = |pattern: &&Placed<AddressPattern>| matches!(&pattern.value, AddressPattern::Domain(domain) if !domain.as_str().contains('.') && domain.as_str() != "localhost");
        if let Some(name) = author.iter().find(is_name) {
            let problem = format!("`{}` is read as a domain, and has one label only", name.value);
            let remedy =
                format!("for one author name the whole address, such as `{}@example.org`", name.value);
            section.complain(Fault::doubtful(name.place, problem, remedy));
        }
        if let Some(second) = self.domains.get(1) {
            let problem = "`author` says whose mail is signed, and `domain` names more than one that signs";
            let remedy = "name one domain, or make a rule for each";
            section.complain(Fault::contradiction(second.place, problem, remedy));
        }
        let open = author.iter().find(|pattern| matches!(pattern.value, AddressPattern::Glob(_)));
        if let Some(open) = open.filter(|_| signs && self.domains.is_empty()) {
            let problem =
                format!("`{}` is for authors of any domain, and nothing says which one signs", open.value);
            section.complain(Fault::contradiction(
                open.place,
                problem,
                "add `domain:` with the one that signs",
            ));
        }
    }

    fn patterns(&self) -> Vec<AddressPattern> {
        match &self.author {
            Some(author) => author.iter().map(|pattern| pattern.value.clone()).collect(),
            None => self.domains.iter().map(|domain| AddressPattern::Domain(domain.value.clone())).collect(),
        }
    }

    /// The domain that signs where a signature names no other, and the domains that this may be.
    fn signing(&self) -> (SigningDomain, Vec<Domain>) {
        let domains = || self.domains.iter().map(|domain| domain.value.clone()).collect();
        match (&self.author, self.domains.as_slice()) {
            (Some(_), [domain, ..]) => (SigningDomain::Fixed(domain.value.clone()), domains()),
            (Some(author), []) => (SigningDomain::Matched, author.iter().filter_map(own_domain).collect()),
            (None, _) => (SigningDomain::Matched, domains()),
        }
    }
}

fn own_domain(pattern: &Placed<AddressPattern>) -> Option<Domain> {
    match &pattern.value {
        AddressPattern::Domain(domain) | AddressPattern::Within(domain) => Some(domain.clone()),
        AddressPattern::Address(mailbox) | AddressPattern::Extended(mailbox) => Some(mailbox.domain.clone()),
        AddressPattern::Glob(_) => None,
    }
}

/// `none:` or `refuse:`.
fn unsigned(section: &mut Section<'_>) -> Option<Action> {
    let none = section.placed::<Text>("none");
    let refuse = section.placed::<ReplyText>("refuse");
    if !section.has("none") && !section.has("refuse") {
        return None;
    }
    let place = none.as_ref().map(|none| none.place).or(refuse.as_ref().map(|refuse| refuse.place));
    let place = place.unwrap_or(section.place());
    for word in [
        "selector",
        "keyfile",
        "keys",
        "signatures",
        "generate",
        "dual",
        "signature",
        "agree",
        "sign_again",
        "single_for",
    ] {
        if section.has(word) {
            let problem = format!("a rule that does not sign has no `{word}`");
            section.complain(Fault::contradiction(
                place,
                problem,
                format!("take out `{word}`, or `none` and `refuse`"),
            ));
        }
    }
    if section.has("none") && section.has("refuse") {
        section.complain(Fault::contradiction(
            place,
            "`none` and `refuse` exclude each other",
            "keep one of them",
        ));
    }
    Some(match refuse {
        Some(text) => Action::Refuse(Refusal { code: 550, enhanced: "5.7.1", text: text.value.0 }),
        None => Action::Leave(none.map_or_else(String::new, |none| none.value.0)),
    })
}

/// What a client may hear in a reply.
struct ReplyText(String);

impl FromText for ReplyText {
    const EXPECTED: &'static str =
        "what the client hears behind `550 5.7.1`, such as `Send this through the news server`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        // RFC 5321 §4.5.3.1.5 has 512 octets for the whole line; §4.2 has printable ASCII.
        let fits = (1..=400).contains(&text.len());
        if !fits || !text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            return Err(Problem::new("which is not one short line of ASCII"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Reads the signatures of a rule that signs.
fn sign(
    section: &mut Section<'_>,
    reader: &mut Reader<'_>,
    names: Option<&Names>,
) -> Option<(Action, Vec<Key>)> {
    let several = section.has("signatures");
    if !several {
        Options::require_key(section);
    }
    let common = Options::read(section);
    let common = if several { common } else { common.in_turn(section, reader.folder) };
    if let Some(selector) = common.selector.as_ref().filter(|_| several) {
        let remedy = "move it into the list as one more entry, with its `keyfile`";
        section.complain(Fault::contradiction(
            selector.place,
            "`selector` stands beside `signatures`",
            remedy,
        ));
    }
    let (signing, domains) = names.map_or_else(Default::default, Names::signing);
    let signatures: Vec<Option<Vec<Signature>>> = section.sections("signatures", "signature", |inner| {
        Options::require_key(inner);
        let domain = inner.value::<Domain>("domain");
        let options = Options::read(inner).in_turn(inner, reader.folder).or(&common);
        match domain {
            Some(domain) => {
                let signing = SigningDomain::Fixed(domain.clone());
                checked(inner, &options, options.signatures(reader, &signing, &[domain]))
            }
            None => checked(inner, &options, options.signatures(reader, &signing, &domains)),
        }
    });
    let signatures = if several {
        signatures
    } else {
        vec![checked(section, &common, common.signatures(reader, &signing, &domains))]
    };
    let signatures: Option<Vec<Vec<Signature>>> = signatures.into_iter().collect();
    let signatures: Vec<Signature> = signatures?.into_iter().flatten().collect();
    let (templates, mut keys): (Vec<_>, Vec<_>) = signatures.into_iter().unzip();
    keys.shrink_to_fit();
    (!keys.is_empty()).then_some((Action::Sign(templates), keys))
}

/// Complains of an identity that is not within the domain that signs.
fn checked(
    section: &mut Section<'_>,
    options: &Options,
    signatures: Option<Vec<Signature>>,
) -> Option<Vec<Signature>> {
    for (template, key) in signatures.iter().flatten() {
        let Style::Dkim(style) = &*template.style else { continue };
        let Some(identity) = identity_domain(&style.identity) else { continue };
        for domain in key.domains.iter().filter(|domain| !identity.is_within(domain)) {
            let problem = format!("`identity` is in `{identity}`, which is not within `{domain}`");
            let remedy = format!("end it in `@{domain}` or `@` and a subdomain of it (RFC 6376 §3.5, i=)");
            section.complain(Fault::contradiction(options.identity_place(), problem, remedy));
        }
    }
    signatures
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
