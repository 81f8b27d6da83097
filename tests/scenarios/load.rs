//! A thousand messages, with twenty sessions, between smtp-source and smtp-sink.

use scenarios::{Keys, Message, Postfix, Proxy, tools};
use std::collections::BTreeSet;

const COUNT: usize = 1_000;
const SESSIONS: usize = 20;

/// Sends the messages through `port`: each to a recipient of its own, whose number stands in the envelope.
async fn send(port: u16) {
    let (count, sessions) = (COUNT.to_string(), SESSIONS.to_string());
    let options = [
        "-N",
        "-s",
        &sessions,
        "-m",
        &count,
        "-l",
        "10240",
        "-f",
        "alice@example.org",
        "-t",
        "bob@example.net",
    ];
    tools::source(port, &options).await;
}

/// What smtp-source writes, without what differs from one of its messages to the next.
fn shape(content: &[u8]) -> String {
    let text = String::from_utf8_lossy(content).into_owned();
    let varies = |line: &&str| ["Date:", "Message-Id:"].iter().any(|name| line.starts_with(name));
    text.split_inclusive("\r\n").filter(|line| !varies(line)).collect()
}

/// All have arrived, none twice, and below our fields each is what smtp-source sends.
fn assert_all_once(messages: &[Message], reference: &Message) {
    let recipients: BTreeSet<_> = messages.iter().flat_map(|message| &message.recipients).collect();
    assert_eq!((messages.len(), recipients.len()), (COUNT, COUNT), "each message once");
    let expected = shape(&reference.bytes);
    for message in messages {
        assert_eq!(shape(&message.below_our_fields()), expected, "{:?}", message.recipients);
    }
}

/// What smtp-source sends without us between.
async fn reference() -> Message {
    let sink = tools::Sink::start().await;
    let options = ["-N", "-l", "10240", "-f", "alice@example.org", "-t", "bob@example.net"];
    tools::source(sink.port(), &options).await;
    sink.taken(1).await.swap_remove(0)
}

#[tokio::test]
async fn a_thousand_messages_are_signed_and_each_arrives_once() {
    if Postfix::is_missing() {
        return;
    }
    let keys = Keys::of("example.org");
    let sink = tools::Sink::start().await;
    let proxy = Proxy::outbound().relay_to(sink.port()).signs_with(&keys).start().await;
    send(proxy.port()).await;
    let messages = sink.taken(COUNT).await;
    assert_all_once(&messages, &reference().await);
    // Each signature is verified by an inbound listener: the judges would take minutes.
    let verifying = tools::Sink::start().await;
    let verifier = Proxy::inbound().records(&keys.zone()).relay_to(verifying.port()).start().await;
    let mut client = verifier.connect().await;
    for message in &messages {
        assert!(
            client.delivers("alice@example.org", "bob@example.net", &message.bytes).await.starts_with("250")
        );
    }
    let judged = verifying.taken(COUNT).await;
    let passed = judged
        .iter()
        .filter(|message| message.values("Authentication-Results").concat().contains("dkim=pass"));
    assert_eq!(passed.count(), COUNT);
}

#[tokio::test]
async fn a_thousand_messages_are_annotated_and_each_arrives_once() {
    if Postfix::is_missing() {
        return;
    }
    let sink = tools::Sink::start().await;
    let proxy = Proxy::inbound().relay_to(sink.port()).start().await;
    send(proxy.port()).await;
    let messages = sink.taken(COUNT).await;
    assert_all_once(&messages, &reference().await);
    let annotated = messages
        .iter()
        .filter(|message| message.values("Authentication-Results").concat().contains("dkim=none"));
    assert_eq!(annotated.count(), COUNT);
}
