//! `dkimgate check`: everything that `run` would complain of, without serving.

use crate::assemble::{Assembly, Missing, assemble};
use crate::cli::CheckArgs;
use crate::{exit, faults};
use std::process::ExitCode;

/// Reads the files, the keys and the zones, and says what is wrong with them.
pub fn check(arguments: &CheckArgs) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    // Resolvers are set up, and want to know where they would run.
    let _guard = runtime.as_ref().ok().map(tokio::runtime::Runtime::enter);
    let (assemblies, reports) = assemble(&arguments.configs, Missing::Leave);
    faults::show(&reports);
    if faults::any_fatal(&reports) {
        return exit::CONFIGURATION.into();
    }
    for assembly in &assemblies {
        println!("{}", summary(assembly));
    }
    ExitCode::SUCCESS
}

/// What a sound file does, in one line.
fn summary(Assembly { config, .. }: &Assembly) -> String {
    let list = |texts: Vec<String>| texts.join(", ");
    let listen = list(config.listener.listen.iter().map(|listen| listen.value.to_string()).collect());
    let relay = list(config.listener.relay.iter().map(|hop| hop.value.to_string()).collect());
    let does = match &config.engine {
        config::Engine::Outbound(outbound) => {
            let domains = outbound.rules.iter().flat_map(|rule| &rule.domains);
            format!("signs for {}", list(domains.map(|domain| domain.value.to_string()).collect()))
        }
        config::Engine::Inbound(_) => format!("verifies as {}", config.listener.hostname),
    };
    format!("{}: ok; {listen} → {relay}, {does}", config.file.name)
}
