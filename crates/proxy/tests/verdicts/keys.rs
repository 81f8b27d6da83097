//! What a published key says, and what the DNS has to say.

use crate::desk::{Desk, status, text};
use crate::{MESSAGE, NAME, P, TAGS, Trial, record, signed};
use serde_json::json;

#[test]
fn a_key_record_is_taken_by_the_letter() {
    let desk = Desk::new();
    let message = signed(&desk, &format!("{TAGS}; i=@sub.example.org"), MESSAGE);
    let key = |tags: &str| format!("{tags}; k=ed25519; p={P}");
    let spki = format!("k=ed25519; p=MCowBQYDK2VwAyEA{P}");
    let (head, tail) = P.split_at(20);
    for (record, expected) in [
        (record(), "pass"),
        (record().replace("; ", ";") + ";", "pass"),
        (format!("v = DKIM1 ; k\t= ed25519 ; p = {head} \t{tail} ; "), "pass"),
        (format!("k=ed25519;\r\n\tp={head}\r\n\t{tail}"), "pass"),
        (format!("p={P}; k=ED25519"), "pass"),
        (record().trim_end_matches('=').to_owned(), "pass"),
        (spki, "pass"),
        (key("v=DKIM1; h=sha256"), "pass"),
        (key("v=DKIM1; h=sha1 : sha256:sha3"), "pass"),
        (key("v=DKIM1; s=email"), "pass"),
        (key("v=DKIM1; s=*:tlsrpt"), "pass"),
        (key("v=DKIM1; t=y"), "pass"),
        (key("v=DKIM1; t=unknown:y"), "pass"),
        (key("v=DKIM1; g=; n=note =20 x; x-1=y").replace("; x-1=y", "; x1=y"), "pass"),
        (key("v=DKIM1; g=other; n="), "pass"),
        (key("K=rsa; P=; V=DKIM2"), "pass"),
        (key("v=DKIM1; h=sha1"), "permerror: inappropriate hash algorithm"),
        (key("v=DKIM1; h="), "permerror: inappropriate hash algorithm"),
        (key("v=DKIM1; s=tlsrpt"), "permerror: key is not for electronic mail"),
        (key("v=DKIM1; s="), "permerror: key is not for electronic mail"),
        (key("v=DKIM1; t=s"), "permerror: key forbids an identity in a subdomain"),
        (key("v=DKIM1; t=y : s"), "permerror: key forbids an identity in a subdomain"),
        ("v=DKIM1; k=ed25519; p=".to_owned(), "permerror: key revoked"),
        ("v=DKIM1; p= \t".to_owned(), "permerror: key revoked"),
        ("p=".to_owned(), "permerror: key revoked"),
        (key("v=DKIM2"), "permerror: key record unusable"),
        (key("v=dkim1"), "permerror: key record unusable"),
        (key("n=x; v=DKIM1"), "permerror: key record unusable"),
        (key("v=DKIM1; v=DKIM1"), "permerror: key record unusable"),
        (key("v=DKIM1; ; t=y"), "permerror: key record unusable"),
        (key("v=DKIM1; t"), "permerror: key record unusable"),
        (key("v=DKIM1; x-y=z"), "permerror: key record unusable"),
        (key("\"v=DKIM1"), "permerror: key record unusable"),
        ("v=DKIM1; k=ed25519".to_owned(), "permerror: key record unusable"),
        (record().replace("ed25519", "ed448"), "permerror: key record unusable"),
        (record().replace("k=ed25519; ", ""), "permerror: key record unusable"),
        (record() + "*", "permerror: key record unusable"),
        (record().replace("p=", "p=YWFh"), "permerror: key record unusable"),
        (record().replace(P, &P[..30]), "permerror: key record unusable"),
        ("v=spf1 -all".to_owned(), "permerror: key record unusable"),
        (String::new(), "permerror: key record unusable"),
    ] {
        let trial = Trial::of(&desk, &message).zone(&json!({ NAME: record }));
        assert_eq!(trial.said(), expected, "{record:?}");
    }
    let testing = Trial::of(&desk, &message).zone(&json!({ NAME: key("v=DKIM1; t=y") })).judged().1;
    let field = testing["authentication_results"].as_str().unwrap();
    assert!(field.contains("dkim=pass (256-bit key, testing) "), "{field}");
}

#[test]
fn a_zone_in_either_form_answers_as_the_dns_does() {
    let desk = Desk::new();
    let message = signed(&desk, TAGS, MESSAGE);
    let record = record();
    let (head, tail) = record.split_at(15);
    let other = "v=DKIM1; k=ed25519; p=O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik=";
    for (zone, exit, expected) in [
        (json!({ NAME: [&record] }).to_string(), 0, "pass"),
        (json!({ NAME: ["v=spf1 -all", &record] }).to_string(), 0, "pass"),
        (json!({ NAME: [other, &record] }).to_string(), 0, "pass"),
        (json!({ NAME: ["v=DKIM1; p=", &record] }).to_string(), 0, "pass"),
        (json!({ "S._DomainKey.Example.ORG.": &record }).to_string(), 0, "pass"),
        (json!({ "*._domainkey.example.org": &record }).to_string(), 0, "pass"),
        (format!("\n \t{}", json!({ NAME: &record })), 0, "pass"),
        (json!({ NAME: other }).to_string(), 1, "fail: signature did not verify"),
        (json!({ NAME: null }).to_string(), 1, "permerror: no key for signature"),
        (json!({ NAME: [] }).to_string(), 1, "permerror: no key for signature"),
        ("{}".to_owned(), 1, "permerror: no key for signature"),
        (String::new(), 1, "permerror: no key for signature"),
        (json!({ NAME: { "error": "timeout" } }).to_string(), 75, "temperror: key unavailable"),
        (json!({ NAME: { "error": "servfail" } }).to_string(), 75, "temperror: key unavailable"),
        (format!("{NAME}. 300 IN TXT \"{record}\"\n"), 0, "pass"),
        (format!("{NAME} TXT ( \"{head}\"\n\t\"{tail}\" ) ; the key\n"), 0, "pass"),
        (format!("$ORIGIN example.org.\n$TTL 1h\ns._domainkey TXT \"{record}\"\n"), 0, "pass"),
        (format!("$ORIGIN example.org.\ns._domainkey CNAME k\nk TXT \"{record}\"\n"), 0, "pass"),
        (format!("$ORIGIN example.org.\n*._domainkey TXT \"{record}\"\n"), 0, "pass"),
        (
            format!("$ORIGIN example.org.\n_domainkey A 192.0.2.1\n* TXT \"{record}\"\n"),
            1,
            "permerror: no key for signature",
        ),
        (format!("{NAME}. A 192.0.2.1\n"), 1, "permerror: no key for signature"),
        (format!("{NAME}. CNAME {NAME}.\n"), 75, "temperror: key unavailable"),
    ] {
        let trial = Trial::of(&desk, &message).zone_file(&zone);
        assert_eq!((trial.judged().0, trial.said().as_str()), (exit, expected), "{zone}");
    }
    for zone in
        ["{", "{\"a\": 5}", "{\"a\": {\"error\": \"nxdomain\"}}", "[]", "a TXT \"b\n", "hello\n", "\u{0}"]
    {
        let file = desk.file("zone", zone);
        let out = desk.run(&["verify", "--json", "--zone", &file], &message);
        assert_eq!((status(&out), out.stdout.len()), (2, 0), "{zone:?}");
        assert!(text(&out.stderr).contains("line 1"), "{}", text(&out.stderr));
    }
}
