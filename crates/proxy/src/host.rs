//! What the system says of this host: its name, what time it is, and what is random.

use std::hash::{BuildHasher, Hasher, RandomState};
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

/// A number that nobody draws twice. What the standard library keys its tables with comes from the system's randomness
/// and is another each time; it is no secret for a cipher, and need not be.
pub fn random() -> u128 {
    let draw = || u128::from(RandomState::new().build_hasher().finish());
    draw() << 64 | draw()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_number_is_drawn_twice() {
        let drawn: HashSet<u128> = (0..10_000).map(|_| random()).collect();
        assert_eq!(drawn.len(), 10_000);
        // All of the bits take part.
        assert_eq!(drawn.iter().fold(0, |all, number| all | number), u128::MAX);
    }
}
