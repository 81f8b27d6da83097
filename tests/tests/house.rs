//! The rules of the house that no compiler checks: which crate may know which, and quotations that are verbatim.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Which rooms a room may know. What is not listed here is not allowed.
const ARROWS: [(&str, &[&str]); 11] = [
    ("mail", &[]),
    ("dkim", &["mail"]),
    ("dns", &["mail"]),
    ("smtp", &[]),
    ("filter", &["mail"]),
    ("auth", &["mail", "dns"]),
    ("policy", &["mail", "dkim", "dns", "filter", "auth"]),
    ("relay", &["mail", "smtp", "filter"]),
    ("stores", &["mail", "dkim", "policy"]),
    ("config", &["mail", "dkim", "dns", "smtp", "filter", "auth", "policy", "relay"]),
    ("proxy", &["mail", "dkim", "dns", "smtp", "filter", "auth", "policy", "relay", "stores", "config"]),
];

/// Only these may wait for sockets and clocks.
const MAY_NAME_TOKIO: [&str; 5] = ["relay", "dns", "stores", "proxy", "tests"];

#[test]
fn each_room_knows_only_the_rooms_below_it() {
    let allowed = BTreeMap::from(ARROWS);
    let mut seen = 0;
    for (room, dependencies) in rooms() {
        if let Some(allowed) = allowed.get(room.as_str()) {
            seen += 1;
            let known = dependencies.iter().filter_map(|name| name.strip_prefix("dkimgate-"));
            let surplus: Vec<_> = known.filter(|name| !allowed.contains(name)).collect();
            assert!(surplus.is_empty(), "{room} may not know {surplus:?}");
        }
        let tokio = dependencies.iter().any(|name| name.starts_with("tokio"));
        assert!(!tokio || MAY_NAME_TOKIO.contains(&room.as_str()), "{room} may not name tokio");
    }
    assert_eq!(seen, ARROWS.len(), "every room is there");
}

/// The folders of the workspace's members, and what each depends on outside of its tests.
fn rooms() -> Vec<(String, Vec<String>)> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    packages.iter().map(room).collect()
}

fn room(package: &serde_json::Value) -> (String, Vec<String>) {
    let manifest = Path::new(package["manifest_path"].as_str().expect("a path"));
    let folder = manifest.parent().and_then(Path::file_name).expect("a folder");
    let dependencies = package["dependencies"].as_array().expect("a list of dependencies");
    let names = dependencies
        .iter()
        .filter(|dependency| dependency["kind"] != "dev")
        .filter_map(|dependency| dependency["name"].as_str())
        .map(String::from);
    (folder.to_string_lossy().into_owned(), names.collect())
}

#[test]
fn quotations_of_rfcs_are_verbatim() {
    let texts = root().join("../shared/rfc");
    if !texts.is_dir() {
        println!("skipped: the texts of the RFCs are not beside this checkout");
        return;
    }
    let mut wrong = Vec::new();
    let mut checked = 0;
    for file in rust_files(&root()) {
        let source = fs::read_to_string(&file).expect("a source file is UTF-8");
        for (number, quotation) in quotations(&source) {
            let Ok(text) = fs::read_to_string(texts.join(format!("rfc{number}.txt"))) else { continue };
            checked += 1;
            if !contains(&text, &quotation) {
                wrong.push(format!("{}: RFC {number}: {quotation}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "not in the text:\n{}", wrong.join("\n"));
    assert!(checked > 50, "only {checked} quotations found");
}

/// The RFCs quoted in comments, as `RFC 6376 §3.4.4: "…"`, over as many comment lines as it takes.
fn quotations(source: &str) -> Vec<(u32, String)> {
    let comment = |line: &str| line.trim_start().trim_start_matches(['/', '!']).trim().to_owned();
    let is_comment = |line: &&str| line.trim_start().starts_with("//");
    let text: Vec<String> =
        source.lines().map(|line| if is_comment(&line) { comment(line) } else { "\u{0}".into() }).collect();
    let text = text.join(" ").replace(['“', '”'], "\"");
    text.split("RFC ").skip(1).filter_map(quotation).collect()
}

/// Reads `6376 §3.4.4: "…"`; a comment ends where code begins. The last quotation mark ends it: there are some within.
fn quotation(rest: &str) -> Option<(u32, String)> {
    let rest = rest.split('\u{0}').next()?;
    let (reference, rest) = rest.split_once(": \"")?;
    let (number, section) = reference.split_once(" §")?;
    let section = section.split(',').next()?;
    let named = section.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
    let (quotation, _) = rest.rsplit_once('"')?;
    named.then_some(())?;
    Some((number.parse().ok()?, quotation.to_owned()))
}

#[test]
fn a_quotation_that_was_changed_is_noticed() {
    let text = "   The value of the \"x=\" tag MUST be greater than the\n   value of the \"t=\" tag.\n\n\
        Author                 Standards Track                 [Page 26]\n";
    let said = |quotation: &str| {
        let source = format!("    // RFC 6376 §3.5: \"{quotation}\" More words.\n    let x = 1;\n");
        let [(number, found)] = &quotations(&source)[..] else { panic!("{source}") };
        assert_eq!((*number, found.as_str()), (6376, quotation));
        contains(text, found)
    };
    assert!(said("The value of the \"x=\" tag MUST be greater than the value of the \"t=\" tag."));
    assert!(said("The value … greater than the value"));
    assert!(!said("The value of the \"x=\" tag SHOULD be greater than the value of the \"t=\" tag."));
    assert!(!said("The value of the \"x=\" tag MUST be greater than the value of the \"t=\" tag!"));
}

/// Whether all parts of a quotation, between its ellipses, stand in the text; line ends and page breaks do not count.
fn contains(text: &str, quotation: &str) -> bool {
    let text =
        squeeze(text.lines().filter(|line| !is_page_break(line)).collect::<Vec<_>>().join(" ").as_str());
    quotation.split('…').map(squeeze).all(|part| text.contains(&part))
}

fn is_page_break(line: &str) -> bool {
    let page = line.contains("[Page ") && line.trim_end().ends_with(']');
    page || (line.starts_with("RFC ") && line.len() > 60)
}

fn squeeze(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '\u{c}').collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a readable folder").flatten().map(|entry| entry.path());
    entries
        .flat_map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                rust_files(&path)
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                vec![path]
            } else {
                Vec::new()
            }
        })
        .collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
