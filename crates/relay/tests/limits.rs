//! Limits and deadlines: what the client hears at each, and what the next hop is spared.

#![allow(clippy::unwrap_used)] // A test may panic.

mod common;

use common::{Act, At, Client, FIELD, NextHop, Script, Serving};
use relay::{Listener, Protocol, Rights, Settings};
use std::time::Duration;

const MESSAGE: &str = "Subject: x\r\n\r\nbody\r\n";

#[tokio::test]
async fn each_command_gives_the_client_its_whole_time_again() {
    let next_hop = Script::default().start().await;
    let whole = Duration::from_secs(2);
    let proxy = Serving::start(&next_hop, |settings| settings.deadlines.client = whole);
    let mut client = proxy.ready().await;
    for _ in 0..16 {
        tokio::time::sleep(whole / 8).await;
        client.says("NOOP").await.hears("250").await;
    }
    client.hears("421 4.4.2").await.hears_the_end().await;
}

#[tokio::test]
async fn a_message_that_takes_too_long_is_given_up_however_often_the_client_speaks() {
    for begun in ["MAIL FROM:<a>\r\n", "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n"] {
        let next_hop = Script::default().start().await;
        let proxy =
            Serving::start(&next_hop, |settings| settings.deadlines.message = Duration::from_millis(300));
        let mut client = proxy.ready().await;
        client.sends(begun.as_bytes()).await;
        for _ in begun.lines() {
            client.hears(if begun.ends_with("DATA\r\n") { "" } else { "250" }).await;
        }
        let mut reply = String::new();
        while !reply.starts_with("421") {
            if begun.ends_with("DATA\r\n") {
                client.sends(&[b'x'; 5000]).await;
            }
            reply = match tokio::time::timeout(Duration::from_millis(50), client.reply()).await {
                Ok(reply) => reply,
                Err(_) => continue,
            };
        }
        assert!(reply.starts_with("421 4.4.2"), "{begun:?} {reply}");
        proxy.stop().await;
        assert_eq!(next_hop.heard().complete, 0, "{begun:?}");
    }
}

#[tokio::test]
async fn what_a_message_may_take_does_not_count_between_messages() {
    let refusing = Script::default().at(At::Command("MAIL FROM:<refused>"), Act::Say("550 5.1.8 no"));
    let next_hop = refusing.start().await;
    let proxy =
        Serving::start(&next_hop, |settings| settings.deadlines.message = Duration::from_millis(1500));
    let mut client = proxy.ready().await;
    for _ in 0..3 {
        client.envelope().await;
        assert!(client.content(MESSAGE).await.starts_with("250"));
        tokio::time::sleep(Duration::from_millis(800)).await;
        client.says("MAIL FROM:<refused>").await.hears("550").await;
        tokio::time::sleep(Duration::from_millis(800)).await;
    }
}

#[tokio::test]
async fn a_client_that_speaks_on_after_too_many_errors_hears_why_it_ends() {
    let next_hop = NextHop::absent().await;
    let proxy = Serving::start(&next_hop, |settings| settings.limits.errors = 3);
    let mut client = proxy.ready().await;
    client.sends("WHAT\r\n".repeat(5_000).as_bytes()).await;
    for expected in ["502", "502", "502", "502", "421 4.7.0"] {
        client.hears(expected).await;
    }
    client.hears_the_end().await;
}

#[tokio::test]
async fn commands_have_a_limit() {
    let next_hop = NextHop::absent().await;
    let proxy = Serving::start(&next_hop, |settings| settings.limits.commands = 3);
    let mut client = proxy.ready().await;
    client.says("NOOP").await.hears("250").await.says("NOOP").await.hears("250").await;
    client.says("NOOP").await.hears("421 4.7.0").await.hears_the_end().await;
}

#[tokio::test]
async fn surplus_recipients_and_long_lines_are_refused_in_step() {
    let next_hop = Script::default().start().await;
    let proxy = Serving::start(&next_hop, |settings| {
        settings.limits.recipients = 2;
        settings.limits.line = 600;
    });
    let mut client = proxy.ready().await;
    client.envelope().await.says("RCPT TO:<c@b.example>").await.hears("250").await;
    client.says("RCPT TO:<d@b.example>").await.hears("452 4.5.3").await;
    client.says(&"x".repeat(700)).await.hears("500 5.5.2").await;
    client.says(&format!("RCPT TO:<{}>", "x".repeat(700))).await.hears("501 5.5.2").await;
    assert!(client.content(MESSAGE).await.starts_with("250"));
    let recipients = next_hop.heard().commands[&1].iter().filter(|said| said.starts_with("RCPT")).count();
    assert_eq!(recipients, 2);
}

/// Sends so many messages, each in a session of its own, and gives the number of connections at the next hop.
async fn connections(messages: usize, change: impl FnOnce(&mut Settings)) -> usize {
    let next_hop = Script::default().start().await;
    let proxy = Serving::start(&next_hop, change);
    for _ in 0..messages {
        let mut client = proxy.ready().await;
        client.envelope().await;
        assert!(client.content(MESSAGE).await.starts_with("250"));
    }
    proxy.stop().await;
    assert_eq!(next_hop.heard().taken.len(), messages);
    next_hop.heard().connections
}

#[tokio::test]
async fn kept_connections_have_limits_of_number_age_and_uses() {
    assert_eq!(connections(4, |_| ()).await, 1);
    // The first EHLO makes a connection to learn what is offered, and here cannot keep it.
    assert_eq!(connections(4, |settings| settings.kept.number = 0).await, 5);
    // Learning is a use too.
    assert_eq!(connections(4, |settings| settings.kept.uses = 3).await, 2);
    assert_eq!(connections(4, |settings| settings.kept.age = Duration::ZERO).await, 5);
}

#[tokio::test]
async fn an_idle_client_holds_no_connection_to_the_next_hop() {
    let next_hop = Script::default().start().await;
    let proxy = Serving::start(&next_hop, |settings| settings.kept.idle = Duration::from_secs(1));
    let mut client = proxy.ready().await;
    client.envelope().await;
    assert!(client.content(MESSAGE).await.starts_with("250"));
    next_hop.until(|heard| heard.closed == 1 && heard.commands[&1].iter().any(|said| said == "QUIT")).await;
    client.envelope().await;
    assert!(client.content(MESSAGE).await.starts_with("250"));
    assert_eq!(next_hop.heard().connections, 2);
}

#[tokio::test]
async fn a_kept_connection_that_says_421_unasked_is_replaced() {
    let closing = Act::SayAndDrop("250 2.0.0 ok\r\n421 4.3.2 closing");
    let next_hop = Script::default().on(1, At::Command("RSET"), closing).start().await;
    let proxy = Serving::start(&next_hop, |_| ());
    let mut client = proxy.ready().await;
    client.envelope().await.says("RSET").await.hears("250").await;
    client.envelope().await;
    assert_eq!(client.content(MESSAGE).await, "250 2.6.0 taken\r\n");
    assert_eq!(next_hop.heard().connections, 2);
}

#[tokio::test]
async fn an_offer_that_has_changed_is_learnt_with_the_next_connection() {
    let (before, after) = (
        Script::default().start().await,
        Script::default().offers(&["PIPELINING", "SIZE 5000"]).start().await,
    );
    let proxy = Serving::start(&before, |settings| {
        settings.relay.push(after.target());
        settings.kept.number = 0;
    });
    let mut client = proxy.connect().await;
    client.hears("220").await.says("EHLO a").await;
    let offer = client.reply().await;
    assert!(
        offer.contains("8BITMIME") && offer.contains("DSN") && offer.contains("SIZE 100000000"),
        "{offer}"
    );
    drop(before);
    client.says("MAIL FROM:<a> BODY=8BITMIME SIZE=100").await.hears("250").await;
    client.says("RCPT TO:<b>").await.hears("250").await;
    assert!(client.content(MESSAGE).await.starts_with("250"));
    assert_eq!(after.heard().commands[&1][1], "MAIL FROM:<a> SIZE=100");
    client.says("EHLO a").await;
    let offer = client.reply().await;
    assert!(!offer.contains("8BITMIME") && !offer.contains("DSN") && offer.contains("SIZE 5000"), "{offer}");
    client.says("MAIL FROM:<a> BODY=8BITMIME").await.hears("555").await;
    client.says("MAIL FROM:<a> SIZE=5001").await.hears("552").await;
}

#[tokio::test]
async fn the_next_hop_may_be_a_unix_socket_or_speak_ip_version_6() {
    let next_hop = Script::default().start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("next.sock");
    let through = |target: relay::Target| Settings { relay: vec![target], ..Settings::default() };
    let rights = Rights { mode: 0o600, owner: None, group: None };
    let _third = Serving::serve(through(next_hop.target()), Listener::unix(&path, rights).unwrap());
    let Ok(listener) = Listener::tcp("[::1]:0".parse().unwrap()) else {
        println!("skipped: this host has no IP version 6");
        return;
    };
    let address = listener.address().unwrap();
    let _second = Serving::serve(through(format!("unix:{}", path.display()).parse().unwrap()), listener);
    let first = Serving::start(&next_hop, |settings| {
        settings.relay = vec![address.to_string().parse().unwrap()];
    });
    let mut client = first.ready().await;
    client.envelope().await;
    assert_eq!(client.content(MESSAGE).await, "250 2.6.0 taken\r\n");
    assert_eq!(next_hop.heard().taken, [FIELD.repeat(3) + MESSAGE]);
}

#[tokio::test]
async fn in_lmtp_a_last_chunk_that_is_refused_has_a_reply_for_each_recipient() {
    let script = Script::default().offers(&["CHUNKING"]).at(At::Command("RCPT TO:<c"), Act::Drop);
    let next_hop = script.start().await;
    let proxy = Serving::start(&next_hop, |settings| settings.protocol = Protocol::Lmtp);
    let mut client: Client = proxy.connect().await;
    client.hears("220 proxy.example LMTP").await.says("LHLO a").await.hears("250").await;
    client.says("MAIL FROM:<a>").await.hears("250").await;
    client.says("RCPT TO:<a>").await.hears("250").await.says("RCPT TO:<b>").await.hears("250").await;
    client.says("RCPT TO:<c>").await.hears("451").await;
    client.sends(b"BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n").await;
    client.hears("451 4.4.2").await.hears("451 4.4.2").await.hears("250").await;
}
