//! What comes next for a key, in words.

use super::{DAY, FORGOTTEN, Kept, Plan, Stage};
use mail::Domain;

impl Stage {
    /// One word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Next { .. } => "next",
            Self::Signing { .. } => "signing",
            Self::Retired { .. } => "retired",
            Self::Withdrawing { .. } => "withdrawing",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Abandoned { .. } => "abandoned",
        }
    }
}

impl Kept {
    /// What comes next, and when.
    pub fn outlook(&self, plan: &Plan, domain: &Domain) -> String {
        let name = format!("{}._domainkey.{domain}", self.selector);
        match self.stage {
            Stage::Next { since, shown: None } => {
                let how = match plan.update {
                    None => format!("publish its record at {name}"),
                    Some(_) => format!("its record is entered at {name}"),
                };
                format!("made {}; {how}, then it signs", date(since))
            }
            Stage::Next { shown: Some(shown), .. } => {
                format!(
                    "shown by every server since {}; signs from {} on",
                    time(shown),
                    time(shown.saturating_add(plan.settle))
                )
            }
            Stage::Signing { since } => {
                format!(
                    "signs since {}; the next key is made {}",
                    date(since),
                    date(since.saturating_add(plan.every))
                )
            }
            Stage::Retired { since, until } => {
                format!("signed until {}; its record stays until {}", date(since), date(until))
            }
            Stage::Withdrawing { since } => {
                let how = match plan.update {
                    None => "publish an empty p=",
                    Some(_) => "an empty p= is entered",
                };
                format!("withdraw its record since {}: {how} at {name}", date(since))
            }
            Stage::Withdrawn { since } if plan.disclose.is_some() && !self.adopted => {
                let forgotten = date(since.saturating_add(FORGOTTEN));
                format!("gone since {}; its private key is published from {forgotten} on", date(since))
            }
            Stage::Withdrawn { since } => format!("gone since {}; its file may be deleted", date(since)),
            Stage::Abandoned { since } => {
                let since = date(since);
                format!("given up {since}, since another record stands at {name}; its file may be deleted")
            }
        }
    }
}

/// A day: 2026-11-23.
pub(super) fn date(seconds: u64) -> String {
    let (year, month, day) = civil(seconds);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A minute of a day, UTC.
fn time(seconds: u64) -> String {
    let minutes = seconds % DAY / 60;
    format!("{} {:02}:{:02} UTC", date(seconds), minutes / 60, minutes % 60)
}

/// Year, month and day of a time since 1970.
pub(super) fn civil(seconds: u64) -> (u64, u64, u64) {
    // Years begin in March here, so that the day that some have more is their last; eras have 400 years. The day
    // 719,468 before 1970 is the first of March of the year 0.
    let days = seconds / DAY + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}
