//! `smtpd_proxy_filter`: dkimgate replies while the sender is still connected.

use scenarios::{Mailhost, Postfix, Use, corpus};

#[tokio::test]
async fn signed_mail_is_verified_before_it_is_queued() {
    if Postfix::is_missing() {
        return;
    }
    let host = Mailhost::with(Use::BeforeQueue).start().await;
    let signed = host.theirs.sign(&corpus("from-elsewhere.eml"));
    let reply = host.port25().await.delivers("bob@example.net", "alice@example.org", &signed).await;
    assert!(reply.starts_with("250"), "{reply}");
    let message = host.postfix.mailbox(1).await.swap_remove(0);
    let results = message.values("Authentication-Results");
    assert!(results.len() == 1 && results[0].contains("dkim=pass"), "{}", message.text());
}

#[tokio::test]
async fn what_does_not_verify_is_refused_to_the_sender_if_the_file_says_so() {
    if Postfix::is_missing() {
        return;
    }
    let host = Mailhost::with(Use::BeforeQueue).verifier_setting("reject_fail: true").start().await;
    let signed = host.theirs.sign(&corpus("from-elsewhere.eml"));
    let altered = [signed.as_slice(), b"One more line.\r\n"].concat();
    let reply = host.port25().await.delivers("bob@example.net", "alice@example.org", &altered).await;
    assert!(reply.starts_with("550"), "{reply}");
    let reply = host.port25().await.delivers("bob@example.net", "alice@example.org", &signed).await;
    assert!(reply.starts_with("250"), "{reply}");
    assert_eq!(host.postfix.mailbox(1).await.len(), 1);
}

#[tokio::test]
async fn eight_bit_mail_passes_before_the_queue() {
    if Postfix::is_missing() {
        return;
    }
    let host = Mailhost::with(Use::BeforeQueue).start().await;
    let mut server = host.port25().await;
    server.says("EHLO mx.example.net").hears("250").await;
    server.says("MAIL FROM:<bob@example.net> BODY=8BITMIME").hears("250").await;
    server.says("RCPT TO:<alice@example.org>").hears("250").await;
    server.sends("eight-bit.eml").hears("250").await;
    assert!(host.postfix.mailbox(1).await[0].text().contains("Köln"));
}
