//! A message as it arrived, and the messages of the corpus.

use crate::binary::checkout;

/// The fields that dkimgate adds on top.
const OURS: [&str; 2] = ["DKIM-Signature", "Authentication-Results"];

/// A message with the envelope it came in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The MAIL command as it was said, with its parameters.
    pub mail: String,
    /// The RCPT commands that were accepted.
    pub recipients: Vec<String>,
    /// The content, without dot-stuffing and final dot.
    pub bytes: Vec<u8>,
}

impl Message {
    /// The content without the fields that dkimgate put on top.
    pub fn below_our_fields(&self) -> Vec<u8> {
        let ours = |field: &&[u8]| OURS.iter().any(|name| is_named(field, name));
        let length: usize = self.fields().into_iter().take_while(ours).map(<[u8]>::len).sum();
        self.bytes[length..].to_vec()
    }

    /// The fields of the header section as they are, each with its final CRLF.
    pub fn fields(&self) -> Vec<&[u8]> {
        let mut fields = Vec::new();
        let mut start = 0;
        let mut at = 0;
        for line in self.bytes.split_inclusive(|&byte| byte == b'\n') {
            let continues = matches!(line.first(), Some(b' ' | b'\t'));
            if at > start && !continues {
                fields.push(&self.bytes[start..at]);
                start = at;
            }
            if line == b"\r\n" || line == b"\n" {
                break;
            }
            at += line.len();
        }
        if at > start {
            fields.push(&self.bytes[start..at]);
        }
        fields
    }

    /// The values of the fields of this name, top down, unfolded.
    pub fn values(&self, name: &str) -> Vec<String> {
        self.fields().into_iter().filter(|field| is_named(field, name)).map(unfolded_value).collect()
    }

    /// What follows the empty line.
    pub fn body(&self) -> &[u8] {
        let header: usize = self.fields().into_iter().map(<[u8]>::len).sum();
        let rest = &self.bytes[header..];
        rest.strip_prefix(b"\r\n").unwrap_or(rest)
    }

    /// The content as text, for what a failure says.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

fn is_named(field: &[u8], name: &str) -> bool {
    let end = field.iter().position(|&byte| byte == b':').unwrap_or(field.len());
    field[..end].trim_ascii_end().eq_ignore_ascii_case(name.as_bytes())
}

fn unfolded_value(field: &[u8]) -> String {
    let colon = field.iter().position(|&byte| byte == b':').map_or(field.len(), |at| at + 1);
    String::from_utf8_lossy(&field[colon..]).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A message of `tests/corpus`, each line ended by CRLF.
pub fn corpus(name: &str) -> Vec<u8> {
    let path = checkout().join("tests/corpus").join(name);
    let text = std::fs::read(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    with_crlf(&text)
}

/// `text` with each line ended by CRLF, as SMTP carries it.
pub(crate) fn with_crlf(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() + text.len() / 32);
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(bare) => {
                bytes.extend_from_slice(bare.strip_suffix(b"\r").unwrap_or(bare));
                bytes.extend_from_slice(b"\r\n");
            }
            None => bytes.extend_from_slice(line),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: &[u8]) -> Message {
        Message { bytes: bytes.to_vec(), ..Message::default() }
    }

    #[test]
    fn only_our_fields_on_top_are_taken_off() {
        let arrived =
            message(b"DKIM-Signature: v=1;\r\n b=x\r\nFrom: a\r\nDKIM-Signature: y\r\n\r\nbody\r\n");
        assert_eq!(arrived.below_our_fields(), b"From: a\r\nDKIM-Signature: y\r\n\r\nbody\r\n");
        assert_eq!(arrived.values("dkim-signature"), ["v=1; b=x", "y"]);
        assert_eq!(arrived.body(), b"body\r\n");
    }

    #[test]
    fn a_header_without_a_body_has_all_its_fields() {
        let arrived = message(b"From: a\r\nTo: b\r\n");
        assert_eq!(arrived.fields().len(), 2);
        assert_eq!(message(b"\r\nbody").fields().len(), 0);
    }
}
