//! The client side of a conversation, without a socket (RFC 5321, section 4.3; RFC 2920).
//!
//! Commands go out, replies come in, and each reply belongs to the oldest command without one. A
//! reply that nobody asked for, or that cannot answer what was asked, is a fault: what follows it
//! cannot be trusted.

use crate::extension::Offer;
use crate::parameter::{Keyword, Parameters};
use crate::path::Path;
use crate::reply::{Reply, ReplyFault, ReplyReader, Severity};
use bytes::BytesMut;
use std::collections::VecDeque;
use thiserror::Error;

/// What a reply is awaited for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Stage {
    /// The connection.
    Greeting,
    /// EHLO, HELO or LHLO.
    Hello,
    /// XFORWARD.
    Xforward,
    /// MAIL.
    Mail,
    /// RCPT.
    Recipient,
    /// DATA.
    Data,
    /// The content.
    Content,
    /// RSET.
    Reset,
    /// QUIT.
    Quit,
}

impl Stage {
    /// Whether a reply of this severity can be the answer.
    const fn takes(self, severity: Severity) -> bool {
        match severity {
            Severity::Transient | Severity::Permanent => true,
            Severity::Intermediate => matches!(self, Self::Data),
            Severity::Completed => !matches!(self, Self::Data),
        }
    }
}

/// The server broke the protocol.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ConversationFault {
    /// What came is no reply.
    #[error(transparent)]
    NoReply(#[from] ReplyFault),
    /// A reply to nothing.
    #[error("a reply that nobody asked for")]
    Unasked,
    /// A 2yz or 3yz that is no answer to what was asked.
    #[error("a reply that is no answer")]
    NoAnswer,
}

/// A conversation, seen from the client.
#[derive(Debug, Default)]
pub struct Conversation {
    asked: VecDeque<Stage>,
    replies: ReplyReader,
    input: BytesMut,
    output: Vec<u8>,
}

impl Conversation {
    /// A conversation that begins with the server's greeting.
    #[must_use]
    pub fn new() -> Self {
        Self { asked: VecDeque::from([Stage::Greeting]), ..Self::default() }
    }

    /// Where what the server sent is to be put.
    pub const fn input(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    /// What is to be sent to the server; the caller empties it.
    pub const fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// Asks something: `command` is the whole line, CR LF included.
    pub fn ask(&mut self, stage: Stage, command: &[u8]) {
        self.expect(stage);
        self.output.extend_from_slice(command);
    }

    /// Expects a reply to something that is sent past [`Self::output`], such as the content.
    pub fn expect(&mut self, stage: Stage) {
        self.asked.push_back(stage);
    }

    /// What the next reply will answer.
    #[must_use]
    pub fn awaits(&self) -> Option<Stage> {
        self.asked.front().copied()
    }

    /// Whether everything is answered, and nothing more was said.
    #[must_use]
    pub fn is_in_step(&self) -> bool {
        self.asked.is_empty() && self.input.is_empty()
    }

    /// The next reply, if it is there.
    pub fn next_reply(&mut self) -> Result<Option<Reply>, ConversationFault> {
        let Some(&stage) = self.asked.front() else {
            return if self.input.is_empty() { Ok(None) } else { Err(ConversationFault::Unasked) };
        };
        let Some(reply) = self.replies.next(&mut self.input)? else { return Ok(None) };
        self.asked.pop_front();
        if stage.takes(reply.severity()) { Ok(Some(reply)) } else { Err(ConversationFault::NoAnswer) }
    }

    /// Fails if the server said more than it was asked for.
    pub fn check_step(&self) -> Result<(), ConversationFault> {
        if self.asked.is_empty() && !self.input.is_empty() { Err(ConversationFault::Unasked) } else { Ok(()) }
    }

    /// Gives back the memory of empty buffers.
    pub fn shrink(&mut self) {
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
        if self.output.is_empty() {
            self.output = Vec::new();
        }
    }
}

/// The MAIL command for a server that makes this offer; whether it takes all that the parameters ask is not looked at.
#[must_use]
pub fn mail(path: &Path, parameters: &Parameters, offer: &Offer) -> Vec<u8> {
    line(b"MAIL FROM:", path, parameters, offer)
}

/// The RCPT command for a server that makes this offer.
#[must_use]
pub fn recipient(path: &Path, parameters: &Parameters, offer: &Offer) -> Vec<u8> {
    line(b"RCPT TO:", path, parameters, offer)
}

fn line(verb: &[u8], path: &Path, parameters: &Parameters, offer: &Offer) -> Vec<u8> {
    let mut line = Vec::with_capacity(128);
    line.extend_from_slice(verb);
    line.extend_from_slice(path.as_bytes());
    let is_left_out = |keyword: Keyword| keyword.may_be_left_out() && !offer.has(keyword.extension());
    for parameter in parameters.iter().filter(|parameter| !is_left_out(parameter.keyword)) {
        line.push(b' ');
        line.extend_from_slice(&parameter.raw);
    }
    line.extend_from_slice(b"\r\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::extension::{Extension, Extensions};
    use bytes::Bytes;

    fn hear(asked: &[Stage], wire: &[u8]) -> Result<Vec<u16>, ConversationFault> {
        let mut conversation = Conversation::default();
        for &stage in asked {
            conversation.expect(stage);
        }
        conversation.input().extend_from_slice(wire);
        let mut codes = Vec::new();
        while let Some(reply) = conversation.next_reply()? {
            codes.push(reply.code().get());
        }
        Ok(codes)
    }

    #[test]
    fn each_reply_answers_the_oldest_command() {
        let asked = [Stage::Mail, Stage::Recipient, Stage::Recipient, Stage::Data];
        assert_eq!(
            hear(&asked, b"250 a\r\n550-b\r\n550 c\r\n251 d\r\n354 e\r\n"),
            Ok(vec![250, 550, 251, 354])
        );
        assert_eq!(hear(&asked, b"250 a\r\n550-b\r\n"), Ok(vec![250]));
    }

    #[test]
    fn what_is_no_answer_is_a_fault() {
        use ConversationFault::{NoAnswer, NoReply, Unasked};
        for (asked, wire, expected) in [
            (&[Stage::Mail][..], &b"354 go\r\n"[..], NoAnswer),
            (&[Stage::Data], b"250 ok\r\n", NoAnswer),
            (&[Stage::Content], b"354 go\r\n", NoAnswer),
            (&[Stage::Greeting], b"300 go\r\n", NoAnswer),
            (&[Stage::Mail], b"250 ok\r\n250 ok\r\n", Unasked),
            (&[], b"421 bye\r\n", Unasked),
            (&[Stage::Mail], b"\r\n", NoReply(ReplyFault::Garbage)),
        ] {
            assert_eq!(hear(asked, wire), Err(expected), "{}", wire.escape_ascii());
        }
    }

    #[test]
    fn commands_say_what_the_server_takes() {
        let text = Bytes::from_static(b"MAIL FROM:<a@b.example> SIZE=7 BODY=8BITMIME RET=HDRS");
        let Ok(Command::Mail(path, parameters)) = Command::parse(&text) else { panic!() };
        let all = Offer { extensions: Extension::ALL.into_iter().collect(), ..Offer::default() };
        assert_eq!(mail(&path, &parameters, &all), [&text[..], b"\r\n"].concat());
        let none = Offer { extensions: Extensions::default(), ..Offer::default() };
        assert_eq!(mail(&path, &parameters, &none), b"MAIL FROM:<a@b.example> RET=HDRS\r\n");
    }
}
