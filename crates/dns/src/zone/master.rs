//! Master files (RFC 1035 §5.1, RFC 2308 §4), as real zones are written.
//!
//! Only TXT and CNAME records are read. Of all others only the name is kept, since it makes the difference between
//! a name that does not exist and one without TXT records.

mod lexer;

use super::{Key, Node, Zone, ZoneError, ZoneFault, key};
use lexer::{Entry, Lexer, Word};

/// The record types that zones are made of, so that a type that is missing or mistyped is noticed.
const TYPES: [&str; 43] = [
    "A",
    "AAAA",
    "AFSDB",
    "ALIAS",
    "ANAME",
    "APL",
    "CAA",
    "CDNSKEY",
    "CDS",
    "CERT",
    "CNAME",
    "CSYNC",
    "DHCID",
    "DLV",
    "DNAME",
    "DNSKEY",
    "DS",
    "EUI48",
    "EUI64",
    "HINFO",
    "HIP",
    "HTTPS",
    "IPSECKEY",
    "KEY",
    "KX",
    "LOC",
    "MX",
    "NAPTR",
    "NS",
    "NSEC",
    "NSEC3",
    "NSEC3PARAM",
    "OPENPGPKEY",
    "PTR",
    "RP",
    "RRSIG",
    "SMIMEA",
    "SOA",
    "SRV",
    "SSHFP",
    "SVCB",
    "TLSA",
    "TXT",
];
/// Types of other RFCs that zones still hold.
const OLD_TYPES: [&str; 6] = ["SIG", "SPF", "URI", "WKS", "X25", "ZONEMD"];

/// Reads the whole of a master file.
pub(super) fn parse(text: &[u8]) -> Result<Zone, ZoneError> {
    let mut reader = Reader { origin: String::new(), owner: None, zone: Zone::default() };
    let mut lexer = Lexer::new(text);
    while let Some(entry) = lexer.next_entry()? {
        reader.entry(&entry).map_err(|fault| ZoneError { line: entry.line, fault })?;
    }
    Ok(reader.zone)
}

struct Reader {
    /// What relative names end with. Before any `$ORIGIN` it is the root: a name is taken as it stands.
    origin: String,
    /// The owner of the record before, for lines that begin with a blank.
    owner: Option<Key>,
    zone: Zone,
}

impl Reader {
    fn entry(&mut self, entry: &Entry) -> Result<(), ZoneFault> {
        let mut words = entry.words.as_slice();
        if !entry.is_indented {
            let (first, rest) = words.split_first().ok_or(ZoneFault::NoOwner)?;
            if !first.is_quoted && first.text.starts_with(b"$") {
                return self.directive(&first.to_string(), rest);
            }
            self.owner = Some(key(&self.absolute(first)));
            words = rest;
        }
        self.record(words)
    }

    fn directive(&mut self, name: &str, words: &[Word]) -> Result<(), ZoneFault> {
        match (name.to_ascii_uppercase().as_str(), words) {
            ("$ORIGIN", [origin]) => {
                self.origin = self.absolute(origin);
                Ok(())
            }
            // Nobody caches what is in memory already.
            ("$TTL", [ttl]) if is_ttl(ttl) => Ok(()),
            _ => Err(ZoneFault::Directive(name.to_owned())),
        }
    }

    /// TTL and class may both be left out, and stand in either order (RFC 1035 §5.1).
    fn record(&mut self, words: &[Word]) -> Result<(), ZoneFault> {
        let before = words.iter().take(2).take_while(|word| is_class(word) || is_ttl(word)).count();
        let (kind, data) = words[before..].split_first().ok_or_else(|| ZoneFault::Type(String::new()))?;
        if kind.is_quoted || !is_type(&kind.to_string()) {
            return Err(ZoneFault::Type(kind.to_string()));
        }
        let node = match kind.to_string().to_ascii_uppercase().as_str() {
            "TXT" if data.is_empty() => return Err(ZoneFault::Data("TXT")),
            // RFC 6376 §3.6.2.2: "Strings in a TXT RR MUST be concatenated together before use with no intervening whitespace."
            "TXT" => Node::Txt(vec![data.iter().flat_map(|word| word.text.clone()).collect()]),
            "CNAME" => match data {
                [target] => Node::Alias(key(&self.absolute(target))),
                _ => return Err(ZoneFault::Data("CNAME")),
            },
            _ => Node::Txt(Vec::new()),
        };
        let owner = self.owner.clone().ok_or(ZoneFault::NoOwner)?;
        self.add(owner, node)
    }

    fn add(&mut self, owner: Key, node: Node) -> Result<(), ZoneFault> {
        // A name below which something exists, exists (RFC 8020 §2).
        let mut rest: &str = &owner;
        while let Some((_, ancestor)) = rest.split_once('.') {
            self.zone.nodes.entry(ancestor.into()).or_insert(Node::Txt(Vec::new()));
            rest = ancestor;
        }
        match (self.zone.nodes.get_mut(&owner), node) {
            (Some(Node::Txt(known)), Node::Txt(new)) => known.extend(new),
            // The signatures of DNSSEC are allowed beside an alias, and other types are not told apart here.
            (Some(Node::Alias(_)), Node::Txt(new)) if new.is_empty() => {}
            (Some(known @ Node::Txt(_)), alias) if *known == Node::Txt(Vec::new()) => *known = alias,
            (None, node) => {
                self.zone.nodes.insert(owner, node);
            }
            (Some(_), _) => return Err(ZoneFault::AliasWithData),
        }
        Ok(())
    }

    fn absolute(&self, word: &Word) -> String {
        let name = word.to_string();
        match name.as_str() {
            "@" => self.origin.clone(),
            _ if name.ends_with('.') || self.origin.is_empty() => name,
            _ if self.origin.starts_with('.') => format!("{name}{}", self.origin),
            _ => format!("{name}.{}", self.origin),
        }
    }
}

fn is_class(word: &Word) -> bool {
    !word.is_quoted
        && ["IN", "CH", "HS", "CS"].iter().any(|class| word.text.eq_ignore_ascii_case(class.as_bytes()))
}

/// Seconds, or the units that BIND takes: `1h30m`.
fn is_ttl(word: &Word) -> bool {
    let unit = |byte: &u8| matches!(byte.to_ascii_lowercase(), b's' | b'm' | b'h' | b'd' | b'w');
    !word.is_quoted
        && word.text.first().is_some_and(u8::is_ascii_digit)
        && word.text.iter().all(|byte| byte.is_ascii_digit() || unit(byte))
}

fn is_type(word: &str) -> bool {
    let word = word.to_ascii_uppercase();
    // A type without a name is called TYPE and its number (RFC 3597 §5).
    let numbered = word.strip_prefix("TYPE").is_some_and(|number| number.parse::<u16>().is_ok());
    numbered || TYPES.contains(&word.as_str()) || OLD_TYPES.contains(&word.as_str())
}
