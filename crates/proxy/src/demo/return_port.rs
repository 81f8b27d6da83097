//! The return port of the demo: an SMTP server that keeps what it is given, in the place of the MTA.

use smtp::content::Repairs;
use smtp::extension::{Extension, Offer};
use smtp::reply::Reply;
use smtp::server::{Arrival, Event, Session, Terms};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

const TAKEN: Reply = Reply::fixed(b"250 2.0.0 Taken\r\n");

/// A listening return port.
pub struct ReturnPort {
    /// Where it listens.
    pub address: SocketAddr,
    messages: mpsc::Receiver<Vec<u8>>,
}

impl ReturnPort {
    /// Listens on a free port of the loopback interface.
    pub async fn open() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (sender, messages) = mpsc::channel(16);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let sender = sender.clone();
                // A client that breaks off has said all it had to say.
                tokio::spawn(async move { drop(serve(stream, sender).await) });
            }
        });
        Ok(Self { address, messages })
    }

    /// The next message that arrives.
    pub async fn message(&mut self) -> Option<Vec<u8>> {
        self.messages.recv().await
    }
}

async fn serve(mut stream: TcpStream, messages: mpsc::Sender<Vec<u8>>) -> io::Result<()> {
    let mut session = Session::new(terms());
    let mut content = Vec::new();
    loop {
        stream.write_all(session.output()).await?;
        session.output().clear();
        if session.is_closed() || stream.read_buf(session.input()).await? == 0 {
            return Ok(());
        }
        loop {
            if session.is_in_content() {
                match session.content(|piece| content.extend_from_slice(piece)) {
                    Arrival::More => break,
                    Arrival::Chunk => session.chunk_taken(),
                    Arrival::End(_) => {
                        // Whoever showed the messages is gone, and the program with it.
                        let _ = messages.send(std::mem::take(&mut content)).await;
                        session.conclude(&[TAKEN]);
                    }
                }
            }
            let Some(event) = session.next_event() else { break };
            answer(&mut session, &event);
        }
    }
}

fn answer(session: &mut Session, event: &Event) {
    match event {
        Event::Hello(_) => session.hello(offer()),
        Event::Mail(..) | Event::Recipient(..) => session.answer(TAKEN),
        Event::Data => session.take_content(),
        Event::Xclient(_) => session.restart(),
        Event::Chunk | Event::OldHello(_) | Event::Reset | Event::Xforward(_) | Event::Closed => {}
    }
}

fn offer() -> Offer {
    let extensions =
        [Extension::Pipelining, Extension::EightBitMime, Extension::Smtputf8, Extension::EnhancedStatusCodes];
    Offer { extensions: extensions.into_iter().collect(), ..Offer::default() }
}

fn terms() -> Terms {
    Terms {
        hostname: "return-port.example".into(),
        lmtp: false,
        line: 4096,
        recipients: 1000,
        errors: 20,
        commands: 10_000,
        repairs: Repairs::default(),
    }
}
