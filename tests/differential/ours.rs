//! Signatures by this project, with everything that a request can ask for.

use crate::keys::{INTERNATIONAL, INTERNATIONAL_SELECTOR, Keys, RECORDS, SOUND};
use crate::message::DOMAIN;
use crate::random::Random;
use crate::verdict::NOW;
use dkim::{
    BodyLength, Canonicalization, DkimRequest, DomainKeysRequest, FieldNames, FieldSelection, Form, OldForm,
    Oversign, SignError, SignatureRequest, Signing,
};
use mail::{Domain, Header, NewField};
use std::sync::Arc;

/// Names that may stand in `h=`, present or not, more than once or not.
pub(crate) const SIGNED_NAMES: [&str; 12] = [
    "To",
    "Subject",
    "Date",
    "Received",
    "received",
    "X-Mailer",
    "Comments",
    "Absent",
    "Reply-To",
    "x",
    "Cc",
    "MIME-Version",
];

/// The message with one signature of ours on top, or with two.
pub(crate) fn signed(message: &[u8], keys: &Keys, random: &mut Random) -> Option<Vec<u8>> {
    let count = if random.chance(15) { 2 } else { 1 };
    let requests = (0..count).map(|_| request(keys, random).into()).collect();
    sign(message, requests).ok()
}

/// The message with a field for each request on top.
pub(crate) fn sign(message: &[u8], requests: Vec<SignatureRequest>) -> Result<Vec<u8>, SignError> {
    let (header, body) = Header::split(message);
    let mut signing = Signing::begin(&header, requests)?;
    let _ = signing.body(body);
    let fields = signing.finish()?;
    Ok(fields.iter().map(NewField::raw).chain([message]).collect::<Vec<_>>().concat())
}

/// The message with a signature of the older family on top.
pub(crate) fn signed_old(message: &[u8], keys: &Keys, random: &mut Random) -> Option<Vec<u8>> {
    let name = |text: &str| Domain::parse(text).expect("it is a name");
    let fields = random.chance(50).then(|| {
        let mut names = vec!["From".to_owned()];
        names.extend((0..random.below(8)).map(|_| random.pick(&SIGNED_NAMES).to_owned()));
        random.shuffle(&mut names);
        names
    });
    let request = DomainKeysRequest {
        domain: name(DOMAIN),
        selector: name(&selector(random)),
        key: Arc::clone(&keys.rsa),
        form: random.pick(&[OldForm::Simple, OldForm::Nofws]),
        fields,
    };
    sign(message, vec![request.into()]).ok()
}

fn request(keys: &Keys, random: &mut Random) -> DkimRequest {
    let ed25519 = random.chance(20);
    let key = if ed25519 { &keys.ed25519 } else { &keys.rsa };
    let domain = if random.chance(10) { INTERNATIONAL[0] } else { DOMAIN };
    let selector = if ed25519 { "ed".to_owned() } else { selector(random) };
    let name = |text: &str| Domain::parse(text).expect("it is a name");
    let mut request = DkimRequest::new(name(domain), name(&selector), Arc::clone(key));
    let form = |random: &mut Random| random.pick(&[Form::Simple, Form::Relaxed]);
    request.canonicalization = Canonicalization { header: form(random), body: form(random) };
    request.fields = selection(random);
    request.identity = identity(domain, random);
    request.body_length = match random.below(12) {
        0 => BodyLength::Whole,
        1 => BodyLength::Octets(random.below(40) as u64),
        2 => BodyLength::Octets(0),
        _ => BodyLength::Unsaid,
    };
    (request.signed_at, request.lifetime) = times(random);
    request.copy_fields = random.chance(10);
    request.say_query = random.chance(10);
    request.ask_for_reports = random.chance(5);
    request
}

/// Mostly a selector whose record is sound.
pub(crate) fn selector(random: &mut Random) -> String {
    match random.below(20) {
        0..10 => "k0".to_owned(),
        10..15 => format!("k{}", random.below(SOUND)),
        15..18 => format!("k{}", random.below(RECORDS.len())),
        18 => INTERNATIONAL_SELECTOR[0].to_owned(),
        _ => random.pick(&["timeout", "servfail", "nowhere"]).to_owned(),
    }
}

fn selection(random: &mut Random) -> FieldSelection {
    let names = if random.chance(40) {
        return FieldSelection::default();
    } else {
        let mut names = vec!["From".to_owned()];
        names.extend((0..random.below(8)).map(|_| random.pick(&SIGNED_NAMES).to_owned()));
        random.shuffle(&mut names);
        let names = names.into();
        if random.chance(70) { FieldNames::Exactly(names) } else { FieldNames::Present(names) }
    };
    let oversign = match random.below(4) {
        0 => Oversign::From,
        1 => Oversign::Present,
        2 => Oversign::Always,
        _ => Oversign::Names(vec!["Subject".to_owned(), "Absent".to_owned()]),
    };
    FieldSelection { names, oversign }
}

fn identity(domain: &str, random: &mut Random) -> Option<String> {
    match random.below(8) {
        0 => Some(format!("@{domain}")),
        1 => Some(format!("a b;c=d@{domain}")),
        2 => Some(format!("@sub.{domain}")),
        3 => Some(format!("zoë@{domain}")),
        _ => None,
    }
}

/// `t=`, and how long after it `x=`; nothing is within minutes of now.
pub(crate) fn times(random: &mut Random) -> (Option<u64>, Option<u64>) {
    match random.below(12) {
        0 => (Some(NOW - 100_000), Some(50_000)),
        1 => (Some(NOW + 100_000), None),
        2 => (Some(NOW - 100_000), Some(200_000)),
        3 => (None, None),
        4 => (Some(1_000), Some(99_999_999_999)),
        _ => (Some(NOW - 100_000), None),
    }
}
