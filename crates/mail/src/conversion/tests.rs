use super::*;
use mail_parser::{MessageParser, MimeHeaders, PartType};

const BOTH: Unfit = Unfit { long_lines: true, eight_bit: true };
const LONG: Unfit = Unfit { long_lines: true, eight_bit: false };
const EIGHT: Unfit = Unfit { long_lines: false, eight_bit: true };

fn converted(message: &[u8], wanted: Unfit) -> Result<Vec<u8>, Inconvertible> {
    let (header, body) = Header::split(message);
    let Converted { header, body, .. } = convert(&header, body, wanted)?;
    let end: &[u8] = if header.is_terminated() { b"\r\n" } else { b"" };
    Ok([header.raw(), end, &body].concat())
}

/// The message converted, as text; checked with a second parser to say the same as before.
fn text(message: &str, wanted: Unfit) -> String {
    let after = converted(message.as_bytes(), wanted).unwrap_or_else(|error| panic!("{error}: {message}"));
    assert_eq!(leaves(&after), leaves(message.as_bytes()), "{}", after.escape_ascii());
    String::from_utf8(after).unwrap()
}

/// What a mail client shows: type, name and decoded content of each leaf.
fn leaves(message: &[u8]) -> Vec<(String, Option<String>, Vec<u8>)> {
    fn collect(message: &mail_parser::Message<'_>, all: &mut Vec<(String, Option<String>, Vec<u8>)>) {
        for part in &message.parts {
            let kind = part.content_type().map_or("text/plain".to_owned(), |kind| {
                format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default())
            });
            let name = part.attachment_name().map(str::to_owned);
            match &part.body {
                PartType::Multipart(_) => {}
                PartType::Message(inner) => collect(inner, all),
                PartType::Text(_) | PartType::Html(_) | PartType::Binary(_) | PartType::InlineBinary(_) => {
                    all.push((kind, name, part.contents().to_vec()));
                }
            }
        }
    }
    let mut all = Vec::new();
    collect(&MessageParser::default().parse(message).unwrap(), &mut all);
    all
}

#[test]
fn a_survey_finds_the_same_at_every_cut() {
    for length in 0..=1003 {
        // A line behind others, whose end falls anywhere.
        for tail in ["", "\r\n", "\r\n\r\n", "\r\nx\r\n"] {
            let octets = format!("first\r\n\r\n{}{tail}", "x".repeat(length));
            let expected = Unfit { long_lines: length > 998, eight_bit: false };
            for cut in
                [0, 1, 5, 6, 7, 8, 9, octets.len() / 2, octets.len() - octets.len().min(3), octets.len()]
            {
                let (head, rest) = octets.as_bytes().split_at(cut);
                let mut survey = Survey::default();
                survey.take(head);
                survey.take(rest);
                assert_eq!(survey.finish(), expected, "{length} octets, cut at {cut}");
            }
        }
    }
}

#[test]
fn a_survey_of_many_lines_agrees_with_a_reference() {
    // Lengths that wander over the limit, out of a simple generator.
    let mut state = 1_u32;
    for round in 0..300 {
        let mut octets = Vec::new();
        let mut longest = 0;
        for _ in 0..40 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let length = usize::try_from(state >> 16).unwrap() % (900 + round);
            longest = longest.max(length);
            octets.extend(std::iter::repeat_n(b'x', length));
            octets.extend_from_slice(b"\r\n");
        }
        let mut survey = Survey::default();
        octets.chunks(1 + usize::try_from(state % 1500).unwrap()).for_each(|piece| survey.take(piece));
        assert_eq!(survey.finish().long_lines, longest > 998, "longest {longest}");
    }
    assert!(Survey::of("ä".as_bytes()).eight_bit);
}

/// RFC 2045 §6.7 decoded without any cleverness: only what a sound encoder writes.
fn unquoted(quoted: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(quoted).unwrap().replace("=\r\n", "");
    let mut octets = Vec::new();
    let mut rest = text.as_bytes();
    while let Some(&byte) = rest.first() {
        if byte == b'=' {
            octets.push(u8::from_str_radix(std::str::from_utf8(&rest[1..3]).unwrap(), 16).unwrap());
            rest = &rest[3..];
        } else {
            octets.push(byte);
            rest = &rest[1..];
        }
    }
    octets
}

fn assert_sound(quoted: &[u8]) {
    assert!(quoted.is_ascii());
    for line in quoted.split(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        assert!(
            line.len() <= 76 && !line.ends_with(b" ") && !line.ends_with(b"\t"),
            "{}",
            quoted.escape_ascii()
        );
        assert!(!line.contains(&b'\r'));
    }
}

#[test]
fn quoted_printable_comes_back_octet_for_octet() {
    let alphabet = *b"a= \t\r\n-\xfc";
    for lead in [0, 72, 73, 74, 75, 76] {
        for length in 0..=5_u32 {
            for n in 0..8_usize.pow(length) {
                let mut octets = vec![b'x'; lead];
                octets.extend((0..length).map(|i| alphabet[n / 8_usize.pow(i) % 8]));
                let quoted = encode::quote(&octets);
                assert_sound(&quoted);
                assert_eq!(unquoted(&quoted), octets, "{}", quoted.escape_ascii());
            }
        }
    }
}

#[test]
fn another_decoder_reads_our_quoted_printable() {
    let octets = "Grüße = \t\r\n  aus Köln \r\n.\r\n\r\nFrom x".repeat(50).into_bytes();
    let decoded = quoted_printable::decode(encode::quote(&octets), quoted_printable::ParseMode::Strict);
    assert_eq!(decoded.unwrap(), octets);
}

#[test]
fn quoted_printable_made_sound_decodes_to_the_same() {
    let long = "=C3=BC".repeat(400);
    for (quoted, decoded) in [
        ("plain=3D=\r\n goes on  \r\nü".to_owned(), "plain= goes on\r\nü".to_owned()),
        (long.clone(), "ü".repeat(400)),
        (format!("a {long}\t\r\n--x"), format!("a {}\r\n--x", "ü".repeat(400))),
        ("no = escape =z".to_owned(), "no = escape =z".to_owned()),
    ] {
        let again = encode::requote(quoted.as_bytes());
        assert_sound(&again);
        assert_eq!(String::from_utf8(unquoted(&again)).unwrap(), decoded, "{}", again.escape_ascii());
    }
}

#[test]
fn no_broken_line_looks_like_a_boundary() {
    for lead in 60..80 {
        let quoted = encode::quote(format!("{}--boundary {}", "x".repeat(lead), "-".repeat(300)).as_bytes());
        assert_sound(&quoted);
        let text = String::from_utf8(quoted).unwrap();
        assert!(text.lines().skip(1).all(|line| !line.starts_with('-')), "{text}");
    }
}

#[test]
fn eight_bit_text_becomes_quoted_printable() {
    let message = "From: a@a.example\r\nMIME-Version: 1.0\r\ncontent-transfer-encoding: 8BIT\r\n\
                   Content-Type: text/plain; charset=utf-8\r\nSubject: x\r\n\r\nGrüße, x=1 \r\n";
    assert_eq!(
        text(message, BOTH),
        "From: a@a.example\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\
         Content-Type: text/plain; charset=utf-8\r\nSubject: x\r\n\r\nGr=C3=BC=C3=9Fe, x=3D1=20\r\n"
    );
}

#[test]
fn a_message_that_is_not_mime_becomes_so() {
    for (body, charset) in [(&b"Gr\xc3\xbc\xc3\x9fe\r\n"[..], "utf-8"), (b"Gr\xfc\xdfe\r\n", "unknown-8bit")]
    {
        let after = converted(&[b"From: a@a.example\r\n\r\n", body].concat(), EIGHT).unwrap();
        let after = String::from_utf8(after).unwrap();
        let added = format!(
            "From: a@a.example\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset={charset}\r\n\
             Content-Transfer-Encoding: quoted-printable\r\n\r\nGr="
        );
        assert!(after.starts_with(&added), "{after}");
        assert_eq!(unquoted(after.split_once("\r\n\r\n").unwrap().1.as_bytes()), body);
    }
    let long = format!("From: a@a.example\r\n\r\n{}\r\n", "word ".repeat(300));
    assert!(text(&long, LONG).contains("charset=us-ascii\r\n"));
}

#[test]
fn only_the_parts_that_do_not_fit_are_encoded() {
    let message = format!(
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=_b 1\"\r\n\
         Content-Transfer-Encoding: 8bit\r\n\r\npreamble\r\n--=_b 1\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nKöln\r\n\
         --=_b 1  \r\n\r\nascii = {0}\r\n--=_b 1\r\nContent-Type: application/xml; name=\"ü.xml\"\r\n\r\n<ü/>\r\n\
         --=_b 1--\r\nepilogue\r\n",
        "x".repeat(100)
    );
    let after = text(&message, BOTH);
    let expected = format!(
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=_b 1\"\r\n\
         Content-Transfer-Encoding: 7bit\r\n\r\npreamble\r\n--=_b 1\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nK=C3=B6ln\r\n\
         --=_b 1  \r\n\r\nascii = {0}\r\n--=_b 1\r\nContent-Type: application/xml; name=\"ü.xml\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\nPMO8Lz4=\r\n\r\n--=_b 1--\r\nepilogue\r\n",
        "x".repeat(100)
    );
    assert_eq!(after, expected);
}

#[test]
fn parts_lie_within_parts_and_messages_within_messages() {
    let message = "Content-Type: multipart/mixed; boundary=outer\r\nMIME-Version: 1.0\r\n\r\n--outer\r\n\
                   Content-Type: multipart/alternative; boundary=outer-not\r\n\r\n\
                   --outer-not\r\n\r\nÄ\r\n--outer-not--\r\n--outer--\r\n";
    // A line that begins with the outer boundary, and goes on: readers differ in whether it counts.
    assert_eq!(converted(message.as_bytes(), BOTH), Err(Inconvertible::Structure));

    let inner = "From: b@b.example\r\nSubject: inner\r\n\r\nÖl\r\n";
    let message = format!(
        "MIME-Version: 1.0\r\nContent-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\n{inner}\r\n--d\r\n\
         Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{inner}\r\n--d--\r\n"
    );
    let after = text(&message, EIGHT);
    assert_eq!(after.matches("Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=96l\r\n").count(), 2);
    assert_eq!(after.matches("MIME-Version: 1.0\r\n").count(), 3, "{after}");
    assert!(
        after.contains("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\nFrom: b@")
    );
    assert!(after.is_ascii(), "{after}");
}

#[test]
fn a_label_that_promises_more_than_is_there_is_lowered_with_the_rest() {
    let message = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
                   Content-Transfer-Encoding: 8bit\r\n\r\nascii\r\n--b\r\n\
                   Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nÄ\r\n--b--\r\n";
    assert!(text(message, EIGHT).contains("Content-Transfer-Encoding: 7bit\r\n\r\nascii\r\n"));
}

#[test]
fn long_lines_are_encoded_and_eight_bit_ones_left_where_only_these_are_wanted() {
    let message = format!(
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
         Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n<p>{}ä\r\n--b\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nÄ\r\n--b--\r\n",
        "<br>".repeat(250)
    );
    let after = text(&message, LONG);
    assert!(after.contains("Content-Transfer-Encoding: 8bit\r\n\r\nÄ\r\n"), "{after}");
    assert!(after.contains("Content-Transfer-Encoding: quoted-printable\r\n\r\n<p><br>"), "{after}");
    assert!(!Survey::of(after.as_bytes()).long_lines);
}

#[test]
fn what_is_encoded_already_gets_shorter_lines() {
    let base64 = "QUJD".repeat(300);
    let message = format!(
        "MIME-Version: 1.0\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n{base64}\r\n"
    );
    let after = text(&message, LONG);
    assert!(after.lines().all(|line| line.len() <= 76), "{after}");
    let message = message.replace("base64\r\n", "Quoted-Printable\r\n");
    assert!(text(&message, LONG).contains("Content-Transfer-Encoding: Quoted-Printable\r\n\r\nQUJDQ"));
}

#[test]
fn long_fields_are_folded_where_they_have_blanks() {
    let words = "word ".repeat(500);
    let message = format!("Subject: {words}\r\nTo: a@a.example\r\n\r\nshort\r\n");
    let after = text(&message, LONG);
    assert_eq!(after.replace("\r\n ", " ").replace(" \r\n", "\r\n"), message.replace(" \r\n", "\r\n"));
    assert!(!Survey::of(after.as_bytes()).long_lines);
    let blanks = format!("Subject: x{}\r\n\r\nshort\r\n", " ".repeat(2000));
    assert_eq!(converted(blanks.as_bytes(), LONG).unwrap(), b"Subject: x\r\n\r\nshort\r\n");
    let word = format!("Subject: {}\r\n\r\nshort\r\n", "x".repeat(999));
    assert_eq!(converted(word.as_bytes(), LONG), Err(Inconvertible::Word));
    // An author's field that is folded still has one author, and the line of a field's own name stays whole.
    assert_eq!(
        converted(b"To:a@a.example\r\n\r\n\xfc\r\n", LONG).unwrap(),
        b"To:a@a.example\r\n\r\n\xfc\r\n"
    );
}

#[test]
fn the_headers_of_parts_stay_and_are_told() {
    let part = "Content-Type: text/plain; name=\"Ä\"\r\n\r\nÄ";
    let message = format!(
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{part}\r\n--b--\r\n"
    );
    let (header, body) = Header::split(message.as_bytes());
    let converted = convert(&header, body, EIGHT).unwrap();
    assert_eq!((converted.parts, converted.left), (1, EIGHT));
}

#[test]
fn a_header_without_a_body_gets_its_new_fields_on_lines_of_their_own() {
    let inner = "Content-Type: message/rfc822\r\n\r\nContent-Transfer-Encoding: 8bit\r\nSubject: hi";
    let message = format!(
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nÄ\r\n--b\r\n{inner}\r\n--b--\r\n"
    );
    let after = String::from_utf8(converted(message.as_bytes(), EIGHT).unwrap()).unwrap();
    assert!(after.contains("Subject: hi\r\nMIME-Version: 1.0\r\n"), "{after}");
}

#[test]
fn what_cannot_be_made_fit_is_told() {
    let multipart = |kind: &str, inner: &str| {
        format!(
            "MIME-Version: 1.0\r\nContent-Type: multipart/{kind}; boundary=b\r\n\r\n--b\r\n{inner}\r\n--b--\r\n"
        )
    };
    for (message, error) in [
        (multipart("signed", "\r\nÄ"), Inconvertible::Protected),
        (multipart("encrypted", "\r\nÄ"), Inconvertible::Protected),
        (
            multipart("mixed", &multipart("signed", "\r\nÄ").replace("=b", "=c").replace("--b", "--c")),
            Inconvertible::Protected,
        ),
        (multipart("report", "Content-Type: message/delivery-status\r\n\r\nÄ: x"), Inconvertible::Rigid),
        (multipart("mixed", "Content-Transfer-Encoding: x-uuencode\r\n\r\nÄ"), Inconvertible::Encoding),
        (
            multipart("mixed", "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nÄ"),
            Inconvertible::Encoding,
        ),
        (
            multipart("mixed", "Content-Type: text/a\r\nContent-Type: text/b\r\n\r\nÄ"),
            Inconvertible::Structure,
        ),
        (multipart("mixed", "\r\nÄ").replace("; boundary=b", ""), Inconvertible::Structure),
        (multipart("mixed", "\r\nÄ").replace("=b", "=\"b \""), Inconvertible::Structure),
        (multipart("mixed", "\r\nÄ").replace("--b", "--x"), Inconvertible::Structure),
        (
            multipart("mixed", "\r\nÄ").replace("\r\n\r\n--b\r\n", "\r\n\r\nÄ\r\n--b\r\n"),
            Inconvertible::Outside,
        ),
        (multipart("mixed", "\r\nx") + "Ä\r\n", Inconvertible::Outside),
        (multipart("mixed", "\r\nÄ").replace("=b\r\n", "=b; boundary=c\r\n"), Inconvertible::Structure),
        (multipart("mixed", "Content-Type: text/plain; name=\"Ä\"\r\n\r\nx"), Inconvertible::PartHeader),
    ] {
        assert_eq!(converted(message.as_bytes(), EIGHT), Err(error), "{message}");
    }
    let mut deep = "\r\nÄ\r\n".to_owned();
    for _ in 0..60 {
        deep = format!("Content-Type: message/rfc822\r\n\r\n{deep}");
    }
    assert_eq!(converted(deep.as_bytes(), EIGHT), Err(Inconvertible::Structure));
}

#[test]
fn a_signed_part_that_fits_stays_beside_one_that_is_encoded() {
    let signed = "Content-Type: multipart/signed; boundary=s\r\n\r\n--s\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
                  ascii\r\n--s\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--s--\r\n";
    let message = format!(
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{signed}\r\n--b\r\n\r\nÄ\r\n--b--\r\n"
    );
    let after = text(&message, BOTH);
    assert!(after.contains(signed), "{after}");
    assert!(after.is_ascii());
}

/// Messages out of pieces that matter, each converted: whatever comes of it fits, and decodes to the same.
#[test]
fn whatever_is_converted_fits_and_says_the_same() {
    let long = "x y".repeat(400);
    let headers = [
        "",
        "Content-Transfer-Encoding: 8bit\r\n",
        "Content-Type: text/html; charset=utf-8\r\n",
        "Content-Type: application/json\r\nContent-Transfer-Encoding: binary\r\n",
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n",
        "Content-Type: message/rfc822\r\n",
    ];
    let bodies = ["", "x\r\n", "ü \r\n\r\n", "--b-\r\nü=", &long, "S: ü\r\n\r\nü", "\r\n\r\nü\r\n"];
    for first in
        headers.iter().flat_map(|header| bodies.iter().map(move |body| format!("{header}\r\n{body}")))
    {
        for second in ["", "\r\n", "\r\nÄ", "Content-Type: text/plain; charset=utf-8\r\n\r\nü\r\n"] {
            let message = format!(
                "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=bound\r\n\r\n--bound\r\n{first}\r\n\
                 --bound\r\n{second}\r\n--bound--\r\n"
            );
            for wanted in [BOTH, LONG, EIGHT] {
                let after = converted(message.as_bytes(), wanted);
                if after == Err(Inconvertible::PartHeader) {
                    assert!(first.contains("message/rfc822"), "{message}");
                    continue;
                }
                let after = after.unwrap_or_else(|error| panic!("{error}: {message}"));
                let rest = Survey::of(&after).and(wanted);
                // Octets in the header fields of a message within stay.
                assert!(
                    rest.is_none() || first.contains("message/rfc822"),
                    "{wanted:?}: {}",
                    after.escape_ascii()
                );
                assert_eq!(leaves(&after), leaves(message.as_bytes()), "{}", after.escape_ascii());
                if Survey::of(message.as_bytes()).and(wanted).is_none()
                    && !message.contains(": 8bit")
                    && !message.contains("binary")
                {
                    assert_eq!(after, message.as_bytes());
                }
            }
        }
    }
}
