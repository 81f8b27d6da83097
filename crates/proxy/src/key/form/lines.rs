//! Forms of one line each: nsupdate, tinydns, web forms.

use super::read::{Found, ReadError, strings_of_zone};
use crate::key::record::Publication;

/// Commands for nsupdate(1). What stood at the name before goes: two records there would be none.
pub(super) fn nsupdate(record: &Publication, ttl: u32) -> String {
    let (name, strings) = (record.name(), record.strings());
    format!("update delete {name}. TXT\nupdate add {name}. {ttl} IN TXT {strings}\nsend")
}

/// Reads the additions of such commands.
pub(super) fn read_nsupdate(text: &str) -> Result<Vec<Found>, ReadError> {
    let additions = text.lines().filter_map(|line| {
        let line = line.trim();
        line.strip_prefix("update ").unwrap_or(line).trim_start().strip_prefix("add ")
    });
    strings_of_zone(&additions.collect::<Vec<_>>().join("\n"))
}

/// A line for tinydns-data, which splits the text by itself.
pub(super) fn tinydns(record: &Publication, ttl: u32) -> String {
    // A colon would end the field; none is in a key record today, but one may come to be.
    let text = record.text().replace('\\', "\\134").replace(':', "\\072");
    format!("'{}:{text}:{ttl}", record.name())
}

/// Reads lines that begin with `'`, and those of a generic record of type 16.
pub(super) fn read_tinydns(text: &str) -> Result<Vec<Found>, ReadError> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut fields = line.get(1..).unwrap_or_default().split(':');
        let name = fields.next().unwrap_or_default();
        let text = match line.bytes().next() {
            Some(b'\'') => octets(fields.next().unwrap_or_default())?,
            Some(b':') if fields.next() == Some("16") => {
                joined(&octets(fields.next().unwrap_or_default())?).ok_or(ReadError::Tinydns)?
            }
            _ => continue,
        };
        found.push(Found { name: Some(name.to_owned()), text });
    }
    Ok(found)
}

/// Resolves escapes: a backslash and three octal digits.
fn octets(field: &str) -> Result<Vec<u8>, ReadError> {
    let mut octets = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'\\' {
            octets.push(first);
            continue;
        }
        let (digits, tail) = tail.split_at_checked(3).ok_or(ReadError::Tinydns)?;
        let digits = std::str::from_utf8(digits).map_err(|_| ReadError::Tinydns)?;
        octets.push(u8::from_str_radix(digits, 8).map_err(|_| ReadError::Tinydns)?);
        rest = tail;
    }
    Ok(octets)
}

/// The strings of the data of a record, each behind its length, put together.
fn joined(mut data: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    while let Some((&length, rest)) = data.split_first() {
        let (string, rest) = rest.split_at_checked(usize::from(length))?;
        text.extend_from_slice(string);
        data = rest;
    }
    Some(text)
}

/// What to paste where.
pub(super) fn web(record: &Publication, ttl: u32) -> String {
    let (name, relative, text) = (record.name(), record.relative_name(), record.text());
    format!(
        "Type: TXT\nName: {relative}\nTTL: {ttl}\nValue: {text}\n\n(Where the form wants the whole name: {name})"
    )
}

/// Reads such lines.
pub(super) fn read_web(text: &str) -> Vec<Found> {
    let field = |name: &str| text.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::trim);
    let found = field("Value:")
        .map(|value| Found { name: field("Name:").map(str::to_owned), text: value.as_bytes().to_vec() });
    found.into_iter().collect()
}
