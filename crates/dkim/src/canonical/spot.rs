//! Finds the places of a text that are not in relaxed form.
//!
//! This is where the time goes, so the search is in blocks without a branch, which the compiler turns into vector
//! instructions; only in a block that has such a place, words of eight octets are searched for it.

/// How many octets are looked at together.
const BLOCK: usize = 32;
/// How many octets a word has.
const WORD: usize = 8;
/// The lowest bit of each octet of a word, and the highest.
const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The next place from `from` on where the text may not be in relaxed form, or where that depends on the next chunk:
/// a tab, a space that a blank or a CR follows, and a space or CR at the very end.
pub(super) fn next_spot(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(window) = text.get(at..=at + BLOCK) {
        if may_have_spot(window)
            && let Some(inside) = first_spot(window)
        {
            return Some(at + inside);
        }
        at += BLOCK;
    }
    let rest = text.get(at..)?;
    let last = rest.last()?;
    let inside = rest.windows(2).position(|pair| is_spot(pair[0], pair[1]));
    match inside {
        Some(inside) => Some(at + inside),
        None if matches!(last, b' ' | b'\t' | b'\r') => Some(text.len() - 1),
        None => None,
    }
}

/// Whether one of the octets of `window`, but for the last, may be a spot.
fn may_have_spot(window: &[u8]) -> bool {
    let (octets, nexts) = (&window[..BLOCK], &window[1..=BLOCK]);
    // No early return.
    octets.iter().zip(nexts).fold(false, |found, (&octet, &next)| found | may_be_spot(octet, next))
}

/// Whether an octet may be a spot to the one behind it. Any control character behind a space will do: to compare once
/// takes less than to compare three times, and others than tab and CR are rare.
#[expect(
    clippy::needless_bitwise_bool,
    reason = "without a branch it becomes one instruction for sixteen octets"
)]
fn may_be_spot(octet: u8, next: u8) -> bool {
    (octet == b'\t') | ((octet == b' ') & (next <= b' '))
}

/// Whether an octet is a spot to the one behind it.
fn is_spot(octet: u8, next: u8) -> bool {
    octet == b'\t' || octet == b' ' && matches!(next, b' ' | b'\t' | b'\r')
}

/// The first of the octets of `window`, but for the last, that is a spot.
fn first_spot(window: &[u8]) -> Option<usize> {
    (0..BLOCK).step_by(WORD).find_map(|at| {
        let (octets, nexts) = (word(window, at)?, word(window, at + 1)?);
        let blank_or_cr = equal(nexts, b' ') | equal(nexts, b'\t') | equal(nexts, b'\r');
        let spots = equal(octets, b'\t') | (equal(octets, b' ') & blank_or_cr);
        (spots != 0).then(|| at + spots.trailing_zeros() as usize / WORD)
    })
}

/// Eight octets, the first in the lowest bits.
fn word(octets: &[u8], at: usize) -> Option<u64> {
    octets.get(at..)?.first_chunk().map(|word| u64::from_le_bytes(*word))
}

/// The highest bit of each octet of `word` that equals `octet`.
fn equal(word: u64, octet: u8) -> u64 {
    let different = word ^ (LOW * u64::from(octet));
    // An octet of zero is the only one that neither has its highest bit set nor gets it by adding 0x7f.
    !(((different & !HIGH) + !HIGH) | different) & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every text of three octets over those that matter, at every place of a text of several blocks.
    #[test]
    fn a_spot_is_found_wherever_it_stands() {
        let alphabet = *b"x \t\r\n";
        for n in 0..125_usize {
            let planted = [alphabet[n % 5], alphabet[n / 5 % 5], alphabet[n / 25]];
            for length in [3, 8, 31, 32, 33, 34, 40, 65, 66, 98] {
                for place in 0..=length - 3 {
                    let mut text = vec![b'x'; length];
                    text[place..place + 3].copy_from_slice(&planted);
                    let last = length - 1;
                    let expected = (0..length).find(|&i| match text.get(i + 1) {
                        Some(&next) => is_spot(text[i], next),
                        None => matches!(text[last], b' ' | b'\t' | b'\r'),
                    });
                    assert_eq!(next_spot(&text, 0), expected, "{planted:?} at {place} of {length}");
                }
            }
        }
        assert_eq!(next_spot(b"", 0), None);
        assert_eq!(next_spot(b"a  b", 4), None);
    }
}
