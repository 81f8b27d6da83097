//! What is wrong with a configuration file: where, what was expected, and what to do.

use crate::secret::may_be_key;
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity, SourceCode,
};
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// How many faults of a file are shown with their lines; a reader of more has lost the thread.
const MOST_SHOWN: usize = 100;

/// Where something stands in a file, in octets.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Place {
    /// The first octet.
    pub start: usize,
    /// How many octets it takes; 0 where only the start is known.
    pub length: usize,
}

impl Place {
    /// The start of the file, for faults that have no better place.
    pub const START: Self = Self { start: 0, length: 0 };

    /// What stands there.
    #[must_use]
    pub fn text(self, source: &str) -> &str {
        source.get(self.start..self.start + self.length).unwrap_or_default()
    }
}

/// A value, and where the file says it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Placed<T> {
    /// What it says.
    pub value: T,
    /// Where it says so.
    pub place: Place,
}

/// A configuration file as it was read.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its path as the user named it.
    pub name: String,
    /// All of it.
    pub text: String,
}

impl Source {
    /// Line and column of a place, both from 1, the column in characters.
    #[must_use]
    pub fn line_and_column(&self, place: Place) -> (usize, usize) {
        let before = self.text.get(..place.start).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// One fault of one file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// Where to look.
    pub place: Place,
    /// What is wrong there.
    pub cause: Cause,
}

/// What can be wrong.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Cause {
    /// The configuration file itself is not there, or not for us.
    #[error("cannot be read: {reason}")]
    Unreadable {
        /// What the system says.
        reason: String,
    },
    /// It holds octets that are no text.
    #[error("not UTF-8 from octet {octet} on")]
    NotText {
        /// The first of them, counted from 1.
        octet: usize,
    },
    /// The configuration file is larger than any should be.
    #[error("larger than {limit} octets")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// The parser did not get through; what follows in the file was not looked at.
    #[error("not YAML: {message}")]
    Syntax {
        /// What the parser says.
        message: String,
    },
    /// A key that does not belong there.
    #[error("unknown key `{key}` in {section}")]
    UnknownKey {
        /// The key.
        key: String,
        /// Where it was met.
        section: String,
        /// The key that was probably meant.
        nearest: Option<&'static str>,
        /// All keys that may stand there.
        allowed: Vec<&'static str>,
    },
    /// A key that must be there is not.
    #[error("`{key}` is missing in {section}")]
    Missing {
        /// The key.
        key: &'static str,
        /// Where it should stand.
        section: String,
        /// What it holds, with an example.
        expected: &'static str,
    },
    /// A key stands there a second time.
    #[error("`{key}` stands twice in {section}")]
    Twice {
        /// The key.
        key: String,
        /// Where it stands twice.
        section: String,
    },
    /// A value is not what its key holds.
    #[error("`{key}` is {found}")]
    Wrong {
        /// The key.
        key: String,
        /// What stands there, and why it is not right.
        found: String,
        /// What should stand there, with an example.
        expected: String,
    },
    /// Settings that must not stand together, or would be dangerous.
    #[error("{problem}")]
    Contradiction {
        /// What is wrong.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// A file or address that the configuration names cannot be used.
    #[error("{problem}")]
    Unusable {
        /// What is wrong.
        problem: String,
        /// What to do; a command where there is one.
        remedy: String,
    },
    /// It works, and is probably not what was meant. The only cause that does not keep the program from starting.
    #[error("{problem}")]
    Doubtful {
        /// What is doubtful.
        problem: String,
        /// What to do.
        remedy: String,
    },
}

impl Fault {
    /// A fault at a place.
    #[must_use]
    pub fn new(place: Place, cause: Cause) -> Self {
        Self { place, cause }
    }

    /// A file or address that cannot be used, found by whoever tried: a key that does not parse, a port in use.
    #[must_use]
    pub fn unusable(place: Place, problem: impl fmt::Display, remedy: impl fmt::Display) -> Self {
        Self::new(place, Cause::Unusable { problem: problem.to_string(), remedy: remedy.to_string() })
    }

    /// Something that works, and is probably not what was meant.
    #[must_use]
    pub fn doubtful(place: Place, problem: impl fmt::Display, remedy: impl fmt::Display) -> Self {
        Self::new(place, Cause::Doubtful { problem: problem.to_string(), remedy: remedy.to_string() })
    }

    /// Settings that must not stand together.
    pub(crate) fn contradiction(place: Place, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(place, Cause::Contradiction { problem: problem.into(), remedy: remedy.into() })
    }

    /// Whether the program must not start with it.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        !matches!(self.cause, Cause::Doubtful { .. })
    }
}

impl Cause {
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Unreadable { .. } => "name an existing file that this user may read".to_owned(),
            Self::NotText { .. } => "save it as UTF-8".to_owned(),
            Self::TooLarge { .. } => "is it the right file?".to_owned(),
            Self::Syntax { .. } => {
                "look at the indentation, and put texts with `: `, ` #` or a leading `*`, `@`, `%` in quotes"
                    .to_owned()
            }
            Self::UnknownKey { nearest: Some(nearest), allowed, .. } => {
                format!("did you mean `{nearest}`? Known here: {}", allowed.join(", "))
            }
            Self::UnknownKey { allowed, .. } => format!("known here: {}", allowed.join(", ")),
            Self::Missing { key, expected, .. } => format!("add `{key}:` with {expected}"),
            Self::Twice { .. } => "keep one of them".to_owned(),
            Self::Wrong { expected, .. } => format!("expected {expected}"),
            Self::Contradiction { remedy, .. }
            | Self::Unusable { remedy, .. }
            | Self::Doubtful { remedy, .. } => remedy.clone(),
        }
    }
}

/// The faults of one file, in the order of the file; `Display` shows each with its lines.
#[derive(Clone, Debug, Error)]
#[error("{}", self.render(false))]
pub struct Report {
    file: Arc<Source>,
    faults: Vec<Fault>,
}

impl Report {
    /// Puts the faults in the order of the file.
    #[must_use]
    pub fn new(file: Arc<Source>, mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| fault.place.start);
        // What several signatures inherit from one line is wrong once.
        faults.dedup();
        Self { file, faults }
    }

    /// The faults, warnings among them.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// The file that they are in.
    #[must_use]
    pub fn file(&self) -> &Source {
        &self.file
    }

    /// Whether any of them keeps the program from starting.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        self.faults.iter().any(Fault::is_fatal)
    }

    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    /// The whole text for a terminal, with or without colour.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        // Lines are not wrapped: a command must be there to be copied whole.
        let handler = GraphicalReportHandler::new_themed(theme).with_wrap_lines(false).with_context_lines(1);
        let code = NamedSource::new(&self.file.name, self.file.text.clone());
        let mut text = String::new();
        for fault in self.faults.iter().take(MOST_SHOWN) {
            if !text.is_empty() {
                text.push('\n');
            }
            // A `String` takes all that is written to it.
            let _ = handler.render_report(&mut text, &Shown { fault, file: &self.file, code: &code });
        }
        if let Some(more @ 1..) = self.faults.len().checked_sub(MOST_SHOWN) {
            text.extend(["\n  … and ", &more.to_string(), " more\n"]);
        }
        text
    }
}

/// A fault as miette draws it.
#[derive(Debug)]
struct Shown<'a> {
    fault: &'a Fault,
    file: &'a Source,
    code: &'a NamedSource<String>,
}

impl Shown<'_> {
    /// Whether there are lines to show. One that fills the screen shows nothing, and one that may hold a key is not shown.
    fn has_lines(&self) -> bool {
        const LONGEST: usize = 500;
        let Place { start, length } = self.fault.place;
        let text = &self.file.text;
        let Some((before, after)) = text.split_at_checked(start) else {
            return !text.is_empty();
        };
        let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1);
        // The line above and the one below are shown too.
        let shown_from = before.rmatch_indices('\n').nth(1).map_or(0, |(at, _)| at);
        let behind = after.get(length..).unwrap_or_default();
        let shown_to =
            text.len() - behind.len() + behind.match_indices('\n').nth(1).map_or(behind.len(), |(at, _)| at);
        !text.is_empty()
            && column + after.find('\n').unwrap_or(after.len()) <= LONGEST
            && !text.get(shown_from..shown_to).is_some_and(may_be_key)
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without lines to show, nothing else would name the file.
        if self.file.text.is_empty() {
            write!(formatter, "{}: ", self.file.name)?;
        } else if !self.has_lines() {
            let (line, column) = self.file.line_and_column(self.fault.place);
            write!(formatter, "{}:{line}:{column}: ", self.file.name)?;
        }
        self.fault.cause.fmt(formatter)
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn severity(&self) -> Option<Severity> {
        Some(if self.fault.is_fatal() { Severity::Error } else { Severity::Warning })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.fault.cause.remedy()))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.has_lines().then_some(self.code as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        // Of a value of many lines the first is enough.
        let Place { start, .. } = self.fault.place;
        let length = self.fault.place.text(&self.file.text).lines().next().map_or(0, str::len);
        Some(Box::new(std::iter::once(LabeledSpan::new(None, start, length))))
    }
}
