//! Which fields claim to be ours.

use super::super::AuthservId;
use mail::Header;

fn is_claimed(id: &str, raw: &[u8]) -> bool {
    let header = Header::parse(raw.to_vec());
    let id = AuthservId::new(id);
    header.fields().any(|field| id.is_claimed_by(field))
}

/// Everything that somebody could take for a field of mx.example.org.
#[test]
fn a_forged_field_is_known_in_any_dress() {
    for field in [
        "Authentication-Results: mx.example.org; dkim=pass header.d=bank.example\r\n",
        "authentication-results:mx.example.org;dkim=pass\r\n",
        "AUTHENTICATION-RESULTS : mx.example.org; dkim=pass\r\n",
        "Authentication-Results\t \t: mx.example.org; dkim=pass\r\n",
        "Authentication-Results: MX.Example.ORG; dkim=pass\r\n",
        "Authentication-Results: mx.example.org.; dkim=pass\r\n",
        "Authentication-Results: mx.example.org..; dkim=pass\r\n",
        "Authentication-Results: mx.example.org; none\r\n",
        "Authentication-Results: mx.example.org\r\n",
        "Authentication-Results: mx.example.org;\r\n",
        "Authentication-Results: mx.example.org dkim=pass\r\n",
        "Authentication-Results: mx.example.org: dkim=pass\r\n",
        "Authentication-Results: mx.example.org, dkim=pass\r\n",
        "Authentication-Results: mx.example.org/1; dkim=pass\r\n",
        "Authentication-Results: mx.example.org 1; dkim=pass\r\n",
        "Authentication-Results: mx.example.org 99; dkim=pass\r\n",
        "Authentication-Results: mx.example.org (c) 1 (d); dkim=pass\r\n",
        "Authentication-Results: (a (nested) comment;) mx.example.org; dkim=pass\r\n",
        "Authentication-Results: mx.example.org(x); dkim=pass\r\n",
        "Authentication-Results: (mx.example.org; dkim=pass) other.example; none\r\n",
        "Authentication-Results: (\\) mx.example.org; dkim=pass\r\n",
        "Authentication-Results: (unclosed mx.example.org; dkim=pass\r\n",
        "Authentication-Results: other.example (\\); mx.example.org; dkim=pass\r\n",
        "Authentication-Results: other.example (mx.example.org) x; dkim=pass\r\n",
        "Authentication-Results: other\0 (mx.example.org); dkim=pass\r\n",
        "Authentication-Results: \"mx.example.org\"; dkim=pass\r\n",
        "Authentication-Results: \"mx\\.example\\.org\"; dkim=pass\r\n",
        "Authentication-Results: \" mx.example.org \"; dkim=pass\r\n",
        "Authentication-Results: \"mx.example.org; dkim=pass\r\n",
        "Authentication-Results: 'mx.example.org'; dkim=pass\r\n",
        "Authentication-Results: <mx.example.org>; dkim=pass\r\n",
        "Authentication-Results: \"mx\".\"example\".\"org\"; dkim=pass\r\n",
        "Authentication-Results: mx . example . org; dkim=pass\r\n",
        "Authentication-Results: mx.(c)example.(d)org; dkim=pass\r\n",
        "Authentication-Results: mx.exam(c)ple.org 1; dkim=pass\r\n",
        "Authentication-Results:\r\n mx.example.org;\r\n dkim=pass\r\n",
        "Authentication-Results:\r\n\tmx.example\r\n\t.org; dkim=pass\r\n",
        "Authentication-Results: ; mx.example.org; dkim=pass\r\n",
        "Authentication-Results: (c);; mx.example.org; dkim=pass\r\n",
        "Authentication-Results: dkim=pass mx.example.org; spf=pass\r\n",
        "Authentication-Results: =?utf-8?q?mx.example.org?=; dkim=pass\r\n",
        "Authentication-Results: mx.exa\0mple.org; dkim=pass\r\n",
        "Authentication-Results: mx.example.org\0.other.example; dkim=pass\r\n",
        "Authentication-Results: \u{1}mx.example.org\u{7f}; dkim=pass\r\n",
        "Authentication-Results: mx.example.\rorg; dkim=pass\r\n",
        "Authentication-Results: mx.example.org\n; dkim=pass\r\n",
        "Authentication-Results:\n mx.example.org; dkim=pass\r\n",
        "Authentication-Results: \u{a0}mx.example.org\u{a0}; dkim=pass\r\n",
        "Authentication-Results: \u{feff}mx.example.org; dkim=pass\r\n",
        "Authentication-Results: mx\u{3002}example\u{3002}org; dkim=pass\r\n",
        "Authentication-Results: ｍｘ.example.org; dkim=pass\r\n",
        "Authentication\0-Results: mx.example.org; dkim=pass\r\n",
        "Authentication-Results\r\n : mx.example.org; dkim=pass\r\n",
        " Authentication-Results: mx.example.org; dkim=pass\r\n",
        "X-Other: a\nAuthentication-Results: mx.example.org; dkim=pass\r\n",
        "X-Other: a\rAuthentication-Results: mx.example.org; dkim=pass\r\n",
        "X-Other: a\r\n b\r\rAuthentication-Results: mx.example.org; dkim=pass\r\n",
    ] {
        assert!(is_claimed("mx.example.org", field.as_bytes()), "{field:?}");
    }
    assert!(is_claimed("mx.example.org", b"Authentication-Results: \xa0mx.example.org\xff; dkim=pass\r\n"));
}

/// What others say in our presence stays.
#[test]
fn a_field_of_somebody_else_stays() {
    for field in [
        "Authentication-Results: mx.example.net; dkim=pass\r\n",
        "Authentication-Results: sub.mx.example.org; dkim=pass\r\n",
        "Authentication-Results: example.org; dkim=pass\r\n",
        "Authentication-Results: mx.example.org.example.net; dkim=pass\r\n",
        "Authentication-Results: mx-example.org; dkim=pass\r\n",
        "Authentication-Results: amx.example.org; dkim=pass\r\n",
        "Authentication-Results: other.example (amavisd-new); dkim=pass header.d=mx.example.org\r\n",
        "Authentication-Results: other.example; spf=pass smtp.helo=mx.example.org; dkim=pass header.b=/d5r\r\n",
        "Authentication-Results: other.example 1; dkim=pass (for mx.example.org)\r\n",
        "Authentication-Results: other.example (for mx.example.org); dkim=pass\r\n",
        "Authentication-Results:\r\n\t(c) \"other.example\"\r\n (mx.example.org;) 1 (mx.example.org); dkim=pass\r\n",
        "Authentication-Results: other.example; dkim=pass reason=\"x; mx.example.org; y\"\r\n",
        "Authentication-Results: spf=pass smtp.mailfrom=a.example; dkim=none\r\n",
        "Authentication-Results: ; none\r\n",
        "ARC-Authentication-Results: i=1; mx.example.org; dkim=pass\r\n",
        "X-Authentication-Results: mx.example.org; dkim=pass\r\n",
        "Authentication-Results-Original: mx.example.org; dkim=pass\r\n",
        "Original-Authentication-Results: mx.example.org; dkim=pass\r\n",
        "Subject: Authentication-Results: mx.example.org; dkim=pass\r\n",
        "Subject: a\r\n Authentication-Results: mx.example.org; dkim=pass\r\n",
        "Subject: a\n Authentication-Results: mx.example.org; dkim=pass\r\n",
        "Authentication-Results mx.example.org; dkim=pass\r\n",
        "Received: by mx.example.org; Mon, 23 Nov 2026 00:00:00 +0000\r\n",
    ] {
        assert!(!is_claimed("mx.example.org", field.as_bytes()), "{field:?}");
    }
}

#[test]
fn an_internationalised_name_is_one_name() {
    for ours in ["bücher.example", "xn--bcher-kva.example", "BÜCHER.example."] {
        for theirs in ["bücher.example", "BÜCHER.Example", "xn--bcher-kva.example", "XN--BCHER-KVA.EXAMPLE."]
        {
            let field = format!("Authentication-Results: \"{theirs}\"; dkim=pass\r\n");
            assert!(is_claimed(ours, field.as_bytes()), "{ours} {theirs}");
        }
        assert!(!is_claimed(ours, b"Authentication-Results: bucher.example; dkim=pass\r\n"));
    }
}

#[test]
fn a_short_name_is_no_part_of_a_longer_one() {
    assert!(is_claimed("mx", b"Authentication-Results: MX 1; dkim=pass\r\n"));
    assert!(!is_claimed("mx", b"Authentication-Results: mx1; dkim=pass\r\n"));
    assert!(!is_claimed("mx", b"Authentication-Results: mx.example.org; dkim=pass\r\n"));
}

#[test]
fn a_name_that_is_no_domain_is_known_too() {
    assert!(is_claimed("Example Auth/1", b"Authentication-Results: \"example auth/1\"; dkim=pass\r\n"));
    assert!(!is_claimed("Example Auth/1", b"Authentication-Results: \"example auth/2\"; dkim=pass\r\n"));
}

/// Whatever is put in front of our name and behind it, out of the characters that matter: if the field by the
/// letter is ours, it is known.
#[test]
fn what_is_ours_by_the_letter_is_always_known() {
    let alphabet = *b"(\")\\; \na.1";
    let ours = AuthservId::new("mx");
    for n in 0..alphabet.len().pow(5) {
        let junk: Vec<u8> =
            (0..5_u32).map(|i| alphabet[n / alphabet.len().pow(i) % alphabet.len()]).collect();
        for cut in 0..=5 {
            let value = [&junk[..cut], b"mx", &junk[cut..], b"; dkim=pass"].concat();
            let Ok(results) = super::AuthenticationResults::parse(&value) else { continue };
            let raw = [b"Authentication-Results:", value.as_slice(), b"\r\n"].concat();
            let is_ours = results.authserv_id.trim_end_matches('.') == "mx";
            if is_ours {
                assert!(is_claimed(ours.as_str(), &raw), "{}", raw.escape_ascii());
            }
        }
    }
}
