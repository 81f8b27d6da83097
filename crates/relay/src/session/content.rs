//! A message's content, from DATA to its reply.

use super::{READ_CONTENT, Session};
use crate::fitness::{self, Fitting};
use crate::intake::{Intake, Message, READ_LARGE};
use crate::log::Line;
use crate::observer::{self, Answer, Observed, Observer};
use crate::stream::Stream;
use crate::transaction::Way;
use bytes::BufMut;
use filter::{Account, Envelope, Filter, Refusal, Verdict};
use mail::Header;
use smtp::content::Ending;
use smtp::reply::{Reply, ReplyCode, Severity};
use smtp::server::{self, Arrival};
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;

const DISCARDED: Reply = Reply::fixed(b"250 2.0.0 Ok\r\n");

/// A message whose content has begun.
pub(super) struct Content<F: Filter> {
    envelope: Arc<Envelope>,
    /// Taken out when the content ends.
    intake: Option<Intake<F::Pass>>,
    begun: Instant,
    /// What the log says of the size once the intake is gone.
    size: u64,
    decided_in: Option<Duration>,
    observer: Arc<dyn Observer>,
}

impl<F: Filter> Content<F> {
    /// Reads what the client sends, and lets the filter's look-ups go on meanwhile. What is sure to be content is read
    /// to where it is kept, if there is much of it; all else into the `machine`.
    pub(super) async fn receive(
        &mut self,
        stream: &mut Stream,
        machine: &mut server::Session,
    ) -> io::Result<usize> {
        let lender = self.intake.as_mut().filter(|_| machine.expects_content());
        if let Some(mut memory) = lender.and_then(Intake::lend) {
            let mut room = (&mut memory).limit(READ_LARGE);
            let read = self.accompany(stream.read_buf(&mut room)).await;
            if let Some(intake) = &mut self.intake {
                intake.take_back(memory, read.as_ref().copied().unwrap_or(0));
            }
            return read;
        }
        machine.input().reserve(READ_CONTENT);
        self.accompany(stream.read_buf(machine.input())).await
    }

    /// Lets the filter's look-ups go on while `read` waits for the client.
    async fn accompany<T>(&mut self, read: impl Future<Output = T>) -> T {
        let mut read = pin!(read);
        let intake = &mut self.intake;
        poll_fn(|cx| {
            if let Some(intake) = intake {
                // Whether they are done is asked again when the content ends.
                let _ = intake.poll(cx);
            }
            read.as_mut().poll(cx)
        })
        .await
    }

    /// Whether content was read to where it is kept.
    pub(super) fn is_fresh(&self) -> bool {
        self.intake.as_ref().is_some_and(Intake::is_fresh)
    }

    /// Writes the log line of a message that ended before its content did.
    pub(super) fn abandoned(&self, reason: &'static str, words: &str) {
        let account = Account { action: "abandoned", reason, detail: words.to_owned(), ..Account::default() };
        self.line(self.intake.as_ref().and_then(Intake::header), &account, None, false);
    }

    fn line(&self, header: Option<&Header>, account: &Account, reply: Option<&Reply>, next_hop: bool) {
        let size = self.intake.as_ref().map_or(self.size, Intake::size);
        let took = self.begun.elapsed();
        Line { envelope: &self.envelope, header, size, account, reply, next_hop, took }.write();
        let (answer, decided_in) = (Answer::of(reply), self.decided_in);
        self.observer.message(&Observed { account, answer, size, took, decided_in });
    }
}

impl<F: Filter> Session<F> {
    /// Answers DATA: 354 is ours, the next hop waits.
    pub(super) fn begin_content(&mut self) {
        if !self.refuses_content() {
            self.machine.take_content();
            self.open_content();
        }
    }

    /// Refuses content that cannot be passed on, since the next hop was lost.
    fn refuses_content(&mut self) -> bool {
        let Some(transaction) = &self.transaction else { return true };
        let Some(reply) = transaction.broken().cloned() else { return false };
        self.machine.refuse_content(&reply, transaction.recipients.len());
        self.end_transaction();
        true
    }

    /// Takes a chunk's beginning; the first chunk begins the content.
    pub(super) async fn take_chunk(&mut self) {
        if self.refuses_content() {
            return;
        }
        if self.content.is_none() {
            self.open_content();
        }
        self.take_content().await;
    }

    fn open_content(&mut self) {
        let engine = &self.engine;
        let envelope = Arc::new(self.envelope());
        let theirs = engine.pool.offer().and_then(|offer| offer.size).unwrap_or(u64::MAX);
        let limit = engine.settings.limits.message.min(theirs);
        let intake =
            Intake::new(engine.filter.open(Arc::clone(&envelope)), &engine.settings, limit, &engine.shelf);
        self.content = Some(Box::new(Content {
            envelope,
            intake: Some(intake),
            begun: Instant::now(),
            size: 0,
            decided_in: None,
            observer: Arc::clone(&engine.settings.observer),
        }));
    }

    /// Takes what has come of the content.
    pub(super) async fn take_content(&mut self) {
        let Some(Content { intake: Some(intake), .. }) = self.content.as_deref_mut() else { return };
        let arrival = intake.take_from(&mut self.machine);
        if !matches!(arrival, Arrival::End(_)) {
            intake.settle().await;
        }
        match arrival {
            Arrival::More => {}
            Arrival::Chunk => self.machine.chunk_taken(),
            Arrival::End(ending) => Box::pin(self.end_content(ending)).await,
        }
    }

    /// Carries out what the filter decided, and answers the client.
    async fn end_content(&mut self, ending: Ending) {
        let Some(content) = &mut self.content else { return };
        let Some(intake) = content.intake.take() else { return };
        content.size = intake.size();
        let reply = match intake.conclude(ending, &self.engine.settings).await {
            Ok(message) => {
                content.decided_in = Some(message.decided_in);
                let mut message = self.fit(message).await;
                if let Some(words) = fitness::told(ending.strays, self.engine.settings.repairs) {
                    fitness::note(&mut message.decision, &words);
                }
                if let Verdict::Forward(edits) = &message.decision.verdict
                    && edits.drops_first_line(&message.header)
                {
                    fitness::note(&mut message.decision, "a first line that continues no field dropped");
                }
                let verdict = std::mem::replace(&mut message.decision.verdict, Verdict::Discard);
                let (reply, next_hop) = self.carry_out(verdict, &mut message).await;
                self.line(Some(&message.header), &message.decision.account, (&reply, next_hop));
                self.engine.shelf.keep(message.body);
                reply
            }
            Err(reply) => {
                let account = Account {
                    action: "refused",
                    reason: observer::sort(&reply),
                    detail: "by the relay".to_owned(),
                    ..Account::default()
                };
                self.line(None, &account, (&reply, false));
                reply
            }
        };
        let lmtp = self.machine.is_lmtp();
        let recipients = self.transaction.as_ref().map_or(1, |transaction| transaction.recipients.len());
        self.machine.conclude(std::iter::repeat_n(&reply, if lmtp { recipients } else { 1 }));
        self.end_transaction();
        self.touch();
    }

    /// Sets right what servers on the way would change.
    async fn fit(&mut self, message: Message) -> Message {
        let (Some(content), Some(transaction)) = (&self.content, &self.transaction) else { return message };
        if message.unfit.is_none() {
            return message;
        }
        let fitting = Fitting {
            eight_bit_passes: transaction.passes_eight_bit(&self.engine.settings, &self.engine.pool),
            engine: Arc::clone(&self.engine),
            envelope: Arc::clone(&content.envelope),
        };
        fitting.apply(message).await
    }

    /// Writes the log line of a message whose content has ended.
    fn line(&mut self, header: Option<&Header>, account: &Account, (reply, next_hop): (&Reply, bool)) {
        if let Some(content) = self.content.take() {
            content.line(header, account, Some(reply), next_hop);
        }
    }

    /// Gives the reply, and whether the next hop had to do with it.
    async fn carry_out(&mut self, verdict: Verdict, message: &mut Message) -> (Reply, bool) {
        let way = Way { settings: &self.engine.settings, pool: &self.engine.pool, session: &self.name };
        match (verdict, &mut self.transaction) {
            (Verdict::Forward(edits), Some(transaction)) => {
                (transaction.deliver(way, message, &edits).await, true)
            }
            (Verdict::Forward(_), None) => unreachable!("content has a transaction"),
            (Verdict::Refuse(refusal), _) => (reply(&refusal), false),
            (Verdict::Discard, _) => (DISCARDED, false),
        }
    }
}

/// The filter's refusal as a reply. It refuses, whatever its code.
fn reply(refusal: &Refusal) -> Reply {
    let refuses = |code: &ReplyCode| matches!(code.severity(), Severity::Transient | Severity::Permanent);
    let code = ReplyCode::new(refusal.code).filter(refuses).map_or(554, ReplyCode::get);
    Reply::new(code, &format!("{} {}", refusal.enhanced, refusal.text))
}
