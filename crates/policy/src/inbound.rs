//! The inbound engine: verifies what comes in, and says what it found.
//!
//! Authentication-Results fields that claim to be ours are removed (RFC 8601 §5), every DKIM and DomainKeys
//! signature is verified, and one Authentication-Results field is added on top, also if there is nothing to say but
//! `dkim=none`. Look-ups run while the body comes in.
//!
//! `results` turns reports into that field, `verdict` into a reply and a log line.

mod results;
mod verdict;

pub use results::{remarks, results};
pub use verdict::OUTCOMES;

use crate::Clock;
use auth::AuthservId;
use dkim::{KeyAnswer, QueryId, Report, Verification, VerifyOptions};
use dns::{Budget, LookupError, Resolver, TxtAnswer, txt_within};
use filter::{Appetite, Decision, Envelope, Filter, Pass};
use mail::{Author, Header};
use std::sync::Arc;

/// What an inbound listener does with what it finds.
#[derive(Clone, Debug)]
pub struct InboundSettings {
    /// The name by which our results are signed.
    pub authserv_id: AuthservId,
    /// What a verification accepts.
    pub verify: VerifyOptions,
    /// What a message may spend on look-ups.
    pub budget: Budget,
    /// Whether a message is refused if a signature fails and none passes.
    ///
    /// Off unless asked for. RFC 6376 §6.3: "In general, modules that consume DKIM verification output SHOULD NOT determine message acceptability based solely on a lack of any signature or on an unverifiable signature"
    pub reject_fail: bool,
    /// Whether the client is asked to come again if a key could not be looked up and no signature passes.
    ///
    /// Off unless asked for: most mail is as good without its signature.
    pub reject_error: bool,
}

impl InboundSettings {
    /// The settings that are safe without thinking.
    #[must_use]
    pub fn new(authserv_id: AuthservId) -> Self {
        Self {
            authserv_id,
            verify: VerifyOptions::default(),
            budget: Budget::default(),
            reject_fail: false,
            reject_error: false,
        }
    }
}

/// The engine of an inbound listener.
pub struct Inbound<R> {
    settings: Arc<InboundSettings>,
    resolver: Arc<R>,
    clock: Arc<dyn Clock>,
}

impl<R: Resolver> Inbound<R> {
    /// An engine that looks keys up with `resolver`.
    #[must_use]
    pub fn new(settings: InboundSettings, resolver: R, clock: Arc<dyn Clock>) -> Self {
        Self { settings: Arc::new(settings), resolver: Arc::new(resolver), clock }
    }
}

impl<R: Resolver> Filter for Inbound<R> {
    type Pass = InboundPass<R>;

    fn open(&self, envelope: Arc<Envelope>) -> InboundPass<R> {
        InboundPass {
            settings: Arc::clone(&self.settings),
            resolver: Arc::clone(&self.resolver),
            clock: Arc::clone(&self.clock),
            envelope,
            read: None,
        }
    }
}

/// One message on its way through the inbound engine.
pub struct InboundPass<R> {
    settings: Arc<InboundSettings>,
    resolver: Arc<R>,
    clock: Arc<dyn Clock>,
    envelope: Arc<Envelope>,
    /// What the header brought; nothing before it came.
    read: Option<Reading>,
}

/// What is known once the header is there.
struct Reading {
    verification: Verification,
    queries: Vec<QueryId>,
    forged: Vec<usize>,
    author: Option<String>,
}

impl<R: Resolver> Pass for InboundPass<R> {
    type Answers = Vec<TxtAnswer>;

    fn header(&mut self, header: &Header) -> impl Future<Output = Self::Answers> + Send + use<R> {
        let verification = Verification::begin(header, &self.settings.verify, self.clock.now());
        let (queries, names): (Vec<_>, Vec<_>) =
            verification.queries().map(|(id, name)| (id, name.clone())).unzip();
        let is_forged = |field| self.settings.authserv_id.is_claimed_by(field);
        let forged =
            header.fields().enumerate().filter(|(_, field)| is_forged(*field)).map(|(at, _)| at).collect();
        let author = Author::of(header).ok().map(|author| author.mailbox().to_string());
        self.read = Some(Reading { verification, queries, forged, author });
        let (resolver, budget) = (Arc::clone(&self.resolver), self.settings.budget);
        async move { txt_within(&*resolver, &names, budget).await }
    }

    fn body(&mut self, chunk: &[u8]) -> Appetite {
        match self.read.as_mut().map(|read| read.verification.body(chunk)) {
            Some(dkim::Appetite::Hungry) => Appetite::Hungry,
            Some(dkim::Appetite::Sated) | None => Appetite::Sated,
        }
    }

    fn finish(self, answers: Vec<TxtAnswer>) -> Decision {
        let Some(Reading { verification, queries, forged, author }) = self.read else {
            return self.decide(&[], Vec::new(), None);
        };
        let answer = |id| {
            let at = queries.iter().position(|query| *query == id);
            at.and_then(|at| answers.get(at)).map_or(KeyAnswer::Absent, key_answer)
        };
        let reports = verification.finish(answer);
        Self { read: None, ..self }.decide(&reports, forged, author)
    }
}

impl<R> InboundPass<R> {
    fn decide(&self, reports: &[Report], forged: Vec<usize>, author: Option<String>) -> Decision {
        let found = results(self.settings.authserv_id.as_str(), reports, self.envelope.smtputf8);
        verdict::Finding { settings: &self.settings, reports, forged, author }.decide(&found)
    }
}

/// What an answer of the DNS means to a verification.
#[must_use]
pub fn key_answer(answer: &TxtAnswer) -> KeyAnswer {
    match answer {
        Ok(records) => KeyAnswer::Records(records.clone()),
        Err(LookupError::NoName | LookupError::NoData) => KeyAnswer::Absent,
        Err(LookupError::Unavailable(trouble)) => KeyAnswer::Unavailable(trouble.to_string()),
    }
}

#[cfg(test)]
mod tests;
