//! What the running program tells of itself: metrics, health, readiness, and the records of its keys.

use scenarios::{Http, Keys, NameServer, NextHop, Notices, Proxy, ProxySetup, corpus, keys, ports};

const HOUR: &str = "check_keys: 1h";

fn told(setup: ProxySetup) -> (ProxySetup, Http) {
    let port = ports::free();
    (setup.setting(&format!("metrics: 127.0.0.1:{port}")), Http::on(port))
}

/// The labels of a proxy's listener, as they stand in every line about it.
fn at(proxy: &Proxy, role: &str) -> String {
    format!("listener=\"127.0.0.1:{}\",role=\"{role}\"", proxy.port())
}

#[tokio::test]
async fn messages_are_counted_by_what_became_of_them() {
    let keys = Keys::of("example.org");
    let next_hop = NextHop::fake().start().await;
    let (setup, http) = told(Proxy::outbound().signs_with(&keys));
    let proxy = setup.relay(&next_hop).start().await;
    let at = at(&proxy, "outbound");
    let signed = format!("dkimgate_messages_total{{{at},action=\"signed\",reason=\"all\"}}");
    let unsigned = format!("dkimgate_messages_total{{{at},action=\"unsigned\",reason=\"no_rule\"}}");
    let before = http.metrics().await;
    assert_eq!((before.count(&signed), before.count(&unsigned)), (0, 0), "there from the beginning");

    let mut client = proxy.connect().await;
    client.delivers("alice@example.org", "bob@example.net", &corpus("plain.eml")).await;
    client.delivers("alice@example.org", "bob@example.net", &corpus("plain.eml")).await;
    client.delivers("a@example.net", "bob@example.net", b"From: a@example.net\r\n\r\n").await;

    let after = http.metrics().await;
    assert_eq!((after.count(&signed), after.count(&unsigned)), (2, 1));
    assert_eq!(after.count(&format!("dkimgate_replies_total{{{at},reply=\"2yz\"}}")), 3);
    let octets = 2 * corpus("plain.eml").len() + b"From: a@example.net\r\n\r\n".len();
    assert_eq!(after.count(&format!("dkimgate_message_octets_total{{{at}}}")), octets as u64);
    assert_eq!(after.count(&format!("dkimgate_decision_seconds_count{{{at}}}")), 3);
    assert!(after.value(&format!("dkimgate_decision_seconds_sum{{{at}}}")) > 0.0);
    assert_eq!(after.count(&format!("dkimgate_sessions_total{{{at}}}")), 1);
    assert_eq!(after.count(&format!("dkimgate_sessions_open{{{at}}}")), 1);
    assert!(after.text().ends_with("# EOF\n"));
    assert!(
        !after.text().contains("alice") && !after.text().contains("example.net"),
        "nothing of a sender's"
    );
}

#[tokio::test]
async fn results_and_look_ups_are_counted_in_the_words_of_rfc_8601() {
    let keys = Keys::of("example.org");
    let next_hop = NextHop::fake().start().await;
    let (setup, http) = told(Proxy::inbound().records(&keys.zone()));
    let proxy = setup.relay(&next_hop).start().await;
    let mut client = proxy.connect().await;
    let signed = keys.sign(&corpus("plain.eml"));
    let altered = [signed.as_slice(), b"One more line.\r\n"].concat();
    for message in [&signed, &altered, &corpus("plain.eml")] {
        client.delivers("alice@example.org", "bob@example.net", message).await;
    }
    let (at, metrics) = (at(&proxy, "inbound"), http.metrics().await);
    for (result, count) in [("pass", 1), ("fail", 1), ("none", 1), ("temperror", 0)] {
        let line = format!("dkimgate_results_total{{{at},method=\"dkim\",result=\"{result}\"}}");
        assert_eq!(metrics.count(&line), count, "{result}");
    }
    assert_eq!(metrics.count("dkimgate_dns_lookups_total{purpose=\"verifying\",answer=\"records\"}"), 2);
    assert_eq!(metrics.count("dkimgate_dns_lookup_seconds_count{purpose=\"verifying\"}"), 2);
}

#[tokio::test]
async fn a_reload_sets_no_counter_back() {
    let keys = Keys::of("example.org");
    let next_hop = NextHop::fake().start().await;
    let (setup, http) = told(Proxy::outbound().signs_with(&keys));
    let proxy = setup.relay(&next_hop).start().await;
    let line =
        format!("dkimgate_messages_total{{{},action=\"signed\",reason=\"all\"}}", at(&proxy, "outbound"));
    let mut client = proxy.connect().await;
    client.delivers("alice@example.org", "bob@example.net", &corpus("plain.eml")).await;
    assert!(proxy.reloads(|text| text + "key_cache: 7\n").await.contains("reloaded"));
    client.delivers("alice@example.org", "bob@example.net", &corpus("plain.eml")).await;
    let metrics = http.metrics().await;
    assert_eq!(metrics.count(&line), 2);
    assert_eq!(metrics.count("dkimgate_reloads_total{outcome=\"done\"}"), 1);
    assert!(proxy.reloads(|text| text + "key_cash: 7\n").await.contains("in force stays"));
    assert_eq!(http.metrics().await.count("dkimgate_reloads_total{outcome=\"refused\"}"), 1);
    assert!(
        proxy
            .reloads(|text| text.replace("key_cash: 7\n", "metrics: off\n"))
            .await
            .contains("in force stays")
    );
}

#[tokio::test]
async fn it_is_ready_as_long_as_the_next_hop_answers_and_alive_anyway() {
    let port = ports::free();
    let (setup, http) = told(Proxy::inbound().relay_to(port));
    let proxy = setup.start().await;
    assert_eq!(http.get("/health").await, (200, "alive\n".to_owned()));
    assert_eq!(http.get("/ready").await, (200, "ready\n".to_owned()), "nobody has tried yet");

    let mut client = proxy.connect().await;
    client.says("EHLO mx.example").hears("250").await;
    client.says("MAIL FROM:<a@a.example>").hears("451 4.4.1").await;
    let expected = format!("127.0.0.1:{}: the next hop does not answer\n", proxy.port());
    assert_eq!(http.get("/ready").await, (503, expected));
    assert_eq!(http.get("/health").await.0, 200);
    let at = at(&proxy, "inbound");
    let metrics = http.metrics().await;
    assert_eq!(metrics.count(&format!("dkimgate_next_hop_up{{{at}}}")), 0);
    assert_eq!(metrics.count(&format!("dkimgate_next_hop_faults_total{{{at},fault=\"unreachable\"}}")), 1);

    // Nobody sends mail to what is not ready, so it has to look by itself.
    let _next_hop = NextHop::fake().port(port).start().await;
    proxy.log().line_with("next hop is there again").await;
    assert_eq!(http.get("/ready").await, (200, "ready\n".to_owned()));
}

#[tokio::test]
async fn only_those_who_are_named_may_ask_and_only_for_what_there_is() {
    let next_hop = NextHop::fake().start().await;
    let port = ports::free();
    let metrics = format!("metrics: {{listen: 127.0.0.1:{port}, clients: [192.0.2.1]}}");
    let proxy = Proxy::inbound().setting(&metrics).relay(&next_hop).start().await;
    let http = Http::on(port);
    assert!(http.is_closed_without_an_answer().await);
    proxy.log().line_with("client may not read the metrics").await;
    assert!(proxy.reloads(|text| text.replace("192.0.2.1", "127.0.0.0/8")).await.contains("reloaded"));
    assert_eq!(http.get("/metrics").await.0, 200);
    assert_eq!(http.get("/").await.0, 404);
    assert_eq!(http.asks("POST", "/metrics").await.0, 405);
    assert_eq!(http.asks("HEAD", "/health").await, (200, String::new()));
}

#[tokio::test]
async fn a_record_that_goes_is_one_warning_and_a_metric_and_so_is_its_return() {
    let keys = Keys::of("example.org");
    let next_hop = NextHop::fake().start().await;
    let (setup, http) = told(Proxy::watching().records(&keys.zone()).signs_with(&keys).setting(HOUR));
    let proxy = setup.relay(&next_hop).start().await;
    let line = "dkimgate_key_published{domain=\"example.org\",selector=\"s1\"}";
    proxy.log().line_with("the records of the keys were looked at").await;
    let metrics = http.metrics().await;
    assert_eq!(metrics.count(line), 1);
    assert_eq!(metrics.count("dkimgate_keys{state=\"published\"}"), 1);
    assert!(metrics.count("dkimgate_keys_checked_timestamp_seconds") > 0);

    let broken = "the record of the key is not as it should be";
    proxy.has_records("{}");
    proxy.reloads(|text| text).await;
    let warning = proxy.log().line_with(broken).await;
    assert!(warning.contains("WARN") && warning.contains("domain=example.org selector=s1"), "{warning}");
    assert!(
        warning.contains("no record is published") && warning.contains("publish a TXT record at"),
        "{warning}"
    );
    assert_eq!(http.metrics().await.count(line), 0);

    // Neither silence nor another look is a change.
    proxy.has_records("{\"s1._domainkey.example.org\": {\"error\": \"timeout\"}}");
    proxy.reloads(|text| text).await;
    proxy.log().line_with("the DNS does not tell of all keys").await;
    assert_eq!(http.metrics().await.count(line), 0);
    proxy.has_records("{}");
    proxy.reloads(|text| text).await;
    proxy.log().line_with("the DNS tells of all keys again").await;
    assert_eq!(proxy.log().lines_with(broken).len(), 1);

    proxy.has_records(&keys.zone());
    proxy.reloads(|text| text).await;
    proxy.log().line_with("the record of the key is published").await;
    assert_eq!(http.metrics().await.count(line), 1);
}

#[tokio::test]
async fn a_signature_waits_for_its_record_and_the_other_one_is_made() {
    let keys = Keys::of("example.org");
    let next_hop = NextHop::fake().start().await;
    let only_rsa = keys.zone_of(&[keys::RSA]);
    let (setup, http) = told(
        Proxy::watching().records(&only_rsa).signs_twice_with(&keys).setting("sign_only_if_published: true"),
    );
    let proxy = setup.relay(&next_hop).start().await;
    let mut client = proxy.connect().await;
    client.delivers("alice@example.org", "bob@example.net", &corpus("plain.eml")).await;
    let message = next_hop.taken().await;
    let signatures = message.values("DKIM-Signature");
    assert_eq!(signatures.len(), 1, "{}", message.text());
    assert!(signatures[0].contains("s=s1;"), "{}", message.text());
    let line = proxy.log().line_with("action=\"signed\"").await;
    assert!(
        line.contains("without d=example.org s=e1 (rule 2): waits for its record: no record is published"),
        "{line}"
    );
    let some =
        format!("dkimgate_messages_total{{{},action=\"signed\",reason=\"some\"}}", at(&proxy, "outbound"));
    assert_eq!(http.metrics().await.count(&some), 1);

    proxy.has_records(&keys.zone());
    proxy.reloads(|text| text).await;
    proxy.log().line_with("the record of the key is published").await;
    client.delivers("alice@example.org", "bob@example.net", &corpus("plain.eml")).await;
    assert_eq!(next_hop.all_taken(2).await[1].values("DKIM-Signature").len(), 2);
}

#[tokio::test]
async fn without_any_record_the_file_says_whether_a_message_waits_or_goes_unsigned() {
    for (on_fault, reply, action) in [
        ("defer", "451 4.3.5", "action=\"deferred\""),
        ("{unpublished: unsigned}", "250", "action=\"unsigned\""),
    ] {
        let keys = Keys::of("example.org");
        let next_hop = NextHop::fake().start().await;
        let setting = format!("sign_only_if_published: true\ncheck_keys: off\non_fault: {on_fault}");
        let proxy = Proxy::watching().signs_with(&keys).setting(&setting).relay(&next_hop).start().await;
        let heard = proxy
            .connect()
            .await
            .delivers("alice@example.org", "bob@example.net", &corpus("plain.eml"))
            .await;
        assert!(heard.starts_with(reply), "{on_fault}: {heard}");
        let line = proxy.log().line_with(action).await;
        assert!(line.contains("waits for its record: no record is published"), "{line}");
    }
}

#[tokio::test]
async fn after_a_start_a_signature_waits_for_the_first_answer_of_a_real_server() {
    let keys = Keys::of("example.org");
    let next_hop = NextHop::fake().start().await;
    let server = NameServer::with(&keys).await;
    let proxy = Proxy::asking(&server).signs_with(&keys).setting("sign_only_if_published: true");
    let proxy = proxy.relay(&next_hop).start().await;
    let mut client = proxy.connect().await;
    client.delivers("alice@example.org", "bob@example.net", &corpus("plain.eml")).await;
    assert_eq!(next_hop.taken().await.values("DKIM-Signature").len(), 1, "no window after a start");

    // What was seen once is not asked for again, also while the server is gone and over a reload.
    drop(server);
    proxy.reloads(|text| text).await;
    client.delivers("alice@example.org", "bob@example.net", &corpus("plain.eml")).await;
    assert_eq!(next_hop.all_taken(2).await[1].values("DKIM-Signature").len(), 1);
}

#[tokio::test]
async fn a_dns_that_is_out_of_reach_at_the_start_defers_and_never_lets_mail_out_unsigned() {
    let keys = Keys::of("example.org");
    let next_hop = NextHop::fake().start().await;
    let setting = "sign_only_if_published: true\non_fault: unsigned\n";
    let silent = "{\"s1._domainkey.example.org\": {\"error\": \"timeout\"}}";
    let proxy =
        Proxy::watching().records(silent).signs_with(&keys).setting(setting).relay(&next_hop).start().await;
    let heard =
        proxy.connect().await.delivers("alice@example.org", "bob@example.net", &corpus("plain.eml")).await;
    assert!(heard.starts_with("451 4.3.5"), "{heard}");
    let line = proxy.log().line_with("action=\"deferred\"").await;
    assert!(line.contains("its record cannot be looked up: DNS time-out"), "{line}");
    assert_eq!(next_hop.messages().len(), 0);
}

#[tokio::test]
async fn the_service_manager_hears_of_start_reload_and_end() {
    let next_hop = NextHop::fake().start().await;
    let notices = Notices::listen();
    let mut proxy = Proxy::inbound().tells(&notices).relay(&next_hop).start().await;
    assert_eq!(notices.next().await, "READY=1\n");
    proxy.reloads(|text| text).await;
    let reloading = notices.next().await;
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert_eq!(notices.next().await, "READY=1\n");
    proxy.is_told_to_stop();
    assert_eq!(notices.next().await, "STOPPING=1\n");
    assert!(proxy.ends().await.success());
}

#[tokio::test]
async fn the_page_about_metrics_names_each_of_them_and_each_word() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/monitoring.md");
    let page = std::fs::read_to_string(path).expect("the page is there");
    let keys = Keys::of("example.org");
    let next_hop = NextHop::fake().start().await;
    let mut seen = 0;
    for setup in [Proxy::watching().signs_with(&keys), Proxy::inbound()] {
        let (setup, http) = told(setup);
        let _proxy = setup.relay(&next_hop).start().await;
        let metrics = http.metrics().await;
        for line in metrics.text().lines() {
            let name = line.strip_prefix("# TYPE ").and_then(|line| line.split(' ').next());
            assert!(name.is_none_or(|name| page.contains(&format!("`{name}"))), "{line}");
            for label in
                ["action", "reason", "reply", "fault", "state", "purpose", "answer", "outcome", "method"]
            {
                let Some((_, value)) = line.split_once(&format!("{label}=\"")) else { continue };
                let (value, _) = value.split_once('"').expect("a label ends");
                assert!(value.is_empty() || page.contains(&format!("`{value}`")), "{label}={value}");
                seen += 1;
            }
        }
    }
    assert!(seen > 50, "{seen}");
}
