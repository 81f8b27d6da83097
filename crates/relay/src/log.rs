//! One line for each message.

use filter::{Account, Envelope};
use mail::Header;
use smtp::reply::Reply;
use std::time::Duration;
use tracing::info;

/// What is known of a message when it is over.
pub(crate) struct Line<'a> {
    pub(crate) envelope: &'a Envelope,
    pub(crate) header: Option<&'a Header>,
    pub(crate) size: u64,
    pub(crate) account: &'a Account,
    /// What the client heard, and who said it.
    pub(crate) reply: Option<&'a Reply>,
    pub(crate) next_hop: bool,
    pub(crate) took: Duration,
}

impl Line<'_> {
    /// Writes the line.
    pub(crate) fn write(&self) {
        let Self { envelope, account, .. } = self;
        let client = &envelope.client;
        let reply = self.reply.map(ToString::to_string).unwrap_or_default();
        info!(
            session = envelope.session,
            listener = envelope.listener,
            queue_id = client.ident.as_deref(),
            message_id = self.message_id(),
            client = client.address.map(tracing::field::display),
            client_name = client.name.as_deref(),
            mail_from = envelope.reverse_path,
            author = account.author.as_deref(),
            recipients = envelope.recipients.len(),
            size = self.size,
            action = account.action,
            detail = account.detail,
            next_hop = self.next_hop.then_some(reply.as_str()),
            reply = (!self.next_hop).then_some(reply.as_str()),
            seconds = self.took.as_secs_f64(),
            "message"
        );
    }

    /// The Message-ID without its angle brackets.
    fn message_id(&self) -> Option<String> {
        let (_, field) = self.header?.named("Message-ID").next()?;
        let value = String::from_utf8_lossy(field.value());
        let value = value.trim().trim_start_matches('<').trim_end_matches('>');
        let mut message_id = String::with_capacity(value.len());
        message_id.extend(value.chars().filter(|character| !character.is_control()).take(250));
        Some(message_id)
    }
}
