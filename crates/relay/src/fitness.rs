//! What is signed is what is sent: content that a server on the way would change is found, and set right before.
//!
//! A server that sends on breaks lines of more than 998 octets, or refuses them, and converts 8-bit content where the
//! next one does not take it. Either breaks a signature. The intake finds both while the content comes in; only a
//! message that has one of them, and a filter that vouches for it, comes here.
//!
//! A filter that adds nothing to a message vouches for nothing, and the message is left alone: it may bear
//! signatures of others. What is set right is shown to the filter anew, and its second decision counts.

use crate::intake::Message;
use crate::serve::Engine;
use crate::settings::Fitness;
use crate::store::{Body, Sealed, blocking};
use filter::{Decision, Envelope, Filter, Measure, Pass, Refusal, Verdict};
use mail::Header;
use mail::conversion::{Converted, Inconvertible, Unfit, convert};
use smtp::content::{Repair, Repairs, Strays};
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::error;

/// How many messages are held whole in memory at once to be converted.
const AT_ONCE: usize = 4;
static ROOM: Semaphore = Semaphore::const_new(AT_ONCE);
/// How long one waits for the others. The client waits too, and must not give up before we do.
const TURN: Duration = Duration::from_secs(60);

/// A message that the filter has decided about, to be made fit.
pub(crate) struct Fitting<F> {
    pub(crate) engine: Arc<Engine<F>>,
    pub(crate) envelope: Arc<Envelope>,
    /// Whether octets above 127 pass, now and further on.
    pub(crate) eight_bit_passes: bool,
}

impl<F: Filter> Fitting<F> {
    /// Does what the settings say about what does not fit. What was done stands in the account's detail.
    pub(crate) async fn apply(&self, mut message: Message) -> Message {
        let found = message.unfit.and(Unfit { long_lines: true, eight_bit: !self.eight_bit_passes });
        let vouched = matches!(&message.decision.verdict, Verdict::Forward(edits) if !edits.is_empty());
        if found.is_none() || !vouched {
            return message;
        }
        let fitness = self.engine.settings.fitness;
        let refused = found.and(fitness.unfit(Measure::Refuse));
        if !refused.is_none() {
            refuse(&mut message.decision, refusal(refused), words(refused));
            return message;
        }
        let wanted = found.and(fitness.unfit(Measure::Fix));
        if !wanted.is_none() {
            let (fitted, words) = self.fit(message, wanted).await;
            message = fitted;
            note(&mut message.decision, &words);
        }
        let warned = found.and(fitness.unfit(Measure::Warn));
        if !warned.is_none() {
            note(&mut message.decision, words(warned));
        }
        message
    }

    /// Makes the message fit if that is possible; gives it back with what the log says of it.
    async fn fit(&self, message: Message, wanted: Unfit) -> (Message, String) {
        let largest = self.engine.settings.fitness.largest;
        if message.body.length() > largest {
            let note = format!("{} not fixed: body larger than {largest} octets", words(wanted));
            return (message, note);
        }
        let header = message.header.clone();
        match self.try_fit(message, wanted).await {
            Ok((message, outcome)) => {
                let words = outcome.map_or_else(
                    |why| format!("{} not fixed: {why}", words(wanted)),
                    |fixed| fixed.words(wanted),
                );
                (message, words)
            }
            Err(error) => {
                error!(%error, "cannot convert a body");
                (lost(header), error.to_string())
            }
        }
    }

    async fn try_fit(
        &self,
        message: Message,
        wanted: Unfit,
    ) -> io::Result<(Message, Result<Fixed, Inconvertible>)> {
        let permit = timeout(TURN, ROOM.acquire()).await?.map_err(io::Error::other)?;
        let Message { header, body, dots, decision, unfit, decided_in } = message;
        let body = body.into_memory().await?;
        let (header, body, outcome) = blocking(move || {
            let outcome = fixed(&header, &body, wanted);
            Ok((header, body, outcome))
        })
        .await?;
        let (Converted { header, body, .. }, fixed) = match outcome {
            Ok(fixed) => fixed,
            Err(why) => {
                let body = Sealed::Memory(body);
                return Ok((Message { header, body, dots, decision, unfit, decided_in }, Err(why)));
            }
        };
        let decision = self.decide(&header, &body).await;
        let settings = &self.engine.settings;
        let mut stored = Body::new(settings.limits.memory, &settings.spool, &self.engine.shelf);
        stored.push(&body);
        drop(body);
        stored.settle().await?;
        drop(permit);
        let body = stored.seal().await?;
        Ok((Message { header, body, dots: true, decision, unfit, decided_in }, Ok(fixed)))
    }

    /// Shows the filter the message as it is now.
    async fn decide(&self, header: &Header, body: &[u8]) -> Decision {
        let mut pass = self.engine.filter.open(Arc::clone(&self.envelope));
        let answers = pass.header(header).await;
        // It is given all there is, whatever it wants.
        let _ = pass.body(body);
        pass.finish(answers)
    }
}

/// What was set right of a message.
struct Fixed {
    kinds: Unfit,
    parts: usize,
    /// What stayed in the headers of parts.
    left: Unfit,
    /// Why the other kind was not.
    otherwise: Option<Inconvertible>,
}

/// Makes a message fit in both ways, or in one if the other is not possible.
fn fixed(header: &Header, body: &[u8], wanted: Unfit) -> Result<(Converted, Fixed), Inconvertible> {
    let attempt = |kinds, otherwise| {
        let converted = convert(header, body, kinds)?;
        let fixed = Fixed { kinds, parts: converted.parts, left: converted.left, otherwise };
        Ok((converted, fixed))
    };
    let both = attempt(wanted, None);
    let Err(why) = both else { return both };
    let [lines, octets] = [(true, false), (false, true)]
        .map(|(long_lines, eight_bit)| wanted.and(Unfit { long_lines, eight_bit }));
    if lines.is_none() || octets.is_none() {
        return Err(why);
    }
    attempt(octets, Some(why)).or_else(|_| attempt(lines, Some(why)))
}

impl Fixed {
    /// What the log says of it.
    fn words(&self, wanted: Unfit) -> String {
        let mut all = format!("{} fixed, {} parts encoded", words(self.kinds), self.parts);
        if !self.left.is_none() {
            all.push_str(", but for the headers of parts");
        }
        if let Some(why) = self.otherwise {
            let kinds = Unfit {
                long_lines: wanted.long_lines && !self.kinds.long_lines,
                eight_bit: wanted.eight_bit && !self.kinds.eight_bit,
            };
            // A string takes everything.
            let _ = write!(all, "; {} not fixed: {why}", words(kinds));
        }
        all
    }
}

impl Fitness {
    /// What is to be looked for.
    pub(crate) fn sought(self) -> Unfit {
        let off = self.unfit(Measure::Off);
        Unfit { long_lines: !off.long_lines, eight_bit: !off.eight_bit }
    }

    /// Those about which this is done.
    fn unfit(self, measure: Measure) -> Unfit {
        Unfit { long_lines: self.long_lines == measure, eight_bit: self.eight_bit == measure }
    }
}

/// What the log says of octets out of place; nothing if there were none.
#[must_use]
pub fn told(strays: Strays, repairs: Repairs) -> Option<String> {
    let kinds = [
        (strays.bare_cr, repairs.bare_cr, "bare CR"),
        (strays.bare_lf, repairs.bare_lf, "bare LF"),
        (strays.nul, repairs.nul, "NUL"),
    ];
    let there = kinds.into_iter().filter(|(count, ..)| *count > 0);
    let words: Vec<String> = there
        .map(|(count, repair, name)| match repair {
            Repair::Fix => format!("{count} {name} fixed"),
            Repair::Refuse => format!("{count} {name} refused"),
            Repair::Pass => format!("{count} {name} passed"),
        })
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// Adds to what the log line says.
pub(crate) fn note(decision: &mut Decision, words: &str) {
    let detail = &mut decision.account.detail;
    if !detail.is_empty() {
        detail.push_str("; ");
    }
    detail.push_str(words);
}

/// What the log says of content that does not fit.
#[must_use]
pub fn words(unfit: Unfit) -> &'static str {
    match (unfit.long_lines, unfit.eight_bit) {
        (true, true) => "lines over 998 octets and 8-bit content",
        (true, false) => "lines over 998 octets",
        (false, _) => "8-bit content",
    }
}

fn refusal(unfit: Unfit) -> Refusal {
    if unfit.long_lines {
        return Refusal {
            code: 550,
            enhanced: "5.6.0",
            text: "Message has a line over 998 octets".to_owned(),
        };
    }
    // RFC 3463 §3.7, of X.6.3: "The message content must be converted in order to be forwarded but such conversion is
    // not possible or is not practical by a host in the forwarding path."
    Refusal {
        code: 550,
        enhanced: "5.6.3",
        text: "Message has 8-bit content, which cannot be sent on".to_owned(),
    }
}

fn refuse(decision: &mut Decision, refusal: Refusal, why: &str) {
    decision.verdict = Verdict::Refuse(refusal);
    decision.account.action = "refused";
    decision.account.reason = "unfit";
    why.clone_into(&mut decision.account.detail);
}

/// A message whose body was lost on the way; the client still has it.
fn lost(header: Header) -> Message {
    let refusal = Refusal { code: 452, enhanced: "4.3.1", text: "Local storage failed".to_owned() };
    let account = filter::Account { action: "refused", reason: "storage", ..filter::Account::default() };
    let decision = Decision { verdict: Verdict::Refuse(refusal), account };
    let body = Sealed::Memory(Vec::new());
    Message { header, body, dots: true, decision, unfit: Unfit::default(), decided_in: Duration::ZERO }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_out_of_place_are_told() {
        let repairs = Repairs { bare_cr: Repair::Pass, bare_lf: Repair::Fix, nul: Repair::Refuse };
        assert_eq!(told(Strays::default(), repairs), None);
        let strays = Strays { bare_lf: 2, ..Strays::default() };
        assert_eq!(told(strays, repairs).as_deref(), Some("2 bare LF fixed"));
        let strays = Strays { bare_cr: 1, bare_lf: 2, nul: 3 };
        assert_eq!(
            told(strays, repairs).as_deref(),
            Some("1 bare CR passed, 2 bare LF fixed, 3 NUL refused")
        );
    }
}
