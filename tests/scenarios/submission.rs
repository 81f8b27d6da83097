//! Mail of users: Postfix's submission port → dkimgate → Postfix → the world, as `docs/postfix.md` tells it.

use scenarios::{Logins, Mailhost, Message, NextHop, Postfix, Use, corpus, oracle};

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

/// A field such as Postfix puts on top, written by a sender.
const FORGED: &str = "Received: from laptop (laptop.example [192.0.2.7])\r\n\t(Authenticated sender: alice@example.org)\r\n\
    \tby mail.example.org (Postfix) with ESMTPSA id 4cYxAB0000z\r\n\tfor <bob@example.net>; Fri, 27 Nov 2026 10:00:00 +0000 (UTC)\r\n";

/// A host whose users log in, and that signs for those who wrote From as themselves.
async fn host_of_users(logins: &Logins, agree: &str) -> Mailhost {
    let host = Mailhost::with(Use::SubmissionOnly).main(&logins.main_cf());
    host.each_rule(&format!("agree: {agree}")).start().await
}

/// Sends a message of Alice's, with these fields above the others, as whoever logs in.
async fn alice_writes(host: &Mailhost, login: Option<&str>, fields: &str) {
    let mut user = host.submission().await;
    user.says("EHLO client.example").hears("250").await;
    if let Some(name) = login {
        user.says(&Logins::command(name)).hears("235").await;
    }
    let content = [fields.as_bytes(), &corpus("plain.eml")].concat();
    let reply = user.delivers("alice@example.org", "bob@example.net", &content).await;
    assert!(reply.starts_with("250"), "{reply}");
}

#[tokio::test]
async fn a_user_is_signed_as_himself_and_as_nobody_else() {
    if Postfix::is_missing() {
        return;
    }
    let logins = Logins::listen().await;
    let host = host_of_users(&logins, "{with: received, in: address, realm: example.org}").await;
    let mut count = 0;
    for (login, fields, signed) in [
        (Some("alice@example.org"), "", true),
        // Of the realm; and what stands further down does no harm.
        (Some("alice"), FORGED, true),
        (Some("mallory@example.org"), "", false),
        (Some("mallory@example.org"), FORGED, false),
        (None, FORGED, false),
    ] {
        alice_writes(&host, login, fields).await;
        count += 1;
        let message = host.elsewhere.all_taken(count).await.swap_remove(count - 1);
        if signed {
            assert_signed(&message, &host);
        } else {
            assert_eq!(message.values("DKIM-Signature").len(), 0, "{login:?}: {}", message.text());
        }
    }
    let log = host.signer.as_ref().expect("it signs").log();
    log.line_with("author and login in Received disagree (mallory@example.org)").await;
    log.line_with("nothing is known of the login in Received").await;
}

#[tokio::test]
async fn a_user_who_writes_as_another_hears_of_it_where_that_is_refused() {
    if Postfix::is_missing() {
        return;
    }
    let logins = Logins::listen().await;
    let host = host_of_users(&logins, "{with: received, in: address, otherwise: refuse}").await;
    alice_writes(&host, Some("mallory@example.org"), FORGED).await;
    let report = host.postfix.mailbox(1).await.swap_remove(0);
    assert!(report.text().contains("550 5.7.1"), "{}", report.text());
    alice_writes(&host, Some("alice@example.org"), "").await;
    assert_signed(&host.elsewhere.taken().await, &host);
    assert_eq!(host.elsewhere.messages().len(), 1);
}
