//! Scripted sessions: what the client sends, and what it hears.

use super::*;
use crate::content::Strays;
use crate::extension::{Extension, Extensions};
use crate::xforward::AttributeSet;

fn terms() -> Terms {
    Terms {
        hostname: "mx.example".into(),
        lmtp: false,
        line: 512,
        recipients: 3,
        errors: 5,
        commands: 100,
        repairs: Repairs::default(),
    }
}

fn everything() -> Offer {
    Offer {
        extensions: Extension::ALL.into_iter().collect::<Extensions>().without(Extension::Xclient),
        size: Some(1000),
        xforward: AttributeSet::FORWARDED,
        ..Offer::default()
    }
}

/// Plays against a next hop that refuses what holds `no`.
struct Play {
    session: Session,
    offer: Offer,
    content: Vec<u8>,
}

impl Play {
    fn new(terms: Terms, offer: Offer) -> Self {
        Self { session: Session::new(terms), offer, content: Vec::new() }
    }

    /// Takes one cut of input as far as it goes; gives the replies' codes.
    fn says(&mut self, wire: &[u8]) -> String {
        self.session.input().extend_from_slice(wire);
        loop {
            if self.session.is_in_content() {
                let content = &mut self.content;
                match self.session.content(|piece| content.extend_from_slice(piece)) {
                    Arrival::More => {}
                    Arrival::Chunk => self.session.chunk_taken(),
                    Arrival::End(_) => self.session.conclude([&Reply::new(250, "2.6.0 taken")]),
                }
            }
            let mut answers = Vec::new();
            while let Some(event) = self.session.next_event() {
                self.take(event, &mut answers);
            }
            if answers.is_empty()
                && !matches!(self.session.state, State::Content(_)) | self.session.input.is_empty()
            {
                break;
            }
            for reply in answers {
                self.session.answer(reply);
            }
        }
        let output = String::from_utf8(std::mem::take(self.session.output())).unwrap();
        let last = output.lines().filter(|line| line.as_bytes().get(3) == Some(&b' '));
        last.map(|line| &line[..3]).collect::<Vec<_>>().join(" ")
    }

    fn take(&mut self, event: Event, answers: &mut Vec<Reply>) {
        let verdict = |path: &Path| {
            if path.mailbox().contains("no") {
                Reply::new(550, "5.1.1 no")
            } else {
                Reply::new(250, "2.1.0 Ok")
            }
        };
        match event {
            Event::Hello(_) => self.session.hello(self.offer),
            Event::Mail(path, _) | Event::Recipient(path, _) => answers.push(verdict(&path)),
            Event::Data => self.session.take_content(),
            Event::Chunk => {
                let content = &mut self.content;
                match self.session.content(|piece| content.extend_from_slice(piece)) {
                    Arrival::More => {}
                    Arrival::Chunk => self.session.chunk_taken(),
                    Arrival::End(_) => self.session.conclude([&Reply::new(250, "2.6.0 taken")]),
                }
            }
            Event::Xclient(_) => self.session.restart(),
            Event::OldHello(_) | Event::Reset | Event::Xforward(_) | Event::Closed => {}
        }
    }
}

/// The codes of all replies to a whole session, greeting first, the same at every cut.
fn play(terms: &Terms, wire: &[u8]) -> (String, Vec<u8>) {
    let mut whole = Play::new(terms.clone(), everything());
    let codes = whole.says(wire);
    for cut in 0..wire.len() {
        let mut halves = Play::new(terms.clone(), everything());
        let first = halves.says(&wire[..cut]);
        let second = halves.says(&wire[cut..]);
        let both = format!("{first} {second}");
        assert_eq!(both.trim(), codes, "{} at {cut}", wire.escape_ascii());
        assert_eq!(halves.content, whole.content);
    }
    (codes, whole.content)
}

#[test]
fn sessions_and_their_replies() {
    for (wire, expected) in [
        (
            "EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n",
            "220 250 250 250 354 250 221",
        ),
        ("MAIL FROM:<a@b>\r\n", "220 503"),
        ("EHLO\r\nHELO\r\n", "220 501 501"),
        (
            "HELO a\r\nRCPT TO:<c@d>\r\nDATA\r\nMAIL FROM:<>\r\nDATA\r\nMAIL FROM:<>\r\n",
            "220 250 503 503 250 503 503",
        ),
        ("EHLO a\r\nMAIL FROM:<no@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n", "220 250 550 503 503"),
        (
            "EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<no@d>\r\nRCPT TO:<no>\r\nDATA\r\n",
            "220 250 250 550 550 554",
        ),
        (
            "EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<no@d>\r\nRCPT TO:<c>\r\nDATA\r\n.\r\n",
            "220 250 250 550 250 354 250",
        ),
        ("EHLO a\r\nMAIL FROM:<a@b>\r\nEHLO a\r\nMAIL FROM:<a@b>\r\n", "220 250 250 250 250"),
        ("EHLO a\r\nMAIL FROM:<a@b>\r\nRSET\r\nRCPT TO:<c@d>\r\n", "220 250 250 250 503"),
        ("NOOP\r\nVRFY a\r\nHELP\r\nEXPN a\r\nXYZZY\r\n\r\n", "220 250 252 214 502 502 500"),
        ("EHLO a\r\nMAIL FROM:<a> SIZE=1000\r\n", "220 250 250"),
        ("EHLO a\r\nMAIL FROM:<a> SIZE=1001\r\n", "220 250 552"),
        ("EHLO a\r\nMAIL FROM:<a> AUTH=<>\r\n", "220 250 555"),
        ("HELO a\r\nMAIL FROM:<a> SIZE=1\r\n", "220 250 555"),
        ("HELO a\r\nMAIL FROM:<a>\r\nRCPT TO:<b> NOTIFY=NEVER\r\n", "220 250 250 555"),
        (
            "EHLO a\r\nMAIL FROM:<\u{e4}@b>\r\nMAIL FROM:<\u{e4}@b> SMTPUTF8\r\nRCPT TO:<\u{e4}>\r\n",
            "220 250 553 250 250",
        ),
        ("EHLO a\r\nMAIL FROM:<a>\r\nRCPT TO:<\u{e4}>\r\n", "220 250 250 553"),
        (
            "EHLO a\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<b>\r\nRCPT TO:<no>\r\nRCPT TO:<b>\r\nRCPT TO:<b>\r\n",
            "220 250 250 250 250 550 250 452",
        ),
        (
            "EHLO a\r\nXFORWARD NAME=a\r\nXFORWARD LOGIN=a\r\nMAIL FROM:<a>\r\nXFORWARD NAME=a\r\n",
            "220 250 250 501 250 503",
        ),
        ("EHLO a\r\nXCLIENT NAME=a\r\n", "220 250 502"),
        ("LHLO a\r\n", "220 500"),
        ("A\r\nB\r\nC\r\nD\r\nE\r\nF\r\nNOOP\r\n", "220 502 502 502 502 502 502 421"),
        ("QUIT\r\nNOOP\r\n", "220 221"),
    ] {
        assert_eq!(play(&terms(), wire.as_bytes()).0, expected, "{wire}");
    }
}

#[test]
fn a_line_too_long_keeps_the_session_in_step() {
    let long = "x".repeat(600);
    let wire = format!("{long}\r\nEHLO a\r\nMAIL FROM:<{long}>\r\nNOOP\r\n");
    let mut session = Play::new(terms(), everything());
    assert_eq!(session.says(wire.as_bytes()), "220 500 250 501 250");
}

#[test]
fn chunks_are_content_and_never_commands() {
    let begin = "EHLO a\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\n";
    let (codes, content) =
        play(&terms(), format!("{begin}BDAT 6\r\nQUIT\r\nBDAT 3 LAST\r\n.\r\nNOOP\r\n").as_bytes());
    assert_eq!((codes.as_str(), &content[..]), ("220 250 250 250 250 250 250", &b"QUIT\r\n.\r\n"[..]));
    let (codes, content) = play(&terms(), format!("{begin}BDAT 3\r\nx\r\nBDAT 0 LAST\r\n").as_bytes());
    assert_eq!((codes.as_str(), &content[..]), ("220 250 250 250 250 250", &b"x\r\n"[..]));
    for (wire, expected) in [
        ("EHLO a\r\nBDAT 6\r\nQUIT\r\nNOOP\r\n", "220 250 503 250"),
        (
            "HELO a\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n",
            "220 250 250 250 503 250",
        ),
        (
            "EHLO a\r\nMAIL FROM:<a>\r\nRCPT TO:<no>\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n",
            "220 250 250 550 554 250",
        ),
        ("EHLO a\r\nBDAT x\r\nQUIT\r\nNOOP\r\n", "220 250 501"),
        (
            &format!("{begin}BDAT 3\r\nx\r\nDATA\r\nMAIL FROM:<>\r\nRSET\r\nNOOP\r\n"),
            "220 250 250 250 250 503 503 250 250",
        ),
    ] {
        assert_eq!(play(&terms(), wire.as_bytes()).0, expected, "{wire}");
    }
}

#[test]
fn mail_and_recipients_are_given_out_together() {
    let mut session = Session::new(terms());
    session
        .input()
        .extend_from_slice(b"EHLO a\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:c\r\nRCPT TO:<d>\r\nDATA\r\n");
    assert!(matches!(session.next_event(), Some(Event::Hello(_))));
    session.hello(everything());
    session.output().clear();
    for _ in 0..3 {
        assert!(matches!(session.next_event(), Some(Event::Mail(..) | Event::Recipient(..))));
    }
    assert_eq!(session.next_event(), None);
    for code in [250, 550, 251] {
        assert_eq!(session.next_event(), None);
        session.answer(Reply::new(code, "x"));
    }
    assert_eq!(session.next_event(), Some(Event::Data));
    session.take_content();
    let output = String::from_utf8(session.output().clone()).unwrap();
    let codes: Vec<_> = output.lines().map(|line| &line[..3]).collect();
    assert_eq!(codes, ["250", "550", "501", "251", "354"]);
}

#[test]
fn a_refused_content_is_over_and_lmtp_answers_each_recipient() {
    let mut session = Session::new(Terms { lmtp: true, ..terms() });
    session
        .input()
        .extend_from_slice(b"EHLO a\r\nLHLO a\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nDATA\r\n");
    assert!(matches!(session.next_event(), Some(Event::Hello(_))));
    session.hello(everything());
    while session.next_event().is_some() {}
    (0..3).for_each(|_| session.answer(Reply::new(250, "ok")));
    assert_eq!(session.next_event(), Some(Event::Data));
    session.take_content();
    session.input().extend_from_slice(b".\r\n");
    assert_eq!(session.content(|_| {}), Arrival::End(Ending { strays: Strays::default(), dots: false }));
    session.output().clear();
    session.conclude([&Reply::new(250, "b"), &Reply::new(450, "c")]);
    assert_eq!(session.output().as_slice(), b"250 b\r\n450 c\r\n");
    assert!(session.is_idle());
}
