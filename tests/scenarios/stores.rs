//! Keys in a database, against the real servers.

use scenarios::database::{Database, Kind};
use scenarios::keys::{ED25519, RSA};
use scenarios::{Http, Keys, Message, NextHop, Proxy, corpus, oracle, ports, program, wait};
use std::process::{Command, Output};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::sleep;

pub(crate) const BOTH: [Kind; 2] = [Kind::Postgres, Kind::Redis];
/// Nobody's domain.
const FOREIGN: &str = "alice@elsewhere.example";

/// A database, a proxy that signs with its keys, and the next hop.
struct Site {
    database: Database,
    keys: Keys,
    next_hop: NextHop,
    proxy: Proxy,
    http: Http,
}

impl Site {
    /// example.org has an RSA key; `more` are words beside the database.
    async fn with(kind: Kind, more: &str) -> Site {
        let database = kind.start().await;
        let keys = Keys::of("example.org");
        database.has(&keys, RSA);
        let next_hop = NextHop::fake().start().await;
        let metrics = ports::free();
        let proxy = Proxy::outbound().relay(&next_hop).setting(&database.yaml(more));
        let proxy =
            proxy.setting(&format!("metrics: 127.0.0.1:{metrics}")).setting("on_fault: unsigned").start();
        Site { database, keys, next_hop, proxy: proxy.await, http: Http::on(metrics) }
    }

    /// How many questions to the database came to this.
    async fn asked(&self, answer: &str) -> u64 {
        let store = self.database.name();
        let line = format!("dkimgate_store_queries_total{{store=\"{store}\",answer=\"{answer}\"}}");
        self.http.metrics().await.count(&line)
    }

    /// Sends a message of this author; gives the reply.
    async fn sends(&self, author: &str) -> String {
        send(&self.proxy, author).await
    }

    /// Sends a message of this author, which is taken; gives it as it arrived.
    async fn delivers(&self, author: &str) -> Message {
        let before = self.next_hop.messages().len();
        let reply = self.sends(author).await;
        assert!(reply.starts_with("250"), "{reply}\n{}", self.proxy.log().lines().join("\n"));
        self.next_hop.all_taken(before + 1).await.swap_remove(before)
    }

    /// What `dkimgate` says to this command and the configuration file.
    fn says(&self, command: &str, more: &[&str]) -> (String, Option<i32>) {
        let file = self.proxy.folder().join("proxy.yaml");
        let output = Command::new(program()).arg(command).arg(file).args(more).output();
        let Output { status, stdout, stderr } = output.expect("the program runs");
        let said = [stdout, stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        (said, status.code())
    }
}

pub(crate) async fn send(proxy: &Proxy, author: &str) -> String {
    let content = corpus("plain.eml");
    let text = String::from_utf8(content).expect("it is ASCII");
    let text = text.replace("Alice <alice@example.org>", author);
    proxy.connect().await.delivers(author, "bob@example.net", text.as_bytes()).await
}

/// Sends until a message is taken.
async fn comes_through(proxy: &Proxy, author: &str) {
    let sending = async {
        while !send(proxy, author).await.starts_with("250") {
            sleep(AGAIN).await;
        }
    };
    wait::within("the database to be asked again", sending).await;
}

/// How soon the next message is tried.
const AGAIN: Duration = Duration::from_millis(50);
pub(crate) const ALICE: &str = "alice@example.org";

pub(crate) fn selectors(message: &Message) -> Vec<String> {
    let selector = |field: &String| {
        let tag = field.split(';').map(str::trim).find(|tag| tag.starts_with("s="));
        tag.unwrap_or("").trim_start_matches("s=").to_owned()
    };
    message.values("DKIM-Signature").iter().map(selector).collect()
}

#[tokio::test]
async fn a_domain_that_a_database_knows_is_signed_with_all_its_keys_and_another_is_not() {
    for kind in BOTH {
        if kind.is_missing() {
            return;
        }
        let site = Site::with(kind, "").await;
        site.database.has(&site.keys, ED25519);
        let message = site.delivers(ALICE).await;
        let mut signed = selectors(&message);
        signed.sort();
        assert_eq!(signed, [ED25519, RSA], "{}", message.text());
        if !oracle::is_missing() {
            oracle::all_pass(&message, &site.keys.zone());
        }
        let foreign = site.delivers(FOREIGN).await;
        assert_eq!(selectors(&foreign), [""; 0], "{}", foreign.text());
        let line = site.proxy.log().line_with("action=\"unsigned\"").await;
        assert!(
            line.contains(&format!("no keys of elsewhere.example in {}", site.database.name())),
            "{line}"
        );
    }
}

#[tokio::test]
async fn while_the_database_is_down_known_domains_are_signed_and_all_other_mail_waits() {
    for kind in BOTH {
        if kind.is_missing() {
            return;
        }
        let mut site = Site::with(kind, "refresh: 1s").await;
        assert_eq!(selectors(&site.delivers(ALICE).await), [RSA]);
        // Of the start, which no message waits for, and of the message.
        let both = async { while site.asked("answered").await < 2 {} };
        wait::within("the questions of the start and of the message to be counted", both).await;
        assert_eq!((site.asked("answered").await, site.asked("unreachable").await), (2, 0));
        site.database.stops();
        for _ in 0..3 {
            assert_eq!(selectors(&site.delivers(ALICE).await), [RSA]);
            let reply = site.sends(FOREIGN).await;
            assert_eq!(reply, "451 4.3.5 Message cannot be signed now, try again later");
        }
        let line = site.proxy.log().line_with("action=\"deferred\"").await;
        assert!(
            line.contains(&format!("{} does not tell the keys of elsewhere.example", site.database.name())),
            "{line}"
        );
        site.proxy.log().line_with("key store is down").await;
        assert!(site.asked("unreachable").await > 0);
        assert!(site.next_hop.messages().iter().all(|message| selectors(message) == [RSA]));

        site.database.starts_again().await;
        comes_through(&site.proxy, FOREIGN).await;
        site.proxy.log().line_with("key store is back").await;
        assert!(site.asked("answered").await > 2);
    }
}

#[tokio::test]
async fn a_database_that_is_down_at_the_start_is_warned_of_and_signs_when_it_comes() {
    let kind = Kind::Redis;
    if kind.is_missing() {
        return;
    }
    let mut database = kind.start().await;
    let keys = Keys::of("example.org");
    database.has(&keys, RSA);
    database.stops();
    let next_hop = NextHop::fake().start().await;
    let proxy = Proxy::outbound().relay(&next_hop).setting(&database.yaml("")).start().await;
    let line = proxy.log().line_with("key store is down").await;
    assert!(line.contains(&database.name()) && line.contains("refused"), "{line}");
    assert!(send(&proxy, ALICE).await.starts_with("451 4.3.5"));
    database.starts_again().await;
    comes_through(&proxy, ALICE).await;
    assert_eq!(selectors(&next_hop.taken().await), [RSA]);
}

#[tokio::test]
async fn a_key_that_is_changed_in_the_database_signs_after_its_time() {
    for kind in BOTH {
        if kind.is_missing() {
            return;
        }
        let site = Site::with(kind, "refresh: 1s").await;
        assert_eq!(selectors(&site.delivers(ALICE).await), [RSA]);
        site.database.has(&site.keys, ED25519);
        site.database.loses("example.org", RSA);
        let new = async {
            while selectors(&site.delivers(ALICE).await) != [ED25519] {
                sleep(AGAIN).await;
            }
        };
        wait::within("the new key to sign", new).await;
    }
}

#[tokio::test]
async fn a_key_from_the_database_waits_for_its_record_too() {
    let kind = Kind::Redis;
    if kind.is_missing() {
        return;
    }
    let database = kind.start().await;
    let keys = Keys::of("example.org");
    database.has(&keys, RSA);
    database.has(&keys, ED25519);
    let next_hop = NextHop::fake().start().await;
    let setting = format!("{}sign_only_if_published: true", database.yaml(""));
    let mut proxy = Proxy::watching().setting(&setting).relay(&next_hop).start().await;
    let reply = send(&proxy, ALICE).await;
    assert!(reply.starts_with("451 4.3.5"), "{reply}");
    let line = proxy.log().line_with("action=\"deferred\"").await;
    assert!(line.contains("waits for its record: no record is published"), "{line}");

    // A record that was not there is not asked for again at once, but by another process it is.
    for (count, published) in [(1, vec![RSA]), (2, vec![ED25519, RSA])] {
        proxy.is_killed();
        proxy.has_records(&keys.zone_of(&published));
        proxy.starts_again().await;
        let reply = send(&proxy, ALICE).await;
        assert!(reply.starts_with("250"), "{reply}");
        let mut signed = selectors(&next_hop.all_taken(count).await[count - 1]);
        signed.sort();
        assert_eq!(signed, published);
    }
}

#[tokio::test]
async fn two_of_us_share_a_database_and_nothing_else() {
    let kind = Kind::Redis;
    if kind.is_missing() {
        return;
    }
    let site = Site::with(kind, "").await;
    let other = Proxy::outbound().relay(&site.next_hop).setting(&site.database.yaml("")).start().await;
    assert!(send(&other, ALICE).await.starts_with("250"));
    site.delivers(ALICE).await;
    assert!(site.next_hop.messages().iter().all(|message| selectors(message) == [RSA]));
}

#[tokio::test]
async fn a_database_that_does_not_answer_in_time_lets_mail_wait() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = silent.local_addr().expect("it is bound").port();
    for server in [
        format!("redis: {{address: '127.0.0.1:{port}'}}"),
        format!("postgres: {{host: 127.0.0.1, port: {port}, user: a, dbname: b}}"),
    ] {
        let next_hop = NextHop::fake().start().await;
        let setting = format!("sign:\n  - keys:\n      {server}\n      deadline: 300ms\non_fault: unsigned");
        let proxy = Proxy::outbound().relay(&next_hop).setting(&setting).start().await;
        assert!(send(&proxy, ALICE).await.starts_with("451 4.3.5"));
        let line = proxy.log().line_with("action=\"deferred\"").await;
        assert!(line.contains("no answer within 300ms"), "{line}");
        assert_eq!(next_hop.messages().len(), 0);
    }
}

#[tokio::test]
async fn a_malformed_key_is_told_by_its_domain_and_database_and_never_shown() {
    for kind in BOTH {
        if kind.is_missing() {
            return;
        }
        let site = Site::with(kind, "").await;
        site.database.has_text(
            "example.net",
            "s1",
            "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n",
        );
        // The file says `on_fault: unsigned`.
        site.delivers("carol@example.net").await;
        let line = site.proxy.log().line_with("action=\"unsigned\"").await;
        let told = format!(
            "{} does not tell the keys of example.net: selector s1: malformed private key",
            site.database.name()
        );
        assert!(line.contains(&told), "{line}");
        let log = site.proxy.log().lines().join("\n");
        assert!(!log.contains("c2VjcmV0") && !log.contains("swordfish"), "{log}");
    }
}

#[tokio::test]
async fn a_reload_forgets_no_key() {
    let kind = Kind::Redis;
    if kind.is_missing() {
        return;
    }
    let mut site = Site::with(kind, "").await;
    site.delivers(ALICE).await;
    site.database.stops();
    let outcome = site.proxy.reloads(|text| text + "drain: 5s\n").await;
    assert!(outcome.contains("reloaded"), "{outcome}");
    assert_eq!(selectors(&site.delivers(ALICE).await), [RSA]);
    assert!(site.sends(FOREIGN).await.starts_with("451"));
}

#[tokio::test]
async fn check_and_explain_ask_the_database() {
    for kind in BOTH {
        if kind.is_missing() {
            return;
        }
        let mut site = Site::with(kind, "").await;
        let (said, status) = site.says("check", &[]);
        assert_eq!(status, Some(0), "{said}");
        assert!(said.contains(&format!("signs for whoever {} knows", site.database.name())), "{said}");
        let (said, _) = site.says("explain", &["--from", ALICE]);
        assert!(
            said.contains(&format!("{} signs with d=example.org s={RSA}", site.database.name())),
            "{said}"
        );
        assert!(said.contains("signed: d=example.org s=s1"), "{said}");
        site.database.stops();
        let (said, status) = site.says("check", &[]);
        assert_eq!(status, Some(75), "{said}");
        assert!(said.contains("out of reach"), "{said}");
        let (said, _) = site.says("explain", &["--from", ALICE]);
        assert!(said.contains("does not tell the keys of example.org: out of reach"), "{said}");
        assert!(!said.contains("swordfish"), "{said}");
    }
}

#[tokio::test]
async fn check_says_what_the_database_does_not_understand() {
    let kind = Kind::Postgres;
    if kind.is_missing() {
        return;
    }
    let site = Site::with(kind, "").await;
    site.database.run("ALTER TABLE dkim_keys RENAME TO other;");
    let (said, status) = site.says("check", &[]);
    assert_eq!(status, Some(78), "{said}");
    assert!(said.contains("relation \"dkim_keys\" does not exist"), "{said}");
    assert!(site.sends(ALICE).await.starts_with("451"));
    site.database.run("ALTER ROLE dkimgate PASSWORD 'other';");
    let (said, status) = site.says("check", &[]);
    assert_eq!(status, Some(78), "{said}");
    assert!(said.contains("password authentication failed") && !said.contains("swordfish"), "{said}");
}

#[tokio::test]
async fn the_keys_of_rspamd_sign_as_they_are() {
    let kind = Kind::Redis;
    if kind.is_missing() {
        return;
    }
    let site = Site::with(kind, "").await;
    let pem = std::fs::read_to_string(site.keys.file(RSA)).expect("the key was made");
    site.database.cli(&["HSET", "dkim:SELECTORS", "example.org", RSA]);
    site.database.cli(&["HSET", "dkim:KEYS", "s1.example.org", &pem]);
    let yaml = site
        .database
        .yaml("")
        .replace("redis: {", "redis: {key_prefix: 'dkim:KEYS', selector_prefix: 'dkim:SELECTORS', ");
    let proxy = Proxy::outbound().relay(&site.next_hop).setting(&yaml).start().await;
    assert!(send(&proxy, ALICE).await.starts_with("250"));
    assert_eq!(selectors(&site.next_hop.taken().await), [RSA]);
    assert!(send(&proxy, FOREIGN).await.starts_with("250"));
}
