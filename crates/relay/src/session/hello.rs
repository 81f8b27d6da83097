//! What is offered to the client, and who it is said to be.

use super::{End, READ_COMMANDS, Session};
use crate::transaction::Way;
use bytes::Buf;
use filter::{Client, Envelope, Filter};
use smtp::extension::{Extension, Extensions, Offer};
use smtp::proxy_protocol::ProxyHeader;
use smtp::xforward::{Attribute, AttributeSet, Attributes, Value};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::timeout;
use tracing::{debug, warn};

/// How long EHLO waits to learn what a next hop offers that was never heard before.
const LEARN: Duration = Duration::from_secs(1);

impl<F: Filter> Session<F> {
    /// Takes the PROXY header that comes before the greeting.
    pub(super) async fn be_introduced(&mut self) -> Result<(), End> {
        loop {
            match ProxyHeader::parse(self.machine.input()) {
                Ok(Some(header)) => {
                    self.machine.input().advance(header.length);
                    return self.introduce(header.source);
                }
                Ok(None) => {}
                Err(error) => {
                    warn!(session = self.name, balancer = ?self.peer, "connection does not begin with a PROXY header");
                    return Err(End::Lost(io::Error::new(io::ErrorKind::InvalidData, error)));
                }
            }
            self.machine.input().reserve(READ_COMMANDS);
            self.wait().await?;
            match self.stream.try_read(self.machine.input()) {
                Ok(1..) => {}
                Ok(0) => return Err(End::Lost(io::ErrorKind::UnexpectedEof.into())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(End::Lost(error)),
            }
        }
    }

    fn introduce(&mut self, source: Option<SocketAddr>) -> Result<(), End> {
        let Some(source) = source else { return Ok(()) };
        let address = source.ip().to_canonical();
        if let Err(reply) = self.place.count_for(&self.engine.settings, Some(address)) {
            // A client that does not read at once what fits in any socket buffer need not know.
            let _ = self.stream.try_write(reply);
            return Err(End::Closed);
        }
        let text = if address.is_ipv6() { format!("IPv6:{address}") } else { address.to_string() };
        self.posed.set(Attribute::Addr, Value::Known(text));
        self.posed.set(Attribute::Port, Value::Known(source.port().to_string()));
        self.peer = Some(address);
        Ok(())
    }

    /// Our list met with what the next hop was last heard to offer.
    pub(super) async fn offer(&mut self) -> Offer {
        self.keep_up();
        let way = Way { settings: &self.engine.settings, pool: &self.engine.pool, session: &self.name };
        let theirs = theirs(way).await;
        let settings = &self.engine.settings;
        let ours: Extensions =
            [Extension::Pipelining, Extension::Size, Extension::EnhancedStatusCodes, Extension::Xforward]
                .into_iter()
                .collect();
        let shared = [
            (Extension::EightBitMime, settings.offer_8bitmime),
            (Extension::Smtputf8, true),
            (Extension::Dsn, true),
            (Extension::Chunking, true),
        ];
        // What is not known is not denied: a client that needs it would bounce the mail, or rewrite it. If the next hop
        // turns out not to take it, the client hears so at MAIL, for the time being.
        let theirs_has = |extension| theirs.is_none_or(|theirs| theirs.has(extension));
        let met = shared.into_iter().filter(|&(extension, wanted)| wanted && theirs_has(extension));
        let mut extensions = met.fold(ours, |set, (extension, _)| set.with(extension));
        if settings.offer_xclient {
            extensions = extensions.with(Extension::Xclient);
        }
        let size = settings.limits.message.min(theirs.and_then(|theirs| theirs.size).unwrap_or(u64::MAX));
        let (xforward, xclient) = (AttributeSet::FORWARDED, AttributeSet::CLIENT);
        Offer { extensions, size: Some(size), xforward, xclient }
    }

    /// What the next hop is told of the client of the message that begins.
    pub(super) fn told(&mut self) -> Attributes {
        let mut told = self.posed.clone();
        told.merge(self.forwarded.clone());
        told
    }

    /// The envelope of the message that begins, for the filter.
    pub(super) fn envelope(&self) -> Envelope {
        let mut envelope = Envelope {
            session: self.name.clone(),
            listener: self.engine.settings.name.clone(),
            ..Envelope::default()
        };
        if let Some(transaction) = &self.transaction {
            transaction.mail.0.mailbox().clone_into(&mut envelope.reverse_path);
            let recipients = transaction.recipients.iter();
            envelope.recipients = recipients.map(|(path, _)| path.mailbox().to_owned()).collect();
            envelope.smtputf8 = transaction.is_utf8();
            envelope.client = self.client(&transaction.client);
        }
        envelope
    }

    /// Who sent the message: what was told, else what the connection shows.
    fn client(&self, told: &Attributes) -> Client {
        let known = |attribute| told.known(attribute).map(str::to_owned);
        let address =
            told.known(Attribute::Addr).map(|text| text.strip_prefix("IPv6:").unwrap_or(text).parse());
        let direct = *told == self.posed;
        let said = || self.helo.as_ref().map(|name| String::from_utf8_lossy(name).into_owned());
        Client {
            address: address.and_then(Result::ok).or_else(|| self.peer.filter(|_| direct)),
            name: known(Attribute::Name),
            helo: known(Attribute::Helo).or_else(|| said().filter(|_| direct)),
            ident: known(Attribute::Ident),
            protocol: known(Attribute::Proto),
            source: known(Attribute::Source),
            login: known(Attribute::Login),
        }
    }
}

/// What the next hop was last heard to offer. If it was never heard, it is asked now, for a moment.
async fn theirs(way: Way<'_>) -> Option<Offer> {
    if let Some(offer) = way.pool.offer() {
        return Some(offer);
    }
    match timeout(LEARN, way.pool.connect(way.settings)).await {
        Ok(Ok(connection)) => {
            let offer = *connection.offer();
            way.pool.give(connection, false);
            Some(offer)
        }
        Ok(Err(fault)) => {
            debug!(session = way.session, fault = fault.explain(), "next hop not heard");
            None
        }
        Err(_) => None,
    }
}
