use super::{config, parse, read};
use crate::{
    CheckKeys, Conformity, DnsSource, Engine, Fault, Inbound, NextHop, Outbound, Protocol, Repair, Rule,
    Socket, Source,
};
use dkim::{Algorithm, Canonicalization, FieldNames, Form, Oversign};
use filter::{Measure, Network};
use policy::outbound::{
    Action, AddressPattern, DkimStyle, Identity, KeyChoice, KeyName, Matching, OnFault, SignatureTemplate,
    SigningDomain, Style,
};
use std::path::Path;
use std::time::Duration;

fn outbound(sign: &str) -> Outbound {
    let text = format!("role: outbound\nlisten: 127.0.0.1:10027\nrelay: 127.0.0.1:10028\nsign:\n{sign}");
    match config(&text).engine {
        Engine::Outbound(outbound) => outbound,
        Engine::Inbound(_) => panic!("not outbound"),
    }
}

fn inbound(options: &str) -> Inbound {
    let text = format!("role: inbound\nlisten: 127.0.0.1:10025\nrelay: 127.0.0.1:10026\n{options}");
    match config(&text).engine {
        Engine::Inbound(inbound) => inbound,
        Engine::Outbound(_) => panic!("not inbound"),
    }
}

fn rules(outbound: &Outbound) -> Vec<&Rule> {
    outbound.rules().collect()
}

fn templates(rule: &Rule) -> &[SignatureTemplate] {
    let Action::Sign(templates) = &rule.rule.action else { panic!("{rule:?}") };
    assert_eq!(templates.len(), rule.keys.len());
    templates
}

fn style(template: &SignatureTemplate) -> &DkimStyle {
    let Style::Dkim(style) = &*template.style else { panic!("{template:?}") };
    style
}

fn domain(name: &str) -> mail::Domain {
    mail::Domain::parse(name).unwrap()
}

#[test]
fn each_measure_has_its_word() {
    const SIGN: &str = "  - domain: example.org\n    selector: s1\n    keyfile: s1.pem\n";
    let conformity = |text: &str| outbound(&format!("{SIGN}{text}")).conformity;
    let warn = conformity("");
    assert!(
        [warn.long_lines, warn.eight_bit, warn.missing_date, warn.missing_message_id] == [Measure::Warn; 4]
    );
    for (word, measure) in
        [("off", Measure::Off), ("warn", Measure::Warn), ("refuse", Measure::Refuse), ("fix", Measure::Fix)]
    {
        assert_eq!(conformity(&format!("long_lines: {word}\n")), Conformity { long_lines: measure, ..warn });
        assert_eq!(conformity(&format!("eight_bit: {word}\n")), Conformity { eight_bit: measure, ..warn });
        assert_eq!(
            conformity(&format!("missing_date: {word}\n")),
            Conformity { missing_date: measure, ..warn }
        );
        let missing = conformity(&format!("missing_message_id: {word}\nfix_up_to: 1KiB\n"));
        let expected = Conformity { missing_message_id: measure, fix_up_to: Some(1024), ..warn };
        assert_eq!(missing, expected);
    }
}

#[test]
fn the_smallest_outbound_file() {
    let outbound =
        outbound("  - domain: example.org\n    selector: s1\n    keyfile: keys/example.org/s1.pem\n");
    assert_eq!((outbound.matching, outbound.on_fault), (Matching::All, OnFault::Defer.into()));
    let [rule] = *rules(&outbound) else { panic!("one rule") };
    assert_eq!(rule.rule.name, "rule 1");
    assert_eq!(rule.rule.conditions.author, [AddressPattern::Domain(domain("example.org"))]);
    let [template] = templates(rule) else { panic!("one signature") };
    assert_eq!(template.selector.as_str(), "s1");
    assert_eq!(template.domain, SigningDomain::Matched);
    assert_eq!(template.key, KeyChoice::Named(KeyName::new("etc/keys/example.org/s1.pem")));
    assert_eq!(*template.style, Style::default());
    let [key] = rule.keys.as_slice() else { panic!("one key") };
    assert_eq!(key.keyfile.value, Path::new("etc/keys/example.org/s1.pem"));
    assert_eq!((key.generate, key.algorithm), (false, None));
    assert_eq!(key.domains, [domain("example.org")]);
}

#[test]
fn the_smallest_inbound_file() {
    let config = config("role: inbound\nlisten: 127.0.0.1:10025\nrelay: 127.0.0.1:10026\n");
    assert_eq!(config.listener.hostname.as_str(), "mx.example.org");
    assert!(config.listener.eightbitmime);
    assert_eq!(config.listener.limits, crate::Limits::default());
    assert_eq!(config.listener.deadlines, crate::Deadlines::default());
    assert_eq!(config.listener.repairs, crate::Repairs::default());
    assert_eq!(inbound("").dns.source, DnsSource::System);
}

#[test]
fn all_that_a_listener_may_say() {
    let config = config(
        "role: inbound\nlisten: [127.0.0.1:10025, '[::1]:10025', unix:/run/in.sock, systemd:in]\n\
         socket: {mode: 0600, owner: postfix, group: mail}\nprotocol: lmtp\nproxy_protocol: yes\nxclient: on\nrelay: [10.0.0.1:26, mta.example.org:26]\n\
         hostname: MX.Example.Net.\nclients: 10.0.0.0/8\neightbitmime: off\ndrain: 1m\n\
         kept: {number: 0, uses: 2, idle: 3s, age: 4s}\nspool: spool\nbare_cr: refuse\nbare_lf: pass\nnul: fix\n\
         limits: {sessions: 1, sessions_per_address: 2, recipients: 3, header: 4, message: 5 MB, line: 6, errors: 7, \
         hops: 8, memory: 9KiB, commands: 10, fields: 11}\n\
         deadlines: {connect: 1s, greeting: 6m, command: 7m, data: 8m, content: 9m, final: 10m, client: 11m, \
         message: 12m}\n",
    );
    let listener = config.listener;
    assert_eq!(config.warnings, []);
    assert_eq!(
        listener.listen.iter().map(|at| at.value.to_string()).collect::<Vec<_>>(),
        ["127.0.0.1:10025", "[::1]:10025", "unix:/run/in.sock", "systemd:in"]
    );
    assert!(
        matches!(&listener.relay[1].value, NextHop::Host(host, 26) if host.as_str() == "mta.example.org")
    );
    assert_eq!(listener.hostname.as_str(), "mx.example.net");
    assert_eq!(listener.clients.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.0.0/8"]);
    assert!(!listener.eightbitmime);
    let Socket { mode, owner, group } = listener.socket;
    let names = [owner, group].map(|name| name.map(|name| name.value).unwrap_or_default());
    assert_eq!((mode, names), (0o600, ["postfix".to_owned(), "mail".to_owned()]));
    assert_eq!(listener.protocol, Protocol::Lmtp);
    assert!(listener.proxy_protocol && listener.xclient);
    assert_eq!(listener.drain, Some(Duration::from_secs(60)));
    assert_eq!(listener.repairs.bare_cr, Repair::Refuse);
    assert_eq!(listener.repairs.bare_lf, Repair::Pass);
    assert_eq!(listener.repairs.nul, Repair::Fix);
    let limits = listener.limits;
    assert_eq!(
        (limits.sessions, limits.sessions_per_address, limits.recipients),
        (Some(1), Some(2), Some(3))
    );
    assert_eq!((limits.header, limits.message, limits.line), (Some(4), Some(5_000_000), Some(6)));
    assert_eq!((limits.errors, limits.hops, limits.memory), (Some(7), Some(8), Some(9 << 10)));
    assert_eq!((limits.commands, limits.fields), (Some(10), Some(11)));
    let kept = listener.kept;
    assert_eq!((kept.number, kept.uses), (Some(0), Some(2)));
    assert_eq!((kept.idle, kept.age), (Some(Duration::from_secs(3)), Some(Duration::from_secs(4))));
    assert_eq!(listener.spool.unwrap().value, Path::new("etc/spool"));
    let minutes = |minutes: u64| Some(Duration::from_secs(60 * minutes));
    let deadlines = listener.deadlines;
    assert_eq!(deadlines.connect, Some(Duration::from_secs(1)));
    assert_eq!((deadlines.greeting, deadlines.command, deadlines.data), (minutes(6), minutes(7), minutes(8)));
    assert_eq!(
        (deadlines.content, deadlines.r#final, deadlines.client),
        (minutes(9), minutes(10), minutes(11))
    );
    assert_eq!(listener.deadlines.message, minutes(12));
}

#[test]
fn all_that_an_inbound_file_may_say() {
    let zone = inbound(
        "reject_fail: yes\nreject_error: true\nverify: {max_signatures: 3}\ndns: {zone: zones/a.json, timeout: 1s, attempts: 2, cache: 3, queries: 4, time: 5s}\n",
    );
    assert!(zone.reject_fail && zone.reject_error);
    assert_eq!(zone.max_signatures, Some(3));
    assert!(matches!(&zone.dns.source, DnsSource::Zone(path) if path.value == Path::new("etc/zones/a.json")));
    assert_eq!(
        (zone.dns.timeout, zone.dns.time),
        (Some(Duration::from_secs(1)), Some(Duration::from_secs(5)))
    );
    assert_eq!((zone.dns.attempts, zone.cache, zone.queries), (Some(2), Some(3), Some(4)));
    let servers = inbound("dns:\n  servers: [9.9.9.9, '127.0.0.1:5353', '::1']\n").dns.source;
    let expected = ["9.9.9.9:53", "127.0.0.1:5353", "[::1]:53"].map(|server| server.parse().unwrap());
    assert_eq!(servers, DnsSource::Servers(expected.to_vec()));
}

#[test]
fn all_that_a_signature_may_say() {
    let outbound = outbound(
        "  - domain: [example.org, 'Bücher.example']\n    subdomains: true\n    selector: s1\n    keyfile: /k.pem\n    generate: true\n    \
         algorithm: ed25519-sha256\n    canonicalization: relaxed/simple\n    fields: [From, To]\n    oversign: always\n    expire: 14d\n  \
         - {domain: a.example, selector: s1, keyfile: k, identity: joe@b.a.example, oversign: from}\n",
    );
    let [first, second] = *rules(&outbound) else { panic!("two rules") };
    let within = |name| AddressPattern::Within(domain(name));
    assert_eq!(first.rule.conditions.author, [within("example.org"), within("xn--bcher-kva.example")]);
    assert_eq!(first.keys[0].keyfile.value, Path::new("/k.pem"));
    assert!(first.keys[0].generate);
    assert_eq!(first.keys[0].algorithm, Some(Algorithm::Ed25519Sha256));
    let said = style(&templates(first)[0]);
    assert_eq!(said.algorithm, Some(Algorithm::Ed25519Sha256));
    assert_eq!(said.canonicalization, Canonicalization { header: Form::Relaxed, body: Form::Simple });
    assert_eq!(said.fields.names, FieldNames::Present(["From".to_owned(), "To".to_owned()].into()));
    assert_eq!(said.fields.oversign, Oversign::Always);
    assert_eq!(said.lifetime, Some(14 * 86_400));
    let said = style(&templates(second)[0]);
    assert_eq!(said.identity, Identity::Fixed("joe@b.a.example".to_owned()));
    assert_eq!(said.fields.oversign, Oversign::From);
}

#[test]
fn several_signatures_share_what_their_rule_says() {
    let outbound = outbound(
        "  - domain: example.org\n    oversign: always\n    expire: 1d\n    signatures:\n      \
         - {selector: r, keyfile: r.pem, oversign: from}\n      \
         - {selector: e, keyfile: e.pem, algorithm: ed25519-sha256, domain: provider.example}\n",
    );
    let [rsa, ed25519] = templates(rules(&outbound)[0]) else { panic!("two signatures") };
    assert_eq!(style(rsa).fields.oversign, Oversign::From);
    assert_eq!(style(ed25519).fields.oversign, Oversign::Always);
    assert_eq!((style(rsa).lifetime, style(ed25519).lifetime), (Some(86_400), Some(86_400)));
    assert_eq!(rsa.domain, SigningDomain::Matched);
    assert_eq!(ed25519.domain, SigningDomain::Fixed(domain("provider.example")));
    assert_eq!(rules(&outbound)[0].keys[1].domains, [domain("provider.example")]);
}

#[test]
fn the_words_of_dkimproxy_are_understood() {
    let outbound = outbound(
        "  - domain: a.example,b.example, c.example\n    selector: s\n    keyfile: k\n    signature: dkim(c=relaxed, a=rsa-SHA256)\n  \
         - domain: d.example\n    selector: s\n    keyfile: k\n    signature: dkim\n  \
         - domain: e.example\n    selector: s\n    keyfile: k\n    signature: [dkim(c=simple/relaxed), domainkeys(c=nofws)]\n",
    );
    let rules = rules(&outbound);
    assert_eq!(rules[0].rule.conditions.author.len(), 3);
    let said = |rule: usize| style(&templates(rules[rule])[0]);
    assert_eq!(said(0).algorithm, Some(Algorithm::RsaSha256));
    assert_eq!(said(0).canonicalization, Canonicalization { header: Form::Relaxed, body: Form::Simple });
    assert_eq!(*said(1), DkimStyle::default());
    assert_eq!(said(2).canonicalization, Canonicalization { header: Form::Simple, body: Form::Relaxed });
    assert_eq!(*templates(rules[2])[1].style, Style::DomainKeys(dkim::OldForm::Nofws));
}

/// What other readers of YAML take for a boolean, a number or a date is a name here.
#[test]
fn a_name_is_a_name_whatever_it_looks_like() {
    for name in
        ["no", "off", "y", "null1", "1025", "0755", "0x1f", "1e3", "1_000", "2026-11-23", "true", "inf"]
    {
        let outbound =
            outbound(&format!("  - domain: example.org\n    selector: {name}\n    keyfile: {name}\n"));
        let key = &rules(&outbound)[0].keys[0];
        assert_eq!(key.selector.value.as_str(), name);
        assert_eq!(key.keyfile.value, Path::new("etc").join(name));
    }
}

#[test]
fn an_anchor_stands_for_what_it_names() {
    let config = config(
        "role: inbound\nlisten: &here 127.0.0.1:10025\nrelay: 127.0.0.1:10026\nlimits: &few {errors: 017}\n\
         dns: {servers: [*here]}\n",
    );
    assert_eq!(config.listener.limits.errors, Some(17));
    let Engine::Inbound(inbound) = config.engine else { panic!("not inbound") };
    assert_eq!(inbound.dns.source, DnsSource::Servers(vec!["127.0.0.1:10025".parse().unwrap()]));
}

#[test]
fn a_section_whose_options_are_all_commented_out_says_nothing() {
    assert!(
        parse("role: inbound\nlisten: 127.0.0.1:1\nrelay: 127.0.0.1:2\nlimits:\n  #errors: 1\ndns: ~\n")
            .is_ok()
    );
}

#[test]
fn a_listener_open_to_the_world_with_clients_is_well() {
    let config = config("role: inbound\nlisten: 0.0.0.0:25\nrelay: 127.0.0.1:2\nclients: [192.0.2.0/24]\n");
    assert!(config.listener.clients[0].contains("192.0.2.7".parse().unwrap()));
    assert_eq!(config.warnings, []);
}

#[test]
fn a_table_of_many_domains_is_within_the_limits() {
    let rule =
        |number| format!("  - {{domain: d{number}.example, selector: s1, keyfile: keys/d{number}/s1.pem}}\n");
    assert_eq!(outbound(&(0..20_000).map(rule).collect::<String>()).entries.len(), 20_000);
}

#[test]
fn the_name_of_the_system_stands_in_for_a_missing_hostname() {
    let text = "role: inbound\nlisten: 127.0.0.1:1\nrelay: 127.0.0.1:2\n";
    let on = |system| read(Source { name: String::new(), text: text.to_owned() }, system);
    assert_eq!(on("mx.example.net").unwrap().listener.hostname.as_str(), "mx.example.net");
    assert_eq!(on("mx.example.net").unwrap().warnings, []);
    let problem = |fault: &Fault| fault.cause.to_string();
    assert_eq!(
        on("mail").unwrap().warnings.iter().map(problem).collect::<Vec<_>>(),
        ["`hostname` is missing, and `mail`, as this system calls itself, is no full name"]
    );
    assert_eq!(
        on("a b").unwrap_err().faults().iter().map(problem).collect::<Vec<_>>(),
        ["`hostname` is missing, and this system calls itself `a b` (character ' ' in domain name)"]
    );
}

#[test]
fn a_name_of_one_label_that_is_to_sign_is_told() {
    let warnings = |rule: &str| {
        let text = format!(
            "role: outbound\nlisten: 127.0.0.1:1\nrelay: 127.0.0.1:2\nhostname: a.example\nsign:\n  - {rule}\n"
        );
        config(&text).warnings.iter().map(|fault| fault.cause.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(
        warnings("{domain: localdomain, selector: s, keyfile: k}"),
        ["`localdomain` has one label, and no DKIM signature is made for it"]
    );
    assert_eq!(warnings("{domain: localdomain, none: here only}"), Vec::<String>::new());
}

#[test]
fn metrics_are_off_or_on_loopback_or_for_those_who_are_named() {
    let text = |metrics: &str| {
        format!("role: inbound\nlisten: 127.0.0.1:1\nrelay: 127.0.0.1:2\nmetrics: {metrics}\n")
    };
    let read = |metrics: &str| config(&text(metrics)).listener.metrics;
    assert_eq!(read("off"), None);
    let own = read("127.0.0.1:9127").unwrap();
    assert_eq!(
        (own.listen.value, own.clients),
        ("127.0.0.1:9127".parse().unwrap(), Network::LOOPBACK.to_vec())
    );
    let wide = read("{listen: 0.0.0.0:9127, clients: [192.0.2.0/24]}").unwrap();
    assert_eq!(
        (wide.listen.value, wide.clients),
        ("0.0.0.0:9127".parse().unwrap(), vec!["192.0.2.0/24".parse().unwrap()])
    );
    for (metrics, problem) in [
        ("0.0.0.0:9127", "`metrics` is open to the world: `0.0.0.0:9127` is not loopback"),
        ("{listen: \"[::]:9127\"}", "`metrics` is open to the world: `[::]:9127` is not loopback"),
        ("{clients: [192.0.2.1]}", "`listen` is missing"),
        ("9127", "`metrics` is `9127`, which is a port without an address"),
        ("yes", "`metrics` is `yes`, which is no IP address with a port"),
    ] {
        let report = parse(&text(metrics)).unwrap_err();
        let found: Vec<String> = report.faults().iter().map(|fault| fault.cause.to_string()).collect();
        assert!(found.len() == 1 && found[0].starts_with(problem), "{metrics}: {found:?}");
    }
}

#[test]
fn the_records_of_keys_are_looked_at_every_hour_unless_the_file_says_otherwise() {
    let said = |lines: &str| {
        let rule = "sign:\n  - {domain: a.example, selector: s, keyfile: k}\n";
        let file = config(&format!("role: outbound\nlisten: 127.0.0.1:1\nrelay: 127.0.0.1:2\n{lines}{rule}"));
        match file.engine {
            Engine::Outbound(outbound) => outbound,
            Engine::Inbound(_) => unreachable!("it signs"),
        }
    };
    let unsaid = said("");
    let hour = CheckKeys::Every(Duration::from_secs(3600));
    assert_eq!(
        (unsaid.check_keys, unsaid.sign_only_if_published, unsaid.dns),
        (hour, false, crate::Dns::default())
    );
    let off = said("check_keys: off\nsign_only_if_published: true\ndns: {zone: z.json, time: 2s}\n");
    assert_eq!((off.check_keys, off.sign_only_if_published), (CheckKeys::Off, true));
    assert_eq!(off.dns.time, Some(Duration::from_secs(2)));
    assert!(matches!(off.dns.source, DnsSource::Zone(zone) if zone.value == Path::new("etc/z.json")));
}
