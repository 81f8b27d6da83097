//! The server side of a session, without a socket (RFC 5321, section 4.1.4; RFC 2920).
//!
//! ```text
//!              EHLO           MAIL            RCPT…, DATA, 354
//!   Connected ──────► Ready ──────► Transaction ───────────────► Content
//!                       ▲             │ RSET, EHLO                 │ CR LF . CR LF
//!                       └─────────────┴────────────────────────────┘
//! ```
//!
//! Bytes go in, events come out. What needs nobody else is answered here. MAIL and RCPT are given
//! out as they come, several of them before the first is answered where a client sends several at
//! once; they are answered in order. Every other event is answered before the next one is given.

mod commands;
mod replies;
#[cfg(test)]
mod tests;

use crate::content::{ContentDecoder, Ending, Progress, Repairs};
use crate::extension::Offer;
use crate::line::{Line, LineReader};
use crate::parameter::Parameters;
use crate::path::Path;
use crate::reply::Reply;
use crate::xforward::Attributes;
use bytes::{Buf, Bytes, BytesMut};
use std::collections::VecDeque;

/// What a session holds its client to.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Our name, in the greeting and in the reply to EHLO.
    pub hostname: String,
    /// Whether LMTP is spoken instead of SMTP (RFC 2033).
    pub lmtp: bool,
    /// The longest command line, CR LF included.
    pub line: usize,
    /// How many recipients a message may have.
    pub recipients: usize,
    /// How many commands may be refused for a fault of the client's before the session ends.
    pub errors: usize,
    /// How many commands a session may have.
    pub commands: usize,
    /// What is done about CR, LF and NUL out of place.
    pub repairs: Repairs,
}

impl Terms {
    fn greeting(&self) -> Reply {
        let protocol = if self.lmtp { "LMTP" } else { "ESMTP" };
        Reply::new(220, &format!("{} {protocol} dkimgate", self.hostname))
    }
}

/// Something the client did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// EHLO or LHLO, to be answered by [`Session::hello`]; whatever was begun is over.
    Hello(Bytes),
    /// HELO: as before, but answered already.
    OldHello(Bytes),
    /// MAIL, to be answered by [`Session::answer`].
    Mail(Path, Parameters),
    /// RCPT, to be answered by [`Session::answer`].
    Recipient(Path, Parameters),
    /// DATA, to be answered by [`Session::take_content`] or [`Session::refuse_content`].
    Data,
    /// BDAT, to be taken by [`Session::content`] or refused by [`Session::refuse_content`].
    Chunk,
    /// RSET, answered already; whatever was begun is over.
    Reset,
    /// XFORWARD, answered already.
    Xforward(Attributes),
    /// XCLIENT, to be answered by [`Session::restart`]; whatever was begun is over.
    Xclient(Attributes),
    /// QUIT, or too many faults; answered already. Nothing follows.
    Closed,
}

/// How far the content came.
#[must_use]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Arrival {
    /// More input is needed.
    More,
    /// A chunk is complete, and more chunks follow; to be answered by [`Session::chunk_taken`].
    Chunk,
    /// The content is complete; to be answered by [`Session::conclude`].
    End(Ending),
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// No EHLO yet.
    Connected,
    /// Between messages.
    Ready,
    /// MAIL was given out; it may turn out to be refused.
    Transaction { refused: bool, asked: usize, accepted: usize, utf8: bool },
    /// The content comes in.
    Content(ContentDecoder),
    /// A chunk comes in, and so many octets of it are to come.
    Chunk { decoder: ContentDecoder, left: u64, last: bool },
    /// Between the chunks of a message.
    BetweenChunks(ContentDecoder),
    /// Nothing is read any more.
    Closed,
}

/// A reply in its turn.
#[derive(Debug)]
enum Slot {
    Mail,
    Recipient,
    Ready(Reply),
}

/// A session, seen from the server.
#[derive(Debug)]
pub struct Session {
    terms: Terms,
    offer: Offer,
    state: State,
    input: BytesMut,
    lines: LineReader,
    held: Option<Line>,
    /// Octets of a refused chunk that are still to come.
    swallow: u64,
    /// MAIL and RCPT given out, and what was refused between them.
    slots: VecDeque<Slot>,
    output: Vec<u8>,
    faults: usize,
    commands: usize,
    /// Why the command that is looked at is refused.
    complaint: Option<Reply>,
    refused: Vec<(Bytes, Reply)>,
}

impl Session {
    /// A session whose greeting is ready to be sent.
    #[must_use]
    pub fn new(terms: Terms) -> Self {
        Self {
            offer: Offer::default(),
            state: State::Connected,
            input: BytesMut::new(),
            lines: LineReader::new(terms.line),
            held: None,
            swallow: 0,
            slots: VecDeque::new(),
            output: terms.greeting().wire().to_vec(),
            faults: 0,
            commands: 0,
            complaint: None,
            refused: Vec::new(),
            terms,
        }
    }

    /// Holds the client to other terms from now on. It goes on in the protocol that it began with.
    pub fn renew(&mut self, terms: Terms) {
        self.lines.limit_to(terms.line);
        self.terms = Terms { lmtp: self.terms.lmtp, ..terms };
    }

    /// Whether LMTP is spoken.
    #[must_use]
    pub const fn is_lmtp(&self) -> bool {
        self.terms.lmtp
    }

    /// Where what the client sent is to be put.
    pub const fn input(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    /// What is to be sent to the client; the caller empties it.
    pub const fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// Whether the session is over once the output is sent.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Whether no message is under way.
    #[must_use]
    pub const fn is_between_messages(&self) -> bool {
        matches!(self.state, State::Connected | State::Ready)
    }

    /// Whether the client has nothing under way: no message, and no command half sent.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.is_between_messages() && self.input.is_empty() && self.slots.is_empty()
    }

    /// How many command lines have been looked at.
    #[must_use]
    pub const fn commands(&self) -> usize {
        self.commands
    }

    /// The commands that were refused here since this was last asked, and with what.
    pub fn refused(&mut self) -> impl Iterator<Item = (Bytes, Reply)> {
        self.refused.drain(..)
    }

    /// Whether a message's content has begun and not ended.
    #[must_use]
    pub const fn is_in_content(&self) -> bool {
        matches!(self.state, State::Content(_) | State::Chunk { .. } | State::BetweenChunks(_))
    }

    /// Whether what comes next is content.
    #[must_use]
    pub const fn expects_content(&self) -> bool {
        matches!(self.state, State::Content(_) | State::Chunk { .. })
    }

    /// Whether content has come that [`Session::content`] would take.
    #[must_use]
    pub fn has_content(&self) -> bool {
        self.expects_content() && !self.input.is_empty()
    }

    /// Gives back the memory of empty buffers.
    pub fn shrink(&mut self) {
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
        if self.output.is_empty() {
            self.output = Vec::new();
        }
        self.slots.shrink_to_fit();
    }

    /// Answers EHLO or LHLO with what is offered from now on.
    pub fn hello(&mut self, offer: Offer) {
        let reply = offer.write(&self.terms.hostname);
        self.offer = offer;
        self.say(&reply);
    }

    /// Answers the oldest MAIL or RCPT that waits for it.
    pub fn answer(&mut self, mut reply: Reply) {
        let waiting = self.slots.iter_mut().find(|slot| !matches!(slot, Slot::Ready(_)));
        let Some(slot) = waiting else {
            debug_assert!(false, "an answer without a question");
            return;
        };
        if let State::Transaction { refused, accepted, .. } = &mut self.state {
            match slot {
                Slot::Mail => *refused = !reply.is_completed(),
                // A next hop that takes recipients without a sender must not make the client hope.
                _ if *refused && reply.is_completed() => reply = replies::NO_MAIL,
                _ => *accepted += usize::from(reply.is_completed()),
            }
        }
        *slot = Slot::Ready(reply);
        self.release();
    }

    /// Answers DATA with 354; the content comes next.
    pub fn take_content(&mut self) {
        self.state = State::Content(ContentDecoder::after_data(self.terms.repairs));
        self.say(&replies::START_CONTENT);
    }

    /// Refuses DATA or a chunk; the transaction is over. In LMTP the last chunk has a reply for each of the
    /// `recipients` that were accepted.
    pub fn refuse_content(&mut self, reply: &Reply, recipients: usize) {
        let mut replies = 1;
        if let State::Chunk { left, last, .. } = self.state {
            self.swallow = left;
            if last && self.terms.lmtp {
                replies = recipients;
            }
        }
        self.conclude(std::iter::repeat_n(reply, replies));
    }

    /// Decodes what has come of the content into `sink`.
    pub fn content(&mut self, sink: impl FnMut(&[u8])) -> Arrival {
        let mut input = std::mem::take(&mut self.input);
        let (arrival, consumed) = self.content_of(&input, sink);
        if consumed == input.len() {
            input.clear();
        } else {
            input.advance(consumed);
        }
        self.input = input;
        arrival
    }

    /// Decodes content that was read past [`Self::input`] into `sink`; says how much of `block` belonged to it. What
    /// is left is to be put into the input.
    pub fn content_of(&mut self, block: &[u8], mut sink: impl FnMut(&[u8])) -> (Arrival, usize) {
        match &mut self.state {
            State::Content(decoder) => match decoder.decode(block, sink) {
                Progress::More => (Arrival::More, block.len()),
                Progress::End(consumed) => (Arrival::End(decoder.ending()), consumed),
            },
            State::Chunk { decoder, left, last } => {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(block.len());
                let progress = decoder.decode(&block[..here], &mut sink);
                debug_assert_eq!(progress, Progress::More, "chunks have no dots");
                *left -= here as u64;
                let arrival = match (*left, *last) {
                    (0, true) => Arrival::End(decoder.finish(sink)),
                    (0, false) => Arrival::Chunk,
                    _ => Arrival::More,
                };
                (arrival, here)
            }
            _ => (Arrival::More, 0),
        }
    }

    /// Answers a chunk that is not the last.
    pub fn chunk_taken(&mut self) {
        if let State::Chunk { decoder, .. } = self.state {
            self.state = State::BetweenChunks(decoder);
        }
        self.say(&replies::CHUNK_TAKEN);
    }

    /// Answers the content: one reply, or in LMTP one for each recipient.
    pub fn conclude<'a>(&mut self, replies: impl IntoIterator<Item = &'a Reply>) {
        self.state = State::Ready;
        for reply in replies {
            self.say(reply);
        }
    }

    /// Answers XCLIENT: the session begins again with a greeting.
    pub fn restart(&mut self) {
        self.state = State::Connected;
        self.say(&self.terms.greeting());
    }

    /// Says `reply`, and ends the session.
    pub fn close(&mut self, reply: &Reply) {
        self.state = State::Closed;
        self.say(reply);
    }

    fn say(&mut self, reply: &Reply) {
        if self.slots.is_empty() {
            self.output.extend_from_slice(reply.wire());
        } else {
            self.slots.push_back(Slot::Ready(reply.clone()));
        }
    }

    /// Puts out the replies whose turn has come.
    fn release(&mut self) {
        while let Some(Slot::Ready(reply)) = self.slots.front() {
            self.output.extend_from_slice(reply.wire());
            self.slots.pop_front();
        }
        if self.slots.is_empty() && matches!(self.state, State::Transaction { refused: true, .. }) {
            self.state = State::Ready;
        }
    }
}
