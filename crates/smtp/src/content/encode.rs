//! Putting the dots on, and the end.

use memchr::memmem;

/// Puts content on the wire.
#[derive(Clone, Debug)]
pub struct ContentEncoder {
    state: State,
    finder: memmem::Finder<'static>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    LineStart,
    Text,
    Cr,
}

impl Default for ContentEncoder {
    fn default() -> Self {
        // The line end of the DATA command counts: the first octet starts a line.
        Self { state: State::LineStart, finder: memmem::Finder::new(b"\r\n.") }
    }
}

impl ContentEncoder {
    /// Encodes the next piece of content, and hands it to `sink` in pieces as large as possible.
    pub fn encode<'a>(&mut self, content: &'a [u8], mut sink: impl FnMut(&'a [u8])) {
        if content.is_empty() {
            return;
        }
        let mut from = 0;
        match (self.state, content) {
            (State::LineStart, [b'.', ..]) => sink(b"."),
            (State::Cr, [b'\n', b'.', ..]) => {
                sink(b"\n.");
                from = 1;
            }
            _ => {}
        }
        for found in self.finder.find_iter(content) {
            sink(&content[from..found + 2]);
            sink(b".");
            from = found + 2;
        }
        sink(&content[from..]);
        self.pass(content);
    }

    /// Goes past a piece of content that is sent as it is, since no line of it begins with a dot.
    pub fn pass(&mut self, content: &[u8]) {
        self.state = match (self.state, content) {
            (state, []) => state,
            (_, [.., b'\r', b'\n']) | (State::Cr, [b'\n']) => State::LineStart,
            (_, [.., b'\r']) => State::Cr,
            _ => State::Text,
        };
    }

    /// Ends the content: CR LF if its last line lacks one, the dot, CR LF.
    #[must_use]
    pub fn finish(self) -> &'static [u8] {
        match self.state {
            State::LineStart => b".\r\n",
            State::Text | State::Cr => b"\r\n.\r\n",
        }
    }
}
