//! The material of other implementations, where it lies beside the checkout.

use super::*;
use std::path::PathBuf;

/// A file or folder of the shared material; a note if it is not there.
fn shared(path: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance").join(path);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not there", path.display());
    None
}

/// Every field that the Python package `authres` reads or writes in its own tests.
#[test]
fn the_fields_of_authres_come_back() {
    let Some(path) = shared("authres/authres-doctests.txt") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let (mut count, mut faults) = (0, Vec::new());
    for (_, value) in text.lines().filter_map(|line| line.split_once("'Authentication-Results:")) {
        let value = value.rsplit_once('\'').map_or(value, |(value, _)| value);
        match parse(value) {
            Ok(results) => assert_eq!(there_and_back(&results), results),
            Err(error) => {
                faults.push((value.split_whitespace().nth(2).unwrap_or_default().to_owned(), error));
            }
        }
        count += 1;
    }
    assert!(count > 20, "{count} fields only");
    // RFC 8601 §2.2 wants quotation marks around an IPv6 address and around base64 with a slash, and each property
    // with a ptype; authres takes them without.
    let expected = [
        ("policy.iprev=2001:748:100:40::2:2", ParseError::Value),
        ("version=TLSv1.2", ParseError::Property),
        ("(no", ParseError::Value),
    ];
    assert_eq!(faults, expected.map(|(word, error)| (word.to_owned(), error)));
}

/// The messages of the Thunderbird add-on `dkim_verifier`: what is well-formed and what is not.
#[test]
fn the_fields_of_dkim_verifier_are_read_by_the_letter() {
    let Some(folder) = shared("dkim_verifier/arh") else { return };
    let mut faults = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let message = String::from_utf8(std::fs::read(&path).unwrap()).unwrap();
        let (header, _) = Header::split(message.replace("\r\n", "\n").replace('\n', "\r\n").as_bytes());
        let ours = AuthservId::new("example.net");
        for (_, field) in header.named(FIELD_NAME) {
            match AuthenticationResults::parse(field.value()) {
                Ok(results) => {
                    assert_eq!(there_and_back(&results), results, "{}", path.display());
                    assert_eq!(ours.is_claimed_by(field), results.authserv_id == "example.net");
                }
                Err(error) => faults.push((path.file_stem().unwrap().to_string_lossy().into_owned(), error)),
            }
        }
    }
    faults.sort_by(|a, b| a.0.cmp(&b.0));
    let faults: Vec<_> = faults.iter().map(|(name, error)| (name.as_str(), *error)).collect();
    assert_eq!(
        faults,
        [
            ("multiple_arh-newest_no_authserv", ParseError::Semicolon),
            ("multiple_arh-newest_no_authserv", ParseError::Semicolon),
            ("multiple_arh-newest_parsing_error_01", ParseError::Value),
            ("multiple_arh-newest_parsing_error_02", ParseError::Semicolon),
            ("multiple_arh-newest_parsing_error_02", ParseError::Semicolon),
            ("multiple_arh-same_and_different_authserv", ParseError::Semicolon),
            ("rfc6376-A.2-arh-valid_relaxed", ParseError::Method),
        ]
    );
}
