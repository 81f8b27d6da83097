//! What can go wrong on either side, one thing at a time; `matrix.rs` has what goes wrong on both.

#![allow(clippy::unwrap_used)] // A test may panic.

mod common;

use common::{Act, At, NextHop, Script, Serving};
use relay::Deadlines;
use std::time::Duration;

/// How long the silent may be silent. On a busy machine those that are not take their time too.
const BRIEF: Duration = Duration::from_millis(1500);

#[tokio::test]
async fn a_next_hop_that_is_absent_costs_no_message() {
    let next_hop = NextHop::absent().await;
    let proxy = Serving::start(&next_hop, |_| ());
    let mut client = proxy.ready().await;
    for _ in 0..2 {
        client.says("MAIL FROM:<a@a.example>").await.hears("451 4.4.1").await;
        client.says("RCPT TO:<b@b.example>").await.hears("503").await;
    }
    client.sends(b"MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nDATA\r\nNOOP\r\n").await;
    for code in ["451 4.4.1", "451 4.4.1", "451 4.4.1", "503", "250"] {
        client.hears(code).await;
    }
}

#[tokio::test]
async fn a_next_hop_lost_between_recipients_leaves_the_others_for_later() {
    let script = Script::default().at(At::Command("RCPT TO:<second"), Act::Drop);
    let next_hop = script.start().await;
    let proxy = Serving::start(&next_hop, |_| ());
    let mut client = proxy.ready().await;
    client.says("MAIL FROM:<a>").await.hears("250").await;
    client.says("RCPT TO:<first>").await.hears("250").await;
    client.says("RCPT TO:<second>").await.hears("451 4.4.2").await;
    client.says("RCPT TO:<third>").await.hears("451 4.4.2").await;
    client.says("DATA").await.hears("451 4.4.2").await;
    client.says("MAIL FROM:<a>").await.hears("250").await;
    client.says("RCPT TO:<first>").await.hears("250").await;
    assert!(client.content("Subject: x\r\n\r\n").await.starts_with("250"));
}

/// What a client has said when it vanishes.
const POINTS: [&str; 7] = [
    "",
    "MAIL FROM:<a@a.example>\r\n",
    "MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\n",
    "MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDA",
    "MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n",
    "MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\nSubject: x\r\n",
    "MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\nSubject: x\r\n\r\nbody\r\n.\r",
];

#[tokio::test]
async fn a_client_that_vanishes_leaves_nothing_behind() {
    for point in POINTS {
        for in_file in [false, true] {
            let next_hop = Script::default().start().await;
            let proxy =
                Serving::start(&next_hop, |settings| settings.limits.memory = if in_file { 1 } else { 1000 });
            let mut client = proxy.ready().await;
            client.sends(point.as_bytes()).await;
            for _ in 0..point.matches("\r\n").count().min(3) {
                client.reply().await;
            }
            drop(client);
            let mut other = proxy.ready().await;
            other.envelope().await;
            assert!(other.content("Subject: y\r\n\r\n").await.starts_with("250"));
            proxy.stop().await;
            let heard = next_hop.heard();
            assert_eq!((heard.taken.len(), heard.complete), (1, 1), "{point:?}");
            assert!(heard.taken[0].contains("Subject: y"), "{point:?}");
        }
    }
}

#[tokio::test]
async fn a_client_that_falls_silent_is_told_and_left() {
    for point in POINTS {
        let next_hop = Script::default().start().await;
        let proxy = Serving::start(&next_hop, |settings| settings.deadlines.client = BRIEF);
        let mut client = proxy.ready().await;
        client.sends(point.as_bytes()).await;
        for _ in 0..point.matches("\r\n").count().min(3) {
            client.reply().await;
        }
        client.hears("421 4.4.2").await.hears_the_end().await;
        proxy.stop().await;
        assert_eq!(next_hop.heard().complete, 0, "{point:?}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_after_the_final_dot_has_sent_its_message_once() {
    let next_hop = Script::default().start().await;
    let proxy = Serving::start(&next_hop, |_| ());
    let mut client = proxy.ready().await;
    client.envelope().await.says("DATA").await.hears("354").await;
    client.sends(b"Subject: x\r\n\r\n.\r\n").await;
    drop(client);
    next_hop.until(|heard| heard.taken.len() == 1).await;
    proxy.stop().await;
    assert_eq!(next_hop.heard().complete, 1);
}

#[tokio::test]
async fn rset_in_each_state_begins_anew() {
    let next_hop = Script::default().start().await;
    let proxy = Serving::start(&next_hop, |_| ());
    let mut client = proxy.connect().await;
    client
        .hears("220")
        .await
        .says("RSET")
        .await
        .hears("250")
        .await
        .says("MAIL FROM:<a>")
        .await
        .hears("503")
        .await;
    client.says("EHLO a").await.hears("250").await.says("RSET").await.hears("250").await;
    client.says("MAIL FROM:<a>").await.hears("250").await.says("RSET").await.hears("250").await;
    client.envelope().await.says("RSET").await.hears("250").await.says("DATA").await.hears("503").await;
    client.envelope().await;
    assert!(client.content("RSET\r\n").await.starts_with("250"));
    assert_eq!(next_hop.heard().taken, [format!("{}RSET\r\n", common::FIELD)]);
}

#[tokio::test]
async fn smuggled_ends_reach_the_next_hop_as_text() {
    let next_hop = Script::default().start().await;
    let proxy = Serving::start(&next_hop, |_| ());
    let mut client = proxy.ready().await;
    let ends = [
        "\n.\n",
        "\n.\r\n",
        "\r\n.\n",
        "\r.\r",
        "\r.\r\n",
        "\r\n.\r",
        "\r\n\0.\r\n",
        "\r\n.\0\r\n",
        "\r\n.\r\0\n",
        "\r\r\n.\r\r\n",
    ];
    for end in ends {
        let second = "MAIL FROM:<evil@a>\r\nRCPT TO:<evil@b>\r\nDATA\r\nSubject: second\r\n\r\n";
        client.envelope().await;
        assert_eq!(client.content(&format!("Subject: x\r\n\r\nx{end}{second}")).await, "250 2.6.0 taken\r\n");
    }
    let heard = next_hop.heard();
    assert_eq!((heard.taken.len(), heard.connections), (ends.len(), 1));
    assert!(heard.commands[&1].iter().all(|command| !command.contains("evil")));
    assert!(heard.taken.iter().all(|taken| taken.contains("\r\nSubject: second\r\n")));
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_nobodys_answer() {
    let brief =
        Deadlines { greeting: BRIEF, command: BRIEF, data: BRIEF, r#final: BRIEF, ..Deadlines::default() };
    for (at, late) in [
        (At::Connect, "220 late"),
        (At::Command("EHLO"), "250 late"),
        (At::Command("MAIL"), "250 late"),
        (At::Command("RCPT"), "250 late"),
        (At::Command("DATA"), "354 late"),
        (At::Dot, "250 late"),
    ] {
        let next_hop = Script::default().on(1, at, Act::Late(late)).start().await;
        let proxy = Serving::start(&next_hop, |settings| settings.deadlines = brief);
        let mut client = proxy.ready().await;
        client.sends(b"MAIL FROM:<a>\r\nRCPT TO:<b>\r\n").await;
        let accepted = client.reply().await.starts_with("250") && client.reply().await.starts_with("250");
        let first = if accepted { client.content("Subject: first\r\n\r\n").await } else { "451".to_owned() };
        let begins = matches!(at, At::Connect | At::Command("EHLO"));
        assert!(first.starts_with(if begins { "250" } else { "451" }), "{at:?} {first}");
        let mut other = proxy.ready().await;
        other.envelope().await;
        assert_eq!(other.content("Subject: second\r\n\r\n").await, "250 2.6.0 taken\r\n", "{at:?}");
        // The first connection is given up, so that what is said on it is heard by nobody.
        next_hop.until(|heard| heard.closed >= 1).await;
        other.envelope().await;
        assert_eq!(other.content("Subject: third\r\n\r\n").await, "250 2.6.0 taken\r\n", "{at:?}");
        proxy.stop().await;
        let taken = next_hop.heard().taken;
        let firsts = taken.iter().filter(|taken| taken.contains("Subject: first")).count();
        assert_eq!((firsts, taken.len()), (usize::from(begins), 2 + usize::from(begins)), "{at:?}");
    }
}
