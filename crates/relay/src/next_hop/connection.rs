//! One connection to the next hop.

use super::Fault;
use crate::settings::Deadlines;
use crate::stream::Stream;
use crate::wait::Timer;
use smtp::client::{Conversation, ConversationFault, Stage};
use smtp::extension::{Extension, Offer};
use smtp::reply::Reply;
use std::borrow::Cow;
use std::io::{self, IoSlice};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A command, and what its reply is awaited for.
pub(crate) type Ask = (Stage, Cow<'static, [u8]>);

const RESET: &[u8] = b"RSET\r\n";
/// How much is read at once: a reply, or those to a flight of commands.
const READ: usize = 2048;

/// How many commands are sent at most before their replies are read: while both sides write, neither reads, and what
/// waits for its reader has to fit in the socket's buffers (RFC 2920 §3.1).
const FLIGHT: usize = 500;

/// A connection that has been greeted, or is about to be.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    talk: Conversation,
    timer: Timer,
    deadlines: Deadlines,
    pub(super) offer: Offer,
    /// Whether attributes of some client were told, and not all taken back.
    pub(crate) told: bool,
    /// How many messages it has carried before this one.
    pub(crate) uses: usize,
    pub(super) since: Instant,
    pub(super) idle_since: Instant,
}

impl Connection {
    pub(super) fn new(stream: Stream, deadlines: Deadlines) -> Self {
        let now = Instant::now();
        Self {
            stream,
            talk: Conversation::new(),
            timer: Timer::default(),
            deadlines,
            offer: Offer::default(),
            told: false,
            uses: 0,
            since: now,
            idle_since: now,
        }
    }

    /// What the next hop offers.
    pub(crate) const fn offer(&self) -> &Offer {
        &self.offer
    }

    /// Asks all of this, in one flight where the next hop takes that, and brings all replies.
    pub(crate) async fn exchange(&mut self, asks: &[Ask]) -> Result<Vec<Reply>, Fault> {
        self.settle().await?;
        let mut replies = Vec::with_capacity(asks.len());
        let flight = if self.offer.has(Extension::Pipelining) { FLIGHT } else { 1 };
        for asks in asks.chunks(flight) {
            for (stage, command) in asks {
                self.talk.ask(*stage, command);
            }
            self.flush().await?;
            for _ in asks {
                replies.push(self.reply().await?);
            }
            self.talk.check_step()?;
        }
        Ok(replies)
    }

    /// Asks one thing.
    pub(crate) async fn ask(
        &mut self,
        stage: Stage,
        command: impl Into<Cow<'static, [u8]>>,
    ) -> Result<Reply, Fault> {
        let mut replies = self.exchange(&[(stage, command.into())]).await?;
        Ok(replies.pop().expect("each command brings one reply"))
    }

    /// Waits for the reply to a RSET that nobody waited for.
    async fn settle(&mut self) -> Result<(), Fault> {
        while self.talk.awaits() == Some(Stage::Reset) {
            let reply = self.reply().await?;
            if !reply.is_completed() {
                return Err(Fault::Inconstant(reply));
            }
            self.talk.check_step()?;
        }
        Ok(())
    }

    /// The next reply that is due.
    pub(super) async fn reply(&mut self) -> Result<Reply, Fault> {
        let stage = self.talk.awaits();
        let deadline = deadline(self.patience(stage));
        match self.timer.within(deadline, next_reply(&mut self.stream, &mut self.talk)).await {
            Ok(Ok(reply)) if reply.code().get() == 421 => Err(Fault::Closing(reply)),
            Ok(reply) => reply,
            Err(_) => Err(Fault::Silent(stage)),
        }
    }

    const fn patience(&self, stage: Option<Stage>) -> Duration {
        match stage {
            Some(Stage::Greeting) => self.deadlines.greeting,
            Some(Stage::Data) => self.deadlines.data,
            Some(Stage::Content) => self.deadlines.r#final,
            _ => self.deadlines.command,
        }
    }

    async fn flush(&mut self) -> Result<(), Fault> {
        let stage = self.talk.awaits();
        let write = self.stream.write_all(self.talk.output());
        match self.timer.within(deadline(self.deadlines.command), write).await {
            Ok(Ok(())) => self.talk.output().clear(),
            Ok(Err(error)) => return Err(Fault::Lost(stage, error)),
            Err(_) => return Err(Fault::Silent(stage)),
        }
        Ok(())
    }

    /// Sends a block of content, which is in pieces.
    pub(crate) async fn send(&mut self, block: &mut [IoSlice<'_>]) -> Result<(), Fault> {
        let write = self.stream.write_all_vectored(block);
        match self.timer.within(deadline(self.deadlines.content), write).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.early_reply(Fault::Lost(Some(Stage::Content), error)).await),
            Err(_) => Err(Fault::Silent(Some(Stage::Content))),
        }
    }

    /// Brings the reply to the content, once its last block is sent.
    pub(crate) async fn finish(&mut self) -> Result<Reply, Fault> {
        self.talk.expect(Stage::Content);
        let reply = self.reply().await?;
        // RFC 5321 §3.8: a server that must shut down says 421 unasked, which takes no answer back. Left unread, it
        // keeps the connection from being used again.
        if !self.talk.input().starts_with(b"421") {
            self.talk.check_step()?;
        }
        Ok(reply)
    }

    /// Looks whether the next hop has said anything, without waiting. It must not have: nothing was asked.
    pub(crate) fn listen(&mut self) -> Result<(), Fault> {
        match self.overhear()? {
            None => Ok(()),
            Some(closing @ Fault::Closing(_)) => Err(closing),
            Some(_) => Err(ConversationFault::Unasked.into()),
        }
    }

    /// The same while the content is on its way, which the next hop may refuse before it has all of it.
    pub(crate) fn listen_for_refusal(&mut self) -> Result<(), Fault> {
        self.overhear()?.map_or(Ok(()), Err)
    }

    /// What the next hop has said unasked, without waiting.
    fn overhear(&mut self) -> Result<Option<Fault>, Fault> {
        let stage = self.talk.awaits();
        let input = self.talk.input();
        input.reserve(READ);
        match self.stream.try_read(input) {
            Ok(0) => return Err(Fault::Lost(stage, io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(Fault::Lost(stage, error)),
        }
        Ok(self.said())
    }

    /// What has been heard that nobody asked for: that the next hop closes, a refusal, or nothing to be understood.
    fn said(&mut self) -> Option<Fault> {
        if self.talk.check_step().is_ok() {
            return None;
        }
        self.talk.expect(Stage::Content);
        Some(match self.talk.next_reply() {
            Ok(Some(reply)) if reply.code().get() == 421 => Fault::Closing(reply),
            Ok(Some(reply)) if !reply.is_completed() => Fault::Early(reply),
            _ => ConversationFault::Unasked.into(),
        })
    }

    /// What the next hop said before it stopped reading, if that was a refusal; else `fault`.
    async fn early_reply(&mut self, fault: Fault) -> Fault {
        // The connection is closed: a read brings what was said before, or fails at once. Why, `fault` says.
        let input = self.talk.input();
        input.reserve(READ);
        let _ = self.timer.within(deadline(self.deadlines.command), self.stream.read_buf(input)).await;
        match self.said() {
            Some(said @ (Fault::Early(_) | Fault::Closing(_))) => said,
            _ => fault,
        }
    }

    /// Sends RSET without waiting for the reply. Whether the connection is still of use.
    pub(super) fn reset(&mut self) -> bool {
        if !self.talk.is_in_step() || !self.talk.output().is_empty() {
            return false;
        }
        self.talk.expect(Stage::Reset);
        self.stream.try_write(RESET).is_ok_and(|written| written == RESET.len())
    }

    /// Whether it is in step, or will be once its RSET is answered, as far as can be seen without waiting.
    pub(super) fn is_of_use(&mut self) -> bool {
        match self.talk.awaits() {
            None => self.listen().is_ok(),
            stage => stage == Some(Stage::Reset),
        }
    }

    /// Says goodbye, and does not wait for an answer.
    pub(super) fn quit(self) {
        if self.talk.is_in_step() || self.talk.awaits() == Some(Stage::Reset) {
            let _ = self.stream.try_write(b"QUIT\r\n");
        }
    }

    pub(super) fn shrink(&mut self) {
        self.talk.shrink();
    }
}

fn deadline(patience: Duration) -> tokio::time::Instant {
    tokio::time::Instant::now() + patience
}

async fn next_reply(stream: &mut Stream, talk: &mut Conversation) -> Result<Reply, Fault> {
    let stage = talk.awaits();
    loop {
        if let Some(reply) = talk.next_reply()? {
            return Ok(reply);
        }
        let input = talk.input();
        input.reserve(READ);
        match stream.read_buf(input).await {
            Ok(0) => return Err(Fault::Lost(stage, io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => {}
            Err(error) => return Err(Fault::Lost(stage, error)),
        }
    }
}
