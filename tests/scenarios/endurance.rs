//! What happens to mail under load when the program is ended, killed, told to reload, or runs out of something.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use scenarios::{
    Client, Keys, Load, Mailhost, Message, NextHop, Postfix, Proxy, Queue, Use, corpus, skip, wait,
};
use std::net::TcpListener;

const SENDER: &str = "alice@example.org";
/// Octets that go to a file under `IN_FILES`.
const SIZE: usize = 20_000;
/// Bodies go to files at once.
const IN_FILES: &str = "limits:\n  memory: 4KiB";

async fn until_taken(queue: &Queue, count: usize) {
    wait::until("messages to be taken", wait::LONG, || (queue.taken() >= count).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_under_load_loses_nothing_and_doubles_nothing() {
    let next_hop = NextHop::fake().start().await;
    let mut proxy = Proxy::inbound().relay(&next_hop).setting(IN_FILES).start().await;
    let load = Load::start(20, 600, (proxy.port(), SENDER), SIZE);
    for count in [100, 250, 400] {
        until_taken(load.queue(), count).await;
        proxy.is_told_to_stop();
        assert!(proxy.ends().await.success());
        proxy.starts_again().await;
    }
    let queue = load.is_done().await;
    assert_eq!(queue.assert_all_arrived(&next_hop.messages()), 0);
    assert!((0..600).all(|number| queue.doubts(number) == 0), "a transaction ended without a reply");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_each_kill_all_that_was_sent_arrives_and_nothing_is_left_in_the_spool() {
    let next_hop = NextHop::fake().start().await;
    let spool = tempfile::tempdir().expect("a temporary folder can be made");
    let proxy = Proxy::inbound().relay(&next_hop).setting(IN_FILES);
    let mut proxy = proxy.setting(&format!("spool: {}", spool.path().display())).start().await;
    let load = Load::start(20, 1000, (proxy.port(), SENDER), SIZE);
    for round in 1..=10 {
        until_taken(load.queue(), round * 90).await;
        proxy.is_killed();
        assert_eq!(std::fs::read_dir(spool.path()).expect("it is there").count(), 0);
        proxy.starts_again().await;
    }
    let queue = load.is_done().await;
    let doubles = queue.assert_all_arrived(&next_hop.messages());
    let doubts: usize = (0..1000).map(|number| queue.doubts(number)).sum();
    println!("10 kills, 1,000 messages: {doubts} attempts without a reply, {doubles} arrived twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_between_two_postfixes_lose_nothing_and_double_only_what_postfix_calls_doubtful() {
    const COUNT: usize = 100;
    if Postfix::is_missing() {
        return;
    }
    let mut host = Mailhost::with(Use::SubmissionOnly).main("minimal_backoff_time = 1s").start().await;
    let load = Load::start(10, COUNT, (host.ports().submission, SENDER), SIZE);
    let signer = host.signer.as_mut().expect("this use signs");
    for round in 1..=5 {
        // Until the first kill some mail has gone through; afterwards what was kept goes with the rest.
        let goes_on = || (host.elsewhere.messages().len() >= round * 10).then_some(());
        wait::until("mail to go through", wait::LONG, goes_on).await;
        signer.is_killed();
        signer.starts_again().await;
        host.postfix.flush();
    }
    load.is_done().await;
    let all_arrived = || {
        host.postfix.flush();
        (recipients(&host.elsewhere.messages()) >= COUNT).then_some(())
    };
    wait::until("all mail", wait::LONG, all_arrived).await;
    host.postfix.has_an_empty_queue(wait::LONG).await;
    let messages = host.elsewhere.messages();
    assert_eq!(recipients(&messages), COUNT);
    // Each as it came, and each as it was signed. What is doubtful has been called so before.
    host.postfix.log().lines_until(": removed", COUNT + messages.len(), wait::LONG).await;
    let doubtful = host.postfix.log().lines_with("may be sent more than once").len();
    let doubles = messages.len() - COUNT;
    println!("5 kills, {COUNT} messages: {doubtful} called doubtful, {doubles} arrived twice");
    assert!(doubles <= doubtful, "{doubles} doubles, {doubtful} doubtful");
    assert!(messages.iter().all(|message| message.values("DKIM-Signature").len() == 2));
}

/// How many recipients had mail.
fn recipients(messages: &[Message]) -> usize {
    let mut all: Vec<_> = messages.iter().flat_map(|message| message.recipients.clone()).collect();
    all.sort();
    all.dedup();
    all.len()
}

#[tokio::test]
async fn a_transaction_that_outlasts_the_drain_is_answered_and_the_program_ends() {
    let next_hop = NextHop::fake().hangs_at("CONTENT").start().await;
    let mut proxy = Proxy::inbound().relay(&next_hop).setting("drain: 200ms").start().await;
    let mut client = proxy.connect().await;
    client.says("EHLO mx.example").hears("250").await;
    client.says("MAIL FROM:<a@a.example>").hears("250").await;
    client.says("RCPT TO:<b@b.example>").hears("250").await;
    client.says("DATA").hears("354").await;
    client.writes(b"From: a@a.example\r\n\r\n.\r\n").await;
    wait::until("the content at the next hop", wait::STEP, || (next_hop.hanging() == 1).then_some(())).await;
    proxy.is_told_to_stop();
    let reply = client.reply().await;
    assert!(reply.starts_with("451 4.4.2"), "{reply}");
    assert!(proxy.ends().await.success());
}

#[tokio::test]
async fn a_spool_without_room_gives_452_and_never_a_shortened_message() {
    let next_hop = NextHop::fake().start().await;
    // No file may grow beyond 100 KiB. The system tells by a signal, which must not end the program.
    let proxy = Proxy::inbound().relay(&next_hop).setting(IN_FILES).under("ulimit -f 200");
    let proxy = proxy.start().await;
    let mut client = proxy.connect().await;
    let large =
        [b"From: a@a.example\r\n\r\n".to_vec(), b"A line of a large body.\r\n".repeat(40_000)].concat();
    let reply = client.delivers("a@a.example", "b@b.example", &large).await;
    assert!(reply.starts_with("452 4.3.1"), "{reply}");
    let reply = client.delivers("a@a.example", "b@b.example", &corpus("plain.eml")).await;
    assert!(reply.starts_with("250"), "{reply}");
    assert_eq!(next_hop.all_taken(1).await.len(), 1);
}

#[tokio::test]
async fn a_spool_folder_that_vanished_gives_452_until_it_is_back() {
    let next_hop = NextHop::fake().start().await;
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let spool = folder.path().join("spool");
    std::fs::create_dir(&spool).expect("the temporary folder is ours");
    let proxy = Proxy::inbound().relay(&next_hop).setting(IN_FILES);
    let proxy = proxy.setting(&format!("spool: {}", spool.display())).start().await;
    let large = [b"From: a@a.example\r\n\r\n".to_vec(), b"A line.\r\n".repeat(4_000)].concat();
    let mut client = proxy.connect().await;
    std::fs::remove_dir(&spool).expect("nothing is in it");
    let reply = client.delivers("a@a.example", "b@b.example", &large).await;
    assert!(reply.starts_with("452 4.3.1"), "{reply}");
    std::fs::create_dir(&spool).expect("the temporary folder is ours");
    let reply = client.delivers("a@a.example", "b@b.example", &large).await;
    assert!(reply.starts_with("250"), "{reply}");
    assert_eq!(next_hop.taken().await.below_our_fields(), large);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_descriptors_nothing_is_lost() {
    let next_hop = NextHop::fake().start().await;
    let proxy = Proxy::inbound().relay(&next_hop).setting(IN_FILES).under("ulimit -n 40").start().await;
    let load = Load::start(60, 300, (proxy.port(), SENDER), SIZE);
    let queue = load.is_done().await;
    assert_eq!(queue.assert_all_arrived(&next_hop.messages()), 0);
    println!("40 descriptors, 60 clients: {} deferrals, none lost", queue.deferred());
}

#[tokio::test]
async fn without_descriptors_a_new_client_is_told_so_once_it_has_waited() {
    let next_hop = NextHop::fake().start().await;
    let proxy = Proxy::inbound().relay(&next_hop).under("ulimit -n 40").start().await;
    let mut idle = Vec::new();
    let told = loop {
        let mut client = Client::connect_silently(proxy.port()).await;
        let reply = client.reply().await;
        if !reply.starts_with("220") {
            client.hears_the_end().await;
            break reply;
        }
        idle.push(client);
    };
    assert!(told.starts_with("421 4.3.2"), "{told}");
    assert!(idle.len() < 40, "{}", idle.len());
    idle.truncate(10);
    let mut client = wait::within("room", async {
        loop {
            let mut client = Client::connect_silently(proxy.port()).await;
            if client.reply().await.starts_with("220") {
                return client;
            }
        }
    })
    .await;
    let reply = client.delivers("a@a.example", "b@b.example", &corpus("plain.eml")).await;
    assert!(reply.starts_with("250"), "{reply}");
    // A stall of a second parts a burst in two.
    let told = proxy.log_to_now("cannot accept").await.len();
    assert!((1..6).contains(&told), "{told} times");
}

#[tokio::test]
async fn clients_of_a_balancer_are_counted_by_their_own_addresses() {
    let next_hop = NextHop::fake().start().await;
    let setting = "proxy_protocol: true\nlimits:\n  sessions_per_address: 2";
    let proxy = Proxy::inbound().relay(&next_hop).setting(setting).start().await;
    let connect = async |address: &str| {
        let mut client = Client::connect_silently(proxy.port()).await;
        client.writes(format!("PROXY TCP4 {address} 192.0.2.1 40000 25\r\n").as_bytes()).await;
        let reply = client.reply().await;
        (client, reply[..3].to_owned())
    };
    let (mut first, reply) = connect("192.0.2.7").await;
    assert_eq!(reply, "220");
    let (_second, reply) = connect("192.0.2.7").await;
    assert_eq!(reply, "220");
    let (mut third, reply) = connect("192.0.2.7").await;
    assert_eq!(reply, "421");
    third.hears_the_end().await;
    for _ in 0..5 {
        assert_eq!(connect("192.0.2.7").await.1, "421");
    }
    let (_other, reply) = connect("192.0.2.8").await;
    assert_eq!(reply, "220");
    first.says("QUIT").hears("221").await;
    first.hears_the_end().await;
    // The place is given back a moment after the connection has ended.
    wait::within("the place of the first", async { while connect("192.0.2.7").await.1 != "220" {} }).await;
    // A stall of a second parts a burst in two; five of them in a row do not happen.
    let told = proxy.log_to_now("no room for more sessions").await.len();
    assert!((1..6).contains(&told), "{told} times of at least 6, which is not by the burst");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sighup_under_load_changes_the_key_and_no_session_notices() {
    let keys = Keys::of("example.org");
    let next_hop = NextHop::fake().start().await;
    let proxy = Proxy::outbound().signs_with(&keys).relay(&next_hop).start().await;
    let mut client = proxy.connect().await;
    client.delivers(SENDER, "bob@example.net", &corpus("plain.eml")).await;
    let load = Load::start(10, 400, (proxy.port(), SENDER), SIZE);
    until_taken(load.queue(), 100).await;
    // A faulty file first: nothing changes, and it says so.
    let outcome = proxy.reloads(|text| text.replace("selector:", "selectr:")).await;
    assert!(outcome.contains("stays"), "{outcome}");
    let new = |text: String| text.replace("selectr: s1", "selector: e1").replace("s1.pem", "e1.pem");
    let outcome = proxy.reloads(new).await;
    assert!(outcome.contains("reloaded"), "{outcome}");
    client.delivers(SENDER, "after@example.net", &corpus("plain.eml")).await;
    let queue = load.is_done().await;

    assert_eq!((queue.connections(), queue.deferred()), (10, 0), "a session was cut off");
    let messages = next_hop.messages();
    let selector = |message: &Message| {
        let fields = message.values("DKIM-Signature");
        assert_eq!(fields.len(), 1, "{fields:?}");
        if fields[0].contains("s=e1;") { "e1" } else { "s1" }
    };
    let count = |wanted: &str| messages.iter().filter(|message| selector(message) == wanted).count();
    assert!(count("s1") > 100 && count("e1") > 1, "{} and {}", count("s1"), count("e1"));
    let after =
        messages.iter().find(|message| message.recipients.concat().contains("after@")).expect("it arrived");
    assert_eq!(selector(after), "e1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_idle_connections_keep_no_new_client_waiting() {
    const COUNT: usize = 5_000;
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).expect("it is told");
    if skip::missing("descriptors", most > 2 * COUNT as u64) {
        return;
    }
    setrlimit(Resource::RLIMIT_NOFILE, most, most).expect("up to the hard limit");
    let next_hop = NextHop::fake().start().await;
    let proxy = Proxy::inbound().relay(&next_hop).start().await;
    let mut idle = Vec::new();
    for _ in 0..COUNT {
        idle.push(proxy.connect().await);
    }
    let reply = proxy.connect().await.delivers("a@a.example", "b@b.example", &corpus("plain.eml")).await;
    assert!(reply.starts_with("250"), "{reply}");
    idle[COUNT / 2].says("NOOP").hears("250").await;
}

#[tokio::test]
async fn a_unix_socket_takes_lmtp_with_the_mode_that_the_file_says() {
    use std::os::unix::fs::PermissionsExt;
    let next_hop = NextHop::fake().start().await;
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("in.sock");
    let setup = Proxy::inbound().relay(&next_hop).listen_on(&format!("unix:{}", path.display()));
    let mut proxy = setup.setting("socket:\n  mode: 0600\nprotocol: lmtp").start().await;
    assert_eq!(std::fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
    for _ in 0..2 {
        let mut client = Client::connect_unix(&path).await;
        client.says("LHLO mx.example").hears("250").await;
        client.says("MAIL FROM:<a@a.example>").hears("250").await;
        client.says("RCPT TO:<b@b.example>").hears("250").await;
        client.says("RCPT TO:<c@b.example>").hears("250").await;
        client.sends("plain.eml").hears("250").await;
        assert!(client.reply().await.starts_with("250"));
        // What a kill left behind does not keep the program from starting again.
        proxy.is_killed();
        proxy.starts_again().await;
    }
    assert_eq!(next_hop.all_taken(2).await.len(), 2);
}

#[tokio::test]
async fn a_socket_that_is_handed_down_is_served_and_outlives_the_program() {
    let next_hop = NextHop::fake().start().await;
    let socket = TcpListener::bind(("127.0.0.1", 0)).expect("some port is free");
    let mut proxy = Proxy::inbound().relay(&next_hop).inherits(socket).start().await;
    let reply = proxy.connect().await.delivers("a@a.example", "b@b.example", &corpus("plain.eml")).await;
    assert!(reply.starts_with("250"), "{reply}");
    proxy.is_killed();
    // A client that comes meanwhile waits, and is served by the next process.
    let mut early = Client::connect_silently(proxy.port()).await;
    proxy.starts_again().await;
    let greeting = early.reply().await;
    assert!(greeting.starts_with("220"), "{greeting}");
    assert_eq!(next_hop.all_taken(1).await.len(), 1);
}
