//! A name server on loopback that knows some keys, and nothing else.

use crate::Keys;
use hickory_proto::op::{Message, OpCode, ResponseCode};
use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::{RData, Record};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// A name server. It falls silent when this value is dropped.
#[derive(Debug)]
pub struct NameServer {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl NameServer {
    /// One that publishes these keys.
    pub async fn with(keys: &Keys) -> NameServer {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port is free");
        let address = socket.local_addr().expect("it is bound");
        let records = Arc::new(keys.records());
        let serving = tokio::spawn(async move {
            let mut question = [0; 4096];
            while let Ok((length, from)) = socket.recv_from(&mut question).await {
                if let Some(answer) = answer(&question[..length], &records) {
                    // Who has gone away meanwhile needs no answer.
                    let _ = socket.send_to(&answer, from).await;
                }
            }
        });
        NameServer { address, serving }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn answer(question: &[u8], records: &HashMap<String, String>) -> Option<Vec<u8>> {
    let question = Message::from_vec(question).ok()?;
    let query = question.queries.first()?.clone();
    let name = query.name().to_ascii().trim_end_matches('.').to_lowercase();
    let mut answer = Message::response(question.metadata.id, OpCode::Query);
    answer.metadata.recursion_available = true;
    match records.get(&name) {
        Some(text) => {
            let strings =
                text.as_bytes().chunks(255).map(|string| String::from_utf8_lossy(string).into_owned());
            let data = RData::TXT(TXT::new(strings.collect()));
            answer.add_answer(Record::from_rdata(query.name().clone(), 60, data));
        }
        None => answer.metadata.response_code = ResponseCode::NXDomain,
    }
    answer.add_query(query);
    answer.to_vec().ok()
}
