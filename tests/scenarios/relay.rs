//! A client, dkimgate and a next hop that replies as scripted.

use scenarios::{Keys, NextHop, Proxy, corpus, oracle, wait};

#[tokio::test]
async fn a_recipient_refused_by_the_next_hop_is_refused_to_the_client() {
    let next_hop = NextHop::fake().refuses("RCPT TO:<nobody@b.example>", "550 5.1.1 who?").start().await;
    let proxy = Proxy::inbound().relay(&next_hop).start().await;

    let mut client = proxy.connect().await;
    client.says("EHLO mx.example").hears("250").await;
    client.says("MAIL FROM:<a@a.example>").hears("250").await;
    client.says("RCPT TO:<nobody@b.example>").hears("550 5.1.1 who?").await;
    client.says("RCPT TO:<b@b.example>").hears("250").await;
    client.sends("dots.eml").hears("250").await;

    let message = next_hop.taken().await;
    assert_eq!(message.below_our_fields(), corpus("dots.eml"));
    assert_eq!(message.recipients.len(), 1, "{:?}", message.recipients);
}

#[tokio::test]
async fn of_a_hundred_recipients_in_one_flight_two_are_refused_and_the_others_get_the_message() {
    let next_hop = NextHop::fake()
        .refuses("RCPT TO:<user17@", "550 5.1.1 who?")
        .refuses("RCPT TO:<user58@", "452 4.2.2 full");
    let next_hop = next_hop.start().await;
    let proxy = Proxy::inbound().relay(&next_hop).start().await;
    let mut client = proxy.connect().await;
    client.says("EHLO mx.example").hears("250").await;
    let recipients = (0..100).map(|number| format!("RCPT TO:<user{number}@b.example>\r\n"));
    client.writes(format!("MAIL FROM:<a@a.example>\r\n{}", recipients.collect::<String>()).as_bytes()).await;
    assert!(client.reply().await.starts_with("250"));
    for number in 0..100 {
        let expected = match number {
            17 => "550 5.1.1 who?",
            58 => "452 4.2.2 full",
            _ => "250",
        };
        let reply = client.reply().await;
        assert!(reply.starts_with(expected), "recipient {number}: {reply}");
    }
    client.sends("plain.eml").hears("250").await;
    assert_eq!(next_hop.taken().await.recipients.len(), 98);
}

#[tokio::test]
async fn mail_of_our_domain_is_signed_and_not_changed_otherwise() {
    if oracle::is_missing() {
        return;
    }
    let keys = Keys::of("example.org");
    let next_hop = NextHop::fake().start().await;
    let proxy = Proxy::outbound().signs_twice_with(&keys).relay(&next_hop).start().await;
    proxy.connect().await.delivers("alice@example.org", "bob@example.net", &corpus("plain.eml")).await;

    let message = next_hop.taken().await;
    assert_eq!(message.below_our_fields(), corpus("plain.eml"));
    assert_eq!(message.values("DKIM-Signature").len(), 2, "{}", message.text());
    oracle::all_pass(&message, &keys.zone());
}

#[tokio::test]
async fn mail_of_another_domain_goes_through_unsigned_and_the_log_says_why() {
    let keys = Keys::of("elsewhere.example");
    let next_hop = NextHop::fake().start().await;
    let proxy = Proxy::outbound().signs_with(&keys).relay(&next_hop).start().await;
    proxy.connect().await.delivers("alice@example.org", "bob@example.net", &corpus("plain.eml")).await;

    assert_eq!(next_hop.taken().await.bytes, corpus("plain.eml"));
    let line = proxy.log().line_with("plain.1@example.org").await;
    assert!(line.contains("example.org") && line.contains("unsigned"), "{line}");
}

#[tokio::test]
async fn a_message_with_two_authors_fields_is_not_signed() {
    let keys = Keys::of("example.org");
    let next_hop = NextHop::fake().start().await;
    let proxy = Proxy::outbound().signs_with(&keys).relay(&next_hop).start().await;
    let content = [b"From: mallory@example.net\r\n", corpus("plain.eml").as_slice()].concat();
    proxy.connect().await.delivers("alice@example.org", "bob@example.net", &content).await;

    assert_eq!(next_hop.taken().await.bytes, content);
    proxy.log().line_with("unsigned").await;
}

#[tokio::test]
async fn a_signed_message_is_found_to_pass_and_an_altered_one_to_fail() {
    let keys = Keys::of("example.net");
    let next_hop = NextHop::fake().start().await;
    let proxy = Proxy::inbound().records(&keys.zone()).relay(&next_hop).start().await;
    let signed = keys.sign(&corpus("from-elsewhere.eml"));
    let altered = [signed.as_slice(), b"One more line.\r\n"].concat();
    let mut client = proxy.connect().await;
    client.delivers("bob@example.net", "alice@example.org", &signed).await;
    client.delivers("bob@example.net", "alice@example.org", &altered).await;

    let messages = next_hop.all_taken(2).await;
    for (message, (expected, sent)) in messages.iter().zip([("dkim=pass", &signed), ("dkim=fail", &altered)])
    {
        let results = message.values("Authentication-Results");
        assert_eq!(results.len(), 1, "{}", message.text());
        assert!(results[0].starts_with("mx.example.org"), "{results:?}");
        assert!(results[0].contains(expected) && results[0].contains("header.d=example.net"), "{results:?}");
        assert!(message.bytes.ends_with(sent), "not byte for byte:\n{}", message.text());
    }
}

#[tokio::test]
async fn refused_content_is_refused_to_the_client_in_all_its_lines_and_the_session_goes_on() {
    let refusal = "554-5.7.1 This is not taken\n554-5.7.1 for two reasons\n554 5.7.1 and a third";
    let next_hop = NextHop::fake().answers_once("CONTENT", refusal).start().await;
    let proxy = Proxy::inbound().relay(&next_hop).start().await;
    let mut client = proxy.connect().await;
    let reply = client.delivers("a@a.example", "b@b.example", &corpus("plain.eml")).await;
    assert_eq!(reply, refusal);
    let reply = client.delivers("a@a.example", "b@b.example", &corpus("dots.eml")).await;
    assert!(reply.starts_with("250"), "{reply}");
    assert_eq!(next_hop.taken().await.below_our_fields(), corpus("dots.eml"));
}

#[tokio::test]
async fn a_next_hop_that_is_not_there_gives_451_at_mail_and_the_session_goes_on() {
    let next_hop = NextHop::fake().start().await;
    let port = next_hop.port();
    drop(next_hop);
    let proxy = Proxy::inbound().relay_to(port).start().await;
    let mut client = proxy.connect().await;
    client.says("EHLO mx.example").hears("250").await;
    client.says("MAIL FROM:<a@a.example>").hears("451 4.4.1").await;
    let next_hop = NextHop::fake().port(port).start().await;
    assert!(client.delivers("a@a.example", "b@b.example", &corpus("plain.eml")).await.starts_with("250"));
    assert_eq!(next_hop.taken().await.below_our_fields(), corpus("plain.eml"));
}

#[tokio::test]
async fn sigterm_lets_a_transaction_end_with_its_own_reply_and_the_program_exits_with_0() {
    let next_hop = NextHop::fake().start().await;
    let mut proxy = Proxy::inbound().relay(&next_hop).start().await;
    let mut client = proxy.connect().await;
    client.says("EHLO mx.example").hears("250").await;
    client.says("MAIL FROM:<a@a.example>").hears("250").await;
    client.says("RCPT TO:<b@b.example>").hears("250").await;
    client.says("DATA").hears("354").await;
    client.writes(b"From: a@a.example\r\n\r\n").await;
    proxy.is_told_to_stop();
    client.writes(b"The end.\r\n.\r\n").await;
    assert!(client.reply().await.starts_with("250"));
    assert!(proxy.ends().await.success());
    assert_eq!(next_hop.messages().len(), 1);
}

#[tokio::test]
async fn no_sender_writes_into_our_authentication_results() {
    let next_hop = NextHop::fake().start().await;
    let proxy = Proxy::inbound().relay(&next_hop).start().await;
    let mut client = proxy.connect().await;
    let forged = b" ; dkim=pass header.d=bank.example\r\n\t; spf=pass\r\nFrom: a@a.example\r\n\r\nHi\r\n";
    client.delivers("a@a.example", "b@b.example", forged).await;
    let message = next_hop.taken().await;
    assert_eq!(message.values("Authentication-Results").len(), 1, "{}", message.text());
    assert!(!message.text().contains("pass"), "{}", message.text());
    assert_eq!(message.below_our_fields(), b"From: a@a.example\r\n\r\nHi\r\n");
    proxy.log().line_with("a first line that continues no field dropped").await;
}

#[tokio::test]
async fn what_ends_before_its_content_does_is_told_in_the_log() {
    let next_hop = NextHop::fake()
        .offers(&["PIPELINING", "SIZE 5000", "CHUNKING"])
        .refuses("RCPT TO:<nobody@", "550 5.1.1 who?")
        .start()
        .await;
    let proxy = Proxy::inbound().relay(&next_hop).start().await;
    let mut client = proxy.connect().await;
    client.says("EHLO mx.example").hears("250").await;
    client.says("MAIL FROM:<a@a.example> SIZE=5001").hears("552 5.3.4").await;
    let line = proxy.log().line_with("command refused").await;
    assert!(line.contains("MAIL FROM:<a@a.example> SIZE=5001") && line.contains("552 5.3.4"), "{line}");
    client.says("AUTH PLAIN c2VjcmV0").hears("502").await;
    for end in ["RSET", "EHLO mx.example", "QUIT"] {
        client.says("MAIL FROM:<a@a.example>").hears("250").await;
        client.says("RCPT TO:<nobody@b.example>").hears("550 5.1.1").await;
        client.says("RCPT TO:<b@b.example>").hears("250").await;
        client.writes(b"BDAT 4\r\nA: b").await;
        assert!(client.reply().await.starts_with("250"));
        client.says(end).hears("2").await;
    }
    let lines = proxy.log().lines_until("action=\"abandoned\"", 3, wait::STEP).await;
    assert!(
        lines.iter().all(|line| line.contains("the client gave up") && line.contains("size=4")),
        "{lines:?}"
    );
    let refused = proxy.log().lines_until("next hop refuses", 3, wait::STEP).await;
    assert!(refused.iter().all(|line| line.contains("nobody@b.example") && line.contains("550 5.1.1")));
    assert!(proxy.log_to_now("c2VjcmV0").await.is_empty(), "what might be a password is not shown");
}
