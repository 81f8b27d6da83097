//! Conversations through the relay, over real sockets.

#![allow(clippy::unwrap_used)] // A test may panic.

mod common;

use common::{Act, At, FIELD, NextHop, Script, Serving};

const MESSAGE: &str = "From: a@a.example\r\nSubject: x\r\n\r\nHello\r\n..dot\r\n";

#[tokio::test]
async fn a_message_passes_with_one_field_more() {
    let next_hop = Script::default().start().await;
    let proxy = Serving::start(&next_hop, |_| ());
    let mut client = proxy.ready().await;
    client.envelope().await;
    assert_eq!(client.content(MESSAGE).await, "250 2.6.0 taken\r\n");
    client.says("QUIT").await.hears("221").await.hears_the_end().await;
    let heard = next_hop.heard();
    assert_eq!(heard.taken, [format!("{FIELD}From: a@a.example\r\nSubject: x\r\n\r\nHello\r\n.dot\r\n")]);
    assert_eq!(
        heard.commands[&1],
        ["EHLO proxy.example", "MAIL FROM:<a@a.example>", "RCPT TO:<b@b.example>", "DATA"]
    );
    proxy.stop().await;
}

#[tokio::test]
async fn ehlo_is_our_list_met_with_the_next_hops() {
    let next_hop =
        Script::default().offers(&["8BITMIME", "SIZE 1000", "STARTTLS", "AUTH PLAIN", "DSN"]).start().await;
    let proxy = Serving::start(&next_hop, |settings| settings.offer_8bitmime = false);
    let mut client = proxy.connect().await;
    client.hears("220 proxy.example ").await.says("EHLO c").await;
    assert_eq!(
        client.reply().await,
        "250-proxy.example\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n\
         250 XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\r\n"
    );
    client.says("MAIL FROM:<a@a.example> BODY=8BITMIME").await.hears("555").await;
    client.says("MAIL FROM:<a@a.example> SIZE=1001").await.hears("552").await;
    client.says("MAIL FROM:<a@a.example> SIZE=1000 RET=HDRS").await.hears("250").await;
    let heard = next_hop.heard();
    assert_eq!(heard.commands[&1].last().unwrap(), "MAIL FROM:<a@a.example> SIZE=1000 RET=HDRS");
}

#[tokio::test]
async fn each_recipient_has_its_own_reply() {
    let script = Script::default().at(At::Command("RCPT TO:<no"), Act::Say("550-5.1.1 who?\r\n550 5.1.1 no"));
    let next_hop = script.start().await;
    let proxy = Serving::start(&next_hop, |_| ());
    let mut client = proxy.ready().await;
    client
        .sends(
            b"MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<no@b>\r\nRCPT TO:<c@b> NOTIFY=NEVER\r\nDATA\r\n\
              Subject: x\r\n\r\n.\r\nNOOP\r\n",
        )
        .await;
    for reply in ["250", "250", "550-5.1.1 who?\r\n550 5.1.1 no\r\n", "250", "354", "250 2.6.0", "250"] {
        client.hears(reply).await;
    }
    let envelope = proxy.filter.seen.lock().unwrap()[0].clone();
    assert_eq!(
        (envelope.reverse_path.as_str(), &envelope.recipients[..]),
        ("", &["a@b".into(), "c@b".into()][..])
    );
}

#[tokio::test]
async fn a_kept_connection_is_used_again_without_rset() {
    let next_hop = Script::default().start().await;
    let proxy = Serving::start(&next_hop, |_| ());
    for _ in 0..3 {
        let mut client = proxy.ready().await;
        for _ in 0..2 {
            client.envelope().await;
            assert_eq!(client.content(MESSAGE).await, "250 2.6.0 taken\r\n");
        }
    }
    let heard = next_hop.heard();
    assert_eq!((heard.connections, heard.taken.len()), (1, 6));
    assert!(!heard.commands[&1].iter().any(|command| command == "RSET"));
}

#[tokio::test]
async fn a_message_given_up_is_reset_at_the_next_hop() {
    let next_hop = Script::default().start().await;
    let proxy = Serving::start(&next_hop, |_| ());
    let mut client = proxy.ready().await;
    client.envelope().await.says("RSET").await.hears("250").await;
    client.envelope().await.says("EHLO c").await.hears("250").await;
    client.envelope().await;
    assert_eq!(client.content("Subject: refuse\r\n\r\n").await, "550 5.7.20 not this one\r\n");
    client.envelope().await;
    assert_eq!(client.content("Subject: discard\r\n\r\n").await, "250 2.0.0 Ok\r\n");
    client.envelope().await;
    drop(client);
    let heard =
        next_hop.until(|heard| heard.commands[&1].iter().filter(|said| *said == "RSET").count() == 5).await;
    assert_eq!((heard.connections, heard.taken.len()), (1, 0));
}

#[tokio::test]
async fn xforward_never_rides_on_another_message() {
    let next_hop = Script::default().start().await;
    let proxy = Serving::start(&next_hop, |_| ());
    let mut client = proxy.ready().await;
    client.says("XFORWARD NAME=a.example ADDR=192.0.2.1 IDENT=Q1").await.hears("250").await;
    client.says("XFORWARD HELO=a HELO=b PROTO=ESMTP").await.hears("250").await;
    client.envelope().await.content(MESSAGE).await;
    client.envelope().await.content(MESSAGE).await;
    let said = next_hop.heard().commands[&1].clone();
    let told: Vec<_> = said.iter().filter(|command| command.starts_with("XFORWARD")).collect();
    assert_eq!(
        told,
        [
            "XFORWARD NAME=a.example ADDR=192.0.2.1 IDENT=Q1",
            "XFORWARD NAME=[UNAVAILABLE] ADDR=[UNAVAILABLE] IDENT=[UNAVAILABLE]"
        ]
    );
    let seen = proxy.filter.seen.lock().unwrap().clone();
    assert_eq!(seen[0].client.ident.as_deref(), Some("Q1"));
    assert_eq!(seen[0].client.address, Some("192.0.2.1".parse().unwrap()));
    assert_eq!(seen[1].client.ident, None);
    assert_eq!(seen[1].client.address, Some("127.0.0.1".parse().unwrap()));
}

#[tokio::test]
async fn the_dead_one_is_replaced_until_the_content_is_sent() {
    for at in ["MAIL", "RCPT", "DATA"] {
        for act in [Act::Drop, Act::SayAndDrop("421 4.4.2 timeout")] {
            // EHLO makes the first connection, and leaves it waiting: kept ones die like this.
            let next_hop = Script::default().on(1, At::Command(at), act).start().await;
            let proxy = Serving::start(&next_hop, |_| ());
            let mut client = proxy.ready().await;
            client.envelope().await;
            assert_eq!(client.content(MESSAGE).await, "250 2.6.0 taken\r\n", "{at} {act:?}");
            let heard = next_hop.heard();
            assert_eq!((heard.connections, heard.taken.len()), (2, 1));
        }
    }
}

#[tokio::test]
async fn a_large_body_goes_through_a_file_and_stays_whole() {
    let next_hop = Script::default().offers(&["PIPELINING"]).start().await;
    let spool = tempfile::tempdir().unwrap();
    let folder = spool.path().to_owned();
    let proxy = Serving::start(&next_hop, |settings| {
        settings.limits.memory = 1000;
        settings.spool = folder.into();
    });
    let mut client = proxy.ready().await;
    let body = ".one line of a large body\r\n".repeat(40_000);
    let wire = body.replace(".one", "..one");
    for _ in 0..2 {
        client.envelope().await;
        assert_eq!(client.content(&format!("Subject: x\r\n\r\n{wire}")).await, "250 2.6.0 taken\r\n");
    }
    for taken in next_hop.heard().taken {
        assert!(taken == format!("{FIELD}Subject: x\r\n\r\n{body}"));
    }
    assert_eq!(std::fs::read_dir(spool.path()).unwrap().count(), 0);
    std::fs::remove_dir(spool.path()).unwrap();
    client.envelope().await;
    assert_eq!(
        client.content(&format!("Subject: x\r\n\r\n{wire}")).await,
        "452 4.3.1 Local storage failed\r\n"
    );
    client.envelope().await;
    assert_eq!(client.content(MESSAGE).await, "250 2.6.0 taken\r\n");
}

#[tokio::test]
async fn a_folder_where_nothing_can_be_written_is_told_to_the_client() {
    let next_hop = Script::default().start().await;
    // Not even root can make a file there.
    let proxy = Serving::start(&next_hop, |settings| {
        settings.limits.memory = 1000;
        settings.spool = std::path::Path::new("/proc").into();
    });
    let mut client = proxy.ready().await;
    for lines in [5000, 100_000] {
        let body = "one line of a body\r\n".repeat(lines);
        client.envelope().await;
        assert_eq!(
            client.content(&format!("Subject: x\r\n\r\n{body}")).await,
            "452 4.3.1 Local storage failed\r\n"
        );
    }
    client.envelope().await;
    assert_eq!(client.content(MESSAGE).await, "250 2.6.0 taken\r\n");
    assert_eq!(next_hop.heard().taken.len(), 1);
}

/// Large content of which some lines begin with a dot and some octets are out of place: as it goes on the wire, after
/// DATA or in chunks, and as it is to arrive.
fn large_and_out_of_order(chunked: bool) -> (String, String) {
    let dot = if chunked { "" } else { "." };
    let head = "Subject: x\r\n\r\n";
    let (mut wire, mut arrives) = (head.to_owned(), format!("{FIELD}{head}"));
    for (lines, sent, taken) in [
        (2000, format!("{dot}.a\r\n"), ".a\r\n"),
        (5000, "a\n.\r\n".to_owned(), "a\r\n.\r\n"),
        (1, "a\r.\rb\r\n".to_owned(), "a\r\n.\r\nb\r\n"),
        (3000, format!("{dot}.\r\n"), ".\r\n"),
        (2000, "\0.\0\r\n".to_owned(), ".\r\n"),
        (1000, format!("{dot}...\r\n"), "...\r\n"),
    ] {
        let lines = "one line of a large body\r\n".repeat(lines);
        wire.extend([&lines, sent.as_str()]);
        arrives.extend([&lines, taken]);
    }
    (wire, arrives)
}

#[tokio::test]
async fn large_content_is_the_same_wherever_it_is_cut_and_stored() {
    let next_hop = Script::default().offers(&["PIPELINING", "CHUNKING"]).start().await;
    for memory in [100_000, 1 << 20] {
        let proxy = Serving::start(&next_hop, |settings| settings.limits.memory = memory);
        let mut client = proxy.ready().await;
        for (cut, chunked) in
            [700, 16_384, 65_537, 200_000, 1 << 20].into_iter().flat_map(|cut| [(cut, false), (cut, true)])
        {
            let (content, arrives) = large_and_out_of_order(chunked);
            client.envelope().await;
            let mut wire = Vec::new();
            if chunked {
                for chunk in content.as_bytes().chunks(cut) {
                    wire.extend([format!("BDAT {}\r\n", chunk.len()).as_bytes(), chunk].concat());
                }
                wire.extend_from_slice(b"BDAT 0 LAST\r\n");
            } else {
                client.says("DATA").await.hears("354").await;
                wire.extend_from_slice(format!("{content}.\r\n").as_bytes());
            }
            // What follows the content comes with it.
            wire.extend_from_slice(b"NOOP\r\n");
            for piece in wire.chunks(cut) {
                client.sends(piece).await;
            }
            let chunks = if chunked { content.len().div_ceil(cut) } else { 0 };
            for _ in 0..chunks {
                client.hears("250 2.0.0").await;
            }
            client.hears("250 2.6.0 taken").await.hears("250 2.0.0").await;
            let taken = next_hop.heard().taken.pop().unwrap();
            assert!(taken == arrives, "cut at {cut}, in memory up to {memory}, chunked: {chunked}");
        }
        proxy.stop().await;
    }
}

#[tokio::test]
async fn limits_have_their_replies() {
    let next_hop = Script::default().offers(&[]).start().await;
    let proxy = Serving::start(&next_hop, |settings| {
        settings.limits.message = 2000;
        settings.limits.header = 500;
        settings.limits.fields = 20;
        settings.limits.hops = 3;
    });
    let mut client = proxy.ready().await;
    for (content, expected) in [
        (format!("A: b\r\n\r\n{}\r\n", "x".repeat(2000)), "552 5.3.4 Message too large\r\n"),
        (format!("A: {}\r\n\r\n", "x".repeat(500)), "552 5.3.4 Header section too large\r\n"),
        (format!("{}\r\n", "A: b\r\n".repeat(21)), "554 5.6.0 Too many header fields\r\n"),
        (format!("{}\r\n", "Received: b\r\n".repeat(4)), "554 5.4.6 Too many hops\r\n"),
        (format!("{}\r\n", "Received: b\r\n".repeat(3)), "250 2.6.0 taken\r\n"),
        (String::new(), "250 2.6.0 taken\r\n"),
        ("no header at all\r\n".to_owned(), "250 2.6.0 taken\r\n"),
    ] {
        client.envelope().await;
        assert_eq!(client.content(&content).await, expected);
    }
    let heard = next_hop.heard();
    assert_eq!(heard.taken[1..], [FIELD.to_owned(), format!("{FIELD}no header at all\r\n")]);
}

#[tokio::test]
async fn a_client_that_is_not_listed_is_refused() {
    let next_hop = NextHop::absent().await;
    let proxy = Serving::start(&next_hop, |settings| {
        settings.clients = ["192.0.2.0/24".parse().unwrap()].into_iter().collect();
    });
    let mut client = proxy.connect().await;
    client.hears("554 5.7.1").await.hears_the_end().await;
}

#[tokio::test]
async fn when_the_relay_ends_idle_clients_hear_it_and_content_comes_to_its_end() {
    let next_hop = Script::default().start().await;
    let proxy = Serving::start(&next_hop, |_| ());
    let mut idle = proxy.ready().await;
    let mut begun = proxy.ready().await;
    begun.envelope().await;
    let mut sending = proxy.ready().await;
    sending.envelope().await.says("DATA").await.hears("354").await.sends(b"Subject: x\r\n").await;
    proxy.shutdown.cancel();
    idle.hears("421 4.3.2").await.hears_the_end().await;
    begun.hears("421 4.3.2").await.hears_the_end().await;
    sending
        .sends(b"\r\nbody\r\n.\r\n")
        .await
        .hears("250 2.6.0")
        .await
        .hears("421 4.3.2")
        .await
        .hears_the_end()
        .await;
    proxy.stop().await;
    assert_eq!(next_hop.heard().taken, [format!("{FIELD}Subject: x\r\n\r\nbody\r\n")]);
}

#[tokio::test]
async fn a_content_that_does_not_end_in_time_is_not_delivered() {
    let next_hop = Script::default().start().await;
    let proxy = Serving::start(&next_hop, |settings| settings.drain = std::time::Duration::from_millis(20));
    let mut sending = proxy.ready().await;
    sending.envelope().await.says("DATA").await.hears("354").await.sends(b"Subject: x\r\n").await;
    proxy.stop().await;
    sending.hears("421 4.3.2").await.hears_the_end().await;
    assert_eq!(next_hop.heard().complete, 0);
}

#[tokio::test]
async fn a_next_hop_silent_after_the_final_dot_leaves_a_doubt_when_the_relay_ends() {
    let next_hop = Script::default().at(At::Dot, Act::Silence).start().await;
    let proxy = Serving::start(&next_hop, |settings| settings.drain = std::time::Duration::from_millis(20));
    let mut client = proxy.ready().await;
    client.envelope().await.says("DATA").await.hears("354").await.sends(b"Subject: x\r\n\r\n.\r\n").await;
    next_hop.until(|heard| heard.complete == 1).await;
    proxy.stop().await;
    client.hears("451 4.4.2").await.hears("421 4.3.2").await.hears_the_end().await;
}

#[tokio::test]
async fn a_next_hop_that_closes_behind_its_answer_has_answered() {
    let script = Script::default().on(1, At::Dot, Act::Say("250 2.6.0 taken\r\n421 4.3.2 closing"));
    let next_hop = script.start().await;
    let proxy = Serving::start(&next_hop, |_| ());
    let mut client = proxy.ready().await;
    for _ in 0..2 {
        client.envelope().await;
        assert_eq!(client.content(MESSAGE).await, "250 2.6.0 taken\r\n");
    }
    let heard = next_hop.heard();
    assert_eq!((heard.taken.len(), heard.connections), (2, 2));
}

#[tokio::test]
async fn a_stray_refusal_is_not_taken_for_an_answer() {
    let script = Script::default().on(1, At::Command("RSET"), Act::Say("250 ok\r\n550 5.0.0 stray"));
    let next_hop = script.start().await;
    let proxy = Serving::start(&next_hop, |_| ());
    let mut client = proxy.ready().await;
    client.envelope().await.says("RSET").await.hears("250").await;
    client.envelope().await;
    assert_eq!(client.content(MESSAGE).await, "250 2.6.0 taken\r\n");
    assert_eq!(next_hop.heard().connections, 2);
}

#[tokio::test]
async fn a_target_that_hangs_is_passed_over_for_the_one_behind_it() {
    let hanging = Script::default().at(At::Connect, Act::Silence).start().await;
    let next_hop = Script::default().start().await;
    let proxy = Serving::start(&next_hop, |settings| {
        settings.relay.insert(0, hanging.target());
        settings.deadlines.connect = std::time::Duration::from_secs(1);
    });
    let mut client = proxy.ready().await;
    client.envelope().await;
    assert_eq!(client.content(MESSAGE).await, "250 2.6.0 taken\r\n");
}

#[tokio::test]
async fn what_an_unheard_next_hop_may_take_is_offered_and_put_off_if_it_does_not() {
    let next_hop = Script::default().offers(&["PIPELINING"]).on(1, At::Connect, Act::Silence).start().await;
    let proxy = Serving::start(&next_hop, |_| ());
    let mut client = proxy.connect().await;
    client.hears("220").await.says("EHLO c").await;
    let offer = client.reply().await;
    for keyword in ["8BITMIME", "SMTPUTF8", "DSN", "CHUNKING"] {
        assert!(offer.contains(keyword), "{offer}");
    }
    client.says("MAIL FROM:<a@a.example> SMTPUTF8").await.hears("451 4.3.3").await;
    client.says("MAIL FROM:<a@a.example> BODY=8BITMIME").await.hears("250").await;
    client.says("RCPT TO:<b@b.example> NOTIFY=NEVER").await.hears("451 4.3.3").await;
    client.says("EHLO c").await;
    let offer = client.reply().await;
    assert!(!offer.contains("SMTPUTF8") && !offer.contains("DSN"), "{offer}");
    assert!(next_hop.heard().taken.is_empty());
}
