//! That the tools of the scenarios do what they say: a fake next hop behind a real Postfix, without dkimgate.

use scenarios::{Client, Keys, Message, NextHop, Ports, Postfix, corpus, oracle};

#[tokio::test]
async fn a_fake_next_hop_takes_what_a_client_sends_byte_for_byte() {
    let next_hop = NextHop::fake()
        .answers("RCPT TO:<nobody@b.example>", "550-5.1.1 who\n550 5.1.1 is that?")
        .start()
        .await;
    let mut client = Client::connect(next_hop.port()).await;
    client.says("EHLO client.example").hears("250-next-hop.example\n250-PIPELINING").await;
    client.says("MAIL FROM:<a@a.example>").hears("250").await;
    client.says("RCPT TO:<nobody@b.example>").hears("550-5.1.1 who\n550 5.1.1 is that?").await;
    client.says("RCPT TO:<b@b.example>").hears("250").await;
    client.sends("dots.eml").hears("250").await;
    client.says("QUIT").hears("221").await;
    client.hears_the_end().await;

    let message = next_hop.taken().await;
    assert_eq!(message.bytes, corpus("dots.eml"));
    assert_eq!(message.recipients, ["RCPT TO:<b@b.example>"]);
}

#[tokio::test]
async fn a_refused_content_is_not_taken() {
    let next_hop = NextHop::fake().answers_once("CONTENT", "554 5.7.1 no").start().await;
    let mut client = Client::connect(next_hop.port()).await;
    assert_eq!(client.delivers("a@a.example", "b@b.example", b"From: a\r\n\r\n").await, "554 5.7.1 no");
    assert!(client.delivers("a@a.example", "b@b.example", b"From: b\r\n\r\n").await.starts_with("250"));
    assert_eq!(next_hop.all_taken(1).await.len(), 1);
}

#[tokio::test]
async fn postfix_runs_in_directories_of_its_own() {
    if Postfix::is_missing() {
        return;
    }
    let elsewhere = NextHop::fake().start().await;
    let ports = Ports::free();
    let postfix = Postfix::on(ports, elsewhere.port()).start().await;
    let mut client = Client::connect(ports.submission).await;
    client.delivers("a@example.org", "b@example.net", &corpus("plain.eml")).await;
    client.delivers("a@example.org", "b@example.org", &corpus("plain.eml")).await;
    assert!(elsewhere.taken().await.text().contains("Subject: A plain message"));
    assert!(postfix.mailbox(1).await[0].text().contains("Subject: A plain message"));
}

#[tokio::test]
async fn the_documented_services_hand_mail_to_the_signer_and_to_the_verifier() {
    if Postfix::is_missing() {
        return;
    }
    let ports = Ports::free();
    let elsewhere = NextHop::fake().start().await;
    let signer =
        NextHop::fake().port(ports.to_sign).offers(&["XFORWARD NAME ADDR PROTO HELO IDENT"]).start().await;
    let verifier = NextHop::fake().port(ports.to_verify).start().await;
    let setup = Postfix::on(ports, elsewhere.port()).documented("master.cf: sign the submission port");
    let _postfix = setup.documented("master.cf: verify port 25 after the queue").start().await;

    let mut user = Client::connect(ports.submission).await;
    user.delivers("alice@example.org", "bob@example.net", &corpus("eight-bit.eml")).await;
    let to_sign = signer.taken().await;
    assert!(to_sign.bytes.is_ascii(), "converted before it is signed:\n{}", to_sign.text());
    assert!(
        signer.commands().iter().any(|command| command.starts_with("XFORWARD")),
        "{:?}",
        signer.commands()
    );
    // What `agree: {with: received}` goes by.
    let commands = signer.commands().join(" ");
    let ident = commands.split(" IDENT=").nth(1).and_then(|rest| rest.split_whitespace().next());
    let received = to_sign.values("Received").swap_remove(0);
    assert!(received.contains(&format!(" id {}", ident.unwrap())), "{ident:?} {received}");

    let mut server = Client::connect(ports.smtp).await;
    server.delivers("bob@example.net", "alice@example.org", &corpus("eight-bit.eml")).await;
    assert!(!verifier.taken().await.bytes.is_ascii(), "verified as it came");
    assert_eq!(elsewhere.messages().len(), 0);
}

#[test]
fn all_three_judges_pass_what_is_signed_and_fail_what_was_altered() {
    if oracle::is_missing() {
        return;
    }
    let keys = Keys::of("example.org");
    let signed = keys.sign(&corpus("plain.eml"));
    let altered = [signed.as_slice(), b"One more line.\r\n"].concat();
    oracle::all_pass(&Message { bytes: signed, ..Message::default() }, &keys.zone());
    let judgements = oracle::judges(&Message { bytes: altered, ..Message::default() }, &keys.zone());
    assert_eq!(judgements.len(), 1);
    assert!(judgements[0].verdicts.values().all(|verdict| verdict == "fail"), "{judgements:?}");
}
