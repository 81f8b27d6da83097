//! The same with OpenSMTPD, as `docs/opensmtpd.md` tells it.

use scenarios::{Client, Keys, NextHop, OpenSmtpd, Ports, Proxy, corpus, oracle, passes, wait};

#[tokio::test]
async fn opensmtpd_has_its_mail_signed_and_verified_as_its_page_says() {
    if OpenSmtpd::is_missing() {
        return;
    }
    let ports = Ports::free();
    let (ours, theirs) = (Keys::of("example.org"), Keys::of("example.net"));
    let (elsewhere, mailboxes) = (NextHop::fake().start().await, NextHop::fake().start().await);
    let signer = Proxy::outbound().listen(ports.to_sign).relay_to(ports.signed).signs_twice_with(&ours);
    let _signer = signer.start().await;
    let verifier = Proxy::inbound().listen(ports.to_verify).relay_to(ports.verified).records(&theirs.zone());
    let _verifier = verifier.start().await;
    let _opensmtpd = OpenSmtpd::start(ports, (elsewhere.port(), mailboxes.port())).await;

    for name in ["incomplete.eml", "eight-bit.eml"] {
        let mut user = Client::connect(ports.submission).await;
        user.delivers("alice@example.org", "bob@example.net", &corpus(name)).await;
    }
    let forged = b"Authentication-Results: mx.example.org; dkim=pass header.d=bank.example\r\n";
    let content = theirs.sign(&corpus("from-elsewhere.eml"));
    let mut server = Client::connect(ports.smtp).await;
    server.delivers("bob@example.net", "alice@example.org", &[forged.as_slice(), &content].concat()).await;

    for message in elsewhere.all_taken_within(2, wait::LONG).await {
        assert_eq!(message.values("DKIM-Signature").len(), 2, "{}", message.text());
        assert!(passes(&message, &ours), "{}", message.text());
        if !oracle::is_missing() {
            oracle::all_pass(&message, &ours.zone());
        }
    }
    let message = mailboxes.all_taken_within(1, wait::LONG).await.swap_remove(0);
    let results = message.values("Authentication-Results");
    assert!(results.len() == 1 && results[0].contains("dkim=pass"), "{}", message.text());
    assert!(
        !message.text().contains("bank.example") && message.bytes.ends_with(&content),
        "{}",
        message.text()
    );
}
