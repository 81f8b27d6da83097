//! Mail from elsewhere: Postfix's port 25 → dkimgate → Postfix → mailbox, after the queue.

use scenarios::{Client, Mailhost, Message, Postfix, Use, corpus};
use std::net::Ipv4Addr;

/// The one field that is ours; a second one would be a forgery that was kept.
fn our_results(message: &Message) -> String {
    let all = message.values("Authentication-Results");
    let mut ours = all.into_iter().filter(|value| value.to_ascii_lowercase().contains("mx.example.org"));
    let first =
        ours.next().unwrap_or_else(|| panic!("no Authentication-Results of ours:\n{}", message.text()));
    assert_eq!(ours.next(), None, "{}", message.text());
    first
}

#[tokio::test]
async fn signed_mail_is_delivered_with_its_result() {
    if Postfix::is_missing() {
        return;
    }
    let host = Mailhost::with(Use::BothWays).start().await;
    let signed = host.theirs.sign(&corpus("from-elsewhere.eml"));
    host.port25().await.delivers("bob@example.net", "alice@example.org", &signed).await;
    let message = host.postfix.mailbox(1).await.swap_remove(0);
    let results = our_results(&message);
    assert!(results.contains("dkim=pass") && results.contains("header.d=example.net"), "{results}");
    assert!(
        message.bytes.ends_with(&signed),
        "below the trace fields nothing is changed:\n{}",
        message.text()
    );
}

#[tokio::test]
async fn unsigned_mail_is_delivered_and_says_so() {
    if Postfix::is_missing() {
        return;
    }
    let host = Mailhost::with(Use::BothWays).start().await;
    let content = corpus("from-elsewhere.eml");
    host.port25().await.delivers("bob@example.net", "alice@example.org", &content).await;
    let message = host.postfix.mailbox(1).await.swap_remove(0);
    assert!(our_results(&message).contains("dkim=none"), "{}", message.text());
}

#[tokio::test]
async fn a_forged_result_is_gone_and_one_of_another_server_stays() {
    if Postfix::is_missing() {
        return;
    }
    let host = Mailhost::with(Use::BothWays).start().await;
    let forged = b"Authentication-Results: MX.(comment)example.org;\r\n\tdkim=pass header.d=bank.example\r\n\
        Authentication-Results: mx.example.org; dkim=pass header.d=bank.example\r\n\
        Authentication-Results: mx.elsewhere.example; spf=pass\r\n";
    let content = [forged.as_slice(), &corpus("from-elsewhere.eml")].concat();
    host.port25().await.delivers("bob@example.net", "alice@example.org", &content).await;
    let message = host.postfix.mailbox(1).await.swap_remove(0);
    assert!(our_results(&message).contains("dkim=none"), "{}", message.text());
    assert!(!message.text().contains("bank.example"), "{}", message.text());
    assert!(message.text().contains("mx.elsewhere.example; spf=pass"), "{}", message.text());
}

#[tokio::test]
async fn eight_bit_mail_is_verified_and_delivered_as_it_came() {
    if Postfix::is_missing() {
        return;
    }
    let host = Mailhost::with(Use::BothWays).start().await;
    let content = String::from_utf8(corpus("eight-bit.eml")).expect("the corpus is UTF-8");
    let signed = host.theirs.sign(content.replace("alice@example.org", "alice@example.net").as_bytes());
    let mut server = host.port25().await;
    server.says("EHLO mx.example.net").hears("250").await;
    server.says("MAIL FROM:<alice@example.net> BODY=8BITMIME").hears("250").await;
    server.says("RCPT TO:<alice@example.org>").hears("250").await;
    server.sends_bytes(&signed).hears("250").await;
    let message = host.postfix.mailbox(1).await.swap_remove(0);
    assert!(our_results(&message).contains("dkim=pass"), "{}", message.text());
    assert!(message.bytes.ends_with(&signed), "{}", message.text());
}

#[tokio::test]
async fn internationalised_mail_is_verified_and_delivered() {
    if Postfix::is_missing() {
        return;
    }
    let host = Mailhost::with(Use::BothWays).start().await;
    let content = String::from_utf8(corpus("smtputf8.eml")).expect("the corpus is UTF-8");
    let signed = host.theirs.sign(content.replace("example.org", "example.net").as_bytes());
    let mut server = host.port25().await;
    server.says("EHLO mx.example.net").hears("250").await;
    server.says("MAIL FROM:<jürgen@example.net> SMTPUTF8 BODY=8BITMIME").hears("250").await;
    server.says("RCPT TO:<žofie@example.org>").hears("250").await;
    server.sends_bytes(&signed).hears("250").await;
    let message = host.postfix.mailbox(1).await.swap_remove(0);
    assert!(our_results(&message).contains("dkim=pass"), "{}", message.text());
}

#[tokio::test]
async fn a_bounce_with_the_empty_sender_is_delivered_with_its_result() {
    if Postfix::is_missing() {
        return;
    }
    let host = Mailhost::with(Use::BothWays).start().await;
    let content = String::from_utf8(corpus("bounce.eml")).expect("the corpus is UTF-8");
    let signed = host.theirs.sign(content.replace("example.org", "example.net").as_bytes());
    host.port25().await.delivers("", "alice@example.org", &signed).await;
    let message = host.postfix.mailbox(1).await.swap_remove(0);
    assert!(message.values("Return-Path").contains(&"<>".to_owned()), "{}", message.text());
    assert!(our_results(&message).contains("dkim=pass"), "{}", message.text());
}

#[tokio::test]
async fn the_real_client_is_in_the_log() {
    if Postfix::is_missing() {
        return;
    }
    let host = Mailhost::with(Use::BothWays).start().await;
    let mut server = Client::connect_from(Ipv4Addr::new(127, 0, 0, 9), host.ports().smtp).await;
    server.delivers("bob@example.net", "alice@example.org", &corpus("from-elsewhere.eml")).await;
    host.postfix.mailbox(1).await;
    let verifier = host.verifier.as_ref().expect("this host verifies");
    let line = verifier.log().line_with("elsewhere.1@example.net").await;
    // What Postfix calls the message, as it tells by XFORWARD.
    let queued = host.postfix.log().line_with("message-id=<elsewhere.1@example.net>").await;
    let queue_id = queued.split(": ").nth(1).expect("Postfix names the queue file");
    for words in ["client=127.0.0.9", "mail_from=\"bob@example.net\"", &format!("queue_id=\"{queue_id}\"")] {
        assert!(line.contains(words), "no {words} in {line}");
    }
    // The return port is told as well.
    host.postfix.log().line_with("orig_client=unknown[127.0.0.9]").await;
}
