//! One client's connection, from the greeting to the end.

mod content;
mod hello;

use crate::serve::{Engine, Place, SHUTTING_DOWN};
use crate::settings::{Protocol, Settings};
use crate::stream::Stream;
use crate::transaction::{Transaction, Way};
use crate::wait::{Signal, Timer};
use bytes::Bytes;
use content::Content;
use filter::Filter;
use smtp::reply::Reply;
use smtp::server::{self, Event, Terms};
use smtp::xforward::Attributes;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};
use tracing::{debug, info};

const TIMED_OUT: Reply = Reply::fixed(b"421 4.4.2 Timeout\r\n");
const IN_DOUBT: Reply =
    Reply::fixed(b"451 4.4.2 No answer from the next hop, which may have the message\r\n");
/// How much is read at once between messages.
const READ_COMMANDS: usize = 2 << 10;
/// How much is read at once of a message.
const READ_CONTENT: usize = 16 << 10;
/// Content that comes slower than this in each of the client's deadlines has stopped.
const PROGRESS: usize = 4 << 10;

/// How long a client that is speaking has to hear why it is not listened to any more.
const LINGER: Duration = Duration::from_secs(1);
/// How often is read from it meanwhile.
const LINGER_READS: usize = 64;

/// Why a session ends.
enum End {
    /// It was said, by either side.
    Closed,
    /// The connection broke.
    Lost(io::Error),
    /// The client said nothing for too long.
    TimedOut,
    /// The relay ends.
    Drained,
}

/// A client's session.
pub(crate) struct Session<F: Filter> {
    engine: Arc<Engine<F>>,
    place: Place<F>,
    name: String,
    stream: Stream,
    machine: server::Session,
    peer: Option<IpAddr>,
    helo: Option<Bytes>,
    /// What XCLIENT told of the client.
    posed: Attributes,
    /// What XFORWARD told of the next message's client.
    forwarded: Attributes,
    transaction: Option<Box<Transaction>>,
    content: Option<Box<Content<F>>>,
    timer: Timer,
    /// That sessions end when it is convenient.
    stopping: Signal,
    /// Until when the client has to say something.
    deadline: Instant,
    /// Until when the message under way has to be complete.
    complete_by: Option<Instant>,
    /// How much of the content came since the deadline was set.
    progress: usize,
}

impl<F: Filter> Session<F> {
    pub(crate) fn new(
        place: Place<F>,
        engine: Arc<Engine<F>>,
        (stream, peer): (Stream, Option<IpAddr>),
        name: String,
    ) -> Self {
        let settings = &engine.settings;
        Self {
            machine: server::Session::new(terms(settings)),
            peer,
            helo: None,
            posed: Attributes::default(),
            forwarded: Attributes::default(),
            transaction: None,
            content: None,
            timer: Timer::default(),
            stopping: Signal::of(&place.shared.stopping),
            deadline: Instant::now() + settings.deadlines.client,
            complete_by: None,
            progress: 0,
            engine,
            place,
            name,
            stream,
        }
    }

    /// Serves the client to the end.
    pub(crate) async fn run(mut self) {
        let mut halted = Signal::of(&self.place.shared.halted);
        let end = tokio::select! {
            biased;
            end = self.converse() => end,
            () = halted.come() => End::Drained,
        };
        let words: &[&Reply] = match &end {
            End::Closed | End::Lost(_) => &[],
            End::TimedOut => &[&TIMED_OUT],
            End::Drained if self.is_committed() => &[&IN_DOUBT, &SHUTTING_DOWN],
            End::Drained => &[&SHUTTING_DOWN],
        };
        self.abandon(&end);
        for reply in words {
            // A client that does not read at once what fits in any socket buffer need not know.
            let _ = self.stream.try_write(reply.wire());
        }
        match end {
            End::Lost(error) => debug!(session = self.name, %error, "client lost"),
            _ if self.machine.input().is_empty() => {}
            _ => self.linger().await,
        }
    }

    /// Reads on for a moment. If we close on a client while it speaks, the system takes our last words back.
    async fn linger(mut self) {
        // What fails here is over anyhow.
        let _ = self.stream.shutdown().await;
        let ignored = async {
            for _ in 0..LINGER_READS {
                self.machine.input().clear();
                self.machine.input().reserve(READ_CONTENT);
                if !matches!(self.stream.read_buf(self.machine.input()).await, Ok(1..)) {
                    return;
                }
            }
        };
        let _ = timeout(LINGER, ignored).await;
    }

    /// Takes events until the session ends.
    async fn converse(&mut self) -> End {
        if self.engine.settings.proxy_protocol
            && let Err(end) = Box::pin(self.be_introduced()).await
        {
            return end;
        }
        loop {
            if self.has_content() {
                self.take_content().await;
            } else if self.take_commands().await {
            } else if self.transaction.as_ref().is_some_and(|transaction| transaction.is_due()) {
                Box::pin(self.fly()).await;
            } else if let Err(end) = self.receive().await {
                return end;
            }
        }
    }

    fn has_content(&self) -> bool {
        self.machine.has_content() || self.content.as_ref().is_some_and(|content| content.is_fresh())
    }

    /// Takes commands up to the first that is not answered by itself; whether there was one.
    async fn take_commands(&mut self) -> bool {
        let before = self.machine.commands();
        let event = self.machine.next_event();
        let (came, is_event) = (self.machine.commands() > before, event.is_some());
        for (command, reply) in self.machine.refused() {
            let command = String::from_utf8_lossy(&command);
            info!(session = self.name, client = ?self.peer, ?command, %reply, "command refused");
        }
        if let Some(event) = event {
            self.take(event).await;
        }
        if came {
            self.touch();
        }
        is_event
    }

    async fn take(&mut self, event: Event) {
        match event {
            Event::Hello(name) => {
                self.end_transaction();
                self.helo = Some(name);
                let offer = Box::pin(self.offer()).await;
                self.machine.hello(offer);
            }
            Event::OldHello(name) => {
                self.end_transaction();
                self.helo = Some(name);
            }
            Event::Mail(path, parameters) => {
                self.keep_up();
                self.complete_by = Some(Instant::now() + self.engine.settings.deadlines.message);
                let client = self.told();
                self.transaction = Some(Box::new(Transaction::new((path, parameters), client)));
            }
            Event::Recipient(path, parameters) => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.recipient((path, parameters));
                }
            }
            Event::Data => self.begin_content(),
            Event::Chunk => self.take_chunk().await,
            Event::Xforward(attributes) => self.forwarded.merge(attributes),
            Event::Xclient(attributes) => {
                self.end_transaction();
                self.posed.merge(attributes);
                self.machine.restart();
            }
            Event::Reset | Event::Closed => self.end_transaction(),
        }
    }

    /// Goes on with the settings and the filter that are in force, all of them at once.
    fn keep_up(&mut self) {
        let engine = self.place.shared.engine();
        if !Arc::ptr_eq(&engine, &self.engine) {
            self.machine.renew(terms(&engine.settings));
            self.engine = engine;
        }
    }

    /// Asks the next hop what the client asked.
    async fn fly(&mut self) {
        let way = Way { settings: &self.engine.settings, pool: &self.engine.pool, session: &self.name };
        let Some(transaction) = &mut self.transaction else { return };
        for reply in transaction.fly(way).await {
            self.machine.answer(reply);
        }
        self.touch();
    }

    /// Forgets the message that was begun, here and at the next hop. One whose content had begun was given up between
    /// two chunks, by a command or by too many faults.
    fn end_transaction(&mut self) {
        if let Some(content) = self.content.take() {
            content.abandoned("client_quit", "the client gave up");
        }
        self.complete_by = None;
        self.forwarded = Attributes::default();
        if let Some(mut transaction) = self.transaction.take() {
            transaction.end(&self.engine.pool);
        }
    }

    /// Forgets all when the session ends, and says what became of a message whose content had begun.
    fn abandon(&mut self, end: &End) {
        let said = match end {
            // That it was said has ended the transaction.
            End::Closed => None,
            End::Lost(_) => Some(("client_lost", "the client was lost")),
            End::TimedOut => Some(("client_silent", "the client fell silent")),
            End::Drained if self.is_committed() => {
                Some(("in_doubt", "the relay ends; the next hop may have the message"))
            }
            End::Drained => Some(("drained", "the relay ends")),
        };
        if let Some((reason, words)) = said
            && let Some(content) = self.content.take()
        {
            content.abandoned(reason, words);
        }
        self.end_transaction();
    }

    fn is_committed(&self) -> bool {
        self.transaction.as_ref().is_some_and(|transaction| transaction.committed)
    }

    /// Gives the client its whole time again, up to what a message may take.
    fn touch(&mut self) {
        let next = Instant::now() + self.engine.settings.deadlines.client;
        // A MAIL that was refused began none.
        let complete_by = self.complete_by.filter(|_| !self.machine.is_between_messages());
        self.deadline = complete_by.map_or(next, |complete| complete.min(next));
        self.progress = 0;
    }

    /// Sends what is to be sent, and takes what the client sends.
    async fn receive(&mut self) -> Result<(), End> {
        self.flush().await?;
        if self.machine.is_closed() {
            return Err(End::Closed);
        }
        if !self.machine.is_in_content() {
            self.wait().await?;
        }
        let deadline = self.deadline;
        let taken = if let Some(content) = &mut self.content {
            let read = content.receive(&mut self.stream, &mut self.machine);
            self.timer.within(deadline, read).await
        } else {
            self.machine.input().reserve(READ_COMMANDS);
            self.timer.within(deadline, self.stream.read_buf(self.machine.input())).await
        };
        match taken {
            Ok(Ok(0)) => Err(End::Lost(io::ErrorKind::UnexpectedEof.into())),
            Ok(Ok(taken)) => {
                self.progress += taken;
                if self.machine.is_in_content() && self.progress >= PROGRESS {
                    self.touch();
                }
                Ok(())
            }
            Ok(Err(error)) => Err(End::Lost(error)),
            Err(_) => Err(End::TimedOut),
        }
    }

    /// Waits for a command. An idle session holds no buffers; when the relay ends, it ends here.
    async fn wait(&mut self) -> Result<(), End> {
        if self.machine.is_idle() {
            self.machine.shrink();
        }
        let readable = self.timer.within(self.deadline, self.stream.readable());
        tokio::select! {
            biased;
            () = self.stopping.come() => Err(End::Drained),
            ready = readable => match ready {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(End::Lost(error)),
                Err(_) => Err(End::TimedOut),
            },
        }
    }

    async fn flush(&mut self) -> Result<(), End> {
        if self.machine.output().is_empty() {
            return Ok(());
        }
        let deadline = Instant::now() + self.engine.settings.deadlines.client;
        let write = self.stream.write_all(self.machine.output());
        match self.timer.within(deadline, write).await {
            Ok(Ok(())) => self.machine.output().clear(),
            Ok(Err(error)) => return Err(End::Lost(error)),
            Err(_) => return Err(End::TimedOut),
        }
        Ok(())
    }
}

/// What a client is held to.
fn terms(settings: &Settings) -> Terms {
    Terms {
        hostname: settings.hostname.clone(),
        lmtp: settings.protocol == Protocol::Lmtp,
        line: settings.limits.line,
        recipients: settings.limits.recipients,
        errors: settings.limits.errors,
        commands: settings.limits.commands,
        repairs: settings.repairs,
    }
}
