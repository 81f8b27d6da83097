//! `dkimgate check`: everything that `run` would complain of, without serving; and what the DNS has of the keys.

mod keys;
mod published;
mod stores;

use crate::assemble::{Assembly, Missing, assemble};
use crate::cli::CheckArgs;
use crate::metrics::Metrics;
use crate::{exit, faults, key};
use config::{Fault, Report};
use mail::Domain;
use published::Published;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::ExitCode;

/// Reads the files, the keys and the zones, and says what is wrong with them.
pub fn check(arguments: &CheckArgs) -> ExitCode {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return exit::IO.into();
    };
    let (assemblies, mut reports) = {
        // Resolvers are set up, and want to know where they would run.
        let _guard = runtime.enter();
        assemble(&arguments.configs, Missing::Leave, &Metrics::default())
    };
    let mut sound = Vec::new();
    let mut out_of_reach = false;
    for assembly in &assemblies {
        let mut found = keys::of_tables(assembly, &config::rules(&assembly.config));
        let (of_stores, silent) = runtime.block_on(stores::ask(assembly));
        found.extend(of_stores);
        out_of_reach |= silent;
        let is_its = |report: &&Report| report.file().name == assembly.config.file.name;
        if !reports.iter().filter(is_its).any(Report::is_fatal) && !faults::any_fatal(&found) {
            sound.push(assembly);
        }
        reports.extend(found);
    }
    let asks = arguments.dns || arguments.from.zone.is_some() || !arguments.from.servers.is_empty();
    let published = if asks {
        match Published::look(&assemblies, &arguments.from, &mut reports) {
            Ok(published) => Some(published),
            Err(error) => {
                eprintln!("dkimgate: {error}");
                return exit::CONFIGURATION.into();
            }
        }
    } else {
        None
    };
    if arguments.json {
        println!("{}", as_json(&sound, &reports, published.as_ref()));
    } else {
        show(&sound, &reports, published.as_ref());
    }
    if faults::any_fatal(&reports) {
        return exit::CONFIGURATION.into();
    }
    let findings = published.map_or_else(Vec::new, |published| published.findings);
    if out_of_reach && !findings.iter().any(key::inspect::Finding::is_fatal) {
        return exit::TEMPORARY.into();
    }
    key::check::status(&findings)
}

fn show(sound: &[&Assembly], reports: &[Report], published: Option<&Published>) {
    faults::show(reports);
    // A file with a fault has no summary; without any word of the others they would look forgotten.
    for assembly in sound {
        println!("{}", summary(assembly));
    }
    if let Some(published) = published {
        print!("{published}");
        for store in sound.iter().copied().flat_map(stores::named) {
            println!(
                "\n{store}: its keys are not compared with the DNS, since it is asked for one domain at a time; see \
                 what it has for one with `dkimgate explain CONFIG --from name@domain`"
            );
        }
    }
}

/// So many domains are called by their names.
const MOST_NAMED: usize = 20;

/// What a sound file does, in one line.
fn summary(Assembly { config, .. }: &Assembly) -> String {
    let list = |texts: Vec<String>| texts.join(", ");
    let listen = list(config.listener.listen.iter().map(|listen| listen.value.to_string()).collect());
    let relay = list(config.listener.relay.iter().map(|hop| hop.value.to_string()).collect());
    let does = match &config.engine {
        config::Engine::Outbound(outbound) => {
            let keys = outbound.rules().flat_map(|rule| &rule.keys);
            let domains: BTreeSet<&Domain> = keys.flat_map(|key| &key.domains).collect();
            let mut words: Vec<String> = domains.iter().take(MOST_NAMED).map(ToString::to_string).collect();
            words.extend(domains.len().checked_sub(MOST_NAMED + 1).map(|more| format!("{} more", more + 1)));
            words.extend(match outbound.tables().count() {
                0 => None,
                1 => Some("those of a table".to_owned()),
                several => Some(format!("those of {several} tables")),
            });
            words.extend(outbound.stores().map(|store| format!("whoever {} knows", store.name)));
            format!("signs for {}", list(words))
        }
        config::Engine::Inbound(_) => format!("verifies as {}", config.listener.hostname),
    };
    format!("{}: ok; {listen} → {relay}, {does}", config.file.name)
}

fn as_json(sound: &[&Assembly], reports: &[Report], published: Option<&Published>) -> Value {
    let sound: Vec<&str> = sound.iter().map(|assembly| assembly.config.file.name.as_str()).collect();
    let faults: Vec<Value> = reports
        .iter()
        .flat_map(|report| report.faults().iter().map(|fault| fault_json(report, fault)))
        .collect();
    json!({
        "ok": sound,
        "faults": faults,
        "keys": published.map(|published| published.findings.iter().map(key::inspect::Finding::json).collect::<Vec<_>>()),
        "domains": published.map(|published| published.domains.iter().map(key::domain::Glance::json).collect::<Vec<_>>()),
    })
}

fn fault_json(report: &Report, fault: &Fault) -> Value {
    let (line, column) = report.file().line_and_column(fault.place);
    json!({
        "file": report.file().name,
        "line": line,
        "column": column,
        "fatal": fault.is_fatal(),
        "problem": fault.cause.to_string(),
        "remedy": fault.cause.remedy(),
    })
}
