//! Values out of texts: durations, sizes, addresses, names.

use crate::nearest::nearest;
use crate::secret::is_key;
use mail::Domain;
use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

/// A path that is longer is refused by the system.
const LONGEST_PATH: usize = 4095;

/// Why a text is not the value that it should be; goes on after the text: "`12`, which …".
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct Problem(Cow<'static, str>);

impl Problem {
    pub(crate) fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self(text.into())
    }
}

/// A value that stands in the file as one text.
pub(crate) trait FromText: Sized {
    /// What it is, with an example; goes on after "expected".
    const EXPECTED: &'static str;

    fn from_text(text: &str) -> Result<Self, Problem>;
}

/// Picks a word out of a table.
pub(crate) fn one_of<T: Clone>(text: &str, words: &[(&'static str, T)]) -> Result<T, Problem> {
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
        return Ok(value.clone());
    }
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    Err(match nearest(text, &known) {
        Some(word) => Problem::new(format!("probably `{word}`")),
        None => Problem::new("which is none of its words"),
    })
}

impl FromText for bool {
    const EXPECTED: &'static str = "`true` or `false`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        let words =
            [("true", true), ("yes", true), ("on", true), ("false", false), ("no", false), ("off", false)];
        one_of(&text.to_ascii_lowercase(), &words)
    }
}

impl FromText for usize {
    const EXPECTED: &'static str = "a whole number above 0, such as `100`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        match whole(text)? {
            0 => Err(Problem::new("which would let nothing through")),
            number => Self::try_from(number).map_err(|_| too_large()),
        }
    }
}

/// A number that may be 0.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Count(pub(crate) usize);

impl FromText for Count {
    const EXPECTED: &'static str = "a whole number, such as `100`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        usize::try_from(whole(text)?).map(Self).map_err(|_| too_large())
    }
}

/// A number of octets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Size(pub(crate) u64);

const SIZE_UNITS: &[(&str, u64)] = &[
    ("", 1),
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("k", 1 << 10),
    ("m", 1 << 20),
    ("g", 1 << 30),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
];

impl FromText for Size {
    const EXPECTED: &'static str = "a size in octets, such as `10485760`, `10 MB` or `256MiB`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        let (number, unit) = number_and_unit(text);
        let (_, factor) = SIZE_UNITS
            .iter()
            .find(|(name, _)| unit.eq_ignore_ascii_case(name))
            .ok_or_else(|| Problem::new("whose unit is none of B, kB, KiB, MB, MiB, GB, GiB"))?;
        match whole(number)?.checked_mul(*factor) {
            Some(0) => Err(Problem::new("which would let nothing through")),
            Some(size) => Ok(Self(size)),
            None => Err(too_large()),
        }
    }
}

const TIME_UNITS: &[(&str, u64)] =
    &[("ms", 1), ("s", 1_000), ("m", 60_000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

impl FromText for Duration {
    const EXPECTED: &'static str = "a time with its unit, such as `500ms`, `30s`, `5m`, `2h` or `7d`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        let (number, unit) = number_and_unit(text);
        if unit.is_empty() {
            return Err(Problem::new("which lacks its unit"));
        }
        let (_, factor) = TIME_UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(|| Problem::new("whose unit is none of ms, s, m, h, d"))?;
        match whole(number)?.checked_mul(*factor) {
            Some(0) => Err(Problem::new("which is no time at all")),
            Some(milliseconds) => Ok(Self::from_millis(milliseconds)),
            None => Err(too_large()),
        }
    }
}

/// How long a signature counts.
pub(crate) struct Lifetime(pub(crate) Duration);

/// RFC 6376 §3.5 gives `x=` twelve digits. Nobody keeps a key for so long as this.
const LONGEST_LIFETIME: Duration = Duration::from_secs(3650 * 86_400);

impl FromText for Lifetime {
    const EXPECTED: &'static str = "a time of at most 3650 days with its unit, such as `12h` or `7d`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        match Duration::from_text(text)? {
            lifetime if lifetime > LONGEST_LIFETIME => Err(too_large()),
            lifetime if lifetime.as_secs() == 0 => Err(Problem::new("which is less than a second")),
            lifetime => Ok(Self(lifetime)),
        }
    }
}

fn number_and_unit(text: &str) -> (&str, &str) {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    (number, unit.trim_start())
}

fn whole(text: &str) -> Result<u64, Problem> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Problem::new("which is not a whole number"));
    }
    text.parse().map_err(|_| too_large())
}

fn too_large() -> Problem {
    Problem::new("which is too large")
}

impl FromText for Domain {
    const EXPECTED: &'static str = "a domain name, such as `example.org`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        Self::parse(text).map_err(|error| Problem::new(format!("which is no domain name ({error})")))
    }
}

impl FromText for PathBuf {
    const EXPECTED: &'static str =
        "the path of a file, relative to this one, such as `keys/example.org/s1.pem`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        if text.is_empty() {
            return Err(Problem::new("which names no file"));
        }
        if is_key(text) {
            return Err(Problem::new(
                "a private key itself: put it into a file of its own, and name that file",
            ));
        }
        if text.contains(char::is_control) {
            return Err(Problem::new("which holds more than one line"));
        }
        if text.len() > LONGEST_PATH {
            return Err(Problem::new("which is longer than any path"));
        }
        Ok(Self::from(text))
    }
}

impl FromText for SocketAddr {
    const EXPECTED: &'static str = "an IP address and a port, such as `127.0.0.1:10025` or `[::1]:10025`";

    fn from_text(text: &str) -> Result<Self, Problem> {
        if let Ok(address) = text.parse() {
            return Ok(address);
        }
        if text.parse::<u16>().is_ok() {
            return Err(Problem::new("which is a port without an address"));
        }
        if text.parse::<IpAddr>().is_ok() {
            return Err(Problem::new("which is an address without a port"));
        }
        match text.strip_prefix("*:") {
            Some(port) => {
                Err(Problem::new(format!("for all addresses write `0.0.0.0:{port}` and `[::]:{port}`")))
            }
            None => Err(Problem::new("which is no IP address with a port")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem<T: FromText>(text: &str) -> String {
        T::from_text(text).err().map(|problem| problem.to_string()).unwrap_or_default()
    }

    #[test]
    fn sizes_have_a_unit_or_none() {
        for (text, octets) in [
            ("1", 1),
            ("512", 512),
            ("512 B", 512),
            ("10kB", 10_000),
            ("10 KB", 10_000),
            ("10K", 10_240),
            ("10 KiB", 10_240),
            ("2MB", 2_000_000),
            ("256MiB", 256 << 20),
            ("1 GiB", 1 << 30),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(Size::from_text(text).unwrap(), Size(octets), "{text}");
        }
        for (text, expected) in [
            ("", "which is not a whole number"),
            ("MiB", "which is not a whole number"),
            ("-1", "whose unit is none of B, kB, KiB, MB, MiB, GB, GiB"),
            ("1.5MiB", "whose unit is none of B, kB, KiB, MB, MiB, GB, GiB"),
            ("5 XB", "whose unit is none of B, kB, KiB, MB, MiB, GB, GiB"),
            ("0 MiB", "which would let nothing through"),
            ("18446744073709551616", "which is too large"),
            ("18446744073709551615 GiB", "which is too large"),
        ] {
            assert_eq!(problem::<Size>(text), expected, "{text}");
        }
    }

    #[test]
    fn times_have_a_unit() {
        for (text, milliseconds) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("30 s", 30_000),
            ("5m", 300_000),
            ("5 min", 300_000),
            ("2h", 7_200_000),
            ("7d", 604_800_000),
        ] {
            assert_eq!(Duration::from_text(text).unwrap(), Duration::from_millis(milliseconds), "{text}");
        }
        for (text, expected) in [
            ("", "which lacks its unit"),
            ("30", "which lacks its unit"),
            ("s", "which is not a whole number"),
            ("30x", "whose unit is none of ms, s, m, h, d"),
            ("5M", "whose unit is none of ms, s, m, h, d"),
            ("1.5h", "whose unit is none of ms, s, m, h, d"),
            ("0s", "which is no time at all"),
            ("18446744073709551615d", "which is too large"),
        ] {
            assert_eq!(problem::<Duration>(text), expected, "{text}");
        }
    }

    #[test]
    fn a_signature_counts_for_some_time_and_not_for_ever() {
        assert_eq!(Lifetime::from_text("7d").unwrap().0, Duration::from_secs(604_800));
        assert!(Lifetime::from_text("3650d").is_ok());
        assert_eq!(problem::<Lifetime>("3651d"), "which is too large");
        assert_eq!(problem::<Lifetime>("500ms"), "which is less than a second");
    }

    #[test]
    fn addresses_to_listen_on_have_a_port() {
        for text in ["127.0.0.1:10025", "[::1]:10025", "0.0.0.0:0"] {
            assert_eq!(SocketAddr::from_text(text).unwrap().to_string(), text);
        }
        for (text, expected) in [
            ("10025", "which is a port without an address"),
            ("127.0.0.1", "which is an address without a port"),
            ("::1", "which is an address without a port"),
            ("*:10025", "for all addresses write `0.0.0.0:10025` and `[::]:10025`"),
            ("localhost:10025", "which is no IP address with a port"),
            ("127.0.0.1:65536", "which is no IP address with a port"),
        ] {
            assert_eq!(problem::<SocketAddr>(text), expected, "{text}");
        }
    }

    #[test]
    fn booleans_may_be_said_as_people_say_them() {
        for (text, value) in
            [("true", true), ("Yes", true), ("on", true), ("FALSE", false), ("no", false), ("off", false)]
        {
            assert_eq!(bool::from_text(text).unwrap(), value, "{text}");
        }
        assert_eq!(problem::<bool>("ture"), "probably `true`");
        assert_eq!(problem::<bool>("1"), "which is none of its words");
    }
}
