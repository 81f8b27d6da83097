//! Finding what does not fit, while a message comes in.

use memchr::memrchr;

/// RFC 5321 §4.5.3.1.6: "The maximum total length of a text line including the <CRLF> is 1000 octets"
const LINE: usize = 1000;

/// What a transport may change, or refuse, on the way.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Unfit {
    /// Lines of more than 998 octets.
    pub long_lines: bool,
    /// Octets above 127.
    pub eight_bit: bool,
}

impl Unfit {
    /// Whether there is nothing of either kind.
    #[must_use]
    pub const fn is_none(self) -> bool {
        !self.long_lines && !self.eight_bit
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { long_lines: self.long_lines && other.long_lines, eight_bit: self.eight_bit && other.eight_bit }
    }
}

/// Looks for what does not fit in octets that come in pieces.
#[derive(Clone, Copy, Debug, Default)]
pub struct Survey {
    /// How many octets of the line that is not complete have come; its line end may be missing yet.
    column: usize,
    found: Unfit,
}

impl Survey {
    /// What does not fit in octets that are all there.
    #[must_use]
    pub fn of(octets: &[u8]) -> Unfit {
        let mut survey = Self::default();
        survey.take(octets);
        survey.finish()
    }

    /// Takes the next piece. A piece may end anywhere.
    pub fn take(&mut self, piece: &[u8]) {
        self.found.eight_bit = self.found.eight_bit || !piece.is_ascii();
        if !self.found.long_lines {
            self.measure(piece);
        }
    }

    /// What was found, the last line included, whether it was ended or not.
    #[must_use]
    pub fn finish(self) -> Unfit {
        let long_lines = self.found.long_lines || self.column > LINE - 2;
        Unfit { long_lines, ..self.found }
    }

    /// Jumps from line end to line end, each time to the last one that an allowed line can reach: the lines between
    /// are shorter still, and need not be looked at.
    fn measure(&mut self, mut piece: &[u8]) {
        loop {
            let reach = (LINE - self.column).min(piece.len());
            match memrchr(b'\n', &piece[..reach]) {
                Some(at) => (piece, self.column) = (&piece[at + 1..], 0),
                None if reach == piece.len() && self.column + reach < LINE => {
                    self.column += reach;
                    return;
                }
                None => {
                    self.found.long_lines = true;
                    return;
                }
            }
        }
    }
}
