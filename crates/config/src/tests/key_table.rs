//! OpenDKIM's key table: keys that stand in it, and octets that are no text.

use super::tables::Site;

/// An Ed25519 key as base64 of DER.
const DER: &str = "MC4CAQAwBQYDK2VwBCIEIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB";
const TABLES: &str = "sign:\n  - {signing_table: 'refile:signing.table', key_table: key.table}\n";

#[test]
fn a_key_may_stand_in_the_key_table_itself() {
    let keys = format!(
        "# {DER}\na a.example:s1:{DER}\nb %:s2:-----BEGIN PRIVATE KEY-----{DER}-----END PRIVATE KEY-----\n\
         c c.example:s3:./c.pem\n"
    );
    let signing = "*@a.example a\n*@b.example b\n*@c.example c\n";
    let site = Site::new(&[("signing.table", signing), ("key.table", &keys)]).with_mode("key.table", 0o600);
    assert_eq!(site.outcome(TABLES, "joe@a.example"), "d=a.example s=s1 key.table:2");
    assert_eq!(site.outcome(TABLES, "joe@b.example"), "d=b.example s=s2 key.table:3");
    assert_eq!(site.outcome(TABLES, "joe@c.example"), "d=c.example s=s3 ./c.pem");
    let rules = site.rules(TABLES);
    assert_eq!(rules.keys.len(), 2);
    let expected = dkim::SigningKey::from_seed(&[1; 32]);
    assert!(rules.keys.values().all(|key| key.public_key() == dkim::PrivateKey::public_key(&expected)));
    assert!(!format!("{rules:?}").contains("MC4CAQ"), "nobody keeps its text");
}

#[test]
fn a_key_table_with_keys_in_it_is_as_secret_as_they_are() {
    let with = |key: &str| {
        let keys = format!("a a.example:s1:{key}\n");
        Site::new(&[("signing.table", "*@a.example a\n"), ("key.table", &keys)]).with_mode("key.table", 0o644)
    };
    let faults = with(DER).faults(TABLES);
    assert_eq!(faults.len(), 1);
    assert!(
        faults[0].starts_with("proxy.yaml:5: key table with keys in it, `key.table` (mode 0644, owner ")
            && faults[0].ends_with(" is open to every user of this system"),
        "{faults:?}"
    );
    let [report] = &with(DER).rules(TABLES).reports[..] else { panic!("one report") };
    assert!(report.faults()[0].cause.remedy().starts_with("chmod 0600 /"), "{report}");
    assert_eq!(with("./a.pem").faults(TABLES), [""; 0]);
}

#[test]
fn a_malformed_key_in_a_key_table_is_shown_to_nobody() {
    let secret = "MIIEc2VjcmV0".repeat(6);
    let keys =
        format!("a a.example:s1:{secret}\nb b.example:{secret}\n{secret}\nc c.example:s:/k\n# {secret}\n");
    let site = Site::new(&[("signing.table", "*@c.example c\n"), ("key.table", &keys)])
        .with_mode("key.table", 0o600);
    let [report] = &site.rules(TABLES).reports[..] else { panic!("one report") };
    assert_eq!(
        site.faults(TABLES),
        [
            "key.table:1: `a a.example:s1:[key]`, whose third part is neither the path of a key nor a key: malformed private key",
            "key.table:2: `b b.example:[key]`, where a column is missing",
            "key.table:3: `[key]`, where a column is missing",
        ]
    );
    assert!(!report.to_string().contains("c2VjcmV0") && report.to_string().contains("[key]"), "{report}");
}

/// Comments are older than UTF-8.
#[test]
fn a_table_may_hold_comments_in_latin_1() {
    let site = Site::new(&[]);
    let write = |name: &str, octets: &[u8]| std::fs::write(site.0.path().join(name), octets).unwrap();
    write("signing.table", b"# f\xfcr alle\n*@a.example a\n*@b.ex\xe4mple a\n");
    write("key.table", b"a %:s:./a.pem # der Schl\xfcssel\n");
    assert_eq!(
        site.faults(TABLES),
        ["signing.table:3: `*@b.ex\u{fffd}mple a`, which holds octets that are no UTF-8"]
    );
    write("signing.table", b"# f\xfcr alle\n*@a.example a\n");
    assert_eq!(site.outcome(TABLES, "joe@a.example"), "d=a.example s=s ./a.pem");
}
