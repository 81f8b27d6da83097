//! Many clients with one queue: each message is sent until it is taken, as an MTA does.

use crate::{Message, wait};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// How long a client waits after a refusal before it tries again.
const RETRY: Duration = Duration::from_millis(20);

/// Clients at work; they end when this value is dropped.
#[derive(Debug)]
pub struct Load {
    clients: JoinSet<()>,
    queue: Arc<Queue>,
}

/// What is to be sent, and what became of it.
#[derive(Debug)]
pub struct Queue {
    port: u16,
    sender: String,
    size: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<usize>,
    taken: Vec<usize>,
    doubtful: BTreeMap<usize, usize>,
    deferred: usize,
    connections: usize,
}

/// How one attempt at a message ended.
enum Fate {
    Taken,
    /// It was refused, or the connection was lost before its end was sent.
    Deferred,
    /// No reply came to its end.
    Doubtful,
}

impl Load {
    /// So many clients send messages 0 to `count`, each of about `size` octets, to `port`.
    pub fn start(clients: usize, count: usize, (port, sender): (u16, &str), size: usize) -> Load {
        let state = Mutex::new(State { waiting: (0..count).collect(), ..State::default() });
        let queue = Arc::new(Queue { port, sender: sender.to_owned(), size, state });
        let mut tasks = JoinSet::new();
        for _ in 0..clients {
            tasks.spawn(Arc::clone(&queue).work());
        }
        Load { clients: tasks, queue }
    }

    /// What became of the messages.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Waits until each message was taken.
    pub async fn is_done(mut self) -> Arc<Queue> {
        let done = async { while self.clients.join_next().await.is_some() {} };
        let waited = tokio::time::timeout(wait::LONG, done).await;
        assert!(waited.is_ok(), "not sent: {:?}", self.queue.state());
        Arc::clone(&self.queue)
    }
}

impl Queue {
    /// The content of a message.
    pub fn content(&self, number: usize) -> Vec<u8> {
        let line = format!("This is message {number}, and nothing else, in all of its lines.\r\n");
        let head =
            format!("From: <{}>\r\nSubject: {number}\r\nMessage-ID: <{number}@load>\r\n\r\n", self.sender);
        [head.into_bytes(), line.repeat(self.size / line.len() + 1).into_bytes()].concat()
    }

    /// How many attempts at a message ended without a reply.
    pub fn doubts(&self, number: usize) -> usize {
        self.state().doubtful.get(&number).copied().unwrap_or_default()
    }

    /// How many attempts ended with a refusal, or before the end of the content.
    pub fn deferred(&self) -> usize {
        self.state().deferred
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.state().connections
    }

    /// How many messages were taken so far.
    pub fn taken(&self) -> usize {
        self.state().taken.len()
    }

    /// Each message arrived whole and at least once; more often only for want of a reply. Gives the number of doubles.
    pub fn assert_all_arrived(&self, messages: &[Message]) -> usize {
        let mut arrived: BTreeMap<usize, usize> = BTreeMap::new();
        for message in messages {
            let subject = message.values("Subject").concat();
            let number: usize = subject.trim().parse().expect("the subject is the number");
            assert!(message.below_our_fields() == self.content(number), "message {number} was altered");
            *arrived.entry(number).or_default() += 1;
        }
        let taken = self.state().taken.clone();
        for number in taken {
            let times = arrived.get(&number).copied().unwrap_or_default();
            let doubts = self.doubts(number);
            assert!(times >= 1, "message {number} was taken, and never arrived");
            assert!(times <= 1 + doubts, "message {number} came {times} times, with {doubts} doubts");
        }
        messages.len() - arrived.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn work(self: Arc<Self>) {
        let mut connection = None;
        loop {
            let Some(number) = self.state().waiting.pop_front() else { return };
            let fate = self.attempt(&mut connection, number).await;
            if matches!(fate, Fate::Taken) {
                self.state().taken.push(number);
                continue;
            }
            connection = None;
            {
                let mut state = self.state();
                state.waiting.push_back(number);
                match fate {
                    Fate::Doubtful => *state.doubtful.entry(number).or_default() += 1,
                    _ => state.deferred += 1,
                }
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn attempt(&self, kept: &mut Option<Connection>, number: usize) -> Fate {
        let connection = match kept {
            Some(connection) => connection,
            None => match Connection::open(self.port).await {
                Ok(connection) => {
                    self.state().connections += 1;
                    kept.insert(connection)
                }
                Err(_) => return Fate::Deferred,
            },
        };
        match connection.envelope(&self.sender, number).await {
            Ok(true) => {}
            Ok(false) | Err(_) => return Fate::Deferred,
        }
        match connection.content(&self.content(number)).await {
            Ok(reply) if reply.starts_with('2') => Fate::Taken,
            Ok(reply) if reply.starts_with("451 4.4.2") => Fate::Doubtful,
            Ok(_) => Fate::Deferred,
            Err(_) => Fate::Doubtful,
        }
    }
}

/// A client's connection, which may end at any time.
struct Connection(BufReader<TcpStream>);

impl Connection {
    async fn open(port: u16) -> io::Result<Connection> {
        let mut connection = Connection(BufReader::new(TcpStream::connect(("127.0.0.1", port)).await?));
        connection.0.get_mut().set_nodelay(true)?;
        let greeting = connection.reply().await?;
        if !greeting.starts_with("220") || !connection.says("EHLO load.example").await?.starts_with("250") {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        Ok(connection)
    }

    /// Tells the envelope; whether content is wanted.
    async fn envelope(&mut self, sender: &str, number: usize) -> io::Result<bool> {
        let recipient = format!("RCPT TO:<m{number}@example.net>");
        Ok(self.says(&format!("MAIL FROM:<{sender}>")).await?.starts_with("250")
            && self.says(&recipient).await?.starts_with("250")
            && self.says("DATA").await?.starts_with("354"))
    }

    async fn content(&mut self, content: &[u8]) -> io::Result<String> {
        self.0.write_all(content).await?;
        self.0.write_all(b".\r\n").await?;
        self.reply().await
    }

    async fn says(&mut self, line: &str) -> io::Result<String> {
        self.0.write_all(format!("{line}\r\n").as_bytes()).await?;
        self.reply().await
    }

    /// The last line of the next reply.
    async fn reply(&mut self) -> io::Result<String> {
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line.as_bytes().get(3) == Some(&b' ') {
                return Ok(line);
            }
        }
    }
}
