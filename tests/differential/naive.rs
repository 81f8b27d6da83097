//! Canonical forms of RFC 6376 §3.4 without any cleverness, apart from the crate that is tested.

/// The fields, each with its CR LF, and the body.
pub(crate) fn split(message: &[u8]) -> (Vec<Vec<u8>>, &[u8]) {
    let at = message.windows(4).position(|four| four == b"\r\n\r\n");
    let (header, body) = at.map_or((message, &[][..]), |at| (&message[..at + 2], &message[at + 4..]));
    let mut fields: Vec<Vec<u8>> = Vec::new();
    for line in lines(header) {
        match fields.last_mut() {
            Some(field) if line.starts_with(b" ") || line.starts_with(b"\t") => field.extend_from_slice(line),
            _ => fields.push(line.to_vec()),
        }
    }
    (fields, body)
}

/// The lines with their CR LF, if they have one.
fn lines(text: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut start = 0;
    for end in 2..=text.len() {
        if &text[end - 2..end] == b"\r\n" && end > start + 1 {
            lines.push(&text[start..end]);
            start = end;
        }
    }
    if start < text.len() {
        lines.push(&text[start..]);
    }
    lines
}

/// RFC 6376 §5.4.2: the lowest field of a name that has not been taken yet.
pub(crate) fn signed_fields(fields: &[Vec<u8>], names: &[String], relaxed: bool) -> Vec<u8> {
    let mut left: Vec<&Vec<u8>> = fields.iter().collect();
    let mut text = Vec::new();
    for name in names {
        let name = name.trim().as_bytes();
        if let Some(at) = left.iter().rposition(|field| name_of(field).eq_ignore_ascii_case(name)) {
            text.extend(canonical_field(left.remove(at), relaxed));
        }
    }
    text
}

fn name_of(field: &[u8]) -> &[u8] {
    field.split(|&octet| octet == b':').next().unwrap_or_default().trim_ascii_end()
}

/// RFC 6376 §3.4.1 and §3.4.2
pub(crate) fn canonical_field(field: &[u8], relaxed: bool) -> Vec<u8> {
    if !relaxed {
        return field.to_vec();
    }
    let value = &field[field.iter().position(|&octet| octet == b':').map_or(0, |at| at + 1)..];
    let unfolded: Vec<u8> = lines(value).into_iter().flat_map(without_line_end).copied().collect();
    let mut text = name_of(field).to_ascii_lowercase();
    text.push(b':');
    let value = squeezed(&unfolded);
    text.extend_from_slice(value.strip_prefix(b" ").unwrap_or(&value));
    text.extend_from_slice(b"\r\n");
    text
}

fn without_line_end(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r\n").unwrap_or(line)
}

/// Each run of blanks as one space, and none at the end.
fn squeezed(line: &[u8]) -> Vec<u8> {
    let mut text: Vec<u8> = Vec::new();
    for &octet in line {
        let octet = if octet == b'\t' { b' ' } else { octet };
        if octet != b' ' || text.last() != Some(&b' ') {
            text.push(octet);
        }
    }
    while text.last() == Some(&b' ') {
        text.pop();
    }
    text
}

/// RFC 6376 §3.4.3 and §3.4.4
pub(crate) fn canonical_body(body: &[u8], relaxed: bool) -> Vec<u8> {
    let mut all: Vec<Vec<u8>> = lines(body)
        .into_iter()
        .map(without_line_end)
        .map(|line| if relaxed { squeezed(line) } else { line.to_vec() })
        .collect();
    while all.last().is_some_and(Vec::is_empty) {
        all.pop();
    }
    if all.is_empty() && !relaxed {
        return b"\r\n".to_vec();
    }
    all.into_iter().flat_map(|line| [line, b"\r\n".to_vec()].concat()).collect()
}
