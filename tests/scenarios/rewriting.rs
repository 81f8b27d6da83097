//! What Postfix does to mail before it is signed, and that it does nothing to it afterwards.

use scenarios::{Keys, Mailhost, MailhostSetup, Message, NextHop, Postfix, Use, oracle, passes};
use std::collections::BTreeMap;

/// What programs hand to `sendmail -t`, by a word of each that tells it from the others.
const BY_PROGRAMS: [(&str, &str); 10] = [
    ("nothing", "To: bob@example.net\n\nnothing but a text\n"),
    (
        "incomplete",
        "From: alice\nTo: bob@example.net\nCc: carol@example.net (Carol\n (nested)),\n dave\nReply-To: alice\n\nincomplete\n",
    ),
    ("hidden", "From: alice@example.org\nTo: bob@example.net\nBcc: erin@example.net\nSubject: x\n\nhidden\n"),
    ("rough", "From: Jürgen <alice@example.org>\nTo: bob@example.net\nSubject: Grüße, roh\n\nrough\n"),
    ("group", "From: Team: alice@example.org;\nTo: undisclosed-recipients:;\nCc: bob@example.net\n\ngroup\n"),
    (
        "list",
        "From: alice@example.org\nSender: bounces@example.com\nTo: bob@example.net\nList-Id: A list <l.example.com>\nDKIM-Signature: v=1; d=example.com; s=x;\n a=rsa-sha256; h=from; bh=YQ==; b=YQ==\n\nlist\n",
    ),
    (
        "mbox",
        "From alice Thu Jan  1 00:00:00 1970\nFrom: alice@example.org\nTo: bob@example.net\n\nmbox\n.\n..\nFrom here on\n\n\n",
    ),
    ("blanks", "From: alice@example.org\nTo: bob@example.net\nSubject: x \nX-Empty:\n\nblanks  \n\t\n"),
    (
        "resent",
        "From: alice@example.org\nTo: bob@example.net\nResent-From: alice@example.org\nResent-To: frank@example.net\n\nresent\n",
    ),
    ("unended", "From: alice@example.org\nTo: bob@example.net\n\nunended"),
];

fn assert_signed_once(message: &Message, keys: &Keys) {
    let ours = message.values("DKIM-Signature").into_iter().filter(|value| value.contains("d=example.org"));
    assert_eq!(ours.count(), 2, "{}", message.text());
    assert!(passes(message, keys), "{}", message.text());
}

#[tokio::test]
async fn what_programs_hand_to_sendmail_is_signed_as_it_leaves() {
    if Postfix::is_missing() {
        return;
    }
    let host = Mailhost::with(Use::SubmissionOnly).documented("master.cf: sign local mail");
    let host = host.main("myorigin = example.org").start().await;
    for (_, text) in BY_PROGRAMS {
        host.postfix.sendmail(&["-t", "-f", "alice@example.org"], text.as_bytes());
    }
    let messages = host.elsewhere.all_taken(BY_PROGRAMS.len()).await;
    for (word, _) in BY_PROGRAMS {
        let holds = |message: &&Message| String::from_utf8_lossy(message.body()).contains(word);
        let mut found = messages.iter().filter(holds);
        let message = found.next().unwrap_or_else(|| panic!("{word} has not arrived"));
        assert!(found.next().is_none(), "{word} arrived twice");
        assert_signed_once(message, &host.ours);
        assert!(!message.text().contains("erin@"), "{}", message.text());
        if word != "list" && !oracle::is_missing() {
            oracle::all_pass(message, &host.ours.zone());
        }
    }
}

#[tokio::test]
async fn what_main_cf_adds_and_rewrites_happens_once_and_before_the_signing() {
    if Postfix::is_missing() {
        return;
    }
    let host = Mailhost::with(Use::SubmissionOnly)
        .main("always_bcc = archive@example.net")
        .main("virtual_alias_maps = inline:{ {team@example.net = ann@example.net, ben@example.net} }")
        .main("sender_canonical_maps = inline:{ {al@example.org = alice@example.org} }")
        .main("smtp_generic_maps = inline:{ {alice@example.org = a.liddell@example.org} }")
        .main("header_checks = regexp:{ {/^Subject: (.*)/ REPLACE Subject: [checked] $$1} }")
        .start()
        .await;
    let content = b"From: al@example.org\r\nTo: team@example.net\r\nSubject: Once\r\n\r\nText\r\n";
    host.submission().await.delivers("al@example.org", "team@example.net", content).await;
    let message = host.elsewhere.taken().await;
    host.postfix.has_an_empty_queue(scenarios::wait::LONG).await;
    assert_eq!(host.elsewhere.messages().len(), 1);
    let mut recipients: BTreeMap<&str, usize> = BTreeMap::new();
    for command in &message.recipients {
        let (_, rest) = command.split_once('<').expect("an address");
        *recipients.entry(rest.split('@').next().expect("a local part")).or_default() += 1;
    }
    assert_eq!(recipients, BTreeMap::from([("ann", 1), ("archive", 1), ("ben", 1)]));
    assert_eq!(message.values("Subject"), ["[checked] Once"]);
    assert_eq!(message.values("From"), ["a.liddell@example.org"]);
    assert_signed_once(&message, &host.ours);
}

/// A text with one line of 3,000 octets, none of them beyond ASCII.
fn long_line() -> Vec<u8> {
    let text = "From: alice@example.org\r\nTo: bob@example.net\r\nSubject: Long\r\n\r\n".to_owned();
    (text + &"x".repeat(3_000) + "\r\n").into_bytes()
}

async fn sent(setup: MailhostSetup, content: &[u8]) -> (Message, Mailhost) {
    let host = setup.start().await;
    host.submission().await.delivers("alice@example.org", "bob@example.net", content).await;
    (host.elsewhere.taken().await, host)
}

#[tokio::test]
async fn long_lines_are_broken_before_the_signing_or_arrive_whole() {
    if Postfix::is_missing() {
        return;
    }
    let setup = || Mailhost::with(Use::SubmissionOnly);
    let (message, host) = sent(setup(), &long_line()).await;
    assert!(message.text().contains("x\r\n x"), "{}", message.text());
    assert_signed_once(&message, &host.ours);

    let whole = || setup().documented("master.cf: hand long lines over whole");
    let (message, host) = sent(whole().signer_setting("long_lines: fix"), &long_line()).await;
    assert!(message.text().replace("=\r\n", "").contains(&"x".repeat(3_000)), "{}", message.text());
    assert_signed_once(&message, &host.ours);

    // What the page warns of.
    let (message, host) = sent(whole(), &long_line()).await;
    assert!(!passes(&message, &host.ours), "{}", message.text());
    let signer = host.signer.as_ref().expect("this use signs");
    signer.log().line_with("lines over 998 octets").await;
}

#[tokio::test]
async fn mail_is_signed_before_the_queue_where_master_cf_says_so() {
    if Postfix::is_missing() {
        return;
    }
    let setup = Mailhost::with(Use::SubmissionOnly).documented("master.cf: sign before the queue");
    let setup = setup.main("virtual_alias_maps = inline:{ {bob@example.net = ben@example.net} }");
    let setup = setup.signer_setting("missing_date: fix\nmissing_message_id: fix");
    let content = b"From: alice@example.org\r\nTo: bob@example.net\r\n\r\nText\r\n";
    let (message, host) = sent(setup, content).await;
    assert!(message.recipients[0].contains("ben@example.net"), "{:?}", message.recipients);
    assert_eq!((message.values("Date").len(), message.values("Message-ID").len()), (1, 1));
    assert_signed_once(&message, &host.ours);
    if !oracle::is_missing() {
        oracle::all_pass(&message, &host.ours.zone());
    }
}

#[tokio::test]
async fn mail_is_signed_over_a_unix_socket_where_master_cf_says_so() {
    if Postfix::is_missing() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    scenarios::tools::open_to_all(folder.path());
    let setup = Mailhost::with(Use::SubmissionOnly).documented("master.cf: sign over a UNIX socket");
    let setup = setup.signer_listens_in(folder.path());
    let (message, host) = sent(setup, &scenarios::corpus("plain.eml")).await;
    assert_signed_once(&message, &host.ours);
    let line = host.signer.as_ref().expect("this use signs").log().line_with("plain.1@example.org").await;
    assert!(line.contains("queue_id=") && line.contains("client=127.0.0.1"), "{line}");
}

#[tokio::test]
async fn what_the_return_port_puts_off_postfix_keeps_and_delivers_once() {
    if Postfix::is_missing() {
        return;
    }
    let ports = scenarios::Ports::free();
    let keys = Keys::of("example.org");
    let unused = NextHop::fake().start().await;
    // Greylisting, a full disk at the end of the content, a server that is about to stop, one that breaks off.
    let moody = NextHop::fake()
        .answers_once("RCPT TO:<bob@", "450 4.2.0 come back later")
        .answers_once("CONTENT", "452 4.3.1 no room")
        .answers_once("MAIL", "421 4.3.2 closing")
        .drops_at("DATA");
    let next_hop = moody.start().await;
    let signer = scenarios::Proxy::outbound().listen(ports.to_sign).relay(&next_hop).signs_with(&keys);
    let _signer = signer.start().await;
    let setup = Postfix::on(ports, unused.port()).documented("master.cf: sign the submission port");
    let postfix = setup.start().await;
    let mut user = scenarios::Client::connect(ports.submission).await;
    let content = scenarios::corpus("plain.eml");
    user.says("EHLO client.example").hears("250").await;
    user.says("MAIL FROM:<alice@example.org>").hears("250").await;
    for recipient in ["bob", "carol"] {
        user.says(&format!("RCPT TO:<{recipient}@example.net>")).hears("250").await;
    }
    user.sends_bytes(&content).hears("250").await;
    postfix.log().line_with("status=deferred").await;
    postfix.delivers_all_that_it_kept().await;
    let recipients: Vec<String> =
        next_hop.messages().into_iter().flat_map(|message| message.recipients).collect();
    let count = |name: &str| recipients.iter().filter(|recipient| recipient.contains(name)).count();
    assert_eq!((count("<bob@"), count("<carol@"), recipients.len()), (1, 1, 2), "{recipients:?}");
}
