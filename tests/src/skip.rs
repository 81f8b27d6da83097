//! What a scenario does when a package is missing.
//!
//! `tests/run` installs the packages, and names those that it could not install, by commas, in
//! `DKIMGATE_TESTS_MAY_SKIP`. Only these may be skipped; it counts the lines that begin with `skipped:`.

const VARIABLE: &str = "DKIMGATE_TESTS_MAY_SKIP";

/// Whether the scenario must end here, because `needed` is not on this machine and `tests/run` knows it.
///
/// Panics where `needed` is missing and `tests/run` does not know it: a scenario never passes in silence.
#[must_use]
pub fn missing(needed: &str, is_here: bool) -> bool {
    let may_skip = std::env::var(VARIABLE).unwrap_or_default();
    if may_skip.split(',').any(|name| name == needed) {
        println!("skipped: {needed} is missing");
        return true;
    }
    assert!(is_here, "{needed} is missing: run `tests/run`, which installs it, or set {VARIABLE}={needed}");
    false
}
