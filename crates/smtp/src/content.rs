//! The content of a message on the wire (RFC 5321, sections 2.3.8 and 4.5.2).
//!
//! Only CR LF `.` CR LF ends content, whatever an ill-willed client may send: a server that takes
//! LF `.` LF for the end is talked into a second message.

mod decode;
mod encode;
mod scan;
#[cfg(test)]
mod tests;

pub use decode::{ContentDecoder, Progress};
pub use encode::ContentEncoder;

/// What to do about an octet that must not stand where it stands.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Repair {
    /// Mend it: a bare CR or LF becomes CR LF, a NUL is dropped.
    #[default]
    Fix,
    /// Leave it, and refuse the message when it has ended. Refusing earlier would lose step.
    Refuse,
    /// Leave it, and let it pass.
    Pass,
}

/// What to do about each kind.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Repairs {
    /// A CR without LF behind it.
    pub bare_cr: Repair,
    /// A LF without CR before it.
    pub bare_lf: Repair,
    /// An octet 0.
    pub nul: Repair,
}

/// How many octets stood where they must not.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Strays {
    /// CR without LF behind them.
    pub bare_cr: u64,
    /// LF without CR before them.
    pub bare_lf: u64,
    /// Octets 0.
    pub nul: u64,
}

/// What is known of content when it has ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ending {
    /// What stood where it must not.
    pub strays: Strays,
    /// Whether a line of it may begin with a dot; if not, nobody has to look for one when it goes on the wire again.
    pub dots: bool,
}

impl Strays {
    /// Whether there were none at all.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.bare_cr == 0 && self.bare_lf == 0 && self.nul == 0
    }

    /// The first kind that was there although `repairs` refuses it.
    #[must_use]
    pub fn refused(self, repairs: Repairs) -> Option<&'static str> {
        [
            (self.bare_cr, repairs.bare_cr, "bare CR"),
            (self.bare_lf, repairs.bare_lf, "bare LF"),
            (self.nul, repairs.nul, "NUL"),
        ]
        .into_iter()
        .find_map(|(count, repair, name)| (count > 0 && repair == Repair::Refuse).then_some(name))
    }
}
