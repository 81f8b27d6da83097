//! Changes of a zone by dynamic update (RFC 2136), signed with a shared secret (TSIG, RFC 8945).
//!
//! What is changed is one TXT record at one name. Whoever changes it looks at what is there first, and the change
//! holds only if that is still so (prerequisites, RFC 2136 §2.4): nothing of somebody else's is ever overwritten.
//!
//! Everything goes over TCP: a record of an RSA key does not fit the datagrams that pass everywhere, and a server that
//! takes an update once does it once.

mod fault;
mod tsig;
mod tsig_key;

pub use fault::UpdateError;
pub use tsig_key::{TsigKey, TsigKeyError};

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode, UpdateMessage};
use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use mail::Domain;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A server that is there answers in less, even if it signs the zone anew for an update.
const PATIENCE: Duration = Duration::from_secs(20);
/// RFC 1035 §3.3: a character-string has one octet for its length.
const LONGEST_STRING: usize = 255;

/// The server that takes changes of a zone, and the secret that we share with it.
#[derive(Debug)]
pub struct Primary {
    /// Where it is asked.
    pub server: SocketAddr,
    /// What messages are signed with.
    pub key: TsigKey,
}

/// What the primary has at a name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Present {
    name: Name,
    records: Vec<TXT>,
    alias: Option<String>,
}

/// A record that is to be there.
#[derive(Clone, Copy, Debug)]
pub struct NewRecord<'a> {
    /// The zone that the name is in.
    pub zone: &'a Domain,
    /// The text; split where a string must end.
    pub text: &'a str,
    /// How long others may keep it, in seconds.
    pub ttl: u32,
}

impl Present {
    /// The texts of the TXT records, each with its strings put together.
    #[must_use]
    pub fn texts(&self) -> Vec<Vec<u8>> {
        self.records.iter().map(|record| record.txt_data.concat()).collect()
    }

    /// What the name is an alias of (CNAME), if it is one: no other record can stand there.
    #[must_use]
    pub fn alias(&self) -> Option<&str> {
        self.alias.as_deref()
    }
}

impl Primary {
    /// What stands at a name. `now` is the time in seconds since 1970, to sign with.
    pub async fn txt(&self, name: &Domain, now: u64) -> Result<Present, UpdateError> {
        let name = absolute(name)?;
        let answer = self.ask(&name, RecordType::TXT, now).await?;
        let mut present = Present { name: name.clone(), records: Vec::new(), alias: None };
        for record in answer.answers.into_iter().filter(|record| record.name == name) {
            match record.data {
                RData::TXT(txt) => present.records.push(txt),
                RData::CNAME(target) => present.alias = Some(target.0.to_ascii()),
                _ => {}
            }
        }
        Ok(present)
    }

    /// The zone of the primary that a name is in.
    pub async fn zone_of(&self, name: &Domain, now: u64) -> Result<Domain, UpdateError> {
        // Where no zone begins at the name, its SOA record comes as the reason why there is none (RFC 2308 §2).
        let answer = self.ask(&absolute(name)?, RecordType::SOA, now).await?;
        let records = answer.answers.iter().chain(&answer.authorities);
        let mut apex = records.filter(|record| record.record_type() == RecordType::SOA).map(|soa| &soa.name);
        apex.find_map(|apex| Domain::parse(&apex.to_ascii()).ok()).ok_or(UpdateError::NotServed)
    }

    /// Puts a record in the place of all TXT records that are present, or where there is nothing at all yet. If it is
    /// not so any more, nothing is changed, and [`UpdateError::Raced`] says so.
    pub async fn put(&self, present: &Present, record: NewRecord<'_>, now: u64) -> Result<(), UpdateError> {
        let answer = self.exchange(update(present, record)?, now).await?;
        match answer.metadata.response_code {
            ResponseCode::NoError => Ok(()),
            code => Err(code.into()),
        }
    }

    /// Asks for records, and takes the answer only of a server that has the zone.
    async fn ask(&self, name: &Name, kind: RecordType, now: u64) -> Result<Message, UpdateError> {
        let mut question = Message::query();
        question.metadata.recursion_desired = false;
        question.add_query(Query::query(name.clone(), kind));
        let answer = self.exchange(question, now).await?;
        match answer.metadata.response_code {
            ResponseCode::NoError | ResponseCode::NXDomain if answer.metadata.authoritative => Ok(answer),
            ResponseCode::NoError | ResponseCode::NXDomain => Err(UpdateError::NotServed),
            code => Err(code.into()),
        }
    }

    /// Sends a message, signed, and gives the answer, whose signature is right.
    async fn exchange(&self, mut message: Message, now: u64) -> Result<Message, UpdateError> {
        let mac = tsig::sign(&mut message, &self.key, now)?;
        let octets = message.to_vec().map_err(|_| UpdateError::Malformed)?;
        let octets = timeout(PATIENCE, converse(self.server, &octets)).await;
        let octets = octets.map_err(|_| UpdateError::Timeout)?.map_err(UpdateError::Unreachable)?;
        let answer = Message::from_vec(&octets).map_err(|_| UpdateError::Malformed)?;
        if answer.metadata.id != message.metadata.id || answer.metadata.message_type != MessageType::Response
        {
            return Err(UpdateError::Malformed);
        }
        tsig::verify(&octets, &answer, &mac, &self.key)?;
        Ok(answer)
    }
}

/// One message there, and one back, each behind its length (RFC 7766 §8).
async fn converse(server: SocketAddr, message: &[u8]) -> io::Result<Vec<u8>> {
    let length = u16::try_from(message.len()).map_err(io::Error::other)?;
    let mut stream = TcpStream::connect(server).await?;
    stream.write_all(&[&length.to_be_bytes(), message].concat()).await?;
    let mut answer = vec![0; stream.read_u16().await?.into()];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

/// The message that puts a record in the place of what is present.
fn update(present: &Present, record: NewRecord<'_>) -> Result<Message, UpdateError> {
    let name = &present.name;
    let mut message = Message::query();
    message.metadata.op_code = OpCode::Update;
    message.metadata.recursion_desired = false;
    message.add_zone(Query::query(absolute(record.zone)?, RecordType::SOA));
    if present.records.is_empty() {
        // RFC 2136 §2.4.5: the name is not in use, neither with TXT records nor as an alias.
        message.add_pre_requisite(empty(name, RecordType::ANY, DNSClass::NONE));
    } else {
        // RFC 2136 §2.4.2: these records are there, and no others of their type; §2.5.2: they go.
        let there = present.records.iter();
        message.add_pre_requisites(
            there.map(|txt| Record::from_rdata(name.clone(), 0, RData::TXT(txt.clone()))),
        );
        message.add_update(empty(name, RecordType::TXT, DNSClass::ANY));
    }
    let txt = TXT::from_bytes(record.text.as_bytes().chunks(LONGEST_STRING).collect());
    message.add_update(Record::from_rdata(name.clone(), record.ttl, RData::TXT(txt)));
    Ok(message)
}

/// A record without data, which stands for all of its type.
fn empty(name: &Name, kind: RecordType, class: DNSClass) -> Record {
    let mut record = Record::update0(name.clone(), 0, kind);
    record.dns_class = class;
    record
}

fn absolute(name: &Domain) -> Result<Name, UpdateError> {
    let mut name = Name::from_ascii(name.as_str()).map_err(|_| UpdateError::Malformed)?;
    name.set_fqdn(true);
    Ok(name)
}

#[cfg(test)]
mod tests;
