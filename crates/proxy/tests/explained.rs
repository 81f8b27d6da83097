//! `dkimgate verify --explain`: for each usual way in which a signature breaks, what is said of it.

#![allow(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]

mod desk;

use desk::{Desk, json, status, text};
use serde_json::{Value, json};

const NAME: &str = "rsa._domainkey.example.org";
const HEADER: &str = "From: Joe <joe@example.org>\r\nTo: b@b.example,\r\n c@b.example\r\nSubject: Hello\r\n\
    MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=-x\"\r\nContent-Transfer-Encoding: 8bit\r\n";
const BODY: &str = "--=-x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
    Gr\u{fc}\u{df}e \r\n--\r\nJoe\r\n--=-x--\r\n";
const FIELDS: &str = "From:To:Subject:Subject:Content-Transfer-Encoding";

/// A signed message, and the record of its key.
struct Signed<'a> {
    desk: &'a Desk,
    message: String,
    record: String,
}

impl<'a> Signed<'a> {
    fn new(desk: &'a Desk, canonicalization: &str) -> Self {
        let (key, zone) = desk.key("rsa");
        let zone = std::fs::read_to_string(zone).unwrap();
        // The strings of the line, put together.
        let record = zone.split('"').skip(1).step_by(2).collect();
        let arguments = ["sign", "--domain", "example.org", "--selector", "rsa", "--key", &key];
        let more = ["--canonicalization", canonicalization, "--fields", FIELDS];
        let out = desk.run(&[&arguments[..], &more].concat(), format!("{HEADER}\r\n{BODY}"));
        assert_eq!(status(&out), 0, "{}", text(&out.stderr));
        Self { desk, message: text(&out.stdout), record }
    }

    /// The codes of what is found, and all that is told of it.
    fn found(&self, message: &str, zone: &Value) -> (Vec<String>, String) {
        let zone = self.desk.file("zone.json", zone.to_string());
        let arguments = ["verify", "--raw", "--explain", "--zone", &zone];
        let found = json(&self.desk.run(&[&arguments[..], &["--json"]].concat(), message));
        let explanation = found["signatures"][0]["explanation"].as_array().unwrap().clone();
        let told = text(&self.desk.run(&arguments, message).stdout);
        for one in &explanation {
            for part in ["text", "remedy"].map(|part| one[part].as_str()).into_iter().flatten() {
                assert!(told.contains(part), "{part:?} is in the JSON, and not in:\n{told}");
            }
        }
        let codes = explanation.iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect();
        (codes, told)
    }

    fn after(&self, message: &str) -> (Vec<String>, String) {
        self.found(message, &json!({ NAME: self.record }))
    }
}

#[test]
fn what_happened_to_a_message_on_its_way_is_found() {
    let desk = Desk::new();
    let simple = Signed::new(&desk, "simple/simple");
    let desk = Desk::new();
    let relaxed = Signed::new(&desk, "relaxed/relaxed");
    let quoted = BODY
        .replace("Encoding: 8bit", "Encoding: quoted-printable")
        .replace("\u{fc}\u{df}e ", "=C3=BC=C3=9F=\r\ne=20");
    for (signed, from, to, codes, told) in [
        (&relaxed, "", "", &[][..], "pass"),
        (
            &relaxed,
            BODY,
            &*format!("{BODY}-- \r\nA list\r\n"),
            &["reason", "body-footer", "header-intact"],
            "13 octets",
        ),
        (
            &relaxed,
            BODY,
            &format!("CAUTION!\r\n{BODY}"),
            &["reason", "body-banner", "header-intact"],
            "CAUTION!",
        ),
        (
            &simple,
            "Joe\r\n--=-x--\r\n",
            "Joe\n--=-x--\n",
            &["reason", "body-line-ends", "header-intact"],
            "CR LF",
        ),
        (&relaxed, BODY, &quoted, &["reason", "body-encoded", "header-intact"], "quoted-printable"),
        (&relaxed, "\r\nJoe", "\r\n.Joe", &["reason", "body-dots", "header-intact"], "dots"),
        (
            &relaxed,
            "Joe\r\n--=-x",
            "Jim\r\n--=-x",
            &["reason", "body-changed", "header-intact"],
            "the body was changed",
        ),
        (
            &relaxed,
            "Subject: Hello",
            "Subject: [list] Hello",
            &["reason", "body-intact", "subject-prefix"],
            "[list]",
        ),
        (
            &relaxed,
            "Subject: Hello\r\n",
            "Subject: Hello\r\nSubject: x\r\n",
            &["reason", "body-intact", "field-added"],
            "a field Subject was added",
        ),
        (
            &simple,
            "b.example,\r\n c@",
            "b.example,\r\n\tc@",
            &["reason", "body-intact", "field-refolded"],
            "folded anew",
        ),
        (
            &relaxed,
            "Subject: Hello",
            "Subject: Bye",
            &["reason", "body-intact", "header-changed"],
            "the key is the right one",
        ),
        (
            &relaxed,
            "From: Joe",
            "From: List <l@l.example>\r\nReply-To: Joe",
            &["reason", "body-intact", "from-rewritten"],
            "Reply-To",
        ),
    ] {
        assert!(signed.message.contains(from), "{from}");
        let (found, all) = signed.after(&signed.message.replacen(from, to, 1));
        assert_eq!(found, codes, "{to}: {all}");
        assert!(all.contains(told), "{told} in {all}");
    }
    // Signed in another form than it says.
    let claims = |message: &str| message.replace("c=relaxed/relaxed", "c=relaxed/simple");
    let (found, all) = relaxed.after(&claims(&relaxed.message));
    assert_eq!(found[1], "body-other-form", "{all}");
    // With copies of the fields in z=, it shows which one it was.
    let seeded = with_copies(&desk);
    let (found, all) = seeded.after(&seeded.message.replace("Subject: Hello", "Subject: Bye"));
    assert_eq!(found, ["reason", "body-intact", "field-differs", "field-restored"], "{all}");
    assert!(all.contains("signed as \"Hello\", and now \"Bye\""), "{all}");
}

/// The message under a signature with `z=`.
fn with_copies(desk: &Desk) -> Signed<'_> {
    let tags = "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=rsa; h=From:Subject; \
        z=From:=20Joe=20<joe@example.org>|Subject:=20Hello; bh=; b=";
    let template = desk.file("template", tags);
    let out = desk.run(&["sign", "--key", "keys/example.org/rsa.pem", "--template", &template], HEADER);
    assert_eq!(status(&out), 0, "{}", text(&out.stderr));
    let zone = std::fs::read_to_string(desk.0.path().join("rsa.zone")).unwrap();
    Signed { desk, message: text(&out.stdout), record: zone.split('"').skip(1).step_by(2).collect() }
}

#[test]
fn what_is_wrong_with_a_published_key_is_found() {
    let desk = Desk::new();
    let signed = Signed::new(&desk, "relaxed/relaxed");
    let record = &signed.record;
    let p = record.split_once("p=").unwrap().1;
    let swap = |from: &str, to: &str| record.replacen(from, to, 1);
    let (head, tail) = record.split_at(255);
    let ed25519 = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    let at = |name: &str| json!({ name: record });
    for (zone, code, told) in [
        (json!({ NAME: ed25519 }), "key-of-other-type", "type ed25519"),
        (json!({ NAME: swap(p, &format!("{}!{}", &p[..10], &p[11..])) }), "base64", "octet"),
        (json!({ NAME: head }), "key-cut", "a piece of the record is missing"),
        (
            json!({ NAME: format!("{}{}", &record[..200], tail) }),
            "key-cut",
            "a piece of the record is missing",
        ),
        (json!({ NAME: [head, tail] }), "key-in-pieces", "one key record together"),
        (json!({ NAME: swap(p, "YOUR_PUBLIC_KEY_HERE") }), "placeholder", "placeholder"),
        (json!({ NAME: swap(p, "<public key>") }), "placeholder", "placeholder"),
        (json!({ NAME: format!("\"{record}\"") }), "quotes", "quotation marks"),
        (json!({ NAME: format!("{head}\" \"{tail}") }), "quotes", "quotation marks"),
        (json!({ NAME: record.replace("; ", "\\; ") }), "backslashes", "backslashes"),
        (json!({ NAME: swap(p, "") }), "revoked", "revoked"),
        (json!({ NAME: format!("rsa._domainkey IN TXT ( \"{record}\" )") }), "zone-line", "zone file"),
        (
            json!({ NAME: swap(p, &format!("-----BEGIN PUBLIC KEY-----{p}-----END PUBLIC KEY-----")) }),
            "armour",
            "BEGIN",
        ),
        (at("rsa1._domainkey.example.org"), "key-elsewhere", "there is one at rsa1._domainkey"),
        (at("default._domainkey.example.org"), "key-elsewhere", "there is one at default._domainkey"),
        (at("rsa._domainkey.example.org.example.org"), "key-elsewhere", "example.org.example.org"),
        (json!({}), "reason", "no key for signature"),
        (json!({ NAME: { "error": "timeout" } }), "reason", "try again"),
        (json!({ NAME: format!("{record}; s=tlsrpt") }), "reason", "add email to s="),
        (json!({ NAME: format!("{record}; h=sha1") }), "reason", "add sha256 to h="),
    ] {
        let (found, all) = signed.found(&signed.message, &zone);
        assert_eq!(found.first().map(String::as_str), Some(code), "{zone}: {all}");
        assert!(all.contains(told), "{told} in {all}");
    }
    let foreign = Desk::new();
    let stranger = Signed::new(&foreign, "relaxed/relaxed").record;
    let (found, all) = signed.found(&signed.message, &json!({ NAME: stranger }));
    assert_eq!(found, ["reason", "body-intact", "other-key"], "{all}");
}
