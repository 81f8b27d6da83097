//! The log: text for people or JSON, on standard error or standard output.

use crate::cli::{LogArgs, LogFormat, LogOutput};
use std::fmt::{self, Debug};
use std::io::{self, IsTerminal};
use tracing::field::Field;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::fmt::writer::BoxMakeWriter;

/// Starts the log.
pub fn start(arguments: &LogArgs) {
    let (writer, colour) = match arguments.output {
        LogOutput::Stderr => (BoxMakeWriter::new(io::stderr), takes_colour(&io::stderr())),
        LogOutput::Stdout => (BoxMakeWriter::new(io::stdout), takes_colour(&io::stdout())),
    };
    let builder = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::from_level(arguments.level))
        .with_writer(writer)
        // Without anybody who reads the log, mail goes on. The complaint would go to standard error, and panic there.
        .log_internal_errors(false)
        .with_target(false);
    match arguments.format {
        LogFormat::Text if colour => builder.with_ansi(true).init(),
        LogFormat::Text => builder.with_ansi(false).fmt_fields(debug_fn(plain).delimited(" ")).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}

/// Writes a field as the library does, without making colours first that are then not shown: a message has twenty fields.
fn plain(writer: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> fmt::Result {
    match field.name() {
        "message" => write!(writer, "{value:?}"),
        name => write!(writer, "{name}={value:?}"),
    }
}

/// Colours are for terminals only, and for those only whose user has not said `NO_COLOR`.
pub fn takes_colour(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
