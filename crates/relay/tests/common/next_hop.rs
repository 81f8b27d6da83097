//! A next hop that does as its script says, and remembers what it heard.

use super::PATIENCE;
use relay::Target;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;

/// A place in the conversation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum At<'a> {
    /// Before the greeting.
    Connect,
    /// At a command that begins like this.
    Command(&'a str),
    /// After the first line of the content.
    MidContent,
    /// After the final dot.
    Dot,
}

/// What is done there instead of the usual.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Act {
    /// Say this, lines and all, instead of the usual reply.
    Say(&'static str),
    /// Say this and close.
    SayAndDrop(&'static str),
    /// Close.
    Drop,
    /// Say this once a message was taken on another connection.
    Late(&'static str),
    /// Say nothing, and read on.
    Silence,
    /// Say nothing, and read nothing any more.
    Stall,
}

/// What a next hop does otherwise than usual.
#[derive(Clone, Debug)]
pub struct Script {
    pub offers: Vec<&'static str>,
    /// Where, what, and on which of its connections (counted from 1; none for all).
    pub rules: Vec<(At<'static>, Act, Option<usize>)>,
}

impl Default for Script {
    fn default() -> Self {
        let offers =
            vec!["PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "SIZE 100000000", "XFORWARD NAME ADDR IDENT"];
        Self { offers, rules: Vec::new() }
    }
}

impl Script {
    pub fn offers(mut self, offers: &[&'static str]) -> Self {
        self.offers = offers.to_vec();
        self
    }

    /// On every connection.
    pub fn at(mut self, at: At<'static>, act: Act) -> Self {
        self.rules.push((at, act, None));
        self
    }

    /// On the n-th connection alone.
    pub fn on(mut self, connection: usize, at: At<'static>, act: Act) -> Self {
        self.rules.push((at, act, Some(connection)));
        self
    }

    pub async fn start(self) -> NextHop {
        NextHop::start(self).await
    }
}

/// What was heard.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// Each connection's commands.
    pub commands: HashMap<usize, Vec<String>>,
    /// What was answered with 250 after its final dot.
    pub taken: Vec<String>,
    /// What came to its final dot, whatever was answered.
    pub complete: usize,
    pub connections: usize,
    pub closed: usize,
}

pub struct NextHop {
    address: SocketAddr,
    heard: Arc<Mutex<Heard>>,
    changed: Arc<Notify>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for NextHop {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl NextHop {
    pub async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (heard, changed) = (Arc::new(Mutex::new(Heard::default())), Arc::new(Notify::new()));
        let (ears, bell) = (Arc::clone(&heard), Arc::clone(&changed));
        let task = tokio::spawn(async move {
            let mut sessions = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let number = {
                    let mut heard = ears.lock().unwrap();
                    heard.connections += 1;
                    heard.connections
                };
                let mut talk = Talk {
                    stream: BufStream::new(stream),
                    script: script.clone(),
                    number,
                    heard: Arc::clone(&ears),
                    bell: Arc::clone(&bell),
                };
                let (ears, bell) = (Arc::clone(&ears), Arc::clone(&bell));
                sessions.spawn(async move {
                    let _ = talk.run(&bell).await;
                    drop(talk);
                    ears.lock().unwrap().closed += 1;
                    bell.notify_waiters();
                });
            }
        });
        Self { address, heard, changed, task }
    }

    /// An address where nobody listens.
    pub async fn absent() -> Self {
        let next_hop = Self::start(Script::default()).await;
        next_hop.task.abort();
        while !next_hop.task.is_finished() {
            tokio::task::yield_now().await;
        }
        next_hop
    }

    pub fn target(&self) -> Target {
        self.address.to_string().parse().unwrap()
    }

    pub fn heard(&self) -> Heard {
        self.heard.lock().unwrap().clone()
    }

    /// Waits until what was heard is as wanted.
    pub async fn until(&self, wanted: impl Fn(&Heard) -> bool) -> Heard {
        let wait = until(&self.changed, || wanted(&self.heard()));
        timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("heard only {:?}", self.heard()));
        self.heard()
    }
}

/// Waits until it is so; looks whenever the bell rings.
async fn until(bell: &Notify, is_so: impl Fn() -> bool) {
    loop {
        let mut rung = std::pin::pin!(bell.notified());
        rung.as_mut().enable();
        if is_so() {
            return;
        }
        rung.await;
    }
}

struct Talk {
    stream: BufStream<TcpStream>,
    script: Script,
    number: usize,
    heard: Arc<Mutex<Heard>>,
    bell: Arc<Notify>,
}

/// The connection is over.
struct Over;

impl From<std::io::Error> for Over {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

impl Talk {
    async fn run(&mut self, bell: &Notify) -> Result<(), Over> {
        self.act(At::Connect, "220 next.example ESMTP").await?;
        loop {
            let line = self.line().await?;
            self.heard.lock().unwrap().commands.entry(self.number).or_default().push(line.clone());
            bell.notify_waiters();
            let verb = line.get(..4).unwrap_or(&line).to_ascii_uppercase();
            let usual = match verb.as_str() {
                "EHLO" => self.offer(),
                "DATA" => "354 go on".to_owned(),
                "QUIT" => "221 bye".to_owned(),
                _ => "250 2.0.0 ok".to_owned(),
            };
            let said = self.act(At::Command(&line), &usual).await?;
            if verb == "DATA" && said.starts_with("354") {
                self.content().await?;
                bell.notify_waiters();
            }
            if verb == "QUIT" {
                return Ok(());
            }
        }
    }

    fn offer(&self) -> String {
        let mut lines = vec!["next.example"];
        lines.extend(&self.script.offers);
        let last = lines.pop().unwrap();
        lines.iter().fold(String::new(), |text, line| text + "250-" + line + "\r\n") + "250 " + last
    }

    async fn content(&mut self) -> Result<(), Over> {
        let mut content = String::new();
        loop {
            let line = self.line().await?;
            if line == "." {
                break;
            }
            let first = content.is_empty();
            content.push_str(line.strip_prefix('.').unwrap_or(&line));
            content.push_str("\r\n");
            if first && self.rule(At::MidContent).is_some() {
                self.act(At::MidContent, "").await?;
            }
        }
        self.heard.lock().unwrap().complete += 1;
        self.bell.notify_waiters();
        // What is taken is noted before anyone can hear of it.
        let takes =
            self.rule(At::Dot).is_none_or(|act| matches!(act, Act::Say(text) if text.starts_with('2')));
        if takes {
            self.heard.lock().unwrap().taken.push(content);
        }
        self.act(At::Dot, "250 2.6.0 taken").await?;
        Ok(())
    }

    fn rule(&self, at: At<'_>) -> Option<Act> {
        let fits = |rule: At<'static>| match (rule, at) {
            (At::Command(prefix), At::Command(line)) => line.starts_with(prefix),
            _ => rule == at,
        };
        let here = |connection: Option<usize>| connection.is_none_or(|number| number == self.number);
        let mut rules = self.script.rules.iter();
        rules.find(|&&(rule, _, connection)| fits(rule) && here(connection)).map(|&(_, act, _)| act)
    }

    async fn act(&mut self, at: At<'_>, usual: &str) -> Result<String, Over> {
        let said = match self.rule(at) {
            None if usual.is_empty() => return Ok(String::new()),
            None => usual,
            Some(Act::Say(text)) => text,
            Some(Act::Late(text)) => {
                until(&self.bell, || !self.heard.lock().unwrap().taken.is_empty()).await;
                text
            }
            Some(Act::SayAndDrop(text)) => {
                self.say(text).await?;
                return Err(Over);
            }
            Some(Act::Drop) => return Err(Over),
            Some(Act::Silence) => return Ok(String::new()),
            Some(Act::Stall) => return std::future::pending().await,
        };
        self.say(said).await?;
        Ok(said.to_owned())
    }

    async fn say(&mut self, text: &str) -> Result<(), Over> {
        self.stream.write_all(text.as_bytes()).await?;
        self.stream.write_all(b"\r\n").await?;
        self.stream.flush().await?;
        Ok(())
    }

    async fn line(&mut self) -> Result<String, Over> {
        let mut line = Vec::new();
        if self.stream.read_until(b'\n', &mut line).await? == 0 {
            return Err(Over);
        }
        let line = line.strip_suffix(b"\r\n").unwrap_or(&line);
        Ok(String::from_utf8_lossy(line).into_owned())
    }
}
