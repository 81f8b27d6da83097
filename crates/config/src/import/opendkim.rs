//! OpenDKIM's options (opendkim.conf(5)).

use super::Fate::{Without, Word};
use super::options::{Setting, settings};
use super::write::{Yaml, list_text, value_text};
use super::{Fate, Imported, fate, located};
use crate::fault::Source;
use dkim::{Algorithm, Canonicalization};

const SERVICE: &str = "systemd, the init script or the container does this";
const LOG: &str = "one log line for each message, on standard error: `--log-format`, `--log-level`";
const MILTER: &str = "of the milter protocol; dkimgate is an SMTP proxy: see docs/postfix.md";
const DATABASE: &str = "no data sets in LDAP, SQL, Lua or Berkeley DB: write the table into a file";
const REPORTS: &str = "no failure reports (RFC 6591) are sent";
const SCRIPTS: &str = "no Lua scripts: rules and their conditions take their place";
const RESULTS: &str = "fields that claim our own authserv-id are always removed, those of others always kept";
const NO_REWRITING: &str = "nothing in a message is rewritten but what `bare_cr`, `bare_lf` and `nul` say";
const TESTS: &str = "`dkimgate verify --zone FILE` has a DNS in a file for tests";
const STATISTICS: &str = "no statistics are gathered";
const LIBRARY: &str = "nothing to set here";

/// What becomes of each option.
pub const OPENDKIM_OPTIONS: &[(&str, Fate)] = &[
    ("Mode", Word("role")),
    ("Socket", Word("listen")),
    ("Domain", Word("domain")),
    ("Selector", Word("selector")),
    ("KeyFile", Word("keyfile")),
    ("SubDomains", Word("subdomains")),
    ("KeyTable", Word("key_table")),
    ("SigningTable", Word("signing_table")),
    ("MultipleSignatures", Word("multiple")),
    ("Canonicalization", Word("canonicalization")),
    ("SignatureAlgorithm", Word("algorithm")),
    ("SignHeaders", Word("fields")),
    ("OversignHeaders", Word("oversign")),
    ("SignatureTTL", Word("expire")),
    ("InternalHosts", Word("client")),
    ("AuthservID", Word("hostname")),
    ("Nameservers", Word("dns.servers")),
    ("DNSTimeout", Word("dns.timeout")),
    ("MaximumSignaturesToVerify", Word("verify.max_signatures")),
    ("MaximumHeaders", Word("limits.header")),
    ("TemporaryDirectory", Word("spool")),
    ("On-BadSignature", Word("reject_fail")),
    ("On-DNSError", Word("reject_error")),
    ("On-InternalError", Word("on_fault")),
    ("On-SignatureError", Word("on_fault")),
    ("On-Default", Without("see On-BadSignature, On-DNSError and On-InternalError")),
    ("On-KeyNotFound", Without("a signature whose key is not there counts as none")),
    ("On-NoSignature", Without("mail without a signature is never refused")),
    ("On-Security", Without("no such case")),
    ("AlwaysAddARHeader", Without("Authentication-Results is always added")),
    ("AuthservIDWithJobID", Without("the authserv-id is `hostname` alone")),
    ("KeepAuthResults", Without(RESULTS)),
    ("RemoveARAll", Without(RESULTS)),
    ("RemoveARFrom", Without(RESULTS)),
    ("NoHeaderB", Without("header.b is always said (RFC 6008)")),
    ("RequireSafeKeys", Without("a key that others may read is never used")),
    ("MinimumKeyBits", Without("RSA keys have 1024 bits at least (RFC 8301)")),
    ("ClockDrift", Without("300 seconds, either way")),
    ("SenderHeaders", Without("the author, in From, decides, since DMARC looks at nobody else")),
    (
        "ExternalIgnoreList",
        Without("whoever may connect (`clients`) is trusted; who else sends is the MTA's business"),
    ),
    ("PeerList", Without("lead such mail around dkimgate in master.cf")),
    ("MTA", Without("lead what is to be signed to the outbound listener in master.cf")),
    ("MTACommand", Without("dkimgate sends no mail of its own")),
    ("MacroList", Without(MILTER)),
    ("MilterDebug", Without(MILTER)),
    ("SMTPURI", Without(MILTER)),
    ("SenderMacro", Without(MILTER)),
    ("POPDBFile", Without("the MTA knows who logged in: see `agree` and `xforward`")),
    ("ExemptDomains", Without("a rule with `domain` and `none` leaves a domain's mail unsigned")),
    ("DontSignMailTo", Without("there are no rules by recipient")),
    (
        "ResignMailTo",
        Without("there are no rules by recipient; `list_id` with `sign_again` is for mailing lists"),
    ),
    ("ResignAll", Without("`sign_again` in a rule")),
    ("BodyLengthDB", Without("`l=` lets others add to a signed message; it is never set")),
    ("MaximumSignedBytes", Without("`l=` lets others add to a signed message; it is never set")),
    ("OmitHeaders", Without("`fields` names the fields to sign")),
    ("RequestReports", Without(REPORTS)),
    ("SendReports", Without(REPORTS)),
    ("ReportAddress", Without(REPORTS)),
    ("ReportBccAddress", Without(REPORTS)),
    (
        "RequiredHeaders",
        Without("a message without one clear From is not signed; the rest is the MTA's business"),
    ),
    (
        "StrictHeaders",
        Without("a message without one clear From is not signed; the rest is the MTA's business"),
    ),
    ("IgnoreMalformedMail", Without("such mail goes through, unsigned")),
    ("WeakSyntaxChecks", Without("such mail goes through, unsigned")),
    ("FixCRLF", Without("`bare_cr` and `bare_lf`; both are `fix` by default")),
    ("RemoveOldSignatures", Without("signatures of others are kept")),
    ("ReplaceHeaders", Without(NO_REWRITING)),
    ("ReplaceRules", Without(NO_REWRITING)),
    ("IdentityHeader", Without("`identity` in a rule")),
    ("IdentityHeaderRemove", Without("`identity` in a rule")),
    ("SelectCanonicalizationHeader", Without("`canonicalization` in a rule")),
    ("DomainKeysCompat", Without("old key records are read as they are")),
    ("TrustSignaturesFrom", Without("every valid signature is reported; DMARC compares domains")),
    ("MustBeSigned", Without("`fields`; what is signed and not there is the sender's business")),
    ("Minimum", Without("a signature with an unsigned rest of the body never passes")),
    ("Quarantine", Without("the MTA quarantines, by Authentication-Results")),
    ("RedirectFailuresTo", Without("the MTA redirects, by Authentication-Results")),
    ("CaptureUnknownErrors", Without("the MTA keeps what is answered with 451")),
    ("Diagnostics", Without("`dkimgate verify` says why a signature fails")),
    ("DiagnosticDirectory", Without("`dkimgate verify` says why a signature fails")),
    ("KeepTemporaryFiles", Without("nothing is left behind")),
    ("TrustAnchorFile", Without("the resolver validates DNSSEC: name one that does")),
    ("UnprotectedKey", Without("the resolver validates DNSSEC: name one that does")),
    ("BogusKey", Without("the resolver validates DNSSEC: name one that does")),
    ("ResolverConfiguration", Without("the resolver has its own configuration")),
    ("ResolverTracing", Without("`--log-level trace`")),
    ("DNSConnect", Without("large answers are fetched over TCP in any case")),
    ("TestDNSData", Without(TESTS)),
    ("TestPublicKeys", Without(TESTS)),
    ("StrictTestMode", Without(TESTS)),
    ("ScreenPolicyScript", Without(SCRIPTS)),
    ("SetupPolicyScript", Without(SCRIPTS)),
    ("StatisticsPolicyScript", Without(SCRIPTS)),
    ("FinalPolicyScript", Without(SCRIPTS)),
    ("Statistics", Without(STATISTICS)),
    ("StatisticsName", Without(STATISTICS)),
    ("StatisticsPrefix", Without(STATISTICS)),
    ("LDAPAuthMechanism", Without(DATABASE)),
    ("LDAPAuthName", Without(DATABASE)),
    ("LDAPAuthRealm", Without(DATABASE)),
    ("LDAPAuthUser", Without(DATABASE)),
    ("LDAPBindPassword", Without(DATABASE)),
    ("LDAPBindUser", Without(DATABASE)),
    ("LDAPDisableCache", Without(DATABASE)),
    ("LDAPKeepaliveIdle", Without(DATABASE)),
    ("LDAPKeepaliveInterval", Without(DATABASE)),
    ("LDAPKeepaliveProbes", Without(DATABASE)),
    ("LDAPTimeout", Without(DATABASE)),
    ("LDAPUseTLS", Without(DATABASE)),
    ("QueryCache", Without("answers are remembered: `dns.cache`")),
    ("SoftwareHeader", Without("no such field is added")),
    ("SoftStart", Without(DATABASE)),
    ("DisableCryptoInit", Without(LIBRARY)),
    ("EnableCoredumps", Without(SERVICE)),
    ("AutoRestart", Without(SERVICE)),
    ("AutoRestartCount", Without(SERVICE)),
    ("AutoRestartRate", Without(SERVICE)),
    ("Background", Without(SERVICE)),
    ("BaseDirectory", Without(SERVICE)),
    ("ChangeRootDirectory", Without(SERVICE)),
    ("PidFile", Without(SERVICE)),
    ("UMask", Without(SERVICE)),
    ("UserID", Without(SERVICE)),
    ("Include", Without("name the other file as well")),
    ("LogWhy", Without(LOG)),
    ("LogResults", Without(LOG)),
    ("Syslog", Without(LOG)),
    ("SyslogFacility", Without(LOG)),
    ("SyslogName", Without(LOG)),
    ("SyslogSuccess", Without(LOG)),
];

/// Reads OpenDKIM's configuration; later files add to the first.
#[must_use]
pub fn opendkim(files: &[Source]) -> Imported {
    let mut imported = Imported::default();
    let all: Vec<Setting<'_>> = files.iter().flat_map(settings).collect();
    for setting in &all {
        match fate(OPENDKIM_OPTIONS, &setting.name) {
            Some(Word(_)) => {}
            Some(Without(reason)) => imported.note(setting, format_args!("left out: {reason}")),
            None => imported.note(setting, "not known, left out"),
        }
    }
    let mode = value(&all, "Mode").unwrap_or("sv");
    let signs = ["KeyFile", "SigningTable", "KeyTable"].iter().any(|name| value(&all, name).is_some());
    if mode.contains('s') && signs {
        imported.outbound = Some(write_outbound(&all, &mut imported));
    } else if mode.contains('s') {
        imported.remark("nothing says what to sign with: no KeyFile, no SigningTable");
    }
    if mode.contains('v') {
        imported.inbound = Some(write_inbound(&all));
    }
    if let Some(socket) = last(&all, "Socket") {
        imported.note(
            socket,
            "dkimgate is no milter: take it out of smtpd_milters and non_smtpd_milters, and put the services of docs/postfix.md into master.cf",
        );
    }
    if let Some(hosts) = last(&all, "InternalHosts") {
        imported.note(
            hosts,
            "what comes to the outbound listener is signed, what comes to the inbound one is verified: lead the submission port to the first; `client` in a rule narrows it down",
        );
    }
    imported
}

fn last<'a>(all: &'a [Setting<'a>], name: &str) -> Option<&'a Setting<'a>> {
    all.iter().rev().find(|setting| setting.is(name))
}

fn value<'a>(all: &'a [Setting<'a>], name: &str) -> Option<&'a str> {
    last(all, name).map(|setting| setting.value.as_str()).filter(|value| !value.is_empty())
}

fn list(text: &str) -> Vec<String> {
    let text = text.strip_prefix("csl:").unwrap_or(text);
    let words = text.split(|c: char| c == ',' || c.is_whitespace()).map(str::trim);
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn write_head(role: &str, ports: [&str; 2]) -> Yaml {
    let mut yaml = Yaml::default();
    yaml.comment(&format!(
        "{role}: written out of OpenDKIM's file. What each word means stands in the file of this role that"
    ));
    yaml.comment("comes with dkimgate. `dkimgate check` finds every fault in it.").raw(0, "");
    yaml.option(0, "role", role);
    yaml.comment("OpenDKIM's socket spoke the milter protocol; these are ports of SMTP (docs/postfix.md).");
    yaml.option(0, "listen", ports[0]).option(0, "relay", ports[1]);
    yaml
}

fn write_inbound(all: &[Setting<'_>]) -> String {
    let mut yaml = write_head("inbound", ["127.0.0.1:10025", "127.0.0.1:10026"]);
    if let Some(name) = value(all, "AuthservID").filter(|name| !name.eq_ignore_ascii_case("HOSTNAME")) {
        yaml.option(0, "hostname", name);
    }
    let is = |name: &str, action: &str| {
        let said = value(all, name).or(value(all, "On-Default"));
        said.is_some_and(|said| said.to_ascii_lowercase().starts_with(action))
    };
    if is("On-BadSignature", "reject") {
        yaml.option(0, "reject_fail", "true");
    }
    if is("On-DNSError", "t") {
        yaml.option(0, "reject_error", "true");
    }
    if let Some(limit) = value(all, "MaximumSignaturesToVerify").filter(|limit| *limit != "0") {
        yaml.raw(0, &format!("verify: {{max_signatures: {limit}}}"));
    }
    let servers = value(all, "Nameservers").map(list).filter(|servers| !servers.is_empty());
    let timeout = value(all, "DNSTimeout").filter(|timeout| *timeout != "0");
    if servers.is_some() || timeout.is_some() {
        yaml.raw(0, "dns:");
    }
    if let Some(servers) = servers {
        yaml.raw(2, &format!("servers: {}", list_text(&servers)));
    }
    if let Some(timeout) = timeout {
        yaml.option(2, "timeout", &format!("{timeout}s"));
    }
    yaml.finish()
}

fn write_outbound(all: &[Setting<'_>], imported: &mut Imported) -> String {
    let mut yaml = write_head("outbound", ["127.0.0.1:10027", "127.0.0.1:10028"]);
    yaml.raw(0, "").raw(0, "sign:");
    match (last(all, "SigningTable"), last(all, "KeyTable")) {
        (Some(signing), Some(keys)) => {
            let dataset = |setting: &Setting<'_>| {
                let (kind, path) = setting.value.split_once(':').unwrap_or(("file", &setting.value));
                value_text(&format!("{kind}:{}", located(setting.file, path)))
            };
            yaml.raw(2, "# OpenDKIM's own tables, as they are.");
            yaml.raw(2, &format!("- signing_table: {}", dataset(signing)));
            yaml.raw(4, &format!("key_table: {}", dataset(keys)));
            if last(all, "MultipleSignatures").is_some_and(Setting::is_on) {
                yaml.option(4, "multiple", "true");
            }
        }
        _ => write_rule(&mut yaml, all, imported),
    }
    write_style(&mut yaml, all, imported);
    yaml.finish()
}

fn write_rule(yaml: &mut Yaml, all: &[Setting<'_>], imported: &mut Imported) {
    let domains = value(all, "Domain").map(list).unwrap_or_default();
    if domains.iter().any(|domain| domain.contains(['/', '*'])) {
        imported.remark("Domain: name the domains in the file itself; a file or a `*` cannot be read here");
    }
    let is_missing = domains.is_empty();
    yaml.raw(
        2,
        &format!("- domain: {}", if is_missing { "example.org".to_owned() } else { list_text(&domains) }),
    );
    if is_missing {
        imported.remark("Domain is missing: put yours in the place of example.org");
    }
    if last(all, "SubDomains").is_some_and(Setting::is_on) {
        yaml.option(4, "subdomains", "true");
    }
    yaml.option(4, "selector", value(all, "Selector").unwrap_or("default"));
    if let Some(keyfile) = last(all, "KeyFile") {
        yaml.option(4, "keyfile", &located(keyfile.file, &keyfile.value));
    }
}

fn write_style(yaml: &mut Yaml, all: &[Setting<'_>], imported: &mut Imported) {
    let said = last(all, "Canonicalization");
    match said.map(|setting| (setting, Canonicalization::parse(&setting.value.to_ascii_lowercase()))) {
        Some((_, Some(canonicalization))) => {
            yaml.raw(4, "# As it was. relaxed/relaxed, the default here, also survives changes of white space in the body.");
            yaml.option(4, "canonicalization", &canonicalization.to_string());
        }
        Some((setting, None)) => imported.note(setting, "no form of DKIM; relaxed/relaxed is used"),
        None => imported.remark("Canonicalization was simple/simple, OpenDKIM's default, which hardly any mail survives; it is relaxed/relaxed now"),
    }
    match last(all, "SignatureAlgorithm").map(|setting| (setting, Algorithm::parse(&setting.value))) {
        Some((setting, Some(Algorithm::RsaSha1))) => {
            imported.note(setting, "rsa-sha1 may not be signed with any more (RFC 8301): rsa-sha256 is used");
        }
        Some((_, Some(algorithm))) => {
            yaml.option(4, "algorithm", algorithm.name());
        }
        Some((setting, None)) => imported.note(setting, "not known, left out"),
        None => {}
    }
    if let Some(ttl) = value(all, "SignatureTTL").filter(|ttl| *ttl != "0") {
        yaml.option(4, "expire", &format!("{ttl}s"));
    }
    write_fields(yaml, all, imported);
}

fn write_fields(yaml: &mut Yaml, all: &[Setting<'_>], imported: &mut Imported) {
    if let Some(setting) = last(all, "SignHeaders") {
        let names = list(&setting.value);
        if names.iter().any(|name| {
            name.contains(['*', '+', '-', '/']) && !name.chars().next().is_some_and(char::is_alphanumeric)
        }) {
            imported.note(
                setting,
                "what is added to the default with `*`, `+` or `-` has to be written out in `fields`",
            );
        } else {
            let mut names = names;
            if !names.iter().any(|name| name.eq_ignore_ascii_case("From")) {
                names.insert(0, "From".to_owned());
            }
            yaml.raw(4, &format!("fields: {}", list_text(&names)));
        }
    }
    let Some(setting) = last(all, "OversignHeaders") else { return };
    let names = list(&setting.value);
    match names.as_slice() {
        [one] if one.eq_ignore_ascii_case("From") => {
            yaml.raw(
                4,
                "# As it was. The default here, `present`, guards the fields that are there as well.",
            );
            yaml.option(4, "oversign", "from");
        }
        _ => imported.note(
            setting,
            "`oversign` is one of three modes: From and the present ones of eight fields is the default",
        ),
    }
}
