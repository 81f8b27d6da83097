//! What is offered to the client, and who it is said to be.

use super::Session;
use crate::transaction::Way;
use filter::{Client, Envelope, Filter};
use smtp::extension::{Extension, Extensions, Offer};
use smtp::xforward::{Attribute, AttributeSet, Attributes};
use std::time::Duration;
use tokio::time::timeout;
use tracing::debug;

/// How long EHLO waits to learn what a next hop offers that was never heard before.
const LEARN: Duration = Duration::from_secs(1);

impl<F: Filter> Session<F> {
    /// Our list met with what the next hop was last heard to offer.
    pub(super) async fn offer(&mut self) -> Offer {
        self.engine = self.shared.engine();
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
        let met = shared.into_iter().filter(|&(extension, wanted)| wanted && theirs.has(extension));
        let mut extensions = met.fold(ours, |set, (extension, _)| set.with(extension));
        if settings.offer_xclient {
            extensions = extensions.with(Extension::Xclient);
        }
        let size = settings.limits.message.min(theirs.size.unwrap_or(u64::MAX));
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
        let direct = told.is_empty();
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
async fn theirs(way: Way<'_>) -> Offer {
    if let Some(offer) = way.pool.offer() {
        return offer;
    }
    match timeout(LEARN, way.pool.connect(way.settings)).await {
        Ok(Ok(connection)) => {
            let offer = *connection.offer();
            way.pool.give(connection, false);
            offer
        }
        Ok(Err(fault)) => {
            debug!(session = way.session, fault = fault.explain(), "next hop not heard");
            Offer::default()
        }
        Err(_) => Offer::default(),
    }
}
