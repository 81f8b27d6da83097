//! Signatures of messages (RFC 8945). Hickory knows their form and the arithmetic; its signer is not taken, since it
//! leaves the secret in memory that it gives back.

use super::{TsigKey, UpdateError};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::TSIG;
use hickory_proto::rr::rdata::tsig::{TsigError, make_tsig_record, message_tbs, signed_bitmessage_to_buf};

/// How far two clocks may differ, in seconds; RFC 8945 §10 recommends it.
const FUDGE: u16 = 300;

/// Signs a message, and gives the signature, which the one of the answer builds on.
pub(super) fn sign(message: &mut Message, key: &TsigKey, now: u64) -> Result<Vec<u8>, UpdateError> {
    let unsigned = unsigned(key, now, message.metadata.id);
    let mac = message_tbs(message, &unsigned, key.name())
        .ok()
        .and_then(|octets| key.algorithm().mac_data(key.secret(), &octets).ok())
        .ok_or(UpdateError::Malformed)?;
    message.set_signature(Box::new(make_tsig_record(key.name().clone(), unsigned.set_mac(mac.clone()))));
    Ok(mac)
}

/// A signature that is still to be computed.
pub(super) fn unsigned(key: &TsigKey, now: u64, id: u16) -> TSIG {
    TSIG::new(key.algorithm().clone(), now, FUDGE, Vec::new(), id, None, Vec::new())
}

/// Whether an answer is signed by who has the secret; if it is none, what it says of our signature.
///
/// An answer that says that our key, secret or clock is wrong cannot be signed, or is not worth to be verified: all
/// that it brings about is that nothing is changed.
pub(super) fn verify(octets: &[u8], answer: &Message, mac: &[u8], key: &TsigKey) -> Result<(), UpdateError> {
    if let Some(signature) = answer.signature()
        && let Some(error) = signature.data.error
    {
        return Err(match error {
            TsigError::BadKey => UpdateError::UnknownKey,
            TsigError::BadSig => UpdateError::WrongSecret,
            TsigError::BadTime => UpdateError::WrongTime(difference(&signature.data)),
            TsigError::BadTrunc | TsigError::Unknown(_) => UpdateError::Unsigned,
        });
    }
    let is_signed = signed_bitmessage_to_buf(octets, Some(mac), true).is_ok_and(|(signed, record)| {
        record.name == *key.name()
            && record.data.algorithm == *key.algorithm()
            && key.algorithm().verify_mac(key.secret(), &signed, &record.data.mac).is_ok()
    });
    match answer.metadata.response_code {
        _ if is_signed => Ok(()),
        // A server that refuses may do so before it looks at signatures.
        ResponseCode::NoError | ResponseCode::NXDomain => Err(UpdateError::Unsigned),
        code => Err(code.into()),
    }
}

/// By how much the time that the server says it has differs from the one that we signed with.
fn difference(signature: &TSIG) -> u64 {
    // RFC 8945 §5.2.3: the time of the answer is ours, and its other data is the server's, in 48 bits.
    let mut octets = [0; 8];
    if let Some(six) = octets.get_mut(2..).filter(|six| six.len() == signature.other.len()) {
        six.copy_from_slice(&signature.other);
    }
    u64::from_be_bytes(octets).abs_diff(signature.time)
}
