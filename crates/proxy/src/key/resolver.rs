//! Where commands get their answers from: a zone in a file, name servers that were named, or those of the system.

use crate::cli::key::DnsArgs;
use crate::input::{self, InputError};
use dns::{AnyResolver, SystemError, SystemResolver, SystemSettings, Zone, ZoneError};
use std::path::PathBuf;
use thiserror::Error;

/// Nothing can be looked up.
#[derive(Debug, Error)]
pub enum ResolverError {
    /// The zone file cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The zone file is none.
    #[error("{}: {source}", path.display())]
    Zone {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: ZoneError,
    },
    /// The name servers cannot be asked.
    #[error(transparent)]
    System(#[from] SystemError),
    /// The runtime for look-ups does not start.
    #[error("cannot look names up: {0}")]
    Runtime(#[source] std::io::Error),
}

/// The resolver that the arguments name.
pub fn resolver(from: &DnsArgs) -> Result<AnyResolver, ResolverError> {
    let Some(path) = &from.zone else {
        let settings = SystemSettings { servers: from.servers.clone(), ..SystemSettings::default() };
        return Ok(SystemResolver::new(&settings)?.into());
    };
    let text = input::bytes(path)?;
    let zone = Zone::parse(&text).map_err(|source| ResolverError::Zone { path: path.clone(), source })?;
    Ok(zone.into())
}

/// Looks up whatever `ask` wants to know, and waits for it.
pub fn with_resolver<T>(from: &DnsArgs, ask: impl AsyncFnOnce(AnyResolver) -> T) -> Result<T, ResolverError> {
    wait(async { Ok(ask(resolver(from)?).await) })?
}

/// Waits for what name servers have to say.
pub fn wait<T>(answer: impl Future<Output = T>) -> Result<T, ResolverError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.map_err(ResolverError::Runtime)?.block_on(answer))
}
