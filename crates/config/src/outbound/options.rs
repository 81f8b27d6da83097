//! What may be said of a signature: in a rule for all its signatures or in one of them, and for a table.

use super::Reader;
use super::rule::Key;
use crate::dkimproxy::SignatureWord;
use crate::fault::{Fault, Place, Placed};
use crate::rotating::Rotating;
use crate::section::Section;
use crate::signature::{FieldName, Selector};
use crate::text::{FromText, Lifetime};
use dkim::{Algorithm, Canonicalization, FieldNames, FieldSelection, Kind, Oversign};
use mail::Domain;
use policy::outbound::{DkimStyle, Identity, KeyName, SignatureTemplate, SigningDomain, Style};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What the file does not say is `None`: its default stands with the engine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) selector: Option<Placed<Selector>>,
    pub(crate) keyfile: Option<Placed<PathBuf>>,
    /// Whether `keys` stands for both.
    in_turn: bool,
    pub(super) generate: Option<bool>,
    pub(super) dual: Option<bool>,
    algorithm: Option<Algorithm>,
    canonicalization: Option<Canonicalization>,
    fields: Option<Arc<[String]>>,
    oversign: Option<Oversign>,
    pub(super) identity: Option<Placed<Identity>>,
    expire: Option<Duration>,
    pub(crate) words: Option<Vec<SignatureWord>>,
}

/// A signature as the engine knows it, and its key.
pub(super) type Signature = (SignatureTemplate, Key);

impl Options {
    /// Everything, the key included.
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let options = Self {
            selector: section.placed("selector"),
            keyfile: section.placed("keyfile"),
            generate: section.value("generate"),
            dual: section.value("dual"),
            ..Self::read_style(section)
        };
        if let (Some(true), Some(_)) = (options.dual, options.algorithm) {
            let problem = "`dual` makes an RSA and an Ed25519 signature, and `algorithm` names one of them";
            section.complain(Fault::contradiction(section.place(), problem, "keep one of them"));
        }
        options
    }

    /// What signatures look like, whoever signs.
    pub(super) fn read_style(section: &mut Section<'_>) -> Self {
        let options = Self {
            algorithm: section.value("algorithm"),
            canonicalization: section.value("canonicalization"),
            fields: fields(section),
            oversign: section.value("oversign"),
            identity: section.placed("identity"),
            expire: section.value("expire").map(|Lifetime(lifetime)| lifetime),
            ..Self::default()
        };
        let words = section.values::<SignatureWord>("signature");
        for word in words.iter().flatten() {
            options.check_word(section, word);
        }
        let words = words.map(|words| words.into_iter().map(|word| word.value).collect());
        Self { words, ..options }
    }

    fn check_word(&self, section: &mut Section<'_>, word: &Placed<SignatureWord>) {
        if word.value.kind == Kind::DomainKeys {
            let problem =
                "DomainKeys signatures (RFC 4870) are of rsa-sha1, and hardly anybody verifies them";
            section.complain(Fault::doubtful(
                word.place,
                problem,
                "leave this one out, and sign with `dkim`",
            ));
        }
        let twice = self.algorithm.and(word.value.algorithm).map(|_| "algorithm");
        let forms = self.canonicalization.and(word.value.canonicalization);
        if let Some(key) = twice.or(forms.map(|_| "canonicalization")) {
            let problem = format!("`signature` and `{key}` say the same thing twice");
            section.complain(Fault::contradiction(word.place, problem, "keep one of them"));
        }
    }

    /// Asks for a selector and a key file, unless `keys` stands for both.
    pub(super) fn require_key(section: &mut Section<'_>) {
        if !section.contains("keys") {
            section.require("selector", Selector::EXPECTED);
            section.require("keyfile", PathBuf::EXPECTED);
        }
        section.has("keys");
    }

    /// Finds the key whose turn it is in the folder that `keys` names.
    pub(super) fn in_turn(self, section: &mut Section<'_>, folder: &Path) -> Self {
        let Some(keys) = section.placed::<PathBuf>("keys") else { return self };
        let place = keys.place;
        if self.selector.is_some() || self.keyfile.is_some() || self.generate.is_some() || self.dual.is_some()
        {
            let problem =
                "`keys` stands for `selector` and `keyfile`, and its keys are made by `dkimgate key rotate`";
            let remedy = "keep `keys`, or the others (`selector`, `keyfile`, `generate`, `dual`)";
            section.complain(Fault::contradiction(place, problem, remedy));
            return self;
        }
        match Rotating::of(&folder.join(&keys.value)) {
            Rotating::Signs(selector, file) => Self {
                selector: Some(Placed { value: Selector(selector), place }),
                keyfile: Some(Placed { value: keys.value.join(file), place }),
                in_turn: true,
                ..self
            },
            Rotating::No | Rotating::Waiting => {
                let problem = format!("`keys` is `{}`, and no key in it signs yet", keys.value.display());
                let remedy = "run `dkimgate key rotate`, publish the record that it shows, and run it again";
                section.complain(Fault::unusable(place, problem, remedy));
                self
            }
        }
    }

    pub(super) fn or(self, common: &Self) -> Self {
        let common = common.clone();
        Self {
            in_turn: self.in_turn || (self.keyfile.is_none() && common.in_turn),
            selector: self.selector.or(common.selector),
            keyfile: self.keyfile.or(common.keyfile),
            generate: self.generate.or(common.generate),
            dual: self.dual.or(common.dual),
            algorithm: self.algorithm.or(common.algorithm),
            canonicalization: self.canonicalization.or(common.canonicalization),
            fields: self.fields.or(common.fields),
            oversign: self.oversign.or(common.oversign),
            identity: self.identity.or(common.identity),
            expire: self.expire.or(common.expire),
            words: self.words.or(common.words),
        }
    }

    /// The style of a signature that `word` describes, or that nothing describes any further.
    pub(crate) fn style(&self, word: Option<&SignatureWord>) -> Style {
        if let Some(SignatureWord { kind: Kind::DomainKeys, old_form, .. }) = word {
            return Style::DomainKeys(*old_form);
        }
        let default = DkimStyle::default();
        let said = word.and_then(|word| word.canonicalization);
        Style::Dkim(DkimStyle {
            algorithm: word.and_then(|word| word.algorithm).or(self.algorithm),
            canonicalization: said.or(self.canonicalization).unwrap_or(default.canonicalization),
            fields: FieldSelection {
                names: self.fields.clone().map_or(default.fields.names, FieldNames::Present),
                oversign: self.oversign.clone().unwrap_or(default.fields.oversign),
            },
            identity: self.identity.as_ref().map_or(default.identity, |identity| identity.value.clone()),
            lifetime: self.expire.map(|expire| expire.as_secs()),
        })
    }

    /// The signatures: one, or one for each of DKIMproxy's words, or two of each with `dual`. `domains` are those
    /// that sign; without a selector or a key there is nothing.
    pub(super) fn signatures(
        &self,
        reader: &mut Reader<'_>,
        signing: &SigningDomain,
        domains: &[Domain],
    ) -> Option<Vec<Signature>> {
        let (selector, keyfile) = (self.selector.as_ref()?, self.keyfile.as_ref()?);
        let key = || Key {
            keyfile: Placed { value: reader.folder.join(&keyfile.value), place: keyfile.place },
            in_turn: self.in_turn,
            generate: self.generate.unwrap_or(false),
            algorithm: self.algorithm,
            domains: domains.to_vec(),
            selector: Placed { value: selector.value.0.clone(), place: selector.place },
        };
        let mut signatures = Vec::new();
        let words = self.words.iter().flatten().map(Some).collect::<Vec<_>>();
        for word in if words.is_empty() { vec![None] } else { words } {
            let style = self.style(word);
            for (key, style) in self.doubled(key(), style) {
                let name = KeyName::new(&key.keyfile.value.to_string_lossy());
                let template = SignatureTemplate {
                    domain: signing.clone(),
                    selector: key.selector.value.clone(),
                    key: name.into(),
                    style: reader.styles.share(style),
                };
                signatures.push((template, key));
            }
        }
        Some(signatures)
    }

    /// The two signatures of `dual`, or the one without.
    fn doubled(&self, key: Key, style: Style) -> Vec<(Key, Style)> {
        match style {
            Style::Dkim(style) if self.dual == Some(true) => {
                let with = |algorithm| Style::Dkim(DkimStyle { algorithm: Some(algorithm), ..style.clone() });
                let second = second(&key).map(|second| (second, with(Algorithm::Ed25519Sha256)));
                let rsa = Key { algorithm: Some(Algorithm::RsaSha256), ..key };
                [(rsa, with(Algorithm::RsaSha256))].into_iter().chain(second).collect()
            }
            style => {
                let algorithm = match &style {
                    Style::Dkim(style) => style.algorithm,
                    Style::DomainKeys(_) => Some(Algorithm::RsaSha1),
                };
                vec![(Key { algorithm, ..key }, style)]
            }
        }
    }

    pub(super) fn identity_place(&self) -> Place {
        self.identity.as_ref().map_or(Place::START, |identity| identity.place)
    }
}

/// The Ed25519 key beside an RSA key: `s1.pem` has `s1-ed25519.pem`, and so have the selectors.
fn second(key: &Key) -> Option<Key> {
    const SUFFIX: &str = "-ed25519";
    let with_suffix = |path: &Path| {
        let mut name = path.file_stem()?.to_os_string();
        name.push(SUFFIX);
        if let Some(extension) = path.extension() {
            name.push(".");
            name.push(extension);
        }
        Some(path.with_file_name(name))
    };
    let selector = Domain::parse(&format!("{}{SUFFIX}", key.selector.value)).ok()?;
    Some(Key {
        keyfile: Placed { value: with_suffix(&key.keyfile.value)?, place: key.keyfile.place },
        algorithm: Some(Algorithm::Ed25519Sha256),
        selector: Placed { value: selector, place: key.selector.place },
        ..key.clone()
    })
}

fn fields(section: &mut Section<'_>) -> Option<Arc<[String]>> {
    let fields = section.values::<FieldName>("fields")?;
    let place = fields.first()?.place;
    let names: Arc<[String]> = fields.into_iter().map(|field| field.value.0).collect();
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
