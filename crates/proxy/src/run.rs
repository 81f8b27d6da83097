//! `dkimgate run`: serves until it is told to stop.

use crate::assemble::{Assembly, Missing, assemble};
use crate::bind::{Inherited, bind};
use crate::cli::RunArgs;
use crate::service::Service;
use crate::signals::{self, Signal, Signals};
use crate::{exit, faults, logging};
use config::Listen;
use relay::Listener;
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info};

/// Reads the files, binds their listeners, serves, drains.
pub fn run(arguments: &RunArgs) -> ExitCode {
    logging::start(&arguments.log);
    signals::raise_descriptor_limit();
    // What the environment says of them is taken out of it, which no other thread may see.
    let inherited = Inherited::from_environment();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = arguments.threads {
        builder.worker_threads(threads.get());
    }
    match builder.enable_all().build() {
        Ok(runtime) => runtime.block_on(serve(arguments, inherited)),
        Err(error) => {
            eprintln!("dkimgate: cannot start: {error}");
            exit::IO.into()
        }
    }
}

async fn serve(arguments: &RunArgs, inherited: Inherited) -> ExitCode {
    let (assemblies, mut reports) = assemble(&arguments.configs, Missing::Make);
    let fatal = faults::any_fatal(&reports);
    let bound = if fatal { Vec::new() } else { bind(&assemblies, inherited, &mut reports) };
    faults::log(&reports, arguments.log.format);
    if faults::any_fatal(&reports) {
        return exit::CONFIGURATION.into();
    }
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            error!(%error, "cannot listen for signals");
            return exit::IO.into();
        }
    };
    announce_keys(&assemblies);
    let (shutdown, serving) = (CancellationToken::new(), TaskTracker::new());
    let files: Vec<File> = assemblies
        .iter()
        .zip(bound)
        .map(|(assembly, listeners)| File::start(assembly, listeners, &serving, &shutdown))
        .collect();
    let addresses: Vec<&str> = files.iter().flat_map(File::addresses).collect();
    info!(listen = addresses.join(","), "ready");
    loop {
        match signals.next().await {
            Signal::Stop(signal) => {
                info!(signal, "stopping");
                break;
            }
            Signal::Reload => reload(arguments, &files),
        }
    }
    shutdown.cancel();
    serving.close();
    serving.wait().await;
    info!("stopped");
    ExitCode::SUCCESS
}

/// A configuration file that is served.
struct File {
    listen: Vec<Listen>,
    services: Vec<Service>,
}

impl File {
    fn start(
        assembly: &Assembly,
        listeners: Vec<Listener>,
        serving: &TaskTracker,
        shutdown: &CancellationToken,
    ) -> Self {
        let start = |listener| Service::start(assembly, listener, serving, shutdown);
        Self { listen: assembly.config.listen(), services: listeners.into_iter().map(start).collect() }
    }

    fn addresses(&self) -> impl Iterator<Item = &str> {
        self.services.iter().map(|service| &*service.name)
    }

    /// Whether the listeners can take this assembly: what is bound stays bound, with its role.
    fn can_take(&self, assembly: &Assembly) -> bool {
        self.listen == assembly.config.listen() && self.services.iter().all(|service| service.is_of(assembly))
    }
}

/// Reads all files again. All of them take effect, or none.
fn reload(arguments: &RunArgs, files: &[File]) {
    let (assemblies, reports) = assemble(&arguments.configs, Missing::Make);
    faults::log(&reports, arguments.log.format);
    announce_keys(&assemblies);
    if faults::any_fatal(&reports) {
        error!("the files have faults, shown above; the configuration in force stays");
        return;
    }
    if !files.iter().zip(&assemblies).all(|(file, assembly)| file.can_take(assembly)) {
        error!("`listen` or `role` has changed, which takes a restart; the configuration in force stays");
        return;
    }
    for (file, assembly) in files.iter().zip(&assemblies) {
        file.services.iter().for_each(|service| service.reload(assembly));
    }
    info!("reloaded");
}

fn announce_keys(assemblies: &[Assembly]) {
    for made in assemblies.iter().flat_map(|assembly| &assembly.made) {
        info!(keyfile = %made.path.display(), publish = %made.record.zone_line(), "a new key was made; its record has to be published");
    }
}
