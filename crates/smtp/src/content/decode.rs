//! Taking the dots off, finding the end, and mending what stands out of place.

use super::scan::next_mark;
use super::{Ending, Repair, Repairs, Strays};

/// Takes content off the wire.
///
/// ```text
///                  .             CR            LF
///   LineStart ──────────► Dot ──────► DotCr ──────► end
///     ▲  │ any other       │ any       │ any: the CR was bare
///  LF │  ▼       CR        ▼           ▼
///    Cr ◄─────── Text ◄────┴───────────┘
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ContentDecoder {
    state: State,
    repairs: Repairs,
    strays: Strays,
    /// Whether a dot at the beginning of a line means anything.
    dots: bool,
    /// Whether one was taken off a line, so that another may have stood behind it.
    stuffed: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    LineStart,
    Dot,
    DotCr,
    Text,
    Cr,
}

/// How far a call of [`ContentDecoder::decode`] came.
#[must_use]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Progress {
    /// All of the input is content, and there is more to come.
    More,
    /// The content ended; so many octets of the input belonged to it.
    End(usize),
}

impl ContentDecoder {
    /// A decoder for what follows DATA.
    #[must_use]
    pub const fn after_data(repairs: Repairs) -> Self {
        // RFC 5321 §4.1.1.4: the line end of the DATA command counts, the first octet starts a line.
        Self {
            state: State::LineStart,
            repairs,
            strays: Strays { bare_cr: 0, bare_lf: 0, nul: 0 },
            dots: true,
            stuffed: false,
        }
    }

    /// A decoder for the chunks of BDAT, all of one message: no dots, and no end but [`Self::finish`].
    #[must_use]
    pub const fn of_chunks(repairs: Repairs) -> Self {
        Self { dots: false, ..Self::after_data(repairs) }
    }

    /// What is known of the content when it ends here.
    #[must_use]
    pub const fn ending(&self) -> Ending {
        // What was mended may have become the end of a line before a dot.
        Ending { strays: self.strays, dots: self.stuffed || !self.dots || !self.strays.is_none() }
    }

    /// Decodes `input`, and hands the content to `sink` in pieces as large as the input allows.
    pub fn decode(&mut self, input: &[u8], mut sink: impl FnMut(&[u8])) -> Progress {
        // What lies between `from` and `at` is content that was not yet handed over.
        let (mut from, mut at) = (0, 0);
        while let Some(&byte) = input.get(at) {
            match (self.state, byte) {
                (State::LineStart, b'.') if self.dots => {
                    hand(&input[from..at], &mut sink);
                    (from, at, self.state) = (at + 1, at + 1, State::Dot);
                }
                (State::LineStart | State::Text, _) => {
                    let text = self.text(&input[at..]);
                    at += text.length;
                    if let Some(stray) = text.stray {
                        hand(&input[from..at], &mut sink);
                        self.stray(stray, &mut sink);
                        at += 1;
                        from = at;
                    }
                }
                (State::Dot, b'\r') => (from, at, self.state) = (at + 1, at + 1, State::DotCr),
                (State::Dot, _) => (self.state, self.stuffed) = (State::Text, true),
                (State::DotCr, b'\n') => return Progress::End(at + 1),
                (State::Cr, b'\n') => {
                    sink(b"\r\n");
                    (from, at, self.state) = (at + 1, at + 1, State::LineStart);
                }
                (State::Cr | State::DotCr, _) => {
                    self.bare_cr(&mut sink);
                    self.state = State::Text;
                }
            }
        }
        hand(&input[from..], &mut sink);
        Progress::More
    }

    /// Ends content that came in chunks.
    pub fn finish(mut self, mut sink: impl FnMut(&[u8])) -> Ending {
        if self.state == State::Cr {
            self.bare_cr(&mut sink);
        }
        self.ending()
    }

    /// Runs over text and whole lines, up to a dot at the beginning of a line or an octet that
    /// may be out of place. Expects at least one octet, which is no such dot.
    fn text(&mut self, input: &[u8]) -> Text {
        let (length, stray) = match next_mark(input, self.dots) {
            Some(at) if input[at] == b'.' => (at, None),
            Some(at) => (at, Some(input[at])),
            None => (input.len(), None),
        };
        let is_line = stray.is_none() && input[..length].ends_with(b"\r\n");
        self.state = if is_line { State::LineStart } else { State::Text };
        Text { length, stray }
    }

    /// Takes an octet that is out of place, or a CR that may be.
    fn stray(&mut self, byte: u8, sink: &mut impl FnMut(&[u8])) {
        match byte {
            b'\r' => self.state = State::Cr,
            b'\n' => {
                self.strays.bare_lf += 1;
                sink(if self.repairs.bare_lf == Repair::Fix { b"\r\n" } else { b"\n" });
            }
            _ => {
                self.strays.nul += 1;
                if self.repairs.nul != Repair::Fix {
                    sink(b"\0");
                }
            }
        }
    }

    fn bare_cr(&mut self, sink: &mut impl FnMut(&[u8])) {
        self.strays.bare_cr += 1;
        sink(if self.repairs.bare_cr == Repair::Fix { b"\r\n" } else { b"\r" });
    }
}

/// How far text goes, and what ends it.
struct Text {
    length: usize,
    stray: Option<u8>,
}

fn hand(piece: &[u8], sink: &mut impl FnMut(&[u8])) {
    if !piece.is_empty() {
        sink(piece);
    }
}
