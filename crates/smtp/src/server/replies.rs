//! What the server says on its own: one table from faults to replies.

use crate::command::CommandError;
use crate::reply::Reply;

pub(super) const START_CONTENT: Reply = Reply::fixed(b"354 End data with <CR><LF>.<CR><LF>\r\n");
pub(super) const CHUNK_TAKEN: Reply = Reply::fixed(b"250 2.0.0 Chunk taken\r\n");
pub(super) const OK: Reply = Reply::fixed(b"250 2.0.0 Ok\r\n");
pub(super) const HELP: Reply = Reply::fixed(b"214 2.0.0 See RFC 5321\r\n");
pub(super) const CANNOT_VERIFY: Reply =
    Reply::fixed(b"252 2.0.0 Send some mail, it is the next hop that knows\r\n");
pub(super) const BYE: Reply = Reply::fixed(b"221 2.0.0 Bye\r\n");
pub(super) const NO_HELLO: Reply = Reply::fixed(b"503 5.5.1 Send EHLO first\r\n");
pub(super) const NO_MAIL: Reply = Reply::fixed(b"503 5.5.1 Send MAIL first\r\n");
pub(super) const NO_RECIPIENT: Reply = Reply::fixed(b"503 5.5.1 Send RCPT first\r\n");
pub(super) const NO_VALID_RECIPIENT: Reply = Reply::fixed(b"554 5.5.1 No valid recipients\r\n");
pub(super) const OUT_OF_TURN: Reply = Reply::fixed(b"503 5.5.1 Not now\r\n");
pub(super) const NOT_OFFERED: Reply = Reply::fixed(b"503 5.5.1 CHUNKING is not offered\r\n");
pub(super) const WRONG_HELLO: Reply = Reply::fixed(b"500 5.5.1 This protocol begins otherwise\r\n");
pub(super) const TOO_LARGE: Reply = Reply::fixed(b"552 5.3.4 Message too large\r\n");
pub(super) const TOO_MANY_RECIPIENTS: Reply = Reply::fixed(b"452 4.5.3 Too many recipients\r\n");
pub(super) const NEEDS_SMTPUTF8: Reply = Reply::fixed(b"553 5.6.7 The address needs SMTPUTF8\r\n");
pub(super) const BAD_ATTRIBUTE: Reply = Reply::fixed(b"501 5.5.4 Unknown or malformed attribute\r\n");
pub(super) const UNKNOWN_PARAMETER: Reply = Reply::fixed(b"555 5.5.4 Unknown parameter\r\n");
pub(super) const TOO_MANY_ERRORS: Reply = Reply::fixed(b"421 4.7.0 Too many errors\r\n");
pub(super) const TOO_MANY_COMMANDS: Reply = Reply::fixed(b"421 4.7.0 Too many commands\r\n");
/// RFC 5321 §4.2.4: 500 is for a line too long, 501 where the fault is in what follows the verb.
pub(super) const LONG_LINE: Reply = Reply::fixed(b"500 5.5.2 Line too long\r\n");
pub(super) const LONG_COMMAND: Reply = Reply::fixed(b"501 5.5.2 Line too long\r\n");

/// The reply to a line that is no command.
pub(super) const fn to_fault(error: CommandError) -> Reply {
    match error {
        CommandError::Unknown => Reply::fixed(b"502 5.5.1 Unknown command\r\n"),
        CommandError::Malformed => Reply::fixed(b"500 5.5.2 Malformed line\r\n"),
        CommandError::Argument => Reply::fixed(b"501 5.5.4 Malformed argument\r\n"),
        CommandError::NoName => Reply::fixed(b"501 5.5.4 Say your name\r\n"),
        CommandError::ReversePath => Reply::fixed(b"501 5.1.7 Malformed reverse-path\r\n"),
        CommandError::ForwardPath => Reply::fixed(b"501 5.1.3 Malformed forward-path\r\n"),
        CommandError::UnknownParameter => UNKNOWN_PARAMETER,
        CommandError::MalformedParameter => Reply::fixed(b"501 5.5.4 Malformed parameter\r\n"),
    }
}
