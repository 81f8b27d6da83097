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
    let written = sound(dkimproxy(&[source("out.conf", text)]).outbound.as_ref());
    assert!(written.contains("match: first\nsign:\n  - sender_map: /etc/dkimproxy/map\n    selector: s\n    keyfile: /k\n  - domain"), "{written}");
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
    let imported = opendkim(&[source("/etc/opendkim.conf", text)]);
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
    let imported = opendkim(&[source("/etc/opendkim.conf", text)]);
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

#[test]
fn every_option_has_its_line_in_the_table_of_the_manual() {
    let manual = include_str!("../../../../docs/migrating.md");
    for (name, _) in DKIMPROXY_OPTIONS.iter().chain(OPENDKIM_OPTIONS) {
        assert!(manual.contains(&format!("`{name}`")), "{name} is not in docs/migrating.md");
    }
}
