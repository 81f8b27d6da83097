//! Whom Postfix lets in: the server side of Dovecot's authentication protocol, as much of it as Postfix asks for.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Lets in whoever says the name and this password.
const PASSWORD: &str = "open sesame";
/// Version, mechanism, process, connection, cookie.
const GREETING: &str = "VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t0123456789abcdef0123456789abcdef\nDONE\n";

/// The server. It falls silent when this value is dropped.
#[derive(Debug)]
pub struct Logins {
    port: u16,
    serving: JoinHandle<()>,
}

impl Logins {
    /// Listens.
    pub async fn listen() -> Logins {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // A process of Postfix's that ends breaks off.
                tokio::spawn(async move { _ = serve(client).await });
            }
        });
        Logins { port, serving }
    }

    /// The lines of main.cf that let Postfix ask here, and name the login in Received.
    pub fn main_cf(&self) -> String {
        format!(
            "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = inet:127.0.0.1:{}\n\
             smtpd_sasl_authenticated_header = yes",
            self.port
        )
    }

    /// The command by which a client logs in.
    pub fn command(name: &str) -> String {
        format!("AUTH PLAIN {}", STANDARD.encode(format!("\0{name}\0{PASSWORD}")))
    }
}

impl Drop for Logins {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(client: TcpStream) -> io::Result<()> {
    let (reader, mut writer) = client.into_split();
    writer.write_all(GREETING.as_bytes()).await?;
    let mut lines = BufReader::new(reader).lines();
    while let Some(line) = lines.next_line().await? {
        let mut words = line.split('\t');
        if words.next() != Some("AUTH") {
            continue;
        }
        let number = words.next().unwrap_or_default();
        let answer = match words.find_map(|word| word.strip_prefix("resp=")).and_then(name) {
            Some(name) => format!("OK\t{number}\tuser={name}\n"),
            None => format!("FAIL\t{number}\n"),
        };
        writer.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

/// RFC 4616 §2: an identity that may be empty, the name, the password.
fn name(response: &str) -> Option<String> {
    let text = String::from_utf8(STANDARD.decode(response).ok()?).ok()?;
    let [_, name, password] = text.split('\0').collect::<Vec<_>>()[..] else { return None };
    (password == PASSWORD).then(|| name.to_owned())
}
