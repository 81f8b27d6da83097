//! Mail of users: Postfix's submission port → dkimgate → Postfix → the world, as `docs/postfix.md` tells it.

use scenarios::{Mailhost, Message, NextHop, Postfix, Use, corpus, oracle};

/// What every message that was signed on its way must be: signed twice, and a pass for all judges.
fn assert_signed(message: &Message, host: &Mailhost) {
    assert_eq!(message.values("DKIM-Signature").len(), 2, "{}", message.text());
    if !oracle::is_missing() {
        oracle::all_pass(message, &host.ours.zone());
    }
}

#[tokio::test]
async fn a_users_mail_arrives_signed_and_passes_after_all_of_postfixs_rewriting() {
    if Postfix::is_missing() {
        return;
    }
    let host = Mailhost::with(Use::SubmissionOnly).start().await;
    let mut user = host.submission().await;
    // Postfix completes the addresses, adds Date and Message-ID, and refolds nothing.
    user.delivers("alice@example.org", "bob@example.net", &corpus("incomplete.eml")).await;
    let message = host.elsewhere.taken().await;
    assert_eq!(message.values("Message-ID").len(), 1, "{}", message.text());
    assert_signed(&message, &host);
}

#[tokio::test]
async fn only_the_submission_port_is_signed() {
    if Postfix::is_missing() {
        return;
    }
    let host = Mailhost::with(Use::SubmissionOnly).start().await;
    host.port25().await.delivers("alice@example.org", "bob@example.net", &corpus("plain.eml")).await;
    let message = host.elsewhere.taken().await;
    assert_eq!(message.values("DKIM-Signature").len(), 0, "{}", message.text());
}

#[tokio::test]
async fn eight_bit_mail_arrives_signed() {
    if Postfix::is_missing() {
        return;
    }
    let host = Mailhost::with(Use::SubmissionOnly).start().await;
    let mut user = host.submission().await;
    user.delivers("alice@example.org", "bob@example.net", &corpus("eight-bit.eml")).await;
    let message = host.elsewhere.taken().await;
    assert!(message.text().contains("Köln"), "{}", message.text());
    assert_signed(&message, &host);
}

#[tokio::test]
async fn eight_bit_mail_is_converted_before_it_is_signed_where_master_cf_says_so() {
    if Postfix::is_missing() {
        return;
    }
    // A next hop without 8BITMIME: a conversion after the signing would break the signature.
    let old = NextHop::fake().offers(&["PIPELINING"]);
    let host =
        Mailhost::with(Use::SubmissionOnly).elsewhere(old).documented("master.cf: convert before signing");
    let host = host.start().await;
    let mut user = host.submission().await;
    user.delivers("alice@example.org", "bob@example.net", &corpus("eight-bit.eml")).await;
    let message = host.elsewhere.taken().await;
    assert!(message.bytes.is_ascii(), "{}", message.text());
    assert_signed(&message, &host);
}

#[tokio::test]
async fn internationalised_mail_arrives_signed() {
    if Postfix::is_missing() {
        return;
    }
    let host = Mailhost::with(Use::SubmissionOnly).start().await;
    let mut user = host.submission().await;
    user.says("EHLO client.example").hears("250").await;
    user.says("MAIL FROM:<jürgen@example.org> SMTPUTF8").hears("250").await;
    user.says("RCPT TO:<žofie@example.net>").hears("250").await;
    user.sends("smtputf8.eml").hears("250").await;
    let message = host.elsewhere.taken().await;
    assert!(message.mail.contains("SMTPUTF8") && message.mail.contains("jürgen"), "{}", message.mail);
    assert!(message.text().contains("Subject: Grüße"), "{}", message.text());
    // The judges read a message of RFC 6532 as they read any other.
    assert_signed(&message, &host);
}

#[tokio::test]
async fn a_twenty_megabyte_attachment_arrives_signed() {
    if Postfix::is_missing() {
        return;
    }
    let host = Mailhost::with(Use::SubmissionOnly).start().await;
    let line = [b'A'; 76];
    let mut content = corpus("plain.eml");
    while content.len() < 20_000_000 {
        content.extend_from_slice(&line);
        content.extend_from_slice(b"\r\n");
    }
    let mut user = host.submission().await;
    user.delivers("alice@example.org", "bob@example.net", &content).await;
    let message = host.elsewhere.taken().await;
    assert!(message.bytes.len() > 20_000_000);
    assert!(
        message.body() == &content[content.len() - message.body().len()..],
        "the body arrives as it was sent"
    );
    assert_signed(&message, &host);
}

#[tokio::test]
async fn of_a_hundred_recipients_two_are_refused_and_the_sender_hears_of_these() {
    if Postfix::is_missing() {
        return;
    }
    let world = NextHop::fake()
        .refuses("RCPT TO:<user17@", "550 5.1.1 who?")
        .refuses("RCPT TO:<user58@", "550 5.1.1 who?");
    let host = Mailhost::with(Use::BothWays).elsewhere(world).start().await;
    let mut user = host.submission().await;
    user.says("EHLO client.example").hears("250").await;
    user.says("MAIL FROM:<alice@example.org>").hears("250").await;
    for number in 0..100 {
        user.says(&format!("RCPT TO:<user{number}@example.net>")).hears("250").await;
    }
    user.sends("plain.eml").hears("250").await;

    // One report for each delivery in which someone was refused.
    let reports = host.postfix.mailbox(1).await;
    host.postfix.has_an_empty_queue(scenarios::wait::LONG).await;
    let messages = host.elsewhere.messages();
    for message in &messages {
        assert_signed(message, &host);
    }
    let mut reached: Vec<_> = messages.into_iter().flat_map(|message| message.recipients).collect();
    reached.sort();
    reached.dedup();
    assert_eq!(reached.len(), 98, "{reached:?}");
    assert!(reports[0].text().contains("550 5.1.1 who?"), "{}", reports[0].text());
}

#[tokio::test]
async fn a_bounce_with_the_empty_sender_passes_the_signer() {
    if Postfix::is_missing() {
        return;
    }
    let host = Mailhost::with(Use::SubmissionOnly).start().await;
    host.submission().await.delivers("", "bob@example.net", &corpus("bounce.eml")).await;
    let message = host.elsewhere.taken().await;
    assert!(message.mail.starts_with("MAIL FROM:<>"), "{}", message.mail);
    assert_signed(&message, &host);
}

#[tokio::test]
async fn postfixs_own_bounces_are_signed_where_master_cf_says_so() {
    if Postfix::is_missing() {
        return;
    }
    let refusing = NextHop::fake().answers_once("RCPT TO:<nobody@", "550 5.1.1 who?");
    let host = Mailhost::with(Use::SubmissionOnly).elsewhere(refusing).documented("master.cf: sign bounces");
    let host = host.main("myorigin = example.org").start().await;
    // The sender is elsewhere, so that is where the report goes.
    host.submission().await.delivers("alice@example.com", "nobody@example.net", &corpus("plain.eml")).await;
    let report = host.elsewhere.taken().await;
    assert!(report.mail.starts_with("MAIL FROM:<>"), "{}", report.mail);
    assert!(report.text().contains("550 5.1.1 who?"), "{}", report.text());
    assert_signed(&report, &host);
}

#[tokio::test]
async fn a_refusal_of_several_lines_reaches_the_sender_whole() {
    if Postfix::is_missing() {
        return;
    }
    let world =
        NextHop::fake().refuses("CONTENT", "554-5.7.1 not with us\n554 5.7.1 see https://example.net/policy");
    let host = Mailhost::with(Use::SubmissionOnly).elsewhere(world).start().await;
    host.submission().await.delivers("alice@example.org", "bob@example.net", &corpus("plain.eml")).await;
    let report = host.postfix.mailbox(1).await.swap_remove(0);
    assert!(
        report.text().contains("not with us") && report.text().contains("https://example.net/policy"),
        "{}",
        report.text()
    );
}
