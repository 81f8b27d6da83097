//! An SMTP server that replies as scripted, and keeps what it was given.

use crate::{Message, ports, wait};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What Postfix offers on a return port.
const KEYWORDS: [&str; 7] = [
    "PIPELINING",
    "SIZE 0",
    "ENHANCEDSTATUSCODES",
    "8BITMIME",
    "DSN",
    "SMTPUTF8",
    "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE",
];

/// What a next hop says to what; see [`NextHop::fake`].
#[derive(Clone, Debug)]
pub struct Script {
    port: Option<u16>,
    keywords: Vec<String>,
    rules: Vec<Rule>,
}

/// The reply to a command that begins with `to`, for the first `times` such commands.
#[derive(Clone, Debug)]
struct Rule {
    to: String,
    act: Act,
    times: usize,
}

#[derive(Clone, Debug)]
enum Act {
    Reply(String),
    Hang,
    Close,
}

/// A running next hop; it ends, with all its connections, when it is dropped.
#[derive(Debug)]
pub struct NextHop {
    port: u16,
    seen: Arc<Seen>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Seen {
    rules: Mutex<Vec<Rule>>,
    keywords: Vec<String>,
    state: Mutex<State>,
    count: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct State {
    commands: Vec<String>,
    messages: Vec<Message>,
    connections: usize,
    hanging: usize,
    tasks: Vec<JoinHandle<()>>,
}

impl NextHop {
    /// A next hop that takes everything, and offers what Postfix offers on a return port.
    pub fn fake() -> Script {
        Script { port: None, keywords: Vec::new(), rules: Vec::new() }.offers(&KEYWORDS)
    }

    /// The port it listens on, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The first message taken; waits for it.
    pub async fn taken(&self) -> Message {
        self.all_taken(1).await.swap_remove(0)
    }

    /// The messages taken, once there are `count` of them.
    pub async fn all_taken(&self, count: usize) -> Vec<Message> {
        self.all_taken_within(count, wait::STEP).await
    }

    /// The same with a limit of its own.
    pub async fn all_taken_within(&self, count: usize, limit: Duration) -> Vec<Message> {
        let mut changed = self.seen.count.subscribe();
        let enough = tokio::time::timeout(limit, changed.wait_for(|&taken| taken >= count)).await;
        let messages = self.messages();
        assert!(
            enough.is_ok(),
            "{} of {count} messages after {} s; it heard {:#?}",
            messages.len(),
            limit.as_secs(),
            self.commands()
        );
        messages
    }

    /// The messages taken so far.
    pub fn messages(&self) -> Vec<Message> {
        self.seen.state().messages.clone()
    }

    /// The commands heard so far, of all connections.
    pub fn commands(&self) -> Vec<String> {
        self.seen.state().commands.clone()
    }

    /// How many connections have come to where they hang.
    pub fn hanging(&self) -> usize {
        self.seen.state().hanging
    }

    /// How many connections have been accepted so far.
    pub fn connections(&self) -> usize {
        self.seen.state().connections
    }
}

impl Drop for NextHop {
    fn drop(&mut self) {
        self.accepting.abort();
        for task in &self.seen.state().tasks {
            task.abort();
        }
    }
}

impl Script {
    /// Listens on this port, such as the one of a next hop that was dropped.
    #[must_use]
    pub fn port(mut self, port: u16) -> Script {
        self.port = Some(port);
        self
    }

    /// Replies so to each command that begins with `to`. Two are none of the client's: `CONNECT`, answered by the
    /// greeting, and `CONTENT`, answered after the final dot. Lines of a longer reply are parted by `\n`.
    #[must_use]
    pub fn answers(self, to: &str, reply: &str) -> Script {
        self.acts(to, Act::Reply(reply.to_owned()), usize::MAX)
    }

    /// The same for the first such command only.
    #[must_use]
    pub fn answers_once(self, to: &str, reply: &str) -> Script {
        self.acts(to, Act::Reply(reply.to_owned()), 1)
    }

    /// [`Script::answers`] with a 4yz or 5yz reply, for what a scenario reads like.
    #[must_use]
    pub fn refuses(self, to: &str, reply: &str) -> Script {
        self.answers(to, reply)
    }

    /// Closes the connection instead of replying to the first such command.
    #[must_use]
    pub fn drops_at(self, to: &str) -> Script {
        self.acts(to, Act::Close, 1)
    }

    /// Falls silent at each such command.
    #[must_use]
    pub fn hangs_at(self, to: &str) -> Script {
        self.acts(to, Act::Hang, usize::MAX)
    }

    /// Offers these EHLO keywords, and no others.
    #[must_use]
    pub fn offers(mut self, keywords: &[&str]) -> Script {
        self.keywords = keywords.iter().map(|&keyword| keyword.to_owned()).collect();
        self
    }

    fn acts(mut self, to: &str, act: Act, times: usize) -> Script {
        self.rules.push(Rule { to: to.to_ascii_uppercase(), act, times });
        self
    }

    /// Listens.
    pub async fn start(self) -> NextHop {
        let port = self.port.unwrap_or_else(ports::free);
        let listener = TcpListener::bind(("127.0.0.1", port)).await;
        let listener = listener.unwrap_or_else(|fault| panic!("next hop on port {port}: {fault}"));
        let (count, _) = watch::channel(0);
        let seen = Arc::new(Seen {
            rules: Mutex::new(self.rules),
            keywords: self.keywords,
            state: Mutex::default(),
            count,
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&seen)));
        NextHop { port, seen, accepting }
    }
}

async fn accept(listener: TcpListener, seen: Arc<Seen>) {
    while let Ok((stream, _)) = listener.accept().await {
        let conversation = tokio::spawn(Conversation::new(stream, Arc::clone(&seen)).run());
        let mut state = seen.state();
        state.connections += 1;
        state.tasks.push(conversation);
    }
}

impl Seen {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn act_on(&self, command: &str) -> Option<Act> {
        let command = command.to_ascii_uppercase();
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let rule = rules.iter_mut().find(|rule| rule.times > 0 && command.starts_with(&rule.to))?;
        rule.times = rule.times.saturating_sub(usize::from(rule.times != usize::MAX));
        Some(rule.act.clone())
    }

    fn take(&self, message: Message) {
        let count = {
            let mut state = self.state();
            state.messages.push(message);
            state.messages.len()
        };
        self.count.send_replace(count);
    }
}

/// One connection.
struct Conversation {
    reader: BufReader<tokio::net::tcp::OwnedReadHalf>,
    writer: OwnedWriteHalf,
    seen: Arc<Seen>,
    message: Message,
}

/// Why a conversation ends.
struct Over;

impl From<std::io::Error> for Over {
    fn from(_: std::io::Error) -> Over {
        Over
    }
}

impl Conversation {
    fn new(stream: TcpStream, seen: Arc<Seen>) -> Conversation {
        // A refusal only costs speed.
        let _ = stream.set_nodelay(true);
        let (reader, writer) = stream.into_split();
        Conversation {
            reader: BufReader::with_capacity(64 * 1024, reader),
            writer,
            seen,
            message: Message::default(),
        }
    }

    async fn run(mut self) {
        if self.reply("CONNECT", "220 next-hop.example ESMTP").await.is_err() {
            return;
        }
        while let Ok(command) = self.command().await {
            if self.obey(&command).await.is_err() {
                return;
            }
        }
    }

    async fn command(&mut self) -> Result<String, Over> {
        let mut line = Vec::new();
        if self.reader.read_until(b'\n', &mut line).await? == 0 {
            return Err(Over);
        }
        let command = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
        self.seen.state().commands.push(command.clone());
        Ok(command)
    }

    async fn obey(&mut self, command: &str) -> Result<(), Over> {
        let verb = command.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => {
                let keywords = self.seen.keywords.iter().map(|keyword| format!("\n{keyword}"));
                let offer = format!("250 next-hop.example{}", keywords.collect::<String>());
                self.reply(command, &offer).await.map(drop)
            }
            "MAIL" if self.reply(command, "250 2.1.0 sender ok").await? => {
                self.message = Message { mail: command.to_owned(), ..Message::default() };
                Ok(())
            }
            "RCPT" if self.reply(command, "250 2.1.5 recipient ok").await? => {
                self.message.recipients.push(command.to_owned());
                Ok(())
            }
            "MAIL" | "RCPT" => Ok(()),
            "DATA" => self.data(command).await,
            "QUIT" => self.reply(command, "221 2.0.0 bye").await.and(Err(Over)),
            "HELO" | "RSET" | "NOOP" | "XFORWARD" => self.reply(command, "250 2.0.0 ok").await.map(drop),
            _ => self.reply(command, "502 5.5.1 what?").await.map(drop),
        }
    }

    async fn data(&mut self, command: &str) -> Result<(), Over> {
        let ready = if self.message.recipients.is_empty() { "554 5.5.1 no recipients" } else { "354 go on" };
        if !self.reply(command, ready).await? {
            return Ok(());
        }
        self.message.bytes = self.content().await?;
        let message = std::mem::take(&mut self.message);
        let reply = self.decide("CONTENT", "250 2.0.0 taken").await?;
        // Taken before it says so: whoever hears the reply finds the message.
        if reply.starts_with('2') {
            self.seen.take(message);
        }
        self.write(&reply).await
    }

    /// Replies to `command`; whether the reply was a good one.
    async fn reply(&mut self, command: &str, usual: &str) -> Result<bool, Over> {
        let reply = self.decide(command, usual).await?;
        self.write(&reply).await?;
        Ok(reply.starts_with(['2', '3']))
    }

    async fn decide(&mut self, command: &str, usual: &str) -> Result<String, Over> {
        match self.seen.act_on(command) {
            None => Ok(usual.to_owned()),
            Some(Act::Reply(reply)) => Ok(reply),
            Some(Act::Close) => Err(Over),
            Some(Act::Hang) => {
                self.seen.state().hanging += 1;
                std::future::pending().await
            }
        }
    }

    /// Writes the lines of `reply`, all of which bear the code of the first.
    async fn write(&mut self, reply: &str) -> Result<(), Over> {
        let (code, _) = reply.split_at_checked(3).unwrap_or((reply, ""));
        let last = reply.lines().count().saturating_sub(1);
        let mut wire = String::new();
        for (number, line) in reply.lines().enumerate() {
            let text = line.strip_prefix(code).map_or(line, |rest| rest.trim_start_matches([' ', '-']));
            let separator = if number == last { ' ' } else { '-' };
            // A string takes everything.
            let _ = write!(wire, "{code}{separator}{text}\r\n");
        }
        self.writer.write_all(wire.as_bytes()).await.map_err(Over::from)
    }

    /// The content up to CRLF . CRLF, without dot-stuffing.
    async fn content(&mut self) -> Result<Vec<u8>, Over> {
        let mut content = Vec::new();
        let mut line = Vec::new();
        loop {
            line.clear();
            if self.reader.read_until(b'\n', &mut line).await? == 0 {
                return Err(Over);
            }
            let begins = content.is_empty() || content.ends_with(b"\r\n");
            if begins && line == b".\r\n" {
                return Ok(content);
            }
            let stuffed = begins && line.starts_with(b".");
            content.extend_from_slice(&line[usize::from(stuffed)..]);
        }
    }
}
