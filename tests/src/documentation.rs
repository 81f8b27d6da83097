//! What the README and the pages of `docs` tell a user to paste.
//!
//! The scenarios use these very lines; only ports and paths are replaced. So no page can drift away from what works.

use crate::binary::checkout;
use std::path::{Path, PathBuf};

/// The block of `docs/postfix.md` of type `ini` and with this title.
pub fn block(title: &str) -> String {
    block_of("docs/postfix.md", "ini", title)
}

/// The block of a page of this type and with this title.
pub fn block_of(page: &str, kind: &str, title: &str) -> String {
    let found = blocks(page, kind).into_iter().find(|(each, _)| each == title);
    found.map_or_else(|| panic!("{page} has no block {title:?}"), |(_, block)| block)
}

/// The code blocks of this type that have a title on this page, without what they are indented by.
pub fn blocks(page: &str, kind: &str) -> Vec<(String, String)> {
    let path = checkout().join(page);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    let fence = format!("```{kind} ");
    let mut blocks: Vec<(String, String)> = Vec::new();
    let mut indentation = None;
    for line in text.lines() {
        let stripped = line.trim_start();
        match indentation {
            None => {
                if let Some(title) = stripped.strip_prefix(&fence) {
                    blocks.push((title.trim_end().to_owned(), String::new()));
                    indentation = Some(line.len() - stripped.len());
                }
            }
            Some(_) if stripped.starts_with("```") => indentation = None,
            Some(width) => {
                let (_, block) = blocks.last_mut().expect("a fence has begun it");
                block.extend([line.get(width..).unwrap_or_default(), "\n"]);
            }
        }
    }
    blocks
}

/// The README and every page of `docs`, relative to the checkout.
pub fn pages() -> Vec<String> {
    let folder = std::fs::read_dir(checkout().join("docs")).expect("the documentation is there");
    let is_page = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "md");
    let names = folder.flatten().map(|entry| entry.path()).filter(is_page);
    let names = names.filter_map(|path| Some(format!("docs/{}", path.file_name()?.to_str()?)));
    let mut pages: Vec<String> = names.chain(["README.md".to_owned()]).collect();
    pages.sort();
    pages
}

/// The links of a page to files of the checkout, each with its text after `#`.
pub fn links(page: &str) -> Vec<(PathBuf, Option<String>)> {
    let path = checkout().join(page);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let ours = targets.filter(|target| !target.contains("://"));
    ours.map(|target| match target.split_once('#') {
        Some(("", anchor)) => (path.clone(), Some(anchor.to_owned())),
        Some((file, anchor)) => (folder.join(file), Some(anchor.to_owned())),
        None => (folder.join(target), None),
    })
    .collect()
}

/// The anchors of a page: its headings, as the usual renderers name them.
pub fn anchors(page: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(page).unwrap_or_else(|fault| panic!("{}: {fault}", page.display()));
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#'));
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    headings
        .map(|text| text.trim().to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-"))
        .collect()
}
