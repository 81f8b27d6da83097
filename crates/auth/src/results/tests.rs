use super::*;
use mail::Header;

mod claims;
mod foreign;

fn parse(value: &str) -> Result<AuthenticationResults, ParseError> {
    AuthenticationResults::parse(value.as_bytes())
}

fn text(results: &AuthenticationResults) -> String {
    String::from_utf8(results.write().raw().to_vec()).unwrap()
}

/// Written, and read again as another server would: from the header.
fn there_and_back(results: &AuthenticationResults) -> AuthenticationResults {
    let header = Header::parse(results.write().raw().to_vec());
    assert_eq!(header.len(), 1, "{header:?}");
    let field = header.field(0).unwrap();
    assert!(field.is(FIELD_NAME));
    AuthenticationResults::parse(field.value()).unwrap_or_else(|error| panic!("{error}: {header:?}"))
}

fn with(result: MethodResult) -> AuthenticationResults {
    AuthenticationResults { authserv_id: "mx.example.org".into(), version: None, results: vec![result] }
}

#[test]
fn a_result_as_the_inbound_listener_writes_it() {
    let result = MethodResult::new("dkim", "pass")
        .comment("2048-bit key")
        .property("header", "d", "a.example")
        .property("header", "i", "@a.example")
        .property("header", "s", "s1")
        .property("header", "a", "rsa-sha256")
        .property("header", "b", "Abc/12+4");
    assert_eq!(
        text(&with(result)),
        "Authentication-Results: mx.example.org; dkim=pass (2048-bit key)\r\n\
         \theader.d=a.example header.i=@a.example header.s=s1 header.a=rsa-sha256\r\n\
         \theader.b=\"Abc/12+4\"\r\n"
    );
}

#[test]
fn nothing_to_say_is_said() {
    let none = AuthenticationResults { authserv_id: "mx.example.org".into(), ..Default::default() };
    assert_eq!(text(&none), "Authentication-Results: mx.example.org; none\r\n");
    assert_eq!(there_and_back(&none), none);
    let versioned = AuthenticationResults { version: Some(1), ..none };
    assert_eq!(text(&versioned), "Authentication-Results: mx.example.org 1; none\r\n");
    assert_eq!(there_and_back(&versioned), versioned);
}

#[test]
fn values_are_quoted_where_they_have_to_be() {
    for (value, written) in [
        ("a.example", "a.example"),
        ("@a.example", "@a.example"),
        ("joe+x@a.example", "joe+x@a.example"),
        ("a/b=c@a.example", "a/b=c@a.example"),
        ("\"a b\"@a.example", "\"a b\"@a.example"),
        ("jö@bücher.example", "jö@bücher.example"),
        ("bücher.example", "bücher.example"),
        ("AbC/+x==", "\"AbC/+x==\""),
        ("AbC+x", "AbC+x"),
        ("", "\"\""),
        ("a b", "\"a b\""),
        ("a\"b\\c", "\"a\\\"b\\\\c\""),
        ("a@b@c", "\"a@b@c\""),
        ("a..b@c", "\"a..b@c\""),
        ("joe@", "\"joe@\""),
        ("a;b", "\"a;b\""),
        ("a\r\nX: y", "\"a??X: y\""),
    ] {
        let result = with(MethodResult::new("dkim", "pass").property("header", "x", value));
        assert!(text(&result).ends_with(&format!(" header.x={written}\r\n")), "{value:?}: {}", text(&result));
    }
}

/// Every value of up to four characters over those that matter comes back as it was.
#[test]
fn any_value_comes_back() {
    let alphabet = ['a', ' ', '"', '\\', '@', '/', ';', '(', ')', '.', 'ü', '='];
    for len in 0..=4_u32 {
        for n in 0..alphabet.len().pow(len) {
            let value: String =
                (0..len).map(|i| alphabet[n / alphabet.len().pow(i) % alphabet.len()]).collect();
            let results = AuthenticationResults {
                authserv_id: format!("{value}x"),
                version: Some(1),
                results: vec![
                    MethodResult::new("dkim", "pass")
                        .comment(value.clone())
                        .reason(value.clone())
                        .property("header", "x", value.clone())
                        .property("header", "y", value),
                    MethodResult { version: Some(1), ..MethodResult::new("spf", "none") },
                ],
            };
            assert_eq!(there_and_back(&results), results);
        }
    }
}

#[test]
fn what_cannot_be_written_spoils_nothing() {
    let evil = "x\r\nSubject: y\0\u{85}";
    let results = AuthenticationResults {
        authserv_id: evil.into(),
        version: None,
        results: vec![
            MethodResult::new("dkim", "fail").comment(evil).reason(evil).property("header", "d", evil),
        ],
    };
    let back = there_and_back(&results);
    assert_eq!(back.results[0].comment.as_deref(), Some("x??Subject: y??"));
}

#[test]
fn lines_are_no_longer_than_78_columns() {
    let mut results = with(MethodResult::new("dkim", "none"));
    for n in 0..20 {
        results.results.push(
            MethodResult::new("dkim", "fail")
                .reason("body hash did not verify")
                .property("header", "d", format!("domain-{n}.some.example.org"))
                .property("header", "b", "abc/defg"),
        );
    }
    assert!(text(&results).lines().all(|line| line.replace('\t', "        ").chars().count() <= 78));
    assert_eq!(there_and_back(&results), results);
}

/// RFC 8601, appendix B.7.
#[test]
fn the_comment_heavy_example_of_the_rfc() {
    let results = parse(
        " foo.example.net (foobar) 1 (baz);\r\n    dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n      \
         policy (A dot can go here) . (like that) expired\r\n      (this surprised me) = (as I wasn't expecting it) 1362471462",
    );
    let expected = AuthenticationResults {
        authserv_id: "foo.example.net".into(),
        version: Some(1),
        results: vec![MethodResult {
            version: Some(1),
            ..MethodResult::new("dkim", "fail").property("policy", "expired", "1362471462")
        }],
    };
    assert_eq!(results, Ok(expected));
}

/// RFC 8601, appendices B.2 to B.6, and RFC 6008, appendix A.
#[test]
fn the_other_examples_of_the_rfcs() {
    for (value, id, methods) in [
        (" example.org 1; none", "example.org", &[][..]),
        (" example.com;\r\n          spf=pass smtp.mailfrom=example.net", "example.com", &["spf"]),
        (
            " example.com;\r\n          auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n          spf=pass smtp.mailfrom=example.net",
            "example.com",
            &["auth", "spf"],
        ),
        (" example.com; iprev=pass\r\n      policy.iprev=192.0.2.200", "example.com", &["iprev"]),
        (
            " example.com;\r\n      dkim=pass reason=\"good signature\"\r\n        header.i=@mail-router.example.net;\r\n      dkim=fail reason=\"bad signature\"\r\n        header.i=@newyork.example.com",
            "example.com",
            &["dkim", "dkim"],
        ),
        (
            " mail-router.example.net;\r\n      dkim=pass (good signature) header.d=newyork.example.com\r\n            header.b=oINEO8hg;\r\n      dkim=fail (bad signature) header.d=newyork.example.com\r\n            header.b=EToRSuvU",
            "mail-router.example.net",
            &["dkim", "dkim"],
        ),
    ] {
        let results = parse(value).unwrap_or_else(|error| panic!("{error}: {value}"));
        assert_eq!(results.authserv_id, id);
        assert_eq!(results.results.iter().map(|result| result.method.as_str()).collect::<Vec<_>>(), methods);
        assert_eq!(there_and_back(&results), results);
    }
}

#[test]
fn what_is_not_well_formed_says_why() {
    for (value, error) in [
        ("", ParseError::AuthservId),
        (" ; dkim=pass", ParseError::AuthservId),
        (" a.example", ParseError::Method),
        (" a.example;", ParseError::Method),
        (" a.example dkim=pass", ParseError::Semicolon),
        (" a.example 1x; none", ParseError::Semicolon),
        (" a.example 99999999999; none", ParseError::Version),
        (" a.example; dkim", ParseError::Method),
        (" a.example; dkim=", ParseError::Method),
        (" a.example; dkim=pass;", ParseError::Method),
        (" a.example; dkim=pass header", ParseError::Property),
        (" a.example; dkim=pass header.d", ParseError::Property),
        (" a.example; dkim=pass header.d=", ParseError::Value),
        (" a.example; dkim=pass header.b=/d5r", ParseError::Value),
        (" a.example; dkim=pass header.x=\"a\"b", ParseError::Value),
        (" a.example; dkim=pass reason=a reason=b", ParseError::Property),
        (" a.example; dkim=pass (x", ParseError::Comment),
        (" \"a.example; dkim=pass", ParseError::QuotedString),
        (" a/example; dkim=pass", ParseError::Semicolon),
        (" a.example; dkim=pa\0ss", ParseError::Control),
        (" a.example; dkim=pass\r\nX: y", ParseError::Control),
        (" a.example\n; dkim=pass", ParseError::Control),
    ] {
        assert_eq!(parse(value), Err(error), "{value:?}");
    }
    assert_eq!(
        AuthenticationResults::parse(b" a.example; dkim=pass header.x=\xff"),
        Err(ParseError::NotUtf8)
    );
}
