//! The table of requirements in `docs/rfc.md`: each test that it names exists, and each row says something.

use std::fs;
use std::path::{Path, PathBuf};

/// The shortest table that would still be one.
const FEWEST_ROWS: usize = 100;

#[test]
fn each_test_named_in_the_table_of_requirements_exists() {
    let table = fs::read_to_string(root().join("docs/rfc.md")).expect("the table is there");
    let rows: Vec<_> = table.lines().filter_map(row).collect();
    assert!(rows.len() > FEWEST_ROWS, "only {} rows", rows.len());
    let mut missing = Vec::new();
    for held_by in rows {
        let tests: Vec<_> = held_by.split('`').filter(|text| text.contains(".rs::")).collect();
        if tests.is_empty() {
            assert!(held_by.starts_with("no test: "), "neither a test nor a reason: {held_by}");
        }
        missing.extend(tests.into_iter().filter(|test| !exists(test)));
    }
    assert!(missing.is_empty(), "no such test: {missing:#?}");
}

/// The last cell of a row that begins with a section.
fn row(line: &str) -> Option<&str> {
    let cells: Vec<_> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
    let [section, _, held_by] = cells[..] else { panic!("three cells, not: {line}") };
    section.starts_with(|c: char| c.is_ascii_digit()).then_some(held_by)
}

/// Whether `path::name` is a function with `#[test]` above it.
fn exists(test: &str) -> bool {
    let Some((path, name)) = test.split_once("::") else { return false };
    let Ok(source) = fs::read_to_string(root().join(path)) else { return false };
    let lines: Vec<_> = source.lines().map(str::trim_start).collect();
    let function = |line: &&str| line.trim_start_matches("async ").starts_with(&format!("fn {name}("));
    let Some(at) = lines.iter().position(function) else { return false };
    let above = lines[..at].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("//"));
    above.into_iter().any(|line| line.ends_with("test]") || line.contains("::test("))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
