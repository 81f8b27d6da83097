use super::*;
use clap::ValueEnum;
use dkim::{KeyKind, PrivateKey, SigningKey};
use mail::Domain;

fn record(kind: KeyKind) -> Publication {
    let [domain, selector] = ["example.org", "s1"].map(|name| Domain::parse(name).unwrap());
    let key = SigningKey::generate(kind, 4096).unwrap();
    Publication::new(&domain, &selector, key.public_key()).unwrap()
}

fn only(text: &str) -> Found {
    let found = read(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(found.len(), 1, "{text}");
    found.into_iter().next().unwrap()
}

#[test]
fn what_is_written_is_read_again_in_every_form() {
    for record in [record(KeyKind::Rsa), record(KeyKind::Ed25519)] {
        for &form in Form::value_variants() {
            let text = write(form, &record, 3600);
            let found = only(&text);
            assert_eq!(found.text, record.text().as_bytes(), "{text}");
            let names = [record.name().as_str(), record.relative_name()];
            match found.name {
                Some(name) => assert!(names.contains(&name.trim_end_matches('.')), "{text}"),
                None => assert_eq!(form, Form::String),
            }
        }
    }
}

/// No string is longer than one can be, wherever we split.
#[test]
fn strings_are_split_where_they_must_end() {
    let record = record(KeyKind::Rsa);
    for form in [Form::Zone, Form::Nsupdate, Form::Route53, Form::Cloudflare, Form::Powerdns] {
        let text = write(form, &record, 60).replace("\\\"", "\u{1}");
        let mark = if text.contains('\u{1}') { '\u{1}' } else { '"' };
        let strings: Vec<&str> = text.split(mark).skip(1).step_by(2).collect();
        assert!(strings.len() == 3 && strings.iter().all(|string| string.len() <= 255), "{text}");
        assert_eq!(strings.concat(), record.text());
    }
}

/// As it comes from elsewhere.
#[test]
fn forms_as_others_write_them() {
    let text = b"v=DKIM1; k=rsa; p=abc".to_vec();
    let found = |name: Option<&str>| Found { name: name.map(str::to_owned), text: text.clone() };
    for (written, name) in [
        ("v=DKIM1; k=rsa; p=abc", None),
        ("\"v=DKIM1; k=rsa; p=abc\"\n", None),
        ("\"v=DKIM1; k=rsa; \" \"p=abc\"\n", None),
        // opendkim-genkey
        (
            "s1._domainkey\tIN\tTXT\t( \"v=DKIM1; k=rsa; \"\n\t  \"p=abc\" )  ; ----- DKIM key s1 for example.org\n",
            Some("s1._domainkey"),
        ),
        (
            "$ORIGIN example.org.\n@ IN A 192.0.2.1\ns1._domainkey 60 TXT \"v=DKIM1; k=rsa; p=abc\"",
            Some("s1._domainkey.example.org"),
        ),
        (
            "server 127.0.0.1\nzone example.org\nupdate add s1._domainkey.example.org 60 TXT \"v=DKIM1; k=rsa; p=abc\"\nsend\n",
            Some("s1._domainkey.example.org"),
        ),
        (
            "# keys\n's1._domainkey.example.org:v=DKIM1; k=rsa; p\\075abc:60",
            Some("s1._domainkey.example.org"),
        ),
        (
            ":s1._domainkey.example.org:16:\\020v=DKIM1; k=rsa; \\005p=abc:60",
            Some("s1._domainkey.example.org"),
        ),
        (
            "s1._domainkey:\n  - type: TXT\n    values:\n      - v=DKIM1\\; k=rsa\\; p=abc\n",
            Some("s1._domainkey"),
        ),
        (
            r#"{"result": [{"type": "A", "name": "a", "content": "192.0.2.1"}, {"type": "TXT", "name": "s1._domainkey.example.org", "content": "v=DKIM1; k=rsa; p=abc"}]}"#,
            Some("s1._domainkey.example.org"),
        ),
        (
            r#"{"ResourceRecordSets": [{"Name": "s1._domainkey.example.org.", "Type": "TXT", "ResourceRecords": [{"Value": "\"v=DKIM1; \" \"k=rsa; p=abc\""}]}]}"#,
            Some("s1._domainkey.example.org."),
        ),
    ] {
        let written = written.trim_start_matches("# keys\n");
        assert_eq!(only(written), found(name), "{written}");
    }
}

#[test]
fn what_is_none_of_them_says_why() {
    for text in ["{", "[1", "x. TXT \"abc", "'a:\\9:60", "\"abc", "update add x. 60 TXT ("] {
        assert!(read(text).is_err(), "{text}");
    }
    assert_eq!(read("  \n").unwrap(), []);
}
