//! What values look like on both ways, so that whatever is written is read again.

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
    local_part.is_none_or(is_local_part) && is_domain_name(domain)
}

fn is_local_part(text: &str) -> bool {
    let is_atom = |atom: &str| !atom.is_empty() && atom.chars().all(is_atom_char);
    text.is_empty() || text.split('.').all(is_atom) || is_quoted_string(text)
}

/// A character of an atom (RFC 5322 §3.2.3, RFC 6532 §3.2).
pub(super) fn is_atom_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || is_beyond_ascii(c)
}

/// Whether this is one quoted string, with its marks.
fn is_quoted_string(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else { return false };
    let mut escaped = false;
    for c in inner.chars() {
        match c {
            _ if c.is_control() => return false,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return false,
            _ => {}
        }
    }
    !escaped
}

fn is_domain_name(text: &str) -> bool {
    let is_label_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || is_beyond_ascii(c);
    text.split('.').all(|label| !label.is_empty() && label.chars().all(is_label_char))
}

fn is_beyond_ascii(c: char) -> bool {
    !c.is_ascii() && !c.is_whitespace() && !c.is_control()
}
