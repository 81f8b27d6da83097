//! What values look like on both ways, so that whatever is written is read again.

use mail::local_part::{is_atom_char, is_local_part};

/// A character of a token (RFC 2045 §5.1).
pub(super) fn is_token_char(c: char) -> bool {
    c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?=".contains(c)
}

/// A token, which needs no quotation marks.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_token_char)
}

/// RFC 5321 §4.1.2: letters, digits and hyphens, with no hyphen at the end.
pub(super) fn is_keyword(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
}

/// RFC 8601 §2.2: `[ [ local-part ] "@" ] domain-name`, which is written as it stands.
///
/// The domain may have U-labels, the local part may hold UTF-8 (RFC 6531), and may be a quoted string.
pub(super) fn is_identity(text: &str) -> bool {
    let (local_part, domain) =
        text.rsplit_once('@').map_or((None, text), |(local, domain)| (Some(local), domain));
    local_part.is_none_or(|text| text.is_empty() || is_local_part(text)) && is_domain_name(domain)
}

fn is_domain_name(text: &str) -> bool {
    let is_label_char =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || !c.is_ascii() && is_atom_char(c);
    text.split('.').all(|label| !label.is_empty() && label.chars().all(is_label_char))
}
