//! Tables of rules: key directories, DKIMproxy's maps, OpenDKIM's tables.

use crate::{Config, Rules, Source, read};
use filter::Envelope;
use mail::Header;
use std::fs::{Permissions, create_dir_all, set_permissions, write};
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

/// A folder with a configuration and its tables.
pub(super) struct Site(pub(super) TempDir);

impl Site {
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        let site = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = site.path().join(name);
            create_dir_all(path.parent().unwrap()).unwrap();
            write(path, text).unwrap();
        }
        Self(site)
    }

    pub(super) fn with_mode(self, name: &str, mode: u32) -> Self {
        set_permissions(self.0.path().join(name), Permissions::from_mode(mode)).unwrap();
        self
    }

    fn config(&self, sign: &str) -> Config {
        let name = self.0.path().join("proxy.yaml").display().to_string();
        let text = format!("role: outbound\nlisten: 127.0.0.1:10027\nrelay: 127.0.0.1:10028\n{sign}");
        read(Source { name, text }, "mx.example.org").unwrap_or_else(|report| panic!("{report}"))
    }

    pub(super) fn rules(&self, sign: &str) -> Rules {
        crate::rules(&self.config(sign))
    }

    /// What a message of this author gets, with paths relative to the folder.
    pub(super) fn outcome(&self, sign: &str, author: &str) -> String {
        self.outcome_of(sign, &format!("From: {author}\r\n"), author)
    }

    fn outcome_of(&self, sign: &str, header: &str, reverse_path: &str) -> String {
        let rules = self.rules(sign);
        assert!(!rules.reports.iter().any(crate::Report::is_fatal), "{:?}", rules.reports);
        let envelope = Envelope { reverse_path: reverse_path.to_owned(), ..Envelope::default() };
        let explanation = rules.table.explain(&Header::parse(header.as_bytes().to_vec()), &envelope);
        let folder = format!("{}/", self.0.path().display());
        let policy::outbound::Outcome::Sign(chosen) = &explanation.outcome else {
            return explanation.outcome.to_string().replace(&folder, "");
        };
        let words = chosen.iter().map(|one| format!("{one} {}", one.key).replace(&folder, ""));
        words.collect::<Vec<_>>().join(", ")
    }

    pub(super) fn faults(&self, sign: &str) -> Vec<String> {
        let shown = |report: crate::Report| {
            let file = report.file().name.rsplit('/').next().unwrap_or_default().to_owned();
            let lines: Vec<String> = report
                .faults()
                .iter()
                .map(|fault| {
                    let (line, _) = report.file().line_and_column(fault.place);
                    format!("{file}:{line}: {}", fault.cause)
                })
                .collect();
            lines
        };
        let folder = format!("{}/", self.0.path().display());
        let faults = self.rules(sign).reports.into_iter().flat_map(shown);
        faults.map(|fault| fault.replace(&folder, "")).collect()
    }
}

#[test]
fn a_key_directory_is_a_table() {
    let site = Site::new(&[
        ("keys/a.example/s1.pem", ""),
        ("keys/a.example/s2.pem", ""),
        ("keys/a.example/s1.txt", ""),
        ("keys/b.example/x.pem", ""),
        ("keys/empty.example/readme", ""),
    ]);
    let sign = "sign:\n  - directory: keys\n";
    assert_eq!(
        site.outcome(sign, "joe@a.example"),
        "d=a.example s=s1 keys/a.example/s1.pem, d=a.example s=s2 keys/a.example/s2.pem"
    );
    assert_eq!(site.outcome(sign, "joe@b.example"), "d=b.example s=x keys/b.example/x.pem");
    assert_eq!(site.outcome(sign, "joe@empty.example"), "unsigned: no rule for empty.example");
    assert_eq!(site.outcome(sign, "joe@sub.b.example"), "unsigned: no rule for sub.b.example");
    assert_eq!(
        site.faults(sign),
        ["proxy.yaml:5: `keys/empty.example` has no key that signs: mail of empty.example stays unsigned"]
    );
    let sign = "sign:\n  - {directory: keys, subdomains: true}\n";
    assert_eq!(site.outcome(sign, "joe@sub.b.example"), "d=b.example s=x keys/b.example/x.pem");
}

/// As `dkimgate key rotate` leaves the folders behind.
#[test]
fn where_keys_change_only_the_one_whose_turn_it_is_signs() {
    let site = Site::new(&[
        ("keys/a.example/r1.pem", ""),
        ("keys/a.example/r2.pem", ""),
        ("keys/a.example/r3.pem", ""),
        ("keys/a.example/rotation.json", "{}"),
        ("keys/b.example/r1.pem", ""),
        ("keys/b.example/rotation.json", "{}"),
    ]);
    std::os::unix::fs::symlink("r2.pem", site.0.path().join("keys/a.example/signing")).unwrap();
    let directory = "sign:\n  - directory: keys\n";
    let signed = "d=a.example s=r2 keys/a.example/r2.pem";
    assert_eq!(site.outcome(directory, "joe@a.example"), signed);
    assert_eq!(site.outcome(directory, "joe@b.example"), "unsigned: no rule for b.example");
    assert_eq!(
        site.outcome("sign:\n  - domain: a.example\n    keys: keys/a.example\n", "joe@a.example"),
        signed
    );
    let several = "sign:\n  - domain: a.example\n    signatures:\n      - keys: keys/a.example\n";
    assert_eq!(site.outcome(several, "joe@a.example"), signed);
    for (options, expected) in [
        ("keys: keys/b.example", "`keys` is `keys/b.example`, and no key in it signs yet"),
        ("keys: keys/none.example", "`keys` is `keys/none.example`, and no key in it signs yet"),
        ("{keys: keys/a.example, selector: s1}", "`keys` stands for `selector` and `keyfile`"),
        ("{keys: keys/a.example, generate: true}", "`keys` stands for `selector` and `keyfile`"),
    ] {
        let options = options.trim_matches(['{', '}']).replace(", ", "\n    ");
        let text = format!(
            "role: outbound\nlisten: 127.0.0.1:10027\nrelay: 127.0.0.1:10028\nsign:\n  - domain: a.example\n    {options}\n"
        );
        let name = site.0.path().join("proxy.yaml").display().to_string();
        let report = read(Source { name, text }, "mx.example.org").unwrap_err().to_string();
        assert!(report.contains(expected), "{report}");
    }
}

const SENDER_MAP: &str = "\
# who gets what
joe@a.example      dkim(d=joe.example, s=joe, key=joe.key)
a.example          dkim(c=relaxed,a=rsa-sha256)
sub.a.example      dkim(d=$senderdomain,i=$sender,key=keys/$senderdomain.pem)
; the rest
.                  dkim(d=other.example)
";

#[test]
fn the_most_precise_line_of_a_sender_map_counts() {
    let site = Site::new(&[("sender.map", SENDER_MAP)]);
    let sign = "sign:\n  - {sender_map: sender.map, selector: s1, keyfile: /k.pem}\n";
    for (author, expected) in [
        ("joe@a.example", "d=joe.example s=joe joe.key"),
        ("joe+news@a.example", "d=joe.example s=joe joe.key"),
        ("ann@a.example", "d=a.example s=s1 /k.pem"),
        ("ann@b.a.example", "d=a.example s=s1 /k.pem"),
        ("ann@sub.a.example", "d=sub.a.example s=s1 keys/sub.a.example.pem"),
        ("ann@x.sub.a.example", "d=x.sub.a.example s=s1 keys/x.sub.a.example.pem"),
        ("ann@else.example", "d=other.example s=s1 /k.pem"),
    ] {
        assert_eq!(site.outcome(sign, author), expected, "{author}");
    }
}

#[test]
fn mailing_lists_have_a_map_of_their_own() {
    let site = Site::new(&[("list.map", "lists.example dkim\nannounce.lists.example dkim(s=s2)\n")]);
    let sign = "sign:\n  - {listid_map: list.map, selector: s1, keyfile: /k.pem}\n";
    let outcome = |id: &str| {
        site.outcome_of(sign, &format!("From: joe@a.example\r\nList-Id: <{id}>\r\n"), "x@lists.example")
    };
    assert_eq!(outcome("announce.lists.example"), "d=announce.lists.example s=s2 /k.pem");
    assert_eq!(outcome("users.lists.example"), "d=lists.example s=s1 /k.pem");
    assert_eq!(outcome("users.else.example"), "unsigned: no rule for a.example");
}

#[test]
fn a_map_names_the_line_that_is_wrong() {
    let map = "a.example\nb.example dkim(\nc.example dkim\nc.example dkim\n*.d.example dkim\n. dkim\n\
               e.example dkim(key=$sender.pem)\nf.example none\ng.example dkim(a=rsa-sha1)\n";
    let site = Site::new(&[("sender.map", map)]);
    assert_eq!(
        site.faults("sign:\n  - {sender_map: sender.map, selector: s1, keyfile: k}\n"),
        [
            "sender.map:1: `a.example`, where the second column is missing",
            "sender.map:2: `b.example dkim(`, which lacks its `)`",
            "sender.map:4: `c.example` stands in line 3 already",
            "sender.map:5: `*.d.example dkim`, which holds a `*`: DKIMproxy's maps have no wildcards, and `.` for all",
            "sender.map:6: `. dkim`, which names no domain that signs: add `d=`",
            "sender.map:7: `e.example dkim(key=$sender.pem)`, whose `key=` holds `$sender`: only `$senderdomain` may stand in a path",
            "sender.map:8: `f.example none`, which is no kind of signature",
            "sender.map:9: rsa-sha1 may not be signed with any more (RFC 8301): rsa-sha256 is used",
        ]
    );
    assert_eq!(
        site.faults("sign:\n  - sender_map: sender.map\n").len(),
        9,
        "without a selector in the rule line 3 lacks one"
    );
}

const KEY_TABLE: &str = "\
# name  domain:selector:file
default._domainkey.domain.example domain.example:default:/etc/opendkim/keys/domain.example/default
any     %:mail:/etc/opendkim/keys/%/mail.private
lists   lists.example:l1:./l1.pem
";

#[test]
fn the_patterns_of_a_refile_stand_in_their_order() {
    let signing = "\
*@domain.example        default._domainkey.domain.example
list-*@*.example        lists:@lists.example
*@sub.domain.example    any:@%
*                       any
";
    let site = Site::new(&[("signing.table", signing), ("key.table", KEY_TABLE)]);
    let sign = "sign:\n  - {signing_table: 'refile:signing.table', key_table: 'refile:key.table'}\n";
    for (author, expected) in [
        ("joe@domain.example", "d=domain.example s=default /etc/opendkim/keys/domain.example/default"),
        ("list-x@domain.example", "d=domain.example s=default /etc/opendkim/keys/domain.example/default"),
        ("list-x@else.example", "d=lists.example s=l1 ./l1.pem"),
        (
            "joe@sub.domain.example",
            "d=sub.domain.example s=mail /etc/opendkim/keys/sub.domain.example/mail.private",
        ),
        ("joe@else.example", "d=else.example s=mail /etc/opendkim/keys/else.example/mail.private"),
    ] {
        assert_eq!(site.outcome(sign, author), expected, "{author}");
    }
    let multiple =
        "sign:\n  - {signing_table: 'refile:signing.table', key_table: key.table, multiple: true}\n";
    assert_eq!(
        site.outcome(multiple, "list-x@domain.example"),
        "d=domain.example s=default /etc/opendkim/keys/domain.example/default, d=lists.example s=l1 ./l1.pem, \
         d=domain.example s=mail /etc/opendkim/keys/domain.example/mail.private"
    );
}

/// opendkim.conf(5): "If the first field contains only a \"%\" character, it will be replaced by the domain found in the
/// From: header field."
#[test]
fn the_authors_domain_may_be_the_name_of_the_key() {
    let signing = "# comment\nnews@*.a.example any # and here\n*@*.example %:list@%\njoe@c.test %\n";
    let keys = "any  n.example:n:/n\na.example a.example:s:/a # main\nb.a.example b.a.example:s:/b\n\
                c.test c.test:s:/c\nd.test d.test:s:/d\n";
    let site = Site::new(&[("signing.table", signing), ("key.table", keys)]);
    let sign = "sign:\n  - {signing_table: 'refile:signing.table', key_table: 'refile:key.table'}\n";
    for (author, expected) in [
        ("joe@a.example", "d=a.example s=s /a"),
        ("joe@b.a.example", "d=b.a.example s=s /b"),
        ("news@b.a.example", "d=n.example s=n /n"),
        ("joe@c.test", "d=c.test s=s /c"),
        ("ann@c.test", "unsigned: no rule for c.test"),
        ("joe@d.test", "unsigned: no rule for d.test"),
        ("joe@e.example", "unsigned: no rule for e.example"),
    ] {
        assert_eq!(site.outcome(sign, author), expected, "{author}");
    }
}

#[test]
fn the_names_of_keys_may_be_patterns() {
    let signing = "*@a.example a\n*@b.example b-2\n*@c.example c\n";
    let keys = "b-*  b.example:s:/b\nb-2 b.example:never:/n\n*  %:rest:/keys/%.pem\n";
    let site = Site::new(&[("signing.table", signing), ("key.table", keys)]);
    let sign = "sign:\n  - {signing_table: 'refile:signing.table', key_table: 'refile:key.table'}\n";
    for (author, expected) in [
        ("joe@a.example", "d=a.example s=rest /keys/a.example.pem"),
        ("joe@b.example", "d=b.example s=s /b"),
        ("joe@c.example", "d=c.example s=rest /keys/c.example.pem"),
    ] {
        assert_eq!(site.outcome(sign, author), expected, "{author}");
    }
}

#[test]
fn a_pattern_in_a_table_without_patterns_is_a_fault() {
    let signing = "*@a.example good\n*joe@* good\njoe@b.example good\n* good\n";
    let site = Site::new(&[("signing.table", signing), ("key.table", "good a.example:s:/k\n")]);
    let why = "which holds a `*`, and this table has no patterns: say `refile:` before its path";
    assert_eq!(
        site.faults("sign:\n  - {signing_table: signing.table, key_table: key.table}\n"),
        [
            format!("signing.table:1: `*@a.example good`, {why}"),
            format!("signing.table:2: `*joe@* good`, {why}")
        ]
    );
}

#[test]
fn without_wildcards_the_most_precise_key_counts() {
    let signing =
        "* any\n.a.example lists\na.example any\njoe@.a.example lists\njoe@* any\njoe@a.example lists\n";
    let site = Site::new(&[("signing.table", signing), ("key.table", KEY_TABLE)]);
    let sign = "sign:\n  - {signing_table: 'file:signing.table', key_table: 'file:key.table'}\n";
    for (author, line) in [
        ("joe@a.example", 6),
        ("ann@a.example", 3),
        ("joe@b.a.example", 4),
        ("ann@b.a.example", 2),
        ("joe@else.example", 5),
        ("ann@else.example", 1),
    ] {
        let rules = site.rules(sign);
        let header = Header::parse(format!("From: {author}\r\n").into_bytes());
        let explanation = rules.table.explain(&header, &Envelope::default());
        let policy::outbound::Outcome::Sign(chosen) = explanation.outcome else { panic!("{explanation}") };
        assert!(chosen[0].rule.ends_with(&format!("signing.table:{line}")), "{author}: {}", chosen[0].rule);
    }
}

#[test]
fn the_tables_of_opendkim_name_the_line_that_is_wrong() {
    let signing = "*@a.example\n*@b.example nokey\nc.example good\n*@d.example good\njoe@d.example good\n";
    let keys =
        "good a.example:s:/k\nshort a.example:s\ninline a.example:s:MIIEabc\nalone\nGood a.example:s:/k\n";
    let site = Site::new(&[("signing.table", signing), ("key.table", keys)]).with_mode("key.table", 0o600);
    assert_eq!(
        site.faults("sign:\n  - {signing_table: 'refile:signing.table', key_table: key.table}\n"),
        [
            "key.table:2: `short a.example:s`, where a column is missing",
            "key.table:3: `inline a.example:s:[key]`, whose third part is neither the path of a key nor a key: no private key in PEM found",
            "key.table:4: `alone`, where a column is missing",
            "key.table:5: `Good a.example:s:/k`, whose name stands in this table already",
            "signing.table:1: `*@a.example`, where the second column is missing",
            "signing.table:2: `*@b.example nokey`, but the key table has no `nokey`",
            "signing.table:3: `c.example good`, which fits no address: probably `*@c.example`",
            "signing.table:5: signing.table:5 never fits: signing.table:4 stands before it, and takes all that it would",
        ]
    );
}

#[test]
fn a_rule_behind_a_wider_one_is_a_fault() {
    let site = Site::new(&[]);
    let rules = "sign:\n  - {domain: a.example, subdomains: true, selector: s, keyfile: k}\n  \
                 - {author: joe@news.a.example, domain: a.example, selector: t, keyfile: k2}\n";
    assert_eq!(site.faults(rules), Vec::<String>::new(), "both sign");
    assert_eq!(
        site.faults(&format!("match: first\n{rules}")),
        ["proxy.yaml:7: rule 2 never fits: rule 1 stands before it, and takes all that it would"]
    );
}

#[test]
fn bounces_of_the_hosts_of_a_domain_are_signed_as_the_domain() {
    let site = Site::new(&[]);
    let sign = "bounce_domain: a.example\nsign:\n  - {domain: a.example, selector: s, keyfile: /k}\n";
    let bounce = |sender: &str| site.outcome_of(sign, "From: MAILER-DAEMON@mx1.a.example\r\n", sender);
    assert_eq!(bounce(""), "d=a.example s=s /k");
    assert_eq!(bounce("joe@a.example"), "unsigned: no rule for mx1.a.example");
    let own = site.outcome_of(sign, "From: postmaster@a.example\r\n", "");
    assert_eq!(own, "d=a.example s=s /k", "once");
    assert_eq!(site.outcome_of(sign, "From: x@b.example\r\n", ""), "unsigned: no rule for b.example");
    assert_eq!(
        site.faults(&sign.replace("bounce_domain: a", "bounce_domain: b")),
        ["proxy.yaml:4: `bounce_domain` is `b.example`, and no rule signs as this domain"]
    );
}

#[test]
fn keys_that_lie_in_the_key_directory_itself_are_a_fault() {
    let site = Site::new(&[("keys/example.org/s1.pem", ""), ("flat/x.pem", ""), ("empty/readme", "")]);
    let lies = |key: &str, folder: &str| {
        format!(
            "proxy.yaml:5: `{key}` lies in the key directory itself, where no key signs: it wants {folder}/DOMAIN/SELECTOR.pem"
        )
    };
    let fatal = |sign: &str| site.rules(sign).reports.iter().any(crate::Report::is_fatal);
    let deep = "sign:\n  - directory: keys/example.org\n";
    assert_eq!(site.faults(deep), [lies("keys/example.org/s1.pem", "keys/example.org")]);
    assert!(fatal(deep) && fatal("sign:\n  - directory: flat\n"));
    let empty = "sign:\n  - directory: empty\n";
    assert_eq!(
        site.faults(empty),
        ["proxy.yaml:5: the key directory `empty` holds no key: nobody is signed for by it yet"]
    );
    assert!(!fatal(empty), "keys may come");
    // One that a rule names lies there with intent.
    let named = format!("{empty}  - {{domain: a.example, selector: x, keyfile: flat/x.pem}}\n");
    assert!(!fatal(&named.replace("directory: empty", "directory: flat")));
    write(site.0.path().join("keys/s2.pem"), "").unwrap();
    let beside = "sign:\n  - directory: keys\n";
    assert_eq!(site.faults(beside), [lies("keys/s2.pem", "keys")]);
    assert!(!fatal(beside), "the others sign");
}

/// A reload in the middle of a write, or after a slip, goes on with what it had.
#[test]
fn a_table_without_entries_is_a_fault() {
    let site = Site::new(&[
        ("empty", ""),
        ("comments", "# nothing\n; yet\n#\n"),
        ("sender.map", "a.example dkim\n"),
        ("key.table", "a a.example:s:/k\n"),
        ("signing.table", "*@a.example a\n"),
    ]);
    let empty =
        |option: &str, path: &str| format!("proxy.yaml:5: `{option}` is `{path}`, which holds no entry");
    for path in ["empty", "comments"] {
        let map = format!("sign:\n  - {{sender_map: {path}, selector: s, keyfile: /k}}\n");
        assert_eq!(site.faults(&map), [empty("sender_map", path)]);
        let lists = map.replace("sender_map", "listid_map");
        assert_eq!(site.faults(&lists), [empty("listid_map", path)]);
        let both = format!("{lists}  - {{sender_map: sender.map, selector: s, keyfile: /k}}\n");
        assert_eq!(site.faults(&both), [""; 0], "no mailing list signs");
    }
    assert_eq!(
        site.faults("sign:\n  - {signing_table: empty, key_table: key.table}\n"),
        [empty("signing_table", "empty")]
    );
    let no_keys = site.faults("sign:\n  - {signing_table: 'refile:signing.table', key_table: empty}\n");
    assert_eq!(no_keys[0], empty("key_table", "empty"));
}

#[test]
fn the_mark_at_the_start_of_a_table_is_no_part_of_its_first_line() {
    let site = Site::new(&[
        ("sender.map", "\u{feff}a.example dkim\n"),
        ("signing.table", "\u{feff}*@b.example key\n"),
        ("key.table", "\u{feff}key b.example:s:/b\n"),
    ]);
    let map = "sign:\n  - {sender_map: sender.map, selector: s, keyfile: /k}\n";
    assert_eq!(site.outcome(map, "joe@a.example"), "d=a.example s=s /k");
    let tables = "sign:\n  - {signing_table: 'refile:signing.table', key_table: key.table}\n";
    assert_eq!(site.outcome(tables, "joe@b.example"), "d=b.example s=s /b");
}

#[test]
fn patterns_of_tables_fit_international_domains() {
    let site = Site::new(&[
        ("re", "*-news@bücher.example. key\n*@*.bücher.example key\n"),
        ("plain", "joe@.bücher.example. key\n.käse.example key\n"),
        ("key.table", "key b.example:s:/b\n"),
        ("list.map", "bücher.example. dkim\n"),
    ]);
    let signed = "d=b.example s=s /b";
    let refile = "sign:\n  - {signing_table: 'refile:re', key_table: key.table}\n";
    for author in ["a-news@xn--bcher-kva.example", "a@x.xn--bcher-kva.example"] {
        assert_eq!(site.outcome(refile, author), signed, "{author}");
    }
    let plain = "sign:\n  - {signing_table: plain, key_table: key.table}\n";
    for author in ["joe@x.xn--bcher-kva.example", "ann@x.xn--kse-qla.example"] {
        assert_eq!(site.outcome(plain, author), signed, "{author}");
    }
    let lists = "sign:\n  - {listid_map: list.map, selector: s, keyfile: /k}\n";
    let header = "From: a@a.example\r\nList-Id: <users.xn--bcher-kva.example>\r\n";
    assert_eq!(site.outcome_of(lists, header, ""), "d=xn--bcher-kva.example s=s /k");
}

#[test]
fn lines_that_fit_nobody_are_faults() {
    let signing =
        "*@ example.org key\n*@a.example,*@b.example key\nregex:.*@a.example key\n*@c.example key b\n";
    let site = Site::new(&[
        ("re", signing),
        ("key.table", "key b.example:s:/b\n"),
        ("sender.map", "a.example dkim(s=a,s=b)\nb.example dkim(d=a.example, domain=b.example)\n"),
    ]);
    assert_eq!(
        site.faults("sign:\n  - {signing_table: 'refile:re', key_table: key.table}\n"),
        [
            "re:1: `*@ example.org key`, which fits no address, since no domain is so (empty domain name)",
            "re:2: `*@a.example,*@b.example key`, which fits no address: it holds '@' in its local part",
            "re:3: `regex:.*@a.example key`, which fits no address: it holds ':' in its local part",
            "re:4: `*@c.example key b`, whose `b` is no identity: it has neither an `@` nor a domain",
        ]
    );
    assert_eq!(
        site.faults("sign:\n  - {sender_map: sender.map, selector: s, keyfile: /k}\n"),
        [
            "sender.map:1: `a.example dkim(s=a,s=b)`, whose `s=` stands twice",
            "sender.map:2: `b.example dkim(d=a.example, domain=b.example)`, whose `d=` stands twice",
        ]
    );
}

#[test]
fn an_author_without_a_domain_is_doubtful() {
    let rule = |author: &str| {
        let text = format!(
            "role: outbound\nlisten: 127.0.0.1:1\nrelay: 127.0.0.1:2\nsign:\n  - {{author: '{author}', domain: a.example, selector: s, keyfile: k}}\n"
        );
        read(Source { name: "proxy.yaml".to_owned(), text }, "mx.example.org")
    };
    let warnings = |author: &str| rule(author).unwrap().warnings.len();
    assert_eq!((warnings("joe"), warnings("localhost"), warnings("joe@a.example")), (1, 0, 0));
    for author in ["*@ a.example", "*@a.example,*@b.example", "*@bü*.example"] {
        assert!(rule(author).unwrap_err().to_string().contains("which fits no address"), "{author}");
    }
}
