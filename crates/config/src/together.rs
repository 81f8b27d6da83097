//! What several files would do to each other.

use crate::Config;
use crate::fault::{Fault, Report};
use std::collections::HashMap;

/// Looks for listeners that are in each other's way, within a file and between files. One report for each file that
/// has faults.
#[must_use]
pub fn check_together(configs: &[Config]) -> Vec<Report> {
    let mut taken = HashMap::new();
    let mut reports = Vec::new();
    for config in configs {
        let mut faults = Vec::new();
        for listen in &config.listener.listen {
            // Port 0 is a free one each time.
            if listen.value.port() == 0 {
                continue;
            }
            if let Some(owner) = taken.insert(listen.value, &config.file.name) {
                let problem = format!("`{}` is listened on already, by {owner}", listen.value);
                faults.push(Fault::unusable(
                    listen.place,
                    problem,
                    "give each listener an address or port of its own",
                ));
            }
        }
        if !faults.is_empty() {
            reports.push(config.report(faults));
        }
    }
    reports
}
