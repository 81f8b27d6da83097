//! Faults of configuration files, shown to the administrator on standard error.

use config::Report;
use std::io::IsTerminal;

/// Whether the program must not start.
pub fn any_fatal(reports: &[Report]) -> bool {
    reports.iter().any(Report::is_fatal)
}

/// Shows each fault with its file, line, column and remedy.
pub fn show(reports: &[Report]) {
    let colour = std::io::stderr().is_terminal();
    for report in reports {
        eprint!("{}", report.render(colour));
    }
}
