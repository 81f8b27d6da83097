//! A client: what it says, what it hears.

use super::PATIENCE;
use std::net::SocketAddr;
use std::path::Path;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

/// A connection of either kind.
trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

pub struct Client {
    stream: BufStream<Box<dyn Connection>>,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self::on(stream)
    }

    pub async fn connect_unix(path: &Path) -> Self {
        Self::on(UnixStream::connect(path).await.unwrap())
    }

    fn on(stream: impl Connection + 'static) -> Self {
        Self { stream: BufStream::new(Box::new(stream)) }
    }

    /// Says a line.
    pub async fn says(&mut self, line: &str) -> &mut Self {
        self.sends(format!("{line}\r\n").as_bytes()).await
    }

    /// Sends octets as they are.
    pub async fn sends(&mut self, octets: &[u8]) -> &mut Self {
        self.stream.write_all(octets).await.unwrap();
        self.stream.flush().await.unwrap();
        self
    }

    /// The next whole reply; empty if the connection is closed.
    pub async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            let read = self.stream.read_line(&mut line);
            match timeout(PATIENCE, read).await.expect("a reply comes") {
                Ok(0) | Err(_) => return reply,
                Ok(_) => reply.push_str(&line),
            }
            if line.as_bytes().get(3) == Some(&b' ') {
                return reply;
            }
        }
    }

    /// Hears a reply that begins like this.
    #[track_caller]
    pub fn hears(&mut self, expected: &str) -> impl Future<Output = &mut Self> {
        let caller = std::panic::Location::caller();
        async move {
            let reply = self.reply().await;
            assert!(reply.starts_with(expected), "heard {reply:?} instead of {expected:?} at {caller}");
            self
        }
    }

    /// Hears that the connection is closed.
    pub async fn hears_the_end(&mut self) {
        let mut rest = Vec::new();
        let end = timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await;
        // A reset is an end too.
        let _ = end.expect("the connection is closed");
        assert!(rest.is_empty(), "heard {}", rest.escape_ascii());
    }

    /// Tells an envelope of one recipient, and hears it accepted.
    pub async fn envelope(&mut self) -> &mut Self {
        self.says("MAIL FROM:<a@a.example>").await.hears("250").await;
        self.says("RCPT TO:<b@b.example>").await.hears("250").await;
        self
    }

    /// Sends a whole message with the envelope told already; gives the reply.
    pub async fn content(&mut self, content: &str) -> String {
        self.says("DATA").await.hears("354").await;
        self.sends(format!("{content}.\r\n").as_bytes()).await.reply().await
    }
}
