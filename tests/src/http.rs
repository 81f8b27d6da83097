//! An HTTP client of a few lines, for `/metrics` and its neighbours.

use crate::wait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A server on 127.0.0.1.
#[derive(Clone, Copy, Debug)]
pub struct Http {
    port: u16,
}

/// What `/metrics` told.
#[derive(Clone, Debug)]
pub struct Metrics {
    text: String,
}

impl Http {
    /// The server on this port.
    pub fn on(port: u16) -> Http {
        Http { port }
    }

    /// The status and the body of a page.
    pub async fn get(&self, path: &str) -> (u16, String) {
        self.asks("GET", path).await
    }

    /// The same with another method.
    pub async fn asks(&self, method: &str, path: &str) -> (u16, String) {
        let answer = self.exchange(method, path).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.unwrap_or_else(|| panic!("no status: {head}")), body.to_owned())
    }

    /// The metrics.
    pub async fn metrics(&self) -> Metrics {
        let (status, text) = self.get("/metrics").await;
        assert_eq!(status, 200, "{text}");
        Metrics { text }
    }

    /// Whether the server has nothing to say to us.
    pub async fn is_closed_without_an_answer(&self) -> bool {
        self.exchange("GET", "/metrics").await.is_empty()
    }

    async fn exchange(&self, method: &str, path: &str) -> String {
        let exchange = async {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
            let request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        // A connection that is reset has brought nothing either.
        wait::within("an answer over HTTP", exchange).await.unwrap_or_default()
    }
}

impl Metrics {
    /// The whole number in the line that begins like this, which is its name and all of its labels.
    pub fn count(&self, line: &str) -> u64 {
        let value = self.of(line);
        value.parse().unwrap_or_else(|_| panic!("{line} {value}"))
    }

    /// The number in the line that begins like this.
    pub fn value(&self, line: &str) -> f64 {
        let value = self.of(line);
        value.parse().unwrap_or_else(|_| panic!("{line} {value}"))
    }

    fn of(&self, line: &str) -> &str {
        let values = self.text.lines().filter_map(|found| found.strip_prefix(line)?.strip_prefix(' '));
        let values: Vec<&str> = values.collect();
        let [value] = values.as_slice() else { panic!("{} lines {line} in\n{}", values.len(), self.text) };
        value
    }

    /// All of it.
    pub fn text(&self) -> &str {
        &self.text
    }
}
