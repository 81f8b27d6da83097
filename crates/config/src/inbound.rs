//! The inbound role: how signatures are verified.

use crate::dns::Dns;
use crate::section::Section;
use std::path::Path;

/// What an inbound listener does with a message.
#[derive(Clone, Debug)]
pub struct Inbound {
    /// How keys are looked up.
    pub dns: Dns,
    /// `dns.cache`: how many answers are remembered.
    pub cache: Option<usize>,
    /// `dns.queries`: how many names are asked for on behalf of one message.
    pub queries: Option<usize>,
    /// `verify.max_signatures`: how many signatures of a message are tried.
    pub max_signatures: Option<usize>,
    /// Whether a message is refused if it has signatures, and none of them verifies.
    pub reject_fail: bool,
    /// Whether a message is sent back to the queue of the client if DNS was unavailable.
    pub reject_error: bool,
}

impl Inbound {
    /// `folder` is what relative paths are relative to.
    pub(crate) fn read(file: &mut Section<'_>, folder: &Path) -> Self {
        let (dns, cache, queries) = file.section("dns", |section| {
            (Dns::read(section, folder), section.value("cache"), section.value("queries"))
        });
        Self {
            dns,
            cache,
            queries,
            max_signatures: file.section("verify", |section| section.value("max_signatures")),
            reject_fail: file.value("reject_fail").unwrap_or(false),
            reject_error: file.value("reject_error").unwrap_or(false),
        }
    }
}
