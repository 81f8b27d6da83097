use super::*;
use crate::read;

fn source(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), text: text.to_owned() }
}

/// What is written must be read again without a fault.
fn sound(text: Option<&String>) -> String {
    let text = text.expect("a file");
    if let Err(report) = read(source("/etc/dkimgate/proxy.yaml", text), "mx.example.org") {
        panic!("{text}\n{report}");
    }
    text.lines()
        .filter(|line| !line.trim_start().starts_with("# ") && !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

fn notes(imported: &Imported) -> String {
    imported.notes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// In the words of DKIMproxy's own example.
const OUT: &str = "\
# where to listen, and where the mail goes
listen    127.0.0.1:10027
relay     127.0.0.1:10028
domain    a.net,b.net,c.net
signature dkim(c=relaxed,a=rsa-SHA256)
signature domainkeys(c=nofws,a=rsa-SHA1)
keyfile   /etc/dkimproxy/private.key
selector  postfix
";

#[test]
fn the_files_of_dkimproxy() {
    let files = [
        source("/etc/dkimproxy/dkimproxy_out.conf", OUT),
        source(
            "/etc/dkimproxy/dkimproxy_in.conf",
            "listen 127.0.0.1:10025\nrelay 127.0.0.1:10026\nreject_fail 1\nmin_servers 4\n",
        ),
    ];
    let imported = dkimproxy(&files);
    assert_eq!(
        sound(imported.outbound.as_ref()),
        "role: outbound\nlisten: 127.0.0.1:10027\nrelay: 127.0.0.1:10028\n#on_fault: unsigned\nsign:\n  \
         - domain: [a.net, b.net, c.net]\n    subdomains: true\n    selector: postfix\n    \
         keyfile: /etc/dkimproxy/private.key\n    canonicalization: relaxed/simple\n    algorithm: rsa-sha256\n    \
         #signature: [dkim, domainkeys(c=nofws)]"
    );
    assert_eq!(
        sound(imported.inbound.as_ref()),
        "role: inbound\nlisten: 127.0.0.1:10025\nrelay: 127.0.0.1:10026\nreject_fail: true"
    );
    let notes = notes(&imported);
    assert!(
        notes.contains("dkimproxy_out.conf:6: signature: left out: hardly anybody verifies DomainKeys"),
        "{notes}"
    );
    assert!(notes.contains("dkimproxy_in.conf:4: min_servers: left out: one process serves all"), "{notes}");
    assert!(notes.contains("451"), "{notes}");
}

#[test]
fn what_dkimproxy_signed_with_rsa_sha1_is_signed_with_rsa_sha256() {
    let text =
        "domain example.org\nkeyfile k\nselector s\nsignature dkim(a=rsa-sha1)\nreject_error 1\nwombat 1\n";
    let imported = dkimproxy(&[source("out.conf", text)]);
    let written = sound(imported.outbound.as_ref());
    assert!(written.contains("algorithm: rsa-sha256") && written.contains("on_fault: defer"), "{written}");
    let notes = notes(&imported);
    assert!(notes.contains("out.conf:4: signature: rsa-sha1 may not be signed with"), "{notes}");
    assert!(notes.contains("out.conf:1: domain: DKIMproxy signed all mail as its one domain"), "{notes}");
    assert!(notes.contains("out.conf:6: wombat: not known"), "{notes}");
}

#[test]
fn a_sender_map_is_kept() {
    let text = "domain example.org\nkeyfile /k\nselector s\nsender_map /etc/dkimproxy/map\n";
    let map = "match: first\nsign:\n  - sender_map: /etc/dkimproxy/map\n    selector: s\n    keyfile: /k";
    let imported = dkimproxy(&[source("out.conf", text)]);
    let written = sound(imported.outbound.as_ref());
    assert!(written.ends_with(map), "{written}");
    assert!(notes(&imported).contains("out.conf:1: domain: left out: beside a map and without `signature`"));
    let written =
        sound(dkimproxy(&[source("out.conf", &format!("{text}signature dkim\n"))]).outbound.as_ref());
    assert!(written.contains(&format!("{map}\n  - domain: example.org\n")), "{written}");
}

#[test]
fn the_command_lines_of_an_init_script() {
    let script = "#!/bin/sh\nKEY=/var/lib/dkim/private.key\n\
                  DKIMPROXY_IN_ARGS=\"\n\t--hostname=mx.example.org\n\t127.0.0.1:10025 127.0.0.1:10026\"\n\
                  DKIMPROXY_OUT_ARGS=\"\n\t--keyfile=$KEY\n\t--selector=s1\n\t--domain=example.org --method=simple\n\t127.0.0.1:10027 127.0.0.1:10028\"\n\
                  DKIMPROXY_COMMON_ARGS=\"\n\t--user=dkim\n\t--daemonize\"\n";
    let imported = dkimproxy(&[source("/etc/init.d/dkimproxy", script)]);
    assert_eq!(
        sound(imported.inbound.as_ref()),
        "role: inbound\nlisten: 127.0.0.1:10025\nrelay: 127.0.0.1:10026\nhostname: mx.example.org"
    );
    let written = sound(imported.outbound.as_ref());
    for line in [
        "keyfile: /var/lib/dkim/private.key",
        "selector: s1",
        "domain: example.org",
        "canonicalization: simple/simple",
        "listen: 127.0.0.1:10027",
    ] {
        assert!(written.contains(line), "{line}: {written}");
    }
    assert!(notes(&imported).contains("user: left out"));
}

#[test]
fn a_plain_opendkim_configuration() {
    let text = "Syslog\tyes\nCanonicalization\trelaxed/simple\nMode\tsv\nSubDomains\tno\nOversignHeaders\tFrom\n\
                Domain\texample.com\nSelector\t2020\nKeyFile\t/etc/dkimkeys/example.private\nUserID\topendkim\n\
                Socket\tlocal:/run/opendkim/opendkim.sock\nInternalHosts\t192.168.0.0/16, 10.0.0.0/8\n\
                On-BadSignature\treject\nNameservers\t127.0.0.1,9.9.9.9\nDNSTimeout\t5\nAuthservID\tHOSTNAME\n";
    let imported = opendkim(&[source("/etc/opendkim.conf", text)], &|_| None);
    assert_eq!(
        sound(imported.outbound.as_ref()),
        "role: outbound\nlisten: 127.0.0.1:10027\nrelay: 127.0.0.1:10028\nsign:\n  - domain: example.com\n    \
         selector: 2020\n    keyfile: /etc/dkimkeys/example.private\n    canonicalization: relaxed/simple\n    oversign: from"
    );
    assert_eq!(
        sound(imported.inbound.as_ref()),
        "role: inbound\nlisten: 127.0.0.1:10025\nrelay: 127.0.0.1:10026\nreject_fail: true\ndns:\n  \
         servers: [127.0.0.1, 9.9.9.9]\n  timeout: 5s"
    );
    let notes = notes(&imported);
    for note in [
        "opendkim.conf:10: Socket: dkimgate is no milter",
        "opendkim.conf:11: InternalHosts: what comes to",
        "opendkim.conf:9: UserID: left out",
    ] {
        assert!(notes.contains(note), "{note}: {notes}");
    }
}

#[test]
fn opendkim_with_its_tables() {
    let text = "Mode s\nKeyTable refile:/etc/opendkim/key.table\nSigningTable refile:/etc/opendkim/signing.table\n\
                MultipleSignatures yes\nSignatureAlgorithm rsa-sha1\nSignHeaders From,Subject\n";
    let imported = opendkim(&[source("/etc/opendkim.conf", text)], &|_| None);
    assert_eq!(
        sound(imported.outbound.as_ref()),
        "role: outbound\nlisten: 127.0.0.1:10027\nrelay: 127.0.0.1:10028\nsign:\n  \
         - signing_table: refile:/etc/opendkim/signing.table\n    key_table: refile:/etc/opendkim/key.table\n    \
         multiple: true\n    fields: [From, Subject]"
    );
    assert_eq!(imported.inbound, None);
    let notes = notes(&imported);
    assert!(notes.contains("simple/simple") && notes.contains("rsa-sha1"), "{notes}");
}

/// In the words of the how-tos.
#[test]
fn signatures_with_options_of_their_own() {
    let text = "domain a.net,b.net\nkeyfile k.pem\nselector s\nmethod simple\nidentity @a.net\n\
                signature dkim(c=relaxed/relaxed,i=$sender)\nsignature dkim(d=c.net,s=s2,key=/k2,a=rsa-sha256)\n\
                signature dkim\nsignature dkim(d=$senderdomain,s=s3)\n";
    let imported = dkimproxy(&[source("/etc/out.conf", text)]);
    let written = sound(imported.outbound.as_ref());
    let rule = written.split_once("sign:\n").unwrap().1;
    assert_eq!(
        rule,
        "  - domain: [a.net, b.net]\n    subdomains: true\n    signatures:\n      - selector: s\n        \
         keyfile: /etc/k.pem\n        canonicalization: relaxed/relaxed\n        identity: author\n      - selector: s2\n        \
         domain: c.net\n        keyfile: /k2\n        canonicalization: simple/simple\n        algorithm: rsa-sha256\n      - selector: s3\n        \
         keyfile: /etc/k.pem\n        canonicalization: simple/simple"
    );
    let notes = notes(&imported);
    assert!(
        notes.contains("out.conf:8: signature: left out: another signature has the same domain"),
        "{notes}"
    );
    assert!(notes.contains("identity: left out of the signature with the selector s2"), "{notes}");
    assert!(notes.contains("the line `. dkim(d=$senderdomain,s=s3)`"), "{notes}");
}

#[test]
fn options_are_written_in_many_ways() {
    let text = "listen = *:10027\n--relay: localhost:10028\n# domain x.net\ndomain a.net # ours\nkeyfile\tk\nselector s\n";
    let imported = dkimproxy(&[source("/etc/out.conf", &text.replace("--", ""))]);
    let written = sound(imported.outbound.as_ref());
    for line in ["listen: 127.0.0.1:10027", "relay: 127.0.0.1:10028", "domain: a.net\n", "keyfile: /etc/k"] {
        assert!(written.contains(line), "{line}: {written}");
    }
    assert!(notes(&imported).contains("DKIMproxy listened on all addresses"));
    let script = "D=/etc/dkim\nsu -c dkimproxy.out --daemonize --keyfile $D/k.pem --selector s --domain a.net \\\n  \
                  '--signature=dkim(c=relaxed, a=rsa-sha256)' 127.0.0.1:10027 127.0.0.1:10028\n";
    let imported = dkimproxy(&[source("/etc/rc.local", script)]);
    let written = sound(imported.outbound.as_ref());
    for line in [
        "keyfile: /etc/dkim/k.pem",
        "selector: s\n",
        "canonicalization: relaxed/simple",
        "algorithm: rsa-sha256",
    ] {
        assert!(written.contains(line), "{line}: {written}");
    }
    assert_eq!(imported.inbound, None);
}

#[test]
fn what_says_nothing_to_sign_with_makes_no_file() {
    for text in [
        "keyfile k\nselector s\n",
        "domain a.net\nselector s\n",
        "signature dkim(d=$senderdomain)\nkeyfile k\n",
    ] {
        let imported = dkimproxy(&[source("out.conf", text)]);
        assert_eq!(imported.outbound, None, "{text}");
        assert!(notes(&imported).contains("nothing to sign with"), "{text}");
    }
    for (text, note) in [
        ("Mode s\n", "no KeyFile, no SigningTable"),
        ("Mode s\nKeyFile k\nSelector s\n", "Domain has to name the domains"),
        ("Mode s\nKeyFile k\nDomain *\n", "Domain has to name the domains"),
        (
            "Mode s\nKeyFile k\nDomain /etc/domains\n",
            "opendkim.conf:3: Domain: left out: /etc/domains cannot be read",
        ),
        ("Mode s\nSigningTable refile:s\n", "SigningTable: a SigningTable needs a KeyTable"),
        (
            "Mode s\nSigningTable dsn:mysql://x\nKeyTable file:k\n",
            "SigningTable: nothing is signed: no data sets in LDAP",
        ),
    ] {
        let imported = opendkim(&[source("/etc/opendkim.conf", text)], &|_| None);
        assert_eq!(imported.outbound, None, "{text}");
        assert!(notes(&imported).contains(note), "{text}: {}", notes(&imported));
    }
}

#[test]
fn lists_of_opendkim_may_stand_in_files() {
    let text = "Mode sv\nDomain file:/etc/domains\nSelector s\nKeyFile /k\nDontSignMailTo refile:lists\n\
                ExemptDomains csl:x.net, y.net\nOn-InternalError accept\nMaximumHeaders 65536\n";
    let fetch = |path: &str| match path {
        "/etc/domains" => Some("# ours\na.net\nb.net # too\n\n".to_owned()),
        "/etc/lists" => Some("*@lists.net\tx\n".to_owned()),
        _ => None,
    };
    let imported = opendkim(&[source("/etc/opendkim.conf", text)], &fetch);
    let written = sound(imported.outbound.as_ref());
    assert_eq!(
        written.split_once("10028\n").unwrap().1,
        "on_fault: unsigned\nlimits: {header: 65536}\nsign:\n  - domain: [x.net, y.net]\n    none: ExemptDomains\n  \
         - rcpt: '*@lists.net'\n    none: DontSignMailTo\n  - domain: [a.net, b.net]\n    selector: s\n    keyfile: /k"
    );
    assert!(sound(imported.inbound.as_ref()).contains("limits: {header: 65536}"));
}

/// What the packages of Debian ship must be read without a word that is not known, also with all options switched on.
#[test]
fn the_sample_files_of_opendkim_hold_no_unknown_option() {
    // Installed, or unpacked by `tests/run`.
    let unpacked = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/opendkim");
    let example = "/usr/share/doc/opendkim/examples/opendkim.conf.sample";
    let samples =
        [example.to_owned(), format!("{unpacked}{example}"), format!("{unpacked}/etc/opendkim.conf")];
    let mut seen = 0;
    for path in samples.iter().map(String::as_str) {
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        seen += 1;
        let every = text.lines().map(|line| {
            let option = line.strip_prefix('#').unwrap_or(line).trim_start();
            let name = option.split_whitespace().next().unwrap_or_default();
            let is_option = line.starts_with(|c: char| c.is_ascii_uppercase() || c == '#')
                && !line.starts_with("##")
                && name.starts_with(|c: char| c.is_ascii_uppercase())
                && option.contains('\t');
            if is_option { format!("{option}\n") } else { "\n".to_owned() }
        });
        for text in [text.clone(), every.collect()] {
            let imported = opendkim(&[source(path, &text)], &|_| None);
            let notes = notes(&imported);
            assert!(!notes.contains("not known"), "{path}: {notes}");
            let _ = sound(imported.inbound.as_ref());
        }
    }
    if seen == 0 {
        eprintln!("skipped: Debian's package opendkim is not here");
    }
}

#[test]
fn every_option_has_its_line_in_the_table_of_the_manual() {
    let manual = include_str!("../../../../docs/migrating.md");
    for (name, _) in DKIMPROXY_OPTIONS.iter().chain(OPENDKIM_OPTIONS) {
        assert!(manual.contains(&format!("`{name}`")), "{name} is not in docs/migrating.md");
    }
}
