//! The log: text for people or JSON, on standard error or standard output.

use crate::cli::{LogArgs, LogFormat, LogOutput};
use std::io::{self, IsTerminal};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

/// Starts the log.
pub fn start(arguments: &LogArgs) {
    let (writer, colour) = match arguments.output {
        LogOutput::Stderr => (BoxMakeWriter::new(io::stderr), takes_colour(&io::stderr())),
        LogOutput::Stdout => (BoxMakeWriter::new(io::stdout), takes_colour(&io::stdout())),
    };
    let builder = fmt()
        .with_max_level(LevelFilter::from_level(arguments.level))
        .with_writer(writer)
        // Without anybody who reads the log, mail goes on. The complaint would go to standard error, and panic there.
        .log_internal_errors(false)
        .with_target(false);
    match arguments.format {
        LogFormat::Text => builder.with_ansi(colour).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}

/// Colours are for terminals only, and for those only whose user has not said `NO_COLOR`.
pub fn takes_colour(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
