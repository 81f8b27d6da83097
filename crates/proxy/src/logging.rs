//! The log: text for people or JSON, on standard error or standard output.

use crate::cli::{LogArgs, LogFormat, LogOutput};
use std::io::{self, IsTerminal};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

/// Starts the log. Colours are for terminals only.
pub fn start(arguments: &LogArgs) {
    let (writer, is_terminal) = match arguments.output {
        LogOutput::Stderr => (BoxMakeWriter::new(io::stderr), io::stderr().is_terminal()),
        LogOutput::Stdout => (BoxMakeWriter::new(io::stdout), io::stdout().is_terminal()),
    };
    let builder =
        fmt().with_max_level(LevelFilter::from_level(arguments.level)).with_writer(writer).with_target(false);
    match arguments.format {
        LogFormat::Text => builder.with_ansi(is_terminal).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}
