//! The client of the demo: hands one message over, as an MTA does.

use smtp::client::{Conversation, ConversationFault, Stage};
use smtp::content::ContentEncoder;
use smtp::reply::Reply;
use std::io;
use std::net::SocketAddr;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Why a message could not be handed over.
#[derive(Debug, Error)]
pub enum SendError {
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
    /// The server broke the protocol.
    #[error(transparent)]
    Fault(#[from] ConversationFault),
    /// The server said no.
    #[error("refused: {0:?}")]
    Refused(Reply),
}

/// Hands `message` over at `address`, and returns the reply to its content.
pub async fn send(address: SocketAddr, from: &str, to: &str, message: &[u8]) -> Result<Reply, SendError> {
    let mut stream = TcpStream::connect(address).await?;
    let mut conversation = Conversation::new();
    expect(&mut stream, &mut conversation).await?;
    for (stage, command) in [
        (Stage::Hello, "EHLO demo.example\r\n".to_owned()),
        (Stage::Mail, format!("MAIL FROM:<{from}>\r\n")),
        (Stage::Recipient, format!("RCPT TO:<{to}>\r\n")),
        (Stage::Data, "DATA\r\n".to_owned()),
    ] {
        conversation.ask(stage, command.as_bytes());
        expect(&mut stream, &mut conversation).await?;
    }
    let mut encoder = ContentEncoder::default();
    encoder.encode(message, |piece| conversation.output().extend_from_slice(piece));
    conversation.ask(Stage::Content, encoder.finish());
    let reply = expect(&mut stream, &mut conversation).await?;
    conversation.ask(Stage::Quit, b"QUIT\r\n");
    expect(&mut stream, &mut conversation).await?;
    Ok(reply)
}

/// Sends what is to be sent, and waits for a reply that is no refusal.
async fn expect(stream: &mut TcpStream, conversation: &mut Conversation) -> Result<Reply, SendError> {
    stream.write_all(conversation.output()).await?;
    conversation.output().clear();
    loop {
        if let Some(reply) = conversation.next_reply()? {
            return if reply.code().get() < 400 { Ok(reply) } else { Err(SendError::Refused(reply)) };
        }
        if stream.read_buf(conversation.input()).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
}
