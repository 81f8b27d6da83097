//! What breaks, and that the mail is still there afterwards.

use scenarios::{Client, Keys, Mailhost, NextHop, Ports, Postfix, Proxy, Use, corpus, wait};
use std::collections::BTreeSet;

/// How many messages come in while the next hop is down.
const COUNT: usize = 20;

#[tokio::test]
async fn while_the_next_hop_is_down_postfix_keeps_the_mail_and_then_delivers_all_of_it() {
    if Postfix::is_missing() {
        return;
    }
    let ports = Ports::free();
    let keys = Keys::of("example.org");
    let unused = NextHop::fake().start().await;
    // The signer's next hop is not Postfix here, but a server that can be stopped.
    let next_hop = NextHop::fake().start().await;
    let signer = Proxy::outbound().listen(ports.to_sign).relay(&next_hop).signs_with(&keys);
    let _signer = signer.start().await;
    let setup = Postfix::on(ports, unused.port()).documented("master.cf: sign the submission port");
    let postfix = setup.start().await;
    let mut user = Client::connect(ports.submission).await;
    user.delivers("alice@example.org", "bob@example.net", &corpus("plain.eml")).await;
    next_hop.taken().await;
    let port = next_hop.port();
    drop(next_hop);

    for number in 0..COUNT {
        let recipient = format!("user{number}@example.net");
        assert!(
            user.delivers("alice@example.org", &recipient, &corpus("plain.eml")).await.starts_with("250")
        );
    }
    let lines = postfix.log().lines_until("451 4.4.1", 1, wait::LONG).await;
    assert!(lines[0].contains("status=deferred"), "{}", lines[0]);

    let next_hop = NextHop::fake().port(port).start().await;
    postfix.delivers_all_that_it_kept().await;
    let messages = next_hop.messages();
    let recipients: BTreeSet<_> = messages.iter().flat_map(|message| &message.recipients).collect();
    assert_eq!((recipients.len(), messages.len()), (COUNT, COUNT), "each once");
    assert!(messages.iter().all(|message| message.values("DKIM-Signature").len() == 1));
}

#[tokio::test]
async fn while_dkimgate_is_down_postfix_keeps_the_mail_and_sends_nothing_unsigned() {
    if Postfix::is_missing() {
        return;
    }
    let mut host = Mailhost::with(Use::SubmissionOnly).start().await;
    host.signer = None;
    host.submission().await.delivers("alice@example.org", "bob@example.net", &corpus("plain.eml")).await;
    host.postfix.log().line_with("status=deferred").await;
    assert_eq!(host.elsewhere.messages().len(), 0);

    let ports = host.ports();
    let signer = Proxy::outbound().listen(ports.to_sign).relay_to(ports.signed).signs_with(&host.ours);
    host.signer = Some(signer.start().await);
    host.postfix.delivers_all_that_it_kept().await;
    assert_eq!(host.elsewhere.taken().await.values("DKIM-Signature").len(), 1);
}
