//! What scripts may rely on: output and exit statuses of `sign`, `verify`, `key generate`, `check`, `run` and `demo`.

#![allow(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]

mod desk;

use desk::{Desk, json, status, text};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// The message of RFC 8463 §A.3, less its signatures.
const FOOTBALL: &str = "From: Joe SixPack <joe@football.example.com>\r\n\
    To: Suzie Q <suzie@shopping.example.net>\r\n\
    Subject: Is dinner ready?\r\n\
    Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
    Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\
    \r\n\
    Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
/// The Ed25519 signature of RFC 8463 §A.3.
const SIGNATURE: &str = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n \
    d=football.example.com; i=@football.example.com;\r\n \
    q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n \
    subject : date : message-id : from : subject : date;\r\n \
    bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n \
    b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n \
    Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n";
/// RFC 8463 §A.1 and §A.2.
const SEED: &str = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=\n";
const ZONE: &str = r#"{"brisbane._domainkey.football.example.com":
    "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="}"#;

#[test]
fn a_foreign_signature_is_made_again_byte_for_byte() {
    let desk = Desk::new();
    let key = desk.file("seed", SEED);
    let (before, b) = SIGNATURE.split_once("\r\n b=").unwrap();
    let unfolded = format!("{before}\r\n b={}\r\n", b.split_whitespace().collect::<String>());
    for (template, expected) in [
        (format!("{before}\r\n b="), &*unfolded),
        (format!("{before}\r\n b=\n"), &unfolded),
        // The blanks of a signature that is there already are kept.
        (SIGNATURE.to_owned(), SIGNATURE),
        (SIGNATURE.replace("/gCrin", "AAAAAA").replace("\r\n", "\n"), SIGNATURE),
        (unfolded.clone(), &unfolded),
    ] {
        let arguments = ["sign", "--key", &key, "--template", &desk.file("template", &template)];
        let out = desk.run(&arguments, FOOTBALL);
        assert_eq!(status(&out), 0, "{}", text(&out.stderr));
        assert_eq!(text(&out.stdout), format!("{expected}{FOOTBALL}"), "{template}");
    }
}

#[test]
fn the_json_of_verify_is_as_promised() {
    let desk = Desk::new();
    let zone = desk.file("zone.json", ZONE);
    let message = desk.file("signed.eml", format!("{SIGNATURE}{FOOTBALL}"));
    let out = desk.run(&["verify", "--zone", &zone, "--json", &message], "");
    assert_eq!(status(&out), 0);
    let expected = serde_json::json!({
        "kind": "dkim", "domain": "football.example.com", "selector": "brisbane", "algorithm": "ed25519-sha256",
        "identity": "@football.example.com", "result": "pass", "reason": null, "key_bits": 256, "b": "/gCrinpc",
    });
    let found = json(&out);
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&found["signatures"][0][name], value, "{name}");
    }
    let field = found["authentication_results"].as_str().unwrap();
    assert!(field.contains("; dkim=pass (256-bit key) header.d=football.example.com"), "{field}");
}

/// All names of values in it.
fn names(value: &serde_json::Value, found: &mut BTreeSet<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        found.insert(name.clone());
        names(value, found);
    }
    value.as_array().into_iter().flatten().for_each(|value| names(value, found));
}

#[test]
fn each_key_of_the_json_stands_in_its_documentation() {
    let documentation = include_str!("../../../docs/json.md");
    let desk = Desk::new();
    let (key, zone) = desk.key("ed25519");
    let records = format!(
        "{}_dmarc.example.org. IN TXT \"v=DMARC1; p=none\"\nexample.org. IN TXT \"v=spf1 -all\"\n",
        fs::read_to_string(&zone).unwrap()
    );
    let domain = desk.file("domain.zone", records);
    let sign = "sign:\n  - {domain: example.org, selector: ed25519, keyfile: keys/example.org/ed25519.pem}\n  \
                - {domain: example.net, selector: s, keyfile: keys/example.org/ed25519.pem}\n";
    let config =
        desk.file("proxy.yaml", format!("role: outbound\nlisten: 127.0.0.1:1\nrelay: 127.0.0.1:2\n{sign}"));
    let broken = desk.file("broken.yaml", "role: outbound\nlisten: 127.0.0.1:3\n");
    let altered = format!("{SIGNATURE}Subject: added\n{}", FOOTBALL.replace("hungry", "thirsty"));
    let one = ["key", "check", "--domain", "example.org", "--selector", "s2", "--key", &key, "--zone", &zone];
    let verify = ["verify", "--explain", "--zone", &desk.file("zone.json", ZONE)];
    let check = ["check", &config, &broken, "--zone", &domain];
    let explain = ["explain", &config, "--from", "joe@example.org"];
    let mut found = BTreeSet::new();
    for command in [&verify[..], &check, &one, &explain] {
        let out = desk.run(&[command, &["--json"]].concat(), &altered);
        names(&json(&out), &mut found);
    }
    assert!(found.len() > 35, "{found:?}");
    let missing: Vec<_> = found.iter().filter(|name| !documentation.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_json_of_explain_is_as_promised() {
    let desk = Desk::new();
    desk.key("ed25519");
    let rules = "sign:\n  - {name: ours, domain: example.org, selector: ed25519, keyfile: keys/example.org/ed25519.pem}\n  \
                 - {name: theirs, domain: example.net, refuse: Not here}\nmissing_date: fix\n";
    let config =
        desk.file("proxy.yaml", format!("role: outbound\nlisten: 127.0.0.1:1\nrelay: 127.0.0.1:2\n{rules}"));
    let said = |message: &str| {
        let out = desk.run(&["explain", &config, "--json", &desk.file("m.eml", message)], "");
        assert_eq!(status(&out), 0, "{}", text(&out.stderr));
        json(&out)
    };
    let signed = said("From: joe@example.org\r\nMessage-ID: <1@example.org>\r\n\r\nHello.\r\n");
    assert_eq!(signed["author"], "joe@example.org");
    assert_eq!(signed["rules"][0]["rule"], "ours");
    assert_eq!(signed["rules"][0]["fits"], true);
    assert_eq!(signed["rules"][0]["words"], "signs with d=example.org s=ed25519");
    assert_eq!(signed["action"], "signed");
    let fields = signed["fields"].as_array().unwrap();
    let signature = fields.iter().find(|field| field["name"] == "DKIM-Signature").unwrap();
    for (name, value) in [("domain", "example.org"), ("selector", "ed25519"), ("algorithm", "ed25519-sha256")]
    {
        assert_eq!(signature[name], value);
    }
    assert_eq!(
        signature["signed"],
        serde_json::json!(["From", "Date", "Message-ID", "From", "Date", "Message-ID"])
    );
    assert!(fields.iter().any(|field| field["name"] == "Date" && field["value"].is_string()), "{signed}");
    let refused = said("From: joe@example.net\r\n\r\nHello.\r\n");
    assert_eq!((&refused["action"], &refused["fields"]), (&"refused".into(), &serde_json::json!([])));
    let nobody = said("Subject: x\r\n\r\nHello.\r\n");
    assert_eq!((&nobody["author"], &nobody["action"]), (&serde_json::Value::Null, &"unsigned".into()));
    assert!(nobody["detail"].as_str().unwrap().contains("no From field"), "{nobody}");
}

#[test]
fn each_outcome_of_verify_has_its_exit_status() {
    let desk = Desk::new();
    let zone = desk.file("zone.json", ZONE);
    let gone = desk.file("gone.json", "{}");
    let down = desk.file("down.json", ZONE.replace("\"v=DKIM1", "{\"error\":\"timeout\"}, \"x\": \"v=DKIM1"));
    let signed = format!("{SIGNATURE}{FOOTBALL}");
    let altered = signed.replace("hungry", "thirsty");
    for (zone, message, expected) in [
        (&zone, &*signed, 0),
        (&zone, &altered, 1),
        (&zone, FOOTBALL, 1),
        (&gone, &signed, 1),
        (&down, &signed, 75),
        (&zone, "", 2),
        (&desk.file("broken.json", "{"), &signed, 2),
        (&"absent.json".to_owned(), &signed, 2),
    ] {
        let out = desk.run(&["verify", "--zone", zone], message);
        assert_eq!(status(&out), expected, "{zone}: {}{}", text(&out.stdout), text(&out.stderr));
    }
    assert_eq!(status(&desk.run(&["verify", "--nonsense"], "")), 64);
}

#[test]
fn what_is_signed_here_is_verified_here() {
    let desk = Desk::new();
    for key_type in ["rsa", "ed25519"] {
        let (key, zone) = desk.key(key_type);
        let message = "From: a@example.org\nSubject: one\n two\n\nbody \n\n\n";
        for canonicalization in ["relaxed/relaxed", "simple/simple", "relaxed/simple", "simple"] {
            let arguments = ["sign", "--domain", "example.org", "--selector", key_type, "--key", &key];
            let out =
                desk.run(&[&arguments[..], &["--canonicalization", canonicalization]].concat(), message);
            assert_eq!(status(&out), 0, "{}", text(&out.stderr));
            assert!(text(&out.stdout).ends_with(&message.replace('\n', "\r\n")));
            let verified = desk.run(&["verify", "--zone", &zone, "--raw"], &out.stdout);
            assert_eq!(status(&verified), 0, "{}", text(&verified.stdout));
        }
    }
}

#[test]
fn fields_are_signed_exactly_as_they_are_named() {
    let desk = Desk::new();
    let (key, zone) = desk.key("ed25519");
    let arguments =
        ["sign", "--domain", "example.org", "--selector", "ed25519", "--key", &key, "--time", "1000"];
    let more = [
        "--fields",
        "to:from:subject:subject",
        "--oversign",
        "From",
        "--expire",
        "60",
        "--identity",
        "x@a.example.org",
    ];
    let out = desk.run(&[&arguments[..], &more].concat(), "From: a@example.org\n\nbody\n");
    assert_eq!(status(&out), 0, "{}", text(&out.stderr));
    let printed = text(&out.stdout);
    let field = printed.replace("\r\n\t", "").replace(' ', "");
    assert!(field.contains("h=to:from:subject:subject:From;"), "{field}");
    assert!(field.contains("t=1000;x=1060;") && field.contains("i=x@a.example.org;"), "{field}");
    assert_eq!(status(&desk.run(&["verify", "--zone", &zone, "--now", "1030"], &printed)), 0);
    let expired = desk.run(&["verify", "--zone", &zone, "--now", "1361", "--json"], &printed);
    assert_eq!(status(&expired), 1);
    assert_eq!(json(&expired)["signatures"][0]["result"], "policy");
}

#[test]
fn an_identity_may_be_long_or_quoted() {
    let desk = Desk::new();
    let (key, zone) = desk.key("ed25519");
    let arguments = ["sign", "--domain", "example.org", "--selector", "ed25519", "--key", &key, "--identity"];
    let long = format!("{}@example.org", "a".repeat(200));
    for (identity, written) in [
        ("\"a b@c\"@example.org", "i==22a=20b@c=22@example.org;"),
        (&*long, &*format!("\r\n\ti={long};\r\n")),
    ] {
        let out = desk.run(&[&arguments[..], &[identity]].concat(), "From: a@example.org\n\nbody\n");
        assert_eq!(status(&out), 0, "{}", text(&out.stderr));
        assert!(text(&out.stdout).contains(written), "{}", text(&out.stdout));
        let verified = desk.run(&["verify", "--zone", &zone, "--json"], &out.stdout);
        assert_eq!(status(&verified), 0, "{}", text(&verified.stdout));
        assert_eq!(json(&verified)["signatures"][0]["identity"], identity);
    }
}

#[test]
fn a_refusal_to_sign_leaves_nothing_on_standard_output() {
    let desk = Desk::new();
    let (rsa, _) = desk.key("rsa");
    let sound = "From: a@example.org\n\nbody\n";
    let base = ["sign", "--domain", "example.org", "--selector", "s1", "--key"];
    for (more, message, expected) in [
        (vec![&*rsa, "--algorithm", "rsa-sha1"], sound, 1),
        (vec![&rsa], "Subject: nobody\n\nbody\n", 1),
        (vec![&rsa], "From: a@example.org\nFrom: b@example.org\n\nbody\n", 1),
        (vec![&rsa], "", 2),
        (vec!["absent.pem"], sound, 2),
        (vec![&desk.file("nonsense.pem", "nonsense")], sound, 2),
        (vec![&rsa, "--algorithm", "md5"], sound, 64),
        (vec![&rsa, "--canonicalization", "strict"], sound, 64),
        (vec![&rsa, "--identity", "nobody"], sound, 64),
        (vec![&rsa, "--identity", "joe@a..b"], sound, 64),
        (vec![&rsa, "--identity", "a..b@c@example.org"], sound, 64),
        (vec![&rsa, "--identity", "a b@example.org"], sound, 64),
        (vec![&rsa, "--identity", "a\nb@example.org"], sound, 64),
        (vec![&rsa, "--identity", &format!("{}@example.org", "a".repeat(990))], sound, 64),
        (vec![&rsa, "--fields", "from:sub ject"], sound, 64),
        (vec![&rsa, "--fields", ":"], sound, 64),
        (vec![&rsa, "--oversign", "to;cc"], sound, 64),
        (vec![&rsa, "--expire", "0"], sound, 64),
        (vec![&rsa, "--expire", "soon"], sound, 64),
        (vec![&rsa, "--fields", "from:dkim-signature"], sound, 64),
        (vec![&rsa, "--oversign", "from:dkim-signature"], sound, 64),
        (vec![&rsa, "--time", "18446744073709551615"], sound, 64),
        (vec![&rsa, "--time", "999999999999", "--expire", "1"], sound, 64),
        (vec![&rsa, "--expire", "18446744073709551615"], sound, 64),
        (vec![&rsa, "--kind", "domainkeys", "--fields", "from:x\ny"], sound, 64),
        (vec![&rsa, "--kind", "domainkeys", "--fields", "a b:from"], sound, 64),
        (vec![&rsa, "--kind", "domainkeys", "--fields", "from;z=1"], sound, 64),
        (vec![&rsa, "--kind", "domainkeys", "--fields", ":"], sound, 64),
        (vec![&rsa, "--kind", "domainkeys", "--expire", "60"], sound, 64),
        (vec![&rsa, "--kind", "domainkeys", "--time", "1000"], sound, 64),
        (vec![&rsa, "--kind", "domainkeys", "--oversign", "to"], sound, 64),
        (vec![&rsa, "--kind", "domainkeys", "--identity", "@example.org"], sound, 64),
        // Well formed, and no good signature would come of it.
        (vec![&rsa, "--identity", "joe@example.net"], sound, 1),
        (vec![&rsa, "--fields", "subject"], sound, 1),
    ] {
        let out = desk.run(&[&base[..], &more].concat(), message);
        assert_eq!(status(&out), expected, "{more:?}: {}", text(&out.stderr));
        assert!(out.stdout.is_empty() && !out.stderr.is_empty(), "{more:?}");
    }
    let out = desk.run(&["sign", "--domain", "localhost", "--selector", "s1", "--key", &rsa], sound);
    assert_eq!(status(&out), 64);
    assert!(out.stdout.is_empty() && text(&out.stderr).contains("no dot"), "{}", text(&out.stderr));
}

#[test]
fn domainkeys_are_signed_with_and_reported_but_are_no_dkim_pass() {
    let desk = Desk::new();
    let (key, zone) = desk.key("rsa");
    let arguments =
        ["sign", "--kind", "domainkeys", "--domain", "example.org", "--selector", "rsa", "--key", &key];
    for canonicalization in ["nofws", "simple"] {
        let out = desk.run(
            &[&arguments[..], &["--canonicalization", canonicalization]].concat(),
            "From: a@example.org\nSubject: x\n\nbody\n",
        );
        assert_eq!(status(&out), 0, "{}", text(&out.stderr));
        let verified = desk.run(&["verify", "--zone", &zone, "--json"], &out.stdout);
        let found = json(&verified);
        assert_eq!(found["signatures"][0]["kind"], "domainkeys");
        assert_eq!(found["signatures"][0]["result"], "pass", "{found}");
        assert_eq!(status(&verified), 1);
    }
}

#[test]
fn a_key_is_private_and_never_overwritten() {
    let desk = Desk::new();
    let (key, _) = desk.key("rsa");
    let path: PathBuf = desk.0.path().join(&key);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    let before = fs::read(&path).unwrap();
    assert!(before.starts_with(b"-----BEGIN PRIVATE KEY-----\n"));
    let again = desk.run(&["key", "generate", "--domain", "example.org", "--selector", "rsa"], "");
    assert_ne!(status(&again), 0);
    assert!(again.stdout.is_empty() && text(&again.stderr).contains("exists already"));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_fault_in_a_file_is_shown_with_its_place_and_status_78() {
    let desk = Desk::new();
    let head = "role: outbound\nlisten: 127.0.0.1:0\nrelay: 127.0.0.1:10028\nsign:\n  - domain: example.org\n    selector: s1\n";
    let (key, _) = desk.key("rsa");
    let open = desk.0.path().join("open.pem");
    fs::copy(desk.0.path().join(&key), &open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    desk.file("junk.pem", "no key, but a note");
    fs::set_permissions(desk.0.path().join("junk.pem"), fs::Permissions::from_mode(0o600)).unwrap();
    for (keyfile, expected) in
        [("absent.pem", "absent.pem"), ("open.pem", "chmod 0600"), ("junk.pem", "no private key")]
    {
        let file = desk.file("proxy.yaml", format!("{head}    keyfile: {keyfile}\n"));
        for command in ["check", "run"] {
            let out = desk.run(&[command, &file], "");
            let shown = text(&out.stderr);
            assert_eq!(status(&out), 78, "{command} {keyfile}: {shown}");
            assert!(shown.contains(expected) && shown.contains("proxy.yaml:7:"), "{shown}");
        }
    }
    assert_eq!(status(&desk.run(&["run"], "")), 64);
    assert_eq!(status(&desk.run(&["check", "absent.yaml"], "")), 78);
}

#[test]
fn a_port_in_use_ends_the_start() {
    let desk = Desk::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let file =
        format!("role: inbound\nlisten: {address}\nrelay: 127.0.0.1:10026\nhostname: mx.example.org\n");
    let out = desk.run(&["run", &desk.file("proxy-in.yaml", file)], "");
    let shown = text(&out.stderr);
    assert_eq!(status(&out), 78, "{shown}");
    assert!(shown.contains("cannot listen") && shown.contains("proxy-in.yaml:2:9"), "{shown}");
}

#[test]
fn the_demo_comes_out_right_in_an_empty_folder_and_leaves_it_empty() {
    let desk = Desk::new();
    let out = desk.run(&["demo"], "");
    let told = text(&out.stdout);
    assert_eq!(status(&out), 0, "{told}{}", text(&out.stderr));
    for part in ["DKIM-Signature: v=1; a=rsa-sha256;", "dkim=pass", "dkim=fail", "All came out right."] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert_eq!(fs::read_dir(&desk.0).unwrap().count(), 0);
}

#[test]
fn a_footer_is_found_out_and_the_rest_is_as_it_was() {
    let desk = Desk::new();
    let zone = desk.file("zone.json", ZONE);
    let message = desk.file("footer.eml", format!("{SIGNATURE}{FOOTBALL}-- \r\nsent by a list\r\n"));
    let out = desk.run(&["verify", "--zone", &zone, "--explain", "--json", &message], "");
    assert_eq!(status(&out), 1);
    let found = json(&out);
    let codes: Vec<_> =
        found["signatures"][0]["explanation"].as_array().unwrap().iter().map(|one| &one["code"]).collect();
    assert_eq!(codes, ["reason", "body-footer", "header-intact"]);
    let told = text(&desk.run(&["verify", "--zone", &zone, "--explain", &message], "").stdout);
    assert!(
        told.contains("sent by a list") && told.contains("sign after the program that adds the text"),
        "{told}"
    );
}
