//! A name server on loopback that knows the key records of a zone.

use hickory_proto::op::{Message, OpCode, ResponseCode};
use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::{RData, Record};
use hickory_proto::serialize::binary::{BinDecodable, BinEncodable};
use serde_json::{Map, Value};
use std::net::UdpSocket;

/// How long an answer may be remembered, in seconds: longer than any run.
const LIFE: u32 = 86_400;
/// RFC 1035 §3.3: a character string has this many octets at most.
const STRING: usize = 255;

/// Serves the names of `zone`, a JSON object, until the program ends; gives the port.
pub fn start(zone: &str) -> u16 {
    let zone: Map<String, Value> = serde_json::from_str(zone).expect("the zone is an object");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
    let port = socket.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        let mut datagram = [0; 4096];
        while let Ok((length, client)) = socket.recv_from(&mut datagram) {
            let question = Message::from_bytes(&datagram[..length]).expect("dkimgate asks well");
            let octets = answer(&question, &zone).to_bytes().expect("an answer can be written");
            socket.send_to(&octets, client).expect("loopback is there");
        }
    });
    port
}

fn answer(question: &Message, zone: &Map<String, Value>) -> Message {
    let query = question.queries.first().expect("dkimgate asks something").clone();
    let name = query.name().clone();
    let mut answer = Message::response(question.metadata.id, OpCode::Query);
    answer.add_query(query);
    match zone.get(name.to_ascii().trim_end_matches('.')).and_then(Value::as_str) {
        Some(text) => {
            let strings = text.as_bytes().chunks(STRING).collect();
            answer.add_answer(Record::from_rdata(name, LIFE, RData::TXT(TXT::from_bytes(strings))));
        }
        None => answer.metadata.response_code = ResponseCode::NXDomain,
    }
    answer
}
