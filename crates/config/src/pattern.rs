//! Patterns for addresses: what follows the `@` is brought into the form that the domains of addresses have here, so
//! that it fits them.

use crate::text::Problem;
use mail::Domain;
use policy::outbound::Glob;

const WILDCARDS: [char; 2] = ['*', '?'];
/// What no local part holds outside of quotes (RFC 5322 §3.2.3), blanks aside.
const NOT_IN_LOCAL_PARTS: [char; 10] = ['@', ',', ';', ':', '<', '>', '(', ')', '[', ']'];

/// A pattern for whole addresses, with A-labels, and without the final dot.
pub(crate) fn address_glob(text: &str) -> Result<Glob, Problem> {
    let (local_part, domain) =
        text.rsplit_once('@').map_or((text, None), |(left, right)| (left, Some(right)));
    let is_foreign = |c: &char| c.is_whitespace() || c.is_control() || NOT_IN_LOCAL_PARTS.contains(c);
    if !local_part.contains('"')
        && let Some(foreign) = local_part.chars().find(is_foreign)
    {
        return Err(Problem::new(format!("which fits no address: it holds {foreign:?} in its local part")));
    }
    let Some(domain) = domain else {
        return Ok(Glob::new(text));
    };
    Ok(Glob::new(&format!("{local_part}@{}", domain_glob(domain)?)))
}

/// The pattern for a domain. A label without a wildcard is an A-label; one with a wildcard has to be in ASCII.
pub(crate) fn domain_glob(text: &str) -> Result<String, Problem> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        if !label.contains(WILDCARDS) {
            let parsed = Domain::parse(label).map_err(|error| error.to_string());
            return parsed.map(|label| label.as_str().to_owned());
        }
        let is_foreign = |c: &char| !(c.is_ascii_alphanumeric() || "-_*?".contains(*c));
        match label.chars().find(is_foreign) {
            Some(foreign) => Err(format!("{foreign:?} beside a wildcard")),
            None => Ok(label.to_ascii_lowercase()),
        }
    };
    let labels: Result<Vec<String>, String> = text.split('.').map(label).collect();
    labels
        .map(|labels| labels.join("."))
        .map_err(|error| Problem::new(format!("which fits no address, since no domain is so ({error})")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_of_a_pattern_has_the_form_of_all_domains() {
        for (text, pattern) in [
            ("*-news@example.org", "*-news@example.org"),
            ("*-news@Example.ORG.", "*-news@example.org"),
            ("*-news@bücher.example", "*-news@xn--bcher-kva.example"),
            ("*@*.bücher.example.", "*@*.xn--bcher-kva.example"),
            ("j?rg@*", "j?rg@*"),
            ("\"a b\"@*", "\"a b\"@*"),
            ("*", "*"),
            ("jö*", "jö*"),
        ] {
            assert_eq!(address_glob(text).unwrap().to_string(), pattern);
        }
    }

    #[test]
    fn what_fits_no_address_is_no_pattern() {
        for text in [
            "*@ example.org",
            "*@example.org,*@example.net",
            "regex:.*@example.org",
            "*@bü*.example",
            "*@*..example",
            "*@.example",
            "* @example.org",
            "*@example.org..",
        ] {
            assert!(address_glob(text).is_err(), "{text}");
        }
    }
}
