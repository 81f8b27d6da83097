//! `dkimgate run`: serves until it is told to stop.

use crate::assemble::{Assembly, Missing, assemble, stores};
use crate::bind::{self, Inherited};
use crate::cli::RunArgs;
use crate::key_watch::KeyWatch;
use crate::metrics::{Metrics, server};
use crate::service::Service;
use crate::signals::{self, Signal, Signals};
use crate::watch::Watch;
use crate::{exit, faults, logging, notify};
use config::Listen;
use relay::Listener;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::SystemTime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

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
    let metrics = Metrics::default();
    let read = SystemTime::now();
    let (assemblies, mut reports) = assemble(&arguments.configs, Missing::Make, &metrics);
    let fatal = faults::any_fatal(&reports);
    let bound = if fatal { Vec::new() } else { bind::bind(&assemblies, inherited, &mut reports) };
    let told = if fatal { Vec::new() } else { bind::bind_metrics(&assemblies, &mut reports) };
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
    let mut serving = Serving::start(&assemblies, bound, metrics);
    serving.tell(told, &assemblies);
    let addresses: Vec<&str> = serving.files.iter().flat_map(File::addresses).collect();
    info!(listen = addresses.join(","), metrics = serving.metrics_addresses(), "ready");
    for assembly in &assemblies {
        tokio::spawn(try_stores(assembly.config.engine.clone(), serving.metrics.clone()));
    }
    notify::ready();
    let watchdog = tokio::spawn(notify::watchdog());
    let keys = KeyWatch::new(assemblies, read, arguments.log.format);
    let signal = serving.go_on(&mut signals, keys, arguments).await;
    info!(signal, "stopping");
    notify::stopping();
    serving.end().await;
    watchdog.abort();
    info!("stopped");
    ExitCode::SUCCESS
}

/// All that runs.
struct Serving {
    files: Vec<File>,
    metrics: Metrics,
    servers: Vec<server::Server>,
    /// The looking at keys, which begins anew at each reload.
    watching: Vec<JoinHandle<()>>,
    /// What ends the listeners.
    shutdown: CancellationToken,
    tracker: TaskTracker,
}

/// A configuration file that is served.
struct File {
    name: String,
    listen: Vec<Listen>,
    metrics: Option<SocketAddr>,
    services: Vec<Service>,
    watch: Option<Watch>,
}

impl Serving {
    fn start(assemblies: &[Assembly], bound: Vec<Vec<Listener>>, metrics: Metrics) -> Self {
        let (shutdown, tracker) = (CancellationToken::new(), TaskTracker::new());
        let start = |(assembly, listeners): (&Assembly, Vec<Listener>)| {
            let start = |listener: Listener| {
                let tally = metrics.listener(&listener.to_string(), assembly.role());
                Service::start(assembly, listener, tally, (&tracker, &shutdown))
            };
            File {
                name: assembly.config.file.name.clone(),
                listen: assembly.config.listen(),
                metrics: assembly.metrics_address(),
                services: listeners.into_iter().map(start).collect(),
                watch: None,
            }
        };
        let files = assemblies.iter().zip(bound).map(start).collect();
        let (servers, watching) = (Vec::new(), Vec::new());
        let mut serving = Self { files, metrics, servers, watching, shutdown, tracker };
        serving.watch(assemblies);
        serving.metrics.loaded();
        serving.metrics.serve(true);
        serving
    }

    /// Answers those who fetch metrics.
    fn tell(&mut self, bound: Vec<tokio::net::TcpListener>, assemblies: &[Assembly]) {
        for listener in bound {
            match server::Server::start(listener, &self.metrics) {
                Ok(server) => self.servers.push(server),
                Err(error) => error!(%error, "metrics are not told"),
            }
        }
        self.let_clients_in(assemblies);
    }

    fn let_clients_in(&self, assemblies: &[Assembly]) {
        for server in &self.servers {
            let told = assemblies.iter().filter_map(|assembly| assembly.config.listener.metrics.as_ref());
            let here = told.filter(|told| told.listen.value == server.address);
            server.is_for(here.flat_map(|told| told.clients.clone()).collect());
        }
    }

    fn metrics_addresses(&self) -> Option<String> {
        let addresses: Vec<String> = self.servers.iter().map(|server| server.address.to_string()).collect();
        (!addresses.is_empty()).then(|| addresses.join(","))
    }

    /// Looks at the keys of these assemblies from now on, with what is known already.
    fn watch(&mut self, assemblies: &[Assembly]) {
        for watching in self.watching.drain(..) {
            watching.abort();
        }
        for (file, assembly) in pairs(&mut self.files, assemblies) {
            let before = std::mem::replace(&mut file.watch, assembly.watch.clone());
            if let (Some(watch), Some(before)) = (&file.watch, &before) {
                watch.follows(before);
            }
            self.watching.extend(file.watch.clone().map(|watch| tokio::spawn(watch.run())));
        }
        self.metrics.watches(self.files.iter().filter_map(|file| file.watch.clone()).collect());
    }

    /// Reads all files again. All of them take effect, or none; if they do, gives the watch over their keys.
    fn reload(&mut self, arguments: &RunArgs) -> Option<KeyWatch> {
        let read = SystemTime::now();
        let (assemblies, reports) = assemble(&arguments.configs, Missing::Make, &self.metrics);
        faults::log(&reports, arguments.log.format);
        if faults::any_fatal(&reports) {
            error!("the files have faults, shown above; the configuration in force stays");
            return None;
        }
        if !self.files.iter().zip(&assemblies).all(|(file, assembly)| file.can_take(assembly)) {
            error!(
                "`listen`, `metrics` or `role` has changed, which takes a restart; the configuration in force stays"
            );
            return None;
        }
        self.take(&assemblies);
        self.let_clients_in(&assemblies);
        self.metrics.loaded();
        info!("reloaded");
        Some(KeyWatch::new(assemblies, read, arguments.log.format))
    }

    /// Lets every transaction that begins from now on go by these assemblies, which are of all files, or of all that
    /// sign.
    fn take(&mut self, assemblies: &[Assembly]) {
        // What is known of the keys goes before the engines that ask for it.
        self.watch(assemblies);
        for (file, assembly) in pairs(&mut self.files, assemblies) {
            file.services.iter().for_each(|service| service.reload(assembly));
        }
    }

    /// Serves, reads the files again when told to, and lets other keys sign when it is their turn, until a signal ends
    /// it; which one.
    async fn go_on(
        &mut self,
        signals: &mut Signals,
        mut keys: KeyWatch,
        arguments: &RunArgs,
    ) -> &'static str {
        loop {
            let signal = tokio::select! {
                signal = signals.next() => signal,
                assemblies = keys.changed(&self.metrics) => {
                    self.take(&assemblies);
                    info!("other keys sign from now on");
                    continue;
                }
            };
            match signal {
                Signal::Stop(signal) => return signal,
                Signal::Reload => {
                    notify::reloading();
                    let reloaded = self.reload(arguments);
                    self.metrics.reloaded(reloaded.is_some());
                    keys = reloaded.unwrap_or(keys);
                    notify::ready();
                }
            }
        }
    }

    /// Lets what has begun come to its end. Metrics are told until then.
    async fn end(self) {
        self.metrics.serve(false);
        self.shutdown.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

impl File {
    fn addresses(&self) -> impl Iterator<Item = &str> {
        self.services.iter().map(|service| &*service.name)
    }

    /// Whether the listeners can take this assembly: what is bound stays bound, with its role.
    fn can_take(&self, assembly: &Assembly) -> bool {
        self.listen == assembly.config.listen()
            && self.metrics == assembly.metrics_address()
            && self.services.iter().all(|service| service.is_of(assembly))
    }
}

/// The files that these assemblies are of.
fn pairs<'a>(
    files: &'a mut [File],
    assemblies: &'a [Assembly],
) -> impl Iterator<Item = (&'a mut File, &'a Assembly)> {
    let of = |file: &File| assemblies.iter().find(|assembly| assembly.config.file.name == file.name);
    files.iter_mut().filter_map(move |file| of(file).map(|assembly| (file, assembly)))
}

/// Says at the start which databases with keys do not answer; one that is out of reach says so itself.
async fn try_stores(engine: config::Engine, metrics: Metrics) {
    let config::Engine::Outbound(outbound) = engine else { return };
    for (store, error) in stores::probe(&outbound, &metrics).await {
        if !error.is_outage() {
            warn!(store = store.name, %error, "key store cannot be used; mail that needs its keys waits");
        }
    }
}
