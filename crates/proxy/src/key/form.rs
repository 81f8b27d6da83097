//! The forms in which a record is entered into name servers and at providers: written, and read back.

mod lines;
mod read;
mod structured;

pub use read::{Found, ReadError, read};

use super::record::Publication;
use crate::cli::key::Form;

/// A record in one of the forms, with its last line ended.
pub fn write(form: Form, record: &Publication, ttl: u32) -> String {
    let name = record.name();
    let mut text = match form {
        Form::Zone => format!("{name}. {ttl} IN TXT ( {} )", record.strings()),
        Form::String => record.text().to_owned(),
        Form::Nsupdate => lines::nsupdate(record, ttl),
        Form::Route53 => structured::route53(record, ttl),
        Form::Cloudflare => structured::cloudflare(record, ttl),
        Form::Powerdns => structured::powerdns(record, ttl),
        Form::Octodns => structured::octodns(record, ttl),
        Form::Tinydns => lines::tinydns(record, ttl),
        Form::Web => lines::web(record, ttl),
    };
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
