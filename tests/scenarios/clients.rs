//! Clients beside Postfix's SMTP client: its LMTP client over a UNIX socket, and swaks.

use scenarios::{Client, NextHop, Ports, Postfix, Proxy, skip, tools};
use std::path::Path;
use std::process::{Command, Stdio};

const SWAKS: &str = "/usr/bin/swaks";

#[tokio::test]
async fn postfix_hands_over_by_lmtp_on_a_unix_socket_and_each_recipient_has_a_reply() {
    if Postfix::is_missing() {
        return;
    }
    let ports = Ports::free();
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let socket = folder.path().join("in.sock");
    tools::open_to_all(folder.path());
    let verifier = Proxy::inbound().relay_to(ports.verified).listen_on(&format!("unix:{}", socket.display()));
    let _verifier = verifier.setting("protocol: lmtp\nsocket:\n  mode: 0660\n  group: postfix").start().await;
    let elsewhere = NextHop::fake().start().await;
    // The service of port 25 that the page describes says where to; what is queued otherwise goes by main.cf.
    let postfix = Postfix::on(ports, elsewhere.port())
        .documented("master.cf: verify port 25 after the queue")
        .main(&format!("content_filter = lmtp:unix:{}", socket.display()))
        .start()
        .await;
    let mut client = Client::connect(ports.submission).await;
    client.says("EHLO mx.example.net").hears("250").await;
    client.says("MAIL FROM:<bob@example.net>").hears("250").await;
    client.says("RCPT TO:<alice@example.org>").hears("250").await;
    client.says("RCPT TO:<carol@elsewhere.example>").hears("250").await;
    client.sends("from-elsewhere.eml").hears("250").await;
    let here = postfix.mailbox(1).await.swap_remove(0);
    let there = elsewhere.taken().await;
    for message in [here, there] {
        let results = message.values("Authentication-Results");
        assert!(results.len() == 1 && results[0].contains("dkim=none"), "{}", message.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swaks_is_served() {
    if skip::missing("swaks", Path::new(SWAKS).exists()) {
        return;
    }
    let next_hop = NextHop::fake().start().await;
    let proxy = Proxy::inbound().relay(&next_hop).setting("xclient: true").start().await;
    for more in [&["--pipeline"][..], &["--xclient-addr", "192.0.2.7"], &["--header", "Subject: x"]] {
        let server = format!("127.0.0.1:{}", proxy.port());
        let mut command = Command::new(SWAKS);
        command.args(["--server", &server, "--from", "a@a.example", "--to", "b@b.example,c@b.example"]);
        let output = command.args(more).stdin(Stdio::null()).output().expect("swaks runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let messages = next_hop.all_taken(3).await;
    assert!(messages.iter().all(|message| message.recipients.len() == 2));
    assert!(
        next_hop.commands().iter().any(|said| said.contains("ADDR=192.0.2.7")),
        "{:?}",
        next_hop.commands()
    );
}
