//! From configuration files to engines and settings: everything is read and judged, and nothing is bound.

pub mod inbound;
mod keys;
mod outbound;
pub mod settings;
mod store;

pub use keys::{MOST_AT_START, Made, Missing, flaw as flaw_of_key, remedy as remedy_for_key};

use crate::{bind, host};
use config::{Config, Report};
use dns::AnyResolver;
use relay::Settings;
use std::path::PathBuf;
use std::sync::Arc;

/// One configuration file, ready to be served.
pub struct Assembly {
    /// The file.
    pub config: Config,
    /// What the relay of each of its listeners goes by.
    pub settings: Settings,
    /// What decides about messages.
    pub engine: Engine,
    /// Keys that were made on the way.
    pub made: Vec<Made>,
}

/// What decides about messages. All listeners of a file share it.
#[derive(Clone)]
pub enum Engine {
    /// Signs.
    Outbound(Arc<policy::Outbound>),
    /// Verifies.
    Inbound(Arc<policy::Inbound<AnyResolver>>),
}

/// Reads all files. What is wrong, or only doubtful, is in the reports; an assembly is there for each file
/// without a fatal fault.
pub fn assemble(paths: &[PathBuf], missing: Missing) -> (Vec<Assembly>, Vec<Report>) {
    let mut reports = Vec::new();
    let mut configs = Vec::new();
    for path in paths {
        match config::load(path, &host::name()) {
            Ok(config) => configs.push(config),
            Err(report) => reports.push(report),
        }
    }
    reports.extend(config::check_together(&configs));
    let assemblies = configs.into_iter().filter_map(|config| one(config, missing, &mut reports)).collect();
    (assemblies, reports)
}

/// Assembles what one file says.
pub fn one(config: Config, missing: Missing, reports: &mut Vec<Report>) -> Option<Assembly> {
    let mut faults = config.warnings.clone();
    faults.extend(config::check_files(&config));
    faults.extend(bind::rights(&config.listener.socket).err());
    let config::Rules { table, reports: of_tables, .. } = config::rules(&config);
    let in_tables = of_tables.iter().any(Report::is_fatal);
    reports.extend(of_tables);
    // A file that others may read or nobody can is not opened.
    let (engine, made) = if in_tables || faults.iter().any(config::Fault::is_fatal) {
        (None, Vec::new())
    } else {
        match &config.engine {
            config::Engine::Outbound(outbound) => {
                let (engine, made) = outbound::engine(outbound, table, missing, &mut faults);
                (Some(engine), made)
            }
            config::Engine::Inbound(inbound) => {
                (inbound::engine(inbound, &config.listener, &mut faults), Vec::new())
            }
        }
    };
    let report = config.report(faults);
    let fatal = in_tables || report.is_fatal();
    if !report.is_empty() {
        reports.push(report);
    }
    let settings = settings::settings(&config);
    engine.filter(|_| !fatal).map(|engine| Assembly { config, settings, engine, made })
}
