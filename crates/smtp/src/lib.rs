//! Both sides of SMTP, without I/O: bytes go in, events and bytes come out.
//!
//! | module | what | where it is written |
//! |---|---|---|
//! | [`mod@line`] | command lines out of a stream | RFC 5321 §2.3.8, §4.5.3.1 |
//! | [`command`] | commands | RFC 5321 §4.1 |
//! | [`path`] | reverse-paths and forward-paths, kept as they came | RFC 5321 §4.1.2, RFC 6531 §3.3 |
//! | [`parameter`] | the parameters of MAIL and RCPT | RFC 5321 §4.1.2, RFC 1870, 3461, 6152, 6531 |
//! | [`reply`] | replies with enhanced status codes, read and written | RFC 5321 §4.2, RFC 3463, RFC 2034 |
//! | [`extension`] | what EHLO offers | RFC 5321 §4.1.1.1 |
//! | [`content`] | dots off and on, the end of content, CR, LF and NUL out of place | RFC 5321 §4.5.2, §2.3.8 |
//! | [`xforward`] | XFORWARD and XCLIENT attributes | Postfix's XFORWARD and XCLIENT how-tos |
//! | [`proxy_protocol`] | what a load balancer says first | HAProxy's proxy-protocol.txt |
//! | [`server`] | a session, seen from the server | RFC 5321 §4.1.4, RFC 2920 |
//! | [`client`] | what a client writes, and which replies fit | RFC 5321 §4.3.2, RFC 2920 |

pub mod client;
pub mod command;
pub mod content;
pub mod extension;
pub mod line;
pub mod parameter;
pub mod path;
pub mod proxy_protocol;
pub mod reply;
pub mod server;
pub mod xforward;
