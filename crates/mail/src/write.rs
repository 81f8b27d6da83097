//! Fields that we write ourselves, folded (RFC 5322 §2.1.1, §2.2.3).

use crate::Header;

/// No line of ours is longer, a tab counting for eight, so that no MTA on the way sees reason to fold anew.
const WIDTH: usize = 78;
/// What a tab counts for.
const TAB: usize = 8;

/// A header field of our own making: name, colon, folded value and CR LF.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewField(Vec<u8>);

impl NewField {
    /// Takes a field that is folded already. It must be one field, with a name, and end with CR LF.
    #[must_use]
    pub fn from_raw(raw: Vec<u8>) -> Option<Self> {
        let header = Header::parse(raw);
        let named = header.field(0).is_some_and(|field| !field.name().is_empty());
        let whole = header.len() == 1 && header.raw().ends_with(b"\r\n");
        (named && whole).then(|| Self(header.raw().to_vec()))
    }

    /// The octets, CR LF included.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.0
    }
}

/// Writes one field, and folds it at 78 columns.
#[derive(Clone, Debug)]
pub struct FieldWriter {
    text: String,
    column: usize,
}

impl FieldWriter {
    /// Starts with the name and a colon.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { text: format!("{name}:"), column: name.len() + 1 }
    }

    /// Adds a word behind a blank, or on a line of its own if it does not fit any more.
    pub fn word(&mut self, word: &str) -> &mut Self {
        self.make_room(1 + word.chars().count());
        self.glue(word)
    }

    /// Adds text right behind what is there, or on a line of its own if it does not fit any more.
    pub fn piece(&mut self, text: &str) -> &mut Self {
        if self.column + text.chars().count() > WIDTH {
            self.fold();
        }
        self.glue(text)
    }

    /// Adds text right behind what is there.
    pub fn glue(&mut self, text: &str) -> &mut Self {
        debug_assert!(!text.contains(['\r', '\n']), "only the writer ends lines");
        self.text.push_str(text);
        self.column += text.chars().count();
        self
    }

    /// Adds text that may be cut anywhere, such as base64, filling each line.
    pub fn run(&mut self, text: &str) -> &mut Self {
        let mut rest = text;
        while !rest.is_empty() {
            if self.column >= WIDTH {
                self.fold();
            }
            let room = WIDTH - self.column;
            let cut = rest.char_indices().nth(room).map_or(rest.len(), |(at, _)| at);
            self.glue(&rest[..cut]);
            rest = &rest[cut..];
        }
        self
    }

    /// Ends the field.
    #[must_use]
    pub fn finish(mut self) -> NewField {
        self.text.push_str("\r\n");
        NewField(self.text.into_bytes())
    }

    /// Ends the line if `wanted` columns do not fit, else adds a blank.
    fn make_room(&mut self, wanted: usize) {
        if self.column + wanted > WIDTH {
            self.fold();
        } else {
            self.text.push(' ');
            self.column += 1;
        }
    }

    fn fold(&mut self) {
        self.text.push_str("\r\n\t");
        self.column = TAB;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_and_runs_are_cut() {
        let mut writer = FieldWriter::new("X");
        writer.word(&"a".repeat(70)).word("bbbbb;").word("b=").run(&"c".repeat(150));
        let field = writer.finish();
        let expected = format!(
            "X: {}\r\n\tbbbbb; b={}\r\n\t{}\r\n\t{}\r\n",
            "a".repeat(70),
            "c".repeat(61),
            "c".repeat(70),
            "c".repeat(19)
        );
        assert_eq!(String::from_utf8_lossy(field.raw()), expected);
    }

    #[test]
    fn a_field_from_outside_is_one_field() {
        assert!(NewField::from_raw(b"A: b\r\n c\r\n".to_vec()).is_some());
        for wrong in [&b"A: b"[..], b"A: b\r\nC: d\r\n", b"no colon\r\n", b"", b" A: b\r\n"] {
            assert_eq!(NewField::from_raw(wrong.to_vec()), None, "{}", wrong.escape_ascii());
        }
    }
}
