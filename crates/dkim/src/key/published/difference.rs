//! Two base64 texts of which the second should be the first.

use thiserror::Error;

/// As many characters at the start are alike in the records of all RSA keys of one size: they prove no kinship.
const ALIKE: usize = 48;
/// So few characters in a row may differ for a text to count as the same with a slip in it.
const SLIP: usize = 8;

/// What happened to the base64 of a key on its way into the DNS. Octets count from 1, blanks left out.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Difference {
    /// The end is missing.
    #[error("p= is cut short: {have} octets of {of} are there")]
    CutShort {
        /// How many are there.
        have: usize,
        /// How many there should be.
        of: usize,
    },
    /// The start, or something in the middle, is missing.
    #[error("a piece of p= is missing: {count} octets from octet {octet} on")]
    PieceMissing {
        /// The first that is missing.
        octet: usize,
        /// How many are.
        count: usize,
    },
    /// Something is there that should not be.
    #[error("something stands within p= that does not belong there: {count} octets from octet {octet} on")]
    Surplus {
        /// The first of them.
        octet: usize,
        /// How many.
        count: usize,
    },
    /// The strings stand in another order.
    #[error("the strings of p= stand in the wrong order: it should begin with what is octet {octet}")]
    Misordered {
        /// Where the start is.
        octet: usize,
    },
    /// Some characters are others.
    #[error("p= differs from the key at octet {octet}")]
    Altered {
        /// The first of them.
        octet: usize,
    },
    /// Upper and lower case got lost.
    #[error("p= has lost its upper or lower case, which counts in base64")]
    Case,
}

impl Difference {
    /// Finds out how `published` came from `ours`; `None` if it did not.
    pub(super) fn between(ours: &[u8], published: &[u8]) -> Option<Self> {
        let (have, of) = (published.len(), ours.len());
        let before = ours.iter().zip(published).take_while(|(a, b)| a == b).count();
        let after = ours.iter().rev().zip(published.iter().rev()).take_while(|(a, b)| a == b).count();
        // One letter of another case is a slip of the pen; many are a form that folds what it is given.
        if before + after + SLIP < of && published.eq_ignore_ascii_case(ours) {
            return Some(Self::Case);
        }
        // Very little of a key is not yet a key cut short: it may stand in every manual.
        if have < of && before == have {
            return (have > ALIKE.min(of / 2)).then_some(Self::CutShort { have, of });
        }
        if have < of && before + after >= have {
            return Some(Self::PieceMissing { octet: have - after + 1, count: of - have });
        }
        if have > of && before + after >= of {
            return Some(Self::Surplus { octet: before + 1, count: have - of });
        }
        if have == of {
            let turned = [published, published].concat();
            let start = turned.windows(of).position(|window| window == ours);
            if let Some(start) = start {
                return Some(Self::Misordered { octet: start + 1 });
            }
        }
        (have == of && before + after + SLIP >= of).then_some(Self::Altered { octet: before + 1 })
    }

    pub(super) fn code(self) -> &'static str {
        match self {
            Self::CutShort { .. } => "cut-short",
            Self::PieceMissing { .. } => "piece-missing",
            Self::Surplus { .. } => "surplus",
            Self::Misordered { .. } => "misordered",
            Self::Altered { .. } => "altered",
            Self::Case => "case",
        }
    }

    pub(super) fn remedy(self) -> &'static str {
        match self {
            // RFC 1035 §3.3: a character-string has 255 octets at most.
            Self::CutShort { .. } | Self::PieceMissing { .. } => {
                "a string of a TXT record ends after 255 octets: publish the text as several strings of one record"
            }
            Self::Misordered { .. } => "put the strings of the record in their order",
            Self::Surplus { .. } | Self::Altered { .. } | Self::Case => "paste the text unchanged",
        }
    }
}
