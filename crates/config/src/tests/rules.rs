//! The words of the rules.

use super::parse;
use crate::{Config, Engine, Fault, Outbound, Rule};
use policy::outbound::{
    Action, AddressPattern, Agreement, Attribute, Extent, FaultMeasures, Glob, Identity, Matching, OnFault,
    RecipientPatterns, ReversePathPattern, SigningDomain, Style, Witness,
};
use std::sync::Arc;

const HEAD: &str = "role: outbound\nlisten: 127.0.0.1:10027\nrelay: 127.0.0.1:10028\n";

fn read(options: &str) -> (Outbound, Vec<String>) {
    let config = super::config(&format!("{HEAD}{options}"));
    let Config { engine: Engine::Outbound(outbound), warnings, .. } = config else { panic!("not outbound") };
    (outbound, warnings.iter().map(|fault| fault.cause.to_string()).collect())
}

fn rule(text: &str) -> Rule {
    let (outbound, warnings) = read(&format!("sign:\n  - {text}\n"));
    assert_eq!(warnings, Vec::<String>::new(), "{text}");
    outbound.rules().next().unwrap().clone()
}

fn problems(options: &str) -> Vec<String> {
    let report = parse(&format!("{HEAD}{options}")).unwrap_err();
    report.faults().iter().map(|fault: &Fault| fault.cause.to_string()).collect()
}

fn domain(name: &str) -> mail::Domain {
    mail::Domain::parse(name).unwrap()
}

fn mailbox(text: &str) -> mail::Mailbox {
    mail::parse_mailboxes(text.as_bytes()).unwrap().remove(0)
}

/// More than one processor reads at a time.
#[test]
fn very_many_rules_keep_their_order_and_so_do_their_faults() {
    let rules = |wrong: &[usize]| -> String {
        let rule = |n: usize| {
            let word = if wrong.contains(&n) { "Selector" } else { "selector" };
            format!("  - {{domain: d{n}.example, {word}: s, keyfile: k}}\n")
        };
        "sign:\n".to_owned() + &(1..=2500).map(rule).collect::<String>()
    };
    let (outbound, _) = read(&rules(&[]));
    let names: Vec<_> = outbound.rules().map(|rule| rule.rule.name.clone()).collect();
    assert_eq!(names, (1..=2500).map(|n| format!("rule {n}")).collect::<Vec<_>>());
    let problems = problems(&rules(&[2, 1001, 2500]));
    let of_slips: Vec<_> = problems.iter().filter(|problem| problem.contains("`Selector`")).collect();
    assert_eq!(of_slips.len(), 3, "{problems:?}");
    for (problem, rule) in of_slips.into_iter().zip(["rule 2", "rule 1001", "rule 2500"]) {
        assert!(problem.contains(rule), "{problem}");
    }
}

#[test]
fn who_must_agree_is_named_in_many_ways() {
    let agreement = |words: &str| {
        let text = format!("{{domain: d.example, selector: s, keyfile: k, agree: {{{words}}}}}");
        rule(&text).rule.agreement.as_deref().cloned().unwrap()
    };
    let by = Some(domain("mx.example.org"));
    for (words, with, realm) in [
        ("with: mail_from", Witness::ReversePath, None),
        ("with: ident", Witness::Ident, None),
        ("with: received", Witness::Received { by: None }, None),
        ("with: received, by: MX.example.org", Witness::Received { by }, None),
        ("with: login, realm: d.example", Witness::Login, Some(domain("d.example"))),
    ] {
        let expected = Agreement { with, extent: Extent::Domain, realm, refuse: false };
        assert_eq!(agreement(words), expected, "{words}");
    }
    let text =
        "sign:\n  - {domain: d.example, selector: s, keyfile: k, agree: {with: login, by: mx.example}}\n";
    assert_eq!(
        problems(text),
        ["`by` is how your MTA calls itself in Received, and `with` is something else"]
    );
}

#[test]
fn identities_may_be_templates() {
    for (text, expected) in [
        ("author", Identity::Author),
        ("'@a.example'", Identity::Fixed("@a.example".to_owned())),
        ("joe@news.a.example", Identity::Fixed("joe@news.a.example".to_owned())),
        ("'@$senderdomain'", Identity::AtAuthorDomain(String::new())),
        ("'list@$senderdomain'", Identity::AtAuthorDomain("list".to_owned())),
    ] {
        let rule = rule(&format!("{{domain: a.example, selector: s, keyfile: k, identity: {text}}}"));
        let Action::Sign(templates) = &rule.rule.action else { panic!("{text}") };
        let Style::Dkim(style) = &*templates[0].style else { panic!("{text}") };
        assert_eq!(style.identity, expected, "{text}");
    }
}

#[test]
fn recipients_are_named_as_authors_are() {
    let rule = rule(
        "{domain: d.example, selector: s, keyfile: k, dual: true, rcpt: [a.example, joe@b.example], \
         rcpt_match: all, single_for: '*@*.old.example'}",
    )
    .rule;
    let patterns =
        vec![AddressPattern::Domain(domain("a.example")), AddressPattern::Address(mailbox("joe@b.example"))];
    assert_eq!(rule.conditions.recipients, RecipientPatterns { patterns, every: true });
    assert_eq!(rule.single_for, [AddressPattern::Glob(Glob::new("*@*.old.example"))]);
    assert_eq!(
        problems("sign:\n  - {domain: d.example, selector: s, keyfile: k, single_for: a.example}\n"),
        ["`single_for` stands in a rule that makes one signature only"]
    );
    assert_eq!(
        problems("sign:\n  - {domain: d.example, none: why, rcpt_match: all}\n"),
        ["`rcpt_match` says how `rcpt` is meant, and there is none"]
    );
}

#[test]
fn authors_are_named_in_many_ways() {
    let author = |words: &str| rule(&format!("{{domain: d.example, selector: s, keyfile: k, {words}}}"));
    for (words, pattern) in [
        ("author: example.org", AddressPattern::Domain(domain("example.org"))),
        ("author: '*@example.org'", AddressPattern::Domain(domain("example.org"))),
        ("author: example.org, subdomains: true", AddressPattern::Within(domain("example.org"))),
        ("author: joe@example.org", AddressPattern::Address(mailbox("joe@example.org"))),
        ("author: joe@example.org, extensions: true", AddressPattern::Extended(mailbox("joe@example.org"))),
        ("author: '*-news@*.example.org'", AddressPattern::Glob(Glob::new("*-news@*.example.org"))),
        ("author: jö@bücher.example", AddressPattern::Address(mailbox("jö@bücher.example"))),
    ] {
        let rule = author(words);
        assert_eq!(rule.rule.conditions.author, [pattern], "{words}");
        let Action::Sign(templates) = &rule.rule.action else { panic!("{words}") };
        assert_eq!(templates[0].domain, SigningDomain::Fixed(domain("d.example")), "{words}");
    }
}

#[test]
fn all_conditions_of_a_rule() {
    let rule = rule(
        "{name: news, domain: example.org, selector: s, keyfile: k, mail_from: [<>, bounces@example.org], \
         list_id: announce.example.org, client: [192.0.2.0/24, '::1'], listener: 127.0.0.1:10027, \
         xforward: {source: LOCAL, login: '*@example.org'}, sign_again: true, \
         agree: {with: login, in: address, otherwise: refuse}}",
    )
    .rule;
    assert_eq!(rule.name, "news");
    let conditions = &rule.conditions;
    let bounces = AddressPattern::Address(mailbox("bounces@example.org"));
    assert_eq!(conditions.reverse_path, [ReversePathPattern::Null, ReversePathPattern::Address(bounces)]);
    assert_eq!(conditions.list_id, [Glob::new("announce.example.org")]);
    assert_eq!(
        conditions.client.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["192.0.2.0/24", "::1/128"]
    );
    assert_eq!(conditions.listener, ["127.0.0.1:10027"]);
    assert_eq!(
        conditions.attributes,
        [(Attribute::Source, Glob::new("local")), (Attribute::Login, Glob::new("*@example.org"))]
    );
    let agreement = Agreement { with: Witness::Login, extent: Extent::Address, realm: None, refuse: true };
    assert_eq!((rule.agreement.as_deref(), rule.sign_again), (Some(&agreement), true));
}

#[test]
fn a_rule_may_leave_mail_alone_or_refuse_it() {
    let rule = |text| rule(text).rule;
    let none = rule("{domain: example.org, subdomains: true, none: signed by the news server}");
    assert!(matches!(&none.action, Action::Leave(reason) if reason == "signed by the news server"));
    assert_eq!(none.conditions.author, [AddressPattern::Within(domain("example.org"))]);
    let refuse = rule("{xforward: {login: guest}, refuse: Guests do not send}");
    let Action::Refuse(refusal) = &refuse.action else { panic!("refuses") };
    assert_eq!((refusal.code, refusal.enhanced, refusal.text.as_str()), (550, "5.7.1", "Guests do not send"));
}

#[test]
fn what_holds_for_all_rules() {
    let (outbound, _) = read(
        "match: first\non_fault: unsigned\nkey_cache: 7\nwatch_keys: false\nbounce_domain: example.org\n\
         sign:\n  - {domain: example.org, selector: s, keyfile: k}\n",
    );
    assert_eq!((outbound.matching, outbound.on_fault), (Matching::First, OnFault::Leave.into()));
    assert_eq!((outbound.key_cache, outbound.watch_keys), (Some(7), false));
    assert_eq!(outbound.bounce_domain.unwrap().value, domain("example.org"));
}

#[test]
fn two_signatures_by_one_word() {
    let rule = rule("{domain: example.org, selector: s1, keyfile: keys/s1.pem, dual: true, generate: true}");
    let keys: Vec<_> = rule
        .keys
        .iter()
        .map(|key| (key.selector.value.as_str(), key.keyfile.value.to_str().unwrap(), key.algorithm))
        .collect();
    assert_eq!(
        keys,
        [
            ("s1", "etc/keys/s1.pem", Some(dkim::Algorithm::RsaSha256)),
            ("s1-ed25519", "etc/keys/s1-ed25519.pem", Some(dkim::Algorithm::Ed25519Sha256)),
        ]
    );
    assert!(rule.keys.iter().all(|key| key.generate));
}

#[test]
fn domainkeys_comes_with_a_warning() {
    let (_, warnings) =
        read("sign:\n  - {domain: example.org, selector: s, keyfile: k, signature: domainkeys(c=nofws)}\n");
    assert_eq!(
        warnings,
        ["DomainKeys signatures (RFC 4870) are of rsa-sha1, and hardly anybody verifies them"]
    );
}

#[test]
fn a_hundred_signatures_of_one_style_share_it() {
    let rule = |n| format!("  - {{domain: d{n}.example, selector: s, keyfile: k{n}}}\n");
    let rules: String = (0..100).map(rule).collect();
    let (outbound, _) = read(&format!("sign:\n{rules}"));
    let styles: Vec<_> = outbound
        .rules()
        .map(|rule| match &rule.rule.action {
            Action::Sign(templates) => std::sync::Arc::as_ptr(&templates[0].style),
            _ => panic!("signs"),
        })
        .collect();
    assert!(styles.iter().all(|style| *style == styles[0]));
}

#[test]
fn what_rules_cannot_be_says_why() {
    for (rule, problem) in [
        (
            "{author: '*@*.org', selector: s, keyfile: k}",
            "`*@*.org` is for authors of any domain, and nothing says which one signs",
        ),
        (
            "{author: joe@, domain: a.example, selector: s, keyfile: k}",
            "`author` is `joe@`, which is no address (malformed address)",
        ),
        (
            "{author: joe@a.example, domain: [a.example, b.example], selector: s, keyfile: k}",
            "`author` says whose mail is signed, and `domain` names more than one that signs",
        ),
        (
            "{domain: [a.example, A.Example], selector: s, keyfile: k}",
            "`a.example` stands twice in this rule",
        ),
        ("{domain: a.example, none: x, refuse: y}", "`none` and `refuse` exclude each other"),
        ("{domain: a.example, none: x, selector: s}", "a rule that does not sign has no `selector`"),
        ("{domain: a.example, refuse: 'nö'}", "`refuse` is `nö`, which is not one short line of ASCII"),
        ("{domain: a.example, selector: s, keyfile: k, agree: {in: domain}}", "`with` is missing in `agree`"),
        (
            "{domain: a.example, selector: s, keyfile: k, agree: {with: helo}}",
            "`with` is `helo`, which is none of its words",
        ),
        (
            "{domain: a.example, selector: s, keyfile: k, list_id: <a.b>}",
            "`list_id` is `<a.b>`, which is more or less than what stands between the angle brackets",
        ),
        (
            "{domain: a.example, selector: s, keyfile: k, client: [10.0.0.1/8]}",
            "`client` is `10.0.0.1/8`, which has bits beyond its prefix: probably `10.0.0.0/8`",
        ),
        (
            "{domain: a.example, selector: s, keyfile: k, xforward: {addr: 10.0.0.1}}",
            "unknown key `addr` in `xforward`",
        ),
        (
            "{domain: a.example, selector: s, keyfile: k, listener: 127.0.0.1:25}",
            "rule 1 is for the listener `127.0.0.1:25`, where this file does not listen",
        ),
        (
            "{domain: a.example, selector: s, keyfile: k, dual: true, algorithm: rsa-sha256}",
            "`dual` makes an RSA and an Ed25519 signature, and `algorithm` names one of them",
        ),
        ("{sender_map: a, listid_map: b}", "`sender_map` and `listid_map` are two tables"),
        ("{signing_table: refile:a}", "`key_table` is missing in rule 1"),
        (
            "{signing_table: 'mysql:a', key_table: b}",
            "`signing_table` is `mysql:a`, and a data set of the type `mysql` cannot be read here",
        ),
        ("{directory: keys, selector: s}", "unknown key `selector` in rule 1"),
    ] {
        assert!(
            problems(&format!("sign:\n  - {rule}\n")).contains(&problem.to_owned()),
            "{rule}: {:?}",
            problems(&format!("sign:\n  - {rule}\n"))
        );
    }
    assert_eq!(
        problems("match: last\non_fault: open\nsign:\n  - {domain: a.example, selector: s, keyfile: k}\n"),
        ["`match` is `last`, which is none of its words", "`on_fault` is `open`, which is none of its words"]
    );
}

#[test]
fn each_fault_may_have_its_own_word_and_the_others_defer() {
    let text = |on_fault: &str| {
        format!(
            "role: outbound\nlisten: 127.0.0.1:1\nrelay: 127.0.0.1:2\non_fault: {on_fault}\nsign:\n  - {{domain: a.example, selector: s, keyfile: k}}\n"
        )
    };
    let read = |on_fault: &str| match super::config(&text(on_fault)).engine {
        crate::Engine::Outbound(outbound) => outbound.on_fault,
        crate::Engine::Inbound(_) => unreachable!("it signs"),
    };
    let (defer, leave) = (OnFault::Defer, OnFault::Leave);
    let all = |missing, unreadable, unpublished| FaultMeasures { missing, unreadable, unpublished };
    assert_eq!(read("unsigned"), all(leave, leave, leave));
    assert_eq!(read("{unpublished: unsigned}"), all(defer, defer, leave));
    assert_eq!(
        read("{missing: unsigned, unreadable: unsigned, unpublished: defer}"),
        all(leave, leave, defer)
    );
    for (on_fault, problem) in [
        ("{missing: never}", "`missing` is `never`, which is none of its words"),
        ("{lost: defer}", "unknown key `lost` in `on_fault`"),
        ("[defer]", "`on_fault` is a list"),
    ] {
        let report = super::parse(&text(on_fault)).unwrap_err();
        let found: Vec<String> = report.faults().iter().map(|fault| fault.cause.to_string()).collect();
        assert_eq!(found, [problem], "{on_fault}");
    }
}

/// What a hundred thousand rules would take up a hundred thousand times.
#[test]
fn a_rule_is_held_once_and_its_lists_leave_no_room_to_spare() {
    let rule = |domain| format!("  - {{domain: {domain}, selector: s1, keyfile: s1.pem}}\n");
    let config = super::config(&format!("{HEAD}sign:\n{}{}", rule("a.example"), rule("b.example")));
    let rules = crate::rules(&config);
    let Engine::Outbound(outbound) = &config.engine else { panic!("not outbound") };
    assert_eq!((outbound.rules().count(), rules.table.rules().len()), (2, 2));
    for (own, in_table) in outbound.rules().zip(rules.table.rules()) {
        assert!(Arc::ptr_eq(&own.rule, in_table));
        let Action::Sign(templates) = &own.rule.action else { panic!("signs") };
        let room = (own.rule.conditions.author.capacity(), templates.capacity(), own.keys.capacity());
        assert_eq!(room, (1, 1, 1));
    }
    assert!(size_of::<crate::Entry>() <= 64);
}
