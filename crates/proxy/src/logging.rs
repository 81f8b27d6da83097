//! The log: on standard error, as text for people or as JSON.

use crate::cli::{LogArgs, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;

/// Starts the log. Colours are for terminals only.
pub fn start(arguments: &LogArgs) {
    let builder = fmt()
        .with_max_level(LevelFilter::from_level(arguments.log_level))
        .with_writer(std::io::stderr)
        .with_target(false);
    match arguments.log_format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}
