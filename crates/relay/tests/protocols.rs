//! What is spoken beside plain SMTP: BDAT, LMTP, XCLIENT, the PROXY protocol, UNIX sockets; and who gets in.

#![allow(clippy::unwrap_used)] // A test may panic.

mod common;

use common::{Act, At, Client, FIELD, NextHop, Script, Serving};
use relay::{Listener, Protocol, Rights, Settings};
use std::os::unix::fs::PermissionsExt;

#[tokio::test]
async fn chunks_are_one_content() {
    let next_hop = Script::default().offers(&["PIPELINING", "CHUNKING"]).start().await;
    let proxy = Serving::start(&next_hop, |_| ());
    let mut client = proxy.ready().await;
    for cut in [1, 7, 12, 13, 17, 19] {
        let content = "Subject: x\r\n\r\n.\r\nQUIT\r\n";
        let (head, tail) = content.split_at(cut);
        client.envelope().await;
        client.says(&format!("BDAT {}\r\n{head}BDAT {} LAST\r\n{tail}NOOP", head.len(), tail.len())).await;
        client.hears("250 2.0.0").await.hears("250 2.6.0 taken").await.hears("250").await;
    }
    client.envelope().await.sends(b"BDAT 3\r\nA: BDAT 9 LAST\r\nb\r\n\r\nlast").await;
    client.hears("250").await.hears("250 2.6.0").await;
    let heard = next_hop.heard();
    assert!(heard.taken[..6].iter().all(|taken| *taken == format!("{FIELD}Subject: x\r\n\r\n.\r\nQUIT\r\n")));
    assert_eq!(heard.taken[6], format!("{FIELD}A: b\r\n\r\nlast\r\n"));
}

#[tokio::test]
async fn a_chunk_that_was_not_offered_is_swallowed() {
    let next_hop = Script::default().start().await;
    let proxy = Serving::start(&next_hop, |_| ());
    let mut client = proxy.ready().await;
    client.envelope().await.sends(b"BDAT 22 LAST\r\nMAIL FROM:<evil@a.b>\r\nX\r\nNOOP\r\n").await;
    client.hears("503 5.5.1").await.hears("502").await.hears("250").await;
    client.says("RSET").await.hears("250").await;
    assert!(next_hop.heard().commands[&1].iter().all(|command| !command.contains("evil")));
}

#[tokio::test]
async fn after_a_chunk_that_cannot_be_counted_nothing_is_read() {
    let next_hop = Script::default().offers(&["PIPELINING", "CHUNKING"]).start().await;
    let proxy = Serving::start(&next_hop, |_| ());
    let long = format!("BDAT {}22 LAST", "0".repeat(3000));
    for line in [&long, "BDAT\t22 LAST", "BDAT x"] {
        let mut client = proxy.ready().await;
        client.envelope().await.says(&format!("{line}\r\nMAIL FROM:<evil@a.b>")).await;
        client.hears("50").await.hears_the_end().await;
    }
    let heard = next_hop.heard();
    assert!(heard.commands.values().flatten().all(|command| !command.contains("evil")), "{heard:?}");
}

#[tokio::test]
async fn lmtp_answers_for_each_recipient() {
    let next_hop = Script::default().at(At::Command("RCPT TO:<no"), Act::Say("550 5.1.1 no")).start().await;
    let proxy = Serving::start(&next_hop, |settings| settings.protocol = Protocol::Lmtp);
    let mut client = proxy.connect().await;
    client.hears("220").await.says("EHLO a").await.hears("500").await.says("LHLO a").await.hears("250").await;
    client
        .sends(b"MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<no>\r\nRCPT TO:<c>\r\nDATA\r\n\r\n.\r\nNOOP\r\n")
        .await;
    for reply in ["250", "250", "550", "250", "354", "250 2.6.0", "250 2.6.0", "250 2.0.0"] {
        client.hears(reply).await;
    }
}

#[tokio::test]
async fn xclient_puts_another_client_in_our_clients_place() {
    let next_hop = Script::default().start().await;
    let proxy = Serving::start(&next_hop, |settings| settings.offer_xclient = true);
    let mut client = proxy.ready().await;
    client.says("XCLIENT ADDR=192.0.2.7 NAME=seven.example LOGIN=ann").await.hears("220").await;
    client.says("MAIL FROM:<a>").await.hears("503").await.says("EHLO x").await.hears("250").await;
    client.envelope().await;
    assert!(client.content("\r\n").await.starts_with("250"));
    let seen = proxy.filter.seen.lock().unwrap()[0].client.clone();
    assert_eq!((seen.login.as_deref(), seen.name.as_deref()), (Some("ann"), Some("seven.example")));
    assert!(next_hop.heard().commands[&1].iter().any(|command| command.contains("ADDR=192.0.2.7")));
}

#[tokio::test]
async fn a_balancer_introduces_its_clients() {
    let next_hop = Script::default().start().await;
    let proxy = Serving::start(&next_hop, |settings| settings.proxy_protocol = true);
    let mut client = proxy.connect().await;
    client.sends(b"PROXY TCP4 192.0.2.9 192.0.2.1 999 25\r\n").await.hears("220").await;
    client.says("EHLO nine.example").await.hears("250").await.envelope().await;
    assert!(client.content("\r\n").await.starts_with("250"));
    let seen = proxy.filter.seen.lock().unwrap()[0].client.clone();
    assert_eq!(seen.address, Some("192.0.2.9".parse().unwrap()));
    assert_eq!(seen.helo.as_deref(), Some("nine.example"));
    let mut other = proxy.connect().await;
    other.says("EHLO a").await.hears_the_end().await;
}

#[tokio::test]
async fn a_unix_socket_serves_like_any_other() {
    let next_hop = Script::default().start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("smtp.sock");
    // One that nobody listens on any more makes room; one in use does not.
    let rights = |mode| Rights { mode, owner: None, group: None };
    drop(Listener::unix(&path, rights(0o600)).unwrap());
    let listener = Listener::unix(&path, rights(0o660)).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    assert!(Listener::unix(&path, rights(0o660)).is_err());
    let proxy = Serving::serve(Settings { relay: vec![next_hop.target()], ..Settings::default() }, listener);
    let mut client = Client::connect_unix(&path).await;
    client.hears("220").await.says("EHLO a").await.hears("250").await.envelope().await;
    assert!(client.content("\r\n").await.starts_with("250"));
    proxy.stop().await;
}

#[tokio::test]
async fn the_second_next_hop_is_tried_when_the_first_is_absent() {
    let (absent, next_hop) = (NextHop::absent().await, Script::default().start().await);
    let proxy = Serving::start(&next_hop, |settings| settings.relay.insert(0, absent.target()));
    let mut client = proxy.ready().await;
    client.envelope().await;
    assert!(client.content("\r\n").await.starts_with("250"));
}

#[tokio::test]
async fn our_own_address_as_next_hop_is_a_loop() {
    for (listen, relay) in [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "localhost"),
        ("127.0.0.1", "0.0.0.0"),
        ("0.0.0.0", "127.0.0.1"),
        ("0.0.0.0", "0.0.0.0"),
    ] {
        let listener = Listener::tcp(format!("{listen}:0").parse().unwrap()).unwrap();
        let port = listener.address().unwrap().port();
        let relay = vec![format!("{relay}:{port}").parse().unwrap()];
        let proxy = Serving::serve(Settings { relay, ..Settings::default() }, listener);
        let mut client = Client::connect(([127, 0, 0, 1], port).into()).await;
        client.hears("220").await.says("EHLO a").await.hears("250").await;
        client.says("MAIL FROM:<a>").await.hears("554 5.4.6").await;
        proxy.stop().await;
    }
}

#[tokio::test]
async fn a_crowded_relay_says_so_and_keeps_places_for_this_host() {
    let next_hop = NextHop::absent().await;
    let proxy = Serving::start(&next_hop, |settings| settings.limits.sessions = 0);
    let mut clients = Vec::new();
    for _ in 0..64 {
        let mut client = proxy.connect().await;
        client.hears("220").await;
        clients.push(client);
    }
    proxy.connect().await.hears("421 4.3.2").await.hears_the_end().await;
    let mut gone = clients.pop().unwrap();
    gone.says("QUIT").await.hears("221").await.hears_the_end().await;
}

#[tokio::test]
async fn what_is_refused_by_setting_is_refused_at_the_end() {
    let next_hop = Script::default().start().await;
    let refuse = relay::Repair::Refuse;
    let proxy = Serving::start(&next_hop, |settings| {
        settings.repairs = relay::Repairs { bare_cr: refuse, bare_lf: refuse, nul: refuse };
    });
    let mut client = proxy.ready().await;
    for (stray, name) in [("\r", "bare CR"), ("\n", "bare LF"), ("\0", "NUL")] {
        client.envelope().await;
        let reply = client.content(&format!("Subject: x\r\n\r\na{stray}b\r\n")).await;
        assert_eq!(reply, format!("550 5.6.0 Message contains a {name}\r\n"));
    }
    client.envelope().await;
    assert!(client.content("Subject: x\r\n\r\n").await.starts_with("250"));
    assert_eq!(next_hop.heard().taken.len(), 1);
}

#[tokio::test]
async fn a_balancer_that_says_nothing_keeps_nobody_from_ending() {
    let next_hop = Script::default().start().await;
    let proxy = Serving::start(&next_hop, |settings| settings.proxy_protocol = true);
    let mut silent = proxy.connect().await;
    let mut client = proxy.connect().await;
    client.says("PROXY TCP4 192.0.2.7 192.0.2.1 40000 25").await.hears("220").await;
    proxy.shutdown.cancel();
    silent.hears("421 4.3.2").await.hears_the_end().await;
    client.hears("421 4.3.2").await.hears_the_end().await;
}
