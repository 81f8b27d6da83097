use super::{BodyCanonicalizer, BodyForm};
use BodyForm::{Nofws, OldSimple, Relaxed, Simple};

const FORMS: [BodyForm; 4] = [Simple, Relaxed, OldSimple, Nofws];

fn canonical(form: BodyForm, chunks: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut canonicalizer = BodyCanonicalizer::new(form);
    for chunk in chunks {
        canonicalizer.update(chunk, |piece| out.extend_from_slice(piece));
    }
    canonicalizer.finish(|piece| out.extend_from_slice(piece));
    out
}

/// RFC 6376 §3.4.5.
#[test]
fn the_examples_of_the_rfc() {
    let body = b" C \r\nD \t E\r\n\r\n\r\n";
    assert_eq!(canonical(Relaxed, &[body]), b" C\r\nD E\r\n");
    assert_eq!(canonical(Simple, &[body]), b" C \r\nD \t E\r\n");
    assert_eq!(canonical(Nofws, &[body]), b"C\r\nDE\r\n");
}

#[test]
fn an_empty_body_is_a_line_end_if_simple_and_else_nothing() {
    for body in [&b""[..], b"\r\n", b"\r\n\r\n"] {
        assert_eq!(canonical(Simple, &[body]), b"\r\n");
        for form in [Relaxed, OldSimple, Nofws] {
            assert_eq!(canonical(form, &[body]), b"", "{form:?}");
        }
    }
}

#[test]
fn very_many_empty_lines_come_out_as_they_went_in() {
    let body = [b"\r\n".repeat(1_000), b"x\r\n".to_vec()].concat();
    for form in FORMS {
        assert_eq!(canonical(form, &[&body]), body, "{form:?}");
    }
}

/// Says what the RFCs say, on the whole body, without any cleverness.
fn reference(form: BodyForm, body: &[u8]) -> Vec<u8> {
    let body = body.iter().map(|&b| char::from(b)).collect::<String>();
    let mut lines: Vec<String> = body.split("\r\n").map(String::from).collect();
    for line in &mut lines {
        match form {
            Simple | OldSimple => {}
            Relaxed => *line = fold_blanks(line),
            Nofws => line.retain(|c| !matches!(c, ' ' | '\t' | '\r' | '\n')),
        }
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    if lines.is_empty() && form == Simple {
        return b"\r\n".to_vec();
    }
    lines
        .iter()
        .flat_map(|line| line.chars().chain("\r\n".chars()))
        .map(|c| u8::try_from(c).unwrap())
        .collect()
}

fn fold_blanks(line: &str) -> String {
    let mut folded = String::new();
    let mut in_space = false;
    for c in line.trim_end_matches([' ', '\t']).chars() {
        let space = matches!(c, ' ' | '\t');
        if !space {
            folded.push(c);
        } else if !in_space {
            folded.push(' ');
        }
        in_space = space;
    }
    folded
}

/// All texts of `len` octets over `alphabet`.
fn texts(alphabet: &'static [u8], len: u32) -> impl Iterator<Item = Vec<u8>> {
    let base = alphabet.len();
    (0..base.pow(len)).map(move |n| (0..len).map(|i| alphabet[n / base.pow(i) % base]).collect())
}

/// Every body of up to six octets over the kinds of octet that matter, cut at every two places.
#[test]
fn cuts_do_not_matter() {
    for body in (0..=6).flat_map(|len| texts(b"x \t\r\n", len)) {
        for form in FORMS {
            let expected = reference(form, &body);
            for first in 0..=body.len() {
                let (head, rest) = body.split_at(first);
                assert_eq!(canonical(form, &[head, rest]), expected, "{form:?} {}", body.escape_ascii());
            }
        }
    }
}

/// Every body of up to five octets, octet by octet, with empty chunks between.
#[test]
fn an_octet_at_a_time_is_as_good() {
    for body in (0..=5).flat_map(|len| texts(b"x \t\r\n", len)) {
        let chunks: Vec<&[u8]> = body.chunks(1).flat_map(|chunk| [chunk, &[]]).collect();
        for form in FORMS {
            assert_eq!(canonical(form, &chunks), reference(form, &body), "{form:?} {}", body.escape_ascii());
        }
    }
}

/// Every text of up to five octets inside long lines, so that the search by blocks meets it at a block's edge.
#[test]
fn long_lines_hide_nothing() {
    for text in (1..=5).flat_map(|len| texts(b"x \t\r\n", len)) {
        for before in [0, 28, 29, 30, 31, 32, 61] {
            let body = [&b"y".repeat(before)[..], &text, &b"z".repeat(70)].concat();
            let cut = before + text.len() / 2;
            for form in [Relaxed, Nofws] {
                let expected = reference(form, &body);
                assert_eq!(canonical(form, &[&body]), expected, "{form:?} {}", body.escape_ascii());
                let chunks = [&body[..cut], &body[cut..]];
                assert_eq!(canonical(form, &chunks), expected, "{form:?} {}", body.escape_ascii());
            }
        }
    }
}
