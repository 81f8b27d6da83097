use super::*;

fn zone(text: &str) -> Zone {
    Zone::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn txt(zone: &Zone, name: &str) -> Result<Vec<String>, LookupError> {
    let records = zone.lookup_txt(&Domain::parse(name).unwrap())?;
    Ok(records.iter().map(|record| String::from_utf8_lossy(record).into_owned()).collect())
}

fn fault(text: &str) -> (usize, ZoneFault) {
    let ZoneError { line, fault } = Zone::parse(text.as_bytes()).expect_err(text);
    (line, fault)
}

/// Every usual dress of the same record.
#[test]
fn one_record_in_all_its_dresses() {
    for text in [
        "s1._domainkey.example.org. 3600 IN TXT \"v=DKIM1; p=abc\"",
        "s1._domainkey.example.org. IN 3600 TXT \"v=DKIM1; p=abc\"\n",
        "s1._domainkey.example.org. IN TXT \"v=DKIM1; p=abc\" ; a comment\n",
        "s1._domainkey.example.org. TXT \"v=DKIM1; p=abc\"\r\n",
        "s1._domainkey.example.org. 1h30m TXT \"v=DKIM1; p=abc\"\n",
        "S1._DomainKey.Example.ORG TXT \"v=DKIM1; p=abc\"\n",
        "$ORIGIN example.org.\n$TTL 1d\ns1._domainkey IN TXT \"v=DKIM1; \" \"p=abc\"\n",
        "$ORIGIN org.\n$ORIGIN example\ns1._domainkey TXT \"v=DKIM1\" \"; p=\" \"abc\"\n",
        "s1._domainkey\tIN\tTXT\t( \"v=DKIM1; \"\n\t  \"p=abc\" )  ; ----- DKIM key s1 for example.org\n"
            .replace("s1._domainkey", "s1._domainkey.example.org.")
            .as_str(),
        "$ORIGIN example.org.\n@ TXT other\ns1._domainkey\n (\n TXT ; here\n \"v=DKIM1; p=a\" ; and there\n bc)\n"
            .replace("s1._domainkey\n", "s1._domainkey")
            .as_str(),
        "s1._domainkey.example.org. TXT v=DKIM1\\;\\032p=abc\n",
        "s1._domainkey.example.org. TXT \"v=DKIM1\\; p=\\097bc\"\n",
        "$ORIGIN _domainkey.example.org.\n@ IN NS ns\ns1 IN NS ns\n   TXT \"v=DKIM1; p=abc\"\n",
        "\u{feff}; a file\n\ns1._domainkey.example.org. TXT \"v=DKIM1; p=abc\"",
        r#"{"s1._domainkey.example.org": "v=DKIM1; p=abc"}"#,
        r#" {"S1._domainkey.Example.org.": ["v=DKIM1; p=abc"]}"#,
    ] {
        let zone = zone(text);
        assert_eq!(txt(&zone, "s1._domainkey.example.org"), Ok(vec!["v=DKIM1; p=abc".into()]), "{text}");
    }
}

/// A whole zone as a primary server has it.
#[test]
fn a_real_zone() {
    let zone = zone(
        r#"
$TTL 86400      ; a day
$ORIGIN example.org.
@       IN SOA  ns1.example.org. host\.master.example.org. (
                2026112301 ; serial
                3H 1H 1W 1D )
        IN NS   ns1
        IN MX   10 mx
        IN TXT  "v=spf1 mx -all"
        IN TXT  "site=\"a;b\" \\"
ns1     IN A    192.0.2.1
        IN AAAA 2001:db8::1
s1._domainkey 300 IN TXT ( "v=DKIM1; k=rsa; t=s"
          "; p=MIIB" "IjAN" )
s2._domainkey IN CNAME s1._domainkey
s3._domainkey IN CNAME key.example.net.
loop    CNAME   loop
*.users IN TXT  "any user"
known.users IN A 192.0.2.9
_dmarc  IN TXT  v=DMARC1
$ORIGIN example.net.
key     TYPE65280 \# 0
"#,
    );
    let key = Ok(vec!["v=DKIM1; k=rsa; t=s; p=MIIBIjAN".to_owned()]);
    assert_eq!(txt(&zone, "example.org"), Ok(vec!["v=spf1 mx -all".into(), "site=\"a;b\" \\".into()]));
    assert_eq!(txt(&zone, "s1._domainkey.example.org"), key);
    assert_eq!(txt(&zone, "s2._domainkey.example.org"), key);
    assert_eq!(txt(&zone, "s3._domainkey.example.org"), Err(LookupError::NoData));
    assert_eq!(txt(&zone, "_domainkey.example.org"), Err(LookupError::NoData), "an empty non-terminal");
    assert_eq!(txt(&zone, "ns1.example.org"), Err(LookupError::NoData));
    assert_eq!(txt(&zone, "s4._domainkey.example.org"), Err(LookupError::NoName));
    assert_eq!(txt(&zone, "other.example"), Err(LookupError::NoName));
    assert_eq!(txt(&zone, "loop.example.org"), Err(Unavailable::ServFail.into()));
    assert_eq!(txt(&zone, "a.b.users.example.org"), Ok(vec!["any user".into()]));
    assert_eq!(txt(&zone, "known.users.example.org"), Err(LookupError::NoData));
    assert_eq!(txt(&zone, "x.known.users.example.org"), Err(LookupError::NoName));
    assert_eq!(txt(&zone, "_dmarc.example.org"), Ok(vec!["v=DMARC1".into()]));
}

#[test]
fn a_fault_names_its_line() {
    for (text, line, expected) in [
        ("a TXT \"b\"\nc TXT \"d\n", 2, ZoneFault::OpenQuote),
        ("a TXT (\"b\"\n", 1, ZoneFault::Parenthesis),
        ("\na TXT \"b\" )\n", 2, ZoneFault::Parenthesis),
        ("a TXT \\256\n", 1, ZoneFault::Escape),
        ("a TXT \\1x\n", 1, ZoneFault::Escape),
        ("a TXT \"b\\", 1, ZoneFault::Escape),
        ("\n\n TXT \"b\"\n", 3, ZoneFault::NoOwner),
        ("a IN \"v=DKIM1; p=\"\n", 1, ZoneFault::Type("v=DKIM1; p=".into())),
        ("a TEXT b\n", 1, ZoneFault::Type("TEXT".into())),
        ("hello\n", 1, ZoneFault::Type(String::new())),
        ("a IN TXT\n", 1, ZoneFault::Data("TXT")),
        ("a CNAME\n", 1, ZoneFault::Data("CNAME")),
        ("a TXT b\na CNAME c\n", 2, ZoneFault::AliasWithData),
        ("a CNAME c\na TXT b\n", 2, ZoneFault::AliasWithData),
        ("$INCLUDE other\n", 1, ZoneFault::Directive("$INCLUDE".into())),
        ("$TTL soon\n", 1, ZoneFault::Directive("$TTL".into())),
        ("{\"a\": \"b\",\n\"c\": 5}", 2, ZoneFault::JsonValue("c".into())),
        ("{\"a\": [\"b\", null]}", 1, ZoneFault::JsonValue("a".into())),
        ("{\"a\": {\"error\": \"nxdomain\"}}", 1, ZoneFault::JsonValue("a".into())),
        ("{\"a\": {}}", 1, ZoneFault::JsonValue("a".into())),
    ] {
        assert_eq!(fault(text), (line, expected), "{text}");
    }
    assert!(matches!(fault("{\n\"a\": }"), (2, ZoneFault::Json(_))));
    assert!(matches!(fault("{\"a\": \"b\""), (1, ZoneFault::Json(_))));
}

#[test]
fn a_json_zone_says_all_that_a_resolver_can() {
    let zone = zone(
        r#"{
            "one.example": "text ü",
            "two.example.": ["a", "b"],
            "nothing.example": null,
            "empty.example": [],
            "slow.example": {"error": "timeout"},
            "broken.example": {"error": "servfail"},
            "bücher.example": "u-label"
        }"#,
    );
    assert_eq!(txt(&zone, "one.example"), Ok(vec!["text ü".into()]));
    assert_eq!(txt(&zone, "TWO.example."), Ok(vec!["a".into(), "b".into()]));
    assert_eq!(txt(&zone, "nothing.example"), Err(LookupError::NoData));
    assert_eq!(txt(&zone, "empty.example"), Err(LookupError::NoData));
    assert_eq!(txt(&zone, "slow.example"), Err(Unavailable::Timeout.into()));
    assert_eq!(txt(&zone, "broken.example"), Err(Unavailable::ServFail.into()));
    assert_eq!(txt(&zone, "xn--bcher-kva.example"), Ok(vec!["u-label".into()]));
    assert_eq!(txt(&zone, "example"), Err(LookupError::NoName), "a name not listed does not exist");
}

#[test]
fn nothing_at_all_is_an_empty_zone() {
    for text in ["", "\n\n", "; nothing here\n", "{}"] {
        assert_eq!(txt(&zone(text), "a.example"), Err(LookupError::NoName), "{text:?}");
    }
}

#[test]
fn octets_beyond_utf8_stay_as_they_are() {
    let zone = Zone::parse(b"a.example. TXT \"\xff\\255\"\n").unwrap();
    assert_eq!(zone.lookup_txt(&Domain::parse("a.example").unwrap()), Ok(vec![vec![0xff, 0xff]]));
}

#[test]
fn a_zone_can_be_filled_by_hand() {
    let mut zone = Zone::default();
    let name = Domain::parse("a.example").unwrap();
    zone.add_txt(&name, "one");
    zone.add_txt(&name, "two");
    assert_eq!(txt(&zone, "a.example"), Ok(vec!["one".into(), "two".into()]));
    zone.add_trouble(&name, Unavailable::Timeout);
    assert_eq!(txt(&zone, "a.example"), Err(Unavailable::Timeout.into()));
}

/// Every text of up to six octets that matter is read or refused, and never loops or panics.
#[test]
fn any_text_is_read_or_refused() {
    let alphabet = *b"a\"\\;( \n)";
    for len in 0..=6_u32 {
        for n in 0..8_usize.pow(len) {
            let tail: Vec<u8> = (0..len).map(|i| alphabet[n / 8_usize.pow(i) % 8]).collect();
            let _ = Zone::parse(&[b"a TXT ", tail.as_slice()].concat());
        }
    }
}
