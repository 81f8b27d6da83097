//! What is known of a message before its first octet.

use std::net::IpAddr;

/// The envelope of one message, and where it came from.
#[derive(Clone, Debug, Default)]
pub struct Envelope {
    /// Names the session in the log.
    pub session: String,
    /// The address that the message came in by, as it stands in the configuration.
    pub listener: String,
    /// Who sent it: what XFORWARD or XCLIENT says, else the connection.
    pub client: Client,
    /// The reverse-path without its angle brackets; empty for the null reverse-path of a bounce.
    pub reverse_path: String,
    /// The forward-paths that the next hop accepted, without their angle brackets.
    pub recipients: Vec<String>,
    /// Whether MAIL said SMTPUTF8, so that header fields may hold UTF-8 (RFC 6531).
    pub smtputf8: bool,
}

/// The client as the MTA saw it. What the MTA did not say is `None`.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// Its network address (XFORWARD ADDR).
    pub address: Option<IpAddr>,
    /// Its host name (XFORWARD NAME).
    pub name: Option<String>,
    /// What it called itself (XFORWARD HELO).
    pub helo: Option<String>,
    /// The queue id or another name of the message at the MTA (XFORWARD IDENT).
    pub ident: Option<String>,
    /// The protocol that it spoke (XFORWARD PROTO).
    pub protocol: Option<String>,
    /// `LOCAL` or `REMOTE` (XFORWARD SOURCE).
    pub source: Option<String>,
    /// Whom it logged in as (XCLIENT LOGIN).
    pub login: Option<String>,
}
