use super::*;
use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::rdata::tsig::{TsigError, signed_bitmessage_to_buf};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const NOW: u64 = 1_767_225_600;

fn key() -> TsigKey {
    TsigKey::parse("hmac-sha256:k:c2VjcmV0").unwrap()
}

fn domain(name: &str) -> Domain {
    Domain::parse(name).unwrap()
}

/// How a server answers.
type Answer = fn(&mut Message);

/// A server on loopback with the secret, which answers each message as told, and signs its answers.
struct Server {
    primary: Primary,
    heard: Arc<Mutex<Vec<Message>>>,
    task: JoinHandle<()>,
}

impl Server {
    async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let primary = Primary { server: listener.local_addr().unwrap(), key: key() };
        let heard = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(serve(listener, Arc::clone(&heard), answer));
        Self { primary, heard, task }
    }

    /// What it was asked for last.
    fn last(&self) -> Message {
        self.heard.lock().unwrap().last().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, heard: Arc<Mutex<Vec<Message>>>, answer: Answer) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut octets = vec![0; stream.read_u16().await.unwrap().into()];
        stream.read_exact(&mut octets).await.unwrap();
        let question = Message::from_vec(&octets).unwrap();
        let (signed, record) = signed_bitmessage_to_buf(&octets, None, true).unwrap();
        key().algorithm().verify_mac(key().secret(), &signed, &record.data.mac).unwrap();
        let mut reply = Message::response(question.metadata.id, question.metadata.op_code);
        reply.metadata.authoritative = true;
        reply.queries.clone_from(&question.queries);
        heard.lock().unwrap().push(question);
        answer(&mut reply);
        // This bit, which nobody uses here, stands for a server that does not sign.
        if reply.signature.is_none() && !reply.metadata.checking_disabled {
            sign(&mut reply, &record.data.mac);
        }
        let octets = reply.to_vec().unwrap();
        let length = u16::try_from(octets.len()).unwrap();
        stream.write_all(&[&length.to_be_bytes(), octets.as_slice()].concat()).await.unwrap();
    }
}

/// Signs an answer to what was signed so.
fn sign(reply: &mut Message, mac: &[u8]) {
    let unsigned = tsig::unsigned(&key(), NOW, reply.metadata.id);
    let mut octets = u16::try_from(mac.len()).unwrap().to_be_bytes().to_vec();
    octets.extend_from_slice(mac);
    octets.extend(hickory_proto::rr::rdata::tsig::message_tbs(reply, &unsigned, key().name()).unwrap());
    let mac = key().algorithm().mac_data(key().secret(), &octets).unwrap();
    let record =
        hickory_proto::rr::rdata::tsig::make_tsig_record(key().name().clone(), unsigned.set_mac(mac));
    reply.set_signature(Box::new(record));
}

/// What a server says that does not accept our signature.
fn complain(reply: &mut Message, error: TsigError) {
    reply.metadata.response_code = ResponseCode::NotAuth;
    let mut tsig = tsig::unsigned(&key(), NOW, reply.metadata.id);
    tsig.error = Some(error);
    // 400 seconds later, in 48 bits.
    tsig.other = (NOW + 400).to_be_bytes()[2..].to_vec();
    let record = hickory_proto::rr::rdata::tsig::make_tsig_record(key().name().clone(), tsig);
    reply.set_signature(Box::new(record));
}

fn txt(name: &str, strings: &[&str]) -> Record {
    let txt = TXT::from_bytes(strings.iter().map(|string| string.as_bytes()).collect());
    Record::from_rdata(absolute(&domain(name)).unwrap(), 60, RData::TXT(txt))
}

#[tokio::test]
async fn a_record_is_put_only_where_nothing_is() {
    let server = Server::start(|_| {}).await;
    let present = server.primary.txt(&domain("s._domainkey.example.org"), NOW).await.unwrap();
    assert_eq!((present.texts(), present.alias()), (Vec::new(), None));
    let text = "x".repeat(300);
    let record = NewRecord { zone: &domain("example.org"), text: &text, ttl: 60 };
    server.primary.put(&present, record, NOW).await.unwrap();
    let message = server.last();
    assert_eq!(message.zones()[0].name().to_ascii(), "example.org.");
    let [nothing] = message.prerequisites() else { panic!("{message:?}") };
    assert_eq!((nothing.record_type(), nothing.dns_class), (RecordType::ANY, DNSClass::NONE));
    let [added] = message.updates() else { panic!("{message:?}") };
    assert_eq!(*added, txt("s._domainkey.example.org", &[&text[..255], &text[255..]]));
}

#[tokio::test]
async fn a_record_replaces_what_was_seen_and_nothing_else() {
    let server = Server::start(|reply| {
        if reply.metadata.op_code == OpCode::Query {
            reply.add_answer(txt("s._domainkey.example.org", &["v=DKIM1; ", "p=abc"]));
        }
    })
    .await;
    let present = server.primary.txt(&domain("s._domainkey.example.org"), NOW).await.unwrap();
    assert_eq!(present.texts(), [b"v=DKIM1; p=abc"]);
    let record = NewRecord { zone: &domain("example.org"), text: "v=DKIM1; p=", ttl: 60 };
    server.primary.put(&present, record, NOW).await.unwrap();
    let message = server.last();
    let [seen] = message.prerequisites() else { panic!("{message:?}") };
    // Split as it was found, since servers compare octets.
    assert_eq!(
        (seen.ttl, seen.dns_class, &seen.data),
        (0, DNSClass::IN, &txt("x.example", &["v=DKIM1; ", "p=abc"]).data)
    );
    let [deleted, added] = message.updates() else { panic!("{message:?}") };
    assert_eq!((deleted.record_type(), deleted.dns_class, deleted.ttl), (RecordType::TXT, DNSClass::ANY, 0));
    assert_eq!(*added, txt("s._domainkey.example.org", &["v=DKIM1; p="]));
}

#[tokio::test]
async fn the_zone_of_a_name_is_the_owner_of_its_soa() {
    let server = Server::start(|reply| {
        reply.metadata.response_code = ResponseCode::NXDomain;
        let name = |name: &str| absolute(&domain(name)).unwrap();
        let soa = SOA::new(name("ns.example.org"), name("h.example.org"), 1, 1, 1, 1, 1);
        reply.add_authority(Record::from_rdata(name("example.org"), 60, RData::SOA(soa)));
    })
    .await;
    let zone = server.primary.zone_of(&domain("s._domainkey.example.org"), NOW).await;
    assert_eq!(zone.unwrap(), domain("example.org"));
}

/// What the server answers to a question.
async fn asked(answer: Answer) -> UpdateError {
    let server = Server::start(answer).await;
    server.primary.txt(&domain("s.example.org"), NOW).await.unwrap_err()
}

#[tokio::test]
async fn each_refusal_has_its_error() {
    let name = |error: UpdateError| format!("{error:?}");
    assert_eq!(name(asked(|reply| reply.metadata.response_code = ResponseCode::Refused).await), "Refused");
    assert_eq!(name(asked(|reply| reply.metadata.response_code = ResponseCode::NotAuth).await), "NotServed");
    assert_eq!(name(asked(|reply| reply.metadata.response_code = ResponseCode::NotZone).await), "NotZone");
    assert_eq!(name(asked(|reply| reply.metadata.response_code = ResponseCode::ServFail).await), "ServFail");
    assert_eq!(name(asked(|reply| reply.metadata.response_code = ResponseCode::YXDomain).await), "Raced");
    assert_eq!(name(asked(|reply| reply.metadata.authoritative = false).await), "NotServed");
    assert_eq!(name(asked(|reply| complain(reply, TsigError::BadKey)).await), "UnknownKey");
    assert_eq!(name(asked(|reply| complain(reply, TsigError::BadSig)).await), "WrongSecret");
    assert_eq!(name(asked(|reply| complain(reply, TsigError::BadTime)).await), "WrongTime(400)");
}

/// Whoever stands between cannot say that all is well.
#[tokio::test]
async fn an_answer_that_is_not_signed_with_the_secret_is_not_believed() {
    let without: Answer = |reply| reply.metadata.checking_disabled = true;
    assert!(matches!(asked(without).await, UpdateError::Unsigned));
    let to_another_question: Answer = |reply| sign(reply, b"another question");
    assert!(matches!(asked(to_another_question).await, UpdateError::Unsigned));
}

#[tokio::test]
async fn nobody_there_is_a_temporary_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let primary = Primary { server: listener.local_addr().unwrap(), key: key() };
    drop(listener);
    let error = primary.txt(&domain("s.example.org"), NOW).await.unwrap_err();
    assert!(matches!(error, UpdateError::Unreachable(_)) && error.is_temporary(), "{error:?}");
}
