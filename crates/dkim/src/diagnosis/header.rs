//! Undoes what may have been done to a header.

use super::body::other;
use super::finding::{Finding, HeaderChange};
use crate::algorithm::Form;
use crate::canonical::HeaderForm;
use crate::dkim::signature::Signature;
use crate::encoding::quoted_printable_decode;
use crate::fields::FieldIndex;
use crate::key::Usable;
use crate::tags::TagList;
use mail::Header;

/// Encodings that a body may have been sent in.
const ENCODINGS: [&str; 5] = ["8bit", "7bit", "quoted-printable", "base64", "binary"];
/// Where mailing lists keep the author.
const ORIGINALS: [&str; 3] = ["X-Original-From", "Original-From", "Reply-To"];
/// More names than these are not undone one by one.
const MANY: usize = 40;
/// More copies in `z=` are not looked at, nor are more fields put back as they say.
const COPIES: usize = 200;
/// A header larger than this is not undone at all: each try costs a copy of it.
const LARGE: usize = 128 * 1024;
/// How much of a value is shown, in characters.
const SHOWN: usize = 200;
/// How many pairs of changes are tried.
const PAIRS: usize = 2_000;

/// A header with something undone.
#[derive(Clone)]
struct Variant {
    change: Option<HeaderChange>,
    /// Each field with its CR LF; an empty one is gone.
    fields: Vec<Vec<u8>>,
    form: Form,
}

/// What happened to the header.
pub(super) fn findings(signature: &Signature, header: &Header, own: usize, keys: &[Usable]) -> Vec<Finding> {
    let fits = |variant: &Variant| {
        let text = variant.signed_text(signature, own);
        keys.iter().any(|usable| usable.key.verify(signature.algorithm, &text, &signature.b))
    };
    let fields = header.fields().map(|field| field.raw().to_vec()).collect();
    let now = Variant { change: None, fields, form: signature.canonicalization.header };
    if fits(&now) {
        return vec![Finding::HeaderIntact];
    }
    let mut findings = differences(&now, header, own);
    if header.raw().len() > LARGE {
        findings.push(unknown(signature, keys));
        return findings;
    }
    let variants = now.variants(signature, &copies(header, own));
    let change =
        variants.iter().find(|variant| fits(variant)).map(|variant| vec![variant.clone()]).or_else(|| {
            let pairs = variants
                .iter()
                .flat_map(|one| one.variants(signature, &[]).into_iter().map(move |two| (one, two)));
            pairs.take(PAIRS).find(|(_, two)| fits(two)).map(|(one, two)| vec![one.clone(), two])
        });
    match change {
        Some(variants) => {
            findings.extend(variants.into_iter().filter_map(|variant| variant.change).map(Finding::Header));
        }
        None => findings.push(unknown(signature, keys)),
    }
    findings
}

/// What can be said if nothing fits.
fn unknown(signature: &Signature, keys: &[Usable]) -> Finding {
    match keys.iter().map(|usable| usable.key.made(&signature.b)).collect::<Option<Vec<bool>>>() {
        Some(made) if made.contains(&true) => Finding::HeaderUnknown,
        Some(_) => Finding::OtherKey,
        None => Finding::HeaderOrKey,
    }
}

/// The fields that `z=` has: names, and values without their encoding.
fn copies(header: &Header, own: usize) -> Vec<(String, Vec<u8>)> {
    let value = header.field(own).map_or(&[][..], |field| field.value());
    let tags = TagList::salvage(value);
    let copied = tags.value("z").into_iter().flat_map(|list| list.split('|'));
    copied
        .take(COPIES)
        .filter_map(|copy| {
            let (name, value) = copy.split_once(':')?;
            Some((name.trim().to_owned(), quoted_printable_decode(value)?))
        })
        .collect()
}

/// The fields of which `z=` has another value than the message.
fn differences(now: &Variant, header: &Header, own: usize) -> Vec<Finding> {
    let plain = |value: &[u8]| {
        let mut text = String::from_utf8_lossy(value).replace("\r\n", "");
        text = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        text
    };
    let mut findings = Vec::new();
    for (name, signed) in copies(header, own) {
        let present: Vec<String> = now.named(&name).map(|at| plain(value_of(&now.fields[at]))).collect();
        let signed = plain(&signed);
        if !present.contains(&signed) {
            let show = |text: &str| text.escape_debug().take(SHOWN).collect::<String>();
            let now = show(present.last().map_or("", String::as_str));
            findings.push(Finding::FieldDiffers { name: show(&name), signed: show(&signed), now });
        }
    }
    findings
}

impl Variant {
    fn signed_text(&self, signature: &Signature, own: usize) -> Vec<u8> {
        let header = Header::parse(self.fields.concat());
        let own = own - self.fields[..own].iter().filter(|field| field.is_empty()).count();
        let index = FieldIndex::new(&header);
        let form = HeaderForm::from(self.form);
        let mut text = Vec::new();
        for place in index.select(signature.fields.iter().map(String::as_str), Some(own)) {
            if let Some(field) = header.field(place) {
                form.put(field, &mut text);
            }
        }
        if let Some(field) = header.field(own) {
            form.put_cut(field, Some(signature.b_span.clone()), &mut text);
        }
        text
    }

    /// The places of the fields of a name, from top to bottom.
    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = usize> + 'a {
        let is = |field: &[u8]| name_of(field).eq_ignore_ascii_case(name.as_bytes());
        self.fields
            .iter()
            .enumerate()
            .filter(move |(_, field)| !field.is_empty() && is(field))
            .map(|(at, _)| at)
    }

    /// This one with one thing more undone, in every way that is known.
    fn variants(&self, signature: &Signature, copies: &[(String, Vec<u8>)]) -> Vec<Self> {
        let mut variants = Vec::new();
        let restored = copies.iter().flat_map(|(name, value)| {
            let change = HeaderChange::Restored(name.escape_debug().to_string());
            self.named(name).map(move |at| self.with(at, name, value, change.clone()))
        });
        variants.extend(restored.take(COPIES));
        variants.extend(self.subjects());
        variants.extend(self.encodings());
        variants.extend(self.originals());
        let mut names: Vec<&String> = signature.fields.iter().take(MANY).collect();
        names.sort_unstable_by_key(|name| name.to_ascii_lowercase());
        names.dedup_by_key(|name| name.to_ascii_lowercase());
        variants.extend(names.iter().flat_map(|name| self.without(name)));
        variants.extend(names.iter().flat_map(|name| self.refolded(name)));
        let form = other(self.form);
        variants.push(Self { change: Some(HeaderChange::OtherForm(form)), form, ..self.clone() });
        variants
    }

    fn with(&self, at: usize, name: &str, value: &[u8], change: HeaderChange) -> Self {
        let mut variant = self.clone();
        variant.fields[at] = [name.as_bytes(), b":", value, b"\r\n"].concat();
        variant.change = Some(change);
        variant
    }

    /// Without what lists and filters put in front of a subject.
    fn subjects(&self) -> Vec<Self> {
        let Some(at) = self.named("Subject").last() else { return Vec::new() };
        let name = String::from_utf8_lossy(name_of(&self.fields[at])).into_owned();
        let value = String::from_utf8_lossy(value_of(&self.fields[at])).into_owned();
        let mut variants = Vec::new();
        for (open, close) in [("[", "]"), ("***", "***"), ("{", "}"), ("(", ")"), ("", ":")] {
            let Some(start) = value.find(open).filter(|start| *start < 12) else { continue };
            let inside = start + open.len();
            let Some(end) = value[inside..].find(close).map(|end| inside + end + close.len()) else {
                continue;
            };
            let change = HeaderChange::SubjectPrefix(value[start..end].trim().escape_debug().to_string());
            let rest = value[end..].trim_start();
            for was in [format!("{}{rest}", &value[..start]), format!(" {rest}")] {
                variants.push(self.with(at, &name, was.as_bytes(), change.clone()));
            }
        }
        variants
    }

    fn encodings(&self) -> Vec<Self> {
        let name = "Content-Transfer-Encoding";
        let Some(at) = self.named(name).last() else { return Vec::new() };
        let was = |encoding: &'static str| {
            let value = format!(" {encoding}");
            self.with(at, name, value.as_bytes(), HeaderChange::TransferEncoding(encoding))
        };
        ENCODINGS.into_iter().map(was).collect()
    }

    fn originals(&self) -> Vec<Self> {
        let Some(at) = self.named("From").last() else { return Vec::new() };
        let was = |name: &'static str| {
            let original = self.named(name).last()?;
            Some(self.with(at, "From", value_of(&self.fields[original]), HeaderChange::From(name)))
        };
        ORIGINALS.into_iter().filter_map(was).collect()
    }

    /// Without one of the fields of a name: the top one, or the bottom one.
    fn without(&self, name: &str) -> Vec<Self> {
        let places: Vec<usize> = self.named(name).collect();
        let gone = |at: &usize| {
            let mut variant = self.clone();
            variant.fields[*at].clear();
            variant.change = Some(HeaderChange::Added(name.escape_debug().to_string()));
            variant
        };
        let mut ends: Vec<&usize> = places.first().into_iter().chain(places.last()).collect();
        ends.dedup();
        ends.into_iter().map(gone).collect()
    }

    /// With a field on one line: the folding gone, and the blanks of it too, or reduced to one.
    fn refolded(&self, name: &str) -> Vec<Self> {
        let Some(at) = self.named(name).last() else { return Vec::new() };
        let field = &self.fields[at];
        let (written, value) =
            (String::from_utf8_lossy(name_of(field)), String::from_utf8_lossy(value_of(field)));
        let change = HeaderChange::Refolded(name.escape_debug().to_string());
        let lines: Vec<&str> = value.split("\r\n").collect();
        let bare = || lines.iter().skip(1).map(|line| line.trim_start());
        let glued =
            |between: &str| lines.iter().take(1).copied().chain(bare()).collect::<Vec<_>>().join(between);
        let mut variants = Vec::new();
        if lines.len() > 1 {
            for was in [value.replace("\r\n", ""), glued(""), glued(" "), glued("\r\n\t"), glued("\r\n ")] {
                variants.push(self.with(at, &written, was.as_bytes(), change.clone()));
            }
        }
        variants
    }
}

fn name_of(field: &[u8]) -> &[u8] {
    let colon = memchr::memchr(b':', field).unwrap_or(0);
    field[..colon].trim_ascii_end()
}

fn value_of(field: &[u8]) -> &[u8] {
    let value = memchr::memchr(b':', field).map_or(field, |colon| &field[colon + 1..]);
    value.strip_suffix(b"\r\n").unwrap_or(value)
}
