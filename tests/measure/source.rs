//! Who sends: smtp-source, and a client of our own where a message has to be signed already.

use scenarios::tools::SOURCE;
use std::io::{BufRead, BufReader, Result, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Instant;

pub const SENDER: &str = "alice@example.org";
pub const RECIPIENT: &str = "bob@example.net";

/// How messages are sent.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// How many sessions at a time.
    pub sessions: usize,
    /// Whether a session goes on after its first message.
    pub kept: bool,
    /// How many messages in all.
    pub messages: usize,
    /// Octets of a message.
    pub size: usize,
}

impl Load {
    /// Messages of 10 KB.
    pub fn new(sessions: usize, kept: bool, messages: usize) -> Self {
        Self { sessions, kept, messages, size: 10_240 }
    }

    /// Sends them by smtp-source; messages a second.
    pub fn rate(self, port: u16) -> f64 {
        let Self { sessions, kept, messages, size } = self;
        let mut command = Command::new(SOURCE);
        if kept {
            command.arg("-d");
        }
        command.args(["-l", &size.to_string(), "-f", SENDER, "-t", RECIPIENT]);
        command.args(["-s", &sessions.to_string(), "-m", &messages.to_string()]);
        command.arg(format!("127.0.0.1:{port}")).stdin(Stdio::null());
        let begun = Instant::now();
        let status = command.status().expect("smtp-source runs");
        assert!(status.success(), "smtp-source ended with {status}");
        count(messages) / begun.elapsed().as_secs_f64()
    }

    /// Sends this content as often, on kept connections; messages a second.
    pub fn rate_of(self, port: u16, content: &[u8]) -> f64 {
        let wire = [content, b".\r\n"].concat();
        let begun = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..self.sessions {
                scope.spawn(|| {
                    session(port, &wire, self.messages / self.sessions).expect("the message is taken");
                });
            }
        });
        count(self.messages / self.sessions * self.sessions) / begun.elapsed().as_secs_f64()
    }
}

/// A number that no figure is too small for.
pub fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).expect("no run is that long"))
}

fn session(port: u16, wire: &[u8], messages: usize) -> Result<()> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    let mut client = BufReader::new(stream);
    hears(&mut client, "220")?;
    says(&mut client, "EHLO load.example", "250")?;
    for _ in 0..messages {
        says(&mut client, &format!("MAIL FROM:<{SENDER}>"), "250")?;
        says(&mut client, &format!("RCPT TO:<{RECIPIENT}>"), "250")?;
        says(&mut client, "DATA", "354")?;
        client.get_mut().write_all(wire)?;
        hears(&mut client, "250")?;
    }
    says(&mut client, "QUIT", "221")
}

fn says(client: &mut BufReader<TcpStream>, line: &str, expected: &str) -> Result<()> {
    client.get_mut().write_all(format!("{line}\r\n").as_bytes())?;
    hears(client, expected)
}

fn hears(client: &mut BufReader<TcpStream>, expected: &str) -> Result<()> {
    let mut line = String::new();
    loop {
        line.clear();
        client.read_line(&mut line)?;
        assert!(line.starts_with(expected), "expected {expected}, heard {line:?}");
        if line.as_bytes().get(3) == Some(&b' ') {
            return Ok(());
        }
    }
}
