//! Whether the databases with keys answer, let us in and understand the question.

use crate::assemble::{Assembly, stores};
use crate::metrics::Metrics;
use ::stores::SourceError;
use config::{Fault, Report};

/// What is wrong with the databases of a file, and whether one of them is out of reach just now.
pub async fn ask(Assembly { config, .. }: &Assembly) -> (Option<Report>, bool) {
    let config::Engine::Outbound(outbound) = &config.engine else { return (None, false) };
    let troubles = stores::probe(outbound, &Metrics::default()).await;
    let out_of_reach = troubles.iter().any(|(_, error)| error.is_outage());
    let faults: Vec<Fault> = troubles.iter().map(|(store, error)| fault(store, error)).collect();
    ((!faults.is_empty()).then(|| config.report(faults)), out_of_reach)
}

/// The names of the databases of a file.
pub fn named(assembly: &Assembly) -> Vec<&str> {
    match &assembly.config.engine {
        config::Engine::Outbound(outbound) => outbound.stores().map(|store| store.name.as_str()).collect(),
        config::Engine::Inbound(_) => Vec::new(),
    }
}

fn fault(store: &config::Store, error: &SourceError) -> Fault {
    let problem = format!("{}: {error}", store.name);
    match error {
        SourceError::Unreachable(_) | SourceError::TooSlow(_) => {
            let remedy = "start it, or mend its address; until it answers, mail that needs its keys waits";
            Fault::doubtful(store.place, problem, remedy)
        }
        SourceError::Refused(_) => {
            Fault::unusable(store.place, problem, "mend the login, or the name of what it is asked for")
        }
        SourceError::Shape(_) => {
            Fault::unusable(store.place, problem, "ask for two columns, the selector and the private key")
        }
        SourceError::Ourselves(_) => Fault::unusable(store.place, problem, "mend the file that it names"),
    }
}
