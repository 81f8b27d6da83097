//! Undoes what may have been done to a body.

use super::encoding::decoded;
use super::finding::{BodyChange, Finding};
use crate::algorithm::Form;
use crate::dkim::signature::Signature;
use crate::dkim::verify::body_form;
use crate::hash::{BodyHashId, BodyHashSpec, BodyHasher};
use mail::Header;

/// How many lines at the top are tried as an addition.
const BANNER_LINES: usize = 40;
/// So many octets are hashed at most to find it, but one line is always tried.
const BANNER_OCTETS: usize = 64 * 1024 * 1024;
/// Ends of the body longer than this are not tried as an addition.
const FOOTER_OCTETS: usize = 64 * 1024;
/// How much of an addition is shown.
const SHOWN: usize = 120;

/// What happened to the body.
pub(super) fn finding(signature: &Signature, header: &Header, body: &[u8]) -> Finding {
    let own = Target { signature, form: signature.canonicalization.body };
    if own.fits(body) {
        return Finding::BodyIntact;
    }
    let other = Target { form: other(own.form), ..own };
    let change = own.change(header, body);
    let change = change.or_else(|| other.fits(body).then_some(BodyChange::OtherForm(other.form)));
    match change.or_else(|| other.change(header, body)) {
        Some(change) => Finding::Body(change),
        None => Finding::BodyUnknown,
    }
}

pub(super) fn other(form: Form) -> Form {
    match form {
        Form::Simple => Form::Relaxed,
        Form::Relaxed => Form::Simple,
    }
}

/// A hash to be met, in one canonical form.
#[derive(Clone, Copy)]
struct Target<'a> {
    signature: &'a Signature,
    form: Form,
}

impl Target<'_> {
    fn fits(&self, body: &[u8]) -> bool {
        let (mut hasher, id) = self.hasher();
        let _ = hasher.update(body);
        hasher.finish()[id].digest == self.signature.bh
    }

    fn hasher(&self) -> (BodyHasher, BodyHashId) {
        let mut hasher = BodyHasher::default();
        let spec = BodyHashSpec::new(body_form(self.form), self.signature.algorithm.hash());
        let id = hasher.request(BodyHashSpec { limit: self.signature.body_length, ..spec });
        (hasher, id)
    }

    /// The first change that, undone, makes the body fit.
    fn change(&self, header: &Header, body: &[u8]) -> Option<BodyChange> {
        let undone = |change: BodyChange, was: Vec<u8>| (was != body && self.fits(&was)).then_some(change);
        undone(BodyChange::LineEnds, with_line_ends(body))
            .or_else(|| {
                undone(BodyChange::Dots, each_line(body, |line| line.strip_prefix(b".").unwrap_or(line)))
            })
            .or_else(|| undone(BodyChange::Dots, dots_doubled(body)))
            .or_else(|| undone(BodyChange::LongLines, joined(body)))
            .or_else(|| self.footer(body))
            .or_else(|| self.banner(body))
            .or_else(|| {
                decoded(header, body).and_then(|(encoding, was)| undone(BodyChange::Encoded(encoding), was))
            })
            .or_else(|| self.fits(b"").then_some(BodyChange::Empty))
    }

    /// An end that was added.
    fn footer(&self, body: &[u8]) -> Option<BodyChange> {
        let from = body.len().saturating_sub(FOOTER_OCTETS);
        let (mut hasher, id) = self.hasher();
        let mut done = 0;
        // The body is hashed once, and the state of it taken at each line.
        for end in line_starts(body).filter(|at| (from..body.len()).contains(at)) {
            let _ = hasher.update(&body[done..end]);
            done = end;
            if hasher.clone().finish()[id].digest == self.signature.bh {
                return Some(BodyChange::Footer { octets: body.len() - end, text: shown(&body[end..]) });
            }
        }
        None
    }

    /// A beginning that was added.
    fn banner(&self, body: &[u8]) -> Option<BodyChange> {
        let tries = BANNER_LINES.min(1 + BANNER_OCTETS / body.len().max(1));
        let start = line_starts(body).take(tries).find(|start| self.fits(&body[*start..]))?;
        Some(BodyChange::Banner { octets: start, text: shown(&body[..start]) })
    }
}

/// Where lines start, but for the first.
fn line_starts(body: &[u8]) -> impl Iterator<Item = usize> {
    memchr::memchr_iter(b'\n', body).map(|at| at + 1)
}

fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(&text[..text.len().min(SHOWN)]).into_owned();
    text.trim().escape_debug().to_string()
}

/// Each CR and each LF that stands alone as CR LF.
fn with_line_ends(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((&first, tail)) = rest.split_first() {
        match (first, tail.first()) {
            (b'\r', Some(b'\n')) => {
                out.extend_from_slice(b"\r\n");
                rest = &tail[1..];
                continue;
            }
            (b'\r' | b'\n', _) => out.extend_from_slice(b"\r\n"),
            _ => out.push(first),
        }
        rest = tail;
    }
    out
}

fn each_line(body: &[u8], change: impl Fn(&[u8]) -> &[u8]) -> Vec<u8> {
    body.split_inclusive(|octet| *octet == b'\n').flat_map(|line| change(line).iter().copied()).collect()
}

fn dots_doubled(body: &[u8]) -> Vec<u8> {
    let lines = body.split_inclusive(|octet| *octet == b'\n');
    lines
        .flat_map(|line| line.starts_with(b".").then_some(b'.').into_iter().chain(line.iter().copied()))
        .collect()
}

/// Lines that were cut at about a thousand octets as one again; some programs start the rest with a blank.
fn joined(body: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(body.len());
    let mut cut = false;
    for line in body.split_inclusive(|octet| *octet == b'\n') {
        let line = if cut { line.strip_prefix(b" ").unwrap_or(line) } else { line };
        let text = line.strip_suffix(b"\r\n").unwrap_or(line);
        cut = (980..=1000).contains(&text.len());
        out.extend_from_slice(if cut { text } else { line });
    }
    out
}
