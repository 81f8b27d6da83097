//! Signatures as DKIMproxy describes them: `dkim(c=relaxed, a=rsa-sha256), domainkeys(c=nofws)`.

use crate::text::{FromText, Problem};
use dkim::{Algorithm, Canonicalization, Kind, OldForm};

/// One such signature. The texts are as they stand: in a table they may hold macros.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct SignatureWord {
    pub(crate) kind: Kind,
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) canonicalization: Option<Canonicalization>,
    /// The form of a DomainKeys signature.
    pub(crate) old_form: OldForm,
    pub(crate) domain: Option<String>,
    pub(crate) selector: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) identity: Option<String>,
    /// What was meant otherwise, and is done in another way today.
    pub(crate) changes: Vec<&'static str>,
}

/// Reads a list of signatures; the commas within parentheses are theirs.
pub(crate) fn signature_words(text: &str) -> Result<Vec<SignatureWord>, Problem> {
    let mut depth = 0_usize;
    let words = text.split(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    words.map(|word| SignatureWord::parse(word.trim())).collect()
}

/// The short name of an option.
fn option_name(name: &str) -> &str {
    match name {
        "algorithm" => "a",
        "method" => "c",
        "domain" => "d",
        "selector" => "s",
        "keyfile" => "key",
        "identity" => "i",
        "headers" => "h",
        other => other,
    }
}

impl SignatureWord {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            algorithm: None,
            canonicalization: None,
            old_form: OldForm::Nofws,
            domain: None,
            selector: None,
            key: None,
            identity: None,
            changes: Vec::new(),
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        let (kind, options) = match text.split_once('(') {
            None => (text, ""),
            Some((kind, rest)) => {
                (kind, rest.strip_suffix(')').ok_or_else(|| Problem::new("which lacks its `)`"))?)
            }
        };
        let mut word = match kind.trim() {
            "dkim" => Self::new(Kind::Dkim),
            "domainkeys" => Self::new(Kind::DomainKeys),
            _ => return Err(Problem::new("which is no kind of signature")),
        };
        let mut seen = Vec::new();
        for option in options.split(',').map(str::trim).filter(|option| !option.is_empty()) {
            let Some((tag, value)) = option.split_once('=') else {
                return Err(Problem::new(format!("whose `{option}` has no `=`")));
            };
            let tag = option_name(tag.trim());
            if seen.contains(&tag) {
                return Err(Problem::new(format!("whose `{tag}=` stands twice")));
            }
            seen.push(tag);
            word.set(tag, value.trim())?;
        }
        Ok(word)
    }

    fn set(&mut self, tag: &str, value: &str) -> Result<(), Problem> {
        match tag {
            "a" => self.set_algorithm(value)?,
            "c" => self.set_canonicalization(value)?,
            "d" => self.domain = Some(value.to_owned()),
            "s" => self.selector = Some(value.to_owned()),
            "key" => self.key = Some(value.to_owned()),
            "i" => self.identity = Some(value.to_owned()),
            "h" => self.changes.push("`h` is not taken over: `fields` names the fields to sign"),
            _ => return Err(Problem::new(format!("whose `{tag}=` is not known"))),
        }
        Ok(())
    }

    fn set_algorithm(&mut self, value: &str) -> Result<(), Problem> {
        match (self.kind, Algorithm::parse(value)) {
            (Kind::DomainKeys, Some(Algorithm::RsaSha1)) => {}
            (Kind::DomainKeys, _) => return Err(Problem::new("but DomainKeys knows rsa-sha1 only")),
            (Kind::Dkim, Some(Algorithm::RsaSha1)) => {
                self.changes.push("rsa-sha1 may not be signed with any more (RFC 8301): rsa-sha256 is used");
                self.algorithm = Some(Algorithm::RsaSha256);
            }
            (Kind::Dkim, _) => self.algorithm = Some(Algorithm::from_text(value)?),
        }
        Ok(())
    }

    fn set_canonicalization(&mut self, value: &str) -> Result<(), Problem> {
        if self.kind == Kind::DomainKeys {
            self.old_form = OldForm::parse(value)
                .ok_or_else(|| Problem::new("whose `c=` is neither `nofws` nor `simple`"))?;
        } else if value == "nowsp" {
            self.changes.push("`nowsp` was dropped before DKIM was published: relaxed/relaxed is used");
        } else {
            self.canonicalization = Some(match Canonicalization::parse(value) {
                Some(canonicalization) => canonicalization,
                None => Canonicalization::from_text(value)?,
            });
        }
        Ok(())
    }
}

/// In the YAML file everything else has a line of its own.
impl FromText for SignatureWord {
    const EXPECTED: &'static str = "`dkim` or `dkim(c=…, a=…)`, such as `dkim(c=relaxed/relaxed, a=rsa-sha256)`, or `domainkeys(c=nofws)`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        let word = Self::parse(text)?;
        let own_line =
            [("d", &word.domain), ("s", &word.selector), ("key", &word.key), ("i", &word.identity)];
        if let Some((tag, _)) = own_line.iter().find(|(_, value)| value.is_some()) {
            return Err(Problem::new(format!(
                "whose `{tag}=` has a line of its own here: `domain`, `selector`, `keyfile` or `identity`"
            )));
        }
        match word.changes.first() {
            Some(change) => Err(Problem::new(*change)),
            None => Ok(word),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_signatures() {
        let words =
            signature_words("dkim(c=relaxed,a=rsa-sha256, d=$senderdomain,i=$sender), domainkeys").unwrap();
        let [dkim, old] = words.as_slice() else { panic!("two: {words:?}") };
        assert_eq!((dkim.kind, old.kind), (Kind::Dkim, Kind::DomainKeys));
        assert_eq!(dkim.algorithm, Some(Algorithm::RsaSha256));
        assert_eq!(dkim.canonicalization, Canonicalization::parse("relaxed"));
        assert_eq!(
            (dkim.domain.as_deref(), dkim.identity.as_deref()),
            (Some("$senderdomain"), Some("$sender"))
        );
        assert_eq!(old.old_form, OldForm::Nofws);
    }

    #[test]
    fn what_has_changed_since_is_said() {
        for (text, changes) in
            [("dkim(a=rsa-sha1)", 1), ("dkim(c=nowsp)", 1), ("domainkeys(a=rsa-sha1,c=simple)", 0)]
        {
            assert_eq!(SignatureWord::parse(text).unwrap().changes.len(), changes, "{text}");
        }
    }

    #[test]
    fn what_is_no_signature_says_why() {
        for (text, problem) in [
            ("none", "which is no kind of signature"),
            ("", "which is no kind of signature"),
            ("dkim(c=relaxed", "which lacks its `)`"),
            ("dkim(relaxed)", "whose `relaxed` has no `=`"),
            ("dkim(z=1)", "whose `z=` is not known"),
            ("domainkeys(a=rsa-sha256)", "but DomainKeys knows rsa-sha1 only"),
            ("domainkeys(c=relaxed)", "whose `c=` is neither `nofws` nor `simple`"),
        ] {
            assert_eq!(SignatureWord::parse(text).unwrap_err().to_string(), problem, "{text}");
        }
    }
}
