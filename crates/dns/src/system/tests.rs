use super::*;
use crate::{AnyResolver, Budget, NameServer, txt_within};
use hickory_resolver::proto::op::{Message, OpCode};
use hickory_resolver::proto::rr::Record;
use hickory_resolver::proto::rr::rdata::{A, CNAME, NS, SOA, TXT};
use hickory_resolver::proto::serialize::binary::{BinDecodable, BinEncodable};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinHandle;

/// A string as long as one can be.
const FULL: &[u8] = &[b'x'; 255];

/// A name server on loopback that answers by the first label of the name.
struct Server {
    address: SocketAddr,
    questions: Arc<AtomicUsize>,
    tasks: [JoinHandle<()>; 2],
}

impl Server {
    async fn start() -> Self {
        let (udp, tcp) = sockets().await;
        let address = udp.local_addr().unwrap();
        let questions = Arc::new(AtomicUsize::new(0));
        let tasks = [
            tokio::spawn(serve_udp(udp, Arc::clone(&questions))),
            tokio::spawn(serve_tcp(tcp, Arc::clone(&questions))),
        ];
        Self { address, questions, tasks }
    }

    fn settings(&self) -> SystemSettings {
        SystemSettings { servers: vec![self.address], attempts: 1, ..SystemSettings::default() }
    }

    fn resolver(&self) -> SystemResolver {
        SystemResolver::new(&self.settings()).unwrap()
    }

    async fn txt(&self, name: &str) -> Result<Vec<String>, LookupError> {
        texts(self.resolver().txt(&domain(name)).await)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// The same port for both protocols.
async fn sockets() -> (UdpSocket, TcpListener) {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()).await {
            return (udp, tcp);
        }
    }
}

async fn serve_udp(socket: UdpSocket, questions: Arc<AtomicUsize>) {
    let mut buffer = [0; 4096];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
        questions.fetch_add(1, Ordering::SeqCst);
        let Some(mut answer) = answer(&buffer[..length]) else { continue };
        let mut octets = answer.to_bytes().unwrap();
        if octets.len() > 1232 {
            answer.metadata.truncation = true;
            answer.answers.clear();
            octets = answer.to_bytes().unwrap();
        }
        socket.send_to(&octets, from).await.unwrap();
    }
}

async fn serve_tcp(listener: TcpListener, questions: Arc<AtomicUsize>) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        while let Ok(length) = stream.read_u16().await {
            let mut question = vec![0; usize::from(length)];
            stream.read_exact(&mut question).await.unwrap();
            questions.fetch_add(1, Ordering::SeqCst);
            let Some(answer) = answer(&question) else { continue };
            let octets = answer.to_bytes().unwrap();
            stream.write_u16(u16::try_from(octets.len()).unwrap()).await.unwrap();
            stream.write_all(&octets).await.unwrap();
        }
    }
}

fn answer(question: &[u8]) -> Option<Message> {
    let question = Message::from_bytes(question).unwrap();
    let query = question.queries[0].clone();
    let name = query.name().clone();
    let record_type = query.query_type();
    let mut answer = Message::response(question.metadata.id, OpCode::Query);
    answer.metadata.recursion_available = true;
    answer.add_query(query);
    let txt = |strings: &[&[u8]]| RData::TXT(TXT::from_bytes(strings.to_vec()));
    let mut add = |data: RData| {
        answer.add_answer(Record::from_rdata(name.clone(), 300, data));
    };
    match String::from_utf8_lossy(name.iter().next().unwrap()).to_lowercase().as_str() {
        "split" => add(txt(&[b"v=DKIM1; ", b"p=", b"abc\xff"])),
        "several" => {
            add(txt(&[b"one"]));
            add(txt(&[b"two"]));
        }
        "long" => add(txt(&[FULL; 8])),
        "huge" => add(txt(&[FULL; 255])),
        "alias" => {
            add(RData::CNAME(CNAME(Name::from_ascii("split.example.").unwrap())));
        }
        "zone" => match record_type {
            RecordType::NS => add(RData::NS(NS(Name::from_ascii("ns.zone.example.").unwrap()))),
            RecordType::TXT => answer.metadata.authentic_data = question.metadata.authentic_data,
            _ => return None,
        },
        "ns" if record_type == RecordType::A => add(RData::A(A::new(192, 0, 2, 1))),
        "ns" | "nodata" => answer.add_authority(soa()).metadata.response_code = ResponseCode::NoError,
        "nxdomain" => answer.add_authority(soa()).metadata.response_code = ResponseCode::NXDomain,
        "servfail" => answer.metadata.response_code = ResponseCode::ServFail,
        "refused" => answer.metadata.response_code = ResponseCode::Refused,
        _ => return None,
    }
    Some(answer)
}

fn soa() -> Record {
    let name = Name::from_ascii("example.").unwrap();
    let soa = SOA::new(name.clone(), name.clone(), 1, 3600, 600, 86400, 300);
    Record::from_rdata(name, 300, RData::SOA(soa))
}

fn domain(name: &str) -> Domain {
    Domain::parse(name).unwrap()
}

fn texts(answer: TxtAnswer) -> Result<Vec<String>, LookupError> {
    Ok(answer?.iter().map(|record| record.escape_ascii().to_string()).collect())
}

#[tokio::test]
async fn strings_of_a_record_are_put_together_and_records_are_not() {
    let server = Server::start().await;
    assert_eq!(server.txt("split.example").await, Ok(vec!["v=DKIM1; p=abc\\xff".into()]));
    let mut several = server.txt("several.example").await.unwrap();
    several.sort();
    assert_eq!(several, ["one", "two"]);
}

#[tokio::test]
async fn an_alias_is_followed() {
    let server = Server::start().await;
    assert_eq!(server.txt("alias.example").await, Ok(vec!["v=DKIM1; p=abc\\xff".into()]));
}

#[tokio::test]
async fn what_an_administrator_asks_is_answered() {
    let server = Server::start().await;
    let resolver = AnyResolver::from(server.resolver());
    assert_eq!(resolver.alias(&domain("alias.example")).await, Some(domain("split.example")));
    assert_eq!(resolver.alias(&domain("nxdomain.example")).await, None);
    let found = resolver.name_servers(&domain("nodata.nxdomain.zone.example")).await;
    let expected =
        NameServer { name: domain("ns.zone.example"), addresses: vec!["192.0.2.1".parse().unwrap()] };
    assert_eq!(found, Ok(vec![expected]));
    assert_eq!(
        resolver.name_servers(&domain("nxdomain.servfail.example")).await,
        Err(Unavailable::ServFail.into())
    );
    assert_eq!(resolver.is_authentic(&domain("zone.example")).await, Some(true));
    assert_eq!(resolver.is_authentic(&domain("split.example")).await, Some(false));
}

#[tokio::test]
async fn what_is_missing_is_told_from_what_fails() {
    let server = Server::start().await;
    assert_eq!(server.txt("nxdomain.example").await, Err(LookupError::NoName));
    assert_eq!(server.txt("nodata.example").await, Err(LookupError::NoData));
    assert_eq!(server.txt("servfail.example").await, Err(Unavailable::ServFail.into()));
    assert_eq!(server.txt("refused.example").await, Err(Unavailable::Other("Query Refused".into()).into()));
}

#[tokio::test]
async fn silence_is_a_time_out() {
    let server = Server::start().await;
    let settings = SystemSettings { timeout: Duration::from_millis(300), ..server.settings() };
    let answer = SystemResolver::new(&settings).unwrap().txt(&domain("silent.example")).await;
    assert_eq!(answer, Err(Unavailable::Timeout.into()));
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let (udp, tcp) = sockets().await;
    let servers = vec![udp.local_addr().unwrap()];
    drop((udp, tcp));
    let settings =
        SystemSettings { servers, timeout: Duration::from_millis(400), ..SystemSettings::default() };
    let answer = SystemResolver::new(&settings).unwrap().txt(&domain("split.example")).await;
    assert!(matches!(answer, Err(LookupError::Unavailable(_))), "{answer:?}");
}

#[tokio::test]
async fn a_truncated_answer_is_fetched_over_tcp_up_to_64_kb() {
    let server = Server::start().await;
    assert_eq!(server.txt("long.example").await, Ok(vec!["x".repeat(8 * 255)]));
    assert_eq!(server.txt("huge.example").await, Ok(vec!["x".repeat(255 * 255)]));
}

#[tokio::test]
async fn an_answer_is_remembered_and_so_is_its_absence() {
    let server = Server::start().await;
    let resolver = server.resolver();
    for name in ["split.example", "nxdomain.example", "nodata.example"] {
        let first = resolver.txt(&domain(name)).await;
        let asked = server.questions.load(Ordering::SeqCst);
        assert_eq!(resolver.clone().txt(&domain(name)).await, first);
        assert_eq!(server.questions.load(Ordering::SeqCst), asked, "{name}");
    }
}

#[tokio::test]
async fn a_failure_is_not_remembered() {
    let server = Server::start().await;
    let resolver = server.resolver();
    let _ = resolver.txt(&domain("servfail.example")).await;
    let asked = server.questions.load(Ordering::SeqCst);
    let _ = resolver.txt(&domain("servfail.example")).await;
    assert!(server.questions.load(Ordering::SeqCst) > asked);
}

#[tokio::test]
async fn many_questions_at_once_are_all_answered() {
    let server = Server::start().await;
    let resolver = server.resolver();
    let names: Vec<Domain> = (0..200).map(|n| domain(&format!("split.n{n}.example"))).collect();
    let budget = Budget { queries: names.len(), time: Duration::from_secs(20) };
    let answers = txt_within(&resolver, &names, budget).await;
    assert!(answers.iter().all(Result::is_ok), "{:?}", answers.iter().find(|answer| answer.is_err()));
}

#[test]
fn a_name_longer_than_any_is_no_domain() {
    let label = "a".repeat(60);
    let longest = [label.as_str(); 4].join(".");
    assert_eq!(Domain::parse(&format!("{longest}.example")).ok().map(|name| name.as_str().len()), Some(251));
    assert!(Domain::parse(&format!("{longest}.example.org")).is_err());
}
