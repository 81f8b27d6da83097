//! One message's envelope on its way through.
//!
//! MAIL and RCPT are passed on as they come, several in one flight where the client sends several at once, and
//! every reply of the next hop is the client's. A kept connection that has died is replaced, and the envelope told
//! again, as long as no content was sent.

use crate::next_hop::{Ask, Connection, Fault, Pool};
use crate::settings::Settings;
use smtp::client::{self, Stage};
use smtp::extension::{Extension, Offer};
use smtp::parameter::{Keyword, Parameters};
use smtp::path::Path;
use smtp::reply::Reply;
use smtp::xforward::Attributes;
use std::iter;
use tracing::{info, warn};

/// What a transaction needs of the relay.
#[derive(Clone, Copy)]
pub(crate) struct Way<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) pool: &'a Pool,
    pub(crate) session: &'a str,
}

/// A path with its parameters.
type Party = (Path, Parameters);

/// How far the connection can be trusted to be alive.
#[derive(Clone, Copy)]
enum Age {
    /// It was made for this message: if it dies, the next hop is at fault.
    Fresh,
    /// It was kept, or died while nobody asked it anything: another one may do better.
    Aged,
    /// It is the other one.
    Replaced,
}

/// A message whose envelope is being told.
pub(crate) struct Transaction {
    pub(crate) mail: Party,
    /// Those that the next hop accepted.
    pub(crate) recipients: Vec<Party>,
    /// What is told of the client by XFORWARD.
    pub(crate) client: Attributes,
    /// Whether MAIL waits for its reply.
    mail_due: bool,
    /// Those whose RCPT waits for its reply.
    flight: Vec<Party>,
    pub(crate) connection: Option<Connection>,
    /// Whether the next hop took MAIL on this connection.
    begun: bool,
    age: Age,
    /// What the client hears since the next hop was lost.
    broken: Option<Reply>,
    /// Whether the content was sent to its end.
    pub(crate) committed: bool,
}

impl Transaction {
    pub(crate) fn new(mail: Party, client: Attributes) -> Self {
        Self {
            mail,
            recipients: Vec::new(),
            client,
            mail_due: true,
            flight: Vec::new(),
            connection: None,
            begun: false,
            age: Age::Fresh,
            broken: None,
            committed: false,
        }
    }

    /// Adds a recipient that is to be asked for.
    pub(crate) fn recipient(&mut self, recipient: Party) {
        self.flight.push(recipient);
    }

    /// Whether commands wait for their replies.
    pub(crate) const fn is_due(&self) -> bool {
        self.mail_due || !self.flight.is_empty()
    }

    /// What the client hears instead of 354, if the next hop was lost.
    pub(crate) const fn broken(&self) -> Option<&Reply> {
        self.broken.as_ref()
    }

    /// Whether addresses and header fields may be UTF-8.
    pub(crate) fn is_utf8(&self) -> bool {
        self.mail.1.value(Keyword::Smtputf8).is_some()
    }

    /// Whether octets above 127 in the body pass the next hop, and those behind it as far as can be told.
    pub(crate) fn passes_eight_bit(&self, settings: &Settings, pool: &Pool) -> bool {
        let heard = || pool.offer().unwrap_or_default();
        let offer = self.connection.as_ref().map_or_else(heard, |connection| *connection.offer());
        // RFC 6531 §3.1: whoever takes SMTPUTF8 takes 8BITMIME, and there is no way back.
        self.is_utf8() || settings.offer_8bitmime && offer.has(Extension::EightBitMime)
    }

    /// Asks the next hop for all that is due, and brings the replies in order.
    pub(crate) async fn fly(&mut self, way: Way<'_>) -> Vec<Reply> {
        let due = usize::from(self.mail_due) + self.flight.len();
        let replies = match self.broken.clone() {
            Some(reply) => vec![reply; due],
            None => match self.attempt(way).await {
                Ok(replies) => {
                    self.note_refusals(way, &replies);
                    replies
                }
                Err(fault) => vec![self.break_off(way, &fault); due],
            },
        };
        let (mail, recipients) = replies.split_at(usize::from(self.mail_due));
        self.mail_due = false;
        self.begun = mail.first().map_or(self.begun, Reply::is_completed);
        let flight = std::mem::take(&mut self.flight).into_iter().zip(recipients);
        self.recipients
            .extend(flight.filter(|(_, reply)| reply.is_completed()).map(|(recipient, _)| recipient));
        if !self.begun {
            self.end(way.pool);
        }
        replies
    }

    /// Says which of the parties that wait for their reply the next hop refuses.
    fn note_refusals(&self, way: Way<'_>, replies: &[Reply]) {
        let mail = self.mail_due.then_some(("MAIL", &self.mail));
        let parties = mail.into_iter().chain(self.flight.iter().map(|party| ("RCPT", party)));
        for ((command, (path, _)), reply) in parties.zip(replies).filter(|(_, reply)| !reply.is_completed()) {
            info!(session = way.session, command, path = path.mailbox(), %reply, "next hop refuses");
        }
    }

    /// Notes that the next hop is lost; gives what the client hears.
    pub(crate) fn break_off(&mut self, way: Way<'_>, fault: &Fault) -> Reply {
        let reply = fault.to_client(self.committed);
        warn!(session = way.session, fault = fault.explain(), %reply, "next hop failed");
        way.settings.observer.next_hop_failed(fault.word());
        self.connection = None;
        self.broken = Some(reply.clone());
        reply
    }

    /// Gives the connection back, after the next hop has forgotten the message.
    pub(crate) fn end(&mut self, pool: &Pool) {
        if let Some(connection) = self.connection.take() {
            pool.give(connection, self.begun);
        }
        self.begun = false;
    }

    /// Notes that the connection died while nobody asked it anything: another one may do better.
    pub(crate) const fn aged(&mut self) {
        if matches!(self.age, Age::Fresh) {
            self.age = Age::Aged;
        }
    }

    /// The message is over for the next hop too.
    pub(crate) const fn finished(&mut self) {
        self.begun = false;
    }

    async fn attempt(&mut self, way: Way<'_>) -> Result<Vec<Reply>, Fault> {
        match self.tell(way).await {
            Err(fault) if self.may_replace(&fault) => self.replace(way).await,
            replies => replies,
        }
    }

    /// Whether another connection may do better.
    pub(crate) const fn may_replace(&self, fault: &Fault) -> bool {
        fault.is_death() && matches!(self.age, Age::Aged) && !self.committed
    }

    /// Takes a fresh connection, and tells all of the envelope again.
    pub(crate) async fn replace(&mut self, way: Way<'_>) -> Result<Vec<Reply>, Fault> {
        self.age = Age::Replaced;
        self.begun = false;
        self.connection = Some(way.pool.connect(way.settings).await?);
        self.tell(way).await
    }

    /// Tells what the next hop has not heard on this connection yet; gives the replies that are due.
    async fn tell(&mut self, way: Way<'_>) -> Result<Vec<Reply>, Fault> {
        let mut connection = self.connect(way).await?;
        if let Some(extension) = self.lacking(connection.offer()) {
            return Err(Fault::Lacks(extension));
        }
        let (asks, told) = self.asks(&connection);
        let mut replies = connection.exchange(&asks).await?;
        let due = replies.split_off(told);
        let stale = connection.told;
        for ((stage, _), reply) in asks.iter().zip(replies) {
            match (stage, reply.is_completed()) {
                (Stage::Xforward, true) => connection.told = true,
                (Stage::Xforward, false) if !stale => {
                    warn!(session = way.session, %reply, "next hop refuses XFORWARD");
                }
                (_, true) => {}
                (_, false) => {
                    if *stage == Stage::Xforward {
                        self.aged();
                    }
                    return Err(Fault::Inconstant(reply));
                }
            }
        }
        self.connection = Some(connection);
        // If MAIL is due, its reply decides.
        self.begun = !self.mail_due;
        Ok(due)
    }

    /// The connection of this message, or a kept one, or a new one.
    async fn connect(&mut self, way: Way<'_>) -> Result<Connection, Fault> {
        if let Some(mut connection) = self.connection.take() {
            if self.begun
                && let Err(fault) = connection.listen()
            {
                self.aged();
                return Err(fault);
            }
            return Ok(connection);
        }
        match way.pool.take() {
            Some(connection) => {
                self.aged();
                Ok(connection)
            }
            None => way.pool.connect(way.settings).await,
        }
    }

    /// What the client's parameters ask of a next hop that does not offer it.
    fn lacking(&self, offer: &Offer) -> Option<Extension> {
        let parties = iter::once(&self.mail).chain(&self.recipients).chain(&self.flight);
        let mut keywords = parties.flat_map(|(_, parameters)| parameters.iter()).map(|each| each.keyword);
        let lacks = |keyword: &Keyword| !keyword.may_be_left_out() && !offer.has(keyword.extension());
        keywords.find(lacks).map(Keyword::extension)
    }

    /// The commands to send, and how many of them the client is not waiting for.
    fn asks(&self, connection: &Connection) -> (Vec<Ask>, usize) {
        let offer = connection.offer();
        let mut asks = Vec::with_capacity(2 + self.recipients.len() + self.flight.len());
        if !self.begun {
            let tells = offer.has(Extension::Xforward) && (connection.told || !self.client.is_empty());
            if tells {
                let commands = self.client.commands(offer.xforward);
                asks.extend(commands.into_iter().map(|command| (Stage::Xforward, command.into())));
            }
            asks.push((Stage::Mail, client::mail(&self.mail.0, &self.mail.1, offer).into()));
            asks.extend(recipients(&self.recipients, offer));
        }
        let told = asks.len() - usize::from(!self.begun && self.mail_due);
        asks.extend(recipients(&self.flight, offer));
        (asks, told)
    }
}

fn recipients(parties: &[Party], offer: &Offer) -> impl Iterator<Item = Ask> {
    let offer = *offer;
    parties
        .iter()
        .map(move |(path, parameters)| (Stage::Recipient, client::recipient(path, parameters, &offer).into()))
}
