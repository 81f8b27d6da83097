//! Every short content, at every cut, against references that say what the RFC says.

use super::*;

const KINDS: [Repair; 3] = [Repair::Fix, Repair::Refuse, Repair::Pass];

/// The content, what was out of place, and how much of the wire it took.
type Decoded = (Vec<u8>, Strays, usize);

fn decode(repairs: Repairs, chunks: &[&[u8]]) -> Option<Decoded> {
    let (mut content, mut before) = (Vec::new(), 0);
    let mut decoder = ContentDecoder::after_data(repairs);
    for chunk in chunks {
        match decoder.decode(chunk, |piece| content.extend_from_slice(piece)) {
            Progress::More => before += chunk.len(),
            Progress::End(consumed) => return Some((content, decoder.ending().strays, before + consumed)),
        }
    }
    None
}

fn encode(chunks: &[&[u8]]) -> Vec<u8> {
    let (mut wire, mut encoder) = (Vec::new(), ContentEncoder::default());
    for chunk in chunks {
        encoder.encode(chunk, |piece| wire.extend_from_slice(piece));
    }
    wire.extend_from_slice(encoder.finish());
    wire
}

/// Line by line, on all of the wire.
fn reference(repairs: Repairs, wire: &[u8]) -> Option<Decoded> {
    let wire: String = wire.iter().map(|&b| char::from(b)).collect();
    let (mut content, mut strays, mut taken) = (Vec::new(), Strays::default(), 0);
    for line in wire.split("\r\n") {
        taken += line.len() + 2;
        if line == "." {
            return Some((content, strays, taken));
        }
        for byte in line.strip_prefix('.').unwrap_or(line).bytes() {
            let (count, repair, mended) = match byte {
                b'\r' => (&mut strays.bare_cr, repairs.bare_cr, &b"\r\n"[..]),
                b'\n' => (&mut strays.bare_lf, repairs.bare_lf, &b"\r\n"[..]),
                0 => (&mut strays.nul, repairs.nul, &b""[..]),
                _ => {
                    content.push(byte);
                    continue;
                }
            };
            *count += 1;
            content.extend_from_slice(if repair == Repair::Fix {
                mended
            } else {
                std::slice::from_ref(&byte)
            });
        }
        content.extend_from_slice(b"\r\n");
    }
    None
}

fn words(alphabet: &[u8], longest: u32) -> impl Iterator<Item = Vec<u8>> {
    let n = alphabet.len();
    (0..=longest).flat_map(move |length| {
        (0..n.pow(length)).map(move |word| (0..length).map(|i| alphabet[word / n.pow(i) % n]).collect())
    })
}

#[test]
fn decoding_does_not_depend_on_cuts() {
    for repair in KINDS {
        let repairs = Repairs { bare_cr: repair, bare_lf: repair, nul: repair };
        for word in words(b"x.\r\n\0", 5) {
            let wire = [&word[..], b"\r\n.\r\nQUIT\r\n"].concat();
            let expected = reference(repairs, &wire);
            for cut in 0..=wire.len() {
                let (head, tail) = wire.split_at(cut);
                assert_eq!(decode(repairs, &[head, tail]), expected, "{} at {cut}", wire.escape_ascii());
            }
            let single: Vec<&[u8]> = wire.chunks(1).collect();
            assert_eq!(decode(repairs, &single), expected, "{}", wire.escape_ascii());
        }
    }
}

#[test]
fn each_kind_is_mended_by_its_own_setting() {
    for n in 0..27 {
        let repairs = Repairs { bare_cr: KINDS[n % 3], bare_lf: KINDS[n / 3 % 3], nul: KINDS[n / 9] };
        let wire = b"a\rb\nc\0d\r\r\n\n.\r\n.\r\n";
        let decoded = decode(repairs, &[wire]);
        assert_eq!(decoded, reference(repairs, wire), "{repairs:?}");
        let strays = decoded.unwrap().1;
        assert_eq!(strays, Strays { bare_cr: 2, bare_lf: 2, nul: 1 });
        let refuses = [repairs.bare_cr, repairs.bare_lf, repairs.nul].contains(&Repair::Refuse);
        assert_eq!(strays.refused(repairs).is_some(), refuses);
    }
}

#[test]
fn only_a_whole_line_end_ends_the_content() {
    for smuggled in [
        &b"a\n.\n"[..],
        b"a\n.\r\n",
        b"a\r.\r",
        b"a\r.\r\n",
        b"a\r\n.\n",
        b"a\r\n.\r",
        b"a\r\n\0.\r\n",
        b"a\r\n.\0\r\n",
        b"a\r\n.\r\0\n",
        b"a\r\0\n.\r\n",
        b"a\r\r\n.\r.\r\n",
    ] {
        let second = b"MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\nx\r\n";
        let wire = [smuggled, second].concat();
        assert_eq!(decode(Repairs::default(), &[&wire]), None, "{}", wire.escape_ascii());
        // Whatever stood there, what goes on ends in one place alone.
        let (content, ..) = decode(Repairs::default(), &[&wire, b"\r\n.\r\n"]).unwrap();
        let again = encode(&[&content]);
        let ends = again.windows(5).filter(|window| window == b"\r\n.\r\n").count();
        assert_eq!((ends, again.ends_with(b"\r\n.\r\n")), (1, true), "{}", again.escape_ascii());
        assert!(!again.windows(3).any(|window| window == b"\n.\n"), "{}", again.escape_ascii());
    }
}

#[test]
fn content_said_to_have_no_dots_has_none() {
    let mut without = 0;
    for repair in KINDS {
        let repairs = Repairs { bare_cr: repair, bare_lf: repair, nul: repair };
        for word in words(b"x.\r\n\0", 5) {
            let wire = [&word[..], b"\r\n.\r\n"].concat();
            let (mut content, mut decoder) = (Vec::new(), ContentDecoder::after_data(repairs));
            let _ = decoder.decode(&wire, |piece| content.extend_from_slice(piece));
            if !decoder.ending().dots {
                assert_eq!(encode(&[&content]), wire[..content.len() + 3], "{}", wire.escape_ascii());
                without += 1;
            }
        }
    }
    assert!(without > 100, "{without}");
}

#[test]
fn encoding_does_not_depend_on_cuts_and_is_undone_by_decoding() {
    for word in words(b"x.\r\n", 6) {
        let content = [&word[..], b"\r\n"].concat();
        let wire = encode(&[&content]);
        for cut in 0..=content.len() {
            let (head, tail) = content.split_at(cut);
            assert_eq!(encode(&[head, tail]), wire, "{} at {cut}", content.escape_ascii());
        }
        assert_eq!(encode(&content.chunks(1).collect::<Vec<_>>()), wire);
        let pass = Repairs { bare_cr: Repair::Pass, bare_lf: Repair::Pass, nul: Repair::Pass };
        let (again, _, taken) = decode(pass, &[&wire]).unwrap();
        assert_eq!((again, taken), (content, wire.len()));
    }
}

#[test]
fn the_last_line_gets_its_end() {
    assert_eq!(encode(&[]), b".\r\n");
    assert_eq!(encode(&[b"a"]), b"a\r\n.\r\n");
    assert_eq!(encode(&[b".", b"\r"]), b"..\r\r\n.\r\n");
    assert_eq!(encode(&[b"a\r\n", b"", b"."]), b"a\r\n..\r\n.\r\n");
}

#[test]
fn chunks_have_no_dots_and_no_end() {
    let mut content = Vec::new();
    let mut decoder = ContentDecoder::of_chunks(Repairs::default());
    for chunk in [&b".\r\n"[..], b"a\n.\r", b"\n..\r\n\0\r"] {
        let progress = decoder.decode(chunk, |piece| content.extend_from_slice(piece));
        assert_eq!(progress, Progress::More);
    }
    let Ending { strays, dots } = decoder.finish(|piece| content.extend_from_slice(piece));
    assert_eq!(content, b".\r\na\r\n.\r\n..\r\n\r\n");
    assert_eq!((strays, dots), (Strays { bare_cr: 1, bare_lf: 1, nul: 1 }, true));
}
