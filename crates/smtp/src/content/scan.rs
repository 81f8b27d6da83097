//! Finds the places of content that are not plain text in whole lines.
//!
//! Nearly all content has none. So it is looked at in blocks without a branch, which the compiler turns into vector
//! instructions; only a block that has such a place is searched octet by octet.

/// How many octets are looked at together.
const BLOCK: usize = 64;

/// The first octet that may be out of place: a NUL, a LF without CR, a CR without LF or at the very end; and with `dots`,
/// a dot behind a LF. The first octet of `text` counts as standing within a line.
pub(super) fn next_mark(text: &[u8], dots: bool) -> Option<usize> {
    let first = *text.first()?;
    if first == 0 || first == b'\n' {
        return Some(0);
    }
    let mut at = 0;
    while let Some(window) = text.get(at..=at + BLOCK) {
        if has_mark(window)
            && let Some(inside) = first_mark(window, dots)
        {
            return Some(at + inside);
        }
        at += BLOCK;
    }
    let inside = first_mark(&text[at..], dots).map(|inside| at + inside);
    inside.or_else(|| text.ends_with(b"\r").then(|| text.len() - 1))
}

/// Whether one of the octets of `window` is a mark to the octet before it, or with the one behind it.
fn has_mark(window: &[u8]) -> bool {
    let (octets, nexts) = (&window[..BLOCK], &window[1..=BLOCK]);
    // No early return.
    octets.iter().zip(nexts).fold(false, |found, (&octet, &next)| found | is_mark(octet, next))
}

/// Whether line ends or dots stand out of place in two octets, or the second is a NUL.
#[expect(
    clippy::needless_bitwise_bool,
    reason = "without a branch it becomes a few instructions for sixteen octets"
)]
fn is_mark(octet: u8, next: u8) -> bool {
    ((octet == b'\r') != (next == b'\n')) | (next == 0) | ((octet == b'\n') & (next == b'.'))
}

/// The first of the octets of `text` that is a mark, as far as each is seen with both of its neighbours.
fn first_mark(text: &[u8], dots: bool) -> Option<usize> {
    text.windows(2).enumerate().find_map(|(at, pair)| match *pair {
        [b'\r', b'\n'] => None,
        [b'\r', _] => Some(at),
        [_, b'\n' | 0] => Some(at + 1),
        [b'\n', b'.'] if dots => Some(at + 1),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(text: &[u8], dots: bool) -> Option<usize> {
        (0..text.len()).find(|&at| {
            let before = at.checked_sub(1).map(|before| text[before]);
            match text[at] {
                0 => true,
                b'\n' => before != Some(b'\r'),
                b'\r' => text.get(at + 1) != Some(&b'\n'),
                b'.' => dots && before == Some(b'\n'),
                _ => false,
            }
        })
    }

    /// Every text of three octets over those that matter, at every place of a text of several blocks.
    #[test]
    fn a_mark_is_found_wherever_it_stands() {
        let alphabet = *b"x\r\n.\0";
        for n in 0..125_usize {
            let planted = [alphabet[n % 5], alphabet[n / 5 % 5], alphabet[n / 25]];
            for length in [3, 8, 63, 64, 65, 66, 67, 128, 129, 130, 200] {
                for place in 0..=length - 3 {
                    let mut text = vec![b'x'; length];
                    text[place..place + 3].copy_from_slice(&planted);
                    for dots in [true, false] {
                        assert_eq!(
                            next_mark(&text, dots),
                            reference(&text, dots),
                            "{planted:?} at {place} of {length}"
                        );
                    }
                }
            }
        }
        assert_eq!(next_mark(b"", true), None);
    }
}
