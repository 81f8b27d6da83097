//! Fields that a message should have: servers on the way add them where they are missing (RFC 5322 §3.6).

use crate::Randomness;
use filter::{Decision, Measure, Refusal, Verdict};
use mail::{FieldWriter, Header, Mailbox, NewField};
use std::borrow::Cow;
use std::sync::Arc;

/// What is done about a field that is missing. It concerns mail that is signed; other mail is not ours to complete,
/// and may bear a signature over the absence of the field.
pub struct Completion {
    /// Date. RFC 5322 §3.6: "The only required header fields are the origination date field and the originator
    /// address field(s)."
    pub date: Measure,
    /// Message-ID, which RFC 5322 §3.6.4 asks for, and threads and filters need.
    pub message_id: Measure,
    /// What makes a Message-ID of ours the only one of its kind.
    pub randomness: Arc<dyn Randomness>,
}

/// What came of it for one message.
#[derive(Default)]
pub(super) struct Completed {
    fields: Vec<NewField>,
    /// What the log says of it.
    notes: Vec<String>,
}

impl Completion {
    /// Looks for the fields, and makes those that are to be added; or gives the refusal, and why.
    pub(super) fn complete(
        &self,
        header: &Header,
        author: &Mailbox,
        now: u64,
    ) -> Result<Completed, (Refusal, String)> {
        let mut completed = Completed::default();
        let value = |name| match name {
            "Date" => date(now),
            _ => format!("<{now}.{:032x}@{}>", self.randomness.draw(), author.domain),
        };
        for (name, measure) in [("Date", self.date), ("Message-ID", self.message_id)] {
            if header.named(name).next().is_some() {
                continue;
            }
            match measure {
                Measure::Off => {}
                Measure::Warn => completed.notes.push(format!("no {name}")),
                Measure::Refuse => return Err((missing(name), format!("no {name}"))),
                Measure::Fix => {
                    let mut field = FieldWriter::new(name);
                    field.word(&value(name));
                    completed.fields.push(field.finish());
                    completed.notes.push(format!("{name} added"));
                }
            }
        }
        Ok(completed)
    }
}

impl Completed {
    /// The header as it will be below the signatures.
    pub(super) fn header<'a>(&self, header: &'a Header) -> Cow<'a, Header> {
        if self.fields.is_empty() && !header.begins_folded() {
            return Cow::Borrowed(header);
        }
        // What cannot stand below another field will be dropped.
        let kept = header.fields().skip(usize::from(header.begins_folded())).map(|field| field.raw());
        let all = self.fields.iter().map(NewField::raw).chain(kept);
        let completed = Header::parse(all.collect::<Vec<_>>().concat());
        Cow::Owned(if header.is_terminated() { completed } else { completed.unterminated() })
    }

    /// Adds the fields below the signatures; the detail says so. A message that is not signed stays as it is.
    pub(super) fn add_to(self, decision: &mut Decision) {
        let Verdict::Forward(edits) = &mut decision.verdict else { return };
        if edits.is_empty() {
            return;
        }
        edits.prepend.extend(self.fields);
        for note in self.notes {
            decision.account.detail.push_str("; ");
            decision.account.detail.push_str(&note);
        }
    }
}

fn missing(name: &str) -> Refusal {
    Refusal { code: 550, enhanced: "5.6.0", text: format!("Message has no {name} field") }
}

/// A point in time as RFC 5322 §3.3 writes it.
fn date(now: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb"];
    let (days, seconds) = (now / 86_400, now % 86_400);
    // Years that begin in March end with the leap day; 719,468 days lie between March of year 0 and 1970.
    let since = days + 719_468;
    let (era, day) = (since / 146_097, since % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year + u64::from(month >= 10);
    let name = |names: &[&'static str], index: u64| names[usize::try_from(index).unwrap_or(0)];
    format!(
        "{}, {day} {} {year} {:02}:{:02}:{:02} +0000",
        name(&DAYS, days % 7),
        name(&MONTHS, month),
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::tests::verify;
    use crate::outbound::{AddressPattern, Matching};
    use crate::tests::{NOW, domain, forwarded, outbound, pass, rule};
    use filter::Envelope;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (now, expected) in [
            (0, "Thu, 1 Jan 1970 00:00:00 +0000"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 +0000"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 +0000"),
            (951_868_800, "Wed, 1 Mar 2000 00:00:00 +0000"),
            (1_798_761_599, "Thu, 31 Dec 2026 23:59:59 +0000"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 +0000"),
            (4_107_542_400, "Mon, 1 Mar 2100 00:00:00 +0000"),
        ] {
            assert_eq!(date(now), expected);
        }
    }

    const BARE: &str = "From: a@a.example\r\nSubject: x\r\n\r\nHello\r\n";
    const WHOLE: &str = "DATE: x\r\nFrom: a@a.example\r\nmessage-id: <x@y>\r\nSubject: x\r\n\r\nHello\r\n";

    fn decided(date: Measure, message_id: Measure, message: &str) -> Decision {
        let randomness = Arc::new(|| 0xabc_u128);
        let engine = outbound(
            Matching::All,
            vec![rule("ours", AddressPattern::Domain(domain("a.example")), &["rsa"])],
        )
        .completing(Completion { date, message_id, randomness });
        pass(&engine, Envelope::default(), message)
    }

    #[test]
    fn each_measure_does_what_it_says() {
        let id = format!("Message-ID: <{NOW}.{:032x}@a.example>\r\n", 0xabc);
        let date = format!("Date: {}\r\n", date(NOW));
        for date_measure in Measure::ALL {
            for id_measure in Measure::ALL {
                assert_eq!(decided(date_measure, id_measure, WHOLE).account.action, "signed");
                let decision = decided(date_measure, id_measure, BARE);
                let detail = &decision.account.detail;
                if [date_measure, id_measure].contains(&Measure::Refuse) {
                    let Verdict::Refuse(refusal) = &decision.verdict else { panic!("{decision:?}") };
                    let missing = if date_measure == Measure::Refuse { "Date" } else { "Message-ID" };
                    assert_eq!(refusal.text, format!("Message has no {missing} field"));
                    continue;
                }
                let after = forwarded(&decision, BARE);
                let added = |measure, field: &str| {
                    if measure == Measure::Fix { field.to_owned() } else { String::new() }
                };
                let below = added(date_measure, &date) + &added(id_measure, &id) + BARE;
                assert!(after.starts_with("DKIM-Signature:") && after.ends_with(&below), "{after}");
                for (measure, name) in [(date_measure, "Date"), (id_measure, "Message-ID")] {
                    assert_eq!(after.contains(&format!("{name}:")), measure == Measure::Fix, "{after}");
                    assert_eq!(
                        detail.contains(&format!("; no {name}")),
                        measure == Measure::Warn,
                        "{detail}"
                    );
                    assert_eq!(detail.contains(&format!("; {name} added")), measure == Measure::Fix);
                }
            }
        }
    }

    #[test]
    fn what_is_added_is_signed() {
        let after = forwarded(&decided(Measure::Fix, Measure::Fix, BARE), BARE);
        assert!(after.contains("Date:") && after.contains("Message-ID:"), "{after}");
        let passes = |message: &str| verify(message)[0].outcome.is_ok();
        assert!(passes(&after), "{after}");
        for (from, to) in [("Date: ", "Date: 1"), ("Message-ID: <", "Message-ID: <1")] {
            let altered = after.replace(from, to);
            assert!(altered != after && !passes(&altered), "{altered}");
        }
    }

    #[test]
    fn mail_that_is_not_signed_stays_as_it_is() {
        let foreign = BARE.replace("a.example", "b.example");
        for measure in Measure::ALL {
            let decision = decided(measure, measure, &foreign);
            assert_eq!(forwarded(&decision, &foreign), foreign);
            assert_eq!(decision.account.action, "unsigned");
        }
    }
}
