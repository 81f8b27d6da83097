//! The PROXY protocol, versions 1 and 2 (`HAProxy`'s proxy-protocol.txt): what a load balancer says before the
//! client speaks.
//!
//! ```text
//! PROXY TCP4 192.0.2.1 192.0.2.2 56324 25
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use thiserror::Error;

/// What begins a header of version 2.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// The longest header of version 1, CR LF included.
const LONGEST_LINE: usize = 107;
/// The longest rest of a header of version 2 that is taken: addresses are 36 octets, the rest is extras.
const LONGEST_REST: usize = 4096;

/// What was said before the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ProxyHeader {
    /// How many octets of the input it took.
    pub length: usize,
    /// Where the client is; nothing if the balancer itself speaks, or does not say.
    pub source: Option<SocketAddr>,
}

/// It is no PROXY header.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not a PROXY header")]
pub struct NoProxyHeader;

impl ProxyHeader {
    /// Reads a header off the beginning of `input`; nothing if more of it must come.
    pub fn parse(input: &[u8]) -> Result<Option<Self>, NoProxyHeader> {
        let start = input.len().min(SIGNATURE.len());
        if input[..start] == SIGNATURE[..start] {
            return if input.len() < 16 { Ok(None) } else { binary(input) };
        }
        let begun = input.len().min(6);
        if input[..begun] != b"PROXY "[..begun] {
            return Err(NoProxyHeader);
        }
        match input.windows(2).take(LONGEST_LINE - 1).position(|pair| pair == b"\r\n") {
            Some(end) => Ok(Some(Self { length: end + 2, source: line(&input[6..end])? })),
            None if input.len() < LONGEST_LINE => Ok(None),
            None => Err(NoProxyHeader),
        }
    }
}

/// What stands behind the word PROXY in version 1.
fn line(text: &[u8]) -> Result<Option<SocketAddr>, NoProxyHeader> {
    let text = std::str::from_utf8(text).map_err(|_| NoProxyHeader)?;
    let words: Vec<&str> = text.split(' ').collect();
    let [family, source, destination, port, other_port] = words[..] else {
        return if words[0] == "UNKNOWN" { Ok(None) } else { Err(NoProxyHeader) };
    };
    let address = |word: &str| match (family, word.parse()) {
        ("TCP4", Ok(address @ IpAddr::V4(_))) | ("TCP6", Ok(address @ IpAddr::V6(_))) => Ok(address),
        _ => Err(NoProxyHeader),
    };
    let number = |word: &str| word.parse::<u16>().map_err(|_| NoProxyHeader);
    if family == "UNKNOWN" {
        return Ok(None);
    }
    address(destination)?;
    number(other_port)?;
    Ok(Some(SocketAddr::new(address(source)?, number(port)?)))
}

/// A header of version 2, of which the fixed part is there.
fn binary(input: &[u8]) -> Result<Option<ProxyHeader>, NoProxyHeader> {
    let (command, family) = (input[12], input[13]);
    let rest = usize::from(u16::from_be_bytes([input[14], input[15]]));
    if rest > LONGEST_REST || !matches!(command, 0x20 | 0x21) {
        return Err(NoProxyHeader);
    }
    let Some(addresses) = input.get(16..16 + rest) else { return Ok(None) };
    let port = |at: usize| u16::from_be_bytes([addresses[at], addresses[at + 1]]);
    let source = match (command, family >> 4) {
        (0x20, _) => None,
        (_, 1) => {
            let octets: [u8; 4] =
                addresses.get(..4).and_then(|v4| v4.try_into().ok()).ok_or(NoProxyHeader)?;
            (rest >= 12).then(|| SocketAddr::new(Ipv4Addr::from(octets).into(), port(8)))
        }
        (_, 2) => {
            let octets: [u8; 16] =
                addresses.get(..16).and_then(|v6| v6.try_into().ok()).ok_or(NoProxyHeader)?;
            (rest >= 36).then(|| SocketAddr::new(Ipv6Addr::from(octets).into(), port(32)))
        }
        _ => None,
    };
    Ok(Some(ProxyHeader { length: 16 + rest, source }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, rest].concat()
    }

    #[test]
    fn headers_are_read_at_every_cut() {
        let v4 = [192, 0, 2, 1, 192, 0, 2, 2, 0x12, 0x34, 0, 25];
        let mut v6 = [0; 36];
        (v6[0], v6[15], v6[32], v6[33]) = (0x20, 1, 0, 7);
        for (header, source) in [
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 25\r\n".to_vec(), Some("192.0.2.1:56324")),
            (b"PROXY TCP6 2001:db8::1 ::1 1 25\r\n".to_vec(), Some("[2001:db8::1]:1")),
            (b"PROXY UNKNOWN whatever\r\n".to_vec(), None),
            (v2(0x21, 0x11, &v4), Some("192.0.2.1:4660")),
            (v2(0x21, 0x11, &[&v4[..], b"extras"].concat()), Some("192.0.2.1:4660")),
            (v2(0x21, 0x21, &v6), Some("[2000::1]:7")),
            (v2(0x21, 0x31, &[0; 216]), None),
            (v2(0x20, 0x00, b""), None),
        ] {
            let source = source.map(|text| text.parse().unwrap());
            for cut in 0..header.len() {
                assert_eq!(
                    ProxyHeader::parse(&header[..cut]),
                    Ok(None),
                    "{} at {cut}",
                    header.escape_ascii()
                );
            }
            let wire = [&header[..], b"EHLO a\r\n"].concat();
            let expected = ProxyHeader { length: header.len(), source };
            assert_eq!(ProxyHeader::parse(&wire), Ok(Some(expected)), "{}", header.escape_ascii());
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for wire in [
            b"EHLO a\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.1 ::1 1 25\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 99999\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n".to_vec(),
            b"PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n".to_vec(),
            [b"PROXY ".to_vec(), vec![b'x'; 200]].concat(),
            v2(0x31, 0x11, &[0; 12]),
            v2(0x21, 0x11, &[0; 3]),
            v2(0x21, 0x11, &[0; LONGEST_REST + 1]),
        ] {
            assert_eq!(ProxyHeader::parse(&wire), Err(NoProxyHeader), "{}", wire.escape_ascii());
        }
    }
}
