//! DKIMproxy's options (`dkimproxy.in`, `dkimproxy.out`), from their files and from command lines.

use super::Fate::{Without, Word};
use super::dkimproxy_rule::Rule;
use super::options::{Role, Setting, settings};
use super::write::{Yaml, value_text};
use super::{Fate, Imported, fate, located};
use crate::fault::Source;
use dkim::Canonicalization;

const SERVICE: &str = "systemd, the init script or the container does this";
const PROCESSES: &str = "one process serves all; see `limits`";
const LOG: &str = "the log goes to standard error: `--log-format`, `--log-level`";
const CLIENTS: &str = "`clients` says who may connect";

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
    ("identity", Word("identity")),
    ("hostname", Word("hostname")),
    ("reject_fail", Word("reject_fail")),
    ("reject_error", Word("reject_error, on_fault")),
    ("conf_file", Without("name this file too, as an argument of `dkimgate import dkimproxy`")),
    ("daemonize", Without(SERVICE)),
    ("background", Without(SERVICE)),
    ("user", Without(SERVICE)),
    ("group", Without(SERVICE)),
    ("pidfile", Without(SERVICE)),
    ("pid_file", Without(SERVICE)),
    ("setsid", Without(SERVICE)),
    ("chroot", Without(SERVICE)),
    ("lock_file", Without(SERVICE)),
    ("log_file", Without(LOG)),
    ("log_level", Without(LOG)),
    ("syslog_facility", Without(LOG)),
    ("syslog_ident", Without(LOG)),
    ("syslog_logopt", Without(LOG)),
    ("syslog_logsock", Without(LOG)),
    ("allow", Without(CLIENTS)),
    ("deny", Without(CLIENTS)),
    ("cidr_allow", Without(CLIENTS)),
    ("cidr_deny", Without(CLIENTS)),
    ("reverse_lookups", Without("no client's name is looked up")),
    ("proto", Without("`listen` is TCP, or a UNIX socket")),
    ("debugtrace", Without("`dkimgate explain` says what is done with a message, and why")),
    ("smtp_hello", Without("EHLO names `hostname`")),
    ("min_servers", Without(PROCESSES)),
    ("max_servers", Without(PROCESSES)),
    ("min_spare_servers", Without(PROCESSES)),
    ("max_spare_servers", Without(PROCESSES)),
    ("max_requests", Without(PROCESSES)),
    ("server_type", Without(PROCESSES)),
    ("serialize", Without(PROCESSES)),
    ("check_for_dead", Without(PROCESSES)),
    ("check_for_waiting", Without(PROCESSES)),
    ("check_for_spawn", Without(PROCESSES)),
    ("check_for_dequeue", Without(PROCESSES)),
    ("max_dequeue", Without(PROCESSES)),
    ("no_close_by_child", Without(PROCESSES)),
    ("no_client_stdout", Without(PROCESSES)),
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
        imported.outbound = write_outbound(&outbound, &mut imported);
    }
    let inbound: Vec<_> = of(Role::Inbound).into_iter().filter(|setting| !is_signing(setting)).collect();
    if all.iter().any(|setting| role_of(setting, &all) == Some(Role::Inbound)) {
        imported.inbound = Some(write_inbound(&inbound, &mut imported));
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

const SIGNING: [&str; 7] =
    ["domain", "selector", "keyfile", "signature", "identity", "sender_map", "listid_map"];

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

pub(super) fn last<'a>(settings: &[&'a Setting<'a>], name: &str) -> Option<&'a Setting<'a>> {
    settings.iter().rev().find(|setting| setting.is(name)).copied()
}

pub(super) fn value<'a>(settings: &[&'a Setting<'a>], name: &str) -> Option<&'a str> {
    last(settings, name).map(|setting| setting.value.as_str()).filter(|value| !value.is_empty())
}

fn write_head(
    yaml: &mut Yaml,
    settings: &[&Setting<'_>],
    (role, ports): (&str, [&str; 2]),
    imported: &mut Imported,
) {
    yaml.comment(&format!(
        "{role}: written out of DKIMproxy's files. What each word means stands in the file of this role that"
    ));
    yaml.comment("comes with dkimgate. `dkimgate check` finds every fault in it.").raw(0, "");
    yaml.option(0, "role", role);
    yaml.option(0, "listen", &listen_address(settings, ports[0], imported));
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
        Some(address) if address.contains(':') => address.replacen("localhost:", "127.0.0.1:", 1),
        Some(host) => format!("{host}:25"),
        None => default.to_owned(),
    }
}

/// Where to listen. What listened on all addresses listens on loopback: whoever may connect may send with our
/// signature.
fn listen_address(settings: &[&Setting<'_>], default: &str, imported: &mut Imported) -> String {
    let address = address(settings, ["listen", "host", "port"], default);
    let Some((host @ ("*" | "0.0.0.0" | "[::]"), port)) = address.rsplit_once(':') else { return address };
    imported.remark(&format!(
        "listen: DKIMproxy listened on all addresses (`{host}`); now on 127.0.0.1 alone. To be reached from other \
         hosts, name an address of this one, and in `clients` those who may connect"
    ));
    format!("127.0.0.1:{port}")
}

fn write_inbound(settings: &[&Setting<'_>], imported: &mut Imported) -> String {
    let mut yaml = Yaml::default();
    write_head(&mut yaml, settings, ("inbound", ["127.0.0.1:10025", "127.0.0.1:10026"]), imported);
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

/// Nothing if there is nothing to sign with.
fn write_outbound(settings: &[&Setting<'_>], imported: &mut Imported) -> Option<String> {
    let has_maps = value(settings, "sender_map").or(value(settings, "listid_map")).is_some();
    let rule = Rule::of(settings, imported);
    if rule.is_none() && !has_maps {
        imported.remark(
            "nothing to sign with: neither a map, nor `domain` (or `d=` in a signature) with `keyfile` and `selector`",
        );
        imported.lacks_signer = true;
        return None;
    }
    let mut yaml = Yaml::default();
    write_head(&mut yaml, settings, ("outbound", ["127.0.0.1:10027", "127.0.0.1:10028"]), imported);
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
    if has_maps {
        yaml.comment("What the maps do not name gets the signatures below them.").option(0, "match", "first");
    }
    yaml.raw(0, "sign:");
    for map in ["listid_map", "sender_map"] {
        if let Some(setting) = last(settings, map) {
            write_map(&mut yaml, settings, setting);
        }
    }
    if let Some(rule) = rule {
        rule.write(&mut yaml);
    }
    Some(yaml.finish())
}

fn write_map(yaml: &mut Yaml, settings: &[&Setting<'_>], map: &Setting<'_>) {
    yaml.raw(2, &format!("- {}: {}", map.name, value_text(&located(map.file, &map.value))));
    if let Some(selector) = value(settings, "selector") {
        yaml.option(4, "selector", selector);
    }
    if let Some(keyfile) = last(settings, "keyfile") {
        yaml.option(4, "keyfile", &located(keyfile.file, &keyfile.value));
    }
    let method = value(settings, "method").and_then(Canonicalization::parse);
    if let Some(canonicalization) = method {
        write_canonicalization(yaml, 4, canonicalization);
    }
}

pub(super) fn write_canonicalization(
    yaml: &mut Yaml,
    indentation: usize,
    canonicalization: Canonicalization,
) {
    yaml.raw(
        indentation,
        "# As it was. relaxed/relaxed, the default here, also survives changes of white space in the body.",
    );
    yaml.option(indentation, "canonicalization", &canonicalization.to_string());
}
