//! What an engine decides of a message.

use mail::{Header, NewField};

/// The outcome for one message: what to do, and what to say of it in the log.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What is to become of the message.
    pub verdict: Verdict,
    /// Why, in words for the log line.
    pub account: Account,
}

/// What is to become of a message.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Pass it on, changed like this.
    Forward(Edits),
    /// Tell the client no.
    Refuse(Refusal),
    /// Tell the client yes, and drop it.
    Discard,
}

/// What is to be done to a header; everything else stays octet for octet.
#[derive(Clone, Debug, Default)]
pub struct Edits {
    /// Fields to go, by their index in the header that came, in ascending order.
    pub remove: Vec<usize>,
    /// Fields to stand on top, in this order.
    pub prepend: Vec<NewField>,
}

impl Edits {
    /// The edited header as slices, from top to bottom, without the empty line that ends it.
    pub fn apply<'a>(&'a self, header: &'a Header) -> impl Iterator<Item = &'a [u8]> {
        let dropped = usize::from(self.drops_first_line(header));
        let kept = header.fields().enumerate().skip(dropped);
        let kept = kept.filter(|(index, _)| self.remove.binary_search(index).is_err());
        self.prepend.iter().map(NewField::raw).chain(kept.map(|(_, field)| field.raw()))
    }

    /// Whether the first line of the header goes, which is no field: RFC 5322 §2.2.3 would make it a part of ours, and
    /// let the sender speak in our name.
    #[must_use]
    pub fn drops_first_line(&self, header: &Header) -> bool {
        header.begins_folded() && !self.prepend.is_empty()
    }

    /// Whether the header stays as it came.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.prepend.is_empty()
    }
}

/// A reply that refuses a message. The text names nothing internal: the client hears it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// The reply code (RFC 5321 §4.2): 4yz or 5yz.
    pub code: u16,
    /// The enhanced status code (RFC 3463), such as `5.7.20`.
    pub enhanced: &'static str,
    /// What the client is told.
    pub text: String,
}

/// What the log line says of a message.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Account {
    /// The author address, as far as there is one.
    pub author: Option<String>,
    /// One word: `signed`, `unsigned`, `verified`, `refused` and the like.
    pub action: &'static str,
    /// The sort of reason, one word of a few: what is counted. Empty where the action says it all.
    pub reason: &'static str,
    /// What was found out by which method, in the words of RFC 8601: `("dkim", "pass")`.
    pub results: Vec<(&'static str, &'static str)>,
    /// Signed or verified with what, or why not.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_leave_the_other_fields_alone() {
        let header = Header::parse(b"A: 1\r\nB:\t2\r\n 3\r\nC : 4\r\n".to_vec());
        let field = NewField::from_raw(b"New: 0\r\n".to_vec()).unwrap();
        let edits = Edits { remove: vec![0], prepend: vec![field] };
        assert_eq!(edits.apply(&header).collect::<Vec<_>>().concat(), b"New: 0\r\nB:\t2\r\n 3\r\nC : 4\r\n");
        assert_eq!(Edits::default().apply(&header).collect::<Vec<_>>().concat(), header.raw());
    }

    #[test]
    fn no_field_of_ours_is_continued_by_the_sender() {
        let header = Header::parse(b" ; dkim=pass\r\n\t2\r\nA: 1\r\n".to_vec());
        let field = NewField::from_raw(b"New: 0\r\n".to_vec()).unwrap();
        let edits = Edits { remove: vec![], prepend: vec![field] };
        assert_eq!(edits.apply(&header).collect::<Vec<_>>().concat(), b"New: 0\r\nA: 1\r\n");
        assert_eq!(Edits::default().apply(&header).collect::<Vec<_>>().concat(), header.raw());
    }
}
