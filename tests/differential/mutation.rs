//! What happens to a message on its way: what a canonical form forgives, and what it does not.

use crate::random::Random;

/// The message, changed in one way or in none.
pub(crate) fn mutated(message: Vec<u8>, random: &mut Random) -> Vec<u8> {
    match random.below(10) {
        0..5 => message,
        5 | 6 => body(message, random),
        7 | 8 => header(&message, random),
        _ => signature(message, random),
    }
}

/// Where the body starts, if there is one.
fn body_start(message: &[u8]) -> Option<usize> {
    message.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

fn body(mut message: Vec<u8>, random: &mut Random) -> Vec<u8> {
    let Some(start) = body_start(&message) else {
        message.extend_from_slice(random.pick(&[&b"\r\n"[..], b"\r\n\r\n", b"\r\nbody\r\n"]));
        return message;
    };
    match random.below(9) {
        0 => message.extend_from_slice(b"\r\n\r\n"),
        1 => message.extend_from_slice(b" \t\r\n"),
        2 => message.extend_from_slice(b"-- \r\nfooter\r\n"),
        3 => message.truncate(start + random.below(message.len() - start + 1)),
        4 => message.truncate(start),
        5 => message.truncate(message.trim_ascii_end().len().max(start)),
        6 => replace(&mut message, start, b" \r\n", b"\r\n", random),
        7 => replace(&mut message, start, b"\r\n", b" \r\n", random),
        _ => replace(&mut message, start, b" ", b"  ", random),
    }
    message
}

/// Replaces one of the places, at or behind `start`, where `from` stands.
fn replace(message: &mut Vec<u8>, start: usize, from: &[u8], to: &[u8], random: &mut Random) {
    let places: Vec<usize> = (start..message.len()).filter(|&at| message[at..].starts_with(from)).collect();
    if !places.is_empty() {
        let at = random.pick(&places);
        message.splice(at..at + from.len(), to.iter().copied());
    }
}

/// The fields as they stand, and the rest of the message.
fn fields(message: &[u8]) -> (Vec<Vec<u8>>, Vec<u8>) {
    let end = body_start(message).map_or(message.len(), |start| start - 2);
    let (header, rest) = message.split_at(end);
    let mut fields: Vec<Vec<u8>> = Vec::new();
    for line in header.split_inclusive(|&octet| octet == b'\n') {
        match fields.last_mut() {
            Some(field) if matches!(line[0], b' ' | b'\t') => field.extend_from_slice(line),
            _ => fields.push(line.to_vec()),
        }
    }
    (fields, rest.to_vec())
}

fn header(message: &[u8], random: &mut Random) -> Vec<u8> {
    let (mut fields, rest) = fields(message);
    let at = random.below(fields.len());
    let bottom = fields.len();
    match random.below(11) {
        0 => fields.insert(0, b"X-Added: on top\r\n".to_vec()),
        1 => fields.insert(bottom, b"X-Mailer: at the bottom\r\n".to_vec()),
        2 => fields.insert(0, b"Received: by the next one\r\n\tfor you\r\n".to_vec()),
        3 => fields.insert(random.below(bottom + 1), b"Subject: another\r\n".to_vec()),
        4 => fields.insert(random.below(bottom + 1), b"From: Other <b@other.example>\r\n".to_vec()),
        5 => drop(fields.remove(at)),
        6 => {
            let to = random.below(bottom);
            fields.swap(at, to);
        }
        7 => refold(&mut fields[at]),
        8 => fields[at] = recased(&fields[at]),
        9 => replace(&mut fields[at], 0, b": ", b":  ", random),
        _ => replace(&mut fields[at], 0, b"a", b"b", random),
    }
    [fields.concat(), rest].concat()
}

/// Breaks the line at its first blank behind the colon.
fn refold(field: &mut Vec<u8>) {
    let blank = field.windows(2).skip(12).position(|two| two[0] != b'\n' && two[1] == b' ');
    if let Some(at) = blank.map(|at| at + 13)
        && field.get(at + 1).is_some_and(u8::is_ascii_graphic)
    {
        field.splice(at..at, *b"\r\n");
    }
}

fn recased(field: &[u8]) -> Vec<u8> {
    let name = field.iter().position(|&octet| octet == b':').unwrap_or(0);
    [field[..name].to_ascii_uppercase(), field[name..].to_vec()].concat()
}

/// Changes the topmost field, which mostly is a signature.
fn signature(message: Vec<u8>, random: &mut Random) -> Vec<u8> {
    let (mut fields, rest) = fields(&message);
    let Some(first) = fields.first_mut() else { return message };
    match random.below(12) {
        0 => replace(first, 10, b"=", b" =", random),
        1 => replace(first, 10, b";", b" ;", random),
        2 => replace(first, 10, b";", b";;", random),
        3 => replace(first, 10, b" b=", b" b=!", random),
        4 => replace(first, 10, b"=\r\n", b"\r\n", random),
        5 => replace(first, 10, b"b=", b"B=", random),
        6 => replace(first, 10, b"=", b"==", random),
        7 => replace(first, 10, b"\r\n", b";\r\n", random),
        8 => replace(first, 10, b"\r\n\t", b" ", random),
        9 => replace(first, 10, b"v=1;", b"", random),
        // The name stays: without it, nobody sees a signature there.
        10 => first.truncate(first.len().min(15 + random.below(first.len()))),
        _ => {
            let copy = first.clone();
            fields.insert(0, copy);
        }
    }
    if let Some(first) = fields.first_mut()
        && !first.ends_with(b"\r\n")
    {
        first.extend_from_slice(b"\r\n");
    }
    [fields.concat(), rest].concat()
}
