//! One message's content on its way out: DATA, the edited header, the stored body, the reply.

use crate::intake::Message;
use crate::next_hop::Fault;
use crate::store::Sealed;
use crate::transaction::{Transaction, Way};
use filter::Edits;
use mail::Header;
use smtp::client::Stage;
use smtp::content::ContentEncoder;
use smtp::reply::{Reply, Severity};
use std::io::IoSlice;

/// Of a body in memory so much goes out at once.
const BLOCK: usize = 256 << 10;
/// How many pieces a message commonly has: the header, the body, the end, and a few dots.
const PIECES: usize = 8;
/// How much a filter commonly adds to a header.
const ADDED: usize = 2 << 10;

impl Transaction {
    /// Passes the message on; gives the next hop's reply, or what the client hears instead.
    pub(crate) async fn deliver(&mut self, way: Way<'_>, message: &mut Message, edits: &Edits) -> Reply {
        match self.try_deliver(way, message, edits).await {
            Ok(reply) => {
                self.end(way.pool);
                reply
            }
            Err(fault) => self.break_off(way, &fault),
        }
    }

    async fn try_deliver(
        &mut self,
        way: Way<'_>,
        message: &mut Message,
        edits: &Edits,
    ) -> Result<Reply, Fault> {
        let reply = self.data(way).await?;
        if reply.severity() != Severity::Intermediate {
            return Ok(reply);
        }
        self.send(message, edits).await
    }

    /// Says DATA, on another connection if this one has died meanwhile.
    async fn data(&mut self, way: Way<'_>) -> Result<Reply, Fault> {
        match self.try_data().await {
            Err(fault) if self.may_replace(&fault) => {
                self.replace(way).await?;
                self.try_data().await
            }
            reply => reply,
        }
    }

    async fn try_data(&mut self) -> Result<Reply, Fault> {
        let Some(connection) = self.connection.as_mut() else { return Err(lost()) };
        if let Err(fault) = connection.listen() {
            // It died while the content came in, and nobody had asked it anything.
            self.aged();
            return Err(fault);
        }
        connection.ask(Stage::Data, &b"DATA\r\n"[..]).await
    }

    async fn send(&mut self, message: &mut Message, edits: &Edits) -> Result<Reply, Fault> {
        let mut encoder = ContentEncoder::default();
        let head = head(&mut encoder, &message.header, edits);
        let mut wire = Vec::with_capacity(PIECES);
        wire.push(IoSlice::new(&head));
        if let Sealed::File { .. } = message.body {
            self.send_block(&mut wire).await?;
            wire.clear();
            self.send_file(&mut encoder, message).await?;
        } else if let Sealed::Memory(body) = &message.body {
            let mut blocks = body.chunks(BLOCK).peekable();
            while let Some(block) = blocks.next() {
                encode(&mut encoder, block, message.dots, &mut wire);
                if blocks.peek().is_some() {
                    self.send_block(&mut wire).await?;
                    wire.clear();
                }
            }
        }
        wire.push(IoSlice::new(encoder.finish()));
        self.send_last(&mut wire).await
    }

    /// Sends a body from its file, reading the next block while one is sent.
    async fn send_file(&mut self, encoder: &mut ContentEncoder, message: &mut Message) -> Result<(), Fault> {
        let mut block = message.body.next_block(Vec::new()).await.map_err(Fault::Store)?;
        let mut spare = Vec::new();
        while !block.is_empty() {
            let mut wire = Vec::with_capacity(PIECES);
            encode(encoder, &block, message.dots, &mut wire);
            let (sent, next) = tokio::join!(self.send_block(&mut wire), message.body.next_block(spare));
            sent?;
            spare = std::mem::replace(&mut block, next.map_err(Fault::Store)?);
        }
        Ok(())
    }

    /// Sends what does not end the content.
    async fn send_block(&mut self, wire: &mut [IoSlice<'_>]) -> Result<(), Fault> {
        self.connection.as_mut().ok_or_else(lost)?.send(wire).await
    }

    /// Sends what ends the content. Whatever the next hop has said until here was not about all of it.
    async fn send_last(&mut self, wire: &mut [IoSlice<'_>]) -> Result<Reply, Fault> {
        let connection = self.connection.as_mut().ok_or_else(lost)?;
        connection.listen_for_refusal()?;
        connection.send(wire).await?;
        self.committed = true;
        let reply = connection.finish().await?;
        self.finished();
        Ok(reply)
    }
}

/// The edited header, on the wire.
fn head(encoder: &mut ContentEncoder, header: &Header, edits: &Edits) -> Vec<u8> {
    let mut wire = Vec::with_capacity(header.raw().len() + ADDED);
    for field in edits.apply(header) {
        encoder.encode(field, |piece| wire.extend_from_slice(piece));
    }
    if header.is_terminated() {
        encoder.encode(b"\r\n", |piece| wire.extend_from_slice(piece));
    }
    wire
}

/// A block of the body, on the wire.
fn encode<'a>(encoder: &mut ContentEncoder, block: &'a [u8], dots: bool, wire: &mut Vec<IoSlice<'a>>) {
    if dots {
        encoder.encode(block, |piece| wire.push(IoSlice::new(piece)));
    } else {
        encoder.pass(block);
        wire.push(IoSlice::new(block));
    }
}

fn lost() -> Fault {
    Fault::Lost(Some(Stage::Data), std::io::ErrorKind::NotConnected.into())
}
