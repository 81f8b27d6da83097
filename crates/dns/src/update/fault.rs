//! Why a zone was not changed, and what to do about it.

use hickory_proto::op::ResponseCode;
use std::io;
use thiserror::Error;

/// Why a zone was not changed.
#[derive(Debug, Error)]
pub enum UpdateError {
    /// The server cannot be reached.
    #[error("cannot be reached: {0}")]
    Unreachable(#[source] io::Error),
    /// It does not answer.
    #[error("no answer in time")]
    Timeout,
    /// It failed, or cannot answer now (SERVFAIL).
    #[error("server failure (SERVFAIL)")]
    ServFail,
    /// It does not allow this key to do this (REFUSED).
    #[error("refused (REFUSED)")]
    Refused,
    /// It does not know the key (BADKEY).
    #[error("it does not know this key (BADKEY)")]
    UnknownKey,
    /// The secret is another one (BADSIG).
    #[error("it has another secret for this key (BADSIG)")]
    WrongSecret,
    /// Its clock and ours differ (BADTIME).
    #[error("its clock and ours differ by {0} seconds (BADTIME)")]
    WrongTime(u64),
    /// Its answer is not signed, or wrongly: somebody else may have given it.
    #[error("its answer is not signed with the secret of this key")]
    Unsigned,
    /// It is no server of the zone (NOTAUTH).
    #[error("it is no server of this zone (NOTAUTH)")]
    NotServed,
    /// The name is outside of the zone (NOTZONE).
    #[error("the name is outside of this zone (NOTZONE)")]
    NotZone,
    /// It takes no updates (NOTIMP).
    #[error("it takes no updates (NOTIMP)")]
    NoUpdates,
    /// What stands at the name is not what stood there a moment ago (YXDOMAIN, YXRRSET, NXRRSET).
    #[error("somebody else has just changed this name; nothing was overwritten")]
    Raced,
    /// Another code.
    #[error("unexpected answer: {0}")]
    Code(String),
    /// A message that makes no sense.
    #[error("malformed message")]
    Malformed,
}

impl UpdateError {
    /// Whether the same may go well later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Timeout | Self::ServFail | Self::Raced => true,
            Self::Refused
            | Self::UnknownKey
            | Self::WrongSecret
            | Self::WrongTime(_)
            | Self::Unsigned
            | Self::NotServed
            | Self::NotZone
            | Self::NoUpdates
            | Self::Code(_)
            | Self::Malformed => false,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Unreachable(_) | Self::Timeout => {
                "see that `server` names the primary, and that TCP reaches it there"
            }
            Self::ServFail => "try again later; its log says what failed",
            Self::Refused => {
                "see that it is the primary of the zone, and let the key update TXT records below _domainkey there: `update-policy` or `allow-update` in BIND, `acl` with `action: update` in Knot DNS"
            }
            Self::UnknownKey => {
                "give it the key under the same name and algorithm; Knot DNS says this too where no `acl` of the zone lets the key update the name"
            }
            Self::WrongSecret => "copy the secret from the server's configuration again",
            Self::WrongTime(_) => "set both clocks right, by NTP for example",
            Self::Unsigned => {
                "see that `server` is the server that knows this key, and that nobody stands between"
            }
            Self::NotServed => {
                "name the primary of the zone as `server`, and leave `zone` out to have it found"
            }
            Self::NotZone => "leave `zone` out, to have it found",
            Self::NoUpdates => "name the primary of the zone as `server`, and allow updates there",
            Self::Raced => "run it again",
            Self::Code(_) | Self::Malformed => "see the log of the server",
        }
    }
}

impl From<ResponseCode> for UpdateError {
    fn from(code: ResponseCode) -> Self {
        match code {
            ResponseCode::ServFail => Self::ServFail,
            ResponseCode::Refused => Self::Refused,
            ResponseCode::NotAuth => Self::NotServed,
            ResponseCode::NotZone => Self::NotZone,
            ResponseCode::NotImp => Self::NoUpdates,
            ResponseCode::YXDomain
            | ResponseCode::YXRRSet
            | ResponseCode::NXRRSet
            | ResponseCode::NXDomain => Self::Raced,
            code => Self::Code(code.to_str().to_owned()),
        }
    }
}
