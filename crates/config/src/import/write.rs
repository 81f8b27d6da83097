//! YAML, written line by line.

use std::fmt::Write;

/// A file that is being written.
#[derive(Default)]
pub(super) struct Yaml(String);

impl Yaml {
    /// A comment of one line or more.
    pub(super) fn comment(&mut self, text: &str) -> &mut Self {
        for line in text.lines() {
            self.line(format_args!("# {line}"));
        }
        self
    }

    /// An option.
    pub(super) fn option(&mut self, indentation: usize, key: &str, value: &str) -> &mut Self {
        let value = value_text(value);
        self.line(format_args!("{:indentation$}{key}: {value}", ""))
    }

    /// An option whose value is written as it is.
    pub(super) fn raw(&mut self, indentation: usize, text: &str) -> &mut Self {
        self.line(format_args!("{:indentation$}{text}", ""))
    }

    pub(super) fn finish(self) -> String {
        self.0
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) -> &mut Self {
        // A `String` takes all that is written to it.
        let _ = writeln!(self.0, "{line}");
        self
    }
}

/// A value, in quotes where YAML would take it for something else.
pub(super) fn value_text(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/@+".contains(c);
    let starts_well = value.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '/'));
    let inner_colon =
        value.split(':').skip(1).all(|part| part.starts_with(|c: char| c.is_ascii_digit() || c == '/'));
    if starts_well && inner_colon && value.chars().all(|c| plain(c) || c == ':') {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', "''"))
}

/// A list of values; one alone stands without brackets.
pub(super) fn list_text(values: &[String]) -> String {
    match values {
        [one] => value_text(one),
        several => {
            format!("[{}]", several.iter().map(|value| value_text(value)).collect::<Vec<_>>().join(", "))
        }
    }
}
