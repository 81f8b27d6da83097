//! Databases with keys, as entries of `sign:`.

use super::{config, parse};
use crate::{Config, Engine, Outbound, RedisLayout, Report, Source, Tls, check_files, read, rules};
use filter::Envelope;
use mail::Header;
use policy::outbound::Outcome;
use std::fs::{Permissions, set_permissions, write};
use std::os::unix::fs::PermissionsExt;

fn text(sign: &str) -> String {
    format!("role: outbound\nlisten: 127.0.0.1:1\nrelay: 127.0.0.1:2\nsign:\n{sign}")
}

fn outbound(sign: &str) -> Outbound {
    let Engine::Outbound(outbound) = config(&text(sign)).engine else { panic!("it signs") };
    outbound
}

/// The faults of an entry, each with its line from the entry's first on.
fn faults(sign: &str) -> Vec<String> {
    let (file, faults) = match parse(&text(sign)) {
        Ok(config) => {
            let reports = rules(&config).reports;
            let faults = reports.iter().flat_map(|report| report.faults().to_vec());
            let faults = config.warnings.iter().cloned().chain(faults).collect();
            (config.file.clone(), faults)
        }
        Err(report) => (std::sync::Arc::new(report.file().clone()), report.faults().to_vec()),
    };
    let shown = |fault: &crate::Fault| {
        let (line, _) = file.line_and_column(fault.place);
        format!("{}: {}", line - 4, fault.cause)
    };
    faults.iter().map(shown).collect()
}

const POSTGRES: &str = "  - keys: {postgres: {host: 127.0.0.1, user: dkimgate, dbname: mail}}\n";
const REDIS: &str = "  - keys: {redis: {address: 'unix:/run/redis.sock'}}\n";

#[test]
fn databases_have_names_that_tell_where_they_are() {
    let names = |sign: &str| outbound(sign).stores().map(|store| store.name.clone()).collect::<Vec<_>>();
    assert_eq!(
        names(&(POSTGRES.to_owned() + REDIS)),
        ["postgres at 127.0.0.1:5432/mail", "redis at /run/redis.sock/0"]
    );
    assert_eq!(
        names("  - keys: {postgres: {host: /run/postgresql, port: 5433, user: a, dbname: b}}\n"),
        ["postgres at /run/postgresql/.s.PGSQL.5433/b"]
    );
    assert_eq!(names("  - keys: {redis: {address: '[::1]:6379', database: 3}}\n"), ["redis at [::1]:6379/3"]);
}

#[test]
fn a_rule_may_still_name_a_folder_of_keys() {
    let sign = "  - domain: example.org\n    keys: keys/example.org\n";
    assert!(faults(sign)[0].contains("no key in it signs yet"), "{:?}", faults(sign));
}

#[test]
fn the_layouts_of_redis_are_told_apart() {
    let layout = |words: &str| {
        let sign = format!("  - keys: {{redis: {{address: '127.0.0.1:1', {words}}}}}\n");
        let crate::Database::Redis { layout, .. } = outbound(&sign).stores().next().unwrap().database.clone()
        else {
            panic!("redis")
        };
        layout.unwrap()
    };
    let rspamd = |selector| RedisLayout::Rspamd { key_prefix: "K".into(), selector };
    assert_eq!(layout("key: 'k:$domain'"), RedisLayout::Key("k:$domain".into()));
    assert_eq!(layout("key_prefix: K, selector_prefix: S"), rspamd(Ok("S".into())));
    assert_eq!(layout("key_prefix: K, selector: dkim"), rspamd(Err(mail::Domain::parse("dkim").unwrap())));
}

#[test]
fn what_is_encrypted_follows_from_what_is_said() {
    for (words, expected) in [
        ("host: 127.0.0.1", Ok("off")),
        ("host: localhost", Ok("off")),
        ("host: db.example.org, tls: true", Ok("system")),
        ("host: db.example.org, tls: false", Ok("off")),
        ("host: db.example.org, ca_file: ca.pem", Ok("etc/ca.pem")),
        (
            "host: db.example.org",
            Err("1: private keys come from db.example.org:5432 over the network, and nothing encrypts them"),
        ),
        ("host: /run, tls: true", Err("1: TLS is not for UNIX sockets")),
        ("host: 127.0.0.1, tls: false, ca_file: ca.pem", Err("1: `ca_file` stands beside `tls: false`")),
    ] {
        let sign = format!("  - keys: {{postgres: {{{words}, user: a, dbname: b}}}}\n");
        match expected {
            Err(fault) => assert_eq!(faults(&sign), [fault], "{words}"),
            Ok(expected) => {
                let outbound = outbound(&sign);
                let found = match &outbound.stores().next().unwrap().database.server().tls {
                    Tls::Off => "off".to_owned(),
                    Tls::System => "system".to_owned(),
                    Tls::Authorities(file) => file.value.display().to_string(),
                };
                assert_eq!((found.as_str(), faults(&sign)), (expected, Vec::new()), "{words}");
            }
        }
    }
}

#[test]
fn each_slip_has_its_words() {
    for (keys, expected) in [
        ("{deadline: 5s}", "1: `keys` names no database"),
        (
            "{postgres: {host: 127.0.0.1, user: a, dbname: b}, redis: {address: '127.0.0.1:1'}}",
            "1: `keys` names two databases",
        ),
        ("{postgres: {host: 127.0.0.1, dbname: b}}", "1: `user` is missing in `postgres`"),
        (
            "{postgres: {host: 127.0.0.1, user: a, dbname: b, query: 'SELECT $10'}}",
            "1: `query` is `SELECT $10`, which has no `$1` for the domain",
        ),
        (
            "{postgres: {host: 'a b', user: a, dbname: b}}",
            "1: `host` is `a b`, which is no host (character ' ' in domain name)",
        ),
        (
            "{postgres: {host: 127.0.0.1, port: 0, user: a, dbname: b}}",
            "1: `port` is `0`, which is not between 1 and 65535",
        ),
        ("{redis: {address: '127.0.0.1:1', key: dkim}}", "1: `key` is `dkim`, which has no `$domain` in it"),
        ("{redis: {address: '127.0.0.1:1', key_prefix: K}}", "1: `key_prefix` needs the selectors"),
        ("{redis: {address: '127.0.0.1:1', selector: s1}}", "1: selectors without `key_prefix`"),
        (
            "{redis: {address: '127.0.0.1:1', key: 'k:$domain', key_prefix: K}}",
            "1: `key` stands beside rspamd's `key_prefix`",
        ),
        ("{redis: {address: '127.0.0.1:1'}, refresh: 0s}", "1: `refresh` is `0s`, which is no time at all"),
        ("{mysql: {}, redis: {address: '127.0.0.1:1'}}", "1: unknown key `mysql` in `keys`"),
        ("{redis: {address: '127.0.0.1:1', password: secret}}", "1: unknown key `password` in `redis`"),
    ] {
        assert_eq!(faults(&format!("  - keys: {keys}\n")), [expected], "{keys}");
    }
}

#[test]
fn domainkeys_are_not_signed_where_a_database_is_asked() {
    let own = POSTGRES.to_owned() + "    signature: domainkeys(c=nofws)\n";
    assert!(faults(&own).contains(&"1: the keys of a database make DKIM signatures only".to_owned()));
    let beside = "  - {domain: example.org, selector: s1, keyfile: s1.pem, signature: domainkeys(c=nofws)}\n";
    let faults = faults(&(POSTGRES.to_owned() + beside));
    let expected = "2: DomainKeys signatures cannot be made where keys come from a database".to_owned();
    assert!(faults.contains(&expected), "{faults:?}");
}

#[test]
fn a_database_is_asked_in_its_turn() {
    let sign = POSTGRES.to_owned()
        + "  - {domain: example.org, selector: s1, keyfile: s1.pem}\n"
        + REDIS
        + "    subdomains: true\n";
    let rules = rules(&config(&text(&sign)));
    assert!(rules.reports.is_empty(), "{:?}", rules.reports);
    let names: Vec<_> = rules.table.rules().iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["postgres at 127.0.0.1:5432/mail", "rule 2", "redis at /run/redis.sock/0"]);
    let header = Header::parse(b"From: joe@b.example\r\n".to_vec());
    let explanation = rules.table.explain(&header, &Envelope::default());
    assert!(matches!(explanation.outcome, Outcome::Ask(question) if question.store == 0));
}

#[test]
fn a_database_may_have_the_key_for_bounces() {
    let sign = POSTGRES.to_owned() + "bounce_domain: example.org\n";
    let rules = rules(&config(&text(&sign)));
    assert!(!rules.reports.iter().any(Report::is_fatal), "{:?}", rules.reports);
    let rule = rules.table.rules().last().unwrap();
    assert_eq!(rule.name, "bounce_domain");
}

#[test]
fn a_password_that_others_may_read_is_refused() {
    let site = tempfile::tempdir().unwrap();
    let words = "  - keys: {redis: {address: '127.0.0.1:1', password_file: secret}}\n";
    let name = site.path().join("proxy.yaml").display().to_string();
    let config: Config = read(Source { name, text: text(words) }, "mx.example.org").unwrap();
    let found = || check_files(&config).iter().map(|fault| fault.cause.to_string()).collect::<Vec<_>>();
    assert!(found()[0].contains("there is no such file"), "{:?}", found());
    let path = site.path().join("secret");
    write(&path, "swordfish\n").unwrap();
    set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let fault = found().concat();
    assert!(fault.starts_with(&format!("password `{}` (mode 0644", path.display())), "{fault}");
    assert!(fault.ends_with("is open to every user of this system"), "{fault}");
    set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(found(), [""; 0]);
}
