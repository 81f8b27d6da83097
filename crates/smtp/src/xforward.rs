//! XFORWARD and XCLIENT attributes (Postfix's XFORWARD and XCLIENT how-tos), in xtext (RFC 3461, section 4).
//!
//! ```text
//! XFORWARD NAME=spike.porcupine.org ADDR=168.100.189.2 PROTO=ESMTP
//! ```

mod xtext;

use bytes::Bytes;
use std::fmt;
use thiserror::Error;

/// The longest command that attributes are split to, CR LF included (RFC 5321, section 4.5.3.1.4).
const LONGEST_COMMAND: usize = 512;
/// The longest value that is taken, decoded.
const LONGEST_VALUE: usize = 255;

/// What an attribute tells of the client before us.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Attribute {
    /// Its host name.
    Name,
    /// Its address; one of IP version 6 bears the prefix `IPv6:`.
    Addr,
    /// Its port.
    Port,
    /// `SMTP` or `ESMTP`.
    Proto,
    /// What it said in HELO or EHLO.
    Helo,
    /// The message's identifier there: Postfix sends its queue id.
    Ident,
    /// `LOCAL` or `REMOTE`.
    Source,
    /// The name it logged in with (XCLIENT).
    Login,
    /// The address it connected to (XCLIENT).
    Destaddr,
    /// The port it connected to (XCLIENT).
    Destport,
    /// The name that its address leads to, unproven (XCLIENT).
    ReverseName,
}

impl Attribute {
    /// Each of them.
    pub const ALL: [Self; 11] = [
        Self::Name,
        Self::Addr,
        Self::Port,
        Self::Proto,
        Self::Helo,
        Self::Ident,
        Self::Source,
        Self::Login,
        Self::Destaddr,
        Self::Destport,
        Self::ReverseName,
    ];

    /// The word before the equals sign.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "NAME",
            Self::Addr => "ADDR",
            Self::Port => "PORT",
            Self::Proto => "PROTO",
            Self::Helo => "HELO",
            Self::Ident => "IDENT",
            Self::Source => "SOURCE",
            Self::Login => "LOGIN",
            Self::Destaddr => "DESTADDR",
            Self::Destport => "DESTPORT",
            Self::ReverseName => "REVERSE_NAME",
        }
    }

    /// The attribute of this name.
    #[must_use]
    pub fn parse(word: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|attribute| word.eq_ignore_ascii_case(attribute.name().as_bytes()))
    }
}

/// A set of attributes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct AttributeSet(u16);

impl AttributeSet {
    /// What XFORWARD takes.
    pub const FORWARDED: Self = Self(0b000_0111_1111);
    /// What XCLIENT takes.
    pub const CLIENT: Self = Self(0b111_1001_1111);

    /// Reads the words behind the keyword in a reply to EHLO.
    pub fn parse<'a>(words: impl Iterator<Item = &'a [u8]>) -> Self {
        let known = words.filter_map(Attribute::parse);
        known.fold(Self::default(), |set, attribute| Self(set.0 | 1 << attribute as u16))
    }

    /// Whether `attribute` is in it.
    #[must_use]
    pub const fn has(self, attribute: Attribute) -> bool {
        self.0 & 1 << attribute as u16 != 0
    }

    /// Each one in it.
    pub fn iter(self) -> impl Iterator<Item = Attribute> {
        Attribute::ALL.into_iter().filter(move |&attribute| self.has(attribute))
    }
}

/// The names, each behind a blank.
impl fmt::Display for AttributeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|attribute| write!(f, " {}", attribute.name()))
    }
}

/// What is told of one attribute.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Value {
    /// The value, decoded.
    Known(String),
    /// `[UNAVAILABLE]`: there is none.
    Unavailable,
    /// `[TEMPUNAVAIL]`: it could not be found out just now.
    TemporarilyUnavailable,
}

impl Value {
    fn parse(text: &[u8]) -> Option<Self> {
        // Postfix reads the two special values without regard to case.
        if text.eq_ignore_ascii_case(b"[UNAVAILABLE]") {
            return Some(Self::Unavailable);
        }
        if text.eq_ignore_ascii_case(b"[TEMPUNAVAIL]") {
            return Some(Self::TemporarilyUnavailable);
        }
        let decoded = String::from_utf8(xtext::decode(text)?).ok()?;
        let sound = decoded.len() <= LONGEST_VALUE && !decoded.chars().any(char::is_control);
        sound.then_some(Self::Known(decoded))
    }

    fn write(&self) -> String {
        match self {
            Self::Known(text) => xtext::encode(text.as_bytes()),
            Self::Unavailable => "[UNAVAILABLE]".to_owned(),
            Self::TemporarilyUnavailable => "[TEMPUNAVAIL]".to_owned(),
        }
    }
}

/// A command's attributes cannot be taken.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("malformed or unknown attribute")]
pub struct AttributeError;

/// What was told of the client before us, each attribute once.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Attributes(Vec<(Attribute, Value)>);

impl Attributes {
    /// Reads what follows the verb; every attribute must be among `known`.
    pub fn parse(arguments: &Bytes, known: AttributeSet) -> Result<Self, AttributeError> {
        let mut attributes = Self::default();
        for word in arguments.split(|&byte| byte == b' ').filter(|word| !word.is_empty()) {
            let equals = word.iter().position(|&byte| byte == b'=').ok_or(AttributeError)?;
            let attribute = Attribute::parse(&word[..equals]).ok_or(AttributeError)?;
            if !known.has(attribute) {
                return Err(AttributeError);
            }
            attributes.set(attribute, Value::parse(&word[equals + 1..]).ok_or(AttributeError)?);
        }
        if attributes.0.is_empty() { Err(AttributeError) } else { Ok(attributes) }
    }

    /// Whether nothing was told.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was told of `attribute`.
    #[must_use]
    pub fn value(&self, attribute: Attribute) -> Option<&Value> {
        self.0.iter().find(|(told, _)| *told == attribute).map(|(_, value)| value)
    }

    /// What was told of `attribute`, if it was more than that there is nothing.
    #[must_use]
    pub fn known(&self, attribute: Attribute) -> Option<&str> {
        match self.value(attribute)? {
            Value::Known(text) => Some(text),
            Value::Unavailable | Value::TemporarilyUnavailable => None,
        }
    }

    /// Tells something of `attribute`, in place of what was told before.
    pub fn set(&mut self, attribute: Attribute, value: Value) {
        match self.0.iter_mut().find(|(told, _)| *told == attribute) {
            Some((_, told)) => *told = value,
            None => self.0.push((attribute, value)),
        }
    }

    /// Adds what `later` tells.
    pub fn merge(&mut self, later: Self) {
        for (attribute, value) in later.0 {
            self.set(attribute, value);
        }
    }

    /// The commands that tell a server all of this, as far as it takes it, and nothing else: what
    /// it takes and we do not know is `[UNAVAILABLE]`, so that nothing told before stays.
    #[must_use]
    pub fn commands(&self, taken: AttributeSet) -> Vec<Vec<u8>> {
        let mut commands: Vec<String> = Vec::new();
        for attribute in taken.iter() {
            let value = self.value(attribute).unwrap_or(&Value::Unavailable).write();
            let word = format!(" {}={value}", attribute.name());
            match commands.last_mut() {
                Some(command) if command.len() + word.len() + 2 <= LONGEST_COMMAND => command.push_str(&word),
                _ => commands.push(format!("XFORWARD{word}")),
            }
        }
        commands.into_iter().map(|command| (command + "\r\n").into_bytes()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Attributes, AttributeError> {
        Attributes::parse(&Bytes::copy_from_slice(text.as_bytes()), AttributeSet::FORWARDED)
    }

    #[test]
    fn attributes_are_read_and_told_again() {
        let told =
            parse("name=spike.example ADDR=IPv6:2001:DB8::1 HELO=a+20b+2Bc IDENT=[tempunavail]").unwrap();
        assert_eq!(told.known(Attribute::Name), Some("spike.example"));
        assert_eq!(told.known(Attribute::Helo), Some("a b+c"));
        assert_eq!(told.value(Attribute::Ident), Some(&Value::TemporarilyUnavailable));
        assert_eq!(
            told.commands(AttributeSet(0b011_1111)),
            [b"XFORWARD NAME=spike.example ADDR=IPv6:2001:DB8::1 PORT=[UNAVAILABLE] \
               PROTO=[UNAVAILABLE] HELO=a+20b+2Bc IDENT=[TEMPUNAVAIL]\r\n"]
        );
        assert!(told.commands(AttributeSet::default()).is_empty());
    }

    #[test]
    fn nothing_told_before_stays() {
        let commands = Attributes::default().commands(AttributeSet(0b11));
        assert_eq!(commands, [b"XFORWARD NAME=[UNAVAILABLE] ADDR=[UNAVAILABLE]\r\n"]);
    }

    #[test]
    fn long_attributes_are_split_to_command_size() {
        let mut told = Attributes::default();
        for attribute in [Attribute::Name, Attribute::Helo, Attribute::Ident] {
            told.set(attribute, Value::Known("x".repeat(LONGEST_VALUE)));
        }
        let commands = told.commands(AttributeSet::FORWARDED);
        assert_eq!(commands.len(), 3);
        let mut again = Attributes::default();
        for command in commands {
            assert!(command.len() <= LONGEST_COMMAND && command.ends_with(b"\r\n"));
            let arguments = Bytes::copy_from_slice(&command[9..command.len() - 2]);
            again.merge(Attributes::parse(&arguments, AttributeSet::FORWARDED).unwrap());
        }
        assert_eq!(again.known(Attribute::Ident), told.known(Attribute::Ident));
    }

    #[test]
    fn what_is_malformed_is_refused() {
        let long = format!("NAME={}", "x".repeat(LONGEST_VALUE + 1));
        for text in ["", "NAME", "XYZ=1", "LOGIN=a", "NAME=a+2", "NAME=a+0Ab", "NAME=+FF", "NAME=a=b", &long]
        {
            assert_eq!(parse(text), Err(AttributeError), "{text}");
        }
    }
}
