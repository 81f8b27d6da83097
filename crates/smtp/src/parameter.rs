//! The parameters of MAIL and RCPT (RFC 5321, section 4.1.2).
//!
//! ```text
//! esmtp-param    = esmtp-keyword ["=" esmtp-value]
//! esmtp-keyword  = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
//! esmtp-value    = 1*(%d33-60 / %d62-126)
//! ```

use crate::extension::Extension;
use bytes::Bytes;
use thiserror::Error;

/// A parameter that we know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Keyword {
    /// RFC 1870: the size that the message is said to have.
    Size,
    /// RFC 6152: whether its lines hold octets over 127.
    Body,
    /// RFC 6531: addresses and header fields may be UTF-8.
    Smtputf8,
    /// RFC 3461: how much of the message a report returns.
    Ret,
    /// RFC 3461: the envelope's identifier.
    Envid,
    /// RFC 3461: when reports are wanted.
    Notify,
    /// RFC 3461: the recipient as it was first.
    Orcpt,
}

/// The command that a parameter belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// MAIL
    Mail,
    /// RCPT
    Rcpt,
}

impl Keyword {
    fn parse(word: &[u8], place: Place) -> Option<Self> {
        let known: &[(&str, Self)] = match place {
            Place::Mail => &[
                ("SIZE", Self::Size),
                ("BODY", Self::Body),
                ("SMTPUTF8", Self::Smtputf8),
                ("RET", Self::Ret),
                ("ENVID", Self::Envid),
            ],
            Place::Rcpt => &[("NOTIFY", Self::Notify), ("ORCPT", Self::Orcpt)],
        };
        known.iter().find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes())).map(|&(_, found)| found)
    }

    /// The extension that brings the parameter.
    #[must_use]
    pub const fn extension(self) -> Extension {
        match self {
            Self::Size => Extension::Size,
            Self::Body => Extension::EightBitMime,
            Self::Smtputf8 => Extension::Smtputf8,
            Self::Ret | Self::Envid | Self::Notify | Self::Orcpt => Extension::Dsn,
        }
    }

    /// Whether a server that does not know the parameter may be told the rest without it: a size is a help, and what a
    /// body holds can be seen.
    #[must_use]
    pub const fn may_be_left_out(self) -> bool {
        matches!(self, Self::Size | Self::Body)
    }

    /// Whether `value` can stand behind the keyword.
    fn check(self, value: Option<&[u8]>) -> Result<(), ParameterError> {
        let Some(value) = value else {
            return if self == Self::Smtputf8 { Ok(()) } else { Err(ParameterError::Malformed) };
        };
        let one_of = |words: &[&str]| words.iter().any(|word| value.eq_ignore_ascii_case(word.as_bytes()));
        let sound = match self {
            Self::Size => value.len() <= 20 && value.iter().all(u8::is_ascii_digit),
            // RFC 3030 §3 adds BINARYMIME, others may add more: nobody offered them.
            Self::Body if one_of(&["7BIT", "8BITMIME"]) => true,
            Self::Body => return Err(ParameterError::Unknown),
            Self::Smtputf8 => false,
            Self::Ret => one_of(&["FULL", "HDRS"]),
            // RFC 3461 §4.4: up to 100 characters before they are encoded.
            Self::Envid => value.len() <= 300,
            Self::Notify | Self::Orcpt => value.len() <= 500,
        };
        if sound { Ok(()) } else { Err(ParameterError::Malformed) }
    }
}

/// One parameter, as it came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Parameter {
    /// Which one it is.
    pub keyword: Keyword,
    /// What stands behind the equals sign.
    pub value: Option<Bytes>,
    /// All of it.
    pub raw: Bytes,
}

/// Why parameters cannot be taken.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum ParameterError {
    /// Not of the grammar, twice there, or with a value that cannot be.
    #[error("malformed parameter")]
    Malformed,
    /// Not among those that were offered.
    #[error("parameter not offered")]
    Unknown,
}

/// All parameters of one command.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Parameters(Vec<Parameter>);

impl Parameters {
    /// Reads what follows the path of a command.
    pub fn parse(text: &Bytes, place: Place) -> Result<Self, ParameterError> {
        if text.first().is_some_and(|&first| first != b' ') {
            return Err(ParameterError::Malformed);
        }
        let mut parameters = Self::default();
        for word in text.split(|&byte| byte == b' ').filter(|word| !word.is_empty()) {
            let raw = text.slice_ref(word);
            let parameter = parse(raw, place)?;
            if parameters.value(parameter.keyword).is_some() {
                return Err(ParameterError::Malformed);
            }
            parameters.0.push(parameter);
        }
        Ok(parameters)
    }

    /// The parameter of this name: its value, which is empty where it takes none.
    #[must_use]
    pub fn value(&self, keyword: Keyword) -> Option<&[u8]> {
        let found = self.0.iter().find(|parameter| parameter.keyword == keyword)?;
        Some(found.value.as_deref().unwrap_or_default())
    }

    /// The size that the message is said to have (RFC 1870); one beyond all numbers is the largest.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        let digits = std::str::from_utf8(self.value(Keyword::Size)?).ok()?;
        Some(digits.parse().unwrap_or(u64::MAX))
    }

    /// Whether they can be told to a server that was not asked for SMTPUTF8.
    #[must_use]
    pub fn are_ascii(&self) -> bool {
        self.0.iter().all(|parameter| parameter.raw.is_ascii())
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Parameter> {
        self.0.iter()
    }
}

fn parse(raw: Bytes, place: Place) -> Result<Parameter, ParameterError> {
    let equals = raw.iter().position(|&byte| byte == b'=');
    let (word, value) = match equals {
        Some(at) => (&raw[..at], Some(raw.slice(at + 1..))),
        None => (&raw[..], None),
    };
    if !is_keyword(word) || value.as_ref().is_some_and(|value| !is_value(value)) {
        return Err(ParameterError::Malformed);
    }
    let keyword = Keyword::parse(word, place).ok_or(ParameterError::Unknown)?;
    keyword.check(value.as_deref())?;
    Ok(Parameter { keyword, value, raw })
}

fn is_keyword(word: &[u8]) -> bool {
    word.first().is_some_and(u8::is_ascii_alphanumeric)
        && word.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// RFC 6531 §3.3 adds UTF-8 to what RFC 5321 lets a value hold.
fn is_value(value: &[u8]) -> bool {
    !value.is_empty()
        && value.iter().all(|&byte| !byte.is_ascii_control() && byte != b' ' && byte != b'=')
        && std::str::from_utf8(value).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, place: Place) -> Result<Parameters, ParameterError> {
        Parameters::parse(&Bytes::copy_from_slice(text.as_bytes()), place)
    }

    #[test]
    fn parameters_come_apart() {
        let text = " SIZE=1000  body=8bitmime SMTPUTF8 RET=HDRS ENVID=QQ314159";
        let parameters = parse(text, Place::Mail).unwrap();
        assert_eq!(parameters.size(), Some(1000));
        assert_eq!(parameters.value(Keyword::Body), Some(&b"8bitmime"[..]));
        assert_eq!(parameters.value(Keyword::Smtputf8), Some(&b""[..]));
        let raw: Vec<_> = parameters.iter().map(|parameter| parameter.raw.clone()).collect();
        assert_eq!(raw, ["SIZE=1000", "body=8bitmime", "SMTPUTF8", "RET=HDRS", "ENVID=QQ314159"]);
        assert_eq!(parse("", Place::Rcpt).unwrap(), Parameters::default());
        assert!(parse(" NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a@b", Place::Rcpt).is_ok());
        assert_eq!(parse(" SIZE=99999999999999999999", Place::Mail).unwrap().size(), Some(u64::MAX));
    }

    #[test]
    fn what_is_malformed_and_what_is_unknown() {
        use ParameterError::{Malformed, Unknown};
        for (text, place, expected) in [
            ("SIZE=1", Place::Mail, Malformed),
            (" SIZE", Place::Mail, Malformed),
            (" SIZE=", Place::Mail, Malformed),
            (" SIZE=-1", Place::Mail, Malformed),
            (" SIZE=1 size=2", Place::Mail, Malformed),
            (" =1", Place::Mail, Malformed),
            (" -A=1", Place::Mail, Malformed),
            (" ENVID=a=b", Place::Mail, Malformed),
            (" ENVID=a\tb", Place::Mail, Malformed),
            (" BODY=", Place::Mail, Malformed),
            (" BODY=BINARYMIME", Place::Mail, Unknown),
            (" SMTPUTF8=yes", Place::Mail, Malformed),
            (" AUTH=<>", Place::Mail, Unknown),
            (" NOTIFY=NEVER", Place::Mail, Unknown),
            (" SIZE=1", Place::Rcpt, Unknown),
            (" XYZZY", Place::Rcpt, Unknown),
        ] {
            assert_eq!(parse(text, place), Err(expected), "{text}");
        }
    }
}
