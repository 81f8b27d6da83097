//! Where we say something else than a judge, and why.
//!
//! A difference is explained for one judge at a time: two that differ from us for two reasons need both in this list.

use crate::verdict::Judgement;
use dkim::{Failure, KeyRecordError, Report, SignatureError, TagError};
use mail::Header;

/// One signature on which somebody differs from us.
pub(crate) struct Case<'a> {
    pub(crate) message: &'a [u8],
    pub(crate) report: &'a Report,
    pub(crate) judgement: &'a Judgement,
}

/// A difference that is meant to be.
pub(crate) struct Known {
    /// What it is, and by which section we are right or free.
    reason: &'static str,
    /// Who differs.
    judges: &'static [&'static str],
    /// Whether this is one.
    applies: fn(&Case<'_>) -> bool,
}

const DKIMPY: &str = "dkimpy";
const LIBOPENDKIM: &str = "libopendkim";
const MAIL_DKIM: &str = "mail_dkim";
const ANY: &[&str] = &[DKIMPY, LIBOPENDKIM, MAIL_DKIM];

/// The reason for a difference with this judge, if it is known.
pub(crate) fn reason(case: &Case<'_>, judge: &str) -> Option<&'static str> {
    let list = if case.report.outcome.is_ok() { WE_PASS } else { THEY_PASS };
    list.iter().find(|known| known.judges.contains(&judge) && (known.applies)(case)).map(|known| known.reason)
}

/// Signatures that pass with others, and not with us.
const THEY_PASS: &[Known] = &[
    Known {
        reason: "RFC 6376 §8.2: a body that goes on behind l= is never a pass, but policy",
        judges: ANY,
        applies: |case| case.failed(|failure| matches!(failure, Failure::PartlyUnsigned)),
    },
    Known {
        reason: "RFC 6376 §3.5: l= must not be larger than the body; they do not look",
        judges: &[DKIMPY, MAIL_DKIM],
        applies: |case| case.failed(|failure| matches!(failure, Failure::BodyTooShort)),
    },
    Known {
        reason: "RFC 6376 §5.4 and §6.1.1: From must be signed; they do not look",
        judges: &[DKIMPY, MAIL_DKIM],
        applies: |case| case.failed(|failure| matches!(failure, Failure::FromNotSigned)),
    },
    Known {
        reason: "RFC 6376 §3.2: a tag list with a tag given twice is invalid as a whole",
        judges: ANY,
        applies: |case| case.failed(|failure| is_tag_error(failure, TagError::Duplicate)),
    },
    Known {
        reason: "RFC 6376 §3.2: a tag name begins with a letter",
        judges: ANY,
        applies: |case| case.failed(|failure| is_tag_error(failure, TagError::Name)),
    },
    Known {
        reason: "RFC 6376 §3.2: no value holds a control character",
        judges: &[DKIMPY, MAIL_DKIM],
        applies: |case| case.failed(|failure| is_tag_error(failure, TagError::Control)),
    },
    Known {
        reason: "RFC 6376 §3.2: between two semicolons stands a tag; Mail::DKIM does not mind if there is none",
        judges: &[MAIL_DKIM],
        applies: |case| case.failed(|failure| is_tag_error(failure, TagError::NoValue)),
    },
    Known {
        reason: "RFC 6376 §3.5: the value is not what the grammar of its tag says",
        judges: ANY,
        applies: |case| {
            case.failed(|failure| matches!(failure, Failure::Syntax(SignatureError::Malformed(_))))
        },
    },
    Known {
        reason: "RFC 6376 §3.6.1: v= is the first tag of a key record, if it is there",
        judges: ANY,
        applies: |case| case.failed(|failure| matches!(failure, Failure::KeyRecord(KeyRecordError::Version))),
    },
    Known {
        reason: "RFC 6376 §3.5: no blanks stand around the slash of c=; libopendkim skips them",
        judges: &[LIBOPENDKIM],
        applies: |case| {
            case.failed(|failure| matches!(failure, Failure::Syntax(SignatureError::Canonicalization)))
        },
    },
    Known {
        reason: "RFC 6376 §3.5: of the query methods only dns/txt is known; libopendkim takes dns too",
        judges: &[LIBOPENDKIM],
        applies: |case| case.failed(|failure| matches!(failure, Failure::Syntax(SignatureError::Query))),
    },
    Known { reason: NO_LINE_END, judges: ANY, applies: |case| case.lacks_line_end() },
];

/// Signatures that pass with us, and not with others.
const WE_PASS: &[Known] = &[
    Known { reason: NO_LINE_END, judges: ANY, applies: |case| case.lacks_line_end() },
    Known {
        reason: "RFC 8463: Mail::DKIM does not know Ed25519 before 1.20240923",
        judges: &[MAIL_DKIM],
        applies: |case| case.says(MAIL_DKIM, "unsupported algorithm ed25519"),
    },
    Known {
        reason: "RFC 5322 §2.2.3: an address may stand on the second line of its field; Mail::DKIM does not find it there",
        judges: &[MAIL_DKIM],
        applies: |case| case.says(MAIL_DKIM, "bad identity") && case.has_folded_from(),
    },
    Known {
        reason: "RFC 4871's g= is gone; an empty one still forbids everything in Mail::DKIM",
        judges: &[MAIL_DKIM],
        applies: |case| case.says(MAIL_DKIM, "granularity is empty"),
    },
    Known {
        reason: "RFC 6376 §3.6.1: blanks may stand between the items of h=",
        judges: &[MAIL_DKIM],
        applies: |case| case.says(MAIL_DKIM, "does not support hash algorithm") && case.key("k13"),
    },
    Known {
        reason: "RFC 5234 §2.3: the literals of a grammar match in any case, k=RSA too",
        judges: &[MAIL_DKIM, DKIMPY],
        applies: |case| case.key("k14"),
    },
    Known {
        reason: "RFC 6376 §3.6.1 calls p= an RSAPublicKey; everybody writes SubjectPublicKeyInfo, and dkimpy and \
                 we take both",
        judges: &[MAIL_DKIM, LIBOPENDKIM],
        applies: |case| case.key("k15"),
    },
    Known {
        reason: "RFC 5234 §2.3: the literals of a grammar match in any case, also in a= and c=",
        judges: &[MAIL_DKIM, DKIMPY],
        applies: |case| {
            let field = case.field();
            ["RELAXED", "RSA-SHA256"].iter().any(|word| contains(&field, word.as_bytes()))
        },
    },
    Known {
        reason: "RFC 5322 §4.5: a blank before the colon of a field is read; dkimpy refuses the whole message, and \
                 libopendkim does not find the field",
        judges: &[DKIMPY, LIBOPENDKIM],
        applies: |case| case.has_blank_before_colon(),
    },
    Known {
        reason: "RFC 6376 §3.7: of our field only CR LF is left away at its end; dkimpy takes blanks too",
        judges: &[DKIMPY],
        applies: |case| case.field().trim_ascii_end().len() + 2 < case.field().len(),
    },
    Known {
        reason: "RFC 6376 §3.2: a tag may stand right behind the colon; dkimpy does not find b= there",
        judges: &[DKIMPY],
        applies: |case| contains(&case.field(), b":b="),
    },
    Known {
        reason: "RFC 6376 §3.5: a copied field in z= may begin a line with b=; dkimpy takes that for the tag",
        judges: &[DKIMPY],
        applies: |case| contains(&case.field(), b"z=") && contains(&case.field(), b"\tb=3D"),
    },
    Known {
        reason: "RFC 6376 §2.10: the grammar of base64 leaves the padding away at will",
        judges: &[DKIMPY],
        applies: |case| case.says(DKIMPY, "is not valid base64"),
    },
    Known {
        reason: "RFC 6376 §6.1: each signature has a result of its own; libopendkim ends with one whose key it \
                 cannot have",
        judges: &[LIBOPENDKIM],
        applies: |case| case.says(LIBOPENDKIM, "Try again later"),
    },
    Known {
        reason: "RFC 6376 §8.15: dkimpy reads h= as if it had From once more; we report a From that is not signed, \
                 and the policy above decides",
        judges: &[DKIMPY],
        applies: |case| case.header().named("From").count() > 1,
    },
    Known {
        reason: "RFC 6376 §3.6.1: s= is a list of services; dkimpy takes it as one",
        judges: &[DKIMPY],
        applies: |case| case.key("k12"),
    },
    Known {
        reason: "RFC 6376 §3.5: unknown query methods in q= are ignored",
        judges: &[DKIMPY],
        applies: |case| case.says(DKIMPY, "q= value is not dns/txt"),
    },
    Known {
        reason: "RFC 6376 §3.4.4 speaks of blanks and CR LF only; libopendkim changes a bare CR of a relaxed body",
        judges: &[LIBOPENDKIM],
        applies: |case| case.has_bare_cr(),
    },
    Known {
        reason: "RFC 6376 §3.2: white space may stand before the equals sign; libopendkim looks for b= as it is",
        judges: &[LIBOPENDKIM],
        applies: |case| {
            let field = case.field();
            [&b"b ="[..], b"b\t=", b"b\r\n ="].iter().any(|text| contains(&field, text))
        },
    },
    Known {
        reason: "RFC 6376 §3.5: i= is quoted-printable with any local part; libopendkim wants a plain one",
        judges: &[LIBOPENDKIM],
        applies: |case| case.says(LIBOPENDKIM, "invalid domain coverage"),
    },
    Known {
        reason: "RFC 6376 §3.5: numbers of more than twelve digits may be taken as infinite",
        judges: &[LIBOPENDKIM],
        applies: |case| case.says(LIBOPENDKIM, "invalid \"x\" value"),
    },
    Known {
        reason: "RFC 8616 §4: a signature may hold text beyond ASCII",
        judges: &[LIBOPENDKIM],
        applies: |case| case.says(LIBOPENDKIM, "invalid character (ASCII 0xc3"),
    },
];

const NO_LINE_END: &str = "RFC 6376 §3.4.3 and §3.4.4: a line end is added where the last line has none, and in the relaxed form its \
     blanks go; libopendkim and Mail::DKIM leave the line as it is, dkimpy leaves a blank. No message that came by \
     SMTP ends so (RFC 5321 §4.1.1.4)";

fn is_tag_error(failure: &Failure, expected: TagError) -> bool {
    match failure {
        Failure::Syntax(SignatureError::TagList(error))
        | Failure::KeyRecord(KeyRecordError::TagList(error)) => *error == expected,
        _ => false,
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

impl Case<'_> {
    /// Whether we say pass and this judge does not, or the other way round.
    pub(crate) fn differs(&self, judge: &str) -> bool {
        self.report.outcome.is_ok() != self.judgement.passed(judge)
    }

    fn failed(&self, as_expected: fn(&Failure) -> bool) -> bool {
        self.report.outcome.as_ref().is_err_and(as_expected)
    }

    fn says(&self, judge: &str, text: &str) -> bool {
        self.judgement.detail(judge).contains(text)
    }

    /// Whether this is the selector.
    fn key(&self, selector: &str) -> bool {
        self.report.selector.as_ref().is_some_and(|known| known.as_str() == selector)
    }

    fn header(&self) -> Header {
        Header::split(self.message).0
    }

    /// The signature.
    fn field(&self) -> Vec<u8> {
        self.header().field(self.report.field).map_or_else(Vec::new, |field| field.raw().to_vec())
    }

    fn lacks_line_end(&self) -> bool {
        !self.message.ends_with(b"\r\n")
    }

    fn has_folded_from(&self) -> bool {
        self.header().named("From").any(|(_, field)| field.value().windows(2).any(|two| two == b"\r\n"))
    }

    fn has_blank_before_colon(&self) -> bool {
        let blank = |field: mail::Field<'_>| {
            let raw = field.raw();
            raw.get(field.name().len()).is_some_and(|octet| matches!(octet, b' ' | b'\t'))
        };
        self.header().fields().any(blank)
    }

    fn has_bare_cr(&self) -> bool {
        let bare = |two: &[u8]| two[0] == b'\r' && two[1] != b'\n';
        self.message.windows(2).any(bare)
    }
}
