//! What `docs/postfix.md` tells a user to paste.
//!
//! The scenarios use these very lines; only ports and paths are replaced. So the page cannot drift away from
//! what works.

use crate::binary::checkout;

/// The lines of the code block of type `ini` and with this title.
pub fn block(title: &str) -> String {
    let path = checkout().join("docs/postfix.md");
    let page = std::fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    let fence = format!("```ini {title}");
    let lines = page.lines().skip_while(|line| line.trim_end() != fence).skip(1);
    let block: String =
        lines.take_while(|line| !line.starts_with("```")).flat_map(|line| [line, "\n"]).collect();
    assert!(!block.is_empty(), "docs/postfix.md has no block {fence:?}");
    block
}
