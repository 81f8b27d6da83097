//! An SMTP client that says lines and hears replies.

use crate::{corpus, wait};
use std::fmt::Debug;
use std::net::Ipv4Addr;
use std::path::Path;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream, UnixStream};

/// A connection of either kind.
trait Connection: AsyncRead + AsyncWrite + Debug + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Debug + Send + Unpin> Connection for T {}

/// A connected client.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<Box<dyn Connection>>,
}

/// What was said, and not answered yet.
#[derive(Debug)]
#[must_use = "a command is only answered by `hears`"]
pub struct Said<'a> {
    client: &'a mut Client,
    what: String,
    wire: Vec<u8>,
}

impl Client {
    /// Connects to `port` on 127.0.0.1 and hears the greeting.
    pub async fn connect(port: u16) -> Client {
        let Client { stream } = Client::connect_silently(port).await;
        Client::greeted(stream).await
    }

    /// The same from another address of the loopback network.
    pub async fn connect_from(address: Ipv4Addr, port: u16) -> Client {
        let socket = TcpSocket::new_v4().expect("a socket can be made");
        socket.bind((address, 0).into()).unwrap_or_else(|fault| panic!("{address}: {fault}"));
        let stream = wait::within("a connection", socket.connect((Ipv4Addr::LOCALHOST, port).into())).await;
        let stream = stream.unwrap_or_else(|fault| panic!("port {port}: {fault}"));
        Client::greeted(BufReader::new(Box::new(stream))).await
    }

    /// Connects, and leaves the greeting to be heard.
    pub async fn connect_silently(port: u16) -> Client {
        let stream = wait::within("a connection", TcpStream::connect(("127.0.0.1", port))).await;
        let stream = stream.unwrap_or_else(|fault| panic!("port {port}: {fault}"));
        stream.set_nodelay(true).expect("a connected socket takes TCP_NODELAY");
        Client { stream: BufReader::new(Box::new(stream)) }
    }

    /// Connects to a UNIX socket and hears the greeting.
    pub async fn connect_unix(path: &Path) -> Client {
        let stream = wait::within("a connection", UnixStream::connect(path)).await;
        let stream = stream.unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
        Client::greeted(BufReader::new(Box::new(stream))).await
    }

    async fn greeted(stream: BufReader<Box<dyn Connection>>) -> Client {
        let mut client = Client { stream };
        let greeting = client.reply().await;
        assert!(greeting.starts_with("220"), "greeting: {greeting}");
        client
    }

    /// Says one command line, without its CRLF.
    pub fn says(&mut self, line: &str) -> Said<'_> {
        let wire = format!("{line}\r\n").into_bytes();
        Said { client: self, what: line.to_owned(), wire }
    }

    /// Sends a message of the corpus with DATA.
    pub fn sends(&mut self, name: &str) -> Sent<'_> {
        let content = corpus(name);
        Sent { client: self, content }
    }

    /// Sends this content with DATA; it ends with CRLF.
    pub fn sends_bytes(&mut self, content: &[u8]) -> Sent<'_> {
        Sent { client: self, content: content.to_vec() }
    }

    /// Writes these octets as they are.
    pub async fn writes(&mut self, octets: &[u8]) {
        let written = wait::within("the server to read", self.stream.get_mut().write_all(octets)).await;
        written.unwrap_or_else(|fault| panic!("the server does not read: {fault}"));
    }

    /// The next reply, all its lines, parted by `\n`.
    pub async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let mut line = Vec::new();
            let read = wait::within("a reply", self.stream.read_until(b'\n', &mut line)).await;
            let read = read.unwrap_or_else(|fault| panic!("no reply: {fault}"));
            assert!(read > 0, "the connection was closed after {reply:?}");
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            let continues = line.as_bytes().get(3) == Some(&b'-');
            reply.push_str(&line);
            if !continues {
                return reply;
            }
            reply.push('\n');
        }
    }

    /// Whether the server has closed the connection; waits for it to.
    pub async fn hears_the_end(&mut self) {
        let rest = wait::within("the end of the connection", self.stream.fill_buf()).await;
        assert!(rest.is_ok_and(<[u8]>::is_empty), "the server says more");
    }

    /// EHLO, and one whole transaction; the reply to the content, or to what was refused first.
    pub async fn delivers(&mut self, sender: &str, recipient: &str, content: &[u8]) -> String {
        self.says("EHLO client.example").hears("250").await;
        self.says(&format!("MAIL FROM:<{sender}>")).hears("250").await;
        self.says(&format!("RCPT TO:<{recipient}>")).hears("250").await;
        self.sends_bytes(content).reply().await
    }
}

impl Said<'_> {
    /// The reply begins with `expected`; gives all of it.
    pub async fn hears(self, expected: &str) -> String {
        self.client.writes(&self.wire).await;
        let reply = self.client.reply().await;
        assert!(reply.starts_with(expected), "to {:?} the reply was {reply:?}, not {expected:?}", self.what);
        reply
    }
}

/// Content to be sent.
#[derive(Debug)]
#[must_use = "content is only sent by `hears` or `reply`"]
pub struct Sent<'a> {
    client: &'a mut Client,
    content: Vec<u8>,
}

impl Sent<'_> {
    /// Sends it; the reply after the final dot begins with `expected`; gives all of it.
    pub async fn hears(self, expected: &str) -> String {
        let reply = self.reply().await;
        assert!(reply.starts_with(expected), "to the content the reply was {reply:?}, not {expected:?}");
        reply
    }

    /// Sends it; the reply after the final dot, whatever it is.
    pub async fn reply(self) -> String {
        self.client.says("DATA").hears("354").await;
        self.client.writes(&stuffed(&self.content)).await;
        self.client.reply().await
    }
}

/// The content with a dot before each dot that begins a line, and the final dot.
fn stuffed(content: &[u8]) -> Vec<u8> {
    assert!(content.is_empty() || content.ends_with(b"\r\n"), "content ends with CRLF");
    let mut wire = Vec::with_capacity(content.len() + content.len() / 64 + 3);
    for line in content.split_inclusive(|&byte| byte == b'\n') {
        // A line begins after CRLF only.
        if line.starts_with(b".") && (wire.is_empty() || wire.ends_with(b"\r\n")) {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
    }
    wire.extend_from_slice(b".\r\n");
    wire
}
