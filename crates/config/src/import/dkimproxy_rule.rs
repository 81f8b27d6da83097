//! The rule that DKIMproxy's `domain`, `selector`, `keyfile`, `method`, `identity` and `signature` make.

use super::dkimproxy::{last, value, write_canonicalization};
use super::options::Setting;
use super::write::{Yaml, list_text, value_text};
use super::{Imported, located};
use crate::dkimproxy::SignatureWord;
use crate::fault::Source;
use dkim::{Algorithm, Canonicalization, Kind};

/// The selector of DKIMproxy's own example.
const SELECTOR: &str = "selector1";

/// A rule.
pub(super) struct Rule {
    domains: Vec<String>,
    /// The DKIM signatures, at least one.
    signatures: Vec<Signature>,
    /// Whether there was a DomainKeys signature too.
    old: bool,
}

/// One signature.
struct Signature {
    /// `d=`, where it is not the domain of the rule.
    domain: Option<String>,
    selector: String,
    keyfile: String,
    canonicalization: Option<Canonicalization>,
    algorithm: Option<&'static str>,
    identity: Option<String>,
}

/// What a signature takes from the options beside it.
#[derive(Clone)]
struct Common {
    selector: Option<String>,
    keyfile: Option<String>,
    canonicalization: Option<Canonicalization>,
    identity: Option<String>,
}

impl Rule {
    /// Reads the options; nothing without a domain and a key.
    pub(super) fn of(settings: &[&Setting<'_>], imported: &mut Imported) -> Option<Self> {
        let domain = last(settings, "domain").filter(|domain| !domain.value.is_empty());
        let text = domain.map_or("", |domain| &domain.value);
        let domains: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        let domains: Vec<String> = domains.into_iter().filter(|name| !name.is_empty()).collect();
        let common = Common::of(settings, imported);
        let mut rule = Self { domains, signatures: Vec::new(), old: false };
        let words: Vec<&&Setting<'_>> = settings.iter().filter(|setting| setting.is("signature")).collect();
        for word in &words {
            rule.take(word, &common, imported);
        }
        let has_maps = last(settings, "sender_map").or(last(settings, "listid_map")).is_some();
        if words.is_empty() && !has_maps || rule.old && rule.signatures.is_empty() {
            rule.signatures.extend(common.signature());
        }
        if rule.domains.is_empty() {
            rule.domains.extend(rule.signatures.iter().find_map(|signature| signature.domain.clone()));
        }
        if let Some(domain) = domain.filter(|_| words.is_empty() && has_maps) {
            imported.note(
                domain,
                "left out: beside a map and without `signature`, DKIMproxy signed only what the map names",
            );
        }
        rule.leave_identities_out(imported);
        let is_whole = !rule.domains.is_empty() && !rule.signatures.is_empty();
        if let Some(domain) = domain.filter(|_| is_whole && rule.domains.len() == 1) {
            imported.note(
                domain,
                "DKIMproxy signed all mail as its one domain, whoever wrote it; now only mail whose author is of this \
                 domain is signed. To sign mail of others, add `author: \"*\"`",
            );
        }
        is_whole.then_some(rule)
    }

    /// Takes a signature.
    fn take(&mut self, setting: &Setting<'_>, common: &Common, imported: &mut Imported) {
        let word = match SignatureWord::parse(&setting.value) {
            Ok(word) => word,
            Err(problem) => return imported.note(setting, format_args!("`{}`, {problem}", setting.value)),
        };
        for change in &word.changes {
            imported.note(setting, change);
        }
        if word.kind == Kind::DomainKeys {
            self.old = true;
            return imported.note(setting, "left out: hardly anybody verifies DomainKeys any more");
        }
        if word.domain.as_deref().is_some_and(|domain| domain.contains('$')) {
            imported.note(
                setting,
                format_args!(
                    "left out `d=`: for a signature of whoever is the author, write the line `. {}` into a file, and name it \
                     as `sender_map`",
                    setting.value
                ),
            );
        }
        let Some(signature) = Signature::of(&word, common, setting.file) else {
            return imported.note(setting, "left out: nothing says its key");
        };
        if self.signatures.iter().any(|other| other.is_looked_up_with(&signature)) {
            imported.note(setting, "left out: another signature has the same domain and selector");
        } else {
            self.signatures.push(signature);
        }
    }

    /// RFC 6376 §3.5 wants the domain of `i=` within that of `d=`; signatures without that never verified.
    fn leave_identities_out(&mut self, imported: &mut Imported) {
        for signature in &mut self.signatures {
            let own = signature.domain.as_slice();
            let domains = if own.is_empty() { &self.domains } else { own };
            let Some(identity) = &signature.identity else { continue };
            let Some((_, host)) = identity.rsplit_once('@') else { continue };
            let is_within = |domain: &String| host == domain || host.ends_with(&format!(".{domain}"));
            if !domains.iter().all(is_within) {
                imported.remark(&format!(
                    "identity: left out of the signature with the selector {}, which signs as others than {host}",
                    signature.selector
                ));
                signature.identity = None;
            }
        }
    }

    pub(super) fn write(&self, yaml: &mut Yaml) {
        yaml.raw(2, &format!("- domain: {}", list_text(&self.domains)));
        yaml.raw(4, "# DKIMproxy signed mail of subdomains as the domain above them.");
        yaml.option(4, "subdomains", "true");
        if let [signature] = self.signatures.as_slice()
            && signature.is_of(&self.domains)
        {
            signature.write(yaml, 4);
        } else {
            yaml.raw(4, "signatures:");
            for signature in &self.signatures {
                yaml.raw(6, &format!("- selector: {}", value_text(&signature.selector)));
                if let Some(domain) = &signature.domain {
                    yaml.option(8, "domain", domain);
                }
                signature.write_rest(yaml, 8);
            }
        }
        if self.old {
            yaml.raw(4, "# DomainKeys (rsa-sha1) is left out; both would be made by");
            yaml.raw(4, "#signature: [dkim, domainkeys(c=nofws)]");
        }
    }
}

impl Common {
    fn of(settings: &[&Setting<'_>], imported: &mut Imported) -> Self {
        let method = last(settings, "method");
        let canonicalization = method.and_then(|method| Canonicalization::parse(&method.value));
        if let Some(method) = method.filter(|_| canonicalization.is_none()) {
            imported.note(method, "no form of DKIM; relaxed/relaxed is used");
        }
        Self {
            selector: value(settings, "selector").map(str::to_owned),
            keyfile: last(settings, "keyfile").map(|keyfile| located(keyfile.file, &keyfile.value)),
            canonicalization,
            identity: value(settings, "identity").map(identity),
        }
    }

    fn signature(&self) -> Option<Signature> {
        Some(Signature {
            domain: None,
            selector: self.selector.clone().unwrap_or_else(|| SELECTOR.to_owned()),
            keyfile: self.keyfile.clone()?,
            canonicalization: self.canonicalization,
            algorithm: None,
            identity: self.identity.clone(),
        })
    }
}

impl Signature {
    fn of(word: &SignatureWord, common: &Common, file: &Source) -> Option<Self> {
        let key = word.key.as_ref().map(|key| located(file, key));
        let common = Common { keyfile: key.or(common.keyfile.clone()), ..common.clone() };
        let plain = common.signature()?;
        Some(Self {
            domain: word.domain.clone().filter(|domain| !domain.contains('$')),
            selector: word.selector.clone().unwrap_or(plain.selector),
            canonicalization: word.canonicalization.or(plain.canonicalization),
            algorithm: word.algorithm.map(Algorithm::name),
            identity: word.identity.as_deref().map(identity).or(plain.identity),
            ..plain
        })
    }

    /// Whether verifiers look for both keys at one name.
    fn is_looked_up_with(&self, other: &Self) -> bool {
        self.domain == other.domain && self.selector == other.selector
    }

    /// Whether it needs no `domain` of its own.
    fn is_of(&self, domains: &[String]) -> bool {
        self.domain.as_ref().is_none_or(|domain| domains == [domain.clone()])
    }

    fn write(&self, yaml: &mut Yaml, indentation: usize) {
        yaml.option(indentation, "selector", &self.selector);
        self.write_rest(yaml, indentation);
    }

    fn write_rest(&self, yaml: &mut Yaml, indentation: usize) {
        yaml.option(indentation, "keyfile", &self.keyfile);
        if let Some(canonicalization) = self.canonicalization {
            write_canonicalization(yaml, indentation, canonicalization);
        }
        if let Some(algorithm) = self.algorithm {
            yaml.option(indentation, "algorithm", algorithm);
        }
        if let Some(identity) = &self.identity {
            yaml.option(indentation, "identity", identity);
        }
    }
}

/// `$sender` is called `author` here.
fn identity(text: &str) -> String {
    if text == "$sender" { "author".to_owned() } else { text.to_owned() }
}
