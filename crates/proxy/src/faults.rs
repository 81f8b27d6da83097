//! Faults of configuration files, shown to the administrator.

use crate::cli::LogFormat;
use crate::logging;
use config::{Fault, Report};
use std::io::{self, Write};
use tracing::{error, warn};

/// Whether the program must not start.
pub fn any_fatal(reports: &[Report]) -> bool {
    reports.iter().any(Report::is_fatal)
}

/// Shows each fault on standard error, with its file, line, column and remedy.
pub fn show(reports: &[Report]) {
    let colour = logging::takes_colour(&io::stderr());
    for report in reports {
        // With nobody there to read it, nothing is left to say.
        let _ = io::stderr().write_all(report.render(colour).as_bytes());
    }
}

/// The same for a program that logs: drawn for people, and events of the log for those who parse it.
pub fn log(reports: &[Report], format: LogFormat) {
    match format {
        LogFormat::Text => show(reports),
        LogFormat::Json => {
            for (report, fault) in
                reports.iter().flat_map(|report| report.faults().iter().map(move |fault| (report, fault)))
            {
                event(report, fault);
            }
        }
    }
}

fn event(report: &Report, fault: &Fault) {
    let (line, column) = report.file().line_and_column(fault.place);
    let (file, remedy) = (&report.file().name, fault.cause.remedy());
    if fault.is_fatal() {
        error!(file, line, column, remedy, "{}", fault.cause);
    } else {
        warn!(file, line, column, remedy, "{}", fault.cause);
    }
}
