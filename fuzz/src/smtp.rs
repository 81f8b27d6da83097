//! Content on the wire, and a server's session.

use super::pieces;
use smtp::content::{ContentDecoder, ContentEncoder, Progress, Repair, Repairs};
use smtp::extension::{Extension, Extensions, Offer};
use smtp::reply::Reply;
use smtp::server::{Arrival, Event, Session, Terms};

const PASS: Repairs = Repairs { bare_cr: Repair::Pass, bare_lf: Repair::Pass, nul: Repair::Pass };

/// Cuts do not matter to content, what is encoded is decoded to the same, and nothing in it ends it early.
pub fn content(input: &[u8]) {
    let (wire, cuts) = pieces(input);
    for repairs in [PASS, Repairs::default()] {
        let whole = decoded(repairs, &[wire]);
        assert_eq!(decoded(repairs, &cuts), whole);
        let (text, _) = whole;
        if repairs == Repairs::default() {
            let stray = |two: &[u8]| (two[0] == b'\r') != (two[1] == b'\n');
            assert!(!text.windows(2).any(stray) && !text.contains(&0), "{}", text.escape_ascii());
        }
    }
    let encoded = encoded(&cuts);
    let expected =
        if wire.is_empty() || wire.ends_with(b"\r\n") { wire.to_vec() } else { [wire, b"\r\n"].concat() };
    assert_eq!(decoded(PASS, &[&encoded]), (expected, Some(encoded.len())));
}

/// The content, and where it ended.
fn decoded(repairs: Repairs, pieces: &[&[u8]]) -> (Vec<u8>, Option<usize>) {
    let (mut text, mut before) = (Vec::new(), 0);
    let mut decoder = ContentDecoder::after_data(repairs);
    for piece in pieces {
        match decoder.decode(piece, |out| text.extend_from_slice(out)) {
            Progress::More => before += piece.len(),
            Progress::End(consumed) => return (text, Some(before + consumed)),
        }
    }
    (text, None)
}

fn encoded(pieces: &[&[u8]]) -> Vec<u8> {
    let (mut wire, mut encoder) = (Vec::new(), ContentEncoder::default());
    for piece in pieces {
        encoder.encode(piece, |out| wire.extend_from_slice(out));
    }
    wire.extend_from_slice(encoder.finish());
    wire
}

/// A session that hears anything stays in step: the same replies and the same content at any cuts, each reply whole.
pub fn session(input: &[u8]) {
    let (wire, cuts) = pieces(input);
    let whole = heard(&[wire]);
    assert_eq!(heard(&cuts), whole, "{}", wire.escape_ascii());
    let (replies, _) = whole;
    assert!(replies.ends_with(b"\r\n"));
    for line in replies.split_inclusive(|&octet| octet == b'\n') {
        let sound = line.len() > 5 && line[..3].iter().all(u8::is_ascii_digit) && line.ends_with(b"\r\n");
        assert!(sound && line.len() <= 512, "{}", line.escape_ascii());
    }
}

/// All replies to a session, and all content.
fn heard(pieces: &[&[u8]]) -> (Vec<u8>, Vec<u8>) {
    let mut play = Play { session: Session::new(terms()), replies: Vec::new(), content: Vec::new() };
    play.goes_on();
    for piece in pieces {
        play.session.input().extend_from_slice(piece);
        play.goes_on();
    }
    (play.replies, play.content)
}

fn terms() -> Terms {
    Terms {
        hostname: "mx.example".to_owned(),
        lmtp: false,
        line: 512,
        recipients: 3,
        errors: 20,
        commands: 1_000,
        repairs: Repairs::default(),
    }
}

/// A session and a next hop that refuses every address with `no` in it.
struct Play {
    session: Session,
    replies: Vec<u8>,
    content: Vec<u8>,
}

impl Play {
    /// Takes all that can be taken of the input.
    fn goes_on(&mut self) {
        loop {
            let before = self.session.input().len();
            let mut seen = self.session.has_content();
            if seen {
                self.takes_content();
            }
            let mut answers = Vec::new();
            while let Some(event) = self.session.next_event() {
                seen = true;
                self.takes(&event, &mut answers);
            }
            for answer in answers {
                self.session.answer(answer);
            }
            self.replies.append(self.session.output());
            if !seen && self.session.input().len() == before {
                return;
            }
        }
    }

    fn takes_content(&mut self) {
        let content = &mut self.content;
        match self.session.content(|piece| content.extend_from_slice(piece)) {
            Arrival::More => {}
            Arrival::Chunk => self.session.chunk_taken(),
            Arrival::End(_) => self.session.conclude([&Reply::new(250, "2.6.0 taken")]),
        }
    }

    fn takes(&mut self, event: &Event, answers: &mut Vec<Reply>) {
        match event {
            Event::Hello(_) => self.session.hello(offer()),
            Event::Mail(path, _) | Event::Recipient(path, _) => {
                let refused = path.mailbox().contains("no");
                answers.push(if refused { Reply::new(550, "5.1.1 no") } else { Reply::new(250, "2.1.0 Ok") });
            }
            Event::Data => self.session.take_content(),
            Event::Chunk => self.takes_content(),
            Event::Xclient(_) => self.session.restart(),
            Event::OldHello(_) | Event::Reset | Event::Xforward(_) | Event::Closed => {}
        }
    }
}

fn offer() -> Offer {
    let extensions = Extension::ALL.into_iter().collect::<Extensions>();
    Offer { extensions, size: Some(1_000), ..Offer::default() }
}
