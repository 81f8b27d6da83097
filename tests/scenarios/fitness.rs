//! What is signed is what is sent: mail that servers on the way would change, set right before it is signed.

use scenarios::{Keys, Mailhost, Message, NextHop, Postfix, Proxy, Use, corpus, oracle, passes};

const FIX_ALL: &str = "long_lines: fix\neight_bit: fix\nmissing_date: fix\nmissing_message_id: fix";

/// Text with a line that no server need take, and octets that not every server takes.
fn unfit() -> Vec<u8> {
    let line = "Straße für Straße, Köln. ".repeat(60);
    let text = format!(
        "From: alice@example.org\r\nTo: bob@example.net\r\nSubject: Unfit\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=mixed\r\n\r\n--mixed\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{line}\r\n.\r\n--mixed\r\n\
         Content-Type: application/json\r\n\r\n{{\"städte\": \"{line}\"}}\r\n--mixed--\r\n"
    );
    text.into_bytes()
}

fn assert_passes(message: &Message, keys: &Keys) {
    assert!(passes(message, keys), "{}", message.text());
    if !oracle::is_missing() {
        oracle::all_pass(message, &keys.zone());
    }
}

#[tokio::test]
async fn what_is_set_right_is_signed_afterwards_and_the_log_says_so() {
    let keys = Keys::of("example.org");
    let next_hop = NextHop::fake().offers(&["PIPELINING"]).start().await;
    let proxy = Proxy::outbound().signs_with(&keys).setting(FIX_ALL).relay(&next_hop).start().await;
    proxy.connect().await.delivers("alice@example.org", "bob@example.net", &unfit()).await;

    let message = next_hop.taken().await;
    assert!(message.bytes.is_ascii() && message.text().lines().all(|line| line.len() <= 76 + 8));
    assert_eq!((message.values("Date").len(), message.values("Message-ID").len()), (1, 1));
    let signed = &message.values("DKIM-Signature")[0];
    assert!(signed.contains("Date:") && signed.contains("Message-ID"), "{signed}");
    assert_passes(&message, &keys);
    let line = proxy.log().line_with("signed").await;
    for words in
        ["lines over 998 octets and 8-bit content fixed, 2 parts encoded", "Date added", "Message-ID added"]
    {
        assert!(line.contains(words), "{line}");
    }
}

#[tokio::test]
async fn mail_is_signed_as_it_came_and_the_log_warns_unless_the_file_says_otherwise() {
    let keys = Keys::of("example.org");
    let next_hop = NextHop::fake().offers(&["PIPELINING"]).start().await;
    let proxy = Proxy::outbound().signs_with(&keys).relay(&next_hop).start().await;
    proxy.connect().await.delivers("alice@example.org", "bob@example.net", &unfit()).await;

    let message = next_hop.taken().await;
    assert_eq!(message.below_our_fields(), unfit());
    assert_passes(&message, &keys);
    let line = proxy.log().line_with("signed").await;
    for words in ["; lines over 998 octets and 8-bit content", "; no Date", "; no Message-ID"] {
        assert!(line.contains(words), "{line}");
    }
}

#[tokio::test]
async fn each_fault_is_refused_where_the_file_says_so() {
    let keys = Keys::of("example.org");
    for (setting, reply) in [
        ("long_lines: refuse", "550 5.6.0 Message has a line"),
        ("eight_bit: refuse", "550 5.6.3 Message has 8-bit content"),
        ("missing_date: refuse", "550 5.6.0 Message has no Date"),
        ("missing_message_id: refuse", "550 5.6.0 Message has no Message-ID"),
    ] {
        let next_hop = NextHop::fake().offers(&["PIPELINING"]).start().await;
        let proxy = Proxy::outbound().signs_with(&keys).setting(setting).relay(&next_hop).start().await;
        let mut client = proxy.connect().await;
        let heard = client.delivers("alice@example.org", "bob@example.net", &unfit()).await;
        assert!(heard.starts_with(reply), "{heard}");
        let heard = client.delivers("alice@example.org", "bob@example.net", &corpus("plain.eml")).await;
        assert!(heard.starts_with("250"), "{heard}");
        assert_eq!(next_hop.taken().await.below_our_fields(), corpus("plain.eml"));
    }
}

#[tokio::test]
async fn mail_that_is_not_signed_is_not_changed_either() {
    let keys = Keys::of("elsewhere.example");
    let next_hop = NextHop::fake().offers(&["PIPELINING"]).start().await;
    let proxy = Proxy::outbound().signs_with(&keys).setting(FIX_ALL).relay(&next_hop).start().await;
    proxy.connect().await.delivers("alice@example.org", "bob@example.net", &unfit()).await;
    assert_eq!(next_hop.taken().await.bytes, unfit());
}

#[tokio::test]
async fn what_was_set_right_passes_after_postfix_sent_it_to_an_old_server() {
    if Postfix::is_missing() {
        return;
    }
    // A world without 8BITMIME, for which Postfix would convert, and would break long lines as it always does.
    for (setting, survives) in [("long_lines: fix\neight_bit: fix", true), ("long_lines: warn", false)] {
        let old = NextHop::fake().offers(&["PIPELINING"]);
        let host = Mailhost::with(Use::SubmissionOnly).elsewhere(old).signer_setting(setting).start().await;
        host.submission().await.delivers("alice@example.org", "bob@example.net", &unfit()).await;
        let message = host.elsewhere.taken().await;
        assert!(message.text().lines().all(|line| line.len() <= 998), "{}", message.text());
        assert_eq!(passes(&message, &host.ours), survives, "{}", message.text());
    }
}

#[tokio::test]
async fn a_line_end_that_was_set_right_is_signed_and_the_log_says_so() {
    let keys = Keys::of("example.org");
    let next_hop = NextHop::fake().start().await;
    let proxy = Proxy::outbound().signs_with(&keys).relay(&next_hop).start().await;
    let content = [corpus("plain.eml").as_slice(), b"one\ntwo\r\n"].concat();
    proxy.connect().await.delivers("alice@example.org", "bob@example.net", &content).await;

    let message = next_hop.taken().await;
    assert!(message.bytes.ends_with(b"\r\none\r\ntwo\r\n"), "{}", message.text());
    assert_passes(&message, &keys);
    proxy.log().line_with("; 1 bare LF fixed").await;
}
