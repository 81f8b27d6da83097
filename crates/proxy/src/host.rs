//! What the system says of this host: its name, and what time it is.

use std::time::{SystemTime, UNIX_EPOCH};

/// The name of the host, or `localhost` where it has none that can be read.
pub fn name() -> String {
    let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".to_owned())
}

/// Seconds since 1970; a clock before that counts as 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
