//! What all body forms have in common: empty lines at the end are dropped.

const CRLF: &[u8] = b"\r\n";
/// Held line ends go out in pieces of this size, for bodies with very many empty lines.
const LINE_ENDS: [u8; 128] = line_ends();

/// Passes text on, and keeps line ends back until text follows them.
#[derive(Clone, Debug, Default)]
pub(super) struct Tail {
    /// Line ends not passed on yet, since only empty lines followed so far.
    held: u64,
    /// Whether anything was passed on.
    started: bool,
}

impl Tail {
    /// Takes canonical text: whole lines, parts of lines, or both, but no half line end.
    pub(super) fn put(&mut self, text: &[u8], sink: &mut impl FnMut(&[u8])) {
        let kept = without_line_ends(text);
        if !kept.is_empty() {
            self.release(sink);
            sink(kept);
        }
        self.held += ((text.len() - kept.len()) / CRLF.len()) as u64;
    }

    /// Takes one line end that does not stand in the text given to [`Tail::put`].
    pub(super) fn put_line_end(&mut self) {
        self.held += 1;
    }

    /// Ends the body; says whether there was anything besides empty lines.
    pub(super) fn started(&self) -> bool {
        self.started
    }

    fn release(&mut self, sink: &mut impl FnMut(&[u8])) {
        self.started = true;
        let mut octets = std::mem::take(&mut self.held) * CRLF.len() as u64;
        while octets > 0 {
            let piece = usize::try_from(octets).map_or(LINE_ENDS.len(), |octets| octets.min(LINE_ENDS.len()));
            sink(&LINE_ENDS[..piece]);
            octets -= piece as u64;
        }
    }
}

/// The text without the line ends at its end.
fn without_line_ends(mut text: &[u8]) -> &[u8] {
    while let Some(shorter) = text.strip_suffix(CRLF) {
        text = shorter;
    }
    text
}

const fn line_ends() -> [u8; 128] {
    let mut octets = [b'\r'; 128];
    let mut at = 1;
    while at < octets.len() {
        octets[at] = b'\n';
        at += 2;
    }
    octets
}
