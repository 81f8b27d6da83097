use super::*;
use crate::tests::*;
use dkim::{KeyAnswer, Report, Verification, VerifyOptions};
use filter::{Client, Refusal, Verdict};
use std::collections::HashMap;

const MESSAGE: &str = "From: Joe <joe@news.a.example>\r\nTo: b@b.example\r\nSubject: Hi\r\n\r\nHello.\r\n";

fn envelope() -> Envelope {
    Envelope { reverse_path: "joe@news.a.example".to_owned(), ..Envelope::default() }
}

fn within() -> AddressPattern {
    AddressPattern::Within(domain("a.example"))
}

/// What a receiver makes of a message.
pub(super) fn verify(message: &str) -> Vec<Report> {
    let (header, body) = Header::split(message.as_bytes());
    let zone = zone(&["a.example", "news.a.example"]);
    let mut verification = Verification::begin(&header, &VerifyOptions::default(), NOW);
    let names: Vec<_> = verification.queries().map(|(id, name)| (id, name.clone())).collect();
    let _ = verification.body(body);
    verification.finish(|id| {
        let (_, name) = names.iter().find(|(known, _)| *known == id).unwrap();
        zone.lookup_txt(name).map_or(KeyAnswer::Absent, KeyAnswer::Records)
    })
}

fn account(rules: Vec<Rule>, envelope: Envelope, message: &str) -> String {
    let decision = pass(&outbound(Matching::All, rules), envelope, message);
    format!("{}: {}", decision.account.action, decision.account.detail)
}

#[test]
fn both_keys_of_a_rule_sign_and_both_signatures_pass() {
    let engine = outbound(Matching::All, vec![rule("rule 1", within(), &["rsa", "ed25519"])]);
    let decision = pass(&engine, envelope(), MESSAGE);
    assert_eq!(decision.account.author.as_deref(), Some("joe@news.a.example"));
    assert_eq!(decision.account.action, "signed");
    assert_eq!(decision.account.detail, "d=a.example s=rsa (rule 1), d=a.example s=ed25519 (rule 1)");
    let signed = forwarded(&decision, MESSAGE);
    assert!(signed.ends_with(MESSAGE), "{signed}");
    let reports = verify(&signed);
    assert_eq!(reports.len(), 2);
    for report in reports {
        assert_eq!(report.outcome, Ok(()), "{report:?}");
        assert_eq!((report.signed_at, report.domain), (Some(NOW), Some(domain("a.example"))));
    }
}

#[test]
fn every_rule_that_fits_signs_or_only_the_first() {
    let rules = || {
        vec![
            rule("rule 1", AddressPattern::Domain(domain("other.example")), &["rsa"]),
            rule("rule 2", AddressPattern::Domain(domain("news.a.example")), &["rsa"]),
            rule("rule 3", within(), &["ed25519"]),
            rule("rule 4", AddressPattern::Domain(domain("news.a.example")), &["rsa"]),
        ]
    };
    for (matching, expected) in [
        (Matching::First, "d=news.a.example s=rsa (rule 2)"),
        (Matching::All, "d=news.a.example s=rsa (rule 2), d=a.example s=ed25519 (rule 3)"),
    ] {
        let decision = pass(&outbound(matching, rules()), envelope(), MESSAGE);
        assert_eq!(decision.account.detail, expected);
        assert!(verify(&forwarded(&decision, MESSAGE)).iter().all(|report| report.outcome.is_ok()));
    }
}

#[test]
fn what_is_not_signed_says_why_and_stays_as_it_is() {
    for (message, why) in [
        ("To: b@b.example\r\n\r\n", "no From field"),
        ("From: joe@a.example\r\nFrom: ann@a.example\r\n\r\n", "more than one From field"),
        ("From: joe@a.example, ann@b.example\r\n\r\n", "addresses of several domains in From field"),
        (
            "From: joe@a.example\r\nFr om: ann@b.example\r\n\r\n",
            "From field that two parsers read differently",
        ),
        ("From: joe@b.example\r\n\r\n", "no rule for b.example"),
    ] {
        let decision =
            pass(&outbound(Matching::All, vec![rule("rule 1", within(), &["rsa"])]), envelope(), message);
        assert_eq!((decision.account.action, decision.account.detail.as_str()), ("unsigned", why));
        assert_eq!(forwarded(&decision, message), message);
    }
}

#[test]
fn a_rule_that_leaves_mail_alone_ends_it() {
    let none = Rule {
        action: Action::Leave("newsletters are signed elsewhere".into()),
        ..rule("rule 1", within(), &[])
    };
    let signing = || rule("rule 2", within(), &["rsa"]);
    assert_eq!(
        account(vec![none.clone(), signing()], envelope(), MESSAGE),
        "unsigned: rule 1: newsletters are signed elsewhere"
    );
    assert_eq!(account(vec![signing(), none], envelope(), MESSAGE), "signed: d=a.example s=rsa (rule 2)");
}

#[test]
fn a_rule_may_refuse() {
    let refusal = Refusal { code: 550, enhanced: "5.7.1", text: "Not through here".into() };
    let refusing = Rule { action: Action::Refuse(refusal.clone()), ..rule("rule 1", within(), &[]) };
    let decision = pass(&outbound(Matching::All, vec![refusing]), envelope(), MESSAGE);
    assert!(matches!(decision.verdict, Verdict::Refuse(given) if given == refusal));
    assert_eq!((decision.account.action, decision.account.detail.as_str()), ("refused", "rule 1"));
}

/// Each condition alone, with what fits it and what does not.
#[test]
fn every_condition_counts() {
    let glob = Glob::new;
    let client = |client| Envelope { client, ..envelope() };
    let path = |path: &str| Envelope { reverse_path: path.to_owned(), ..envelope() };
    let listener = |name: &str| Envelope { listener: name.to_owned(), ..envelope() };
    let bounces = Conditions { reverse_path: vec![ReversePathPattern::Null], ..Conditions::default() };
    let sender = Conditions {
        reverse_path: vec![ReversePathPattern::Address(AddressPattern::Glob(glob("*@*.a.example")))],
        ..Conditions::default()
    };
    let network = Conditions { client: vec!["192.0.2.0/24".parse().unwrap()], ..Conditions::default() };
    let login = Conditions { attributes: vec![(Attribute::Login, glob("joe*"))], ..Conditions::default() };
    let by = Conditions { listener: vec!["submission".to_owned()], ..Conditions::default() };
    let from = |address: &str| Client { address: Some(address.parse().unwrap()), ..Client::default() };
    let joe = Client { login: Some("joe@a.example".to_owned()), ..Client::default() };
    for (conditions, fitting, other, misfit) in [
        (bounces, path(""), envelope(), "is for other envelope senders: <>"),
        (sender, envelope(), path("joe@b.example"), "is for other envelope senders: *@*.a.example"),
        (network, client(from("192.0.2.9")), client(from("192.0.3.9")), "is for other clients: 192.0.2.0/24"),
        (login, client(joe), envelope(), "is for another LOGIN: joe*, which is not known"),
        (by, listener("submission"), listener("other"), "is for another listener: submission"),
    ] {
        let rules = || vec![Rule { conditions: conditions.clone(), ..rule("rule 1", within(), &["rsa"]) }];
        assert_eq!(
            account(rules(), fitting, MESSAGE),
            "signed: d=news.a.example s=rsa (rule 1)",
            "{conditions:?}"
        );
        assert_eq!(account(rules(), other.clone(), MESSAGE), "unsigned: no rule for news.a.example");
        let explained =
            outbound(Matching::All, rules()).explain(&Header::split(MESSAGE.as_bytes()).0, &other);
        assert_eq!(explained.steps, [Step { rule: "rule 1".into(), fits: false, words: misfit.into() }]);
    }
}

#[test]
fn all_authors_must_fit_for_a_signature_and_one_for_all_else() {
    let boss =
        || AddressPattern::Address(Mailbox { local_part: "boss".to_owned(), domain: domain("a.example") });
    let leaving = || Rule { action: Action::Leave("by hand".into()), ..rule("rule 1", boss(), &[]) };
    let signing = |pattern| rule("rule 2", pattern, &["rsa"]);
    let signed = "signed: d=a.example s=rsa (rule 2)";
    for (from, left, signed_for_boss) in [
        ("boss@a.example", "unsigned: rule 1: by hand", signed),
        ("joe@a.example", signed, "unsigned: no rule for a.example"),
        ("joe@a.example, boss@a.example", "unsigned: rule 1: by hand", "unsigned: no rule for a.example"),
        ("boss@a.example, Boss <boss@a.example>", "unsigned: rule 1: by hand", signed),
    ] {
        let message = format!("From: {from}\r\n\r\n");
        assert_eq!(account(vec![leaving(), signing(within())], envelope(), &message), left, "{from}");
        assert_eq!(account(vec![signing(boss())], envelope(), &message), signed_for_boss, "{from}");
    }
}

#[test]
fn nothing_is_signed_for_a_name_of_one_label_and_no_mail_waits_for_it() {
    let rules = || vec![rule("rule 1", AddressPattern::Domain(domain("localhost")), &["rsa"])];
    let message = "From: root@localhost\r\n\r\n";
    assert_eq!(account(rules(), envelope(), message), "unsigned: no rule for localhost");
    let header = Header::split(message.as_bytes()).0;
    let explained = outbound(Matching::All, rules()).explain(&header, &envelope());
    assert_eq!(explained.steps[0].words, "does not sign with d=localhost s=rsa: d= needs two labels");
}

#[test]
fn a_line_on_top_that_continues_nothing_is_no_part_of_the_signature() {
    let message = format!(" x; l=0\r\n\t y\r\n{MESSAGE}");
    let decision =
        pass(&outbound(Matching::All, vec![rule("rule 1", within(), &["rsa"])]), envelope(), &message);
    let signed = forwarded(&decision, &message);
    assert!(signed.ends_with(MESSAGE) && !signed.contains("l=0"), "{signed}");
    assert!(verify(&signed)[0].outcome.is_ok(), "{signed}");
}

#[test]
fn a_mailing_list_is_known_by_its_identifier() {
    let conditions = Conditions { list_id: vec![Glob::new("*.lists.a.example")], ..Conditions::default() };
    let rules = || vec![Rule { conditions: conditions.clone(), ..rule("rule 1", within(), &["rsa"]) }];
    for (field, fits) in [
        ("List-Id: The <dev> list\r\n <dev.lists.a.example>\r\n", true),
        ("List-ID: Dev.Lists.A.Example\r\n", true),
        ("List-Id: <dev.lists.b.example>\r\n", false),
        ("List-Id: <dev.lists.a.example> (not <dev.lists.b.example>)\r\n", true),
        ("List-Id: (the \\) list) dev.lists.a.example\r\n", true),
        ("List-Id: \"<dev.lists.a.example>\" <dev.lists.b.example>\r\n", false),
        ("List-Id: <dev.lists.b.example>\r\nList-Id: <dev.lists.a.example>\r\n", true),
        ("", false),
    ] {
        let signed = account(rules(), envelope(), &format!("{field}{MESSAGE}")).starts_with("signed");
        assert_eq!(signed, fits, "{field}");
    }
}

#[test]
fn an_author_that_others_do_not_agree_with_is_not_signed_for() {
    let agreement = |with, extent, refuse| Some(Arc::new(Agreement { with, extent, refuse, realm: None }));
    let path = |path: &str| Envelope { reverse_path: path.to_owned(), ..Envelope::default() };
    let login = |login: &str| Envelope {
        client: Client { login: Some(login.to_owned()), ..Client::default() },
        ..Envelope::default()
    };
    let signed = "signed: d=a.example s=rsa (rule 1)";
    let disagree = |words: &str| format!("unsigned: rule 1: author and {words}");
    for (with, extent, envelope, expected) in [
        (Witness::ReversePath, Extent::Address, path("JOE@news.a.example"), signed),
        (
            Witness::ReversePath,
            Extent::Address,
            path("ann@news.a.example"),
            &disagree("envelope sender disagree (ann@news.a.example)"),
        ),
        (Witness::ReversePath, Extent::Domain, path("ann@a.example"), signed),
        (
            Witness::ReversePath,
            Extent::Domain,
            path("ann@b.example"),
            &disagree("envelope sender disagree (ann@b.example)"),
        ),
        (
            Witness::ReversePath,
            Extent::Domain,
            path("no address"),
            &disagree("envelope sender disagree (no address)"),
        ),
        (Witness::ReversePath, Extent::Domain, path(""), signed),
        (Witness::Login, Extent::Address, login("joe@news.a.example"), signed),
        (Witness::Login, Extent::Address, login("joe"), &disagree("login disagree (joe)")),
        (
            Witness::Login,
            Extent::Domain,
            Envelope::default(),
            "unsigned: rule 1: nothing is known of the login",
        ),
    ] {
        let rules =
            vec![Rule { agreement: agreement(with, extent, false), ..rule("rule 1", within(), &["rsa"]) }];
        assert_eq!(account(rules, envelope, MESSAGE), expected);
    }
    let strict = Rule {
        agreement: agreement(Witness::ReversePath, Extent::Domain, true),
        ..rule("rule 1", within(), &["rsa"])
    };
    let decision = pass(&outbound(Matching::All, vec![strict]), path("ann@b.example"), MESSAGE);
    assert!(matches!(decision.verdict, Verdict::Refuse(Refusal { code: 550, enhanced: "5.7.1", .. })));
}

#[test]
fn every_author_must_be_who_logged_in() {
    let agreement = Agreement {
        with: Witness::Received { by: None },
        extent: Extent::Address,
        realm: Some(domain("a.example")),
        refuse: false,
    };
    let rules =
        || vec![Rule { agreement: Some(Arc::new(agreement.clone())), ..rule("rule 1", within(), &["rsa"]) }];
    let queued = || Envelope {
        client: Client { ident: Some("4cYx".into()), ..Client::default() },
        ..Envelope::default()
    };
    let received = "Received: from x (x [192.0.2.7])\r\n\t(Authenticated sender: joe)\r\n\tby mx.a.example \
                    (Postfix) with ESMTPA id 4cYx; Fri, 27 Nov 2026 10:00:00 +0000\r\n";
    let signed = "signed: d=a.example s=rsa (rule 1)";
    let other = "unsigned: rule 1: author and login in Received disagree (joe)";
    let unknown = "unsigned: rule 1: nothing is known of the login in Received";
    for (from, received, envelope, expected) in [
        ("joe@a.example", received, queued(), signed),
        ("ann@a.example", received, queued(), other),
        ("joe@a.example, ann@a.example", received, queued(), other),
        ("joe@a.example", received, Envelope::default(), unknown),
        ("joe@a.example", "", queued(), unknown),
    ] {
        let message = format!("{received}From: {from}\r\n\r\n");
        assert_eq!(account(rules(), envelope, &message), expected, "{from}");
    }
}

fn to(recipients: &[&str]) -> Envelope {
    Envelope { recipients: recipients.iter().map(|&text| text.to_owned()).collect(), ..envelope() }
}

#[test]
fn a_rule_may_be_for_some_recipients() {
    let rules = |every| {
        let patterns = vec![
            AddressPattern::Domain(domain("b.example")),
            AddressPattern::Glob(Glob::new("list-*@c.example")),
        ];
        let recipients = RecipientPatterns { patterns, every };
        let conditions = Conditions { recipients, ..Conditions::default() };
        let none = Action::Leave("they sign".to_owned());
        vec![Rule::new("rule 1".to_owned(), conditions, none), rule("rule 2", within(), &["rsa"])]
    };
    for (recipients, any, all) in [
        (&["x@b.example"][..], true, true),
        (&["x@B.Example", "list-1@c.example"], true, true),
        (&["x@d.example", "x@b.example"], true, false),
        (&["x@d.example"], false, false),
        (&[], false, false),
        (&["\"x\\@y\"@b.example"], true, true),
    ] {
        for (every, fits) in [(false, any), (true, all)] {
            let left = account(rules(every), to(recipients), MESSAGE).starts_with("unsigned");
            assert_eq!(left, fits, "{recipients:?} {every}");
        }
    }
    let explained = outbound(Matching::All, rules(false))
        .explain(&Header::split(MESSAGE.as_bytes()).0, &to(&["x@d.example"]))
        .to_string();
    assert!(explained.contains("rule 1 is for other recipients: b.example, list-*@c.example"), "{explained}");
}

#[test]
fn a_recipient_may_be_spared_the_second_signature() {
    let rules = || {
        vec![Rule {
            single_for: vec![AddressPattern::Within(domain("old.example"))],
            ..rule("rule 1", within(), &["rsa", "ed25519"])
        }]
    };
    let one = "signed: d=a.example s=rsa (rule 1)";
    let both = "signed: d=a.example s=rsa (rule 1), d=a.example s=ed25519 (rule 1)";
    for (recipients, expected) in [
        (&["x@mx.old.example"][..], one),
        (&["x@b.example", "x@old.example"], one),
        (&["x@b.example"], both),
        (&[], both),
    ] {
        assert_eq!(account(rules(), to(recipients), MESSAGE), expected, "{recipients:?}");
    }
    let explained = outbound(Matching::All, rules())
        .explain(&Header::split(MESSAGE.as_bytes()).0, &to(&["x@old.example"]))
        .to_string();
    assert!(explained.contains("rule 1 makes one signature only, for x@old.example"), "{explained}");
}

#[test]
fn our_own_signature_is_not_made_twice() {
    let engine = |sign_again, keys: &[&str]| {
        outbound(Matching::All, vec![Rule { sign_again, ..rule("rule 1", within(), keys) }])
    };
    let once = forwarded(&pass(&engine(false, &["rsa"]), envelope(), MESSAGE), MESSAGE);
    let again = pass(&engine(false, &["rsa"]), envelope(), &once);
    assert_eq!((again.account.action, again.account.detail.as_str()), ("unsigned", "signed by us already"));
    assert_eq!(forwarded(&again, &once), once);
    let other = pass(&engine(false, &["rsa", "ed25519"]), envelope(), &once);
    assert_eq!(other.account.detail, "d=a.example s=ed25519 (rule 1)");
    let list = pass(&engine(true, &["rsa"]), envelope(), &once);
    assert_eq!(list.account.detail, "d=a.example s=rsa (rule 1)");
    assert_eq!(verify(&forwarded(&list, &once)).len(), 2);
}

#[test]
fn the_words_of_a_style_stand_in_the_signature() {
    let style = DkimStyle {
        canonicalization: dkim::Canonicalization::SIMPLE,
        identity: Identity::Author,
        lifetime: Some(3600),
        ..DkimStyle::default()
    };
    let template = SignatureTemplate { style: Arc::new(Style::Dkim(style)), ..template("ed25519") };
    let rules = vec![Rule { action: Action::Sign(vec![template]), ..rule("rule 1", within(), &[]) }];
    let report =
        verify(&forwarded(&pass(&outbound(Matching::All, rules), envelope(), MESSAGE), MESSAGE)).remove(0);
    assert_eq!(report.outcome, Ok(()));
    assert_eq!(report.canonicalization, Some(dkim::Canonicalization::SIMPLE));
    assert_eq!(report.identity.as_deref(), Some("joe@news.a.example"));
    assert_eq!(report.expires_at, Some(NOW + 3600));
}

#[test]
fn a_domainkeys_signature_is_made_where_it_is_asked_for() {
    let old = SignatureTemplate {
        domain: SigningDomain::Fixed(domain("news.a.example")),
        style: Arc::new(Style::DomainKeys(dkim::OldForm::Nofws)),
        ..template("rsa")
    };
    let rules = vec![Rule { action: Action::Sign(vec![old]), ..rule("rule 1", within(), &[]) }];
    let decision = pass(&outbound(Matching::All, rules), envelope(), MESSAGE);
    assert_eq!(decision.account.detail, "DomainKeys d=news.a.example s=rsa (rule 1)");
    let signed = forwarded(&decision, MESSAGE);
    assert!(signed.starts_with("DomainKey-Signature:"), "{signed}");
    assert!(
        verify(&signed).iter().all(|report| report.kind == dkim::Kind::DomainKeys && report.outcome.is_ok())
    );
}

/// A store that is out of reach.
struct Unreachable;

impl KeyStore for Unreachable {
    fn key(&self, name: &KeyName) -> Result<Arc<dyn dkim::PrivateKey>, KeyFault> {
        Err(KeyFault::Unavailable(name.clone(), Box::new(std::io::Error::other("connection refused"))))
    }
}

#[test]
fn a_signature_that_cannot_be_made_defers_the_message_unless_told_otherwise() {
    let wrong_key = SignatureTemplate {
        style: Arc::new(Style::Dkim(DkimStyle {
            algorithm: Some(dkim::Algorithm::Ed25519Sha256),
            ..DkimStyle::default()
        })),
        ..template("rsa")
    };
    for (on_fault, template, action, detail) in [
        (
            OnFault::Defer,
            template("none"),
            "deferred",
            "d=a.example s=none (rule 1): key none does not exist",
        ),
        (
            OnFault::Leave,
            template("none"),
            "unsigned",
            "d=a.example s=none (rule 1): key none does not exist",
        ),
        (
            OnFault::Defer,
            wrong_key,
            "deferred",
            "d=a.example s=rsa (rule 1): key rsa is of another type than the algorithm",
        ),
    ] {
        let rules = vec![Rule { action: Action::Sign(vec![template]), ..rule("rule 1", within(), &[]) }];
        let settings =
            OutboundSettings { rules: RuleTable::new(Matching::All, rules), on_fault: on_fault.into() };
        let decision = pass(&Outbound::new(settings, keys(), clock()), envelope(), MESSAGE);
        assert_eq!((decision.account.action, decision.account.detail.as_str()), (action, detail));
        match on_fault {
            OnFault::Defer => assert!(matches!(decision.verdict, Verdict::Refuse(Refusal { code: 451, .. }))),
            OnFault::Leave => assert_eq!(forwarded(&decision, MESSAGE), MESSAGE),
        }
    }
}

#[test]
fn a_store_out_of_reach_never_lets_mail_out_unsigned() {
    let rules = RuleTable::new(Matching::All, vec![rule("rule 1", within(), &["rsa"])]);
    let settings = OutboundSettings { rules, on_fault: OnFault::Leave.into() };
    let decision = pass(&Outbound::new(settings, Unreachable, clock()), envelope(), MESSAGE);
    assert!(matches!(decision.verdict, Verdict::Refuse(Refusal { code: 451, enhanced: "4.3.5", .. })));
    assert!(decision.account.detail.ends_with("key rsa is unavailable: connection refused"));
}

#[test]
fn what_the_client_hears_names_no_rule_and_no_key() {
    let secret = SignatureTemplate { key: KeyName::new("secret key").into(), ..template("rsa") };
    let rules = vec![Rule { action: Action::Sign(vec![secret]), ..rule("secret rule", within(), &[]) }];
    let decision = pass(&outbound(Matching::All, rules), envelope(), MESSAGE);
    let Verdict::Refuse(refusal) = decision.verdict else { panic!("{:?}", decision.verdict) };
    assert!(!refusal.text.contains("secret"), "{}", refusal.text);
    assert!(decision.account.detail.contains("secret key"), "{}", decision.account.detail);
}

#[test]
fn an_explanation_walks_the_rules_aloud() {
    let rules = vec![
        rule("rule 1", AddressPattern::Domain(domain("other.example")), &["rsa"]),
        rule("rule 2", within(), &["rsa", "ed25519"]),
    ];
    let engine = outbound(Matching::All, rules);
    let explain =
        |message: &str| engine.explain(&Header::split(message.as_bytes()).0, &envelope()).to_string();
    assert_eq!(
        explain(MESSAGE),
        "author: joe@news.a.example\n\
         rule 1 is for other authors: other.example\n\
         rule 2 signs with d=a.example s=rsa\n\
         rule 2 signs with d=a.example s=ed25519\n\
         signed: d=a.example s=rsa, d=a.example s=ed25519"
    );
    assert_eq!(explain("To: x@y.example\r\n\r\n"), "author: no From field\nunsigned: no From field");
}

/// A hundred thousand domains, of which each finds its own rules in their order.
#[test]
fn many_rules_are_found_by_domain() {
    let mut rules: Vec<Rule> = (0..100_000)
        .map(|n| {
            rule(&format!("rule {n}"), AddressPattern::Domain(domain(&format!("d{n}.example"))), &["rsa"])
        })
        .collect();
    rules.push(rule("parent", AddressPattern::Within(domain("d7.example")), &["ed25519"]));
    rules.push(rule("glob", AddressPattern::Glob(Glob::new("*@d7.*")), &["rsa"]));
    rules.push(rule("local", AddressPattern::Glob(Glob::new("a*@d7.example")), &["rsa"]));
    let table = RuleTable::new(Matching::All, rules);
    let names = |name: &str| -> Vec<&str> {
        table.candidates(&domain(name)).iter().map(|rule| rule.name.as_str()).collect()
    };
    assert_eq!(names("d99999.example"), ["rule 99999", "glob"]);
    assert_eq!(names("d7.example"), ["rule 7", "parent", "glob", "local"]);
    assert_eq!(names("sub.d7.example"), ["parent", "glob"]);
    assert_eq!(names("example"), ["glob"]);
}

#[test]
fn of_one_table_the_first_rule_that_fits_counts() {
    let tabled = |name, pattern, table| Rule { table: Some(table), ..rule(name, pattern, &["rsa"]) };
    let exact = || AddressPattern::Domain(domain("news.a.example"));
    let rules = vec![
        tabled("line 1", AddressPattern::Domain(domain("a.example")), 1),
        tabled("line 2", exact(), 1),
        tabled("line 3", within(), 1),
        Rule { table: Some(2), ..rule("other 1", within(), &["ed25519"]) },
        rule("rule 5", within(), &["rsa"]),
    ];
    assert_eq!(
        account(rules, envelope(), MESSAGE),
        "signed: d=news.a.example s=rsa (line 2), d=a.example s=ed25519 (other 1), d=a.example s=rsa (rule 5)"
    );
}

#[test]
fn the_author_may_decide_about_domain_key_and_identity() {
    let style = DkimStyle { identity: Identity::AtAuthorDomain("all".into()), ..DkimStyle::default() };
    let template = SignatureTemplate {
        domain: SigningDomain::Author,
        key: KeyChoice::ByDomain(["keys/", "/", ".pem"].map(str::to_owned).into()),
        style: Arc::new(Style::Dkim(style)),
        ..template("rsa")
    };
    let rules = vec![Rule { action: Action::Sign(vec![template]), ..rule("rule 1", within(), &[]) }];
    let explanation =
        outbound(Matching::All, rules).explain(&Header::split(MESSAGE.as_bytes()).0, &envelope());
    let Outcome::Sign(chosen) = explanation.outcome else { panic!("{explanation}") };
    assert_eq!(chosen[0].domain, domain("news.a.example"));
    assert_eq!(chosen[0].key.to_string(), "keys/news.a.example/news.a.example.pem");
    let author = mail::parse_mailboxes(b"joe@news.a.example").unwrap().remove(0);
    let request = chosen[0].request(crate::tests::rsa(), &author, NOW);
    let dkim::SignatureRequest::Dkim(request) = request else { panic!("DKIM") };
    assert_eq!(request.identity.as_deref(), Some("all@news.a.example"));
}

#[test]
fn a_domainkeys_signature_is_left_out_where_sender_is_somebody_else() {
    let old =
        SignatureTemplate { style: Arc::new(Style::DomainKeys(dkim::OldForm::Nofws)), ..template("rsa") };
    let rules = || {
        let signatures = vec![template("rsa"), old.clone()];
        vec![Rule { action: Action::Sign(signatures), ..rule("rule 1", within(), &[]) }]
    };
    for (sender, expected) in [
        ("b@b.example", "signed: d=a.example s=rsa (rule 1)"),
        ("x@a.example", "signed: d=a.example s=rsa (rule 1), DomainKeys d=a.example s=rsa (rule 1)"),
    ] {
        assert_eq!(account(rules(), envelope(), &format!("Sender: {sender}\r\n{MESSAGE}")), expected);
    }
}

/// What is known of the records, by selector.
struct Known(HashMap<&'static str, Standing>);

impl Publications for Known {
    fn standing(&self, signature: &ChosenSignature, _: &dkim::PublicKey) -> Awaited {
        let standing = self.0.get(signature.selector.as_str()).cloned();
        Box::pin(std::future::ready(standing.unwrap_or(Standing::Published)))
    }
}

/// The decision about a message that two keys sign, whose records stand like this.
fn published(on_fault: FaultMeasures, known: &[(&'static str, Standing)]) -> filter::Decision {
    let rules = RuleTable::new(Matching::All, vec![rule("rule 1", within(), &["rsa", "ed25519"])]);
    let engine = Outbound::new(OutboundSettings { rules, on_fault }, keys(), clock());
    pass(&engine.asking(Arc::new(Known(known.iter().cloned().collect()))), envelope(), MESSAGE)
}

fn absent() -> Standing {
    Standing::Unpublished("no record is published".to_owned())
}

#[test]
fn a_signature_without_a_record_is_left_out_and_the_other_one_is_made() {
    for (known, detail) in [
        (absent(), "waits for its record: no record is published"),
        (Standing::Unknown("DNS time-out".to_owned()), "its record cannot be looked up: DNS time-out"),
    ] {
        let decision = published(FaultMeasures::default(), &[("rsa", known)]);
        assert_eq!((decision.account.action, decision.account.reason), ("signed", "some"));
        let expected =
            format!("d=a.example s=ed25519 (rule 1); without d=a.example s=rsa (rule 1): {detail}");
        assert_eq!(decision.account.detail, expected);
        let reports = verify(&forwarded(&decision, MESSAGE));
        assert_eq!(reports.len(), 1);
        assert_eq!(
            (reports[0].outcome.clone(), reports[0].algorithm.as_deref()),
            (Ok(()), Some("ed25519-sha256"))
        );
    }
    assert_eq!(published(FaultMeasures::default(), &[]).account.reason, "all");
}

#[test]
fn without_any_record_the_word_for_it_decides_and_a_silent_dns_defers() {
    let unsigned = FaultMeasures { unpublished: OnFault::Leave, ..FaultMeasures::default() };
    let unknown = Standing::Unknown("DNS time-out".to_owned());
    for (on_fault, rsa, ed25519, expected) in [
        (FaultMeasures::default(), absent(), absent(), ("deferred", "unpublished")),
        (unsigned, absent(), absent(), ("unsigned", "unpublished")),
        (unsigned, absent(), unknown.clone(), ("deferred", "record_unknown")),
        (unsigned, unknown.clone(), unknown, ("deferred", "record_unknown")),
    ] {
        let decision = published(on_fault, &[("rsa", rsa), ("ed25519", ed25519)]);
        assert_eq!((decision.account.action, decision.account.reason), expected);
        match expected.0 {
            "unsigned" => assert_eq!(forwarded(&decision, MESSAGE), MESSAGE),
            _ => assert!(matches!(decision.verdict, Verdict::Refuse(Refusal { code: 451, .. }))),
        }
    }
}

#[test]
fn each_fault_has_its_own_word() {
    let unusable = SignatureTemplate {
        style: Arc::new(Style::Dkim(DkimStyle {
            algorithm: Some(dkim::Algorithm::Ed25519Sha256),
            ..DkimStyle::default()
        })),
        ..template("rsa")
    };
    let leave_missing = FaultMeasures { missing: OnFault::Leave, ..FaultMeasures::default() };
    let leave_unreadable = FaultMeasures { unreadable: OnFault::Leave, ..FaultMeasures::default() };
    for (on_fault, faulty, expected) in [
        (leave_missing, template("none"), ("signed", "some")),
        (leave_missing, unusable.clone(), ("deferred", "key_unreadable")),
        (leave_unreadable, template("none"), ("deferred", "key_missing")),
        (leave_unreadable, unusable, ("signed", "some")),
    ] {
        let sign = Action::Sign(vec![faulty, template("ed25519")]);
        let rules =
            RuleTable::new(Matching::All, vec![Rule { action: sign, ..rule("rule 1", within(), &[]) }]);
        let engine = Outbound::new(OutboundSettings { rules, on_fault }, keys(), clock());
        let decision = pass(&engine, envelope(), MESSAGE);
        assert_eq!(
            (decision.account.action, decision.account.reason),
            expected,
            "{}",
            decision.account.detail
        );
    }
}
