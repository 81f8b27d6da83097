//! One message's content on its way in: header, body, limits, and the filter's look-ups meanwhile.

use crate::settings::Settings;
use crate::store::{Body, Sealed, Shelf};
use filter::{Appetite, Decision, Pass};
use mail::conversion::{Survey, Unfit};
use mail::{Header, HeaderProgress, HeaderReader};
use smtp::content::Ending;
use smtp::reply::Reply;
use smtp::server::{self, Arrival};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tracing::error;

const TOO_LARGE: Reply = Reply::fixed(b"552 5.3.4 Message too large\r\n");
const HEADER_TOO_LARGE: Reply = Reply::fixed(b"552 5.3.4 Header section too large\r\n");
const TOO_MANY_FIELDS: Reply = Reply::fixed(b"554 5.6.0 Too many header fields\r\n");
const LOOP: Reply = Reply::fixed(b"554 5.4.6 Too many hops\r\n");
const NO_ROOM: Reply = Reply::fixed(b"452 4.3.1 Local storage failed\r\n");

/// Of content that has shown to be larger than this, more is read at once, straight to where it is kept.
const LARGE: u64 = 32 << 10;
/// How much that is.
pub(crate) const READ_LARGE: usize = 128 << 10;

/// What the filter's look-ups have brought.
enum Answers<P: Pass> {
    /// The header is not complete.
    None,
    Awaited(Pin<Box<dyn Future<Output = P::Answers> + Send>>),
    Ready(P::Answers),
}

/// A message whose content comes in.
pub(crate) struct Intake<P: Pass> {
    reader: HeaderReader,
    header: Option<Header>,
    pass: P,
    answers: Answers<P>,
    hungry: bool,
    body: Body,
    size: u64,
    limit: u64,
    fields: usize,
    hops: usize,
    /// What is looked for in the content, and what was found so far.
    sought: Unfit,
    long_header: bool,
    survey: Survey,
    /// Set as soon as it is known that the message is refused; the rest is swallowed.
    refusal: Option<Reply>,
}

/// A message that is complete, and what the filter decided of it.
pub(crate) struct Message {
    pub(crate) header: Header,
    pub(crate) body: Sealed,
    /// Whether a line of it may begin with a dot.
    pub(crate) dots: bool,
    pub(crate) decision: Decision,
    /// What servers on the way would change.
    pub(crate) unfit: Unfit,
    /// How long the filter took to decide once everything was there.
    pub(crate) decided_in: Duration,
}

impl<P: Pass> Intake<P> {
    /// Begins a message of at most `limit` octets, in memory off the shelf if it is large.
    pub(crate) fn new(pass: P, settings: &Settings, limit: u64, shelf: &Arc<Shelf>) -> Self {
        let limits = settings.limits;
        Self {
            reader: HeaderReader::new(limits.header),
            header: None,
            pass,
            answers: Answers::None,
            hungry: true,
            body: Body::new(limits.memory, &settings.spool, shelf),
            size: 0,
            limit,
            fields: limits.fields,
            hops: limits.hops,
            sought: settings.fitness.sought(),
            long_header: false,
            survey: Survey::default(),
            refusal: None,
        }
    }

    /// How many octets have come.
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// The header, once it is complete.
    pub(crate) const fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// Lends memory of the body to be read into, if the content has shown to be large.
    pub(crate) fn lend(&mut self) -> Option<Vec<u8>> {
        let is_large = self.header.is_some() && self.refusal.is_none() && self.size > LARGE;
        is_large.then(|| self.body.lend(READ_LARGE))
    }

    /// Takes back what it lent, with so many octets read to the end of it.
    pub(crate) fn take_back(&mut self, memory: Vec<u8>, read: usize) {
        self.body.take_back(memory, read);
    }

    /// Whether there is content in memory that it lent.
    pub(crate) const fn is_fresh(&self) -> bool {
        self.body.is_fresh()
    }

    /// Takes what has come of the content.
    pub(crate) fn take_from(&mut self, machine: &mut server::Session) -> Arrival {
        if self.is_fresh() { self.take_fresh(machine) } else { machine.content(|piece| self.take(piece)) }
    }

    /// Takes what was read to where it stays. Nearly all content stays as it came; from the first octet on that does
    /// not, it is copied.
    fn take_fresh(&mut self, machine: &mut server::Session) -> Arrival {
        let (mut memory, from) = self.body.lend_fresh();
        let (block, mut kept, mut copied) = (&memory[from..], 0, Vec::new());
        let (arrival, consumed) = machine.content_of(block, |piece| {
            if self.admits(piece) {
                self.look(piece);
                let next = block.get(kept..kept + piece.len());
                if copied.is_empty() && next.is_some_and(|next| std::ptr::eq(next, piece)) {
                    kept += piece.len();
                } else {
                    copied.extend_from_slice(piece);
                }
            }
        });
        machine.input().extend_from_slice(&block[consumed..]);
        memory.truncate(from + kept);
        memory.extend_from_slice(&copied);
        if self.refusal.is_none() {
            self.body.take_back(memory, 0);
        }
        arrival
    }

    /// Counts a piece of content; whether it is wanted.
    fn admits(&mut self, piece: &[u8]) -> bool {
        self.size += piece.len() as u64;
        if self.size > self.limit {
            self.refuse(TOO_LARGE);
        }
        self.refusal.is_none()
    }

    /// Takes the next piece of content.
    fn take(&mut self, piece: &[u8]) {
        if !self.admits(piece) {
            return;
        }
        if self.header.is_some() {
            return self.take_body(piece);
        }
        match self.reader.read(piece) {
            Ok(HeaderProgress::More) => {}
            Ok(HeaderProgress::Body { consumed }) => {
                let header = self.take_reader().complete();
                self.take_header(header);
                self.take_body(&piece[consumed..]);
            }
            Err(_) => self.refuse(HEADER_TOO_LARGE),
        }
    }

    /// Moves to a file what is too much for memory.
    pub(crate) async fn settle(&mut self) {
        if let Err(error) = self.body.settle().await {
            error!(%error, "cannot store a body");
            self.refuse(NO_ROOM);
        }
    }

    /// Lets the look-ups go on.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Answers::Awaited(future) = &mut self.answers else { return Poll::Ready(()) };
        future.as_mut().poll(cx).map(|answers| self.answers = Answers::Ready(answers))
    }

    /// Ends the content: the message with the filter's decision, or the reply that refuses it.
    pub(crate) async fn conclude(mut self, ending: Ending, settings: &Settings) -> Result<Message, Reply> {
        if self.header.is_none() {
            let header = self.take_reader().ended();
            self.take_header(header);
        }
        if let Some(stray) = ending.strays.refused(settings.repairs) {
            return Err(Reply::new(550, &format!("5.6.0 Message contains a {stray}")));
        }
        if let Some(refusal) = self.refusal {
            return Err(refusal);
        }
        poll_fn(|cx| self.poll(cx)).await;
        let (Answers::Ready(answers), Some(header)) = (self.answers, self.header) else {
            unreachable!("the header was shown to the filter, and its answers awaited");
        };
        let body = self.body.seal().await.map_err(|error| {
            error!(%error, "cannot store a body");
            NO_ROOM
        })?;
        let survey = self.survey.finish();
        let unfit = Unfit { long_lines: survey.long_lines || self.long_header, ..survey }.and(self.sought);
        let begun = Instant::now();
        let decision = self.pass.finish(answers);
        Ok(Message { decision, header, body, dots: ending.dots, unfit, decided_in: begun.elapsed() })
    }

    fn take_reader(&mut self) -> HeaderReader {
        std::mem::replace(&mut self.reader, HeaderReader::new(0))
    }

    fn take_header(&mut self, header: Header) {
        if header.len() > self.fields {
            self.refuse(TOO_MANY_FIELDS);
        } else if header.named("Received").count() > self.hops {
            self.refuse(LOOP);
        } else {
            self.answers = Answers::Awaited(Box::pin(self.pass.header(&header)));
        }
        // Octets above 127 in fields are for SMTPUTF8, and nobody converts them.
        self.long_header = self.sought.long_lines && Survey::of(header.raw()).long_lines;
        self.header = Some(header);
    }

    fn take_body(&mut self, piece: &[u8]) {
        if !piece.is_empty() && self.refusal.is_none() {
            self.look(piece);
            self.body.push(piece);
        }
    }

    /// Shows a piece of the body to the filter, and looks for what does not fit.
    fn look(&mut self, piece: &[u8]) {
        self.hungry = self.hungry && self.pass.body(piece) == Appetite::Hungry;
        if !self.sought.is_none() {
            self.survey.take(piece);
        }
    }

    /// Keeps the first reason, and nothing of the message.
    fn refuse(&mut self, reply: Reply) {
        self.refusal.get_or_insert(reply);
        self.answers = Answers::None;
        self.body.clear();
        self.take_reader();
    }
}
