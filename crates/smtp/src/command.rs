//! Commands (RFC 5321, section 4.1.1; RFC 2033, 3030).

use crate::parameter::{ParameterError, Parameters, Place};
use crate::path::Path;
use bytes::Bytes;
use thiserror::Error;

/// The first word of a command.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(missing_docs)] // Each is the word itself.
pub enum Verb {
    Ehlo,
    Helo,
    Lhlo,
    Mail,
    Rcpt,
    Data,
    Bdat,
    Rset,
    Noop,
    Vrfy,
    Help,
    Quit,
    Xforward,
    Xclient,
}

impl Verb {
    const ALL: [(&'static str, Self); 14] = [
        ("EHLO", Self::Ehlo),
        ("HELO", Self::Helo),
        ("LHLO", Self::Lhlo),
        ("MAIL", Self::Mail),
        ("RCPT", Self::Rcpt),
        ("DATA", Self::Data),
        ("BDAT", Self::Bdat),
        ("RSET", Self::Rset),
        ("NOOP", Self::Noop),
        ("VRFY", Self::Vrfy),
        ("HELP", Self::Help),
        ("QUIT", Self::Quit),
        ("XFORWARD", Self::Xforward),
        ("XCLIENT", Self::Xclient),
    ];

    /// The verb that `line` begins with, and what follows it.
    #[must_use]
    pub fn of(line: &[u8]) -> Option<(Self, usize)> {
        let end = line.iter().position(|&byte| byte == b' ').unwrap_or(line.len());
        let word = &line[..end];
        let known = Self::ALL.iter().find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
        known.map(|&(_, verb)| (verb, end))
    }
}

/// A command.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Command {
    /// EHLO, HELO or LHLO with the name that the client gave.
    Hello(Verb, Bytes),
    /// MAIL
    Mail(Path, Parameters),
    /// RCPT
    Rcpt(Path, Parameters),
    /// DATA
    Data,
    /// BDAT
    Bdat {
        /// How many octets follow.
        size: u64,
        /// Whether they are the last.
        last: bool,
    },
    /// RSET
    Rset,
    /// NOOP
    Noop,
    /// VRFY
    Vrfy,
    /// HELP
    Help,
    /// QUIT
    Quit,
    /// XFORWARD with its attributes, not yet taken apart.
    Xforward(Bytes),
    /// XCLIENT with its attributes, not yet taken apart.
    Xclient(Bytes),
}

/// Why a line is no command.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum CommandError {
    /// The verb is none that we know.
    #[error("unknown command")]
    Unknown,
    /// A CR, a LF, a NUL or the like stands in the line, or it is empty.
    #[error("malformed line")]
    Malformed,
    /// What follows the verb is not what the verb takes.
    #[error("malformed argument")]
    Argument,
    /// EHLO, HELO or LHLO without a name.
    #[error("no name")]
    NoName,
    /// The reverse-path is malformed.
    #[error("malformed reverse-path")]
    ReversePath,
    /// The forward-path is malformed.
    #[error("malformed forward-path")]
    ForwardPath,
    /// A parameter is unknown.
    #[error("unknown parameter")]
    UnknownParameter,
    /// A parameter is malformed.
    #[error("malformed parameter")]
    MalformedParameter,
}

impl From<ParameterError> for CommandError {
    fn from(error: ParameterError) -> Self {
        match error {
            ParameterError::Malformed => Self::MalformedParameter,
            ParameterError::Unknown => Self::UnknownParameter,
        }
    }
}

impl Command {
    /// Reads a line without its CR LF.
    pub fn parse(line: &Bytes) -> Result<Self, CommandError> {
        if line.iter().any(|&byte| byte.is_ascii_control() && byte != b'\t') {
            return Err(CommandError::Malformed);
        }
        let line = line.slice_ref(line.trim_ascii_end());
        if line.is_empty() {
            return Err(CommandError::Malformed);
        }
        let (verb, end) = Verb::of(&line).ok_or(CommandError::Unknown)?;
        let argument = line.slice_ref(line[end..].trim_ascii_start());
        let alone = |command| if argument.is_empty() { Ok(command) } else { Err(CommandError::Argument) };
        match verb {
            Verb::Ehlo | Verb::Helo | Verb::Lhlo => hello(verb, argument),
            Verb::Mail => mail(&argument),
            Verb::Rcpt => recipient(&argument),
            Verb::Data => alone(Self::Data),
            Verb::Bdat => bdat(&argument),
            Verb::Rset => alone(Self::Rset),
            Verb::Quit => alone(Self::Quit),
            // RFC 5321 §4.1.1.9: NOOP takes a string, and ignores it.
            Verb::Noop => Ok(Self::Noop),
            Verb::Help => Ok(Self::Help),
            // RFC 5321 §4.1.1.6: vrfy = "VRFY" SP String CRLF
            Verb::Vrfy if argument.is_empty() => Err(CommandError::Argument),
            Verb::Vrfy => Ok(Self::Vrfy),
            Verb::Xforward => Ok(Self::Xforward(argument)),
            Verb::Xclient => Ok(Self::Xclient(argument)),
        }
    }
}

fn hello(verb: Verb, name: Bytes) -> Result<Command, CommandError> {
    if name.is_empty() {
        return Err(CommandError::NoName);
    }
    Ok(Command::Hello(verb, name))
}

fn mail(argument: &Bytes) -> Result<Command, CommandError> {
    let (path, rest) = path(argument, b"FROM:").ok_or(CommandError::ReversePath)?;
    Ok(Command::Mail(path, Parameters::parse(&rest, Place::Mail)?))
}

fn recipient(argument: &Bytes) -> Result<Command, CommandError> {
    let (path, rest) = path(argument, b"TO:").ok_or(CommandError::ForwardPath)?;
    if path.mailbox().is_empty() {
        return Err(CommandError::ForwardPath);
    }
    Ok(Command::Rcpt(path, Parameters::parse(&rest, Place::Rcpt)?))
}

/// The path behind `FROM:` or `TO:`; blanks after the colon are forgiven, as all servers do.
fn path(argument: &Bytes, word: &[u8]) -> Option<(Path, Bytes)> {
    let (head, _) = argument.split_at_checked(word.len())?;
    if !head.eq_ignore_ascii_case(word) {
        return None;
    }
    Path::take(&argument.slice_ref(argument[word.len()..].trim_ascii_start()))
}

/// RFC 3030 §2: `bdat-cmd ::= "BDAT" SP chunk-size [ SP end-marker ] CR LF`
fn bdat(argument: &[u8]) -> Result<Command, CommandError> {
    let mut words = argument.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
    let digits = words.next().ok_or(CommandError::Argument)?;
    let well_formed = digits.len() <= 20 && digits.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(digits).ok().filter(|_| well_formed);
    let size = text.and_then(|digits| digits.parse().ok()).ok_or(CommandError::Argument)?;
    match (words.next(), words.next()) {
        (None, _) => Ok(Command::Bdat { size, last: false }),
        (Some(word), None) if word.eq_ignore_ascii_case(b"LAST") => Ok(Command::Bdat { size, last: true }),
        _ => Err(CommandError::Argument),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, CommandError> {
        Command::parse(&Bytes::copy_from_slice(line.as_bytes()))
    }

    fn bytes(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn commands_come_apart() {
        for (line, expected) in [
            ("ehlo  a.example ", Command::Hello(Verb::Ehlo, bytes("a.example"))),
            ("HELO a b", Command::Hello(Verb::Helo, bytes("a b"))),
            ("LHLO x", Command::Hello(Verb::Lhlo, bytes("x"))),
            ("Data", Command::Data),
            ("BDAT 86 last", Command::Bdat { size: 86, last: true }),
            ("BDAT 0", Command::Bdat { size: 0, last: false }),
            ("RSET ", Command::Rset),
            ("NOOP whatever", Command::Noop),
            ("VRFY x", Command::Vrfy),
            ("HELP", Command::Help),
            ("QUIT", Command::Quit),
            ("XFORWARD NAME=a", Command::Xforward(bytes("NAME=a"))),
            ("XCLIENT ADDR=1.2.3.4", Command::Xclient(bytes("ADDR=1.2.3.4"))),
        ] {
            assert_eq!(parse(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn paths_and_parameters_come_apart() {
        let Ok(Command::Mail(path, parameters)) = parse("MAIL From: <a@b.example> SIZE=7") else { panic!() };
        assert_eq!((path.mailbox(), parameters.size()), ("a@b.example", Some(7)));
        let Ok(Command::Mail(path, _)) = parse("MAIL FROM:<>") else { panic!() };
        assert!(path.is_null());
        let Ok(Command::Rcpt(path, _)) = parse("rcpt to:<\"a b\"@c>") else { panic!() };
        assert_eq!(path.mailbox(), "\"a b\"@c");
    }

    #[test]
    fn faults_are_told_apart() {
        use CommandError::{
            Argument, ForwardPath, Malformed, MalformedParameter, NoName, ReversePath, Unknown,
            UnknownParameter,
        };
        for (line, expected) in [
            ("", Malformed),
            ("  ", Malformed),
            ("NOOP\nQUIT", Malformed),
            ("NOOP\rQUIT", Malformed),
            ("NOOP \0", Malformed),
            ("XYZZY", Unknown),
            ("MAILFROM:<a@b>", Unknown),
            ("STARTTLS", Unknown),
            ("AUTH PLAIN", Unknown),
            ("EHLO", NoName),
            ("HELO ", NoName),
            ("DATA now", Argument),
            ("RSET x", Argument),
            ("BDAT", Argument),
            ("VRFY", Argument),
            ("BDAT -1", Argument),
            ("BDAT 1 FIRST", Argument),
            ("BDAT 1 LAST x", Argument),
            ("BDAT 99999999999999999999", Argument),
            ("MAIL", ReversePath),
            ("MAIL TO:<a@b>", ReversePath),
            ("MAIL FROM:a@b", ReversePath),
            ("MAIL FROM:<a@b>SIZE=1", MalformedParameter),
            ("MAIL FROM:<a@b> AUTH=<>", UnknownParameter),
            ("RCPT TO:<>", ForwardPath),
            ("RCPT TO:<@a:>", ForwardPath),
            ("RCPT TO:<a@b> SIZE=1", UnknownParameter),
        ] {
            assert_eq!(parse(line), Err(expected), "{line:?}");
        }
    }
}
