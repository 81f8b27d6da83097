//! What the pages say is so: their files load, their links lead somewhere.

use scenarios::{Keys, documentation, program};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

#[test]
fn the_readme_says_the_same_as_the_page_about_postfix() {
    let readme = documentation::blocks("README.md", "ini");
    assert_eq!(readme.len(), 3, "one for each use");
    for (title, block) in readme {
        assert_eq!(block, documentation::block(&title), "{title}");
    }
}

#[test]
fn each_configuration_file_on_a_page_is_sound() {
    let mut checked = 0;
    for page in documentation::pages() {
        for (title, text) in documentation::blocks(&page, "yaml") {
            if title.starts_with("proxy-") {
                assert_sound(&format!("{page}: {title}"), &text);
                checked += 1;
            }
        }
    }
    assert!(checked >= 5, "only {checked} files");
}

/// `dkimgate check` has nothing to say against it, doubts included, once the keys are there.
fn assert_sound(name: &str, text: &str) {
    let keys = Keys::of("example.org");
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for path in text.lines().filter_map(|line| line.trim_start_matches([' ', '-']).strip_prefix("keyfile: "))
    {
        let file = folder.path().join(path);
        fs::create_dir_all(file.parent().expect("it is in the folder"))
            .expect("the temporary folder is ours");
        fs::copy(keys.file("s1"), &file).expect("the temporary folder is ours");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("the file is ours");
    }
    let file = folder.path().join("proxy.yaml");
    fs::write(&file, text).expect("the temporary folder is ours");
    let output = Command::new(program()).arg("check").arg(&file).output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{name}: {said}");
}

#[test]
fn each_link_of_a_page_leads_to_a_file_and_a_heading() {
    let mut wrong = Vec::new();
    for page in documentation::pages() {
        for (file, anchor) in documentation::links(&page) {
            let is_there = |anchor: &String| documentation::anchors(&file).contains(anchor);
            if !file.exists() || !anchor.as_ref().is_none_or(is_there) {
                wrong.push(format!("{page}: {} {}", file.display(), anchor.unwrap_or_default()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn each_page_is_named_in_the_readme() {
    let named: Vec<_> = documentation::links("README.md").into_iter().map(|(file, _)| file).collect();
    for page in documentation::pages().iter().filter(|page| page.starts_with("docs/")) {
        assert!(named.iter().any(|file| file.ends_with(Path::new(page))), "{page}");
    }
}
