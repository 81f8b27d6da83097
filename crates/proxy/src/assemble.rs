//! From configuration files to engines and settings: everything is read and judged, and nothing is bound.

mod dns;
pub mod inbound;
mod keys;
mod outbound;
pub mod settings;
mod store;
pub mod stores;
mod watch;

pub use keys::{MOST_AT_START, Made, Missing, flaw as flaw_of_key, remedy as remedy_for_key};

use crate::metrics::{Metered, Metrics};
use crate::watch::Watch;
use crate::{bind, host};
use ::dns::AnyResolver;
use config::{Config, KeyFolders, Report, Source};
use relay::Settings;
use std::net::SocketAddr;
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
    /// What looks at the records of the keys, if anything does.
    pub watch: Option<Watch>,
    /// The key folders, as they were when the rules were read.
    pub folders: KeyFolders,
}

impl Assembly {
    /// What it does, in the word of the file.
    pub fn role(&self) -> &'static str {
        match self.engine {
            Engine::Outbound(_) => "outbound",
            Engine::Inbound(_) => "inbound",
        }
    }

    /// Where its metrics are told, if anywhere.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        Some(self.config.listener.metrics.as_ref()?.listen.value)
    }
}

/// What decides about messages. All listeners of a file share it.
#[derive(Clone)]
pub enum Engine {
    /// Signs.
    Outbound(Arc<policy::Outbound>),
    /// Verifies.
    Inbound(Arc<policy::Inbound<Metered<AnyResolver>>>),
}

/// Reads all files. What is wrong, or only doubtful, is in the reports; an assembly is there for each file
/// without a fatal fault.
pub fn assemble(paths: &[PathBuf], missing: Missing, metrics: &Metrics) -> (Vec<Assembly>, Vec<Report>) {
    all(paths.iter().map(|path| config::load(path, &host::name())), missing, metrics)
}

/// Does the same with files that were read before, without looking whether anybody changed them: what they name is
/// looked at again.
pub fn assemble_again(
    files: &[Arc<Source>],
    missing: Missing,
    metrics: &Metrics,
) -> (Vec<Assembly>, Vec<Report>) {
    all(files.iter().map(|file| config::read(Arc::clone(file), &host::name())), missing, metrics)
}

fn all(
    read: impl Iterator<Item = Result<Config, Report>>,
    missing: Missing,
    metrics: &Metrics,
) -> (Vec<Assembly>, Vec<Report>) {
    let (mut configs, mut reports) = (Vec::new(), Vec::new());
    for config in read {
        match config {
            Ok(config) => configs.push(config),
            Err(report) => reports.push(report),
        }
    }
    reports.extend(config::check_together(&configs));
    let assemblies =
        configs.into_iter().filter_map(|config| one(config, (missing, metrics), &mut reports)).collect();
    (assemblies, reports)
}

/// Assembles what one file says.
pub fn one(
    config: Config,
    (missing, metrics): (Missing, &Metrics),
    reports: &mut Vec<Report>,
) -> Option<Assembly> {
    let (of_files, mut rules) = config::both(|| config::check_files(&config), || config::rules(&config));
    let mut faults = config.warnings.clone();
    faults.extend(of_files);
    faults.extend(bind::rights(&config.listener.socket).err());
    let of_tables = std::mem::take(&mut rules.reports);
    let folders = std::mem::take(&mut rules.folders);
    let in_tables = of_tables.iter().any(Report::is_fatal);
    reports.extend(of_tables);
    // A file that others may read or nobody can is not opened.
    let made = if in_tables || faults.iter().any(config::Fault::is_fatal) {
        None
    } else {
        match &config.engine {
            config::Engine::Outbound(outbound) => {
                Some(outbound::engine(outbound, rules, (missing, metrics), &mut faults))
            }
            config::Engine::Inbound(inbound) => {
                let engine = inbound::engine(inbound, &config.listener, metrics, &mut faults);
                engine.map(|engine| (engine, Vec::new(), None))
            }
        }
    };
    let report = config.report(faults);
    let fatal = in_tables || report.is_fatal();
    if !report.is_empty() {
        reports.push(report);
    }
    let settings = settings::settings(&config);
    let (engine, made, watch) = made.filter(|_| !fatal)?;
    Some(Assembly { config, settings, engine, made, watch, folders })
}
