//! `dkimgate run`: serves until it is told to stop.

use crate::assemble::{Assembly, Engine, Missing, assemble};
use crate::cli::RunArgs;
use crate::{exit, faults, logging, signals};
use config::{Fault, Report};
use relay::{Listener, Relay, Settings};
use std::io;
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

/// Reads the files, binds their listeners, serves, drains.
pub fn run(arguments: &RunArgs) -> ExitCode {
    logging::start(&arguments.log);
    signals::raise_descriptor_limit();
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(serve(arguments)),
        Err(error) => {
            eprintln!("dkimgate: cannot start: {error}");
            exit::IO.into()
        }
    }
}

async fn serve(arguments: &RunArgs) -> ExitCode {
    let (assemblies, mut reports) = assemble(&arguments.configs, Missing::Make);
    let fatal = faults::any_fatal(&reports);
    let bound = if fatal { Vec::new() } else { bind(&assemblies, &mut reports) };
    faults::show(&reports);
    if faults::any_fatal(&reports) {
        return exit::CONFIGURATION.into();
    }
    announce_keys(&assemblies);
    let (shutdown, serving) = (CancellationToken::new(), TaskTracker::new());
    let mut addresses = Vec::new();
    for (assembly, listeners) in assemblies.into_iter().zip(bound) {
        for listener in listeners {
            addresses.push(listener.to_string());
            start(&assembly, listener, &serving, &shutdown);
        }
    }
    info!(listen = addresses.join(","), "ready");
    let signal = signals::stop().await;
    info!(signal, "stopping");
    shutdown.cancel();
    serving.close();
    serving.wait().await;
    info!("stopped");
    ExitCode::SUCCESS
}

/// Binds what each file listens on. Nothing is served before all of it is bound.
fn bind(assemblies: &[Assembly], reports: &mut Vec<Report>) -> Vec<Vec<Listener>> {
    let mut bound = Vec::new();
    for Assembly { config, .. } in assemblies {
        let mut listeners = Vec::new();
        let mut faults = Vec::new();
        for listen in &config.listener.listen {
            match Listener::tcp(listen.value) {
                Ok(listener) => listeners.push(listener),
                Err(error) => faults.push(cannot_listen(listen, &error)),
            }
        }
        if !faults.is_empty() {
            reports.push(config.report(faults));
        }
        bound.push(listeners);
    }
    bound
}

fn cannot_listen(listen: &config::Placed<std::net::SocketAddr>, error: &io::Error) -> Fault {
    let remedy = match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!(
                "another program has port {0}: see `ss -ltnp 'sport = :{0}'`, or choose another one",
                listen.value.port()
            )
        }
        io::ErrorKind::PermissionDenied => {
            "choose a port above 1023, or let this user bind the port".to_owned()
        }
        _ => "name an address of this host".to_owned(),
    };
    Fault::unusable(listen.place, format!("cannot listen on `{}`: {error}", listen.value), remedy)
}

fn announce_keys(assemblies: &[Assembly]) {
    for made in assemblies.iter().flat_map(|assembly| &assembly.made) {
        info!(keyfile = %made.path.display(), publish = %made.record.zone_line(), "a new key was made; its record has to be published");
    }
}

/// Serves one listener in the background.
pub fn start(assembly: &Assembly, listener: Listener, serving: &TaskTracker, shutdown: &CancellationToken) {
    let settings = Settings { name: listener.to_string(), ..assembly.settings.clone() };
    let shutdown = shutdown.clone();
    match assembly.engine.clone() {
        Engine::Outbound(engine) => {
            let relay = Relay::new(settings, engine, &listener);
            serving.spawn(relay.serve(listener, shutdown));
        }
        Engine::Inbound(engine) => {
            let relay = Relay::new(settings, engine, &listener);
            serving.spawn(relay.serve(listener, shutdown));
        }
    }
}
