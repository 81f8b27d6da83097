//! Every fault as the user sees it.

use super::parse;

/// What is shown of the faults of a text.
fn shown(text: &str) -> String {
    parse(text).err().map(|report| report.to_string()).unwrap_or_default()
}

fn assert_shows(text: &str, expected: &str) {
    let shown = shown(text);
    assert_eq!(shown, expected, "\n{shown}");
}

#[test]
fn an_empty_file() {
    assert_shows(
        "",
        r"  × etc/proxy.yaml: `role` is missing in the file
  help: add `role:` with `inbound` (verifies) or `outbound` (signs)

  × etc/proxy.yaml: `listen` is missing in the file
  help: add `listen:` with an IP address and a port, such as `127.0.0.1:10025` or `[::1]:10025`, a UNIX socket such as `unix:/run/dkimgate/in.sock`, or `systemd`

  × etc/proxy.yaml: `relay` is missing in the file
  help: add `relay:` with a host and a port or a UNIX socket, such as `127.0.0.1:10026`, `[::1]:10026`, `mta.example.org:10026` or `unix:/run/mta.sock`
",
    );
}

#[test]
fn a_line_that_would_fill_the_screen() {
    assert_shows(
        &format!("role: outbound\nlisten: [{}\n", "[".repeat(600)),
        r"  × etc/proxy.yaml:2:264: not YAML: recursion limit exceeded
  help: look at the indentation, and put texts with `: `, ` #` or a leading `*`, `@`, `%` in quotes
",
    );
}

#[test]
fn a_file_that_is_no_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proxy.yaml");
    std::fs::write(&path, b"role: out\xff").unwrap();
    let shown = crate::load(&path, "mx.example.org").unwrap_err().to_string();
    assert!(shown.contains("not UTF-8 from octet 10 on") && shown.contains("save it as UTF-8"), "{shown}");
}

#[test]
fn a_file_of_another_kind() {
    assert_shows(
        r"- role: inbound
",
        r"  × the file is a list, not a mapping
   ╭─[etc/proxy.yaml:1:1]
 1 │ - role: inbound
   · ▲
   ╰────
  help: write lines of the form `key: value`
",
    );
}

#[test]
fn a_role_with_a_slip() {
    assert_shows(
        r"role: inbuond
listen: 127.0.0.1:1
relay: 127.0.0.1:2
",
        r"  × `role` is `inbuond`, probably `inbound`
   ╭─[etc/proxy.yaml:1:7]
 1 │ role: inbuond
   ·       ───────
 2 │ listen: 127.0.0.1:1
   ╰────
  help: expected `inbound` (verifies) or `outbound` (signs)
",
    );
}

#[test]
fn a_bracket_that_is_not_closed() {
    assert_shows(
        r"role: inbound
listen: [127.0.0.1:10025
",
        r"  × not YAML: unclosed bracket '['
   ╭─[etc/proxy.yaml:2:9]
 1 │ role: inbound
 2 │ listen: [127.0.0.1:10025
   ·         ─
   ╰────
  help: look at the indentation, and put texts with `: `, ` #` or a leading `*`, `@`, `%` in quotes
",
    );
}

#[test]
fn a_line_indented_too_far() {
    assert_shows(
        r"role: inbound
  listen: 127.0.0.1:10025
",
        r"  × not YAML: mapping values are not allowed in this context
   ╭─[etc/proxy.yaml:2:9]
 1 │ role: inbound
 2 │   listen: 127.0.0.1:10025
   ·         ─
   ╰────
  help: look at the indentation, and put texts with `: `, ` #` or a leading `*`, `@`, `%` in quotes
",
    );
}

#[test]
fn two_documents_in_one_file() {
    assert_shows(
        r"role: inbound
listen: 127.0.0.1:10025
relay: 127.0.0.1:10026
---
role: outbound
",
        r"  × a second YAML document begins here
   ╭─[etc/proxy.yaml:5:1]
 4 │ ---
 5 │ role: outbound
   · ─
   ╰────
  help: a file is one listener: put what follows into a file of its own
",
    );
}

#[test]
fn a_key_with_a_slip() {
    assert_shows(
        r"role: inbound
listen: 127.0.0.1:10025
relay: 127.0.0.1:10026
hostnam: mx.example.org
",
        r"  × unknown key `hostnam` in the file
   ╭─[etc/proxy.yaml:4:1]
 3 │ relay: 127.0.0.1:10026
 4 │ hostnam: mx.example.org
   · ───────
   ╰────
  help: did you mean `hostname`? Known here: role, listen, relay, socket, protocol, proxy_protocol, xclient, hostname, clients, eightbitmime, limits, deadlines, kept, spool, drain, bare_cr, bare_lf, nul, metrics, dns, verify, reject_fail, reject_error
",
    );
}

#[test]
fn a_key_of_another_program() {
    assert_shows(
        r"role: inbound
listen: 127.0.0.1:10025
relay: 127.0.0.1:10026
limits:
  concurrency: 5
",
        r"  × unknown key `concurrency` in `limits`
   ╭─[etc/proxy.yaml:5:3]
 4 │ limits:
 5 │   concurrency: 5
   ·   ───────────
   ╰────
  help: known here: sessions, sessions_per_address, recipients, header, message, line, errors, commands, fields, hops, memory
",
    );
}

#[test]
fn a_key_that_stands_twice() {
    assert_shows(
        r"role: inbound
listen: 127.0.0.1:10025
relay: 127.0.0.1:10026
relay: 127.0.0.1:10028
",
        r"  × `relay` stands twice in the file
   ╭─[etc/proxy.yaml:4:1]
 3 │ relay: 127.0.0.1:10026
 4 │ relay: 127.0.0.1:10028
   · ─────
   ╰────
  help: keep one of them
",
    );
}

#[test]
fn a_port_without_an_address() {
    assert_shows(
        r"role: inbound
listen: 10025
relay: 127.0.0.1:10026
",
        r"  × `listen` is `10025`, which is a port without an address
   ╭─[etc/proxy.yaml:2:9]
 1 │ role: inbound
 2 │ listen: 10025
   ·         ─────
 3 │ relay: 127.0.0.1:10026
   ╰────
  help: expected an IP address and a port, such as `127.0.0.1:10025` or `[::1]:10025`, a UNIX socket such as `unix:/run/dkimgate/in.sock`, or `systemd`
",
    );
}

#[test]
fn a_listener_open_to_the_world() {
    assert_shows(
        r"role: inbound
listen: 0.0.0.0:25
relay: 127.0.0.1:10026
",
        r"  × `listen` is open to the world: `0.0.0.0:25` is not loopback, and nothing says who may connect
   ╭─[etc/proxy.yaml:2:9]
 1 │ role: inbound
 2 │ listen: 0.0.0.0:25
   ·         ──────────
 3 │ relay: 127.0.0.1:10026
   ╰────
  help: add `clients:` with the addresses of your MTAs, such as `clients: [192.0.2.10, 10.0.0.0/8]`, or listen on `127.0.0.1:25`
",
    );
}

#[test]
fn a_listener_that_is_its_own_next_hop() {
    assert_shows(
        r"role: inbound
listen: 127.0.0.1:10025
relay: 127.0.0.1:10025
",
        r"  × `relay` is `127.0.0.1:10025`, where this file itself listens: a mail loop
   ╭─[etc/proxy.yaml:3:8]
 2 │ listen: 127.0.0.1:10025
 3 │ relay: 127.0.0.1:10025
   ·        ───────────────
   ╰────
  help: name the port where your MTA takes the mail back, such as `127.0.0.1:10026`
",
    );
}

#[test]
fn a_network_with_bits_beyond_its_prefix() {
    assert_shows(
        r"role: inbound
listen: 127.0.0.1:10025
relay: 127.0.0.1:10026
clients: [10.1.2.3/8]
",
        r"  × `clients` is `10.1.2.3/8`, which has bits beyond its prefix: probably `10.0.0.0/8`
   ╭─[etc/proxy.yaml:4:11]
 3 │ relay: 127.0.0.1:10026
 4 │ clients: [10.1.2.3/8]
   ·           ──────────
   ╰────
  help: expected an IP address or network, such as `192.0.2.10`, `10.0.0.0/8` or `fd00::/8`
",
    );
}

#[test]
fn everybody_as_client() {
    assert_shows(
        r"role: inbound
listen: 127.0.0.1:10025
relay: 127.0.0.1:10026
clients: [0.0.0.0/0]
hostname: 'a b'
",
        r"  ⚠ `clients` is `0.0.0.0/0`: everybody may send mail through this listener
   ╭─[etc/proxy.yaml:4:11]
 3 │ relay: 127.0.0.1:10026
 4 │ clients: [0.0.0.0/0]
   ·           ─────────
 5 │ hostname: 'a b'
   ╰────
  help: name the networks of your own MTAs only

  × `hostname` is `a b`, which is no domain name (character ' ' in domain name)
   ╭─[etc/proxy.yaml:5:11]
 4 │ clients: [0.0.0.0/0]
 5 │ hostname: 'a b'
   ·           ─────
   ╰────
  help: expected a domain name, such as `example.org`
",
    );
}

#[test]
fn a_limit_of_nothing() {
    assert_shows(
        r"role: inbound
listen: 127.0.0.1:10025
relay: 127.0.0.1:10026
limits: {recipients: 0}
",
        r"  × `recipients` is `0`, which would let nothing through
   ╭─[etc/proxy.yaml:4:22]
 3 │ relay: 127.0.0.1:10026
 4 │ limits: {recipients: 0}
   ·                      ─
   ╰────
  help: expected a whole number above 0, such as `100`
",
    );
}

#[test]
fn a_size_with_an_unknown_unit() {
    assert_shows(
        r"role: inbound
listen: 127.0.0.1:10025
relay: 127.0.0.1:10026
limits:
  message: 256 Mo
",
        r"  × `message` is `256 Mo`, whose unit is none of B, kB, KiB, MB, MiB, GB, GiB
   ╭─[etc/proxy.yaml:5:12]
 4 │ limits:
 5 │   message: 256 Mo
   ·            ──────
   ╰────
  help: expected a size in octets, such as `10485760`, `10 MB` or `256MiB`
",
    );
}

#[test]
fn a_time_without_a_unit() {
    assert_shows(
        r"role: inbound
listen: 127.0.0.1:10025
relay: 127.0.0.1:10026
drain: 30
",
        r"  × `drain` is `30`, which lacks its unit
   ╭─[etc/proxy.yaml:4:8]
 3 │ relay: 127.0.0.1:10026
 4 │ drain: 30
   ·        ──
   ╰────
  help: expected a time with its unit, such as `500ms`, `30s`, `5m`, `2h` or `7d`
",
    );
}

#[test]
fn a_deadline_below_the_floor_and_a_fault() {
    assert_shows(
        r"role: inbound
listen: 127.0.0.1:10025
relay: 127.0.0.1:10026
deadlines:
  final: 30s
  data:
",
        r"  ⚠ `final` is shorter than the 10 minutes of RFC 5321 §4.5.3.2.6
   ╭─[etc/proxy.yaml:5:10]
 4 │ deadlines:
 5 │   final: 30s
   ·          ───
 6 │   data:
   ╰────
  help: a slow peer will be given up early; `10m` or more is what the RFC asks for

  × `data` is empty
   ╭─[etc/proxy.yaml:6:3]
 5 │   final: 30s
 6 │   data:
   ·   ────
   ╰────
  help: expected a time with its unit, such as `500ms`, `30s`, `5m`, `2h` or `7d`
",
    );
}

#[test]
fn a_list_where_a_value_belongs() {
    assert_shows(
        r"role: inbound
listen: 127.0.0.1:10025
relay: 127.0.0.1:10026
hostname: [a, b]
",
        r"  × `hostname` is a list
   ╭─[etc/proxy.yaml:4:11]
 3 │ relay: 127.0.0.1:10026
 4 │ hostname: [a, b]
   ·           ─
   ╰────
  help: expected a domain name, such as `example.org`
",
    );
}

#[test]
fn a_value_where_a_mapping_belongs() {
    assert_shows(
        r"role: inbound
listen: 127.0.0.1:10025
relay: 127.0.0.1:10026
dns: 127.0.0.1
",
        r"  × `dns` is `127.0.0.1`, not a mapping
   ╭─[etc/proxy.yaml:4:6]
 3 │ relay: 127.0.0.1:10026
 4 │ dns: 127.0.0.1
   ·      ─────────
   ╰────
  help: write lines of the form `key: value`
",
    );
}

#[test]
fn a_zone_beside_servers() {
    assert_shows(
        r"role: inbound
listen: 127.0.0.1:10025
relay: 127.0.0.1:10026
dns:
  zone: a.json
  servers: 127.0.0.1
",
        r"  × `zone` and `servers` exclude each other: a zone replaces the network
   ╭─[etc/proxy.yaml:5:9]
 4 │ dns:
 5 │   zone: a.json
   ·         ──────
 6 │   servers: 127.0.0.1
   ╰────
  help: keep one of them
",
    );
}

#[test]
fn a_word_that_is_none() {
    assert_shows(
        r"role: inbound
listen: 127.0.0.1:10025
relay: 127.0.0.1:10026
bare_lf: repair
eightbitmime: 1
",
        r"  × `bare_lf` is `repair`, which is none of its words
   ╭─[etc/proxy.yaml:4:10]
 3 │ relay: 127.0.0.1:10026
 4 │ bare_lf: repair
   ·          ──────
 5 │ eightbitmime: 1
   ╰────
  help: expected `fix`, `refuse` or `pass`

  × `eightbitmime` is `1`, which is none of its words
   ╭─[etc/proxy.yaml:5:15]
 4 │ bare_lf: repair
 5 │ eightbitmime: 1
   ·               ─
   ╰────
  help: expected `true` or `false`
",
    );
}

#[test]
fn nothing_to_sign() {
    assert_shows(
        r"role: outbound
listen: 127.0.0.1:10027
relay: 127.0.0.1:10028
",
        r"  × `sign` is missing in the file
   ╭─[etc/proxy.yaml:1:1]
 1 │ role: outbound
   · ▲
 2 │ listen: 127.0.0.1:10027
   ╰────
  help: add `sign:` with a list of rules, each with `domain`, `selector` and `keyfile`
",
    );
}

#[test]
fn an_empty_list_of_rules() {
    assert_shows(
        r"role: outbound
listen: 127.0.0.1:10027
relay: 127.0.0.1:10028
sign: []
",
        r"  × `sign` is an empty list
   ╭─[etc/proxy.yaml:4:7]
 3 │ relay: 127.0.0.1:10028
 4 │ sign: []
   ·       ─
   ╰────
  help: expected at least one entry, which begins with `- `
",
    );
}

#[test]
fn a_rule_that_lacks_its_key() {
    assert_shows(
        r"role: outbound
listen: 127.0.0.1:10027
relay: 127.0.0.1:10028
sign:
  - domain: example.org
    selector: s1
    key: s1.pem
",
        r"  × `keyfile` is missing in rule 1
   ╭─[etc/proxy.yaml:5:5]
 4 │ sign:
 5 │   - domain: example.org
   ·     ──────
 6 │     selector: s1
   ╰────
  help: add `keyfile:` with the path of a file, relative to this one, such as `keys/example.org/s1.pem`

  × unknown key `key` in rule 1
   ╭─[etc/proxy.yaml:7:5]
 6 │     selector: s1
 7 │     key: s1.pem
   ·     ───
   ╰────
  help: did you mean `keyfile`? Known here: domain, author, name, subdomains, extensions, mail_from, list_id, rcpt, rcpt_match, client, xforward, listener, agree, sign_again, single_for, none, refuse, signatures, selector, keyfile, keys, generate, dual, algorithm, canonicalization, fields, oversign, identity, expire, signature
",
    );
}

#[test]
fn a_selector_that_is_a_whole_name() {
    assert_shows(
        r"role: outbound
listen: 127.0.0.1:10027
relay: 127.0.0.1:10028
sign:
  - {domain: example.org, selector: s1._domainkey.example.org, keyfile: k}
",
        r"  × `selector` is `s1._domainkey.example.org`, which is more than the selector: probably `s1`
   ╭─[etc/proxy.yaml:5:37]
 4 │ sign:
 5 │   - {domain: example.org, selector: s1._domainkey.example.org, keyfile: k}
   ·                                     ─────────────────────────
   ╰────
  help: expected a selector, such as `s1`: its key is published at `s1._domainkey.` and the domain
",
    );
}

#[test]
fn an_algorithm_of_the_past() {
    assert_shows(
        r"role: outbound
listen: 127.0.0.1:10027
relay: 127.0.0.1:10028
sign:
  - {domain: example.org, selector: s1, keyfile: k, algorithm: rsa-sha1}
",
        r"  × `algorithm` is `rsa-sha1`, with which nothing may be signed any more (RFC 8301)
   ╭─[etc/proxy.yaml:5:64]
 4 │ sign:
 5 │   - {domain: example.org, selector: s1, keyfile: k, algorithm: rsa-sha1}
   ·                                                                ────────
   ╰────
  help: expected `rsa-sha256` or `ed25519-sha256`
",
    );
}

#[test]
fn half_a_canonicalization() {
    assert_shows(
        r"role: outbound
listen: 127.0.0.1:10027
relay: 127.0.0.1:10028
sign:
  - {domain: example.org, selector: s1, keyfile: k, canonicalization: relaxed}
",
        r"  × `canonicalization` is `relaxed`, which leaves the form of the body open
   ╭─[etc/proxy.yaml:5:71]
 4 │ sign:
 5 │   - {domain: example.org, selector: s1, keyfile: k, canonicalization: relaxed}
   ·                                                                       ───────
   ╰────
  help: expected `relaxed/relaxed`, `relaxed/simple`, `simple/relaxed` or `simple/simple`: the header's form, then the body's
",
    );
}

#[test]
fn fields_without_from() {
    assert_shows(
        r"role: outbound
listen: 127.0.0.1:10027
relay: 127.0.0.1:10028
sign:
  - {domain: example.org, selector: s1, keyfile: k, fields: [To, 'a b']}
  - {domain: example.net, selector: s1, keyfile: k, fields: [To]}
",
        r"  × `fields` is `a b`, which is no name of a header field
   ╭─[etc/proxy.yaml:5:66]
 4 │ sign:
 5 │   - {domain: example.org, selector: s1, keyfile: k, fields: [To, 'a b']}
   ·                                                                  ─────
 6 │   - {domain: example.net, selector: s1, keyfile: k, fields: [To]}
   ╰────
  help: expected names of header fields, such as `[From, To, Subject, Date]`

  × `fields` lacks From, without which no signature is valid
   ╭─[etc/proxy.yaml:6:62]
 5 │   - {domain: example.org, selector: s1, keyfile: k, fields: [To, 'a b']}
 6 │   - {domain: example.net, selector: s1, keyfile: k, fields: [To]}
   ·                                                              ──
   ╰────
  help: add `From` to the list (RFC 6376 §5.4)
",
    );
}

#[test]
fn an_identity_of_another_domain() {
    assert_shows(
        r"role: outbound
listen: 127.0.0.1:10027
relay: 127.0.0.1:10028
sign:
  - {domain: example.org, selector: s1, keyfile: k, identity: '@example.net'}
",
        r"  × `identity` is in `example.net`, which is not within `example.org`
   ╭─[etc/proxy.yaml:5:63]
 4 │ sign:
 5 │   - {domain: example.org, selector: s1, keyfile: k, identity: '@example.net'}
   ·                                                               ──────────────
   ╰────
  help: end it in `@example.org` or `@` and a subdomain of it (RFC 6376 §3.5, i=)
",
    );
}

#[test]
fn a_selector_used_twice() {
    assert_shows(
        r"role: outbound
listen: 127.0.0.1:10027
relay: 127.0.0.1:10028
sign:
  - {domain: example.org, selector: s1, keyfile: k}
  - {domain: Example.ORG, selector: s1, keyfile: l}
",
        r"  × selector `s1` of `example.org` has a signature already, in rule 1
   ╭─[etc/proxy.yaml:6:37]
 5 │   - {domain: example.org, selector: s1, keyfile: k}
 6 │   - {domain: Example.ORG, selector: s1, keyfile: l}
   ·                                     ──
   ╰────
  help: give each signature of a domain a selector of its own, or drop one of them
",
    );
}

#[test]
fn a_selector_beside_signatures() {
    assert_shows(
        r"role: outbound
listen: 127.0.0.1:10027
relay: 127.0.0.1:10028
sign:
  - domain: example.org
    selector: s1
    signatures: [{selector: s2, keyfile: k}]
",
        r"  × `selector` stands beside `signatures`
   ╭─[etc/proxy.yaml:6:15]
 5 │   - domain: example.org
 6 │     selector: s1
   ·               ──
 7 │     signatures: [{selector: s2, keyfile: k}]
   ╰────
  help: move it into the list as one more entry, with its `keyfile`
",
    );
}

#[test]
fn a_domainkeys_signature_in_a_form_of_dkim() {
    assert_shows(
        r"role: outbound
listen: 127.0.0.1:10027
relay: 127.0.0.1:10028
sign:
  - {domain: example.org, selector: s1, keyfile: k, signature: 'domainkeys(c=relaxed)'}
",
        r"  × `signature` is `domainkeys(c=relaxed)`, whose `c=` is neither `nofws` nor `simple`
   ╭─[etc/proxy.yaml:5:64]
 4 │ sign:
 5 │   - {domain: example.org, selector: s1, keyfile: k, signature: 'domainkeys(c=relaxed)'}
   ·                                                                ───────────────────────
   ╰────
  help: expected `dkim` or `dkim(c=…, a=…)`, such as `dkim(c=relaxed/relaxed, a=rsa-sha256)`, or `domainkeys(c=nofws)`
",
    );
}

#[test]
fn a_signature_that_names_its_key() {
    assert_shows(
        r"role: outbound
listen: 127.0.0.1:10027
relay: 127.0.0.1:10028
sign:
  - {domain: example.org, selector: s1, keyfile: k, signature: 'dkim(s=s1)', algorithm: rsa-sha512}
",
        r"  × `signature` is `dkim(s=s1)`, whose `s=` has a line of its own here: `domain`, `selector`, `keyfile` or `identity`
   ╭─[etc/proxy.yaml:5:64]
 4 │ sign:
 5 │   - {domain: example.org, selector: s1, keyfile: k, signature: 'dkim(s=s1)', algorithm: rsa-sha512}
   ·                                                                ────────────
   ╰────
  help: expected `dkim` or `dkim(c=…, a=…)`, such as `dkim(c=relaxed/relaxed, a=rsa-sha256)`, or `domainkeys(c=nofws)`

  × `algorithm` is `rsa-sha512`, which is none of its words
   ╭─[etc/proxy.yaml:5:89]
 4 │ sign:
 5 │   - {domain: example.org, selector: s1, keyfile: k, signature: 'dkim(s=s1)', algorithm: rsa-sha512}
   ·                                                                                         ──────────
   ╰────
  help: expected `rsa-sha256` or `ed25519-sha256`
",
    );
}

#[test]
fn an_option_said_twice() {
    assert_shows(
        r"role: outbound
listen: 127.0.0.1:10027
relay: 127.0.0.1:10028
sign:
  - {domain: example.org, selector: s1, keyfile: k, signature: dkim(a=rsa-sha256), algorithm: rsa-sha256}
",
        r"  × `signature` and `algorithm` say the same thing twice
   ╭─[etc/proxy.yaml:5:64]
 4 │ sign:
 5 │   - {domain: example.org, selector: s1, keyfile: k, signature: dkim(a=rsa-sha256), algorithm: rsa-sha256}
   ·                                                                ──────────────────
   ╰────
  help: keep one of them
",
    );
}

#[test]
fn several_faults_at_once() {
    assert_shows(
        r"role: outbound
listen: localhost:10027
hostname: mx_.example..org
limit:
  errors: many
sign:
  - domain: example.org
    selector: s1
  - 17
",
        r"  × `relay` is missing in the file
   ╭─[etc/proxy.yaml:1:1]
 1 │ role: outbound
   · ▲
 2 │ listen: localhost:10027
   ╰────
  help: add `relay:` with a host and a port or a UNIX socket, such as `127.0.0.1:10026`, `[::1]:10026`, `mta.example.org:10026` or `unix:/run/mta.sock`

  × `listen` is `localhost:10027`, which is no IP address with a port
   ╭─[etc/proxy.yaml:2:9]
 1 │ role: outbound
 2 │ listen: localhost:10027
   ·         ───────────────
 3 │ hostname: mx_.example..org
   ╰────
  help: expected an IP address and a port, such as `127.0.0.1:10025` or `[::1]:10025`, a UNIX socket such as `unix:/run/dkimgate/in.sock`, or `systemd`

  × `hostname` is `mx_.example..org`, which is no domain name (empty label in domain name)
   ╭─[etc/proxy.yaml:3:11]
 2 │ listen: localhost:10027
 3 │ hostname: mx_.example..org
   ·           ────────────────
 4 │ limit:
   ╰────
  help: expected a domain name, such as `example.org`

  × unknown key `limit` in the file
   ╭─[etc/proxy.yaml:4:1]
 3 │ hostname: mx_.example..org
 4 │ limit:
   · ─────
 5 │   errors: many
   ╰────
  help: did you mean `limits`? Known here: role, listen, relay, socket, protocol, proxy_protocol, xclient, hostname, clients, eightbitmime, limits, deadlines, kept, spool, drain, bare_cr, bare_lf, nul, metrics, sign, match, on_fault, check_keys, sign_only_if_published, dns, bounce_domain, key_cache, watch_keys, long_lines, eight_bit, missing_date, missing_message_id, fix_up_to

  × `keyfile` is missing in rule 1
   ╭─[etc/proxy.yaml:7:5]
 6 │ sign:
 7 │   - domain: example.org
   ·     ──────
 8 │     selector: s1
   ╰────
  help: add `keyfile:` with the path of a file, relative to this one, such as `keys/example.org/s1.pem`

  × rule 2 is `17`, not a mapping
   ╭─[etc/proxy.yaml:9:5]
 8 │     selector: s1
 9 │   - 17
   ·     ──
   ╰────
  help: write lines of the form `key: value`
",
    );
}

/// Whatever of a key is pasted where the path of its file belongs, none of it is shown.
#[test]
fn a_private_key_in_the_place_of_a_path() {
    let lines = ["MC4CAQAwBQYDK2VwBCIEIAEBAQEBAQEBAQEBAQEB", "AQEBAQEBAQEBAQEBAQEB"];
    let (begin, end) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
    let pem = format!("{begin}\n{}\n{}\n{end}\n", lines[0], lines[1]);
    let indented = pem.trim_end().replace('\n', "\n      ");
    let sign = "role: outbound\nlisten: 127.0.0.1:1\nrelay: 127.0.0.1:2\nsign:\n  - domain: a.example\n    selector: s1\n    keyfile: ";
    let folder = tempfile::tempdir().unwrap();
    for (value, expected) in [
        (format!("|\n      {indented}\n"), "put it into a file of its own, and name that file"),
        (format!("\"{}\"\n", pem.replace('\n', "\\n")), "put it into a file of its own, and name that file"),
        (format!("{indented}\n"), "put it into a file of its own, and name that file"),
        (lines.concat() + "\n", "put it into a file of its own, and name that file"),
        (format!("k.pem\n    {}: x\n", lines.concat()), "unknown key `[key]`"),
        (format!("k.pem\n    # {}\n    selecto: x\n", lines[0]), "unknown key `selecto`"),
        (
            format!("k.pem\n    selecto: x\n    # {}\n", pem.replace('\n', "\n    # ")),
            "unknown key `selecto`",
        ),
    ] {
        let path = folder.path().join("proxy.yaml");
        std::fs::write(&path, format!("{sign}{value}")).unwrap();
        let report = crate::load(&path, "mx.example.org").unwrap_err();
        let shown = report.to_string();
        assert!(shown.contains(expected), "{value}: {shown}");
        let said: Vec<_> = report.faults().iter().map(|fault| (&fault.cause, fault.cause.remedy())).collect();
        let all = format!("{shown}{said:?}");
        for line in lines {
            assert!(!all.contains(&line[..16]), "{all}");
        }
    }
}

#[test]
fn a_key_file_in_the_place_of_a_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s1.pem");
    let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAEBAQEBAQEBAQEBAQEB\nAQEBAQEB\n-----END PRIVATE KEY-----\n";
    std::fs::write(&path, pem).unwrap();
    let shown = crate::load(&path, "mx.example.org").unwrap_err().to_string();
    assert!(shown.contains("the file is `[key]`, not a mapping"), "{shown}");
    assert!(!shown.contains("MC4C") && !shown.contains("AQEB"), "{shown}");
}

#[test]
fn a_value_longer_than_anybody_reads() {
    let text = format!("role: {}\nlisten: 127.0.0.1:1\nrelay: 127.0.0.1:2\n", "x".repeat(10_000));
    assert!(shown(&text).len() < 600, "{}", shown(&text));
}
