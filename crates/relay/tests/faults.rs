//! What can go wrong on either side, at each point of a conversation: what the client hears, whether the session
//! goes on in step, and where the message is.

#![allow(clippy::unwrap_used)] // A test may panic.

mod common;

use common::{Act, At, NextHop, Script, Serving};
use relay::{Deadlines, Settings};
use std::time::Duration;

const BRIEF: Duration = Duration::from_millis(150);

/// One way in which a next hop fails, and the codes that the client hears for MAIL, RCPT, DATA and the content.
type Case = (At<'static>, Act, &'static str);

const TEMPORARY: Act = Act::Say("450 4.2.0 later");
const PERMANENT: Act = Act::Say("550-5.2.0 no,\r\n550 5.2.0 never");
const GARBAGE: Act = Act::Say("\u{1}what?");
const CLOSING: Act = Act::SayAndDrop("421 4.3.2 closing");

/// A `*` at the end stands for a reply that leaves the message in doubt.
const CASES: &[Case] = &[
    (At::Connect, TEMPORARY, "451"),
    (At::Connect, PERMANENT, "451"),
    (At::Connect, GARBAGE, "451"),
    (At::Connect, CLOSING, "451"),
    (At::Connect, Act::Drop, "451"),
    (At::Connect, Act::Silence, "451"),
    (At::Connect, Act::Say("354 go"), "451"),
    (At::Command("EHLO"), TEMPORARY, "451"),
    (At::Command("EHLO"), PERMANENT, "250 250 354 250"),
    (At::Command("EHLO"), GARBAGE, "451"),
    (At::Command("EHLO"), CLOSING, "451"),
    (At::Command("EHLO"), Act::Drop, "451"),
    (At::Command("EHLO"), Act::Silence, "451"),
    (At::Command("EHLO"), Act::Say("250 a\r\n250 b"), "451"),
    (At::Command("XFORWARD"), TEMPORARY, "250 250 354 250"),
    (At::Command("XFORWARD"), PERMANENT, "250 250 354 250"),
    (At::Command("XFORWARD"), GARBAGE, "451"),
    (At::Command("XFORWARD"), CLOSING, "451"),
    (At::Command("XFORWARD"), Act::Drop, "451"),
    (At::Command("XFORWARD"), Act::Silence, "451"),
    (At::Command("MAIL"), TEMPORARY, "450"),
    (At::Command("MAIL"), PERMANENT, "550"),
    (At::Command("MAIL"), GARBAGE, "451"),
    (At::Command("MAIL"), CLOSING, "451"),
    (At::Command("MAIL"), Act::Drop, "451"),
    (At::Command("MAIL"), Act::Silence, "451"),
    (At::Command("MAIL"), Act::Say("354 go"), "451"),
    (At::Command("RCPT"), TEMPORARY, "250 450 554"),
    (At::Command("RCPT"), PERMANENT, "250 550 554"),
    (At::Command("RCPT"), GARBAGE, "250 451 554"),
    (At::Command("RCPT"), CLOSING, "250 451 554"),
    (At::Command("RCPT"), Act::Drop, "250 451 554"),
    (At::Command("RCPT"), Act::Silence, "250 451 554"),
    (At::Command("RCPT"), Act::Say("354 go"), "250 451 554"),
    (At::Command("DATA"), TEMPORARY, "250 250 354 450"),
    (At::Command("DATA"), PERMANENT, "250 250 354 550"),
    (At::Command("DATA"), GARBAGE, "250 250 354 451"),
    (At::Command("DATA"), CLOSING, "250 250 354 451"),
    (At::Command("DATA"), Act::Drop, "250 250 354 451"),
    (At::Command("DATA"), Act::Silence, "250 250 354 451"),
    (At::Command("DATA"), Act::Say("250 ok"), "250 250 354 451"),
    (At::Command("DATA"), Act::Say("354 go\r\n250 ok"), "250 250 354 451"),
    (At::MidContent, Act::SayAndDrop("552 5.3.4 too large"), "250 250 354 552"),
    (At::MidContent, CLOSING, "250 250 354 451"),
    (At::MidContent, Act::SayAndDrop("250 ok"), "250 250 354 451"),
    (At::MidContent, Act::Drop, "250 250 354 451"),
    (At::MidContent, Act::Stall, "250 250 354 451"),
    (At::Dot, TEMPORARY, "250 250 354 450"),
    (At::Dot, PERMANENT, "250 250 354 550"),
    (At::Dot, CLOSING, "250 250 354 451"),
    (At::Dot, GARBAGE, "250 250 354 451*"),
    (At::Dot, Act::Drop, "250 250 354 451*"),
    (At::Dot, Act::Silence, "250 250 354 451*"),
    (At::Dot, Act::Say("354 go"), "250 250 354 451*"),
    (At::Dot, Act::Say("250 ok\r\n250 ok"), "250 250 354 451*"),
    (At::Dot, Act::Say("250 ok\r\n550 no"), "250 250 354 451*"),
];

/// How the client talks, and where the body is kept.
#[derive(Clone, Copy, Debug)]
struct Manner {
    pipelines: bool,
    in_file: bool,
}

const MANNERS: [Manner; 4] = [
    Manner { pipelines: false, in_file: false },
    Manner { pipelines: false, in_file: true },
    Manner { pipelines: true, in_file: false },
    Manner { pipelines: true, in_file: true },
];

fn settings(act: Act, manner: Manner) -> impl FnOnce(&mut Settings) {
    move |settings: &mut Settings| {
        if matches!(act, Act::Silence | Act::Stall) {
            let (greeting, command, data, content, r#final) = (BRIEF, BRIEF, BRIEF, BRIEF, BRIEF);
            settings.deadlines =
                Deadlines { greeting, command, data, content, r#final, ..settings.deadlines };
        }
        if manner.in_file {
            settings.limits.memory = 100;
        }
    }
}

/// Large enough that no socket buffers take all of it, so that what fails in mid-content is noticed there.
fn message(at: At<'static>) -> String {
    let lines = if at == At::MidContent { 300_000 } else { 30 };
    format!(
        "Subject: x\r\n\r\n{}",
        "Sixty octets or so of text that stand for a line of a body.\r\n".repeat(lines)
    )
}

/// Plays one case: the codes that the client heard, and the last reply.
async fn play((at, _, expected): Case, manner: Manner, proxy: &Serving) -> (String, String) {
    let mut client = proxy.ready().await;
    client.says("XFORWARD NAME=a IDENT=b").await.hears("250").await;
    let commands = ["MAIL FROM:<a@a.example>\r\n", "RCPT TO:<b@b.example>\r\n", "DATA\r\n"];
    let content = message(at) + ".\r\n";
    let reaches_content = expected.split(' ').count() == 4;
    let mut replies = Vec::new();
    if manner.pipelines {
        client.sends(commands.concat().as_bytes()).await;
        for _ in commands {
            replies.push(client.reply().await);
        }
    } else {
        for command in commands {
            replies.push(client.sends(command.as_bytes()).await.reply().await);
        }
    }
    if reaches_content {
        replies.push(client.sends(content.as_bytes()).await.reply().await);
    } else {
        replies.truncate(expected.split(' ').count());
    }
    // Whatever happened, the session goes on in step.
    client.says("NOOP").await.hears("250").await;
    client.says("RSET").await.hears("250").await;
    client.says("VRFY a").await.hears("252").await;
    let codes: Vec<_> = replies.iter().map(|reply| reply.get(..3).unwrap_or("none")).collect();
    (codes.join(" "), replies.pop().unwrap())
}

/// What travels in one flight is lost together.
fn in_this_manner(expected: &'static str, manner: Manner) -> &'static str {
    if manner.pipelines && expected == "250 451 554" { "451 451 503" } else { expected }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_next_hop_does_the_message_is_in_one_place() {
    for &case in CASES {
        for manner in MANNERS {
            let (at, act, expected) = case;
            let next_hop = Script::default().at(at, act).start().await;
            let proxy = Serving::start(&next_hop, settings(act, manner));
            let expected = in_this_manner(expected, manner);
            let (codes, last) = play((at, act, expected), manner, &proxy).await;
            let context = format!("{at:?} {act:?} {manner:?}: {last:?} {:?}", next_hop.heard().commands);
            assert_eq!(codes, expected.trim_end_matches('*'), "{context}");
            let heard = next_hop.heard();
            if expected.ends_with('*') {
                assert!(last.contains("4.4.2") && last.contains("may have"), "{context}");
                assert_eq!(heard.complete, 1, "{context}");
            } else {
                assert!(!last.contains("may have"), "{context}");
                assert_eq!(heard.taken.len(), usize::from(codes.ends_with("354 250")), "{context}");
            }
            if expected == "451" && matches!(at, At::Connect | At::Command("EHLO")) {
                assert!(last.starts_with("451 4.4.1 "), "{context}");
            }
            proxy.stop().await;
        }
    }
}

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
