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

/// A message up to this size goes out in one piece.
const ONE_PIECE: usize = 256 << 10;
/// A larger one goes out in pieces of this size.
const PIECE: usize = 128 << 10;

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
        let mut wire = head(&mut encoder, &message.header, edits, &message.body);
        match &message.body {
            Sealed::Memory(body) => {
                for piece in body.chunks(PIECE) {
                    encoder.encode(piece, |piece| wire.extend_from_slice(piece));
                    if wire.len() > ONE_PIECE {
                        self.send_piece(&mut wire).await?;
                    }
                }
            }
            Sealed::File { .. } => {
                let mut block = Vec::new();
                loop {
                    block = message.body.next_block(block).await.map_err(Fault::Store)?;
                    if block.is_empty() {
                        break;
                    }
                    encoder.encode(&block, |piece| wire.extend_from_slice(piece));
                    self.send_piece(&mut wire).await?;
                }
            }
        }
        wire.extend_from_slice(encoder.finish());
        self.send_last(&wire).await
    }

    async fn send_piece(&mut self, wire: &mut Vec<u8>) -> Result<(), Fault> {
        let connection = self.connection.as_mut().ok_or_else(lost)?;
        connection.send(wire).await?;
        wire.clear();
        Ok(())
    }

    /// Sends what ends the content. Whatever the next hop has said until here was not about all of it.
    async fn send_last(&mut self, wire: &[u8]) -> Result<Reply, Fault> {
        let connection = self.connection.as_mut().ok_or_else(lost)?;
        connection.listen()?;
        connection.send(wire).await?;
        self.committed = true;
        let reply = connection.finish().await?;
        self.finished();
        Ok(reply)
    }
}

/// The edited header, on the wire; with room for the body if it is small.
fn head(encoder: &mut ContentEncoder, header: &Header, edits: &Edits, body: &Sealed) -> Vec<u8> {
    let room = match body {
        Sealed::Memory(body) => (body.len() + header.raw().len() + 4096).min(ONE_PIECE + PIECE),
        Sealed::File { .. } => ONE_PIECE + PIECE,
    };
    let mut wire = Vec::with_capacity(room);
    for field in edits.apply(header) {
        encoder.encode(field, |piece| wire.extend_from_slice(piece));
    }
    if header.is_terminated() {
        encoder.encode(b"\r\n", |piece| wire.extend_from_slice(piece));
    }
    wire
}

fn lost() -> Fault {
    Fault::Lost(Some(Stage::Data), std::io::ErrorKind::NotConnected.into())
}
