//! DKIMproxy's options (`dkimproxy.in`, `dkimproxy.out`), from their files and from command lines.

use super::Fate::{Without, Word};
use super::options::{Role, Setting, settings};
use super::write::{Yaml, list_text, value_text};
use super::{Fate, Imported, fate, located};
use crate::dkimproxy::SignatureWord;
use crate::fault::Source;
use dkim::{Canonicalization, Kind};

const SERVICE: &str = "systemd, the init script or the container does this";
const PROCESSES: &str = "one process serves all; see `limits`";

/// What becomes of each option.
pub const DKIMPROXY_OPTIONS: &[(&str, Fate)] = &[
    ("listen", Word("listen")),
    ("relay", Word("relay")),
    ("relay_host", Word("relay")),
    ("relay_port", Word("relay")),
    ("host", Word("listen")),
    ("port", Word("listen")),
    ("domain", Word("domain")),
    ("selector", Word("selector")),
    ("keyfile", Word("keyfile")),
    ("method", Word("canonicalization")),
    ("signature", Word("signature")),
    ("sender_map", Word("sender_map")),
    ("listid_map", Word("listid_map")),
    ("hostname", Word("hostname")),
    ("reject_fail", Word("reject_fail")),
    ("reject_error", Word("reject_error, on_fault")),
    ("conf_file", Without("the file is the argument of `dkimgate run`")),
    ("daemonize", Without(SERVICE)),
    ("background", Without(SERVICE)),
    ("user", Without(SERVICE)),
    ("group", Without(SERVICE)),
    ("pidfile", Without(SERVICE)),
    ("pid_file", Without(SERVICE)),
    ("log_file", Without("the log goes to standard error: `--log-format`, `--log-level`")),
    ("debugtrace", Without("`dkimgate explain` says what is done with a message, and why")),
    ("smtp_hello", Without("EHLO names `hostname`")),
    ("min_servers", Without(PROCESSES)),
    ("max_servers", Without(PROCESSES)),
    ("min_spare_servers", Without(PROCESSES)),
    ("max_spare_servers", Without(PROCESSES)),
    ("max_requests", Without(PROCESSES)),
];

/// Reads files of DKIMproxy's, or init scripts with its command lines.
#[must_use]
pub fn dkimproxy(files: &[Source]) -> Imported {
    let mut imported = Imported::default();
    let all: Vec<Setting<'_>> = files.iter().flat_map(settings).collect();
    for setting in &all {
        match fate(DKIMPROXY_OPTIONS, &setting.name) {
            Some(Word(_)) => {}
            Some(Without(reason)) => imported.note(setting, format_args!("left out: {reason}")),
            None => imported.note(setting, "not known, left out"),
        }
    }
    let of = |role| -> Vec<&Setting<'_>> {
        all.iter().filter(|setting| role_of(setting, &all).is_none_or(|own| own == role)).collect()
    };
    let has = |settings: &[&Setting<'_>], names: &[&str]| {
        settings.iter().any(|setting| names.iter().any(|name| setting.is(name)))
    };
    let outbound = of(Role::Outbound);
    if has(&outbound, &SIGNING) {
        imported.outbound = Some(write_outbound(&outbound, &mut imported));
    }
    let inbound: Vec<_> = of(Role::Inbound).into_iter().filter(|setting| !is_signing(setting)).collect();
    if all.iter().any(|setting| role_of(setting, &all) == Some(Role::Inbound)) {
        imported.inbound = Some(write_inbound(&inbound));
    }
    if imported.outbound.is_none() && imported.inbound.is_none() {
        imported.remark("nothing was found that DKIMproxy would do");
    }
    imported.remark(
        "master.cf: the ports stay as they are; compare the services with docs/postfix.md (`smtp_send_xforward_command=yes`, \
         and the options of the return ports)",
    );
    imported
}

const SIGNING: [&str; 6] = ["domain", "selector", "keyfile", "signature", "sender_map", "listid_map"];

fn is_signing(setting: &Setting<'_>) -> bool {
    SIGNING.iter().any(|name| setting.is(name))
}

/// Which listener an option is of: what stands around it says so, or else what its file is about.
fn role_of(setting: &Setting<'_>, all: &[Setting<'_>]) -> Option<Role> {
    if setting.role.is_some() || setting.file.text.contains("--") {
        return setting.role;
    }
    let mut same_file = all.iter().filter(|other| std::ptr::eq(other.file, setting.file));
    Some(if same_file.any(is_signing) { Role::Outbound } else { Role::Inbound })
}

fn last<'a>(settings: &[&'a Setting<'a>], name: &str) -> Option<&'a Setting<'a>> {
    settings.iter().rev().find(|setting| setting.is(name)).copied()
}

fn value<'a>(settings: &[&'a Setting<'a>], name: &str) -> Option<&'a str> {
    last(settings, name).map(|setting| setting.value.as_str()).filter(|value| !value.is_empty())
}

fn write_head(yaml: &mut Yaml, settings: &[&Setting<'_>], role: &str, ports: [&str; 2]) {
    yaml.comment(&format!(
        "{role}: written out of DKIMproxy's files. What each word means stands in the file of this role that"
    ));
    yaml.comment("comes with dkimgate. `dkimgate check` finds every fault in it.").raw(0, "");
    yaml.option(0, "role", role);
    yaml.option(0, "listen", &address(settings, ["listen", "host", "port"], ports[0]));
    yaml.option(0, "relay", &address(settings, ["relay", "relay_host", "relay_port"], ports[1]));
}

/// An address in one option or in two. DKIMproxy's relay is on port 25 unless it says otherwise.
fn address(settings: &[&Setting<'_>], names: [&str; 3], default: &str) -> String {
    let whole = value(settings, names[0]).map(str::to_owned);
    let parts = value(settings, names[1]).map(|host| match value(settings, names[2]) {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    });
    match whole.or(parts) {
        Some(address) if address.contains(':') => address,
        Some(host) => format!("{host}:25"),
        None => default.to_owned(),
    }
}

fn write_inbound(settings: &[&Setting<'_>]) -> String {
    let mut yaml = Yaml::default();
    write_head(&mut yaml, settings, "inbound", ["127.0.0.1:10025", "127.0.0.1:10026"]);
    if let Some(hostname) = value(settings, "hostname").filter(|name| !name.contains(['$', '`'])) {
        yaml.comment("The authserv-id.").option(0, "hostname", hostname);
    }
    for word in ["reject_fail", "reject_error"] {
        if last(settings, word).is_some_and(Setting::is_on) {
            yaml.option(0, word, "true");
        }
    }
    yaml.finish()
}

fn write_outbound(settings: &[&Setting<'_>], imported: &mut Imported) -> String {
    let mut yaml = Yaml::default();
    write_head(&mut yaml, settings, "outbound", ["127.0.0.1:10027", "127.0.0.1:10028"]);
    yaml.raw(0, "").comment("What is done if a key cannot be used. DKIMproxy let the mail out unsigned unless `reject_error` was set.");
    if last(settings, "reject_error").is_some_and(Setting::is_on) {
        yaml.option(0, "on_fault", "defer");
    } else {
        imported.remark(
            "a key that cannot be used: DKIMproxy let the mail out unsigned; now the client hears 451, unless \
             `on_fault: unsigned` is set",
        );
        yaml.raw(0, "#on_fault: unsigned");
    }
    yaml.raw(0, "");
    if value(settings, "sender_map").or(value(settings, "listid_map")).is_some() {
        yaml.comment("What the maps do not name gets the signatures below them.").option(0, "match", "first");
    }
    yaml.raw(0, "sign:");
    for map in ["listid_map", "sender_map"] {
        if let Some(setting) = last(settings, map) {
            write_map(&mut yaml, settings, setting);
        }
    }
    write_rule(&mut yaml, settings, imported);
    yaml.finish()
}

fn write_map(yaml: &mut Yaml, settings: &[&Setting<'_>], map: &Setting<'_>) {
    yaml.raw(2, &format!("- {}: {}", map.name, value_text(&located(map.file, &map.value))));
    if let Some(selector) = value(settings, "selector") {
        yaml.option(4, "selector", selector);
    }
    if let Some(keyfile) = last(settings, "keyfile") {
        yaml.option(4, "keyfile", &located(keyfile.file, &keyfile.value));
    }
}

fn write_rule(yaml: &mut Yaml, settings: &[&Setting<'_>], imported: &mut Imported) {
    let (Some(domain), Some(keyfile)) = (last(settings, "domain"), last(settings, "keyfile")) else { return };
    let domains: Vec<String> = domain.value.split(',').map(|name| name.trim().to_owned()).collect();
    if domains.len() == 1 {
        imported.note(
            domain,
            "DKIMproxy signed all mail as its one domain, whoever wrote it; now only mail whose author is of this domain is signed",
        );
    }
    yaml.raw(2, &format!("- domain: {}", list_text(&domains)));
    yaml.raw(4, "# DKIMproxy signed mail of subdomains as the domain above them.").option(
        4,
        "subdomains",
        "true",
    );
    yaml.option(4, "selector", value(settings, "selector").unwrap_or("selector1"));
    yaml.option(4, "keyfile", &located(keyfile.file, &keyfile.value));
    let mut written = false;
    for signature in settings.iter().filter(|setting| setting.is("signature")) {
        if written && signature.value.starts_with("dkim") {
            imported.note(
                signature,
                "a second DKIM signature needs a selector of its own: see `signatures` in proxy-out.yaml",
            );
            continue;
        }
        written |= write_signature(yaml, signature, imported);
    }
    if !settings.iter().any(|setting| setting.is("signature"))
        && let Some(method) = last(settings, "method")
    {
        write_method(yaml, method, imported);
    }
}

/// Whether it was a DKIM signature.
fn write_signature(yaml: &mut Yaml, setting: &Setting<'_>, imported: &mut Imported) -> bool {
    let word = match SignatureWord::parse(&setting.value) {
        Ok(word) => word,
        Err(problem) => {
            imported.note(setting, format_args!("`{}`, {problem}", setting.value));
            return false;
        }
    };
    for change in &word.changes {
        imported.note(setting, change);
    }
    if word.kind == Kind::DomainKeys {
        yaml.raw(4, "# DomainKeys (rsa-sha1) is left out; both would be made by");
        yaml.raw(4, "#signature: [dkim, domainkeys(c=nofws)]");
        imported.note(setting, "left out: hardly anybody verifies DomainKeys any more");
        return false;
    }
    let own = [&word.domain, &word.selector, &word.key, &word.identity];
    if own.iter().any(|value| value.is_some()) {
        imported.note(
            setting,
            "d, s, key and i stand in lines of their own now: see `signatures` in proxy-out.yaml",
        );
    }
    if let Some(canonicalization) = word.canonicalization {
        write_canonicalization(yaml, canonicalization);
    }
    if let Some(algorithm) = word.algorithm {
        yaml.option(4, "algorithm", algorithm.name());
    }
    true
}

fn write_method(yaml: &mut Yaml, method: &Setting<'_>, imported: &mut Imported) {
    match Canonicalization::parse(&method.value) {
        Some(canonicalization) => write_canonicalization(yaml, canonicalization),
        None => imported.note(method, "no form of DKIM; relaxed/relaxed is used"),
    }
}

fn write_canonicalization(yaml: &mut Yaml, canonicalization: Canonicalization) {
    yaml.raw(
        4,
        "# As it was. relaxed/relaxed, the default here, also survives changes of white space in the body.",
    );
    yaml.option(4, "canonicalization", &canonicalization.to_string());
}
