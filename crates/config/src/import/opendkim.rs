//! OpenDKIM's configuration (opendkim.conf(5)) as ours.

use super::Fate::{Without, Word};
use super::opendkim_options::{DATABASE, OPENDKIM_OPTIONS};
use super::options::{Setting, settings};
use super::write::{Yaml, list_text, value_text};
use super::{Imported, fate, located};
use crate::fault::Source;
use crate::rules::inline::Parted;
use dkim::{Algorithm, Canonicalization};
use zeroize::Zeroizing;

/// Reads OpenDKIM's configuration; later files add to the first. `fetch` gets the text of a file that it names, for
/// lists that stand in one.
#[must_use]
pub fn opendkim(files: &[Source], fetch: &dyn Fn(&str) -> Option<String>) -> Imported {
    let mut imported = Imported::default();
    let all: Vec<Setting<'_>> = files.iter().flat_map(settings).collect();
    for setting in &all {
        match fate(OPENDKIM_OPTIONS, &setting.name) {
            Some(Word(_)) => {}
            Some(Without(reason)) => imported.note(setting, format_args!("left out: {reason}")),
            None => imported.note(setting, "not known, left out"),
        }
    }
    let options = Options { all: &all, fetch };
    let mode = options.value("Mode").unwrap_or("sv");
    if mode.contains('s') {
        imported.outbound = write_outbound(&options, &mut imported);
        let is_said = |name: &&str| options.last(name).is_some();
        let signs = ["Mode", "Domain", "Selector", "KeyFile", "KeyTable", "SigningTable"].iter().any(is_said);
        imported.lacks_signer = signs && imported.outbound.is_none();
    }
    if mode.contains('v') {
        imported.inbound = Some(write_inbound(&options, &mut imported));
    }
    if let Some(socket) = options.last("Socket") {
        imported.note(
            socket,
            "dkimgate is no milter: take it out of smtpd_milters and non_smtpd_milters, and put the services of docs/postfix.md into master.cf",
        );
    }
    if let Some(hosts) = options.last("InternalHosts") {
        imported.note(
            hosts,
            "what comes to the outbound listener is signed, what comes to the inbound one is verified: lead the submission port to the first; `client` in a rule narrows it down",
        );
    }
    imported
}

/// The options of all files.
struct Options<'a> {
    all: &'a [Setting<'a>],
    fetch: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Options<'a> {
    fn last(&self, name: &str) -> Option<&'a Setting<'a>> {
        self.all.iter().rev().find(|setting| setting.is(name))
    }

    fn value(&self, name: &str) -> Option<&'a str> {
        self.last(name).map(|setting| setting.value.as_str()).filter(|value| !value.is_empty())
    }

    /// A number other than 0, which stands for none.
    fn number(&self, name: &str, imported: &mut Imported) -> Option<u64> {
        let setting = self.last(name)?;
        let Ok(number) = setting.value.parse() else {
            imported.note(setting, "left out: no number");
            return None;
        };
        Some(number).filter(|number| *number != 0)
    }

    /// A data set: a list in the option itself, or the first column of a file.
    fn list(&self, name: &str, imported: &mut Imported) -> Vec<String> {
        let Some(setting) = self.last(name) else { return Vec::new() };
        let path = match setting.value.split_once(':') {
            Some(("file" | "refile", path)) => path,
            _ if setting.value.starts_with(['/', '.']) => &setting.value,
            Some(("csl", rest)) => return list(rest),
            Some((kind, _)) if !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_lowercase()) => {
                imported.note(setting, format_args!("left out: {DATABASE}"));
                return Vec::new();
            }
            _ => return list(&setting.value),
        };
        let Some(text) = (self.fetch)(&located(setting.file, path)) else {
            imported.note(setting, format_args!("left out: {path} cannot be read"));
            return Vec::new();
        };
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
        lines.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
    }
}

fn list(text: &str) -> Vec<String> {
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

/// What both listeners have.
fn write_limits(yaml: &mut Yaml, options: &Options<'_>, imported: &mut Imported) {
    if let Some(folder) = options.last("TemporaryDirectory").filter(|folder| !folder.value.is_empty()) {
        yaml.option(0, "spool", &located(folder.file, &folder.value));
    }
    if let Some(octets) = options.number("MaximumHeaders", imported) {
        yaml.raw(0, &format!("limits: {{header: {octets}}}"));
    }
}

fn write_inbound(options: &Options<'_>, imported: &mut Imported) -> String {
    let mut yaml = write_head("inbound", ["127.0.0.1:10025", "127.0.0.1:10026"]);
    if let Some(name) = options.value("AuthservID").filter(|name| !name.eq_ignore_ascii_case("HOSTNAME")) {
        yaml.option(0, "hostname", name);
    }
    let is = |name: &str, action: &str| {
        let said = options.value(name).or(options.value("On-Default"));
        said.is_some_and(|said| said.to_ascii_lowercase().starts_with(action))
    };
    if is("On-BadSignature", "reject") {
        yaml.option(0, "reject_fail", "true");
    }
    if is("On-DNSError", "t") {
        yaml.option(0, "reject_error", "true");
    }
    write_limits(&mut yaml, options, imported);
    if let Some(limit) = options.number("MaximumSignaturesToVerify", imported) {
        yaml.raw(0, &format!("verify: {{max_signatures: {limit}}}"));
    }
    let servers = options.value("Nameservers").map(list).filter(|servers| !servers.is_empty());
    let timeout = options.number("DNSTimeout", imported);
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

/// Nothing if there is nothing to sign with.
fn write_outbound(options: &Options<'_>, imported: &mut Imported) -> Option<String> {
    let mut yaml = write_head("outbound", ["127.0.0.1:10027", "127.0.0.1:10028"]);
    if options.value("On-InternalError").is_some_and(|word| word.eq_ignore_ascii_case("accept")) {
        yaml.comment("As it was. `defer`, the default here, lets nothing out unsigned by accident.");
        yaml.option(0, "on_fault", "unsigned");
    }
    write_limits(&mut yaml, options, imported);
    yaml.raw(0, "").raw(0, "sign:");
    write_exceptions(&mut yaml, options, imported);
    match (options.last("SigningTable"), options.last("KeyTable"), options.last("KeyFile")) {
        (Some(signing), Some(keys), _) => write_tables(&mut yaml, options, (signing, keys), imported)?,
        (None, None, Some(keyfile)) => write_rule(&mut yaml, options, keyfile, imported)?,
        (None, None, None) => {
            imported.remark("nothing says what to sign with: no KeyFile, no SigningTable");
            return None;
        }
        (Some(one), None, _) | (None, Some(one), _) => {
            imported.note(one, "a SigningTable needs a KeyTable, and the other way around");
            return None;
        }
    }
    write_style(&mut yaml, options, imported);
    Some(yaml.finish())
}

/// What OpenDKIM left unsigned. One such recipient was enough, and is.
fn write_exceptions(yaml: &mut Yaml, options: &Options<'_>, imported: &mut Imported) {
    for (name, word) in [("ExemptDomains", "domain"), ("DontSignMailTo", "rcpt")] {
        let patterns = options.list(name, imported);
        if !patterns.is_empty() {
            yaml.raw(2, &format!("- {word}: {}", list_text(&patterns)));
            yaml.option(4, "none", name);
        }
    }
}

fn write_tables(
    yaml: &mut Yaml,
    options: &Options<'_>,
    (signing, keys): (&Setting<'_>, &Setting<'_>),
    imported: &mut Imported,
) -> Option<()> {
    let dataset = |setting: &Setting<'_>| {
        let (kind, path) = match setting.value.split_once(':') {
            Some((kind @ ("file" | "refile"), path)) => (kind, path),
            Some((kind, _)) if !kind.contains('/') => return None,
            _ => ("file", setting.value.as_str()),
        };
        Some(value_text(&format!("{kind}:{}", located(setting.file, path))))
    };
    for setting in [signing, keys] {
        if dataset(setting).is_none() {
            imported.note(setting, format_args!("nothing is signed: {DATABASE}"));
        }
    }
    let path = keys.value.split_once(':').map_or(keys.value.as_str(), |(_, path)| path);
    let path = located(keys.file, path);
    let text = (options.fetch)(&path).map(Zeroizing::new);
    if text.is_some_and(|text| !Parted::of(&text).keys.is_empty()) {
        imported.note(
            keys,
            format_args!("keys stand in it, and stay there: it must belong to the user that dkimgate runs as, with chmod 0600 {path}"),
        );
    }
    yaml.raw(2, "# OpenDKIM's own tables, as they are.");
    yaml.raw(2, &format!("- signing_table: {}", dataset(signing)?));
    yaml.raw(4, &format!("key_table: {}", dataset(keys)?));
    if options.last("MultipleSignatures").is_some_and(Setting::is_on) {
        yaml.option(4, "multiple", "true");
    }
    Some(())
}

fn write_rule(
    yaml: &mut Yaml,
    options: &Options<'_>,
    keyfile: &Setting<'_>,
    imported: &mut Imported,
) -> Option<()> {
    let domains = options.list("Domain", imported);
    if domains.is_empty() || domains.iter().any(|domain| domain.contains('*')) {
        imported.remark(
            "nothing is signed: Domain has to name the domains, without `*`; put them into `domain` of a rule in \
             proxy-out.yaml",
        );
        return None;
    }
    yaml.raw(2, &format!("- domain: {}", list_text(&domains)));
    if options.last("SubDomains").is_some_and(Setting::is_on) {
        yaml.option(4, "subdomains", "true");
    }
    yaml.option(4, "selector", options.value("Selector").unwrap_or("default"));
    yaml.option(4, "keyfile", &located(keyfile.file, &keyfile.value));
    Some(())
}

fn write_style(yaml: &mut Yaml, options: &Options<'_>, imported: &mut Imported) {
    let said = options.last("Canonicalization");
    match said.map(|setting| (setting, Canonicalization::parse(&setting.value.to_ascii_lowercase()))) {
        Some((_, Some(canonicalization))) => {
            yaml.raw(4, "# As it was. relaxed/relaxed, the default here, also survives changes of white space in the body.");
            yaml.option(4, "canonicalization", &canonicalization.to_string());
        }
        Some((setting, None)) => imported.note(setting, "no form of DKIM; relaxed/relaxed is used"),
        None => imported.remark("Canonicalization was simple/simple, OpenDKIM's default, which hardly any mail survives; it is relaxed/relaxed now"),
    }
    match options.last("SignatureAlgorithm").map(|setting| (setting, Algorithm::parse(&setting.value))) {
        Some((setting, Some(Algorithm::RsaSha1))) => {
            imported.note(setting, "rsa-sha1 may not be signed with any more (RFC 8301): rsa-sha256 is used");
        }
        // With a table the keys decide, which may be of both types.
        Some((_, Some(algorithm))) if options.last("SigningTable").is_none() => {
            yaml.option(4, "algorithm", algorithm.name());
        }
        Some((_, Some(_))) | None => {}
        Some((setting, None)) => imported.note(setting, "not known, left out"),
    }
    if let Some(ttl) = options.number("SignatureTTL", imported) {
        yaml.option(4, "expire", &format!("{ttl}s"));
    }
    write_fields(yaml, options, imported);
}

fn write_fields(yaml: &mut Yaml, options: &Options<'_>, imported: &mut Imported) {
    let mut names = options.list("SignHeaders", imported);
    let is_plain = |name: &String| name.starts_with(|c: char| c.is_ascii_alphanumeric());
    match options.last("SignHeaders") {
        Some(setting) if !names.iter().all(is_plain) => imported.note(
            setting,
            "what is added to the default with `*`, `+` or `-` has to be written out in `fields`",
        ),
        Some(_) if !names.is_empty() => {
            if !names.iter().any(|name| name.eq_ignore_ascii_case("From")) {
                names.insert(0, "From".to_owned());
            }
            yaml.raw(4, &format!("fields: {}", list_text(&names)));
        }
        _ => {}
    }
    let Some(setting) = options.last("OversignHeaders") else { return };
    match options.list("OversignHeaders", imported).as_slice() {
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
