//! What `docs/postfix.md` and the README tell a user to paste.
//!
//! The scenarios use these very lines; only ports and paths are replaced. So the page cannot drift away from
//! what works.

use crate::binary::checkout;

/// The code block of `docs/postfix.md` of type `ini` and with this title.
pub fn block(title: &str) -> String {
    let (_, block) =
        blocks("docs/postfix.md").into_iter().find(|(each, _)| each == title).unwrap_or_else(|| {
            panic!("docs/postfix.md has no block {title:?}");
        });
    block
}

/// The code blocks of type `ini` on this page, each with its title.
pub fn blocks(page: &str) -> Vec<(String, String)> {
    let path = checkout().join(page);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    let mut blocks: Vec<(String, String)> = Vec::new();
    let mut is_inside = false;
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("```ini ") {
            blocks.push((title.trim_end().to_owned(), String::new()));
            is_inside = true;
        } else if line.starts_with("```") {
            is_inside = false;
        } else if let Some((_, block)) = blocks.last_mut().filter(|_| is_inside) {
            block.extend([line, "\n"]);
        }
    }
    blocks
}
